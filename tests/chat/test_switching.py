"""Acts by buttons under cards, modes and refreshes: what is offered to whom, and what comes of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import discord
import pytest
import simcord

from bot.chat.alerts import Roles, alert
from bot.chat.buttons.acting import MOST
from bot.chat.buttons.switching import NOTHING
from bot.domain.acts import Act, Kind, State
from bot.domain.incidents import GONE, Incident, Reason, Rule
from bot.domain.model import Fleet, Severity, Token
from bot.domain.value import replace
from bot.imaginepro.errors import NotFoundError
from bot.sandbox.imaginepro import FORBIDDEN, SERVER_ERROR, Upstream, token_record
from tests.chat.builders import fleet, incident, message, record, token
from tests.chat.conftest import World
from tests.chat.test_commands import said
from tests.chat.test_confirm import press, told
from tests.chat.test_toggle import acting, closing, on, sent

BAN = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED"))
BAN_OVER = incident(
    Rule.BANNED, 1901, now=record(1901, "BANNED", active=False), after=timedelta(hours=1), end=Reason.OFF
)
LOW = incident(Rule.FAST_TIME_LOW, 1900, now=record(1900), detail="20%")
BASIC = "Basic (Active monthly, renews next on <t:1767700800>)"
EMPTY = "0.00/15.0 hours (0.00%)"
SIX = timedelta(hours=6)


@pytest.fixture
async def upstream(world: World) -> AsyncIterator[Upstream]:
    """Four tokens; 1901 is banned, 1902 waits for a check, and 1903 is switched off. Jobs take no time."""
    status = {1901: "BANNED", 1902: "VERIFYING"}
    records = [token_record(each, status=status.get(each, "FAST"), active=each != 1903) for each in range(1900, 1904)]
    upstream = Upstream(records, waits=0, runs=0)
    async with acting(world, upstream):
        yield upstream


def offered(*incidents: Incident, tokens: tuple[Token, ...], read_only: bool = False) -> list[str]:
    """The acts among the buttons of a card."""
    view = alert(message(*incidents), fleet(*tokens), Roles(), read_only=read_only).view
    words = [str(getattr(each, "custom_id", "")).split(":")[1] for each in (view.children if view else ())]
    return [each for each in words if each in {"on", "off", "relax"}]


def about(rule: Rule, number: int = 1900, **parts: Any) -> Incident:  # noqa: ANN401 - as `incident` has them
    return incident(rule, number, now=record(number), **parts)


@pytest.mark.parametrize(
    ("rule", "stands", "expected"),
    [
        (Rule.BANNED, token(status="BANNED"), ["off"]),
        (Rule.BANNED, token(status="BANNED", active=False), ["on"]),
        (Rule.VERIFYING, token(status="VERIFYING"), ["off"]),
        (Rule.UNKNOWN_STATUS, token(status="PAUSED"), ["off"]),
        (Rule.FLAPPING, token(), ["off"]),
        (Rule.QUEUE_STUCK, token(), ["off"]),
        (Rule.SUBSCRIPTION, token(), ["off"]),
        (Rule.FROZEN, token(), []),
        (Rule.DEGRADED, token(status="RELAX"), []),
        (Rule.DEGRADED, token(status="RELAX", subscription=BASIC), ["off"]),
        (Rule.FAST_TIME_LOW, token(), ["relax"]),
        (Rule.FAST_TIME_LOW, token(job_mode="Relax"), []),
        (Rule.FAST_TIME_LOW, token(status="RELAX"), []),
        (Rule.FAST_TIME_LOW, token(subscription=BASIC), []),
        (Rule.FAST_TIME_LOW, token(subscription=BASIC, fast_time_remaining=EMPTY), ["off"]),
        (Rule.FAST_TIME_LOW, token(fast_time_remaining=EMPTY), ["relax"]),
        (Rule.DOES_NOT_LAST, token(), ["relax"]),
        (Rule.BURNING_FAST, token(), ["relax"]),
        (Rule.INACTIVE, token(active=False), ["on"]),
        (Rule.NEW, token(), []),
    ],
)
def test_a_card_offers_what_helps_and_nothing_that_is_so_already(
    rule: Rule, stands: Token, expected: list[str]
) -> None:
    detail = GONE if stands.fast_time.gone else "20%" if rule is Rule.FAST_TIME_LOW else ""
    found = about(rule, detail=detail)
    assert offered(found, tokens=(stands,)) == expected
    assert offered(found, tokens=(stands,), read_only=True) == []
    assert offered(found, tokens=()) == [], "it is not listed"


def test_a_card_that_is_over_offers_only_the_way_back_from_off() -> None:
    assert offered(BAN_OVER, tokens=(token(1901, "BANNED", active=False),)) == ["on"]
    assert offered(BAN_OVER, tokens=(token(1901),)) == []
    assert offered(BAN_OVER, tokens=(token(1901, active=False),), read_only=True) == []


def test_a_test_page_and_what_is_about_no_token_offer_no_act() -> None:
    for rule in (Rule.TEST, Rule.UPSTREAM_DOWN, Rule.POOL):
        assert offered(incident(rule, None), tokens=(token(1900, "BANNED"),)) == []


def test_the_most_buttons_that_a_summary_can_have_fit_below_it() -> None:
    checks = [about(Rule.VERIFYING, each) for each in (1, 2)]
    shown = replace(message(*checks, about(Rule.BANNED, 3), about(Rule.FAST_TIME_LOW, 4, detail="20%")), summary=True)
    tokens = (token(1, "VERIFYING"), token(2, "VERIFYING"), token(3, "BANNED", active=False), token(4))
    view = alert(shown, fleet(*tokens), Roles(), "https://wiki/{rule}").view
    assert view is not None
    rows = [each["components"] for each in view.to_components()]
    assert max(map(len, rows)) <= 5
    assert len(rows) <= 5
    assert sum(map(len, rows)) >= 7


def shown(result: simcord.InteractionResult) -> discord.Message:
    assert result.response is not None
    return result.response.message


async def test_switch_off_under_a_card_asks_and_its_act_carries_the_incident(world: World, upstream: Upstream) -> None:
    card = await world.post(BAN)
    result = await world.operator.click(card, label="Switch off")
    assert result.ephemeral
    question = shown(result)
    assert question.embeds[0].title == "Switch token 1901 off?"
    assert "Reason: “ban”" in str(question.embeds[0].description)
    assert sent(upstream) == []
    text = said(await press(world.operator, question))
    assert text.startswith(f"🔧 **1901 was switched off by <@{world.operator.id}>: ban**")
    assert on(upstream) == [1900, 1902]
    (act,) = world.desk.known.acts.values()
    assert (act.keys, act.by, act.state) == ((BAN.key,), world.operator.id, State.DONE)
    (notice,) = world.desk.notices
    assert notice.keys == (BAN.key,)


async def test_after_that_the_card_offers_the_way_back_also_once_it_is_over(world: World, upstream: Upstream) -> None:
    await world.post(BAN)
    off = replace(world.desk.fleet.tokens[1901], active=False)
    world.desk.fleet = replace(world.desk.fleet, tokens={**world.desk.fleet.tokens, 1901: off})
    upstream.fleet[1901]["isActive"] = False
    world.desk.known = replace(world.desk.known, incidents={})
    world.desk.ended[BAN.key] = BAN_OVER
    card = await world.shown(57)
    result = await world.operator.click(card, label="Switch on")
    question = shown(result)
    assert question.embeds[0].title == "Switch token 1901 on?"
    assert "1901 is BANNED" in str(question.embeds[0].description)
    await press(world.operator, question)
    assert on(upstream) == [1900, 1901, 1902]


async def test_a_card_that_shows_a_button_for_what_is_done_meanwhile_says_so(world: World, upstream: Upstream) -> None:
    card = await world.post(BAN)
    off = replace(world.desk.fleet.tokens[1901], active=False)
    world.desk.fleet = replace(world.desk.fleet, tokens={**world.desk.fleet.tokens, 1901: off})
    assert said(await world.operator.click(card, label="Switch off")).strip() == NOTHING["off"]
    assert sent(upstream) == []


async def test_under_a_group_a_menu_asks_which_and_takes_several(world: World, upstream: Upstream) -> None:
    check = incident(Rule.VERIFYING, 1902, now=record(1902, "VERIFYING"))
    card = await world.post(BAN, check)
    menu = shown(await world.operator.click(card, label="Switch off"))
    assert menu.content == "Switch off which?"
    one = await world.operator.select(menu, ["1902"])
    assert shown(one).embeds[0].title == "Switch token 1902 off?"
    menu = shown(await world.operator.click(card, label="Switch off"))
    question = shown(await world.operator.select(menu, ["all"]))
    assert question.embeds[0].title == "Switch tokens 1901 and 1902 off?"
    assert said(await press(world.operator, question)).startswith("🔧 **1901 and 1902 were switched off by")
    assert on(upstream) == [1900]
    assert [act.keys for act in world.desk.known.acts.values()] == [(BAN.key,), (check.key,)]


async def test_what_is_on_no_card_is_switched_from_the_list_of_what_is_open(world: World, upstream: Upstream) -> None:
    world.desk.fire(BAN)
    listed = shown(await world.operator.slash(world.channel, "incidents"))
    picked = shown(await world.operator.select(listed, ["banned/1901/"]))
    question = shown(await world.operator.click(picked, label="Switch off"))
    await press(world.operator, question)
    assert on(upstream) == [1900, 1902]


async def test_switch_to_relax_follows_the_command_to_its_end(world: World, upstream: Upstream) -> None:
    card = await world.post(LOW)
    question = shown(await world.operator.click(card, label="Switch to relax"))
    assert question.embeds[0].title == "Switch token 1900 to relax mode?"
    text = said(await press(world.operator, question))
    assert text.startswith(f"🔧 **1900 was switched to relax by <@{world.operator.id}>: low fast time**")
    assert upstream.done("COMMANDS", "1900 relax") == 1
    (act,) = world.desk.known.acts.values()
    assert (act.followed in upstream.jobs, act.keys) == (True, (LOW.key,))


async def test_without_the_role_or_with_read_only_no_button_of_an_act_works(world: World, upstream: Upstream) -> None:
    card = await world.post(BAN)
    assert told(await world.guest.click(card, label="Switch off")).startswith("Only members with the operator role")
    await world.restart(world.role, read_only=True)
    assert "only watches" in told(await world.operator.click(card, label="Switch off"))
    shown_card = await world.operator.slash(world.channel, "token", id=1900)
    assert shown_card.response is not None
    labels = [each["label"] for row in shown_card.response.components for each in row["components"]]
    assert labels == ["Refresh"]
    assert sent(upstream) == []


async def test_a_tokens_card_has_the_acts_that_change_something(world: World, upstream: Upstream) -> None:
    card = await world.operator.slash(world.channel, "token", id=1900)
    question = shown(await world.operator.click(shown(card), label="Switch to relax"))
    assert question.embeds[0].title == "Switch token 1900 to relax mode?"
    question = shown(await world.operator.click(shown(card), label="Switch off"))
    await press(world.operator, question)
    assert on(upstream) == [1901, 1902]


@pytest.mark.usefixtures("upstream")
async def test_a_tokens_card_of_a_token_that_left_says_so(world: World) -> None:
    card = await world.operator.slash(world.channel, "token", id=1900)
    world.desk.fleet = fleet(token(1901))
    result = await world.operator.click(shown(card), label="Switch off")
    assert said(result).strip() == "There is no token 1900. The nearest are 1901."


async def test_a_menu_that_cannot_name_them_all_says_how_to_name_the_others(world: World, upstream: Upstream) -> None:
    many = range(1900, 2000)
    world.desk.fleet = fleet(*(token(each) for each in many))
    card = await world.post(*(incident(Rule.FAST_TIME_LOW, each) for each in many), summary=True)
    asked = await world.operator.click(card, label="Switch to relax")
    assert said(asked).startswith(
        "Switch to relax which? These are the first 25 of 100; `/mode` with to:relax takes any."
    )
    assert sent(upstream) == []


@pytest.mark.usefixtures("upstream")
async def test_all_are_offered_only_where_so_many_can_be_switched_at_once(world: World) -> None:
    many = range(1900, 1900 + MOST + 1)
    world.desk.fleet = fleet(*(token(each, "BANNED") for each in many))
    for number, some in enumerate((many[:-1], many)):
        card = await world.post(*(about(Rule.BANNED, each) for each in some), summary=True, message_id=60 + number)
        picked = shown(await world.operator.click(card, label="Switch off"))
        (menu,) = discord.ui.View.from_message(picked).children
        assert isinstance(menu, discord.ui.Select)
        assert (len(menu.options), menu.options[0].label) == (25, "1900" if some is many else f"All {MOST}")


async def test_before_anything_was_read_no_token_is_said_not_to_be_there(world: World, upstream: Upstream) -> None:
    world.desk.fleet = Fleet()
    for command, options in (("mode", {"token": 1900, "to": "fast"}), ("refresh", {"token": 1900})):
        assert said(await world.operator.slash(world.channel, command, **options)).startswith("Nothing was read yet")
    asked = await world.operator.slash(world.channel, "toggle", tokens="1900", to="off")
    assert said(asked).startswith("Nothing was read yet, so no token is known. The first reading is on its way.")
    assert (sent(upstream), bool(world.env.errors)) == ([], True)


# Modes.


async def mode(world: World, to: str, number: int = 1900) -> discord.Message:
    return shown(await world.operator.slash(world.channel, "mode", token=number, to=to))


async def test_a_mode_is_sent_once_it_is_confirmed(world: World, upstream: Upstream) -> None:
    question = await mode(world, "turbo")
    assert "jobs use fast time at twice the rate" in str(question.embeds[0].description)
    first, second = await asyncio.gather(press(world.operator, question), press(world.operator, question))
    assert said(first).startswith("🔧 **1900 was switched to turbo by")
    assert told(second).startswith("This question was answered already")
    assert upstream.done("COMMANDS") == 1


async def test_a_mode_that_is_refused_is_told_so(world: World, upstream: Upstream) -> None:
    question = await mode(world, "relax")
    upstream.fail(closing(FORBIDDEN), at="COMMANDS")
    assert said(await press(world.operator, question)).startswith("✖️ **1900 could not be switched to relax")
    assert upstream.done("COMMANDS") == 0


@pytest.mark.parametrize("job_mode", ["", "Fast"])
async def test_a_mode_that_is_listed_already_is_sent_all_the_same(
    world: World, upstream: Upstream, job_mode: str
) -> None:
    """Somebody may have set it to turbo in Discord, which ImaginePro does not see by itself."""
    world.desk.fleet = fleet(token(1900, job_mode=job_mode))
    assert said(await press(world.operator, await mode(world, "fast"))).startswith("🔧 **1900 was switched to fast")
    assert upstream.done("COMMANDS", "1900 fast") == 1


async def test_a_mode_that_imaginepro_does_not_list_yet_is_said_to_be_so(world: World, upstream: Upstream) -> None:
    question = await mode(world, "relax")
    upstream.tells = frozenset()
    world.desk.upstream[1900] = token(1900)
    text = said(await press(world.operator, question))
    assert text.startswith("🔧 **1900 was switched to relax by")
    assert "ImaginePro still lists it as FAST, which may be old: look again later." in text


# Refreshes.


async def refresh(world: World, number: int = 1900) -> simcord.InteractionResult:
    return await world.operator.slash(world.channel, "refresh", token=number)


async def test_a_refresh_brings_the_fresh_card(world: World, upstream: Upstream) -> None:
    upstream.fresh[1900] = {"fastTimeRemaining": "1.50/15.0 hours (10.00%)"}
    anew = token(1900, fast_time_remaining="1.50/15.0 hours (10.00%)")
    world.desk.upstream[1900] = anew
    text = said(await press(world.operator, shown(await refresh(world))))
    assert text.startswith(f"🔧 **The info of 1900 was refreshed by <@{world.operator.id}>**")
    assert "**1.5 of 15 h** fast time left" in text
    assert upstream.done("COMMANDS", "1900 info") == 1


async def test_a_token_is_refreshed_once_in_six_hours_whoever_asks(world: World, upstream: Upstream) -> None:
    world.desk.upstream[1900] = token(1900)
    question, late = shown(await refresh(world)), shown(await refresh(world))
    await press(world.operator, question)
    begun = next(iter(world.desk.known.acts.values())).begun_at
    assert begun is not None
    again = f"It can be done again <t:{int((begun + SIX).timestamp())}:R>"
    (followup,) = (await press(world.operator, late)).followups
    assert again in followup.content
    refused = said(await world.other.slash(world.channel, "refresh", token=1900))
    assert f"<@{world.operator.id}> did that for 1900" in refused
    assert again in refused
    assert shown(await refresh(world, 1902)).embeds[0].title == "Refresh the info of token 1902?"
    world.desk.now += SIX
    assert shown(await refresh(world)).embeds[0].title == "Refresh the info of token 1900?"
    assert upstream.done("COMMANDS") == 1
    assert world.env.errors


async def test_a_refresh_that_never_reached_midjourney_may_be_tried_again_at_once(
    world: World, upstream: Upstream
) -> None:
    upstream.fail(closing(FORBIDDEN), at="COMMANDS")
    assert said(await press(world.operator, shown(await refresh(world)))).startswith(
        "✖️ **The info of 1900 could not be refreshed"
    )
    assert shown(await refresh(world)).embeds


async def test_a_refresh_of_which_nobody_knows_counts_as_one_and_says_so(world: World, upstream: Upstream) -> None:
    world.desk.upstream[1900] = NotFoundError("Token not found")
    upstream.fail(closing(SERVER_ERROR), at="COMMANDS")
    text = said(await press(world.operator, shown(await refresh(world))))
    assert text.startswith("❔ **It is not known whether the info of 1900 was refreshed")
    assert "did that for 1900" in said(await refresh(world))
    assert world.env.errors


async def test_what_was_done_long_ago_or_never_sent_rations_nothing(world: World, upstream: Upstream) -> None:
    del upstream
    now = world.desk.now
    old = Act("a", Kind.REFRESH, "", now - SIX, 1900, state=State.DONE, begun_at=now - SIX, settled_at=now - SIX)
    never = Act("b", Kind.REFRESH, "", now, 1900, state=State.NOT_DONE, settled_at=now)
    world.desk.known = replace(world.desk.known, acts={"a": old, "b": never})
    assert shown(await refresh(world)).embeds
