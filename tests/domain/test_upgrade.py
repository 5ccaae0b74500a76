"""What an older version of the bot left open is carried on: nothing of it is lost, and nothing told twice."""

from collections.abc import Iterable

import pytest

from bot.domain.incidents import Happening, Incident, Key, Moment, Reason, Rule, Stage
from bot.domain.model import Record, Severity
from bot.domain.watch.known import Memory, restore
from tests.domain.fleets import at, record
from tests.domain.stories import ANA, BYSTANDER, POLICY, Story

EMPTY = record(status="RELAX", fast="0.00/15.0 hours (0.00%)")
LEVELS = (
    ("20%", Rule.FAST_TIME_LOW, Severity.WARNING),
    ("5%", Rule.FAST_TIME_LOW, Severity.CRITICAL),
    ("", Rule.FAST_TIME_GONE, Severity.WARNING),
)


def stored(
    rule: Rule, step: str = "", severity: Severity = Severity.WARNING, now: Record = EMPTY, *, taken: bool = True
) -> Incident:
    """An incident as the older version stored it: with no end, no natural severity, no level in its detail."""
    acknowledged = Moment(at(-5), Happening.ACKNOWLEDGED, who=ANA)
    return Incident(
        Key(rule, 1900, step),
        severity,
        Stage.FIRING,
        opened_at=at(-20),
        read_at=at(-20),
        was=record(),
        was_at=at(-21),
        now=now,
        origin="FAST" if rule is Rule.DEGRADED else "",
        moments=(Moment(at(-20), Happening.FIRED), *([acknowledged] if taken else [])),
        acknowledged=acknowledged if taken else None,
        notified_at=at(-20),
        notified_as=severity,
    )


def upgraded(known: Record, incidents: Iterable[Incident]) -> Story:
    """A story that goes on where the older version stopped."""
    story = Story(POLICY)
    records = {1900: known, BYSTANDER.id: BYSTANDER}
    story.known = restore(Memory(records, at(0), {each.key: each for each in incidents}))
    return story


def test_four_cards_of_one_drain_become_one_that_goes_on() -> None:
    old = [stored(rule, step, severity) for step, rule, severity in LEVELS]
    story = upgraded(EMPTY, [*old, stored(Rule.DEGRADED)])
    story.read(1, EMPTY)
    assert story.notices == [], "who has it hears nothing"
    ends = {each.key.step or each.key.rule: each.end for each in story.changes.incidents if each.resolved_at}
    assert {name: end and (end.reason, end.became) for name, end in ends.items()} == {
        "20%": (Reason.BECAME, (Rule.FAST_TIME_LOW,)),
        "5%": (Reason.BECAME, (Rule.FAST_TIME_LOW,)),
        "degraded": (Reason.BECAME, (Rule.FAST_TIME_GONE,)),
    }
    (left,) = (each for key, each in story.known.incidents.items() if key.token == 1900)
    assert (left.key.rule, left.detail, left.opened_at) == (Rule.FAST_TIME_GONE, "gone", at(-20))
    assert left.acknowledged is not None
    assert left.has_card
    assert [story.tick(minutes) for minutes in (20, 80)] == [[], []]
    story.read(81, record())
    assert story.notices == ["resolved: fast_time_gone 1900"]
    assert story.known.incidents == {}


@pytest.mark.parametrize(("step", "fast"), [("20%", "2.00/15.0 hours (13.33%)"), ("5%", "0.60/15.0 hours (4.00%)")])
def test_one_step_that_was_open_goes_on_under_its_key(step: str, fast: str) -> None:
    severity = Severity.CRITICAL if step == "5%" else Severity.WARNING
    now = record(fast=fast)
    story = upgraded(now, [stored(Rule.FAST_TIME_LOW, step, severity, now, taken=False)])
    assert story.read(1, now) in ([], [f"fast_time_low {step} 1900 {severity} FAST"]), "an edit at most"
    assert story.notices == []
    assert [key for key in story.known.incidents if key.token == 1900] == [Key(Rule.FAST_TIME_LOW, 1900, step)]
    story.read(2, record(fast="0.00/15.0 hours (0.00%)"))
    assert story.notices == [f"raised: fast_time_low {step} 1900"]


def test_a_degradation_that_was_open_goes_on_while_its_token_has_fast_time() -> None:
    slow = record(status="RELAX")
    story = upgraded(slow, [stored(Rule.DEGRADED, now=slow)])
    assert story.read(1, slow) == []
    assert story.read(2, record()) == ["ended: degraded 1900 warning FAST"]


def test_what_the_old_first_summary_named_ends_without_a_card() -> None:
    banned = record(status="BANNED")
    old = stored(Rule.BANNED, severity=Severity.CRITICAL, now=banned, taken=False)
    heard = Incident(old.key, old.severity, old.stage, old.opened_at, old.read_at, now=banned, notified_as=old.severity)
    story = upgraded(banned, [heard])
    assert story.read(1, banned) == []
    assert story.read(2, record()) == ["ended: banned 1900 critical FAST"]
    assert story.notices == []
