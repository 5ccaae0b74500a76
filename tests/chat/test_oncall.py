"""`/oncall`, and whom pages mention from it."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
import simcord

from bot.chat.alerts import Roles, alert
from bot.chat.client import ChatClient
from bot.domain.incidents import Happening, Moment, Rule
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.rota import Handover, Swap, set_of
from bot.domain.value import replace
from bot.domain.watch.duty import note_absent
from tests.chat.builders import NOON, fleet, incident, record
from tests.chat.conftest import World
from tests.chat.test_commands import said
from tests.chat.test_steering import refusal, use

BAN = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED"))
HOUR = timedelta(hours=1)
ALERT, ESCALATION, ANA, BO = 71, 72, 41, 42


def text_of(result: simcord.InteractionResult) -> str:
    """What somebody is answered."""
    return said(result).strip()


async def test_a_rota_is_set_shown_and_taken_back(world: World) -> None:
    me, other = world.operator, world.other
    assert "There is no rota" in text_of(await use(world, "oncall now"))
    set_ = text_of(await use(world, "oncall set", first=me, second=other, zone="Europe/Berlin"))
    assert f"<@{me.id}> and <@{other.id}>, handing over every Monday at 09:00 (Europe/Berlin)" in set_
    assert f"<@{me.id}> is on call until" in set_
    card = text_of(await use(world, "oncall now"))
    assert card.index(f"<@{me.id}> until") < card.index("Then:")
    assert await world.desk.audit(9)
    assert world.desk.trail[-1].act == "oncall set"
    gone = text_of(await use(world, "oncall off"))
    assert gone.startswith("The rota is taken back.")
    assert world.desk.known.decisions.rota is None
    assert await refusal(world, "oncall off") == "There is no rota."


async def test_whoever_is_on_call_keeps_the_week_when_it_is_set_anew(world: World) -> None:
    me, other = world.operator, world.other
    await use(world, "oncall set", first=me, second=other)
    assert f"<@{me.id}> is on call until" in text_of(await use(world, "oncall set", first=other, second=me))


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"at": "nine"}, "“nine” is no time of the day: write it as 09:00."),
        ({"at": "25:00"}, "“25:00” is no time of the day: write it as 09:00."),
        ({"zone": "Mars/Base"}, "“Mars/Base” is no time zone: pick one from the list, such as Europe/Berlin."),
        ({"zone": "../etc"}, "“../etc” is no time zone: pick one from the list, such as Europe/Berlin."),
    ],
)
async def test_what_cannot_be_set_is_answered_by_a_sentence(
    world: World, options: dict[str, str], sentence: str
) -> None:
    renamed = {"time" if key == "at" else key: value for key, value in options.items()}
    told = await refusal(world, "oncall set", first=world.operator, **renamed)
    assert told.replace("\\", "") == sentence


@pytest.mark.parametrize(
    ("written", "zone"),
    [("europe/berlin", "Europe/Berlin"), ("Kolkata", "Asia/Kolkata"), ("utc", "UTC"), ("", "Europe/Berlin")],
)
async def test_a_zone_is_found_however_it_is_written(world: World, written: str, zone: str) -> None:
    await use(world, "oncall set", first=world.operator, zone=written)
    rota = world.desk.known.decisions.rota
    assert rota is not None
    assert rota.zone == zone


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Europe/Belrin", "Did you mean Europe/Berlin?"),
        ("Louisville", "Did you mean America/Kentucky/Louisville or America/Louisville?"),
        ("localtime", "is no time zone: pick one"),
    ],
)
async def test_a_zone_that_is_none_is_answered_with_the_nearest(world: World, written: str, meant: str) -> None:
    """That of the host is none either: on the next host it is another."""
    assert meant in await refusal(world, "oncall set", first=world.operator, zone=written)


async def test_a_swap_begins_on_the_clock_of_the_rota_and_a_day_at_its_beginning(world: World) -> None:
    me, other = world.operator, world.other
    await use(world, "oncall set", first=me, second=other, zone="Asia/Tokyo")
    await use(world, "oncall swap", who=other, start="2026-01-03", length="2 days")
    (swap,) = world.desk.known.decisions.swaps.values()
    assert swap.since == datetime(2026, 1, 3, tzinfo=ZoneInfo("Asia/Tokyo"))
    assert swap.until - swap.since == 48 * HOUR
    (choice,) = await me.autocomplete(world.channel, "oncall end", "swap", "")
    assert "2026-01-03 00:00 to 2026-01-05 00:00" in choice["name"]
    assert "(Asia/Tokyo)" in await refusal(world, "oncall swap", who=other, start="whenever")


async def test_without_a_rota_it_is_said_whom_pages_mention(world: World) -> None:
    assert "Pages mention nobody, as no ALERT_ROLE_ID is set." in text_of(await use(world, "oncall now"))
    world.roles = Roles(alert=ALERT)
    await world.restart(world.role)
    assert f"Pages mention <@&{ALERT}>." in text_of(await use(world, "oncall now"))


async def test_who_did_what_names_people_and_no_numbers(world: World) -> None:
    me, other = world.operator, world.other
    await use(world, "oncall set", first=me, second=other)
    await use(world, "oncall swap", who=other, length="8 h")
    await use(world, "notify me")
    notify, swap, rota, *_ = text_of(await use(world, "admin audit")).splitlines()[-3:]
    assert f"direct messages to <@{me.id}>" in notify
    assert f"<@{other.id}> stands in · " in swap
    assert f"<@{me.id}>\\, <@{other.id}>" in rota


async def test_only_people_who_may_use_the_bot_can_be_on_call_and_each_once(world: World) -> None:
    guest, me = world.guest, world.operator
    assert "could not acknowledge a page" in await refusal(world, "oncall set", first=guest)
    assert "is in it twice" in await refusal(world, "oncall set", first=me, second=me)
    await use(world, "oncall set", first=me)
    assert "could not acknowledge a page" in await refusal(world, "oncall swap", who=guest)


async def test_somebody_stands_in_until_that_is_over_or_taken_back(world: World) -> None:
    me, other = world.operator, world.other
    assert "There is no rota to stand in for" in await refusal(world, "oncall swap", who=other)
    await use(world, "oncall set", first=me, second=other)
    assert "is on call then anyway" in await refusal(world, "oncall swap", who=me)
    told = text_of(await use(world, "oncall swap", who=other, length="8h"))
    assert told.startswith(f"<@{other.id}> is on call from")
    (swap,) = world.desk.known.decisions.swaps.values()
    assert swap.until - swap.since == 8 * HOUR
    card = text_of(await use(world, "oncall now"))
    assert f"<@{other.id}> until" in card
    assert f"`{swap.id}`" in card
    assert "stands in from" in await refusal(world, "oncall swap", who=me, length="1h")
    choices = await world.operator.autocomplete(world.channel, "oncall end", "swap", "")
    assert [each["value"] for each in choices] == [swap.id]
    assert f"<@{me.id}> is on call until" in text_of(await use(world, "oncall end", swap=swap.id))
    assert "There is no such swap" in await refusal(world, "oncall end", swap=swap.id)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"length": "soon"}, "is no length of time"),
        ({"length": "60d"}, "is too long"),
        ({"start": "2020-01-01 10:00", "length": "1h"}, "That is past"),
        ({"start": "2099-01-01 10:00", "length": "1h"}, "more than a year ahead"),
        ({"start": "whenever"}, "Write the start as 22:00"),
    ],
)
async def test_a_swap_that_cannot_be_is_answered_by_a_sentence(
    world: World, options: dict[str, str], part: str
) -> None:
    await use(world, "oncall set", first=world.operator, second=world.other)
    assert part in await refusal(world, "oncall swap", who=world.other, **options)


async def test_a_swap_to_come_lasts_until_the_shift_then_ends(world: World) -> None:
    me, other = world.operator, world.other
    await use(world, "oncall set", first=me, second=other)
    rota = world.desk.known.decisions.rota
    assert rota is not None
    end = rota.handover(rota.week(world.desk.now) + 1)
    await use(world, "oncall swap", who=other, start=f"{(end - HOUR).astimezone(ZoneInfo(rota.zone)):%Y-%m-%d %H:%M}")
    (swap,) = world.desk.known.decisions.swaps.values()
    assert (swap.since, swap.until) == (end - HOUR, end)


async def test_zones_are_suggested(world: World) -> None:
    first = await world.operator.autocomplete(world.channel, "oncall set", "zone", "")
    assert first
    found = await world.operator.autocomplete(world.channel, "oncall set", "zone", "new york")
    assert [each["value"] for each in found] == ["America/New_York"]


async def test_those_who_left_are_named_on_the_card(world: World) -> None:
    me, other = world.operator, world.other
    await use(world, "oncall set", first=me, second=other)
    _, world.desk.known = note_absent(world.desk.known, [me.id], [], world.desk.now)
    card = text_of(await use(world, "oncall now"))
    assert f"Passed over, as they have left this server: <@{me.id}>" in card
    _, world.desk.known = note_absent(world.desk.known, [me.id, other.id], [], world.desk.now)
    assert "Everybody of it has left" in text_of(await use(world, "oncall now"))
    assert "There is no rota to stand in for" in await refusal(world, "oncall swap", who=other)


async def test_who_stands_in_and_left_is_not_on_call_because_the_rota_is_set_anew(world: World) -> None:
    me, other, third = world.operator, world.other, world.third()
    await use(world, "oncall set", first=me, second=other)
    await use(world, "oncall swap", who=third, length="8h")
    _, world.desk.known = note_absent(world.desk.known, [third.id], [], world.desk.now)
    assert f"<@{other.id}> is on call until" in text_of(await use(world, "oncall set", first=other))
    rota = world.desk.known.decisions.rota
    assert rota is not None
    assert rota.absent == (third.id,)


ON_CALL = Roles(ALERT, ESCALATION, on_call=ANA, following=BO)


def mentioned(notice: Notice | None, roles: Roles) -> tuple[set[int], set[int]]:
    """The people and the roles whom a message about the ban calls."""
    shown = alert(Message(57, "k3f9-57", (BAN,), 1, notice=notice), fleet(), roles)
    users, called = shown.allowed_mentions.users, shown.allowed_mentions.roles
    people = {each.id for each in users} if isinstance(users, list) else set()
    for each in people:
        assert f"<@{each}>" in shown.content
    return people, {each.id for each in called} if isinstance(called, list) else set()


def reminder(count: int) -> Notice:
    """The reminder of that number."""
    return Notice(NoticeKind.REMINDER, NOON, (BAN.key,), escalated=count > 1, reminders=count)


@pytest.mark.parametrize(
    ("notice", "people", "roles"),
    [
        (None, {ANA}, set()),
        (Notice(NoticeKind.RAISED, NOON, (BAN.key,)), {ANA}, set()),
        (reminder(1), {ANA}, set()),
        (reminder(2), {ANA, BO}, set()),
        (reminder(3), {ANA, BO}, {ESCALATION}),
        (reminder(9), {ANA, BO}, {ESCALATION}),
        (Notice(NoticeKind.REMINDER, NOON, (BAN.key,), escalated=True), {ANA, BO}, {ESCALATION}),
        (Notice(NoticeKind.SILENCE_ENDED, NOON, (BAN.key,), before=(BAN.key,)), {ANA}, set()),
        (Notice(NoticeKind.SILENCE_ENDED, NOON, (BAN.key,)), set(), set()),
    ],
)
def test_a_page_calls_the_person_then_the_next_and_then_the_role(
    notice: Notice | None, people: set[int], roles: set[int]
) -> None:
    assert mentioned(notice, ON_CALL) == (people, roles)


def test_with_nobody_to_follow_the_second_reminder_calls_the_role() -> None:
    assert mentioned(reminder(2), replace(ON_CALL, following=None)) == ({ANA}, {ESCALATION})


def test_what_somebody_has_calls_nobody() -> None:
    taken = replace(BAN, acknowledged=Moment(NOON, Happening.ACKNOWLEDGED, who=9))
    shown = alert(Message(57, "k3f9-57", (taken,), 1), fleet(), ON_CALL)
    assert f"<@{ANA}>" not in shown.content


@pytest.mark.parametrize("notice", [None, reminder(1), reminder(2), reminder(3)])
def test_without_a_rota_all_is_as_it_was(notice: Notice | None) -> None:
    escalated = notice is not None and notice.escalated
    assert mentioned(notice, Roles(ALERT, ESCALATION)) == (set(), {ALERT, ESCALATION} if escalated else {ALERT})


@pytest.mark.parametrize(
    ("handover", "parts"),
    [
        (Handover(ANA), [f"<@{ANA}> is on call until", "Open now:"]),
        (
            Handover(BO, swap=True, left=ANA),
            [f"<@{BO}> is on call", f"<@{ANA}> has left", "stand in for somebody, by `/oncall swap`"],
        ),
        (Handover(None), ["Nobody is on call", "`/oncall set`"]),
    ],
)
def test_the_begin_of_a_shift_is_told_without_a_sound_and_calls_nobody(handover: Handover, parts: list[str]) -> None:
    until = NOON + HOUR if handover.who else None
    notice = Notice(NoticeKind.SHIFT, NOON, (BAN.key,), until=until, shift=handover)
    shown = alert(Message(57, "k3f9-57", (BAN,), 1, notice=notice), fleet(), ON_CALL)
    assert shown.silent
    assert shown.allowed_mentions.users is False
    assert shown.allowed_mentions.roles is False
    for each in parts:
        assert each in shown.content


async def test_a_page_needs_no_alert_role_where_somebody_is_on_call(world: World) -> None:
    client = world.env.bot
    assert isinstance(client, ChatClient)
    assert "ALERT_ROLE_ID" in client.unmentioned_now()
    rota = set_of([world.operator.id], 0, time(9), "UTC", 7, world.desk.now)
    await world.desk.decide(rota, "oncall set", 7)
    await world.desk.decide(Swap("s1", world.other.id, world.desk.now, world.desk.now + HOUR, 7), "oncall swap", 7)
    assert "ALERT_ROLE_ID to the role" not in client.unmentioned_now()


async def test_what_is_open_is_listed_under_who_is_on_call(world: World) -> None:
    world.desk.fire(BAN)
    assert "on call" not in said(await use(world, "incidents"))
    await use(world, "oncall set", first=world.operator)
    listed = said(await use(world, "incidents")).splitlines()
    assert listed[1] == "1 incident is open"
    assert listed[2].startswith(f"📟 <@{world.operator.id}> is on call until <t:")
