"""A changed rule over what is kept: what it would have told."""

from collections import defaultdict
from datetime import timedelta

import pytest

from bot.domain.incidents import Rule
from bot.domain.model import Severity, Token
from bot.domain.rules.policy import Policy
from bot.domain.runbooks import Book, Does, Runbook
from bot.domain.sample import Sample, sample_of
from bot.domain.steering import Setting
from bot.domain.value import replace
from bot.domain.watch.rehearsal import Rehearsed, Would, rehearse
from bot.domain.watch.trial import Outcome, replay
from tests.domain.fleets import at, record, tokens
from tests.domain.stories import ANA, STEPS
from tests.domain.test_ahead import DAY, HOUR, Sky

POLICY = Policy(STEPS, interval=timedelta(minutes=1))
TOKEN = tokens([record()])[1900]


def steps(*read: tuple[float, str], plan: str = "Standard") -> dict[int, tuple[Sample, ...]]:
    """What is kept of a token of which so much was left at these minutes, or that had another status."""
    found = []
    for minutes, what in read:
        status, fast = (what, "13.5/15.0 hours (90.00%)") if what.isalpha() else ("FAST", what)
        found.append(sample_of(tokens([record(1900, status, fast, plan)])[1900], at(minutes)))
    return {1900: tuple(found)}


def tried(
    samples: dict[int, tuple[Sample, ...]], rule: Rule, *settings: Setting, until: float = DAY, token: Token = TOKEN
) -> Outcome:
    """What would have been told from the start of the story on."""
    policy = replace(POLICY, settings={(each.rule, each.token): each for each in settings})
    outcome = replay(samples, {1900: token}, policy, rule, at(0), at(until))
    assert outcome is not None
    return outcome


def test_a_level_that_is_set_lower_tells_less() -> None:
    read = steps(
        (-60, "13.5/15.0 hours (90.00%)"),
        (60, "2.7/15.0 hours (18.00%)"),
        (180, "12.0/15.0 hours (80.00%)"),
        (300, "0.6/15.0 hours (4.00%)"),
        (600, "12.0/15.0 hours (80.00%)"),
    )
    assert tried(read, Rule.FAST_TIME_LOW) == Outcome((timedelta(hours=2), timedelta(hours=5)), pages=1)
    low = Setting(Rule.FAST_TIME_LOW, threshold="10%")
    assert tried(read, Rule.FAST_TIME_LOW, low) == Outcome((timedelta(hours=5),), pages=0)
    grave = Setting(Rule.FAST_TIME_LOW, severity=Severity.CRITICAL)
    assert tried(read, Rule.FAST_TIME_LOW, grave).pages == 2
    assert tried(read, Rule.FAST_TIME_LOW, Setting(Rule.FAST_TIME_LOW, enabled=False)) == Outcome()


def test_what_lasts_is_counted_up_to_now_and_what_was_so_before_not_at_all() -> None:
    read = steps((-60, "BANNED"), (60, "FAST"), (120, "BANNED"))
    assert tried(read, Rule.BANNED, until=DAY) == Outcome((timedelta(hours=22),), pages=1)


def test_readings_in_a_row_are_those_that_there_were() -> None:
    read = steps((-60, "FAST"), (60, "VERIFYING"), (62, "FAST"), (120, "VERIFYING"), (150, "FAST"))
    assert len(tried(read, Rule.VERIFYING).lengths) == 2
    assert tried(read, Rule.VERIFYING, Setting(Rule.VERIFYING, readings=3)).lengths == (timedelta(minutes=30),)


def test_a_check_that_waits_long_is_a_page() -> None:
    read = steps((-60, "FAST"), (60, "VERIFYING"), (90, "FAST"), (120, "VERIFYING"), (125, "FAST"))
    assert tried(read, Rule.VERIFYING) == Outcome((timedelta(minutes=30), timedelta(minutes=5)), pages=1)


def test_what_explains_it_holds_it_back_as_it_would_have() -> None:
    read = steps((-60, "FAST"), (60, "BANNED"), (61, "13.5/15.0 hours (90.00%)"))
    assert tried(read, Rule.BANNED).pages == 1
    assert tried(steps((-60, "FAST"), (60, "BANNED")), Rule.FAST_TIME_LOW) == Outcome()


def test_it_can_be_stopped() -> None:
    assert replay(steps((-60, "FAST")), {1900: TOKEN}, POLICY, Rule.BANNED, at(0), at(DAY), lambda: False) is None


def lived(a_day: float, days: int) -> tuple[Sky, dict[int, list[Sample]]]:
    """A token that is used so much each day, and what is kept of it."""
    sky = Sky(bystanders=(), policy=replace(POLICY, interval=timedelta(hours=1)))
    kept: dict[int, list[Sample]] = defaultdict(list)
    for _ in range(days * 24):
        sky.now += HOUR
        sky.left = max(0.0, sky.left - a_day / 24)
        sky.poll()
        for sample in sky.changes.samples:
            kept[sample.token].append(sample)
        sky.look()
    return sky, kept


@pytest.mark.parametrize("rule", [Rule.DOES_NOT_LAST, Rule.FAST_TIME_LOW])
def test_with_the_rules_as_they_were_it_tells_what_was_told(rule: Rule) -> None:
    sky, kept = lived(38, 25)
    told = [each for each in sky.said if f"{rule} 1900" in each and ": ended" not in each and "raised" not in each]
    outcome = replay(kept, sky.known.fleet.tokens, sky.policy, rule, at(11 * DAY), at(25 * DAY))
    assert outcome is not None
    assert len(outcome.lengths) == len({each.partition(": ")[2].split()[0] for each in told}) == 1


def test_a_chance_that_is_set_higher_tells_later() -> None:
    sky, kept = lived(38, 25)
    lengths: list[timedelta] = []
    for text in ("60%", "80%", "90%"):
        policy = replace(sky.policy, settings={(Rule.DOES_NOT_LAST, None): Setting(Rule.DOES_NOT_LAST, threshold=text)})
        outcome = replay(kept, sky.known.fleet.tokens, policy, Rule.DOES_NOT_LAST, at(3 * DAY), at(22 * DAY))
        assert outcome is not None
        lengths += outcome.lengths
    assert len(lengths) == 3
    assert lengths == sorted(lengths, reverse=True)


def rehearsed(samples: dict[int, tuple[Sample, ...]], book: Book, token: Token = TOKEN, quiet: float = 30) -> list[str]:
    """What a runbook would have done in the day of the story, and at which minute."""
    runbook = Runbook(book, at(DAY), ANA, Does.ON, timedelta(minutes=quiet))
    found = rehearse(samples, dict.fromkeys(samples, token), POLICY, runbook, at(0), at(DAY))
    assert found is not None
    return [f"{(each.at - at(0)) / timedelta(minutes=1):.0f} {each.what}" for each in found.acts]


def test_a_runbook_would_have_switched_off_what_was_banned_and_on_again_what_was_well() -> None:
    read = steps((-60, "FAST"), (60, "BANNED"), (120, "FAST"), (300, "BANNED"), (310, "FAST"))
    assert rehearsed(read, Book.SWITCH_OFF) == ["60 switch 1900 off", "300 switch 1900 off"]
    assert rehearsed(read, Book.SWITCH_ON) == ["151 switch 1900 on", "341 switch 1900 on"]


def test_a_runbook_would_have_relaxed_what_was_empty_and_made_it_fast_after_the_refill() -> None:
    full = "15.0/15.0 hours (100.00%)"
    read = steps((-60, "13.5/15.0 hours (90.00%)"), (60, "0.00/15.0 hours"), (180, full), (240, full))
    assert rehearsed(read, Book.SPEED) == ["60 switch 1900 to relax", "240 switch 1900 to fast"]
    assert rehearsed(read, Book.SPEED, token=tokens([record(plan="Basic")])[1900]) == []


def test_a_runbook_would_have_left_alone_for_an_hour_what_somebody_switched() -> None:
    def sample(minutes: float, status: str, *, active: bool = True) -> Sample:
        return sample_of(tokens([record(status=status, active=active)])[1900], at(minutes))

    read = (sample(-60, "FAST", active=False), sample(60, "BANNED"), sample(90, "BANNED"), sample(150, "BANNED"))
    assert rehearsed({1900: read}, Book.SWITCH_OFF) == ["150 switch 1900 off"]


def test_it_says_when_it_would_have_stopped() -> None:
    many = Rehearsed(tuple(Would(at(minutes), "switch 1900 off") for minutes in (0, 50, 100, 120, 130)))
    assert many.stops(2) == at(130)
    assert many.stops(3) is None
