"""What is to come, told: a token that does not last until its refill, and one that burns fast."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.domain.forecast import Verdict
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.info import threshold
from bot.domain.model import Record, Threshold, Trouble
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.domain.watch.ahead import due, seen, settle
from bot.domain.watch.known import Known, Memory, restore
from tests.domain.fleets import at, record
from tests.domain.stories import STEPS, Story

HOUR, DAY = 60, 24 * 60
"""Minutes."""

FULL = 15 * HOUR
DRY = Key(Rule.DOES_NOT_LAST, 1900)
BURNING = Key(Rule.BURNING_FAST, 1900)
LOW = Key(Rule.FAST_TIME_LOW, 1900)

POLICY = Policy(STEPS, interval=timedelta(hours=1))


@dataclass
class Sky(Story):
    """A story with looks ahead, of one token that is used by the hour; 1900 is its id."""

    policy: Policy = POLICY
    plan: str = "Standard"
    status: str = "FAST"
    terms: str = ""
    """What its plan says in place of its renewal."""
    left: float = FULL
    now: float = 0
    """Minutes since the story began."""
    renews: float = 30 * DAY
    said: list[str] = field(default_factory=list)
    """What was told, with the day; less what is only an edit of a card."""
    edits: int = 0
    """How many of those there were."""

    @property
    def token(self) -> Record:
        """As it reads now."""
        renews = int(at(self.renews).timestamp())
        text = f"{self.left / 60:.2f}/{FULL / 60:.1f} hours ({self.left / FULL * 100:.2f}%)"
        terms = self.terms or f"Active monthly, renews next on <t:{renews}>"
        return record(1900, self.status, text, self.plan, terms=terms)

    def poll(self) -> list[str]:
        """Read it as it is now."""
        return self._noted(self.read(self.now, self.token))

    def look(self) -> list[str]:
        """Look ahead."""
        looked = due(self.known, at(self.now), self.policy)
        found = seen(self.known, looked.all, looked.fresh, at(self.now), self.policy)
        return self._noted(self._heard(*settle(self.known, looked, found, at(self.now), self.policy)))

    def _noted(self, heard: list[str]) -> list[str]:
        told = [each for each in self.changes.incidents if each.key in self.changes.notify]
        posted = [said for each, said in zip(told, heard, strict=True) if each.notified_at == at(self.now)]
        over = [said for said in heard if said.startswith(("ended", "unwatched"))]
        self.edits += len(heard) - len(posted) - len(over)
        news = [*posted, *over, *self.notices]
        self.said += [f"day {int(self.now // DAY)}: {each}" for each in news]
        return news

    def live(self, hours: float, a_day: float = 0) -> list[str]:
        """Let so many hours pass, in each of which so much of so many minutes a day is used. Returns what is told."""
        before = len(self.said)
        for _ in range(round(hours)):
            self.now += HOUR
            self.left = max(0.0, self.left - a_day / 24)
            self.poll()
            self.look()
        return self.said[before:]

    def open(self, key: Key = DRY) -> Incident | None:
        """The incident, pending or firing."""
        return self.known.incidents.get(key)

    @property
    def chance(self) -> float | None:
        """By the last look."""
        return self.known.forecasts[1900].chance


def watched(days: float = 5, a_day: float = 20, **how: object) -> Sky:
    """A token that was used calmly for some days."""
    sky = Sky(**how)  # type: ignore[arg-type]
    sky.poll()
    sky.live(days * 24, a_day)
    return sky


def test_a_token_that_will_not_last_is_told_once_three_looks_after_it_is_sure() -> None:
    sky = watched()
    assert sky.open() is None
    told = sky.live(3 * 24, 100)
    assert [each.partition(": ")[2] for each in told] == ["does_not_last 1900 warning FAST"]
    incident = sky.open()
    assert incident is not None
    assert incident.open
    assert incident.forecast is not None
    assert incident.forecast.verdict is Verdict.DOES_NOT_LAST
    assert incident.forecast.dry_at is not None


def test_it_takes_three_looks_that_are_an_hour_apart_and_no_other() -> None:
    sky = watched()
    sky.live(40, 100)
    while sky.open() is None:
        sky.live(1, 100)
    begun = sky.now
    for _ in range(20):  # whoever looks again and again, or refreshes the token, sees no more than there is
        sky.now += 0.5
        sky.look()
        sky.read(sky.now, sky.token, whole=False)
        sky.tick(sky.now)
    pending = sky.open()
    assert pending is not None
    assert (pending.stage, pending.seen) == (Stage.PENDING, 1)
    sky.now = begun
    assert sky.live(1, 100) == []
    assert sky.live(1, 100) != []


@pytest.mark.parametrize("thresholds", [STEPS, (*STEPS, threshold("eta 1h"))])
def test_looks_at_what_jumps_again_and_again_count_once_an_hour(thresholds: tuple[Threshold, ...]) -> None:
    sky = watched(policy=replace(POLICY, thresholds=thresholds))
    while sky.left and sky.open() is None:
        sprint(sky, 5, FULL * 0.005)  # 6 % an hour: too slow to burn fast, and a jump each half hour
    assert sprint(sky, 115, FULL * 0.005) == []
    assert [each.partition(": ")[2] for each in sprint(sky, 5, FULL * 0.005)] == ["does_not_last 1900 warning FAST"]


def test_a_restart_counts_for_nothing() -> None:
    sky = watched()
    while sky.open() is None:
        sky.live(1, 100)
    for _ in range(3):
        sky.now += 5
        sky.known = restarted(sky.known)
        assert sky.look() == []
    sky.now += HOUR
    sky.look()
    pending = sky.open()
    assert pending is not None
    assert pending.seen == 2


def restarted(known: Known) -> Known:
    """What is known after a restart."""
    records = {token_id: token.record for token_id, token in known.remembered.items()}
    after = restore(Memory(records, known.fleet.read_at, known.incidents))
    return replace(after, ledgers=known.ledgers)


def test_one_look_that_is_less_sure_begins_it_anew() -> None:
    sky = watched()
    while sky.open() is None:
        sky.live(1, 100)
    sky.now += HOUR
    sky.left += 60  # some was bought
    sky.poll()
    sky.look()
    assert sky.open() is None


def test_it_ends_when_it_surely_lasts_for_twelve_looks() -> None:
    sky = watched()
    sky.live(3 * 24, 100)
    hours = 0
    while sky.open() is not None:
        sky.live(1)
        hours += 1
        incident = sky.open()
        assert incident is None or incident.missed < 12
    assert hours > 12
    assert sky.said[-1].endswith("resolved: does_not_last 1900")


def test_between_the_two_levels_it_stays_as_it_is() -> None:
    sky = watched()
    sky.live(3 * 24, 100)
    while (sky.chance or 0) > 0.7:
        assert sky.live(1) == []
    assert (sky.chance or 0) > 0.4
    incident = sky.open()
    assert incident is not None
    assert incident.open
    assert not incident.missed
    assert incident.forecast is not None
    assert incident.forecast.verdict is Verdict.MAY_NOT_LAST, "its card says so"


def test_a_refill_ends_it_at_once() -> None:
    sky = watched()
    sky.live(3 * 24, 100)
    assert sky.open()
    sky.now, sky.left, sky.renews = sky.renews + HOUR, FULL, sky.renews + 30 * DAY
    sky.poll()
    told = sky.look()
    assert told == ["ended: does_not_last 1900 warning FAST", "resolved: does_not_last 1900"]
    assert sky.open() is None


def test_a_renewal_whose_refill_does_not_show_ends_nothing() -> None:
    sky = watched()
    sky.live(3 * 24, 100)
    sky.now = sky.renews + HOUR
    sky.poll()
    assert sky.look() == []
    assert sky.known.forecasts[1900].verdict is Verdict.REFILL_DUE
    assert sky.open()


@pytest.mark.parametrize("plan", ["Cancelled, ends on <t:1796000000:F>", "Paused"])
def test_where_there_is_no_refill_any_more_it_ends_and_its_levels_have_the_word(plan: str) -> None:
    sky = watched()
    sky.live(3 * 24, 100)
    sky.terms = plan
    assert "ended: does_not_last 1900 warning FAST" in [each.partition(": ")[2] for each in sky.live(1, 100)]
    sky.live(6 * 24, 100)
    assert next(each.detail for each in sky.notified if each.key == LOW) == "20%"


def test_time_that_is_bought_ends_it_at_once_if_it_is_enough() -> None:
    sky = watched()
    sky.live(3 * 24, 100)
    sky.now += 5
    sky.left += 30
    sky.poll()
    assert sky.look() == []
    assert sky.open()
    sky.now += 5
    sky.left = 6 * FULL
    sky.poll()
    assert sky.look() == ["ended: does_not_last 1900 warning FAST", "resolved: does_not_last 1900"]


@pytest.mark.parametrize("plan", ["Basic", "Trial"])
def test_a_plan_without_relax_mode_makes_it_critical(plan: str) -> None:
    sky = watched(plan=plan)
    if plan == "Trial":  # which is never refilled, so that there is nothing to last until
        assert sky.live(3 * 24, 100) == []
        return
    assert [each.partition(": ")[2] for each in sky.live(3 * 24, 100)] == ["does_not_last 1900 critical FAST"]


@pytest.mark.parametrize("status", ["BANNED", "VERIFYING"])
def test_of_a_token_that_takes_no_jobs_nothing_is_said(status: str) -> None:
    sky = watched()
    sky.live(48, 100)
    sky.status = status
    told = sky.live(24, 100)
    assert not any("does_not_last" in each for each in told)


def test_while_nothing_can_be_read_nothing_moves() -> None:
    sky = watched()
    while sky.open() is None:
        sky.live(1, 100)
    pending = sky.open()
    for _ in range(5):
        sky.now += HOUR
        sky.fail(sky.now, Trouble.UNREACHABLE)
        assert sky.look() == []
        assert sky.open() == pending


def test_the_chance_from_which_on_it_is_told_can_be_set() -> None:
    sky = watched()
    sky.set(Rule.DOES_NOT_LAST, threshold="99%")
    early = watched()
    early.set(Rule.DOES_NOT_LAST, threshold="50%")
    for each in (sky, early):
        while not each.live(1, 100):
            pass
    assert early.now < sky.now


def test_a_rule_that_is_off_says_nothing_and_one_that_is_switched_off_ends() -> None:
    sky = watched()
    sky.live(3 * 24, 100)
    sky.set(Rule.DOES_NOT_LAST, on=False)
    assert sky.live(1, 100) == ["day 8: unwatched: does_not_last 1900 warning FAST"]
    assert sky.live(24, 100) == []


def month(plan: str) -> list[str]:
    """What is told of a token that is used so much each day that it is empty a week before the refill."""
    sky = Sky(plan=plan, bystanders=())
    sky.poll()
    sky.said.clear()
    sky.live(29 * 24, 38)
    assert sky.left == 0
    sky.now, sky.left, sky.renews = sky.renews + HOUR, FULL, sky.renews + 30 * DAY
    sky.live(3, 20)
    return sky.said


def test_a_month_of_a_token_that_runs_dry_has_no_page_without_news() -> None:
    """It will not last; is under 20 %, as foretold; is nearly gone, and gone; and is refilled."""
    assert month("Standard") == [
        "day 14: does_not_last 1900 warning FAST",
        "day 22: fast_time_low 1900 critical FAST",
        "day 22: ended: does_not_last 1900 warning FAST",
        "day 23: fast_time_low 1900 critical FAST",
        "day 23: raised: fast_time_low 1900",
        "day 30: ended: fast_time_low 1900 critical FAST",
        "day 30: resolved: fast_time_low 1900",
    ]


def test_without_relax_mode_it_is_told_twice_that_it_will_be_and_that_it_is() -> None:
    assert month("Basic") == [
        "day 14: does_not_last 1900 critical FAST",
        "day 23: does_not_last 1900 critical FAST",
        "day 23: raised: does_not_last 1900",
        "day 30: ended: does_not_last 1900 critical FAST",
        "day 30: resolved: does_not_last 1900",
    ]


def test_a_little_that_nobody_can_use_is_told_as_nothing_and_once() -> None:
    sky = Sky(plan="Basic", bystanders=())
    sky.poll()
    sky.live(16 * 24, 38)
    assert sky.open()
    sky.said.clear()
    sky.left = 0.5
    assert sky.live(2) == ["day 16: does_not_last 1900 critical FAST", "day 16: raised: does_not_last 1900"]
    sky.left = 0.0
    assert sky.live(24) == []
    sky.now, sky.left, sky.renews = sky.renews + HOUR, FULL, sky.renews + 30 * DAY
    assert [each.partition(": ")[2] for each in sky.live(2, 20)] == [
        "ended: does_not_last 1900 critical FAST",
        "resolved: does_not_last 1900",
    ]


def sprint(sky: Sky, minutes: float, each: float, step: float = 5) -> list[str]:
    """Let so much be used every few minutes for a while; look each time. Returns what is told."""
    before = len(sky.said)
    end = sky.now + minutes
    while sky.now < end:
        sky.now += step
        sky.left = max(0.0, sky.left - each)
        sky.poll()
        sky.look()
    return sky.said[before:]


def test_a_token_that_burns_fast_is_told_within_the_hour_and_once_a_day() -> None:
    sky = watched(days=2)
    assert [each.partition(": ")[2] for each in sprint(sky, 80, 20)] == ["burning_fast 1900 warning FAST"]
    incident = sky.open(BURNING)
    assert incident is not None
    assert incident.burning is not None
    assert incident.burning.dry_at - at(sky.now) < timedelta(hours=3)
    assert sprint(sky, 20, 20) == []
    assert not any("burning" in each for each in sky.live(22))
    assert sky.open(BURNING)
    assert [each for each in sky.live(4) if "burning" in each] == [
        "day 3: ended: burning_fast 1900 warning FAST",
        "day 3: resolved: burning_fast 1900",
    ]


def test_a_jump_of_old_numbers_is_no_burning() -> None:
    sky = watched(days=2)
    sky.now += 5
    sky.left -= 400
    sky.poll()
    assert not any("burning" in each for each in sky.look())
    assert sky.open(BURNING) is None


def test_what_burns_fast_and_is_bought_again_ends() -> None:
    sky = watched(days=2)
    sprint(sky, 80, 20)
    sky.now += 5
    sky.left = FULL
    sky.poll()
    assert sky.look() == ["ended: burning_fast 1900 warning FAST", "resolved: burning_fast 1900"]


def test_what_burns_and_is_low_is_told_by_the_card_of_its_fast_time() -> None:
    sky = watched(days=2)
    told = [each.partition(": ")[2] for each in sprint(sky, 4 * HOUR, 20)]
    assert told[:3] == [
        "burning_fast 1900 warning FAST",
        "fast_time_low 1900 warning FAST",
        "ended: burning_fast 1900 warning FAST",
    ]
    assert not any("does_not_last" in each for each in told)


def test_while_it_is_told_that_it_burns_fast_it_is_not_told_that_it_does_not_last() -> None:
    sky = watched(days=6, a_day=40)
    sprint(sky, 90, 20)
    told = sky.live(12, 40)
    assert sky.open(DRY)
    assert not any("does_not_last" in each for each in told)
    told = sky.live(14, 40)
    assert [each.partition(": ")[2] for each in told if "does_not_last" in each] == ["does_not_last 1900 warning FAST"]


def timed(threshold: str, days: float = 6, a_day: float = 60) -> Sky:
    """A token that is watched for when it will be empty, and for nothing else."""
    sky = Sky(bystanders=())
    sky.set(Rule.FAST_TIME_LOW, threshold=threshold)
    sky.set(Rule.DOES_NOT_LAST, on=False)
    sky.poll()
    sky.live(days * 24, a_day)
    return sky


def test_a_level_that_is_a_time_ahead_is_crossed_when_it_will_be_gone_by_then() -> None:
    sky = timed("eta 24h")
    told = sky.live(12 * 24, 60)
    first = sky.known.incidents[LOW]
    assert told[0].endswith("fast_time_low 1900 warning FAST")
    assert first.opened_at < at(15 * DAY)
    assert first.opened_at > at(13 * DAY)


def test_it_is_left_with_a_margin() -> None:
    sky = timed("eta 24h")
    while LOW not in sky.known.incidents:
        sky.live(1, 60)
    sky.left += 5
    assert sky.live(1, 60) == []
    sky.left += 100
    assert [each.partition(": ")[2] for each in sky.live(1, 60)][:1] == ["ended: fast_time_low 1900 warning FAST"]


def test_it_is_shallower_than_any_amount() -> None:
    sky = timed("20%,eta 24h,5%")
    sky.live(12 * 24, 60)
    levels = [each.detail for each in sky.notified if each.key == LOW]
    assert list(dict.fromkeys(levels)) == ["20%", "5%", "gone"]  # a day is less than a fifth of its fast time
    sky = timed("eta 120h,20%")
    sky.live(12 * 24, 60)
    levels = [each.detail for each in sky.notified if each.key == LOW]
    assert list(dict.fromkeys(levels)) == ["eta 120h", "20%", "gone"]


def test_what_most_likely_lasts_is_under_no_time_ahead_though_its_pace_alone_would_be() -> None:
    sky = timed("eta 720h", days=1.1, a_day=32)
    said = sky.known.forecasts[1900]
    assert said.verdict is Verdict.LASTS
    assert said.dry_at is not None
    assert LOW not in sky.known.incidents


def test_without_an_answer_it_says_nothing_and_ends_nothing() -> None:
    sky = timed("eta 24h")
    while LOW not in sky.known.incidents:
        sky.live(1, 60)
    sky.known = replace(sky.known, forecasts={})
    sky.now += 5
    assert sky.poll() == []
    assert LOW in sky.known.incidents


def test_after_the_refill_it_is_well() -> None:
    sky = timed("eta 24h")
    while LOW not in sky.known.incidents:
        sky.live(1, 60)
    sky.now, sky.left, sky.renews = sky.renews + HOUR, FULL, sky.renews + 30 * DAY
    assert sky.live(2, 60)[-1].endswith("resolved: fast_time_low 1900")


def test_what_was_seen_by_a_clock_that_was_ahead_is_seen_anew() -> None:
    """It was set back by years, and nobody has that long to wait."""
    sky = watched(2, 0)
    right, sky.now = sky.now, sky.now + 3650 * DAY
    sky.poll()
    sky.look()
    sky.now = right + HOUR
    sky.poll()
    sky.look()
    assert sky.known.forecasts[1900].at == at(sky.now)
