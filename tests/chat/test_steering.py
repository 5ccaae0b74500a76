"""The commands by which people steer: what is open, silences, maintenance, rules, and who did what."""

import logging
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import simcord
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.commands import admin, maintenance, windows
from bot.chat.commands import silence as silence_command
from bot.domain.incidents import Key, Rule
from bot.domain.info import duration
from bot.domain.model import Severity
from bot.domain.naming import WEEKDAYS, name_of
from bot.domain.steering import Entry, Scope, Setting, Silence, Window
from bot.domain.value import replace
from bot.storage.store import StoreUnavailableError
from tests.chat.builders import NOON, fleet, incident, record, token
from tests.chat.checks import assert_harmless
from tests.chat.conftest import World
from tests.chat.test_commands import said

BAN = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED"))
SLOW = incident(Rule.DEGRADED, 1950, now=record(1950, "RELAX"), was=record(1950))
HOUR = timedelta(hours=1)
PAGE = (Path(__file__).parents[2] / "docs/incidents.md").read_text(encoding="utf-8")


async def use(world: World, command: str, **options: Any) -> simcord.InteractionResult:  # noqa: ANN401 - as simcord has them
    """Use a command as an operator; the answer is for their eyes only."""
    result = await world.operator.slash(world.channel, command, **options)
    assert result.ephemeral
    return result


async def refusal(world: World, command: str, **options: Any) -> str:  # noqa: ANN401 - as simcord has them
    """What a command that cannot be done is answered with; nothing came of it."""
    before = world.desk.known
    text = said(await use(world, command, **options)).strip()
    assert world.desk.known is before
    assert world.env.errors  # simcord asks whether the test knows that the command was broken off
    return text


# What is open.


async def test_what_is_open_is_listed_worst_first_each_with_its_message(world: World) -> None:
    card = await world.post(BAN)
    world.desk.fire(SLOW, BAN)
    await world.desk.acknowledge([SLOW.key], 7)
    await world.desk.decide(Silence("a1", Scope(token=1950), NOON, None, 7), "silence add", 7)
    noon = int(NOON.timestamp())
    link = f"https://discord.com/channels/500/{world.channel.id}/{card.id}"
    assert said(await use(world, "incidents")).splitlines() == [
        "",
        "2 incidents are open",
        f"🔴 **Token 1901 is BANNED** · since <t:{noon}:t> · [jump]({link})",
        (
            f"🟠 **Token 1950 is RELAX, no longer FAST** · since <t:{noon}:t> · <@7> has it"
            " · silenced by <@7> until it is resolved"
        ),
    ]


async def test_what_keeps_an_open_incident_quiet_is_named(world: World) -> None:
    flapping = incident(Rule.FLAPPING, 1950, now=record(1950))
    world.desk.fire(BAN, flapping, replace(SLOW, severity=Severity.INFO))
    await world.desk.decide(Silence("a1", Scope(token=1901), NOON, NOON + HOUR, 7), "silence add", 7)
    listed = said(await use(world, "incidents"))
    assert f"· silenced by <@7> until <t:{int((NOON + HOUR).timestamp())}:f>" in listed
    assert "· told by another alert" in listed
    window = Window("w1", NOON, HOUR, weekly=False, zone="UTC", by=7)
    await world.desk.decide(window, "maintenance add", 7)
    assert said(await use(world, "incidents")).count("· kept quiet by maintenance") == 3


@pytest.mark.parametrize(
    ("options", "heading"),
    [
        ({}, "2 incidents are open"),
        ({"severity": "critical"}, "1 critical incident is open"),
        ({"severity": "info"}, "No info incident is open"),
        ({"token": 1950}, "1 incident about token 1950 is open"),
        ({"token": 7, "severity": "warning"}, "No warning incident about token 7 is open"),
    ],
)
async def test_what_is_open_can_be_narrowed(world: World, options: dict[str, Any], heading: str) -> None:
    world.desk.fire(BAN, SLOW, replace(BAN, key=Key(Rule.FAST_TIME_LOW, 1901, "20%"), notifiable=False))
    assert said(await use(world, "incidents", **options)).splitlines()[1] == heading


async def test_what_is_open_is_turned_page_by_page_and_stays_narrowed(world: World) -> None:
    many = [incident(Rule.VERIFYING, number, now=record(number, "VERIFYING")) for number in range(100, 130)]
    world.desk.fire(BAN, *many)
    first = await use(world, "incidents", severity="warning")
    assert first.response is not None
    await world.restart(world.role)
    second = await world.operator.click(first.response.message, label="More ▶")
    assert "30 warning incidents are open" in said(second)
    assert "page 2 of 3" in said(second)
    world.desk.broken = StoreUnavailableError("x")
    (followup,) = (await world.operator.click(first.response.message, label="More ▶")).followups
    assert followup.content.startswith("The database does not answer")


# Silences.


@pytest.mark.parametrize(
    ("options", "scope", "until"),
    [
        ({"token": 1901, "length": "30m"}, Scope(token=1901), timedelta(minutes=30)),
        ({"rule": "banned", "length": " 4H "}, Scope(Rule.BANNED), 4 * HOUR),
        ({"rule": "everything", "length": "2d"}, Scope(), timedelta(days=2)),
        ({"token": 1901, "rule": "banned", "length": "until  Resolved"}, Scope(Rule.BANNED, 1901), None),
        ({"rule": "banned", "length": "until resolved"}, Scope(Rule.BANNED), None),
        ({"rule": "everything", "length": "until resolved"}, Scope(), None),
        ({"token": 1901, "length": "until the refill"}, Scope(token=1901), timedelta(days=6, minutes=-1)),
        ({"token": 1901, "length": "until renewal"}, Scope(token=1901), timedelta(days=6, minutes=-1)),
    ],
)
async def test_a_silence_covers_what_was_said_for_as_long_as_was_said(
    world: World, options: dict[str, Any], scope: Scope, until: timedelta | None
) -> None:
    world.desk.fire(BAN)
    text = said(await use(world, "silence add", **options, reason="*moving* house"))
    (made,) = world.desk.known.decisions.silences.values()
    assert text.startswith("Silenced: ")
    assert made.id in text
    assert (made.scope, made.by, made.reason) == (scope, world.operator.id, "*moving* house")
    assert [each.key for each in made.covered] == ([BAN.key] if until is None else [])
    assert made.until == (None if until is None else world.desk.now + until)
    assert [(entry.act, entry.reason) for entry in world.desk.trail] == [("silence add", "*moving* house")]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"length": "1h"},
            "Say what to silence: a token such as `token:1900`, a group such as `group:studio`, a rule such as",
        ),
        ({"token": 1901}, "Say for how long, such as `length:4h`"),
        (
            {"length": "banana"},
            "or a rule of either; `rule:everything` silences all. “banana” is no length of time: write",
        ),
        ({}, "silences all. Say for how long, such as `length:4h`"),
        ({"token": 7, "length": "1h"}, "There is no token 7."),
        ({"token": 1901, "rule": "pool", "length": "1h"}, "about no single token: leave the token out"),
        ({"token": 1901, "length": "soon"}, "write a whole number and a unit, such as 30m, 4h or 2d"),
        ({"token": 1901, "length": "999999d"}, "999999d is too long: the length goes from 1m to 90d"),
        ({"token": 1901, "length": "0m"}, "0m is too short: the length goes from 1m to 90d"),
        ({"token": 1901, "length": "until resolved"}, "Nothing of that is open"),
        ({"rule": "banned", "length": "until resolved"}, "Nothing of that is open"),
        ({"rule": "everything", "length": "until resolved"}, "Nothing of that is open"),
        ({"rule": "banned", "length": "until the refill"}, "When that is refilled is not known"),
        ({"token": 2, "length": "until the refill"}, "When that is refilled is not known"),
    ],
)
async def test_a_silence_that_cannot_be_is_answered_with_how_to_mend_it(
    world: World, options: dict[str, Any], words: str
) -> None:
    world.desk.fleet = fleet(token(1901), token(2, subscription=""))
    assert words in await refusal(world, "silence add", **options)


async def test_a_silence_that_is_there_already_is_not_made_twice(world: World) -> None:
    await use(world, "silence add", token=1901, length="4h")
    again = await world.other.slash(world.channel, "silence add", token=1901, length="1h")
    assert said(again).strip().startswith(f"<@{world.operator.id}> has silenced all alerts of token 1901 already")
    assert len(world.desk.known.decisions.silences) == 1


async def test_silences_are_listed_and_ended_by_their_id(world: World) -> None:
    assert "Nothing is silenced" in said(await use(world, "silence list"))
    await use(world, "silence add", rule="fast_time_low", length="4h", reason="<@&1> [x](http://y)")
    (made,) = world.desk.known.decisions.silences.values()
    listed = said(await use(world, "silence list"))
    assert "\n**Any low fast time of any token** until <t:" in listed
    assert f"by <@{world.operator.id}> · “\\<\\@\\&1\\> \\[x\\]" in listed
    assert listed.endswith(f"` · `{made.id}`") or listed.rstrip().endswith(f" · `{made.id}`")
    (choice,) = await world.operator.autocomplete(world.channel, "silence end", "id", "FAST")
    assert choice == {"name": f"Any low fast time of any token · {made.id}", "value": made.id}
    assert await world.operator.autocomplete(world.channel, "silence end", "id", "banned") == []
    ended = said(await use(world, "silence end", id=made.id))
    assert ended.strip() == "Ended: the silence of any low fast time of any token. What is still open is posted now."
    assert not world.desk.known.decisions.silences
    assert world.desk.trail[-1].act == "silence end"
    assert "There is no such silence" in await refusal(world, "silence end", id=made.id)


async def test_lengths_are_suggested_by_what_was_typed(world: World) -> None:
    choices = await world.operator.autocomplete(world.channel, "silence add", "length", "until")
    assert [choice["value"] for choice in choices] == ["until resolved", "until the refill"]


# Maintenance. It is 13:01 in Berlin, on Thursday, the first of January.

HOW = (
    "Write the start as 22:00, tomorrow 22:00, 2026-01-01 22:00 (Europe/Berlin), or now. "
    "It is 2026-01-01 13:01 (Europe/Berlin) now."
)


@pytest.mark.parametrize(
    ("options", "start", "weekly"),
    [
        ({"start": "now", "length": "30m"}, datetime(2026, 1, 1, 12, 1, tzinfo=UTC), False),
        ({"start": "2026-07-01 22:00", "length": "2h"}, datetime(2026, 7, 1, 20, 0, tzinfo=UTC), False),
        ({"start": "2026-01-01  13:00", "length": "2h"}, datetime(2026, 1, 1, 12, 0, tzinfo=UTC), False),
        ({"start": "22:00", "length": "2h"}, datetime(2026, 1, 1, 21, 0, tzinfo=UTC), False),
        ({"start": "12:00", "length": "2h"}, datetime(2026, 1, 1, 11, 0, tzinfo=UTC), False),
        ({"start": "12:00", "length": "1h"}, datetime(2026, 1, 2, 11, 0, tzinfo=UTC), False),
        ({"start": " Tomorrow  22:00", "length": "2h"}, datetime(2026, 1, 2, 21, 0, tzinfo=UTC), False),
        ({"start": "today 22:00", "length": "2h"}, datetime(2026, 1, 1, 21, 0, tzinfo=UTC), False),
        ({"start": "22:00", "weekday": 0, "length": "2h"}, datetime(2026, 1, 5, 21, 0, tzinfo=UTC), True),
        ({"start": "22:00", "weekday": 3, "length": "2h"}, datetime(2026, 1, 1, 21, 0, tzinfo=UTC), True),
        ({"start": "12:30", "weekday": 3, "length": "2h"}, datetime(2026, 1, 1, 11, 30, tzinfo=UTC), True),
        ({"start": "09:00", "weekday": 3, "length": "2h"}, datetime(2026, 1, 8, 8, 0, tzinfo=UTC), True),
    ],
)
async def test_a_window_begins_when_the_clock_of_the_server_says_so(
    world: World, options: dict[str, Any], start: datetime, *, weekly: bool
) -> None:
    text = said(await use(world, "maintenance add", **options, reason="new proxies"))
    (made,) = world.desk.known.decisions.windows.values()
    assert (made.start, made.weekly, made.zone, made.reason) == (start, weekly, "Europe/Berlin", "new proxies")
    assert made.length == duration(options["length"])
    assert f"(`{made.id}`)" in text
    assert (", on now" in text) is (start <= world.desk.now)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"start": "tomorrow", "length": "1h"}, HOW),
        ({"start": "25:00", "length": "1h"}, HOW),
        ({"start": "0001-01-01 00:00", "length": "1h"}, HOW),
        ({"start": "9999-12-31 23:59", "length": "1h"}, HOW),
        ({"start": "2026-01-31 22:00", "weekday": 1, "length": "1h"}, "as a time only, such as 22:00 (Europe/Berlin)."),
        (
            {"start": "2026-01-01 12:00", "length": "1h"},
            "would be over already: it is 2026-01-01 13:01 (Europe/Berlin) now",
        ),
        ({"start": "today 12:00", "length": "1h"}, "would be over already: it is 2026-01-01 13:01 (Europe/Berlin) now"),
        ({"start": "2026-03-29 02:30", "length": "1h"}, "02:30 (Europe/Berlin) does not exist on 2026-03-29"),
        ({"start": "now", "length": "7d"}, "goes from 1m to 6d"),
        ({"start": "now", "length": "long"}, "“long” is no length of time"),
        ({"start": "whenever", "length": "soon"}, f"{HOW} “soon” is no length"),
        ({"start": "whenever", "length": "soon", "weekday": 1}, "such as 22:00 (Europe/Berlin). “soon” is no length"),
        ({"start": "now", "length": "soon"}, "such as 30m, 4h or 2d. No window was added."),
        ({"start": "whenever", "length": "1h"}, "now. No window was added."),
    ],
)
async def test_a_window_that_cannot_be_is_answered_with_how_to_mend_it(
    world: World, options: dict[str, Any], words: str
) -> None:
    assert words in await refusal(world, "maintenance add", **options)


@pytest.mark.parametrize(
    ("now", "begins"),
    [
        pytest.param("2026-03-24 12:00", "2026-03-29 03:30", id="in the week before: that night an hour later"),
        pytest.param("2026-03-29 12:00", "2026-04-05 02:30", id="at noon of that day: only in the next week"),
        pytest.param("2026-04-01 12:00", "2026-04-05 02:30", id="in the week after"),
    ],
)
async def test_a_weekly_window_in_the_hour_that_is_left_out_is_not_refused_for_a_night_that_it_can_do(
    world: World, now: str, begins: str
) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    world.desk.now = datetime.fromisoformat(now).replace(tzinfo=berlin).astimezone(UTC)
    text = said(await use(world, "maintenance add", start="02:30", weekday=6, length="1h"))
    (made,) = world.desk.known.decisions.windows.values()
    first = made.next_start(world.desk.now)
    assert first is not None
    assert f"{first.astimezone(berlin):%F %H:%M}" == begins
    assert text.strip().startswith("Added: **every Sunday 02:30 (Europe/Berlin)** for 1 h, begins <t:")
    later = made.next_start(datetime(2026, 4, 20, tzinfo=UTC))
    assert later is not None
    assert f"{later.astimezone(berlin):%F %H:%M}" == "2026-04-26 02:30", "it keeps its hour in all other weeks"


CHANGING = [
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "America/Santiago",
    "America/Havana",
    "America/Scoresbysund",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Jerusalem",
    "Australia/Lord_Howe",
    "Pacific/Chatham",
    "Antarctica/Troll",
    "UTC",
]
"""Zones whose clocks change at night, at midnight, by half an hour, by two, and around Ramadan; and one that rests."""


@cache
def changes(zone: str) -> list[datetime]:
    """The hours in which the clocks change there, from 2026 to 2029."""
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + number * HOUR for number in range(4 * 366 * 24)]
    shown = [hour.astimezone(ZoneInfo(zone)).utcoffset() for hour in hours]
    return [hour for hour, before, after in zip(hours[1:], shown, shown[1:], strict=False) if before != after]


@given(st.sampled_from(CHANGING), st.data())
def test_a_weekly_window_can_be_made_in_every_week_and_keeps_its_day_and_hour(zone: str, data: st.DataObject) -> None:
    near = data.draw(st.sampled_from(changes(zone) or [datetime(2026, 3, 29, 1, tzinfo=UTC)]))
    now = near + data.draw(st.timedeltas(timedelta(days=-15), timedelta(days=15)))
    at = (near.astimezone(ZoneInfo(zone)) + data.draw(st.integers(-12, 12)) * timedelta(minutes=15)).time()
    weekday = data.draw(st.integers(0, 6) | st.just(near.astimezone(ZoneInfo(zone)).weekday()))
    lasts = data.draw(st.sampled_from([timedelta(minutes=10), HOUR, timedelta(days=6)]))

    start = windows.following(at, weekday, now - lasts, zone)
    window = Window("w", start, lasts, weekly=True, zone=zone, by=1)

    assert name_of(window) == f"every {WEEKDAYS[weekday]} {at:%H:%M} ({zone})"
    day = (now - lasts).astimezone(ZoneInfo(zone)).date() - timedelta(days=2)
    due = [
        datetime.combine(each, at, ZoneInfo(zone)).astimezone(UTC)  # in an hour that is left out, by the clock before
        for each in (day + timedelta(days=number) for number in range(70))
        if each.weekday() == weekday
    ]
    seen: list[datetime] = []
    since = now - lasts
    while len(seen) < 6:
        following = window.next_start(since)
        assert following is not None
        seen.append(since := following)
    assert seen == [each for each in due if each > now - lasts][:6]


@pytest.mark.parametrize(
    ("typed", "options", "names"),
    [
        ("", {}, ["now", "2026-01-01 14:00 (Europe/Berlin)", "tomorrow 14:00 (Europe/Berlin)"]),
        ("now", {}, ["now"]),
        ("9:30", {"weekday": 0}, ["09:30 (Europe/Berlin)"]),
        ("soon", {"weekday": 0}, ["now", "2026-01-01 14:00 (Europe/Berlin)", "tomorrow 14:00 (Europe/Berlin)"]),
        ("22:00", {}, ["Thursday 2026-01-01 22:00 (Europe/Berlin)"]),
        ("tomorrow 22:00", {}, ["Friday 2026-01-02 22:00 (Europe/Berlin)"]),
        ("tom", {}, ["tomorrow 14:00 (Europe/Berlin)"]),
        ("next week", {}, ["now", "2026-01-01 14:00 (Europe/Berlin)", "tomorrow 14:00 (Europe/Berlin)"]),
    ],
)
async def test_the_start_of_a_window_is_suggested_with_todays_date_and_the_zone(
    world: World, typed: str, options: dict[str, Any], names: list[str]
) -> None:
    choices = await world.operator.autocomplete(world.channel, "maintenance add", "start", typed, **options)
    assert [choice["name"] for choice in choices] == names


@pytest.mark.parametrize("example", re.findall(r"^/((?:silence|maintenance) add .*)$", PAGE, re.MULTILINE))
async def test_the_examples_for_operators_are_done_as_they_stand_there(world: World, example: str) -> None:
    options: dict[str, Any] = dict(re.findall(r"([a-z]+):(.+?)(?= [a-z]+:|$)", example))
    if "token" in options:
        options["token"] = int(options["token"])
    if "weekday" in options:
        options["weekday"] = WEEKDAYS.index(options["weekday"])
    command = " ".join(example.split()[:2])
    await use(world, command, **options)
    assert [(entry.act, entry.reason) for entry in world.desk.trail] == [(command, options.get("reason", ""))]


async def test_windows_are_listed_and_ended_by_their_id(world: World) -> None:
    assert "No maintenance is planned" in said(await use(world, "maintenance list"))
    await use(world, "maintenance add", start="22:00", weekday=0, length="2h", reason="`*x*`")
    await use(world, "maintenance add", start="now", length="1h")
    weekly, once = world.desk.known.decisions.windows.values()
    listed = said(await use(world, "maintenance list"))
    begins = int(weekly.start.timestamp())
    assert (
        f"**every Monday 22:00 (Europe/Berlin)** for 2 h, begins <t:{begins}:f>"
        f" · by <@{world.operator.id}> · “\\`\\*x\\*\\`” · `{weekly.id}`"
    ) in listed
    assert "**2026-01-01 13:01 (Europe/Berlin)** for 1 h, on now" in listed
    choices = await world.operator.autocomplete(world.channel, "maintenance end", "id", "")
    assert [choice["name"] for choice in choices] == [
        f"every Monday 22:00 (Europe/Berlin) for 2 h · {weekly.id}",
        f"2026-01-01 13:01 (Europe/Berlin) for 1 h · {once.id}",
    ]
    assert said(await use(world, "maintenance end", id=weekly.id)).strip() == (
        "Ended: the window every Monday 22:00 (Europe/Berlin) for 2 h."
    )
    assert list(world.desk.known.decisions.windows) == [once.id]
    assert "There is no such window" in await refusal(world, "maintenance end", id=weekly.id)


# Rules.


@pytest.mark.parametrize(
    ("options", "line"),
    [
        ({"rule": "banned", "severity": "warning"}, "**banned**: warning · set in chat"),
        ({"rule": "verifying", "readings": 3}, "**verifying**: warning, critical after 15 min · after 3 readings ·"),
        (
            {"rule": "fast_time_low", "threshold": "20%, 30m"},
            "**fast time low**: warning, the last step critical · under 20 %, 30 min · set in chat",
        ),
        (
            {"rule": "fast_time_low", "threshold": "20%, eta 12h"},
            "**fast time low**: warning, the last step critical · under 12 h until empty, 20 % · set in chat",
        ),
        (
            {"rule": "fast_time_low", "token": 1900, "threshold": "2h"},
            "**fast time low** of token 1900: warning · under 2 h · set in chat",
        ),
        (
            {"rule": "pool", "threshold": "3,20h"},
            "**pool**: critical · fewer than 3 tokens work or the tokens that work have less than 20 h of fast time",
        ),
        ({"rule": "pool", "threshold": "20h"}, "**pool**: critical · no token works or the tokens that work have"),
        ({"rule": "pool", "threshold": "0,20h"}, "**pool**: critical · the tokens that work have less than 20 h"),
        ({"rule": "queue_stuck", "threshold": "45m"}, "**queue stuck**: warning · for 45 min ·"),
        (
            {"rule": "list_short", "threshold": "2d"},
            "**list short**: warning, critical after 15 min · believed after 2 d · after 2 readings · set in chat",
        ),
        (
            {"rule": "upstream_down", "readings": 5},
            "**upstream down**: warning, critical after 15 min · after 5 readings",
        ),
        ({"rule": "new", "enabled": False}, "**new**: off · info · set in chat"),
    ],
)
async def test_a_rule_is_set_and_the_answer_is_what_holds_now(world: World, options: dict[str, Any], line: str) -> None:
    text = said(await use(world, "rules set", **options)).strip()
    assert text.startswith(f"Set. {line}")
    assert line in said(await use(world, "rules list"))
    assert [entry.act for entry in world.desk.trail] == ["rules set"]
    await use(world, "rules reset", **{key: options[key] for key in ("rule", "token") if key in options})
    assert "set in chat" not in said(await use(world, "rules list"))


async def test_setting_a_rule_again_keeps_what_was_set_before(world: World) -> None:
    await use(world, "rules set", rule="fast_time_low", threshold="10%", enabled=False)
    await use(world, "rules set", rule="fast_time_low", severity="info", enabled=True)
    (setting,) = world.desk.known.decisions.settings.values()
    assert setting == Setting(Rule.FAST_TIME_LOW, None, enabled=True, severity=Severity.INFO, threshold="10%")
    assert [entry.reason for entry in world.desk.trail] == ["threshold 10%, off", "info, on"]


async def test_the_rules_are_shown_as_they_hold_for_a_token(world: World) -> None:
    await use(world, "rules set", rule="banned", token=1900, severity="info")
    assert "**banned** of token 1900: info · set in chat" in said(await use(world, "rules list", token=1900))
    assert "**banned** of token 1950: critical · *the account" in said(await use(world, "rules list", token=1950))
    fleet_wide = said(await use(world, "rules list"))
    assert "**banned**: critical · *the account of a token is blocked*\n" in fleet_wide
    assert "↳ **banned** of token 1900: info" in fleet_wide
    assert "**fast time low**: warning · under 20 % · *a token is running out of fast time*\n" in fleet_wide
    assert "**frozen**: info · for 6 h · *a token runs jobs, but its fast time does not move*\n" in fleet_wide


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"rule": "banned"}, "Say what to set"),
        ({"rule": "banned", "threshold": "20%"}, "this rule has no threshold; those that have one: fast time low"),
        ({"rule": "fast_time_low", "threshold": "lots"}, "write a percentage such as 15%, or a time"),
        ({"rule": "fast_time_low", "threshold": "20%,"}, "write a percentage such as 15%, or a time"),
        ({"rule": "fast_time_low", "threshold": "0%"}, "a percentage lies above 0%"),
        ({"rule": "pool", "threshold": "20%"}, "write how many tokens must work"),
        ({"rule": "pool", "token": 1900, "enabled": False}, "leave the token out"),
        ({"rule": "banned", "token": 7, "enabled": False}, "There is no token 7."),
        ({"rule": "flapping", "readings": 2}, "does not count readings"),
        ({"rule": "upstream_stale", "readings": 2}, "does not count readings"),
        ({"rule": "fast_time_low", "threshold": "99%"}, "a percentage lies above 0% and goes up to 98%"),
        ({"rule": "fast_time_low", "threshold": "20%,20.0%"}, "names the same level twice"),
        ({"rule": "fast_time_low", "threshold": "60m,1h"}, "names the same level twice"),
        ({"rule": "fast_time_low", "threshold": "15h"}, "no token ever has more than 15h of fast time"),
        ({"rule": "fast_time_low", "threshold": "900m,1h"}, "no token ever has more than 900m of fast time"),
        ({"rule": "fast_time_low", "token": 1900, "threshold": "20h"}, "token 1900 never has more than 15h"),
        ({"rule": "pool", "threshold": "lots"}, "write how many tokens must work"),
        ({"rule": "pool", "threshold": "3,20"}, "write how many tokens must work"),
        ({"rule": "pool", "threshold": "2h,20h"}, "write how many tokens must work"),
        ({"rule": "pool", "threshold": "9" * 50}, "write how many tokens must work"),
        ({"rule": "pool", "threshold": "0"}, "to switch the rule off, set enabled to False"),
        ({"rule": "pool", "threshold": "4"}, "only 3 tokens are linked"),
        ({"rule": "pool", "threshold": "45h"}, "all tokens together have at most 45h of fast time"),
        ({"rule": "frozen", "threshold": "31d"}, "the longest time is 30d"),
    ],
)
async def test_a_rule_that_cannot_be_set_so_is_answered_with_how_to_mend_it(
    world: World, options: dict[str, Any], words: str
) -> None:
    assert words in await refusal(world, "rules set", **options)


async def test_a_refusal_says_what_was_written_and_what_is_set_now(world: World) -> None:
    assert await refusal(world, "rules set", rule="pool", threshold="3, 20") == (
        "“3\\,20” cannot be set: write how many tokens must work, such as 3, how much fast time they must have"
        " together, such as 20h, or both: 3,20h. Set now: **pool**: critical · no token works · after 3 readings"
    )
    await use(world, "rules set", rule="verifying", readings=3)
    assert await refusal(world, "rules set", rule="verifying", threshold="5m") == (
        "“5m” cannot be set: this rule has no threshold; those that have one: fast time low, does not last,"
        " pool, list short, credits low, plan expires, queue stuck, frozen. Set now:"
        " **verifying**: warning, critical after 15 min · after 3 readings · set in chat"
    )


async def test_what_was_not_set_is_not_reset(world: World) -> None:
    await use(world, "rules set", rule="banned", enabled=False)
    assert "Nothing was set there." in await refusal(world, "rules reset", rule="banned", token=1900)


# Who did what, and who may.


async def test_the_trail_says_who_did_what_when_and_why_newest_first(world: World) -> None:
    assert "Nobody has done anything yet" in said(await use(world, "admin audit"))
    world.desk.fire(BAN)
    await world.desk.acknowledge([BAN.key], 7)
    assert said(await use(world, "admin audit")).splitlines()[1] == "Last action"
    await world.desk.hand_over([BAN.key], 8, 7)
    await use(world, "silence add", token=1901, length="1h", reason="@everyone *look*")
    now = int(world.desk.now.timestamp())
    assert said(await use(world, "admin audit")).splitlines()[1:] == [
        "Last 3 actions",
        f"<t:{now}:f> <@{world.operator.id}> **silence add** all alerts of token 1901 · “\\@everyone \\*look\\*”",
        f"<t:{now}:f> <@7> **hand over** to <@8>\\: banned 1901",
        f"<t:{now}:f> <@7> **acknowledge** banned 1901",
    ]


ASKED: Sequence[tuple[str, dict[str, Any]]] = (
    ("incidents", {}),
    ("silence add", {"token": 1901, "length": "1h"}),
    ("maintenance add", {"start": "now", "length": "1h"}),
    ("rules set", {"rule": "banned", "enabled": False}),
    ("admin audit", {}),
    ("admin test", {}),
)


async def test_while_the_database_is_away_a_command_says_that_nothing_was_done(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    world.desk.broken = StoreUnavailableError("inner workings")
    with caplog.at_level(logging.ERROR):
        for command, options in ASKED:
            text = said(await use(world, command, **options))
            assert "The database does not answer, so this was not done." in text
            assert text.split("`")[1] in caplog.text
    assert world.env.errors


# Whatever people write.

ANY_TEXT = st.text(max_size=300) | st.sampled_from(
    ["<@&1> @everyone", "[a](https://b.c)", "*" * 200, "\u202e`x`", "||"]
)
PEOPLE = st.integers(1, 2**63)
SILENCES = st.builds(
    Silence,
    id=st.just("a1b2c3"),
    scope=st.builds(Scope, st.none() | st.sampled_from(Rule), st.none() | st.integers(0, 2**53), st.just("20%")),
    since=st.just(NOON),
    until=st.none() | st.just(NOON + HOUR),
    by=PEOPLE,
    reason=ANY_TEXT,
)
WINDOWS = st.builds(
    Window,
    id=st.just("a1b2c3"),
    start=st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001 - with the zone beside
    length=st.timedeltas(timedelta(minutes=1), timedelta(days=6)),
    weekly=st.booleans(),
    zone=st.sampled_from(["UTC", "Europe/Berlin", "Asia/Kathmandu"]),
    by=PEOPLE,
    reason=ANY_TEXT,
)
ENTRIES = st.builds(Entry, at=st.just(NOON), by=PEOPLE, act=ANY_TEXT, what=ANY_TEXT, reason=ANY_TEXT)


@given(SILENCES, WINDOWS, ENTRIES, ANY_TEXT)
def test_nothing_that_people_write_works_in_a_list(silenced: Silence, window: Window, entry: Entry, label: str) -> None:
    names = dict.fromkeys((7, 1900, 1901), label)
    lines = [
        silence_command._line(silenced, names),
        f"{maintenance._words(window, NOON)}{maintenance._why(window)}",
        admin._line(entry, names),
    ]
    for text in lines:
        assert_harmless(text)
