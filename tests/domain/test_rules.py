"""What the rules find in stories of readings, and what becomes of it over time."""

from datetime import timedelta

import pytest

from bot.domain.incidents import Key, Rule
from bot.domain.info import threshold
from bot.domain.model import Record, Severity, Trouble
from bot.domain.rules.policy import Policy
from bot.domain.rules.settable import THRESHOLDS, check
from bot.domain.rules.table import RULES
from bot.domain.steering import Scope, Setting
from bot.domain.watch.known import Memory, restore
from tests.domain.fleets import START, at, record
from tests.domain.stories import EVERY_MINUTE, Story, watching


def test_the_first_reading_notifies_by_one_summary_whatever_is_wrong_in_it() -> None:
    story = Story()
    heard = story.read(0, record(1, "BANNED"), record(2, fast="1.00/15.0 hours (6.67%)"), record(3, active=False))
    assert heard == [
        "banned 1 critical BANNED",
        "fast_time_low 2 warning FAST",
        "inactive 3 info FAST",
        "ended: baseline info",
    ]
    assert story.notices == []
    assert story.read(1, record(1, "BANNED"), record(2, fast="1.00/15.0 hours (6.67%)"), record(3, active=False)) == []


def test_what_the_summary_named_notifies_again_when_it_ends() -> None:
    story = watching(record(1, "BANNED"))
    assert story.read(50, record(1)) == ["ended: banned 1 critical FAST"]


STATUSES = ["FAST", "RELAX", "VERIFYING", "BANNED", "PONDERING"]
BEGINS = {
    "RELAX": "degraded 1900 warning RELAX",
    "VERIFYING": "verifying 1900 warning VERIFYING",
    "BANNED": "banned 1900 critical BANNED",
    "PONDERING": "unknown_status 1900 warning PONDERING",
}
RULE_OF = {"VERIFYING": "verifying", "BANNED": "banned", "PONDERING": "unknown_status"}


@pytest.mark.parametrize("before", STATUSES)
@pytest.mark.parametrize("after", STATUSES)
def test_each_flip_between_two_statuses_notifies_once(before: str, after: str) -> None:
    story = watching(record(status=before))
    heard = story.read(1, record(status=after))
    if before == after:
        assert heard == []
        return
    expected = set()
    if after in RULE_OF or before == "FAST":
        expected.add(BEGINS[after])
    if before in RULE_OF:
        severity = "critical" if before == "BANNED" else "warning"
        expected.add(f"ended: {RULE_OF[before]} 1900 {severity} {after}")
    if (before, after) == ("RELAX", "FAST"):
        expected.add("ended: restored 1900 info FAST")
    assert set(heard) == expected
    assert story.read(2, record(status=after)) == []


def test_a_token_that_was_fast_is_degraded_until_it_is_fast_again() -> None:
    story = watching()
    assert story.read(1, record(status="RELAX")) == ["degraded 1900 warning RELAX"]
    assert story.read(2, record(status="RELAX")) == []
    assert story.read(3, record(status="FAST")) == ["ended: degraded 1900 warning FAST"]


def test_a_check_that_ends_in_relax_fires_as_degraded_since_it_was_fast_before_the_check() -> None:
    story = watching()
    story.read(1, record(status="VERIFYING"))
    assert set(story.read(2, record(status="RELAX"))) == {
        "ended: verifying 1900 warning RELAX",
        "degraded 1900 warning RELAX",
    }


@pytest.mark.parametrize(
    "path", [["VERIFYING", "RELAX"], ["VERIFYING", "BANNED", "RELAX"], ["BANNED", "PONDERING", "VERIFYING", "RELAX"]]
)
def test_a_token_that_was_fast_before_its_trouble_is_degraded_however_it_came_to_relax(path: list[str]) -> None:
    story = watching()
    heard = [story.read(40 * number, record(status=status)) for number, status in enumerate(path, start=1)]
    assert "degraded 1900 warning RELAX" in heard[-1]
    assert story.read(200, record(status="RELAX")) == story.read(201, record(status="RELAX")) == []
    assert story.read(202, record(status="FAST")) == ["ended: degraded 1900 warning FAST"]


def test_relax_on_a_plan_without_relax_mode_is_critical() -> None:
    story = watching(record(plan="Basic"))
    assert story.read(1, record(status="RELAX", plan="Basic")) == ["degraded 1900 critical RELAX"]


def test_another_unknown_status_changes_the_incident() -> None:
    story = watching()
    story.read(1, record(status="PONDERING"))
    assert story.read(2, record(status="SLEEPING")) == ["unknown_status 1900 warning SLEEPING"]


def test_a_record_without_a_status_moves_nothing() -> None:
    story = watching()
    story.read(1, record(status="BANNED"))
    assert story.read(2, record(status="")) == story.read(2.5, record(status="  ")) == []
    assert story.read(3, record(status="FAST")) == ["ended: banned 1900 critical FAST"]


def test_a_token_that_was_switched_off_on_purpose_is_worth_a_line_and_never_critical() -> None:
    story = watching()
    assert story.read(1, record(active=False)) == ["inactive 1900 info FAST"]
    assert story.read(2, record(status="BANNED", active=False)) == ["inactive 1900 info BANNED"]
    assert story.read(3, record(status="BANNED", active=None)) == []
    assert set(story.read(4, record(status="BANNED"))) == {
        "banned 1900 critical BANNED",
        "ended: inactive 1900 info BANNED",
    }


def fast(percent: float, total: float = 15.0) -> str:
    """Fast time as Midjourney prints it."""
    return f"{total * percent / 100:.2f}/{total:.1f} hours ({percent:.2f}%)"


@pytest.mark.parametrize(
    ("percents", "heard"),
    [
        pytest.param([25, 19.9], ["fast_time_low 1900 warning FAST"], id="under the first step"),
        pytest.param([25, 20.0], [], id="at the step is not under it"),
        pytest.param(
            [25, 19, 4],
            ["fast_time_low 1900 warning FAST", "fast_time_low 1900 critical FAST"],
            id="each step makes it worse",
        ),
        pytest.param([25, 3], ["fast_time_low 1900 critical FAST"], id="two steps at once: the deeper one speaks"),
        pytest.param([25, 0], ["fast_time_low 1900 critical FAST"], id="all at once: gone speaks"),
        pytest.param([25, -0.5], ["fast_time_low 1900 critical FAST"], id="less than nothing is nothing"),
        pytest.param(
            [25, 19.9, 20.1, 19.9, 24.5, 19.9],
            ["fast_time_low 1900 warning FAST"],
            id="trembling around the step is one incident",
        ),
        pytest.param(
            [25, 19.9, 22, 25.1],
            ["fast_time_low 1900 warning FAST", "ended: fast_time_low 1900 warning FAST"],
            id="ends 5 points above the step",
        ),
        pytest.param(
            [25, 15.5, 20.9],
            ["fast_time_low 1900 warning FAST", "ended: fast_time_low 1900 warning FAST"],
            id="a refill ends it as soon as it is above the step",
        ),
        pytest.param(
            [25, 4, 12],
            ["fast_time_low 1900 critical FAST", "fast_time_low 1900 warning FAST"],
            id="above the deeper step the shallower one speaks",
        ),
        pytest.param(
            [25, 0, 0.05, 100],
            ["fast_time_low 1900 critical FAST", "ended: fast_time_low 1900 critical FAST"],
            id="a rounding above nothing is still gone",
        ),
        pytest.param([25, 130], [], id="bought time above the total is fine"),
    ],
)
def test_fast_time(percents: list[float], heard: list[str]) -> None:
    story = Story()
    said = [story.read(minute, record(fast=fast(percent))) for minute, percent in enumerate(percents)]
    assert [sentence for sentences in said[1:] for sentence in sentences] == heard


@pytest.mark.parametrize("plan", ["Basic", "Trial"])
def test_fast_time_gone_is_critical_where_there_is_no_relax_mode(plan: str) -> None:
    story = watching(record(plan=plan))
    assert story.read(1, record(fast="0.00/200.0 minutes (0.00%)", plan=plan)) == ["fast_time_low 1900 critical FAST"]


def test_a_step_in_minutes_is_left_five_points_of_the_total_above_it() -> None:
    story = Story(Policy((threshold("30m"),)))
    story.read(0, record(fast="60.00/200.0 minutes (30.00%)"))
    assert story.read(1, record(fast="29.00/200.0 minutes (14.50%)")) == ["fast_time_low 1900 warning FAST"]
    assert story.read(2, record(fast="35.00/200.0 minutes (17.50%)")) == []
    assert story.read(3, record(fast="40.50/200.0 minutes (20.25%)")) == ["ended: fast_time_low 1900 warning FAST"]


def test_a_step_in_minutes_works_without_a_total_and_one_in_percent_says_nothing() -> None:
    story = Story(Policy((threshold("20%"), threshold("10m"))))
    story.read(0, record(fast="25.00 minutes"))
    assert story.read(1, record(fast="9.00 minutes")) == ["fast_time_low 1900 critical FAST"]
    assert story.read(2, record(fast="11.00 minutes")) == []
    assert story.read(3, record(fast="12.60 minutes")) == ["ended: fast_time_low 1900 critical FAST"]


@pytest.mark.parametrize("unreadable", ["", "plenty", "1,5 hours"])
def test_fast_time_that_cannot_be_read_moves_nothing(unreadable: str) -> None:
    story = watching()
    story.read(1, record(fast=fast(15)))
    assert story.read(2, record(fast=unreadable)) == []
    assert story.read(3, record(fast=fast(14))) == []
    assert story.read(4, record(fast=fast(100))) == ["ended: fast_time_low 1900 warning FAST"]


def test_fast_time_of_a_token_that_is_switched_off_moves_nothing() -> None:
    story = watching()
    assert story.read(1, record(fast=fast(3), active=False)) == ["inactive 1900 info FAST"]
    assert "fast_time_low 1900 critical FAST" in story.read(2, record(fast=fast(3)))


def test_a_new_token_is_worth_a_line() -> None:
    story = watching(record(1))
    assert story.read(1, record(1), record(2)) == ["ended: new 2 info FAST"]
    assert story.read(2, record(1), record(2)) == []


def test_a_token_is_gone_after_two_readings_without_it() -> None:
    story = watching(record(1), record(2))
    assert story.read(1, record(1)) == []
    assert story.read(2, record(1)) == ["ended: gone 2 info"]
    assert story.read(3, record(1)) == []


def test_a_token_whose_id_is_zero_is_gone_once() -> None:
    story = watching(record(0), record(1))
    assert [story.read(minute, record(1)) for minute in range(1, 5)] == [[], ["ended: gone 0 info"], [], []]


def test_a_token_that_was_missing_once_was_never_gone() -> None:
    story = watching(record(1), record(2, "BANNED"))
    assert story.read(1, record(1)) == []
    assert story.read(2, record(1), record(2, "BANNED")) == []
    assert [key.rule for key in story.known.incidents] == [Rule.BANNED]


def test_what_was_wrong_with_a_token_ends_when_it_is_gone() -> None:
    story = watching(record(1), record(2))
    story.read(1, record(1), record(2, "BANNED"))
    story.read(2, record(1))
    assert set(story.read(3, record(1))) == {"ended: gone 2 info", "ended: banned 2 critical"}


def test_one_lost_answer_is_no_incident() -> None:
    story = watching()
    assert story.fail(1) + story.fail(2) + story.read(3, record()) == []


def test_ten_lost_answers_notify_once_when_it_fires_and_once_when_it_ends_and_no_token_moves() -> None:
    story = watching()
    heard = [story.fail(minute) for minute in range(1, 11)]
    assert [sentence for sentences in heard for sentence in sentences] == ["upstream_down warning"]
    assert [story.read(minute, record()) for minute in range(11, 14)][-1] == ["ended: upstream_down warning"]
    assert story.notified[-1].opened_at == at(1)


def test_a_refused_key_notifies_at_once_and_is_critical() -> None:
    story = watching()
    assert story.fail(1, Trouble.REFUSED) == ["upstream_refused critical"]
    assert story.fail(2, Trouble.REFUSED) == []
    assert story.fail(3, Trouble.TIMED_OUT) == []
    assert story.read(4, record()) == ["ended: upstream_refused critical"]


def test_what_is_refused_otherwise_than_before_is_an_edit_of_its_card() -> None:
    story = watching()
    story.fail(1, Trouble.REFUSED, "ImaginePro refuses the API key (401: Unauthorized)")
    assert story.fail(2, Trouble.REFUSED, "ImaginePro refuses the API key (401: in other words)") == []
    assert story.fail(3, Trouble.REFUSED, "ImaginePro asks for payment (402)") == ["upstream_refused critical"]
    assert story.notices == []


def test_a_server_that_refuses_our_key_is_no_longer_unreachable() -> None:
    story = watching()
    for minute in range(1, 4):
        story.fail(minute)
    assert set(story.fail(4, Trouble.REFUSED)) == {"upstream_refused critical", "ended: upstream_down warning"}


def test_a_flip_during_an_outage_notifies_after_it() -> None:
    story = watching()
    for minute in range(1, 5):
        story.fail(minute)
    assert story.read(5, record(status="BANNED")) == ["banned 1900 critical BANNED"]


def test_an_upstream_that_is_down_at_the_first_start_notifies_and_so_does_its_end() -> None:
    story = Story()
    assert [story.fail(minute) for minute in range(3)] == [[], [], ["upstream_down warning"]]
    assert [story.read(minute, record()) for minute in range(3, 6)] == [
        ["ended: baseline info"],
        [],
        ["ended: upstream_down warning"],
    ]


def test_a_token_that_is_read_alone_moves_only_itself() -> None:
    story = watching(record(1), record(2, "BANNED"))
    assert story.read(1, record(1, "VERIFYING"), whole=False) == ["verifying 1 warning VERIFYING"]
    assert story.read(2, record(1, "VERIFYING"), record(2, "BANNED")) == []


def test_an_incident_remembers_what_it_was_before_and_when() -> None:
    story = watching()
    story.read(2, record(status="BANNED"))
    (incident,) = story.notified[1:]
    assert (incident.was, incident.was_at) == (record(), at(0))
    assert (incident.opened_at, incident.read_at, incident.severity) == (at(2), at(2), Severity.CRITICAL)


# The table of rules: each fires and clears, by its default severity, and in its time.

DAY = 24 * 60


def renews(minutes: float) -> Record:
    """A monthly plan with a renewal so long after the start."""
    return record(terms=f"Active monthly, renews next on <t:{at(minutes).timestamp():.0f}>")


def ends(minutes: float, state: str = "Active monthly") -> Record:
    """A plan that ends so long after the start, by its own text."""
    return record(terms=f"{state}, ends on <t:{at(minutes).timestamp():.0f}>")


FIRED_AND_OVER: dict[str, tuple[list[tuple[float, Record]], list[tuple[float, str]]]] = {
    "banned": (
        [(0, record()), (1, record(status="BANNED")), (2, record(status="BANNED")), (3, record())],
        [(1, "banned 1900 critical BANNED"), (3, "ended: banned 1900 critical FAST")],
    ),
    "verifying, critical after 15 min": (
        [
            (0, record()),
            (1, record(status="VERIFYING")),
            (15.9, record(status="VERIFYING")),
            (16, record(status="VERIFYING")),
            (20, record()),
        ],
        [
            (1, "verifying 1900 warning VERIFYING"),
            (16, "verifying 1900 critical VERIFYING"),
            (20, "ended: verifying 1900 critical FAST"),
        ],
    ),
    "degraded": (
        [(0, record()), (1, record(status="RELAX")), (2, record())],
        [(1, "degraded 1900 warning RELAX"), (2, "ended: degraded 1900 warning FAST")],
    ),
    "degraded on a plan without relax mode": (
        [(0, record(plan="Basic")), (1, record(plan="Basic", status="RELAX")), (2, record(plan="Basic"))],
        [(1, "degraded 1900 critical RELAX"), (2, "ended: degraded 1900 critical FAST")],
    ),
    "unknown status": (
        [(0, record()), (1, record(status="PONDERING")), (2, record())],
        [(1, "unknown_status 1900 warning PONDERING"), (2, "ended: unknown_status 1900 warning FAST")],
    ),
    "fast time low, by steps": (
        [
            (0, record()),
            (1, record(fast=fast(15))),
            (2, record(fast=fast(4))),
            (3, record(fast=fast(11))),
            (4, record(fast=fast(100))),
        ],
        [
            (1, "fast_time_low 1900 warning FAST"),
            (2, "fast_time_low 1900 critical FAST"),
            (3, "fast_time_low 1900 warning FAST"),
            (4, "ended: fast_time_low 1900 warning FAST"),
        ],
    ),
    "fast time gone": (
        [(0, record()), (1, record(fast=fast(0))), (2, record(fast=fast(100)))],
        [(1, "fast_time_low 1900 critical FAST"), (2, "ended: fast_time_low 1900 critical FAST")],
    ),
    "subscription that is cancelled": (
        [(0, record()), (1, record(terms="Cancelled")), (2, record(terms="")), (3, record())],
        [(1, "subscription 1900 warning FAST"), (3, "ended: subscription 1900 warning FAST")],
    ),
    "subscription that was not renewed for 6 h": (
        [
            (0, record(terms=f"Active monthly, renews next on <t:{START.timestamp():.0f}>")),
            (360, record(terms=f"Active monthly, renews next on <t:{START.timestamp():.0f}>")),
            (361, record(terms=f"Active monthly, renews next on <t:{START.timestamp():.0f}>")),
            (362, record()),
        ],
        [(361, "subscription 1900 warning FAST"), (362, "ended: subscription 1900 warning FAST")],
    ),
    "subscription that ended by its own text": (
        [(0, ends(2)), (1, ends(2)), (2, ends(2)), (3, ends(2)), (4, record())],
        [(3, "subscription 1900 warning FAST"), (4, "ended: subscription 1900 warning FAST")],
    ),
    "subscription that is cancelled and runs until its end": (
        [(0, ends(2, "Cancelled")), (2, ends(2, "Cancelled")), (3, ends(2, "Cancelled"))],
        [(3, "subscription 1900 warning FAST")],
    ),
    "subscription of a token that is new and ended ten days ago": (
        [(0, record(1)), (1, ends(-10 * DAY))],
        [(1, "subscription 1900 warning FAST"), (1, "ended: new 1900 info FAST")],
    ),
    "subscription of a token that is new and a few days overdue": (
        [(0, record(1)), (1, renews(-5 * DAY))],
        [(1, "subscription 1900 warning FAST"), (1, "ended: new 1900 info FAST")],
    ),
    "subscription with a stamp of a sample": (
        [(0, record()), (1, renews(-1000 * DAY)), (2, ends(-1000 * DAY)), (3, record())],
        [],
    ),
    "subscription that is paused, and active with a stamp of a sample": (
        [(0, record()), (1, record(terms="Paused")), (2, renews(-1000 * DAY))],
        [(1, "subscription 1900 warning FAST"), (2, "ended: subscription 1900 warning FAST")],
    ),
    "queue stuck for 20 min": (
        [
            (0, record()),
            *((m, record(queued="3")) for m in (1, 20.9, 21, 22)),
            (23, record(queued="3", running="a job")),
        ],
        [(21, "queue_stuck 1900 warning FAST"), (23, "ended: queue_stuck 1900 warning FAST")],
    ),
    "queue of relaxed jobs that moves in time": (
        [(0, record()), (1, record(queued="3")), (19, record(queued="3", running="a job")), (25, record(queued="3"))],
        [],
    ),
    "frozen for 6 h": (
        [(m, record(running="a job")) for m in (0, 1, 360.9, 361, 362)]
        + [(363, record(running="a job", fast=fast(80)))],
        [(361, "frozen 1900 info FAST"), (363, "ended: frozen 1900 info FAST")],
    ),
    "switched off and on": (
        [(0, record()), (1, record(active=False)), (2, record(active=None)), (3, record())],
        [(1, "inactive 1900 info FAST"), (3, "ended: inactive 1900 info FAST")],
    ),
    "restored": ([(0, record(status="RELAX")), (1, record()), (2, record())], [(1, "ended: restored 1900 info FAST")]),
    "flapping, calm after 30 min": (
        [
            (0, record()),
            (1, record(status="RELAX")),
            (2, record()),
            (59, record(status="RELAX")),
            (70, record()),
            (99, record()),
            (100, record()),
        ],
        [
            (1, "degraded 1900 warning RELAX"),
            (2, "ended: degraded 1900 warning FAST"),
            (59, "flapping 1900 warning RELAX"),
            (70, "flapping 1900 warning FAST"),
            (100, "ended: flapping 1900 warning FAST"),
        ],
    ),
    "flapping takes three changes within an hour": (
        [(0, record()), (1, record(status="RELAX")), (2, record()), (61, record(status="RELAX"))],
        [
            (1, "degraded 1900 warning RELAX"),
            (2, "ended: degraded 1900 warning FAST"),
            (61, "degraded 1900 warning RELAX"),
        ],
    ),
}


@pytest.mark.parametrize("name", FIRED_AND_OVER)
def test_a_rule_fires_and_clears_in_its_time(name: str) -> None:
    readings, expected = FIRED_AND_OVER[name]
    story = Story()
    heard = [(minutes, story.read(minutes, each)) for minutes, each in readings]
    assert [(minutes, said) for minutes, sentences in heard[1:] for said in sentences] == expected


def test_time_makes_no_plan_well_that_is_overdue_until_nobody_believes_its_date() -> None:
    story = Story(bystanders=(record(7, terms="Active monthly"),))
    story.read(0, renews(0))
    assert story.read(7 * 60, renews(0)) == ["subscription 1900 warning FAST"]
    assert [story.read(days * DAY, renews(0)) for days in (91, 92, 400)] == [[], [], []]
    assert story.read(401 * DAY, record(terms="Active monthly")) == ["ended: subscription 1900 warning FAST"]


def test_a_trial_without_fast_time_is_critical_for_it_has_no_relax_mode() -> None:
    story = watching(record(plan="Trial", fast="25.00 minutes"))
    assert story.read(1, record(plan="Trial", fast="0.00 minutes"))[-1] == "fast_time_low 1900 critical FAST"


def test_a_step_that_is_the_only_one_is_a_warning() -> None:
    story = watching(policy=Policy((threshold("20%"),)))
    assert story.read(1, record(fast=fast(10))) == ["fast_time_low 1900 warning FAST"]


def test_a_stuck_queue_does_not_resolve_when_its_token_stops_working() -> None:
    story = watching()
    assert [story.read(minutes, record(queued="3")) for minutes in (1, 21)] == [[], ["queue_stuck 1900 warning FAST"]]
    assert story.read(22, record(queued="3", status="BANNED")) == ["banned 1900 critical BANNED"]
    assert story.read(23, record(queued="3")) == ["ended: banned 1900 critical FAST"]
    assert story.read(24, record(queued="3", running="a job")) == ["ended: queue_stuck 1900 warning FAST"]


@pytest.mark.parametrize("running", ["", "None"])
def test_a_queue_of_a_token_that_does_not_say_what_runs_is_not_judged(running: str) -> None:
    story = watching(record(running=running))
    heard = [story.read(minutes, record(queued="3", running=running)) for minutes in (1, 21)]
    assert heard[-1] == ([] if running == "" else ["queue_stuck 1900 warning FAST"])


# Flapping.


def flapping() -> Story:
    """A story whose token changed its status three times by minute 3, and is VERIFYING."""
    story = watching()
    for minutes, status in enumerate(["VERIFYING", "FAST", "VERIFYING"], start=1):
        story.read(minutes, record(status=status))
    return story


def test_a_token_that_flaps_is_one_message_that_counts_and_no_other() -> None:
    story = flapping()
    assert story.changes.notify == {Key(Rule.FLAPPING, 1900)}
    for minutes in range(4, 20):
        status = "FAST" if minutes % 2 == 0 else "VERIFYING"
        assert story.read(minutes, record(status=status)) == [f"flapping 1900 warning {status}"]
        assert story.notices == []
    assert len(story.incident(Rule.FLAPPING).flips) == 19


def test_what_a_token_was_left_in_notifies_once_it_is_stable() -> None:
    story = flapping()
    assert story.read(10, record(status="VERIFYING")) == []
    assert set(story.read(33, record(status="VERIFYING"))) == {
        "ended: flapping 1900 warning VERIFYING",
        "verifying 1900 critical VERIFYING",
    }
    assert story.notices == []
    assert story.read(34, record(status="VERIFYING")) == []


def test_a_check_that_stands_unanswered_is_told_while_its_token_flaps() -> None:
    story = flapping()
    assert story.read(17.9, record(status="VERIFYING")) == []
    assert story.read(18, record(status="VERIFYING")) == ["verifying 1900 critical VERIFYING"]


def test_one_change_after_it_was_stable_is_no_flapping() -> None:
    story = flapping()
    story.read(33, record(status="VERIFYING"))
    assert story.read(34, record()) == ["ended: verifying 1900 critical FAST"]


def test_a_ban_while_flapping_notifies_at_once_in_its_own_words_and_only_once() -> None:
    story = flapping()
    assert set(story.read(4, record(status="BANNED"))) == {
        "flapping 1900 warning BANNED",
        "banned 1900 critical BANNED",
    }
    assert set(story.read(5, record())) == {"flapping 1900 warning FAST", "ended: banned 1900 critical FAST"}
    assert story.read(6, record(status="BANNED")) == ["flapping 1900 warning BANNED"]
    assert story.notices == []
    assert story.tick(21) == []
    assert "banned 1900 critical BANNED" in story.read(36, record(status="BANNED"))


@pytest.mark.parametrize("scope", [Scope(Rule.FLAPPING), Scope(Rule.FLAPPING, 1900)])
def test_a_ban_notifies_while_the_flapping_is_silenced(scope: Scope) -> None:
    story = flapping()
    story.silence(3, until=120, scope=scope)
    assert "banned 1900 critical BANNED" in story.read(4, record(status="BANNED"))
    assert story.tick(5) == []
    assert story.tick(19) == ["reminder: banned 1900"]


def test_what_is_graver_notifies_while_the_flapping_is_set_to_be_no_more_than_a_note() -> None:
    story = watching()
    story.set(Rule.FLAPPING, severity=Severity.INFO)
    flips = ["VERIFYING", "FAST", "VERIFYING"]
    heard = [story.read(minutes, record(status=status)) for minutes, status in enumerate(flips, start=1)]
    assert set(heard[-1]) == {"flapping 1900 info VERIFYING", "verifying 1900 warning VERIFYING"}
    assert set(story.read(4, record(status="BANNED"))) == {
        "flapping 1900 info BANNED",
        "banned 1900 critical BANNED",
        "ended: verifying 1900 warning BANNED",
    }


def test_a_status_that_is_not_sent_is_no_change_of_it() -> None:
    story = watching()
    for minutes, status in enumerate(["", "FAST", "", "fast", "", "Fast", "FAST"], start=1):
        assert story.read(minutes, record(status=status)) == []
    assert story.known.flips == {}


def test_flapping_is_remembered_over_a_restart_once_it_fires() -> None:
    story = flapping()
    story.known = restore(Memory({}, story.known.fleet.read_at, story.known.incidents))
    story.read(4, record(status="FAST"))
    assert len(story.incident(Rule.FLAPPING).flips) >= 3
    assert story.read(34, record(status="FAST")) == ["ended: flapping 1900 warning FAST"]


# The fleet as a whole.


def pool(*settings: Setting, policy: Policy = Policy()) -> Story:  # noqa: B008 - a frozen value
    """A story of a fleet without bystanders."""
    story = Story(policy, bystanders=())
    for setting in settings:
        story.decide(0, setting)
    story.read(0, record(1), record(2))
    return story


def test_a_fleet_of_which_no_token_works_is_critical_until_some_work_three_times_in_a_row() -> None:
    story = pool()
    none = record(1, "BANNED"), record(2, "VERIFYING")
    heard = [story.read(minutes, *none) for minutes in (1, 2, 3)]
    assert ["pool usable critical" in each for each in heard] == [False, False, True]
    incident = story.incident(Rule.POOL, None, "usable")
    assert (incident.detail, incident.about) == ("0 of 2, 1", (1, 2))
    story.read(4, record(1), record(2, "VERIFYING"))
    story.read(5, record(1, "VERIFYING"), record(2, "VERIFYING"))
    story.read(6, record(1), record(2, "VERIFYING"))
    story.read(7, record(1), record(2, "VERIFYING"))
    assert story.read(8, record(1), record(2, "VERIFYING")) == ["ended: pool usable critical"]


def test_a_fleet_that_was_switched_off_on_purpose_keeps_nobody_waiting() -> None:
    story = pool()
    off = record(1, active=False), record(2, active=False)
    heard = [each for minutes in range(1, 6) for each in story.read(minutes, *off)]
    assert heard == ["inactive 1 info FAST", "inactive 2 info FAST"]


@pytest.mark.parametrize(
    ("level", "left", "said"),
    [
        ("10h", 30, "9 h, 10 h"),
        ("600m", 30, "540 min, 600 min"),
        ("30m", 1, "18 min, 30 min"),
        ("10h", 33, "9.9 h, 10 h"),
        ("36000s", 33.3, "598 min, 600 min"),
        ("1d", 30, "9 h, 24 h"),
    ],
)
def test_what_a_fleet_has_left_is_told_beside_the_level_and_never_looks_like_it(
    level: str, left: float, said: str
) -> None:
    story = pool(Setting(Rule.POOL, threshold=f"1,{level}"))
    for minutes in (1, 2, 3):
        story.read(minutes, record(1, fast=fast(left)), record(2, fast=fast(left)))
    assert story.incident(Rule.POOL, None, "fast time").detail == said


def test_a_fleet_may_have_to_keep_so_many_tokens_and_so_much_fast_time() -> None:
    story = pool(Setting(Rule.POOL, threshold="2, 10h"))
    half, some = record(1, fast=fast(30)), record(2, fast=fast(30))
    assert [story.read(minutes, half, some) for minutes in (1, 2, 3)] == [[], [], ["pool fast time critical"]]
    assert story.incident(Rule.POOL, None, "fast time").detail == "9 h, 10 h"
    check = record(2, "VERIFYING", fast=fast(30))
    heard = [story.read(minutes, half, check) for minutes in (4, 5, 6)]
    assert heard == [["verifying 2 warning VERIFYING"], [], ["pool usable critical"]]
    more = record(2, fast=fast(38))
    # Above 10 h, and not yet by the margin.
    assert [story.read(minutes, half, more) for minutes in (7, 8, 9)][-1] == ["ended: pool usable critical"]
    plenty = record(2, fast=fast(60))
    assert [story.read(minutes, half, plenty) for minutes in (10, 11, 12)] == [
        [],
        [],
        ["ended: pool fast time critical"],
    ]


def test_fast_time_that_cannot_be_read_is_not_counted_as_none_for_the_fleet() -> None:
    story = pool(Setting(Rule.POOL, threshold="20h"))
    assert [story.read(minutes, record(1), record(2, fast="plenty")) for minutes in (1, 2, 3)] == [[], [], []]


def test_fewer_tokens_that_work_than_before_edit_the_incident_of_the_fleet() -> None:
    story = pool(Setting(Rule.POOL, threshold="2"))
    for minutes in (1, 2, 3):
        story.read(minutes, record(1), record(2, "VERIFYING"))
    assert "pool usable critical" in story.read(4, record(1, "VERIFYING"), record(2, "VERIFYING"))
    assert story.incident(Rule.POOL, None, "usable").detail == "0 of 2, 2"


def test_one_list_that_lacks_a_token_that_works_does_not_make_the_fleet_short() -> None:
    story = Story(Policy(), bystanders=())
    fleet = [record(1), record(2), record(3), record(4, "VERIFYING")]
    story.read(0, *fleet)
    for minutes in range(1, 9):
        assert story.read(minutes, *(fleet[2:] if minutes % 2 else fleet)) == []


# The upstream.


def test_a_reading_that_is_older_than_three_intervals_fires_until_a_poll_ends() -> None:
    story = watching(policy=EVERY_MINUTE)
    story.tick(3)
    assert story.changes.nothing
    story.tick(3.1)
    assert story.changes.notify == {Key(Rule.UPSTREAM_STALE)}
    assert story.incident(Rule.UPSTREAM_STALE, None).severity is Severity.WARNING
    assert story.read(5, record()) == ["ended: upstream_stale warning"]


@pytest.mark.parametrize(("interval", "still"), [(1, 30), (9, 30), (11, 33)])
def test_one_slow_answer_is_no_hang_where_polls_are_close(interval: int, still: int) -> None:
    story = watching(policy=Policy(interval=timedelta(seconds=interval)))
    story.tick(still / 60)
    assert story.changes.nothing
    story.tick((still + 1) / 60)
    assert story.changes.notify == {Key(Rule.UPSTREAM_STALE)}


def test_failed_polls_fire_by_themselves_and_not_as_polls_that_do_not_come() -> None:
    story = watching(policy=EVERY_MINUTE)
    for minutes in range(1, 8):
        story.fail(minutes)
        story.tick(minutes + 0.9)
        assert Key(Rule.UPSTREAM_STALE) not in story.known.incidents
    story.tick(10.5)
    assert story.changes.notify == {Key(Rule.UPSTREAM_STALE)}
    assert story.fail(11) == ["ended: upstream_stale warning"]


@pytest.mark.parametrize("told", [True, False])
def test_polls_that_wait_as_the_upstream_asked_are_no_hang(*, told: bool) -> None:
    story = watching(policy=EVERY_MINUTE)
    story.set(Rule.UPSTREAM_DOWN, on=told)
    heard = []
    for minutes in range(1, 61):
        heard += story.fail(minutes, Trouble.RATE_LIMITED, until=60.5)
        story.tick(minutes + 0.9)
        assert Key(Rule.UPSTREAM_STALE) not in story.known.incidents
    assert heard == (["upstream_down warning", "upstream_down critical"] if told else [])
    story.tick(63)
    assert Key(Rule.UPSTREAM_STALE) not in story.known.incidents
    story.tick(63.6)
    assert story.incident(Rule.UPSTREAM_STALE, None).open, "the poll after that does not end"


def test_a_card_says_until_when_the_upstream_is_left_alone_and_is_edited_for_a_long_time_alone() -> None:
    story = watching()
    for minutes in (1, 2):
        story.fail(minutes, Trouble.RATE_LIMITED, until=60)
    assert story.fail(3, Trouble.RATE_LIMITED, until=60) == ["upstream_down warning"]
    assert story.incident(Rule.UPSTREAM_DOWN, None).until == at(60)
    assert [story.fail(minutes, Trouble.RATE_LIMITED, until=60) for minutes in (4, 5, 58)] == [
        [],
        [],
        ["upstream_down critical"],
    ]
    assert story.fail(60, Trouble.RATE_LIMITED, until=120) == ["upstream_down critical"]
    assert story.fail(120, Trouble.RATE_LIMITED, until=121) == ["upstream_down critical"]
    assert story.incident(Rule.UPSTREAM_DOWN, None).until is None
    for minutes in range(121, 130):
        assert story.fail(minutes, Trouble.RATE_LIMITED, until=minutes + 1) == []


def test_a_card_about_a_refusal_is_edited_when_the_bot_looks_again_later() -> None:
    story = watching()
    assert story.fail(1, Trouble.REFUSED, until=61) == ["upstream_refused critical"]
    assert [story.fail(minutes, Trouble.REFUSED, until=61) for minutes in (2, 60)] == [[], []]
    assert story.fail(62, Trouble.REFUSED, until=122) == ["upstream_refused critical"]


def test_failures_that_nobody_wants_to_hear_of_still_leave_the_reading_old() -> None:
    story = watching(policy=EVERY_MINUTE)
    story.set(Rule.UPSTREAM_DOWN, on=False)
    for minutes in range(1, 4):
        story.fail(minutes)
    story.tick(3.5)
    assert story.changes.notify == {Key(Rule.UPSTREAM_STALE)}
    assert story.fail(4) == []
    assert story.read(5, record()) == ["ended: upstream_stale warning"]


def test_a_restart_is_no_poll_that_does_not_come() -> None:
    story = watching(policy=EVERY_MINUTE)
    story.known = restore(Memory({1900: record()}, at(0), {}))
    story.tick(60)
    assert story.changes.nothing


# How the rules are set.


def test_a_setting_for_one_token_wins_over_the_fleets() -> None:
    story = Story()
    story.set(Rule.BANNED, severity=Severity.WARNING)
    story.set(Rule.BANNED, 2, severity=Severity.INFO)
    story.read(0, record(1), record(2))
    assert story.read(1, record(1, "BANNED"), record(2, "BANNED")) == [
        "banned 1 warning BANNED",
        "banned 2 info BANNED",
    ]


def test_what_a_tokens_setting_leaves_open_is_the_fleets() -> None:
    policy = Story()
    policy.set(Rule.FAST_TIME_LOW, threshold="50%")
    policy.set(Rule.FAST_TIME_LOW, 2, readings=2)
    assert policy.known.policy(Policy()).steps(2) == (threshold("50%"),)
    assert policy.known.policy(Policy()).row(Rule.FAST_TIME_LOW, 2).readings == 2
    assert policy.known.policy(Policy()).row(Rule.FAST_TIME_LOW, 1).readings == 1


def test_a_rule_that_is_switched_off_for_a_token_says_nothing_of_it() -> None:
    story = Story()
    story.set(Rule.BANNED, 1, on=False)
    story.read(0, record(1), record(2))
    assert story.read(1, record(1, "BANNED"), record(2, "BANNED")) == ["banned 2 critical BANNED"]


def test_a_rule_fires_after_as_many_readings_in_a_row_as_it_is_set_to() -> None:
    story = watching()
    story.set(Rule.BANNED, readings=3)
    banned = record(status="BANNED")
    assert [story.read(minutes, each) for minutes, each in enumerate([banned, banned, record()], 1)] == [[], [], []]
    assert [story.read(minutes, banned) for minutes in (90, 91, 92, 93)] == [
        [],
        [],
        ["banned 1900 critical BANNED"],
        [],
    ]


def test_a_token_that_was_fast_is_still_that_while_its_degradation_waits_for_more_readings() -> None:
    story = watching()
    story.set(Rule.DEGRADED, readings=2)
    assert [story.read(minutes, record(status="RELAX")) for minutes in (1, 2)] == [[], ["degraded 1900 warning RELAX"]]


def test_steps_that_tremble_while_pending_notify_by_what_is_there_when_they_fire() -> None:
    story = watching()
    story.set(Rule.FAST_TIME_LOW, readings=2)
    story.read(1, record(fast=fast(4)))
    assert story.read(2, record(fast=fast(15))) == ["fast_time_low 1900 warning FAST"]


def test_the_time_that_a_rule_waits_can_be_set() -> None:
    story = watching()
    story.set(Rule.QUEUE_STUCK, threshold="5m")
    assert [story.read(minutes, record(queued="1")) for minutes in (1, 5, 6)] == [
        [],
        [],
        ["queue_stuck 1900 warning FAST"],
    ]


def test_a_token_waits_as_it_was_set_to_where_the_fleet_waits_for_nothing() -> None:
    story = watching()
    story.set(Rule.QUEUE_STUCK, threshold="0m")
    story.set(Rule.QUEUE_STUCK, 1900, threshold="30m")
    assert [story.read(minutes, record(queued="1")) for minutes in (1, 30, 31)] == [
        [],
        [],
        ["queue_stuck 1900 warning FAST"],
    ]


@pytest.mark.parametrize(
    ("rule", "bad"),
    [
        (Rule.BANNED, record(status="BANNED")),
        (Rule.FAST_TIME_LOW, record(fast=fast(15))),
        (Rule.INACTIVE, record(active=False)),
    ],
)
def test_a_rule_that_is_switched_off_ends_what_is_open_without_a_claim_that_it_got_better(
    rule: Rule, bad: Record
) -> None:
    story = watching()
    (fired,) = story.read(1, bad)
    story.set(rule, on=False)
    assert story.read(2, bad) == [f"unwatched: {fired}"]
    assert story.notices == []
    assert story.read(3, bad) == []


def test_a_step_that_is_no_longer_asked_for_ends_without_such_a_claim() -> None:
    story = watching()
    story.read(1, record(fast=fast(15)))
    story.set(Rule.FAST_TIME_LOW, threshold="10%,5%")
    assert story.read(2, record(fast=fast(15))) == ["unwatched: fast_time_low 1900 warning FAST"]


def test_a_rule_of_the_upstream_is_switched_off_while_it_is_down() -> None:
    story = watching()
    for minutes in range(1, 4):
        story.fail(minutes)
    story.set(Rule.UPSTREAM_DOWN, on=False)
    assert story.fail(4) == ["unwatched: upstream_down warning"]


def test_a_fleets_fast_time_that_is_no_longer_asked_for_ends_without_such_a_claim() -> None:
    story = pool(Setting(Rule.POOL, threshold="20h"))
    low = record(1, fast=fast(10)), record(2, fast=fast(10))
    assert [story.read(minutes, *low) for minutes in (1, 2, 3)][-1] == ["pool fast time critical"]
    story.set(Rule.POOL, threshold="1")
    assert story.read(4, record(1, fast=fast(10)), record(2, fast=fast(10))) == ["unwatched: pool fast time critical"]


def test_where_the_rule_of_none_left_is_off_the_deepest_step_notifies() -> None:
    story = watching()
    story.set(Rule.FAST_TIME_GONE, on=False)
    assert story.read(1, record(fast=fast(0))) == ["fast_time_low 1900 critical FAST"]


def test_a_token_that_is_gone_is_forgotten_even_where_nobody_wants_to_hear_of_it() -> None:
    story = watching(record(1), record(2, "BANNED"))
    story.set(Rule.GONE, on=False)
    assert story.read(1, record(1)) == []
    assert story.read(2, record(1)) == ["ended: banned 2 critical"]
    assert 2 not in story.known.remembered


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        (Setting(Rule.POOL, 1900, enabled=False), "whole fleet"),
        (Setting(Rule.UPSTREAM_DOWN, 1900, enabled=False), "whole fleet"),
        (Setting(Rule.BANNED, readings=0), "at least one"),
        (Setting(Rule.BANNED, threshold="20%"), "no threshold"),
        (Setting(Rule.FAST_TIME_LOW, threshold="lots"), "write a percentage"),
        (Setting(Rule.FAST_TIME_LOW, threshold="20%,,5%"), "write a percentage"),
        (Setting(Rule.FAST_TIME_LOW, threshold="eta 5m"), "from 1h to 30d"),
        (Setting(Rule.FAST_TIME_LOW, threshold="eta 1d,eta 24h"), "the same level twice"),
        (Setting(Rule.DOES_NOT_LAST, threshold="49%"), "from 50% to 99%"),
        (Setting(Rule.DOES_NOT_LAST, threshold="100%"), "from 50% to 99%"),
        (Setting(Rule.DOES_NOT_LAST, threshold="0.8"), "from 50% to 99%"),
        (Setting(Rule.DOES_NOT_LAST, threshold="12h"), "from 50% to 99%"),
        (Setting(Rule.BURNING_FAST, readings=2), "does not count readings"),
        (Setting(Rule.POOL, threshold="20%"), "20h"),
        (Setting(Rule.POOL, threshold=""), "how many tokens"),
        (Setting(Rule.QUEUE_STUCK, threshold="20%"), "whole number and a unit"),
        (Setting(Rule.CREDITS_LOW, 1900, threshold="10%"), "whole fleet"),
        (Setting(Rule.CREDITS_LOW, threshold="few"), "such as 10%"),
        (Setting(Rule.CREDITS_LOW, threshold="3h"), "such as 10%"),
        (Setting(Rule.CREDITS_LOW, threshold="0%"), "such as 10%"),
        (Setting(Rule.CREDITS_LOW, threshold="91%"), "up to 90%"),
        (Setting(Rule.CREDITS_LOW, threshold="0"), "from 1 to"),
        (Setting(Rule.CREDITS_LOW, readings=2), "does not count readings"),
        (Setting(Rule.PLAN_EXPIRES, threshold="10%"), "whole number and a unit"),
        (Setting(Rule.PLAN_EXPIRES, threshold="59m"), "from 1h to 60d"),
        (Setting(Rule.PLAN_EXPIRES, threshold="61d"), "from 1h to 60d"),
    ],
)
def test_what_no_rule_can_be_set_to_is_refused_with_a_sentence(setting: Setting, sentence: str) -> None:
    story = Story()
    with pytest.raises(ValueError, match=sentence):
        story.decide(0, setting)
    assert not story.known.decisions.settings


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (Rule.FAST_TIME_LOW, "20%, 30m"),
        (Rule.FAST_TIME_LOW, "eta 12h, 20%"),
        (Rule.DOES_NOT_LAST, "85%"),
        (Rule.POOL, "3,10h"),
        (Rule.QUEUE_STUCK, "45m"),
        (Rule.FROZEN, "1d"),
        (Rule.CREDITS_LOW, "12.5%"),
        (Rule.CREDITS_LOW, "500"),
        (Rule.PLAN_EXPIRES, "3d"),
    ],
)
def test_each_rule_that_has_a_threshold_reads_its_own(rule: Rule, text: str) -> None:
    check(Setting(rule, threshold=text))
    assert set(THRESHOLDS) == {
        Rule.FAST_TIME_LOW,
        Rule.DOES_NOT_LAST,
        Rule.POOL,
        Rule.QUEUE_STUCK,
        Rule.FROZEN,
        Rule.LIST_SHORT,
        Rule.CREDITS_LOW,
        Rule.PLAN_EXPIRES,
    }


def test_the_table_has_a_row_for_every_rule() -> None:
    assert set(RULES) == set(Rule)
