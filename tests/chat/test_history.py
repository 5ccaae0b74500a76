"""`/history` and the chart of *Details*: what was, in words that stand by themselves, with a picture."""

from datetime import timedelta

import pytest
import simcord
from simcord.results import ResponseMessage

from bot.chat.alerts import Roles, alert
from bot.chat.buttons import past, pictured
from bot.chat.cards.past import described_token, pictured_ahead
from bot.chat.charts import studio
from bot.chat.charts import token as drawn
from bot.chat.client import ChatClient
from bot.domain.incidents import Rule, Stage
from bot.domain.ledger import apply
from bot.domain.model import Token
from bot.domain.sample import Sample, sample_of
from bot.domain.value import replace
from bot.storage.store import StoreUnavailableError
from tests.chat.builders import NOON, fleet, incident, message, token
from tests.chat.conftest import World

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def left(hours: float, number: int = 1900, status: str = "FAST", of: float = 15) -> Token:
    """With so much of so many hours left."""
    return token(number, status, fast_time_remaining=f"{hours:.2f}/{of:.1f} hours ({100 * hours / of:.2f}%)")


def watched(world: World, number: int = 1900, days: float = 8, use: float = 0.05) -> None:
    """It was read each hour for so long, and each time had so much less; a ledger knows."""
    hours = int(days * 24)
    readings = [(NOON - (hours - index) * HOUR, left(13 - use * index, number)) for index in range(hours + 1)]
    ledger = None
    for at, each in readings:
        ledger = apply(ledger, each, at, world.desk.policy.zone)
    assert ledger is not None
    now = readings[-1][1]
    known, desk = world.desk.known, world.desk
    desk.known = replace(known, ledgers={**known.ledgers, number: ledger})
    desk.fleet = replace(desk.fleet, tokens={**desk.fleet.tokens, number: now})
    desk.samples[number] = [sample_of(each, at) for at, each in readings]


async def asked(world: World, **options: object) -> ResponseMessage:
    """The answer to it."""
    result = await world.operator.slash(world.channel, "history", **options)
    assert result.ephemeral is not bool(options.get("share", False))
    assert result.response is not None
    return result.response


async def refusal(world: World, **options: object) -> str:
    """What it says to somebody who asked for what there is not."""
    answer = await asked(world, **options)
    assert world.env.errors  # simcord asks whether the test knows that the command was broken off
    return answer.content


async def test_the_first_line_says_what_was_used_and_what_is_left_and_the_second_whether_it_lasts(world: World) -> None:
    watched(world)
    answer = await asked(world, token=1900)
    first, second, *_ = answer.content.splitlines()
    assert first == "**Token 1900 used 8.4 h of fast time in the last 7 days; 3.4 of 15 h left**"
    assert "not last** until Wed 7 Jan" in second
    assert "**Status** FAST all the time" in answer.content
    assert "Daily use `" in answer.content


async def test_whether_it_lasts_is_said_by_a_clock_that_goes_on_as_well(world: World) -> None:
    """What ends now ends a moment before whoever draws it looks at the clock again."""
    watched(world)
    world.desk.passes = timedelta(milliseconds=1)
    answer = await asked(world, token=1900)
    assert "not last** until Wed 7 Jan" in answer.content
    assert "it renews 7 Jan 13:00." in str(answer.attachments[0].description)


async def test_the_chart_comes_with_alternative_text_that_says_what_it_shows(world: World) -> None:
    watched(world)
    (picture,) = (await asked(world, token=1900)).attachments
    assert picture.filename == "chart.png"
    assert picture.description is not None
    assert picture.description.startswith("Chart of token 1900, the last 7 days. Fast time goes from 11.8 h to 3.4 h;")
    assert "Status: FAST 7 d." in picture.description
    assert "Expected to be empty 5 Jan, 3 Jan at the earliest; it renews 7 Jan 13:00." in picture.description
    assert not set("*<>`") & set(picture.description)
    assert (await picture.read())[:4] == b"\x89PNG"


async def test_what_is_to_come_is_shown_up_to_the_edge_of_the_picture_and_said_as_of_there(world: World) -> None:
    """Of the points of a fan, which are hours apart, none is there."""
    watched(world)
    client = world.env.bot
    assert isinstance(client, ChatClient)
    last = await past.past_of(client, 1900, NOON - DAY, None, "the last 24 hours")
    assert pictured_ahead(last)[-1].at == last.now + (last.now - last.trace.since)
    assert "Expected 2 Jan 13:0" in described_token(last)
    week = await past.past_of(client, 1900, NOON - 7 * DAY, None, "the last 7 days")
    assert week.said is not None
    assert next(each.at for each in pictured_ahead(week) if each.middle <= 0) == week.said.dry_at
    assert "Alert 1 Jan 13:00." in described_token(week, ((NOON, "alert"),))


async def test_a_text_does_not_wait_long_for_its_picture_which_comes_by_an_edit(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictured, "MOMENT", timedelta())
    watched(world)
    answer = await asked(world, token=1900)
    edits = [str(said) for _, what, said in world.env.backend.transcript if what.startswith("PATCH /webhooks/")]
    assert [pictured.COMING in said for said in edits] == [True, False]
    assert pictured.COMING not in answer.content
    assert answer.attachments[0].description


@pytest.mark.parametrize(
    ("place", "broken"),
    [
        ((studio, "PATIENCE"), timedelta()),
        ((studio, "WIDTH"), "1\0"),  # which no process takes for an argument
        ((drawn, "_TIMES"), None),
    ],
    ids=["late", "not begun", "not made"],
)
async def test_where_there_can_be_no_picture_the_text_says_so_and_stands(
    world: World, monkeypatch: pytest.MonkeyPatch, place: tuple[object, str], broken: object
) -> None:
    monkeypatch.setattr(*place, broken)
    watched(world)
    answer = await asked(world, token=1900)
    assert answer.content.startswith("**Token 1900 used 8.4 h")
    assert answer.content.endswith(pictured.MISSING)
    assert not answer.attachments


@pytest.mark.parametrize(("span", "used"), [("24h", "1.2 h"), ("30d", "9.6 h")])
async def test_how_far_back_is_chosen(world: World, span: str, used: str) -> None:
    watched(world)
    answer = await asked(world, token=1900, range=span)
    assert f"used {used} of fast time" in answer.content
    assert ("Watched** since" in answer.content) is (span == "30d")


async def test_what_was_not_read_when_the_time_began_is_a_gap_and_not_a_token_that_is_new(world: World) -> None:
    watched(world)
    kept = world.desk.samples[1900]
    away = range(-4 * 24, -12)
    world.desk.samples[1900] = [each for each in kept if (each.at - NOON) / HOUR not in away]
    answer = await asked(world, token=1900, range="24h")
    assert "of fast time in the last 24 hours; " in answer.content.splitlines()[0]
    assert "Watched" not in answer.content
    assert "**Not read** for 11 h 59 min, from " in answer.content


async def test_a_cycle_begins_at_the_last_refill_and_is_refused_where_nobody_knows_it(world: World) -> None:
    watched(world, days=40, use=0.01)
    answer = await asked(world, token=1900, range="cycle")
    assert "in this cycle; " in answer.content.splitlines()[0]
    assert "Expected 7 Jan" in (answer.attachments[0].description or "")
    desk = world.desk
    desk.fleet = replace(desk.fleet, tokens={1900: token(1900, subscription="")})
    assert "It is not known when token 1900 was refilled last" in await refusal(world, token=1900, range="cycle")


def samples(*read: tuple[float, Token]) -> list[Sample]:
    """Read so many hours before noon."""
    return [sample_of(each, NOON - hours * HOUR) for hours, each in read]


NOTHING = fleet(token(1900, fast_time_remaining=""))
HONEST = {
    "has no past": (
        [],
        "Token 1900 has 13.3 of 15 h left; what it used is not known from one reading",
        "**Watched** since",
    ),
    "one reading": (
        samples((0.1, left(13.3))),
        "what it used is not known from one reading|used no fast time in the",
        "**Watched** since",
    ),
    "a gap": (
        samples((160, left(14)), (159, left(14)), (50, left(13.5)), (49, left(13.5)), (0, left(13.3))),
        "used 42 min of fast time",
        "**Not read** for ",
    ),
    "a refill, bought time and another allowance": (
        samples(
            (5, left(1)), (4, left(15)), (3, left(10)), (2, left(14)), (1, left(20, of=30)), (0, left(13.3, of=30))
        ),
        "used ",
        "**Allowance** 15 h before · 30 h since <t:",
    ),
    "several statuses": (
        samples((4, left(14)), (3, left(14, status="RELAX")), (2, left(14, status="BANNED")), (1, left(14))),
        "used ",
        "**Status** FAST 2 h 1 min · RELAX 1 h · BANNED 1 h · worked 75 % of the time",
    ),
}


@pytest.mark.parametrize("what", HONEST)
async def test_each_past_has_an_honest_answer(world: World, what: str) -> None:
    read, first, also = HONEST[what]
    world.desk.samples[1900] = read
    world.desk.now = NOON
    answer = await asked(world, token=1900)
    assert any(part in answer.content.splitlines()[0] for part in first.split("|")), answer.content
    assert also.replace("2 h 1 min", "2 h") in answer.content.replace("2 h 1 min", "2 h")
    assert answer.attachments


async def test_fast_time_that_is_not_reported_is_not_told_as_none(world: World) -> None:
    unknown = token(1900, fast_time_remaining="who knows")
    world.desk.fleet = fleet(unknown)
    world.desk.samples[1900] = samples((3, unknown), (2, unknown), (1, unknown))
    answer = await asked(world, token=1900)
    assert answer.content.splitlines()[0] == "**Token 1900 did not report its fast time in the last 7 days**"
    assert answer.attachments[0].description is not None
    assert "No fast time is known." in answer.attachments[0].description


async def test_a_token_that_is_no_longer_listed_still_has_its_past_and_one_that_never_was_has_none(
    world: World,
) -> None:
    world.desk.samples[1899] = samples((30, left(13, 1899)), (29, left(12, 1899)), (28, left(11, 1899)))
    answer = await asked(world, token=1899)
    assert answer.content.startswith("**Token 1899 used 2 h of fast time in")
    assert "11 h left" in answer.content
    assert "There is no token 7." in await refusal(world, token=7)


async def test_several_are_told_together_and_the_worst_are_drawn(world: World) -> None:
    world.desk.fleet = fleet(*(left(13, number) for number in range(1900, 1920)))
    for number in range(1900, 1915):
        watched(world, number, use=0.001 * (number - 1899))
    answer = await asked(world, tokens="1900-1914")
    first, *rows = answer.content.splitlines()
    assert first.startswith("**15 tokens used ")
    assert "of fast time since 26 Dec; " in first
    assert sum(row.startswith("🟢 **19") for row in rows) == 12
    assert rows[-1] == "and 3 more, which stand better"
    (picture,) = answer.attachments
    assert picture.description is not None
    assert picture.description.startswith("Small charts of fast time and status of tokens 19")


async def test_what_is_left_is_on_tokens_that_work_as_on_boards_and_in_tokens(world: World) -> None:
    world.desk.fleet = fleet(left(13, 1900), left(9, 1901), left(5, 1902, "BANNED"))
    assert "; 22 h left on the 2 that work**" in (await asked(world)).content
    world.desk.fleet = fleet(left(13, 1900, "BANNED"), left(9, 1901, "VERIFYING"))
    assert (await asked(world)).content.startswith("**2 tokens used an unknown amount; none works**")


async def test_without_a_token_it_is_about_the_fleet(world: World) -> None:
    answer = await asked(world, share=True)
    assert answer.content.startswith("**3 tokens used an unknown amount; ")
    assert "🔴 **1901** BANNED" in answer.content
    assert answer.attachments


async def test_what_cannot_be_shown_is_refused_with_how_to_ask(world: World) -> None:
    assert "not both" in await refusal(world, token=1900, tokens="1900")
    assert "is no token" in await refusal(world, tokens="all of them")
    assert "cycle of its own" in await refusal(world, range="cycle")
    world.desk.fleet = fleet()
    assert "no token yet" in await refusal(world)


async def test_one_of_several_is_shown_as_one(world: World) -> None:
    watched(world)
    assert (await asked(world, tokens="1900")).content.startswith("**Token 1900 used ")


async def test_a_database_that_is_away_is_told(world: World) -> None:
    world.desk.broken = StoreUnavailableError("gone")
    assert "The database does not answer" in await refusal(world, token=1900)


async def test_every_card_has_the_last_days_in_a_line_of_text(world: World) -> None:
    watched(world)
    result = await world.operator.slash(world.channel, "token", id=1900)
    assert result.response is not None
    bars = "Daily use `▇▇▇▇▇▇▅` to 1 Jan, peak\u00a01.2\u00a0h"
    assert bars in (result.response.embeds[0].description or "")
    told = incident(Rule.FAST_TIME_LOW, now=left(3).record, step="20%", detail="20%")
    shown = alert(message(told), world.desk.fleet, Roles(), ledger=world.desk.known.ledgers.get)
    assert bars in (shown.embeds[0].description or "")
    over = replace(told, stage=Stage.RESOLVED, resolved_at=NOON)
    shown = alert(message(over), world.desk.fleet, Roles(), ledger=world.desk.known.ledgers.get)
    assert "Daily use" not in (shown.embeds[0].description or "")


# Details.


async def details(world: World) -> simcord.InteractionResult:
    """Somebody presses it under the message of an alert."""
    posted = await world.post(incident(Rule.BANNED, now=token(1900, "BANNED").record))
    return await world.operator.click(posted, custom_id="incident:details:57")


async def test_details_show_the_day_around_the_alert(world: World) -> None:
    watched(world)
    result = await details(world)
    assert result.response is not None
    (card,) = result.response.embeds
    assert "Token 1900" in (card.title or "")
    (picture,) = result.response.attachments
    assert picture.description is not None
    assert picture.description.startswith("Chart of token 1900, the 24 hours around the alert.")
    assert "Status: FAST" in picture.description
    assert "Expected" not in picture.description
    world.desk.upstream[1900] = left(3)
    refreshed = await world.operator.click(result.response, label="Refresh")
    assert refreshed.response is not None
    assert not refreshed.response.attachments, "it is older than the numbers are now"
    assert "image" not in refreshed.response.embeds[0].to_dict()


async def test_details_show_the_card_where_its_past_cannot_be_read(world: World) -> None:
    posted = await world.post(incident(Rule.BANNED, now=token(1900, "BANNED").record))

    class NoHistory(type(world.desk)):  # type: ignore[misc] # a desk, whose class is known only here
        async def history(self, *_: object) -> object:
            reason = "gone"
            raise StoreUnavailableError(reason)

    world.desk.__class__ = NoHistory
    result = await world.operator.click(posted, custom_id="incident:details:57")
    assert result.response is not None
    assert result.response.embeds
    assert not result.response.attachments
