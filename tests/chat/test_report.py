"""`/report`: a week or a month in the words of whoever is on call, and its incidents as a file."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest
import simcord

from bot.chat.alerts import Roles, alert
from bot.chat.commands import exporting, reporting
from bot.domain import sums
from bot.domain.groups import Group
from bot.domain.incidents import Key, Rule
from bot.domain.labels import Name
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.report import Every
from bot.domain.sums import Fact
from bot.domain.value import replace
from bot.storage.store import StoreUnavailableError
from tests.chat.conftest import World
from tests.domain.test_report import fact as last_week

NOW = datetime(2026, 1, 1, 12, 1, tzinfo=UTC)
"""A Thursday."""
MONDAY = datetime(2025, 12, 21, 23, tzinfo=UTC)
"""In Berlin, of the week before."""
MOVED = MONDAY - datetime(2026, 11, 23, tzinfo=UTC)
HOUR = timedelta(hours=1)
HEADLINE = (
    "5 incidents last week, 2 pages, answered in 3 min (median), over in 45 min (median); "
    "noisiest: fast time low of 1900, 4 sounds"
)


def fact(
    hours: float = 10,
    token: int | None = 1900,
    rule: Rule = Rule.BANNED,
    *,
    lasts: float | None = 2,
    severity: Severity = Severity.CRITICAL,
    taken: tuple[tuple[float, int], ...] = (),
    sounds: tuple[float, ...] = (0,),
    called: int | None = None,
) -> Fact:
    """What fired so many hours after last week began, in Berlin."""
    found = last_week(hours, token, rule, lasts=lasts, severity=severity, taken=taken, sounds=sounds, called=called)
    return replace(
        found,
        opened=found.opened + MOVED,
        fired=found.fired + MOVED,
        notified=found.notified and found.notified + MOVED,
        ended=found.ended and found.ended + MOVED,
        severities=tuple((at + MOVED, each) for at, each in found.severities),
        taken=tuple((at + MOVED, who) for at, who in found.taken),
        sounds=tuple(at + MOVED for at in found.sounds),
    )


async def ask(world: World, every: str = "week", **options: object) -> simcord.InteractionResult:
    """What is answered."""
    return await world.operator.slash(world.channel, f"report {every}", **options)


def shown(result: simcord.InteractionResult) -> str:
    """What its card says."""
    assert result.response is not None
    (embed,) = result.response.embeds
    return str(embed.description)


async def text(result: simcord.InteractionResult) -> str:
    """What the file says."""
    assert result.response is not None
    (file,) = result.response.attachments
    return (await file.read()).decode()


async def refused(world: World, every: str = "week", **options: object) -> str:
    """The sentence of an answer that says why there is none."""
    result = await ask(world, every, **options)
    assert world.env.errors  # simcord asks whether the test knows that the command was broken off
    found = [result.response, *result.followups]
    return "\n".join(each.content for each in found if each is not None).replace("\\-", "-").replace("\\", "")


async def test_what_nobody_acknowledged_is_said_once(world: World) -> None:
    world.desk.facts_ = [fact(1)]
    assert "**Acknowledged:** 1 by nobody, a page" in shown(await ask(world)).splitlines()


async def test_the_answer_is_the_first_line_and_what_follows_fits_a_phone(world: World) -> None:
    world.desk.facts_ = [
        fact(1, taken=((0.05, 41),), called=41, lasts=0.5),
        fact(3, 1901, taken=((0.1, 42),), called=41, lasts=0.75, severity=Severity.WARNING),
        *(
            fact(
                hour,
                1900,
                Rule.FAST_TIME_LOW,
                lasts=1,
                severity=Severity.WARNING,
                sounds=(0, 0.5),
            )
            for hour in (20, 30)
        ),
        fact(40, None, Rule.POOL, lasts=None),
        fact(-40, 1902),
    ]
    result = await ask(world)
    assert result.ephemeral
    lines = [line for line in shown(result).splitlines() if line.strip("\u200b")]
    assert lines == [
        f"📊 **{HEADLINE}**",
        "**Against the week before**: 4 more incidents, 1 more page, 6 more sounds (then 1, 1 and 1)",
        "**Severity:** 2 critical and 3 warning · 1 still open",
        "**Acknowledged:** 2 after 3 min in the median, 6 min at the slowest · 3 by nobody, 1 page among them",
        "**Over:** 4 after 45 min in the median, 1 h at the slowest",
        "**Who was on call**",
        "Nobody: 3 incidents, 1 page, none acknowledged",
        "<@41>: 2 incidents, 1 page, answered in 3 min (median) by <@41> (1) and <@42> (1)",
        "**Worst tokens**",
        "1900: 3 incidents, 1 page, open for 2 h 30 min",
        "The fleet and ImaginePro: 1 incident, 1 page, open for 5 d 8 h",
        "1901: 1 incident, open for 45 min",
        "**7 sounds**. Silencing this would have spared:",
        "Fast time low of 1900: 4 sounds",
        "Banned: 2 sounds",
        "Pool: 1 sound",
        "Banned of 1900: 1 sound",
        "Banned of 1901: 1 sound",
        "The week of 22 to 28 Dec, Europe/Berlin",
    ]


async def test_the_file_has_a_line_an_incident_as_of_the_end_of_the_week(world: World) -> None:
    world.desk.facts_ = [
        fact(1, taken=((0.05, 1234567890123456789),), called=1234567890123456788, lasts=0.5, sounds=(0, 0.25)),
        fact(2, None, Rule.POOL, lasts=400, severity=Severity.WARNING),
        fact(3, 1950, Rule.NEW, lasts=0, severity=Severity.INFO),
        fact(4, 1901, sounds=()),
    ]
    written = await text(await ask(world))
    assert written.startswith(",".join(reporting.COLUMNS) + "\r\n")
    first, second, third, fourth = csv.DictReader(io.StringIO(written))
    assert first == {
        "opened_utc": "2025-12-22 00:00:00",
        "opened_local": "2025-12-22 01:00:00",
        "ended_utc": "2025-12-22 00:30:00",
        "ended_local": "2025-12-22 01:30:00",
        "end": "resolved",
        "rule": "banned",
        "token": "1900",
        "name": "",
        "severity": "critical",
        "counted_as": "incident",
        "on_call": "<@1234567890123456788>",
        "acknowledged_by": "<@1234567890123456789>",
        "acknowledged_utc": "2025-12-22 00:03:00",
        "seconds_to_acknowledge": "180",
        "seconds_to_resolve": "1800",
        "sounds": "2",
        "notes": "0",
    }
    assert (second["end"], second["ended_utc"], second["seconds_to_resolve"]) == ("open", "", "")
    assert [each["counted_as"] for each in (second, third, fourth)] == ["incident", "momentary", "suppressed"]


@pytest.mark.parametrize("text_", ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1"])
def test_a_name_is_no_formula(text_: str) -> None:
    assert not reporting.safe(text_).startswith(("=", "+", "-", "@", "\t"))
    assert reporting.safe("ana's Pro") == "ana's Pro"


async def test_a_week_without_incidents_is_said_to_be_one_and_has_no_file(world: World) -> None:
    result = await ask(world)
    assert shown(result).startswith("📊 **No incidents last week**")
    assert result.response is not None
    assert not result.response.attachments


@pytest.mark.parametrize(
    ("every", "which", "expected"),
    [
        ("week", "this", "this week so far"),
        ("week", " This  Week ", "this week so far"),
        ("week", "last", "last week"),
        ("week", "1", "last week"),
        ("week", "2 weeks ago", "in the week of 15 to 21 Dec"),
        ("week", "2w", "in the week of 15 to 21 Dec"),
        ("week", "2025-12-03", "in the week of 1 to 7 Dec"),
        ("week", "2025-12-29", "this week so far"),
        ("month", "this", "this month so far"),
        ("month", "last", "last month"),
        ("month", "2 months ago", "in November 2025"),
        ("month", "2025-11", "in November 2025"),
        ("month", "2025-11-18", "in November 2025"),
    ],
)
async def test_a_week_or_month_is_asked_for_as_people_say_it(
    world: World, every: str, which: str, expected: str
) -> None:
    assert shown(await ask(world, every, of=which)).startswith(f"📊 **No incidents {expected}")


@pytest.mark.parametrize(
    ("every", "which", "expected"),
    [
        ("week", "whenever", "“whenever” is no week: write this, last, 2 weeks ago, or 2025-12-22."),
        ("week", "2 months ago", "“2 months ago” is no week"),
        ("week", "9999", "“9999” is no week"),
        ("week", "2025-02-30", "“2025-02-30” is no week"),
        ("month", "2025-13", "“2025-13” is no month: write this, last, 2 months ago, or 2025-12."),
        ("month", "0001-01-01", "“0001-01-01” is no month"),
        ("month", "2024-02-29", "Nothing is kept of February 2024"),
        ("week", "9999-12-31", "“9999-12-31” is no week"),
        (
            "week",
            "2026-01-12",
            "The week of 12 to 18 Jan 2026 has not begun. It is 2026-01-01 13:01 (Europe/Berlin) now.",
        ),
        (
            "week",
            "30 weeks ago",
            "Nothing is kept of the week of 2 to 8 Jun 2025: what ended is deleted after 90 days.",
        ),
    ],
)
async def test_what_cannot_be_is_refused_in_a_sentence(world: World, every: str, which: str, expected: str) -> None:
    assert expected in await refused(world, every, of=which)


async def test_one_that_is_older_than_what_is_kept_says_from_when_on_it_counts(world: World) -> None:
    result = shown(await ask(world, "month", of="3 months ago"))
    assert "is not known, or no longer kept: this counts the rest" in result
    assert "Against" not in result


async def test_where_the_bot_was_installed_in_the_week_before_nothing_is_compared(world: World) -> None:
    world.desk.first = MONDAY - 24 * HOUR
    world.desk.facts_ = [fact()]
    result = shown(await ask(world))
    assert "Against" not in result
    assert "not known" not in result


async def test_a_group_has_a_report_of_its_tokens_and_of_its_levels_alone(world: World) -> None:
    group = Group("Studio", ((1900, 1901),))
    await world.desk.decide(group, "group set", 41)
    world.desk.facts_ = [fact(1), fact(2, 1901), fact(3, 1950), fact(4, None, Rule.POOL)]
    result = await ask(world, group="studio")
    assert shown(result).startswith("📊 **2 incidents last week of Studio, 2 pages, none acknowledged")
    assert len(list(csv.DictReader(io.StringIO(await text(result))))) == 2
    whole = replace(fact(4, None, Rule.POOL), key=Key(Rule.POOL, None, "usable").of_group("Studio"))
    world.desk.facts_ += [whole, replace(whole, key=whole.key.of_group("attic"))]
    result = await ask(world, group="studio")
    assert shown(result).startswith("📊 **3 incidents last week of Studio, 3 pages")
    assert "Studio as a whole: 1 incident, 1 page" in shown(result)
    assert "The fleet and ImaginePro" not in shown(result)
    rows = [each["name"] for each in csv.DictReader(io.StringIO(await text(result))) if each["rule"] == "pool"]
    assert rows == ["Studio"]
    assert "There is no group “attic”. `/group list` shows those that there are." in await refused(world, group="attic")
    found = await world.operator.autocomplete(world.channel, "report week", "group", "")
    assert [each["value"] for each in found] == ["Studio"]


async def test_tokens_are_said_by_their_names_and_no_name_is_markup_or_a_formula(world: World) -> None:
    names = Name(1900, "ana's **Pro**", 41), Name(1901, "=1+1", 41)
    for each in names:
        await world.desk.decide(each, "name", 41)
    world.desk.facts_ = [fact(1), fact(2), fact(3, 1901)]
    result = await ask(world)
    assert "ana's \\*\\*Pro\\*\\* (1900): 2 incidents" in shown(result)
    assert "noisiest: banned of ana's" in shown(result)
    found = [each["name"] for each in csv.DictReader(io.StringIO(await text(result)))]
    assert found == ["ana's **Pro**", "ana's **Pro**", "'=1+1"]


async def test_others_see_it_only_where_that_is_asked_for(world: World) -> None:
    assert not (await ask(world, share=True)).ephemeral


async def test_what_is_suggested_has_its_days(world: World) -> None:
    found = await world.operator.autocomplete(world.channel, "report week", "of", "")
    assert [each["name"] for each in found][:3] == [
        "this week so far (29 Dec to 4 Jan)",
        "last week (22 to 28 Dec)",
        "2 weeks ago (15 to 21 Dec)",
    ]
    assert [each["value"] for each in found][:3] == ["this", "last", "2 weeks ago"]
    found = await world.operator.autocomplete(world.channel, "report month", "of", "nov")
    assert [each["name"] for each in found] == ["2 months ago (November 2025)"]


async def test_a_file_that_would_be_too_large_ends_before_and_says_so(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.desk.facts_ = [fact(hour / 10) for hour in range(100)]
    monkeypatch.setattr(reporting, "LARGEST", 2000)
    assert exporting.LARGEST > 2000
    result = await ask(world)
    written = await text(result)
    assert len(written) <= 2000
    left = 100 - len(list(csv.DictReader(io.StringIO(written))))
    assert f"The file has no room for {left} of them" in shown(result)


async def test_a_database_that_does_not_answer_is_said_to_be_one(world: World) -> None:
    world.desk.broken = StoreUnavailableError("gone")
    assert "The database does not answer" in await refused(world)


async def test_a_very_long_report_fits_an_embed(world: World) -> None:
    rules = [rule for rule in Rule if rule not in {Rule.BASELINE, Rule.TEST}]
    world.desk.facts_ = [
        fact(number / 20, 10**18 + number, rules[number % len(rules)], called=10**18 + number % 50, taken=((1, 41),))
        for number in range(3000)
    ]
    answer = shown(await ask(world))
    assert len(answer) < 4096
    assert "and 42 more people" in answer


def test_every_period_that_is_suggested_can_be_asked_for() -> None:
    for every in Every:
        for _, value in reporting.suggestions(every, NOW.date(), 4):
            assert reporting.asked(every, value, NOW, ZoneInfo("UTC")).every is every


async def schedule(world: World, **options: object) -> str:
    """What is answered."""
    result = await world.operator.slash(world.channel, "report schedule", **options)
    assert result.ephemeral
    assert result.response is not None
    return result.response.content


async def test_a_report_is_posted_each_week_until_somebody_takes_that_back(world: World) -> None:
    assert await schedule(world) == "No report is posted by itself."
    answer = await schedule(world, every="week")
    due = int(datetime(2026, 1, 5, 8, tzinfo=UTC).timestamp())
    assert answer == (
        f"A report of each week is posted in <#{world.channel.id}> on Mondays, at 09:00 (Europe/Berlin), without a "
        f"sound; the next one <t:{due}:f>. Wanted by <@{world.operator.id}>."
    )
    assert await schedule(world) == answer
    assert await schedule(world, every="week") == f"That is so already. {answer}"
    assert "on the first day of the next one" in await schedule(world, every="month")
    assert await schedule(world, every="never") == "From now on no report is posted by itself."
    assert await schedule(world, every="never") == "No report is posted by itself."
    assert [(each.act, each.what) for each in world.desk.trail] == [
        ("report schedule", "a report each week"),
        ("report schedule", "a report each month"),
        ("report schedule", "a report each month"),
    ]


async def test_a_report_that_is_posted_by_itself_makes_no_sound_and_pings_nobody(world: World) -> None:
    facts = [fact(hour, 1900 + hour, called=41, taken=((0.1, 41),)) for hour in range(40)]
    about = reporting.asked(Every.WEEK, None, NOW, ZoneInfo("Europe/Berlin"))
    made = sums.brief(sums.report(facts, about, NOW, ZoneInfo("Europe/Berlin")))
    notice = Notice(NoticeKind.REPORT, NOW, report=made)
    shown_ = alert(Message(3, "k3f9-3", (), version=1, notice=notice), world.desk.fleet, Roles(alert=5))
    assert shown_.silent
    assert shown_.content.startswith("📊 **40 incidents last week, 40 pages, answered in 6 min (median)")
    assert not shown_.allowed_mentions.to_dict().get("roles")
    (embed,) = shown_.embeds
    assert embed.footer.text == "ref k3f9-3"
    assert len(msgspec.json.encode(notice)) < 6000, "it is stored"
