"""`/notify`: what somebody wishes to hear of by direct message, and how that reads."""

from datetime import time, timedelta
from typing import Any

import pytest

from bot.chat.alerts.personal import EACH, personal
from bot.chat.desk import Access, Need
from bot.domain.asides import Aside, Bundle, Place, What
from bot.domain.groups import Group
from bot.domain.incidents import Happening, Incident, Key, Moment, Rule, Stage
from bot.domain.model import Severity
from bot.domain.value import replace
from bot.domain.watch.hearing import refused
from bot.domain.wishes import Quiet, Wish
from tests.chat.builders import NOON, fleet, incident, record, token
from tests.chat.checks import assert_harmless
from tests.chat.conftest import GUILD, World
from tests.chat.test_commands import said
from tests.chat.test_steering import refusal, use

ANA, BEN = 41, 42
BAN = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED"))
FLEET = fleet(token(1900), token(1901, "BANNED"))


def kept(world: World) -> Wish:
    """What the operator wishes to hear of."""
    return world.desk.known.decisions.wishes[f"notify-{world.operator.id}"]


async def test_without_a_choice_it_is_pages_and_what_is_theirs(world: World) -> None:
    assert said(await use(world, "notify me")).splitlines()[0] == "You will hear of pages and your incidents."
    assert kept(world) == Wish(world.operator.id, world.desk.now, pages=True, mine=True)
    (entry,) = world.desk.trail
    assert (entry.act, entry.by) == ("notify me", world.operator.id)


async def test_what_is_not_said_stays_as_it_was(world: World) -> None:
    await use(world, "notify me", pages=True, quiet="22:00-07:00")
    await use(world, "notify me", mine=True, zone="America/New_York")
    wish = kept(world)
    assert (wish.pages, wish.mine) == (True, True)
    assert wish.quiet == Quiet(time(22), time(7), "America/New_York")
    await use(world, "notify me", pages=False, quiet="off")
    assert (kept(world).pages, kept(world).mine, kept(world).quiet) == (False, True, None)
    assert said(await use(world, "notify me")).startswith(
        "You will hear of pages while you are on call and your incidents."
    )


async def test_a_group_is_named_as_it_is_called_and_said_where_it_is_gone(world: World) -> None:
    await world.desk.decide(Group("Studio", ((1900, 1906),)), "group set", 7)
    answer = said(await use(world, "notify me", group="studio"))
    assert answer.startswith("You will hear of anything that fires in Studio.")
    assert kept(world).group == "Studio"
    world.desk.known = replace(
        world.desk.known, decisions=world.desk.known.decisions.with_(without=[Group("Studio", ()).id])
    )
    assert "There is no group Studio any more" in said(await use(world, "notify show"))
    await use(world, "notify me", group="off", pages=True)
    assert not kept(world).group


@pytest.mark.parametrize(
    ("text", "begin", "end"),
    [
        ("22:00-07:00", time(22), time(7)),
        ("22-7", time(22), time(7)),
        (" 9:30 \u2013 17:00 ", time(9, 30), time(17)),
        ("22:00 to 6:15", time(22), time(6, 15)),
        ("18:00-24", time(18), time(0)),
    ],
)
async def test_quiet_hours_are_read_as_people_write_them(world: World, text: str, begin: time, end: time) -> None:
    answer = said(await use(world, "notify me", quiet=text))
    assert kept(world).quiet == Quiet(begin, end, "Europe/Berlin")
    assert (
        f"Nothing is sent from {begin:%H:%M} to {end:%H:%M} (Europe/Berlin) except pages while you are on call"
        in answer
    )


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"pages": False, "mine": False},
            "That is nothing to hear of. Choose `pages`, `mine` or a `group`; `/notify off` ends the messages.",
        ),
        ({"group": "studio"}, "There is no group “studio”. `/group list` shows those that there are."),
        ({"quiet": "at night"}, "“at night” is no span of hours. Write quiet hours as 22:00-07:00, or off."),
        ({"quiet": "25:00-07:00"}, "“25\\:00\\-07\\:00” is no span of hours."),
        ({"quiet": "7:00-07:00"}, "Those hours begin when they end. To hear of nothing all day, use `/notify off`."),
        ({"quiet": "22-7", "zone": "Europe/Belrin"}, "is no time zone. Did you mean Europe/Berlin?"),
        (
            {"zone": "../../etc/passwd", "quiet": "x"},
            "is no span of hours. Write quiet hours as 22:00-07:00, or off. “",
        ),
        ({"zone": "Europe/Berlin"}, "A zone is that of quiet hours, and you have none."),
    ],
)
async def test_what_cannot_be_is_said_with_how_to_mend_it(world: World, options: dict[str, Any], sentence: str) -> None:
    text = await refusal(world, "notify me", **options)
    assert sentence in text
    assert text.endswith("Nothing was changed.")


async def test_what_one_gets_is_shown_and_can_be_ended(world: World) -> None:
    assert "You get no direct messages" in said(await use(world, "notify show"))
    assert "You get no direct messages as it is." in await refusal(world, "notify off")
    await use(world, "notify me", quiet="22-7")
    shown = said(await use(world, "notify show"))
    assert "You hear of pages and your incidents." in shown
    assert "Nothing is sent from 22:00 to 07:00" in shown
    assert "No more direct messages" in said(await use(world, "notify off"))
    assert not world.desk.known.decisions.wishes
    assert [each.act for each in world.desk.trail] == ["notify me", "notify off"]


async def test_who_was_refused_sees_it_and_what_they_chose_stays_until_they_ask_again(world: World) -> None:
    await use(world, "notify me", mine=True)
    await world.desk.move(lambda known, now: refused(known, world.operator.id, now))
    shown = said(await use(world, "notify show"))
    assert "Discord refused to take messages to you" in shown
    assert "Privacy Settings" in shown
    await use(world, "notify me")
    assert kept(world).refused_at is None
    assert (kept(world).pages, kept(world).mine) == (False, True)


async def test_zones_are_suggested_the_servers_own_first(world: World) -> None:
    choices = await world.operator.autocomplete(world.channel, "notify me", "zone", "eur")
    assert [each["value"] for each in choices][:2] == ["Europe/Berlin", "Europe/London"]


@pytest.mark.parametrize("written", ["America/New_York", "america/new york", "New York", " new_york "])
async def test_a_zone_is_found_however_it_is_written(world: World, written: str) -> None:
    await use(world, "notify me", quiet="22-7", zone=written)
    assert kept(world).quiet == Quiet(time(22), time(7), "America/New_York")


async def test_any_zone_is_suggested_once_it_is_typed(world: World) -> None:
    choices = await world.operator.autocomplete(world.channel, "notify me", "zone", "kathm")
    assert [each["value"] for each in choices] == ["Asia/Kathmandu"]


async def test_who_may_look_hears_and_nobody_else(world: World) -> None:
    access = Access(GUILD, operator_role_id=world.role)
    guild = world.env.bot.get_guild(GUILD)
    assert guild is not None
    people = [await guild.fetch_member(each.id) for each in (world.operator, world.manager, world.guest)]
    assert [access.hears(each) for each in people] == [True, False, False]
    assert [replace(access, operator_role_id=None).hears(each) for each in people] == [False, True, False]
    viewing = replace(access, operator_role_id=None, viewer_role_id=world.role)
    assert [viewing.hears(each) for each in people] == [True, True, False]


# What somebody is told.


def bundle(*asides: Aside, incidents: tuple[Incident, ...] = (BAN,)) -> Bundle:
    """What waits for Ana."""
    return Bundle(1, "k3f9-a1", ANA, Place.PERSON, asides, incidents)


def aside(what: What, *keys: Key, moments: tuple[Moment, ...] = ()) -> Aside:
    """Something to say to her."""
    return Aside(ANA, Place.PERSON, NOON, what, keys, moments)


def told(*asides: Aside, incidents: tuple[Incident, ...] = (BAN,), wish: Wish | None = None) -> list[str]:
    """The lines of it."""
    links = {BAN.key: "https://discord.com/channels/100000000000000001/100000000000000002/100000000000000003"}
    shown = personal(bundle(*asides, incidents=incidents), FLEET, wish, links)
    assert shown.view is None
    assert not shown.allowed_mentions.users
    assert_harmless(shown.content)
    *lines, mark = shown.content.splitlines()
    assert mark == "-# ref k3f9-a1"
    return lines


KEPT_QUIET = (
    "Nothing is sent from 22:00 to 07:00 (UTC) except pages while you are on call; at their end you hear what is still "
    "open."
)
CARD = " · [jump](https://discord.com/channels/100000000000000001/100000000000000002/100000000000000003)"


def test_a_page_begins_with_what_is_wrong() -> None:
    assert told(aside(What.PAGE, BAN.key)) == [f"🔴 **Token 1901 is BANNED**{CARD}"]


def test_of_what_somebody_has_by_now_it_says_who() -> None:
    has = replace(BAN, acknowledged=Moment(NOON, Happening.ACKNOWLEDGED, who=BEN))
    assert told(aside(What.PAGE, BAN.key), incidents=(has,)) == [f"🔴 **Token 1901 is BANNED** · <@42> has it{CARD}"]


def test_whoever_handed_it_over_or_released_it_is_named() -> None:
    given = Moment(NOON, Happening.ACKNOWLEDGED, who=ANA, by=BEN)
    assert told(aside(What.TAKEN, BAN.key, moments=(given,))) == [
        f"🤝 <@42> handed this to <@41>: 🔴 **Token 1901 is BANNED**{CARD}"
    ]
    free = Moment(NOON, Happening.ACKNOWLEDGED, by=BEN)
    (line,) = told(aside(What.CHANGED, BAN.key, moments=(free,)))
    assert line.startswith("👐 <@42> released this, and nobody has it: 🔴")


def test_the_morning_says_so_and_an_end_makes_no_sound() -> None:
    assert told(aside(What.MORNING, BAN.key)) == [
        "☀️ **Open since your quiet hours**",
        f"🔴 **Token 1901 is BANNED**{CARD}",
    ]
    over = replace(BAN, stage=Stage.RESOLVED, resolved_at=NOON + timedelta(minutes=5), now=record(1901, "FAST"))
    shown = personal(bundle(aside(What.ENDED, BAN.key), incidents=(over,)), FLEET)
    assert shown.silent
    assert shown.content.startswith("✅ **Token 1901 is FAST again")
    assert not personal(bundle(aside(What.PAGE, BAN.key)), FLEET).silent


def test_many_are_a_line_a_rule_behind_how_many_they_are() -> None:
    bans = tuple(
        incident(Rule.BANNED, 1900 + number, severity=Severity.CRITICAL, now=record(1900 + number, "BANNED"))
        for number in range(100)
    )
    lines = told(aside(What.PAGE, *(each.key for each in bans)), incidents=bans)
    assert lines[0] == "**100 tokens are BANNED**"
    assert len(lines) == 2
    assert len(told(aside(What.PAGE, *(each.key for each in bans[:EACH])), incidents=bans[:EACH])) == 1 + EACH


def test_the_first_message_says_what_will_come() -> None:
    wish = Wish(ANA, NOON, pages=True, group="studio *1*", quiet=Quiet(time(22), time(7), "UTC"))
    assert told(aside(What.WELCOME), incidents=(), wish=wish) == [
        "👋 **This is where you will hear of pages and anything that fires in studio \\*1\\*.**",
        KEPT_QUIET,
        "Act in the ops channel: there is nothing to press here. `/notify off` ends these messages.",
    ]


def test_a_viewer_may_choose_for_themselves() -> None:
    from bot.chat.commands.notify import command  # noqa: PLC0415
    from bot.chat.desk import need_of  # noqa: PLC0415

    assert {need_of(each) for each in command().walk_commands()} == {Need.VIEW}
