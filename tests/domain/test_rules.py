"""What the rules find in stories of readings, and what becomes of it over time."""

from dataclasses import dataclass, field

import pytest

from bot.domain.incidents import Changes, Incident, Rule, Stage
from bot.domain.info import threshold
from bot.domain.model import Failure, Record, Severity, Trouble
from bot.domain.rules import Policy
from bot.domain.watch import Known, advance, advance_failure
from tests.domain.fleets import at, reading, record

POLICY = Policy(thresholds=(threshold("20%"), threshold("5%")))


@dataclass
class Story:
    """A sequence of looks at a fleet, with what is remembered between them."""

    policy: Policy = POLICY
    known: Known = field(default_factory=Known)
    told: list[Incident] = field(default_factory=list)

    def read(self, minutes: float, *records: Record, whole: bool = True) -> list[str]:
        """Look once; returns what the channel hears of it."""
        return self._heard(*advance(self.known, reading(minutes, *records, whole=whole), self.policy))

    def fail(self, minutes: float, trouble: Trouble = Trouble.UNREACHABLE) -> list[str]:
        """A look that brings no reading."""
        return self._heard(*advance_failure(self.known, Failure(trouble, "no route", at(minutes))))

    def _heard(self, changes: Changes, known: Known) -> list[str]:
        self.known = known
        news = [incident for incident in changes.incidents if incident.key in changes.tell]
        self.told += news
        return [sentence(incident) for incident in news]


def sentence(incident: Incident) -> str:
    """An incident's news in a few words."""
    who = "" if incident.key.token is None else f" {incident.key.token}"
    what = f"{incident.key.rule}{' ' if incident.key.step else ''}{incident.key.step}{who}"
    status = f" {incident.now.status}" if incident.now else ""
    return f"{'ended: ' if incident.stage is Stage.RESOLVED else ''}{what} {incident.severity}{status}"


def watching(*records: Record) -> Story:
    """A story in which that fleet was read once already."""
    story = Story()
    story.read(0, *(records or (record(),)))
    return story


def test_the_first_reading_is_told_as_one_summary_whatever_is_wrong_in_it() -> None:
    story = Story()
    heard = story.read(0, record(1, "BANNED"), record(2, fast="1.00/15.0 hours (6.67%)"), record(3, active=False))
    assert heard == ["ended: baseline info"]
    assert story.read(1, record(1, "BANNED"), record(2, fast="1.00/15.0 hours (6.67%)"), record(3, active=False)) == []


def test_what_the_summary_told_is_told_again_when_it_ends() -> None:
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
def test_each_flip_between_two_statuses_is_told_once(before: str, after: str) -> None:
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


def test_a_check_that_ends_in_relax_is_told_as_degraded_since_it_was_fast_before_the_check() -> None:
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
    heard = [story.read(minute, record(status=status)) for minute, status in enumerate(path, start=1)]
    assert "degraded 1900 warning RELAX" in heard[-1]
    assert story.read(10, record(status="RELAX")) == story.read(11, record(status="RELAX")) == []
    assert story.read(12, record(status="FAST")) == ["ended: degraded 1900 warning FAST"]


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
    assert story.read(2, record(status="BANNED", active=False)) == ["banned 1900 warning BANNED"]
    assert story.read(3, record(status="BANNED", active=None)) == ["banned 1900 critical BANNED"]
    assert "ended: inactive 1900 info BANNED" in story.read(4, record(status="BANNED"))


def fast(percent: float, total: float = 15.0) -> str:
    """Fast time as Midjourney prints it."""
    return f"{total * percent / 100:.2f}/{total:.1f} hours ({percent:.2f}%)"


@pytest.mark.parametrize(
    ("percents", "heard"),
    [
        pytest.param([25, 19.9], ["fast_time_low 20% 1900 warning FAST"], id="under the first step"),
        pytest.param([25, 20.0], [], id="at the step is not under it"),
        pytest.param(
            [25, 19, 4],
            ["fast_time_low 20% 1900 warning FAST", "fast_time_low 5% 1900 warning FAST"],
            id="each step is its own incident",
        ),
        pytest.param([25, 3], ["fast_time_low 5% 1900 warning FAST"], id="two steps at once: the deeper one speaks"),
        pytest.param([25, 0], ["fast_time_gone 1900 warning FAST"], id="all at once: gone speaks"),
        pytest.param([25, -0.5], ["fast_time_gone 1900 warning FAST"], id="less than nothing is nothing"),
        pytest.param(
            [25, 19.9, 20.1, 19.9, 24.5, 19.9],
            ["fast_time_low 20% 1900 warning FAST"],
            id="trembling around the step is one incident",
        ),
        pytest.param(
            [25, 19.9, 22, 25.1],
            ["fast_time_low 20% 1900 warning FAST", "ended: fast_time_low 20% 1900 warning FAST"],
            id="ends 5 points above the step",
        ),
        pytest.param(
            [25, 15.5, 20.9],
            ["fast_time_low 20% 1900 warning FAST", "ended: fast_time_low 20% 1900 warning FAST"],
            id="a refill ends it as soon as it is above the step",
        ),
        pytest.param(
            [25, 4, 12],
            ["fast_time_low 5% 1900 warning FAST", "ended: fast_time_low 5% 1900 warning FAST"],
            id="the step that the deeper one covered stays silent",
        ),
        pytest.param(
            [25, 0, 0.05, 100],
            ["fast_time_gone 1900 warning FAST", "ended: fast_time_gone 1900 warning FAST"],
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
    assert story.read(1, record(fast="0.00/200.0 minutes (0.00%)", plan=plan)) == ["fast_time_gone 1900 critical FAST"]


def test_a_step_in_minutes_is_left_five_points_of_the_total_above_it() -> None:
    story = Story(Policy((threshold("30m"),)))
    story.read(0, record(fast="60.00/200.0 minutes (30.00%)"))
    assert story.read(1, record(fast="29.00/200.0 minutes (14.50%)")) == ["fast_time_low 30m 1900 warning FAST"]
    assert story.read(2, record(fast="35.00/200.0 minutes (17.50%)")) == []
    assert story.read(3, record(fast="40.50/200.0 minutes (20.25%)")) == ["ended: fast_time_low 30m 1900 warning FAST"]


def test_a_step_in_minutes_works_without_a_total_and_one_in_percent_says_nothing() -> None:
    story = Story(Policy((threshold("20%"), threshold("10m"))))
    story.read(0, record(fast="25.00 minutes", plan="Trial"))
    assert story.read(1, record(fast="9.00 minutes", plan="Trial")) == ["fast_time_low 10m 1900 warning FAST"]
    assert story.read(2, record(fast="11.00 minutes", plan="Trial")) == []
    assert story.read(3, record(fast="12.60 minutes", plan="Trial")) == ["ended: fast_time_low 10m 1900 warning FAST"]


@pytest.mark.parametrize("unreadable", ["", "plenty", "1,5 hours"])
def test_fast_time_that_cannot_be_read_moves_nothing(unreadable: str) -> None:
    story = watching()
    story.read(1, record(fast=fast(15)))
    assert story.read(2, record(fast=unreadable)) == []
    assert story.read(3, record(fast=fast(14))) == []
    assert story.read(4, record(fast=fast(100))) == ["ended: fast_time_low 20% 1900 warning FAST"]


def test_fast_time_of_a_token_that_is_switched_off_moves_nothing() -> None:
    story = watching()
    assert story.read(1, record(fast=fast(3), active=False)) == ["inactive 1900 info FAST"]
    assert "fast_time_low 5% 1900 warning FAST" in story.read(2, record(fast=fast(3)))


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


def test_ten_lost_answers_are_told_once_when_it_fires_and_once_when_it_ends_and_no_token_moves() -> None:
    story = watching()
    heard = [story.fail(minute) for minute in range(1, 11)]
    assert [sentence for sentences in heard for sentence in sentences] == ["upstream_down warning"]
    assert story.read(11, record()) == ["ended: upstream_down warning"]
    assert story.told[-1].opened_at == at(1)


def test_a_refused_key_is_told_at_once_and_as_critical() -> None:
    story = watching()
    assert story.fail(1, Trouble.REFUSED) == ["upstream_refused critical"]
    assert story.fail(2, Trouble.REFUSED) == []
    assert story.fail(3, Trouble.TIMED_OUT) == []
    assert story.read(4, record()) == ["ended: upstream_refused critical"]


def test_a_server_that_refuses_our_key_is_no_longer_unreachable() -> None:
    story = watching()
    for minute in range(1, 4):
        story.fail(minute)
    assert set(story.fail(4, Trouble.REFUSED)) == {"upstream_refused critical", "ended: upstream_down warning"}


def test_a_flip_during_an_outage_is_told_after_it() -> None:
    story = watching()
    for minute in range(1, 5):
        story.fail(minute)
    assert set(story.read(5, record(status="BANNED"))) == {
        "ended: upstream_down warning",
        "banned 1900 critical BANNED",
    }


def test_an_upstream_that_is_down_at_the_first_start_is_told_and_so_is_its_end() -> None:
    story = Story()
    assert [story.fail(minute) for minute in range(3)] == [[], [], ["upstream_down warning"]]
    assert set(story.read(3, record())) == {"ended: upstream_down warning", "ended: baseline info"}


def test_a_token_that_is_read_alone_moves_only_itself() -> None:
    story = watching(record(1), record(2, "BANNED"))
    assert story.read(1, record(1, "VERIFYING"), whole=False) == ["verifying 1 warning VERIFYING"]
    assert story.read(2, record(1, "VERIFYING"), record(2, "BANNED")) == []


def test_an_incident_remembers_what_it_was_before_and_when() -> None:
    story = watching()
    story.read(2, record(status="BANNED"))
    (incident,) = story.told[1:]
    assert (incident.was, incident.was_at) == (record(), at(0))
    assert (incident.opened_at, incident.read_at, incident.severity) == (at(2), at(2), Severity.CRITICAL)
