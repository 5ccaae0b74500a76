"""The buttons under a card of the ops channel, and the menus that they open, as people press them."""

import asyncio
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import discord
import pytest
import simcord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.chat.alerts import Roles, alert
from bot.chat.alerts.components import URL_LIMIT
from bot.chat.alerts.phrases import TAKEN
from bot.chat.buttons import BUTTONS, silence
from bot.chat.buttons.press import STALE
from bot.chat.buttons.response import NOBODY_HAS_IT
from bot.chat.buttons.subject import ALREADY_OVER, NOT_YET, UNKNOWN_MESSAGE
from bot.chat.client import ChatClient
from bot.chat.desk import UNSAVED
from bot.chat.settable import Setup
from bot.chat.text import width
from bot.domain.decisions import Decision
from bot.domain.incidents import ANYBODY, FAST_HOURS, Happening, Incident, Key, Moment, Rule, Stage
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Severity, Token
from bot.domain.naming import name_of
from bot.domain.steering import Scope, Silence, Window
from bot.domain.value import replace
from bot.imaginepro.client import NotFoundError
from bot.storage.store import FencedError, StoreUnavailableError
from tests.chat.builders import INFO, NOON, fleet, incident, message, record, token
from tests.chat.conftest import FakeDesk, World
from tests.chat.test_commands import said

REFUSED = "Only members with the operator role can use this bot."
BAN = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED"))
HOUR = timedelta(hours=1)


def check(number: int) -> Incident:
    return incident(Rule.VERIFYING, number, now=record(number, "VERIFYING"))


def components(result: simcord.InteractionResult) -> list[dict[str, Any]]:
    assert result.response is not None
    return [each for row in result.response.components for each in row["components"]]


def labels(shown: discord.Message) -> list[str]:
    """The buttons under a message."""
    rows = [each for each in shown.components if isinstance(each, discord.ActionRow)]
    return [str(each.label) for one in rows for each in one.children if isinstance(each, discord.Button)]


def ids(view: discord.ui.View | None) -> list[str]:
    """What is pressed, without the message's id; a link is there as its URL."""
    items = view.children if view else ()
    pressed = [getattr(item, "url", None) or str(getattr(item, "custom_id", "")) for item in items]
    return [each.removeprefix("incident:").removesuffix(":57") for each in pressed]


def buttons(*incidents: Incident, summary: bool = False, runbook: str | None = None) -> list[str]:
    shown = replace(message(*incidents), summary=summary or len(incidents) > 1)
    return ids(alert(shown, fleet(), Roles(), runbook).view)


async def opened(world: World, card: discord.Message, label: str) -> discord.Message:
    """The menu that a button opens for the operator."""
    result = await world.operator.click(card, label=label)
    assert result.ephemeral
    assert result.response is not None
    return result.response.message


def silences(world: World) -> list[tuple[str, object]]:
    return [(name_of(each), each.until) for each in world.desk.known.decisions.silences.values()]


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ([BAN], ["ack", "silence", "details", "note"]),
        ([replace(BAN, acknowledged=None, severity=Severity.INFO)], ["ack", "silence", "details", "note"]),
        ([incident(Rule.UPSTREAM_DOWN, None)], ["ack", "silence", "note"]),
        ([check(1), check(2)], ["ack", "silence", "details", "unfold", "note"]),
        ([check(1), BAN], ["ack", "silence", "details", "unfold", "note"]),
        ([incident(Rule.BANNED, 1, now=record(1), after=HOUR), BAN], ["ack", "silence", "details", "unfold", "note"]),
        ([incident(Rule.BANNED, 1, now=record(1), after=HOUR)], ["note"]),
        ([incident(Rule.NEW, 1, now=record(1), after=timedelta())], ["note"]),
    ],
)
def test_a_card_offers_what_can_be_done_about_what_is_open(shown: list[Incident], expected: list[str]) -> None:
    assert buttons(*shown) == expected


def test_what_somebody_has_cannot_be_acknowledged_again() -> None:
    desk = FakeDesk()
    desk.fire(BAN)
    (taken,) = asyncio.run(desk.acknowledge([BAN.key], 7))
    assert buttons(taken) == ["release", "handover", "silence", "details", "note"]
    assert buttons(taken, check(1)) == ["ack", "silence", "details", "unfold", "note"]


def test_what_somebody_silenced_can_be_unsilenced_unless_that_was_the_rule_of_all_tokens() -> None:
    desk = FakeDesk()
    desk.fire(BAN, check(1))
    for scope, expected in [(Scope(Rule.BANNED), "silence"), (Scope(token=1901), "unsilence")]:
        asyncio.run(desk.decide(Silence("s1", scope, NOON, NOON + HOUR, 7), "silence add", 7))
        assert buttons(desk.known.incidents[BAN.key]) == ["ack", expected, "details", "note"]
    assert buttons(desk.known.incidents[BAN.key], check(1)) == ["ack", "silence", "details", "unfold", "note"]


def test_a_notice_has_no_buttons() -> None:
    noticed = replace(message(BAN), notice=Notice(NoticeKind.REMINDER, NOON, (BAN.key,)))
    assert alert(noticed, fleet(), Roles()).view is None


@pytest.mark.parametrize(
    ("shown", "template", "url"),
    [
        ([BAN], "https://wiki/{rule}?t={token}", "https://wiki/banned?t=1901"),
        ([check(1), check(2)], "https://wiki/{rule}/{token}", "https://wiki/verifying/"),
        ([incident(Rule.UPSTREAM_DOWN, None)], "https://wiki/{rule}/{token}", "https://wiki/upstream_down/"),
        ([BAN], "https://wiki/{rule.__class__}{0}{", "https://wiki/{rule.__class__}{0}{"),
    ],
)
def test_the_runbook_is_a_link_for_the_rule_and_its_token(shown: list[Incident], template: str, url: str) -> None:
    assert buttons(*shown, runbook=template)[-1] == url


def test_there_is_no_runbook_for_several_rules_nor_one_that_discord_would_not_take() -> None:
    assert "https://w" not in buttons(BAN, check(1), runbook="https://w")
    assert buttons(BAN, runbook="https://" + "w" * URL_LIMIT)[-1] == "note"


async def test_discord_py_remembers_nothing_of_the_buttons_that_are_posted(world: World) -> None:
    """They would stay in memory for good, a few for each message."""
    await world.post(BAN)
    store = world.env.bot._connection._view_store
    assert not store._synced_message_views
    assert not store._views


async def test_an_acknowledgement_is_confirmed_to_the_one_and_shown_to_all(world: World) -> None:
    card = await world.post(BAN)
    result = await world.operator.click(card, label="Acknowledge")
    assert result.ephemeral
    assert said(result) == "Token 1901 is yours. No reminders unless it gets worse."
    shown = await world.desk.message(57)
    assert shown is not None
    after = alert(shown, world.desk.fleet, Roles(alert=42))
    assert f"acknowledged by <@{world.operator.id}> <t:" in (after.embeds[0].description or "")
    assert after.content == f"**✋ <@{world.operator.id}> · Token 1901 is BANNED**"
    assert not after.embeds[0].title
    assert after.embeds[0].colour == TAKEN[1]
    assert after.allowed_mentions.to_dict() == discord.AllowedMentions.none().to_dict(), "it calls nobody"
    assert [(entry.by, entry.act, entry.what) for entry in world.desk.trail] == [
        (world.operator.id, "acknowledge", "banned 1901")
    ]


def test_a_group_says_first_who_has_all_of_it_and_nobody_before() -> None:
    taken = [
        replace(check(n), acknowledged=Moment(NOON, Happening.ACKNOWLEDGED, who=who)) for n, who in ((1, 7), (2, 8))
    ]
    shown = alert(message(*taken), fleet(), Roles(alert=42))
    assert (shown.content or "").startswith("**✋ <@7> and <@8> · 2 tokens ")
    partly = alert(message(*taken, check(3)), fleet(), Roles(alert=42))
    assert (partly.content or "").startswith("**🟠 3 tokens ")
    over = replace(check(3), stage=Stage.RESOLVED, resolved_at=NOON + HOUR)
    assert (alert(message(*taken, over), fleet(), Roles()).content or "").startswith("**✋ <@7> and <@8> · ")


async def test_of_two_people_one_has_it_and_the_other_is_told_who(world: World) -> None:
    card = await world.post(BAN)
    await world.other.click(card, label="Acknowledge")
    since = f"since <t:{int(world.desk.now.timestamp())}:f>."
    late = await world.operator.click(card, label="Acknowledge")
    assert said(late) == f"<@{world.other.id}> has it already, {since}"
    assert said(await world.other.click(card, label="Acknowledge")) == f"You have it already, {since}"
    assert len(world.desk.trail) == 1


async def test_acknowledging_a_group_takes_all_that_nobody_has(world: World) -> None:
    card = await world.post(check(1), check(2), check(3), incident(Rule.VERIFYING, 4, now=record(4), after=HOUR))
    await world.desk.acknowledge([check(1).key], world.other.id)
    assert said(await world.operator.click(card, label="Acknowledge")) == (
        "2 incidents are yours. No reminders unless one of them gets worse. "
        f"<@{world.other.id}> has it already, since <t:{int(world.desk.now.timestamp())}:f>."
    )
    third = await world.third().click(card, label="Acknowledge")
    assert "have 3 of them already" in said(third)


async def test_what_ended_a_moment_ago_is_said_to_be_over(world: World) -> None:
    card = await world.post(BAN)
    world.desk.fire()
    for label in ("Acknowledge", "Silence"):
        assert said(await world.operator.click(card, label=label)) == ALREADY_OVER


async def test_what_ends_while_it_is_acknowledged_is_said_to_be_over(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    card = await world.post(BAN)

    async def too_late(_keys: Iterable[Key], _by: int) -> tuple[Incident, ...]:
        world.desk.fire()
        return ()

    monkeypatch.setattr(world.desk, "acknowledge", too_late)
    assert said(await world.operator.click(card, label="Acknowledge")) == ALREADY_OVER


@pytest.mark.parametrize(
    ("option", "until"),
    [
        ("1h", HOUR),
        ("4h", 4 * HOUR),
        ("24h", 24 * HOUR),
        ("renewal", timedelta(days=6, minutes=-1)),
        ("resolved", None),
    ],
)
async def test_the_silence_menu_silences_the_incident_for_as_long_as_was_chosen(
    world: World, option: str, until: timedelta | None
) -> None:
    menu = await opened(world, await world.post(BAN), "Silence")
    assert menu.content == "Silence the ban of token 1901:"
    result = await world.operator.select(menu, [option])
    assert said(result).startswith("Silenced: the ban of token 1901, until ")
    assert "gets worse is told all the same" in said(result)
    assert not components(result)
    assert silences(world) == [("the ban of token 1901", None if until is None else world.desk.now + until)]
    moments = [moment.what for moment in world.desk.known.incidents[BAN.key].moments]
    assert moments == [Happening.SILENCED]


async def test_a_silence_under_a_card_is_of_what_it_shows_and_of_nothing_that_comes_or_is_graver(world: World) -> None:
    low = incident(Rule.FAST_TIME_LOW, 1900, step="20%", now=record())
    menu = await opened(world, await world.post(low), "Silence")
    assert menu.content == "Silence the low fast time (under 20 %) of token 1900:"
    await world.operator.select(menu, ["24h"])
    suppressor = world.desk.known.decisions.suppressor()
    assert suppressor(low) is not None
    assert suppressor(replace(low, severity=Severity.CRITICAL)) is None
    assert suppressor(replace(low, opened_at=NOON + HOUR)) is None


@pytest.mark.parametrize("subscription", ["", INFO.subscription.replace("renews next on", "ended on")])
async def test_until_the_refill_is_offered_only_when_one_is_ahead(world: World, subscription: str) -> None:
    world.desk.fleet = fleet(token(1901, "BANNED", subscription=subscription))
    result = await world.operator.click(await world.post(BAN), label="Silence")
    assert [option["value"] for option in components(result)[0]["options"]] == ["1h", "4h", "24h", "resolved"]


async def test_a_yearly_plan_is_silenced_until_its_monthly_refill_and_not_for_months(world: World) -> None:
    refill = NOON + timedelta(days=20)
    year = refill + timedelta(days=31 + 28 + 31 + 30)
    yearly = f"Pro (Active yearly, renews next on <t:{year.timestamp():.0f}>)"
    world.desk.fleet = fleet(token(1901, "BANNED", subscription=yearly))
    result = await world.operator.click(await world.post(BAN), label="Silence")
    labels = {option["value"]: option["label"] for option in components(result)[0]["options"]}
    assert labels["renewal"] == "until the refill"
    assert result.response is not None
    await world.operator.select(result.response.message, ["renewal"])
    assert silences(world) == [("the ban of token 1901", refill)]


async def test_under_a_group_just_these_come_first_and_then_the_rule_with_how_many_it_has_now(world: World) -> None:
    card = await world.post(check(1), check(2))
    world.desk.fire(check(1), check(2), check(9))
    result = await world.operator.click(card, label="Silence")
    assert [option["label"] for option in components(result)[0]["options"]] == [
        "these 2 for 1 h",
        "these 2 for 4 h",
        "these 2 for 24 h",
        "these 2 until they are resolved",
        "any check of any token (3 now), for 1 h",
        "any check of any token (3 now), for 4 h",
        "any check of any token (3 now), for 24 h",
    ]


async def test_what_is_about_the_whole_fleet_may_be_silenced_until_it_is_resolved(world: World) -> None:
    menu = await opened(world, await world.post(incident(Rule.UPSTREAM_DOWN, None)), "Silence")
    await world.operator.select(menu, ["resolved"])
    assert silences(world) == [("the alert that ImaginePro cannot be read", None)]


async def test_an_option_that_is_no_more_does_nothing_and_says_so(world: World) -> None:
    menu = await opened(world, await world.post(BAN), "Silence")
    world.desk.fleet = fleet()
    (followup,) = (await world.operator.select(menu, ["renewal"])).followups
    assert followup.content == STALE
    assert silences(world) == []


@pytest.mark.parametrize(
    ("option", "name", "new"),
    [("1h", "the check of tokens 1 and 2", True), ("all:1h", "any check of any token", False)],
)
async def test_a_group_is_silenced_by_what_it_shows_or_by_its_rule(
    world: World, option: str, name: str, *, new: bool
) -> None:
    card = await world.post(check(1), check(2))
    menu = await opened(world, card, "Silence")
    assert menu.content == "Silence the check of tokens 1 and 2:"
    await world.operator.select(menu, [option])
    assert silences(world) == [(name, world.desk.now + HOUR)]
    assert (world.desk.known.decisions.suppressor()(check(3)) is None) is new
    world.desk.fire(check(2))
    assert (await opened(world, card, "Silence")).content == "Silence the check of token 2:"


async def test_of_several_rules_one_is_chosen_before_it_is_silenced(world: World) -> None:
    card = await world.post(check(1), check(2), BAN)
    result = await world.operator.click(card, label="Silence")
    assert said(result) == "Silence which of them?"
    assert result.response is not None
    menu = result.response.message
    assert [option["label"] for option in components(result)[0]["options"]] == ["Check (2)", "Ban (1)"]
    lengths = await world.operator.select(menu, ["verifying"])
    assert said(lengths) == "Silence the check of tokens 1 and 2:"
    await world.operator.select(menu, ["1h"])
    assert silences(world) == [("the check of tokens 1 and 2", world.desk.now + HOUR)]


async def test_a_rule_of_which_nothing_is_open_any_more_is_not_silenced(world: World) -> None:
    menu = await opened(world, await world.post(check(1), BAN), "Silence")
    world.desk.fire(BAN)
    (followup,) = (await world.operator.select(menu, ["verifying"])).followups
    assert followup.content == ALREADY_OVER
    assert silences(world) == []


async def test_of_two_people_who_silence_the_same_one_does(world: World) -> None:
    """Both look before either is done: the database takes a while."""
    client = world.env.bot
    assert isinstance(client, ChatClient)
    decide = world.desk.decide

    async def slowly(decision: Decision, act: str, by: int, reason: str = "") -> None:
        await asyncio.sleep(0)
        await decide(decision, act, by, reason)

    world.desk.decide = slowly  # type: ignore[method-assign]  # the same, with a pause
    scope, until = Scope(Rule.BANNED, 1901), world.desk.now + HOUR

    def asked(until: datetime, by: int, scope: Scope = scope) -> Silence:
        return silence.silence_of(world.desk, scope, until, by)

    first, second = await asyncio.gather(
        silence.begin(client, asked(until, 7)), silence.begin(client, asked(until - HOUR / 2, 8))
    )
    assert first.startswith("Silenced:")
    assert second.startswith("<@7> has silenced any ban of token 1901 already, until <t:")
    assert len(silences(world)) == 1
    assert (await silence.begin(client, asked(until + HOUR, 8))).startswith("Silenced:")
    assert (await silence.begin(client, asked(until, 8, Scope(token=1901)))).startswith("Silenced:"), "it is more"
    within = await silence.begin(client, asked(until, 7, Scope(Rule.FROZEN, 1901)))
    assert within.startswith("<@8> has silenced all alerts of token 1901 already")


# Who has it.


async def test_an_acknowledgement_is_taken_back_by_a_button_in_its_place(world: World) -> None:
    card = await world.post(BAN)
    await world.operator.click(card, label="Acknowledge")
    card = await world.shown(57)
    assert said(await world.operator.click(card, label="Release")) == (
        "Token 1901 is nobody's now. While it is critical, its reminders go on."
    )
    assert not world.desk.known.incidents[BAN.key].acknowledged
    assert [entry.act for entry in world.desk.trail] == ["acknowledge", "release"]
    assert "Acknowledge" in labels(await world.shown(57))


async def test_whoever_has_the_role_releases_what_another_has_and_the_card_says_who(world: World) -> None:
    await world.post(BAN)
    await world.desk.acknowledge([BAN.key], world.other.id)
    await world.operator.click(await world.shown(57), label="Release")
    shown = await world.desk.message(57)
    assert shown is not None
    text = alert(shown, world.desk.fleet, Roles()).embeds[0].description or ""
    assert f"acknowledged by <@{world.other.id}>" in text
    assert f"released by <@{world.operator.id}>" in text


async def test_whoever_says_that_tokens_are_gone_is_believed_once_and_stands_on_the_card(world: World) -> None:
    short = incident(Rule.LIST_SHORT, None, detail="2 of 9")
    await world.post(short)
    card = await world.shown(57)
    assert "believes the list" in said(await world.operator.click(card, label="They are gone"))
    assert world.desk.known.incidents[short.key].believed
    assert [entry.act for entry in world.desk.trail] == ["believe"]
    assert "They are gone" not in labels(await world.shown(57))
    assert not await world.desk.believe(world.other.id)


async def test_what_nobody_has_any_more_is_not_released(world: World) -> None:
    await world.post(BAN)
    await world.desk.acknowledge([BAN.key], world.other.id)
    card = await world.shown(57)
    await world.desk.hand_back([BAN.key], world.other.id)
    assert said(await world.operator.click(card, label="Release")) == NOBODY_HAS_IT


async def test_what_is_handed_over_is_the_others_who_is_told_in_the_channel(world: World) -> None:
    await world.post(BAN)
    await world.desk.acknowledge([BAN.key], world.operator.id)
    menu = await opened(world, await world.shown(57), "Hand over")
    result = await world.operator.select(menu, [world.other])
    assert said(result) == f"Token 1901 is handed over to <@{world.other.id}>."
    assert (taken := world.desk.known.incidents[BAN.key].acknowledged)
    assert (taken.who, taken.by) == (world.other.id, world.operator.id)
    assert [entry.act for entry in world.desk.trail] == ["acknowledge", "hand over"]
    (notice,) = world.desk.notices[-1:]
    told = alert(
        replace(message(world.desk.known.incidents[BAN.key]), notice=notice), world.desk.fleet, Roles(alert=42)
    )
    assert told.content is not None
    assert told.content.startswith(f"<@{world.other.id}> 🤝 **Token 1901 is BANNED**")
    assert dict(told.allowed_mentions.to_dict()) == {"parse": [], "users": [world.other.id]}
    assert not told.silent
    again = await world.operator.select(await opened(world, await world.shown(57), "Hand over"), [world.other])
    assert [each.content for each in again.followups] == [f"<@{world.other.id}> has it already."]


@pytest.mark.parametrize("by_role", [True, False])
async def test_nothing_is_handed_over_to_who_may_not_use_the_bot(world: World, *, by_role: bool) -> None:
    if not by_role:
        await world.restart(None)
    presser, fit, unfit = (
        (world.operator, world.other, world.manager) if by_role else (world.manager, world.manager, world.guest)
    )
    await world.post(BAN)
    await world.desk.acknowledge([BAN.key], presser.id)
    result = await presser.click(await world.shown(57), label="Hand over")
    assert result.response is not None
    for chosen in (unfit, world.guest):
        (followup,) = (await presser.select(result.response.message, [chosen])).followups
        assert followup.content.startswith(f"<@{chosen.id}> may not use this bot, so nothing was changed.")
    assert [entry.act for entry in world.desk.trail] == ["acknowledge"]
    await presser.select(result.response.message, [fit])
    assert (taken := world.desk.known.incidents[BAN.key].acknowledged)
    assert taken.who == fit.id


async def test_what_is_over_is_not_handed_over(world: World) -> None:
    await world.post(BAN)
    await world.desk.acknowledge([BAN.key], world.operator.id)
    menu = await opened(world, await world.shown(57), "Hand over")
    world.desk.fire()
    (followup,) = (await world.operator.select(menu, [world.other])).followups
    assert followup.content == ALREADY_OVER


async def test_what_was_silenced_is_unsilenced_by_a_button_in_its_place(world: World) -> None:
    menu = await opened(world, await world.post(BAN), "Silence")
    await world.operator.select(menu, ["4h"])
    result = await world.operator.click(await world.shown(57), label="Unsilence")
    assert said(result) == "Ended: the silence of the ban of token 1901. What is still open is posted now."
    assert silences(world) == []
    assert [entry.act for entry in world.desk.trail] == ["silence add", "silence end"]
    card = await world.shown(57)
    assert "Silence" in labels(card)


async def test_what_stays_quiet_for_another_reason_is_not_said_to_be_told(world: World) -> None:
    menu = await opened(world, await world.post(BAN), "Silence")
    await world.operator.select(menu, ["4h"])
    window = Window("w1", NOON, HOUR, weekly=False, zone="UTC", by=7)
    await world.desk.decide(window, "maintenance add", 7)
    assert said(await world.operator.click(await world.shown(57), label="Unsilence")) == (
        "Ended: the silence of the ban of token 1901. Another silence or maintenance window still keeps it quiet."
    )
    assert [each.kind for each in world.desk.notices] == [NoticeKind.SILENCE_STARTED, NoticeKind.MAINTENANCE_STARTED]


async def test_what_is_not_silenced_any_more_says_so(world: World) -> None:
    menu = await opened(world, await world.post(BAN), "Silence")
    await world.operator.select(menu, ["4h"])
    card = await world.shown(57)
    (made,) = world.desk.known.decisions.silences.values()
    await world.desk.undo(made, "silence end", 7)
    assert said(await world.operator.click(card, label="Unsilence")) == "It is not silenced any more."


# The list of what is open.


async def picked(world: World, value: str) -> discord.Message:
    """What can be done about one of what is open."""
    listed = await world.operator.slash(world.channel, "incidents")
    assert listed.response is not None
    result = await world.operator.select(listed.response.message, [value])
    assert result.response is not None
    return result.response.message


async def test_what_has_no_card_is_answered_from_the_list_of_what_is_open(world: World) -> None:
    """What was wrong at the first reading is in its summary only."""
    world.desk.fire(BAN, check(1950))
    menu = await picked(world, "banned/1901/")
    assert labels(menu) == ["Acknowledge", "Silence", "Details", "Note", "Switch off", "◀ Back"]
    assert said(await world.operator.click(menu, label="Acknowledge")) == (
        "Token 1901 is yours. No reminders unless it gets worse."
    )
    menu = await picked(world, "banned/1901/")
    assert labels(menu) == ["Release", "Hand over", "Silence", "Details", "Note", "Switch off", "◀ Back"]
    give = await world.operator.click(menu, label="Hand over")
    assert give.response is not None
    await world.operator.select(give.response.message, [world.other])
    assert (taken := world.desk.known.incidents[BAN.key].acknowledged)
    assert taken.who == world.other.id
    await world.operator.click(await picked(world, "banned/1901/"), label="Release")
    lengths = await world.operator.click(await picked(world, "banned/1901/"), label="Silence")
    assert said(lengths) == "Silence the ban of token 1901:"
    assert lengths.response is not None
    await world.operator.select(lengths.response.message, ["resolved"])
    assert silences(world) == [("the ban of token 1901", None)]
    await world.operator.click(await picked(world, "banned/1901/"), label="Unsilence")
    assert silences(world) == []
    details = await world.operator.click(await picked(world, "banned/1901/"), label="Details")
    assert "Token 1901" in said(details)
    acts = [entry.act for entry in world.desk.trail]
    assert acts == ["acknowledge", "hand over", "release", "silence add", "silence end"]


@pytest.mark.parametrize(
    "key",
    [
        Key(Rule.POOL, None, FAST_HOURS),
        Key(Rule.POOL, None, ANYBODY),
        Key(Rule.POOL, None, ANYBODY).of_group("studio"),
        Key(Rule.POOL, None, FAST_HOURS).of_group("Größe 2 der Nacht-Schicht " + 6 * "字"),
        Key(Rule.FAST_TIME_LOW, 10**18, "12.5%"),
    ],
)
async def test_whatever_is_open_can_be_answered_from_the_list(world: World, key: Key) -> None:
    world.desk.fire(replace(incident(key.rule, key.token, now=None, detail="3 of 9"), key=key))
    address = f"{key.rule}/{'' if key.token is None else key.token}/{key.step}"
    await world.operator.click(await picked(world, address), label="Acknowledge")
    assert world.desk.known.incidents[key].acknowledged
    lengths = await world.operator.click(await picked(world, address), label="Silence")
    assert lengths.response is not None
    await world.operator.select(lengths.response.message, ["4h"])
    assert world.desk.known.incidents[key].is_silenced


async def test_the_list_goes_back_to_its_page_and_offers_what_that_shows(world: World) -> None:
    world.desk.fire(*(check(number) for number in range(100, 130)))
    first = await world.operator.slash(world.channel, "incidents")
    assert first.response is not None
    second = await world.operator.click(first.response.message, label="More ▶")
    options = components(second)[0]["options"]
    assert [each["value"] for each in options] == [f"verifying/{number}/" for number in range(112, 124)]
    assert options[0]["label"] == "🟠 Token 112 is VERIFYING"
    assert second.response is not None
    menu = await world.operator.select(second.response.message, ["verifying/112/"])
    assert "Token 112 is VERIFYING" in said(menu)
    assert menu.response is not None
    assert "page 2 of 3" in said(await world.operator.click(menu.response.message, label="◀ Back"))


async def test_what_ended_since_the_list_was_shown_is_said_to_be_over(world: World) -> None:
    world.desk.fire(BAN)
    listed = await world.operator.slash(world.channel, "incidents")
    menu = await picked(world, "banned/1901/")
    world.desk.fire()
    assert listed.response is not None
    results = [
        await world.operator.select(listed.response.message, ["banned/1901/"]),
        await world.operator.click(menu, label="Acknowledge"),
    ]
    assert [each.content for result in results for each in result.followups] == [ALREADY_OVER] * 2


async def test_a_list_of_nothing_has_no_menu(world: World) -> None:
    assert components(await world.operator.slash(world.channel, "incidents")) == []


async def test_details_are_the_tokens_card_for_the_one_who_asked(world: World) -> None:
    result = await world.operator.click(await world.post(BAN), label="Details")
    assert result.ephemeral
    assert "🔴 Token 1901 · not working, BANNED" in said(result)
    assert [each["label"] for each in components(result)] == ["Refresh", "Switch off"]


async def test_details_of_a_token_that_is_gone_say_so(world: World) -> None:
    card = await world.post(replace(BAN, key=Key(Rule.BANNED, 7)))
    assert said(await world.operator.click(card, label="Details")) == ("Token 7 is not in ImaginePro's list any more.")


async def test_details_of_a_group_are_picked_from_pages_of_a_menu(world: World) -> None:
    world.desk.fleet = fleet(*(token(number, "VERIFYING") for number in range(100, 159)))
    menu = await opened(world, await world.post(*map(check, range(100, 160))), "Details")
    result = await world.operator.click(menu, label="More ▶")
    last = await world.operator.click(result.response.message, label="More ▶")  # type: ignore[union-attr] # it answers
    assert [option["label"] for option in components(last)[0]["options"]][-2:] == ["🟠 158 · VERIFYING", "159"]
    assert [each.get("label") for each in components(last)] == [None, "◀ Back", "3 of 3"]
    shown = await world.operator.select(last.response.message, ["150"])  # type: ignore[union-attr] # it answers
    assert "🟠 Token 150 · not working" in said(shown)
    (gone,) = (await world.operator.select(shown.response.message, ["159"])).followups  # type: ignore[union-attr] # it answers
    assert gone.content == "Token 159 is not in ImaginePro's list any more."


async def test_a_token_that_is_no_part_of_the_message_is_not_shown_from_it(world: World) -> None:
    menu = await opened(world, await world.post(check(1900), check(1950)), "Details")
    for others in [(check(1950), check(1901)), (incident(Rule.UPSTREAM_DOWN, None),)]:
        world.desk.messages[57] = replace(world.desk.messages[57], incidents=others)
        (followup,) = (await world.operator.select(menu, ["1900"])).followups
        assert followup.content == STALE


async def test_a_group_is_unfolded_in_pages_with_the_state_of_each(world: World) -> None:
    many = [check(number) for number in range(100, 120)]
    over = incident(Rule.VERIFYING, 99, now=record(99), after=HOUR)
    card = await world.post(*many, over)
    world.desk.fire(*many)
    await world.desk.acknowledge([check(100).key], world.other.id)
    result = await world.operator.click(card, label="Unfold")
    assert result.ephemeral
    first = said(result).splitlines()
    noon = int(NOON.timestamp())
    assert first[1] == "21 incidents, 20 of them open"
    assert first[2] == f"🟠 **Token 100 is VERIFYING** · since <t:{noon}:t> · <@{world.other.id}> has it"
    assert result.response is not None
    second = await world.operator.click(result.response.message, label="More ▶")
    assert "✅ **" in said(second)
    assert "page 2 of 2" in said(second)


async def test_the_buttons_and_menus_of_an_old_message_work_after_a_restart(world: World) -> None:
    card = await world.post(check(1900), check(1950))
    menu = await opened(world, card, "Details")
    quiet = await opened(world, card, "Silence")
    world.desk.now += timedelta(days=100)
    await world.restart(world.role)
    assert "Token 1950" in said(await world.operator.select(menu, ["1950"]))
    assert said(await world.operator.select(quiet, ["1h"])).startswith("Silenced:")
    for label, answer in [("Acknowledge", "2 incidents are yours"), ("Unfold", "2 incidents"), ("Details", "Which")]:
        assert answer in said(await world.operator.click(card, label=label))


async def test_without_the_role_no_button_does_anything(world: World) -> None:
    card = await world.post(check(1900), check(1950))
    for outsider in (world.guest, world.manager):
        for label in ("Acknowledge", "Silence", "Details", "Unfold"):
            result = await outsider.click(card, label=label)
            assert said(result) == REFUSED
            assert result.ephemeral
    assert world.desk.trail == []


async def test_who_lost_the_role_can_use_no_menu_that_is_still_open(world: World) -> None:
    many = [check(number) for number in range(100, 130)]
    card = await world.post(*many)
    quiet, details, unfolded = [await opened(world, card, label) for label in ("Silence", "Details", "Unfold")]
    listed = await world.operator.slash(world.channel, "incidents")
    assert listed.response is not None
    await world.restart(operator_role_id=1)
    results = [
        await world.operator.select(quiet, ["1h"]),
        await world.operator.select(listed.response.message, ["verifying/100/"]),
        await world.operator.select(details, ["100"]),
        await world.operator.click(details, label="More ▶"),
        await world.operator.click(unfolded, label="More ▶"),
        await world.operator.click(listed.response.message, label="More ▶"),
    ]
    assert [said(result) for result in results] == [REFUSED] * len(results)
    assert world.desk.trail == []


async def posted(world: World, *custom_ids: str) -> discord.Message:
    """A message with such buttons, as if somebody could have forged it."""
    channel = world.env.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    view = discord.ui.View()
    for index, custom_id in enumerate(custom_ids):
        view.add_item(discord.ui.Button(label=f"{index}", custom_id=custom_id))
    forged = await channel.send(view=view)
    view.stop()
    return forged


@pytest.mark.parametrize("act", ["ack", "release", "handover", "silence", "unsilence", "details", "unfold"])
async def test_a_button_of_no_message_does_nothing_and_says_so(world: World, act: str) -> None:
    await world.post(BAN)
    unknown = await world.operator.click(await posted(world, f"incident:{act}:99"), label="0")
    assert said(unknown) == UNKNOWN_MESSAGE
    assert unknown.ephemeral
    assert world.desk.trail == []


async def test_a_copy_of_a_card_does_nothing_and_says_where_the_card_is(world: World) -> None:
    card = await world.post(BAN)
    for act in ("ack", "release", "handover", "silence", "unsilence", "details", "unfold"):
        result = await world.operator.click(await posted(world, f"incident:{act}:57"), label="0")
        assert said(result).endswith(f"It is here now: https://discord.com/channels/500/{world.channel.id}/{card.id}")
    assert world.desk.trail == []


async def test_a_card_whose_post_is_not_confirmed_yet_asks_for_a_moment(world: World) -> None:
    card = await world.post(BAN)
    world.desk.messages[57] = replace(world.desk.messages[57], discord_id=None)
    assert said(await world.operator.click(card, label="Acknowledge")) == NOT_YET


async def test_a_notice_is_not_a_card(world: World) -> None:
    card = await world.post(BAN)
    notice = Notice(NoticeKind.RAISED, NOON, (BAN.key,))
    world.desk.messages[57] = replace(world.desk.messages[57], notice=notice)
    assert said(await world.operator.click(card, label="Acknowledge")) == UNKNOWN_MESSAGE


@pytest.mark.parametrize(
    "custom_id",
    [
        "incident:menu:quiet:57:0",
        "incident:menu:quiet:57:0:banned",
        "incident:menu:quiet:57:0:hunger",
        "incident:menu:rule:57:0",
        "incident:menu:token:57:0",
        "incident:menu:details:57:0",
        "incident:menu:unfold:57:0",
        "incident:menu:give:57:0",
        "incident:menu:do-ack:banned/1901/:0",
        "incident:menu:quiet:57:99999",
        "incident:ack:-1",
        "incident:ack:57:1",
        "incident:ack:9999999999999999999",
        "incident:park:57",
        "incidents:page:0:fatal:all",
    ],
)
async def test_a_forged_custom_id_does_nothing_and_says_so(world: World, custom_id: str) -> None:
    await world.post(BAN)
    result = await world.operator.click(await posted(world, custom_id), label="0")
    assert said(result) == STALE
    assert result.ephemeral
    assert world.desk.trail == []


class NobodyKnown(dict[int, Token | Exception]):
    """An upstream that lists no account."""

    def __missing__(self, key: int) -> Exception:
        return NotFoundError(f"no token {key}")


TEMPLATES = [button.__discord_ui_compiled_template__ for button in BUTTONS]
CUSTOM_IDS: st.SearchStrategy[str] = st.one_of(
    st.text(min_size=1),
    *(st.from_regex(template, fullmatch=True) for template in TEMPLATES),
    st.lists(st.sampled_from([*"0159:-", "incident", "ack", "menu", "quiet", "page", "token", "all"])).map("".join),
).filter(lambda text: 0 < width(text) <= 100)


def unreadable() -> Setup:
    """What was set cannot be read."""
    message = "x"
    raise StoreUnavailableError(message)


@settings(
    max_examples=settings().max_examples // 5,  # each is a press in a whole Discord
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(custom_id=CUSTOM_IDS)
async def test_any_custom_id_that_somebody_makes_up_is_answered_and_decides_nothing(
    world: World, caplog: pytest.LogCaptureFixture, custom_id: str
) -> None:
    caplog.clear()
    world.desk.upstream = NobodyKnown()
    client = world.env.bot
    assert isinstance(client, ChatClient)
    client.setup = unreadable
    if not world.desk.messages:
        await world.post(BAN)
    forged = await posted(world, custom_id)
    result = await world.operator.click(forged, label="0")
    assert result.acknowledged
    assert world.desk.trail == []
    assert "Traceback" not in caplog.text
    await forged.delete()


async def test_a_message_that_is_forgotten_leaves_its_menus_without_effect(world: World) -> None:
    menu = await opened(world, await world.post(BAN), "Silence")
    world.desk.messages.clear()
    (followup,) = (await world.operator.select(menu, ["1h"])).followups
    assert followup.content == UNKNOWN_MESSAGE
    assert silences(world) == []


async def test_while_the_database_is_away_nothing_is_confirmed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    card = await world.post(check(1900), check(1950))
    menu = await opened(world, card, "Silence")
    world.desk.broken = StoreUnavailableError("inner workings")
    with caplog.at_level(logging.ERROR):
        answers = [said(await world.operator.click(card, label=label)) for label in ("Acknowledge", "Details")]
        answers += [each.content for each in (await world.operator.select(menu, ["1h"])).followups]
    assert len(answers) == 3
    for text in answers:
        assert text.startswith("The database does not answer, so this was not done.")
        assert text.split("`")[1] in caplog.text
        assert "inner workings" not in text
    assert not world.desk.known.incidents[check(1900).key].acknowledged


async def test_while_the_database_takes_no_writes_whoever_does_something_is_told_that_it_was_not_done(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    card = await world.post(check(1900), check(1950))
    menu = await opened(world, card, "Silence")
    world.desk.broken = StoreUnavailableError("inner workings", unwritable=True)
    with caplog.at_level(logging.WARNING):
        answers = [said(await world.operator.click(card, label="Acknowledge"))]
        answers += [each.content for each in (await world.operator.select(menu, ["1h"])).followups]
    assert answers == 2 * [UNSAVED]
    assert caplog.text == "", "the log has it from who proves that it can be written"
    assert not world.desk.known.incidents[check(1900).key].acknowledged


async def test_a_press_on_a_copy_that_was_replaced_is_not_told_of_an_outage(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    card = await world.post(check(1900))
    world.desk.broken = FencedError("inner workings")
    with caplog.at_level(logging.ERROR):
        assert "Another copy of the bot has taken over" in said(await world.operator.click(card, label="Acknowledge"))
    assert caplog.text == ""


def test_no_two_buttons_answer_to_the_same_custom_id() -> None:
    examples = [
        "token:refresh:1",
        "tokens:page:0:all",
        "incident:ack:57",
        "incident:menu:unfold:57:0",
        "incidents:page:0:all:all",
        "board:open",
        "question:yes:0a1b2c",
        "token:off:1",
        "setup:page:0",
        "job:page:0",
    ]
    answering = [[b for b in BUTTONS if b.__discord_ui_compiled_template__.fullmatch(each)] for each in examples]
    assert answering == [[button] for button in BUTTONS]
