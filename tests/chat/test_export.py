"""`/export`: a file of what was read, in the words and times of whoever opens it, as large as Discord takes."""

import csv
import io
import re
from collections.abc import Collection, Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import simcord

from bot.chat.commands import exporting
from bot.chat.commands.exporting import COLUMNS, parts
from bot.domain.model import Status
from bot.domain.sample import Sample
from bot.domain.value import replace
from bot.storage.store import StoreUnavailableError
from tests.chat.conftest import FakeDesk, World
from tests.chat.test_commands import said

BERLIN = ZoneInfo("Europe/Berlin")


def sample(at: datetime, token: int = 1900, **figures: object) -> Sample:
    """What was read of a token then."""
    read = Sample(token, at, Status.FAST, active=True, fast_time=798.6, allowance=900.0, queued=3, images=674)
    return replace(read, **figures)  # type: ignore[arg-type] # of whatever is asked for


def hours(desk: FakeDesk, token: int, days: float) -> list[Sample]:
    """A sample an hour of so many days, the last one just now."""
    found = [sample(desk.now - timedelta(hours=hour), token, images=hour) for hour in range(int(days * 24), -1, -1)]
    desk.samples[token] = found
    return found


async def ask(world: World, **options: object) -> simcord.InteractionResult:
    """What is answered; `begin` and `end` for `from` and `to`."""
    names = {"begin": "from", "end": "to"}
    return await world.operator.slash(
        world.channel, "export", **{names.get(name, name): value for name, value in options.items()}
    )


async def refused(world: World, **options: object) -> str:
    """The sentence of an answer that says why there is none."""
    result = await ask(world, **options)
    assert world.env.errors  # simcord asks whether the test knows that the command was broken off
    assert result.ephemeral
    said_so = [result.response, *result.followups]
    assert await files(result) == []
    return "\n".join(each.content for each in said_so if each is not None).replace("\\-", "-")


async def files(result: simcord.InteractionResult) -> list[str]:
    """The texts of the files of an answer, in their order."""
    assert result.response is not None
    found = [each for message in (result.response, *result.followups) for each in message.attachments]
    return [(await each.read()).decode() for each in found]


def lines(text: str) -> list[dict[str, str]]:
    """The lines of a file, by their columns."""
    return list(csv.DictReader(io.StringIO(text)))


async def times(result: simcord.InteractionResult) -> list[str]:
    """When the first and the last line of an answer were read."""
    found = [line["utc"] for text in await files(result) for line in lines(text)]
    return [found[0], found[-1]]


async def test_a_line_says_what_was_read_and_leaves_empty_what_was_not(world: World) -> None:
    at = world.desk.now - timedelta(minutes=9)
    world.desk.samples[1900] = [
        sample(at),
        sample(at + timedelta(seconds=61), status=Status.UNKNOWN, active=None, fast_time=None, allowance=None,
               queued=None, images=None),
        sample(at + timedelta(minutes=5), status=Status.BANNED, active=False, fast_time=-0.6, allowance=6e13,
               queued=0, images=10**12),
    ]  # fmt: skip
    result = await ask(world, token=1900)
    assert result.ephemeral
    (first, *_) = [each.json for each in world.env.http_requests if each.path.endswith("/callback")]
    assert first == {"type": 5, "data": {"flags": 64}}, "at once, before anything is read"
    assert said(result).startswith(
        "**3 readings** of token 1900, 2025-12-02 13:01 to 2026-01-01 13:01 (Europe/Berlin)."
    )
    (text,) = await files(result)
    assert text.split("\r\n") == [
        "token,utc,local,status,active,fast_time_minutes,allowance_minutes,queued_jobs,images,name",
        "1900,2026-01-01 11:52:00,2026-01-01 12:52:00,FAST,yes,798.6,900,3,674,",
        "1900,2026-01-01 11:53:01,2026-01-01 12:53:01,UNKNOWN,,,,,,",
        "1900,2026-01-01 11:57:00,2026-01-01 12:57:00,BANNED,no,-0.6,60000000000000,0,1000000000000,",
        "",
    ]


async def test_all_tokens_are_exported_unless_somebody_names_some(world: World) -> None:
    for token in (1900, 1901, 1950):
        hours(world.desk, token, 2)
    everything = await ask(world)
    assert said(everything).startswith("**147 readings** of 3 tokens")
    (text,) = await files(everything)
    found = [(line["token"], line["utc"]) for line in lines(text)]
    assert found == sorted(found), "by token, then by time"
    (text,) = await files(await ask(world, tokens="1950, 1900-1900"))
    assert {line["token"] for line in lines(text)} == {"1900", "1950"}
    assert "There is no token 77" in await refused(world, tokens="77")
    assert "not both" in await refused(world, token=1900, tokens="1901")


async def test_others_see_it_only_where_that_is_asked_for(world: World) -> None:
    hours(world.desk, 1900, 1)
    assert not (await ask(world, token=1900, share=True)).ephemeral


@pytest.mark.parametrize(
    ("begin", "end", "first", "last"),
    [
        (None, None, "2025-12-02 12:01:00", "2026-01-01 12:01:00"),
        ("2d", None, "2025-12-30 12:01:00", "2026-01-01 12:01:00"),
        ("2 d ago", "1d", "2025-12-30 12:01:00", "2025-12-31 12:01:00"),
        ("yesterday", "yesterday", "2025-12-30 23:01:00", "2025-12-31 22:01:00"),
        ("2 d", "2026-01-01 12:01", "2025-12-30 12:01:00", "2026-01-01 11:01:00"),
        ("1970-01-01", None, "2025-11-02 12:01:00", "2026-01-01 12:01:00"),
        ("today", "now", "2025-12-31 23:01:00", "2026-01-01 12:01:00"),
        ("2025-12-24", "2025-12-25", "2025-12-23 23:01:00", "2025-12-25 22:01:00"),
        ("2025-12-24 08:00", "2025-12-24 10:00", "2025-12-24 07:01:00", "2025-12-24 08:01:00"),
        ("2025-12-31", "2027-01-01", "2025-12-30 23:01:00", "2026-01-01 12:01:00"),
    ],
)
async def test_days_and_times_are_those_of_the_operators_zone(
    world: World, begin: str | None, end: str | None, first: str, last: str
) -> None:
    hours(world.desk, 1900, 60)
    asked = {name: text for name, text in (("begin", begin), ("end", end)) if text}
    assert await times(await ask(world, token=1900, **asked)) == [first, last]


@pytest.mark.parametrize(
    ("begin", "end", "words"),
    [
        ("soon", None, "“soon” is no time: write 2026-01-01, 2026-01-01 08:00, yesterday or 7d"),
        ("2026-02-30", None, "is no time"),
        ("1d", "2d", "over before it begins"),
        ("2026-01-05", None, "over before it begins: 2026-01-05 00:00 to 2026-01-01 13:01 (Europe/Berlin)"),
        ("999999d", None, "is no time"),
        ("0001-01-02", None, "is no time"),
        (None, "0001-01-02", "is no time"),
        ("7 weeks-or-so", None, "is no time"),
        ("@everyone", None, "“\\@everyone” is no time"),
    ],
)
async def test_what_is_no_time_is_refused_with_a_sentence(
    world: World, begin: str | None, end: str | None, words: str
) -> None:
    hours(world.desk, 1900, 5)
    asked = {name: text for name, text in (("begin", begin), ("end", end)) if text}
    assert words in await refused(world, token=1900, **asked)


async def test_where_nothing_was_kept_it_says_so(world: World) -> None:
    assert said(await ask(world, token=1900)).startswith("Nothing is kept of that time: 2025-12-02 13:01 to")
    assert "There is no token 7." in await refused(world, token=7)
    hours(world.desk, 7, 1)
    assert said(await ask(world, token=7)).startswith("**25 readings** of token 7"), "though it is gone by now"


async def test_a_database_that_does_not_answer_is_said_in_words(world: World) -> None:
    world.desk.broken = StoreUnavailableError("away")
    assert "The database does not answer" in await refused(world, token=1900)


async def test_what_is_longer_than_a_file_comes_in_several_and_ends_with_how_to_get_the_rest(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "LARGEST", 60_000)
    for token in (1900, 1901, 1950):
        hours(world.desk, token, 90)
    result = await ask(world, begin="90d", share=True)
    texts = await files(result)
    assert len(texts) == exporting.MOST
    assert all(10_000 < len(text) <= 60_000 for text in texts)
    assert re.match(r"\*\*\d{3} readings\*\* of 3 tokens, ", said(result))
    words = [each.content for each in result.followups]
    assert re.fullmatch(r"Part 2: \d{3} readings more\.", words[0])
    assert "the last line is token 1901, " in words[-1]
    assert "`tokens:1901-1950`" in words[-1]
    found = [line for text in texts for line in lines(text)]
    assert len({(line["token"], line["utc"]) for line in found}) == len(found), "nothing is there twice"
    monkeypatch.undo()
    rest = [line for text in await files(await ask(world, begin="90d", tokens="1901-1950")) for line in lines(text)]
    both = {(line["token"], line["utc"]) for line in (*found, *rest)}
    assert len(both) == 3 * (90 * 24 + 1), "nothing is lost between the two"


async def test_parts_join_to_what_was_kept_without_the_sample_that_only_begins_a_line(desk: FakeDesk) -> None:
    kept = [each for token in (1900, 1901) for each in hours(desk, token, 100)]
    since = desk.now - timedelta(days=95)
    found = [part async for part in parts(desk, [1900, 1901], since, desk.now, BERLIN, 100_000)]
    assert len(found) == 4
    texts = [lines(part.data.decode()) for part in found]
    assert [len(text) for text in texts] == [part.readings for part in found]
    expected = [(str(each.token), f"{each.at:%F %T}") for each in kept if each.at >= since]
    assert [(line["token"], line["utc"]) for text in texts for line in text] == expected
    assert all(tuple(text[0]) == COLUMNS for text in texts)


async def test_from_long_before_anything_was_kept_a_token_takes_a_few_looks(desk: FakeDesk) -> None:
    kept, looks = hours(desk, 1900, 40), 0

    class Counting(FakeDesk):
        async def history(
            self, tokens: Collection[int], since: datetime, until: datetime
        ) -> Mapping[int, tuple[Sample, ...]]:
            nonlocal looks
            looks += 1
            return await desk.history(tokens, since, until)

    found = parts(Counting(), [1900], datetime(1970, 1, 1, tzinfo=UTC), desk.now, BERLIN, 10**6)
    assert [part.readings async for part in found] == [len(kept)]
    assert looks < 40


async def test_the_rest_of_one_token_is_what_comes_after_the_last_line(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "LARGEST", 20_000)
    hours(world.desk, 1900, 90)
    result = await ask(world, token=1900, begin="90d")
    last = lines((await files(result))[-1])[-1]
    assert f"`from:{last['local'][:-3]}`" in result.followups[-1].content


async def test_where_the_bot_may_attach_no_files_it_says_what_to_allow(world: World) -> None:
    hours(world.desk, 1900, 1)
    world.env.inject_error("PATCH", "/webhooks/*/messages/@original", status=403, code=50013)
    assert "*Attach Files*" in await refused(world, token=1900)


@pytest.mark.parametrize(
    ("name", "cell"),
    [("", ""), ("ana's Pro", "ana's Pro"), ("=1+1", "'=1+1"), ('a,"b"', '"a,""b"""')],
)
def test_a_name_stands_at_the_end_and_is_no_formula(name: str, cell: str) -> None:
    (line,) = exporting.written_as([sample(datetime(2026, 10, 25, tzinfo=UTC))], BERLIN, name)
    assert line.decode().endswith(f",674,{cell}\r\n")


def test_the_hour_that_comes_twice_is_told_apart_by_utc() -> None:
    at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    found = exporting.written_as([sample(at), sample(at + timedelta(hours=1))], BERLIN)
    assert [line.decode().split(",")[1:3] for line in found] == [
        ["2026-10-25 00:30:00", "2026-10-25 02:30:00"],
        ["2026-10-25 01:30:00", "2026-10-25 02:30:00"],
    ]
