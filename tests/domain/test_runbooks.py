"""What the bot does by itself, as far as people let it: each act bounded and told, and none against a person."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.domain.acts import Act, Kind, State, infinitive
from bot.domain.incidents import ANYBODY, Happening, Key, Rule
from bot.domain.model import Record
from bot.domain.runbooks import BOOKS, Book, Does, Runbook
from bot.domain.value import replace
from bot.domain.watch.acting import planned, settled
from bot.domain.watch.known import Memory, restore
from bot.domain.watch.running import run
from tests.domain.fleets import at, record
from tests.domain.stories import ANA, EVERY_MINUTE, Story
from tests.runbooks import Month

EMPTY, FULL = "0.00/15.0 hours (0.00%)", "15.00/15.0 hours (100.00%)"
BANNED = record(1900, "BANNED")
OFF = record(1900, "BANNED", active=False)
WELL = record(1900, active=False)
ON = record(1900)


@dataclass
class Bot(Story):
    """A story in which runbooks work, and what they do succeeds unless it says otherwise."""

    state: State = State.DONE
    made: list[Act] = field(default_factory=list)

    def let(self, *books: Book, does: Does = Does.ON, minutes: float = 0, quiet: float = 30, an_hour: int = 6) -> None:
        """Somebody sets runbooks."""
        for each in books:
            self.decide(minutes, Runbook(each, at(minutes), ANA, does, timedelta(minutes=quiet), an_hour))

    def work(self, minutes: float, *, read_only: bool = False) -> list[str]:
        """Let runbooks do what they would; returns that."""
        ids = (f"act{len(self.made)}-{place}" for place in range(1000))
        changes, known, acts = run(self.known, at(minutes), self.policy, lambda: next(ids), read_only=read_only)
        self._heard(changes, known)
        self.made += acts
        for act in acts:
            self.do(minutes, act, self.state)
        return [infinitive(each) for each in acts]

    def do(self, minutes: float, act: Act, state: State = State.DONE) -> None:
        """What becomes of an act, all at once."""
        begins = replace(act, at=at(minutes), state=State.BEGUN, begun_at=at(minutes))
        self._heard(*planned(self.known, [begins], at(minutes)))
        if state is State.BEGUN:
            return
        self._heard(*settled(self.known, [replace(begins, state=state, settled_at=at(minutes))], at(minutes)))

    def by_ana(self, minutes: float, wanted: str, kind: Kind = Kind.TOGGLE, token: int | None = 1900) -> None:
        """A person does something through the bot."""
        self.do(minutes, Act(f"ana{minutes}", kind, wanted, at(minutes), token, by=ANA))

    def look(self, minutes: float, *records: Record, lasting: float = 0, every: float = 1) -> list[str]:
        """Read the fleet, again and again for as long; runbooks work after each; returns what they do."""
        done: list[str] = []
        times = int(lasting / every) + 1
        for place in range(times):
            self.read(minutes + place * every, *records)
            done += self.work(minutes + place * every)
        return done

    def restart(self) -> None:
        """Another process, or another copy, goes on with what is stored."""
        known = self.known
        decisions = known.decisions
        sorts = (decisions.silences, decisions.windows, decisions.settings, decisions.runbooks, decisions.trails)
        self.known = restore(
            Memory(
                {each.id: each.record for each in known.remembered.values()},
                known.fleet.read_at,
                known.incidents,
                tuple(each for sort in sorts for each in sort.values()),
                known.histories,
                acts=tuple(known.acts.values()),
            )
        )

    @property
    def remarks(self) -> list[str]:
        """What runbooks said last."""
        return [f"{said.why} {said.times}" for each in self.changes.notices for said in each.remarks]


def bot(*books: Book, does: Does = Does.ON, quiet: float = 30, an_hour: int = 6) -> Bot:
    """A fleet that was read once, and what somebody lets the bot do."""
    story = Bot(EVERY_MINUTE)
    story.read(-5, ON)
    story.let(*books, does=does, minutes=-1, quiet=quiet, an_hour=an_hour)
    return story


BOTH = (Book.SWITCH_OFF, Book.SWITCH_ON)


def test_without_being_asked_it_does_nothing() -> None:
    story = Bot(EVERY_MINUTE)
    story.read(-5, ON)
    assert story.look(0, BANNED, lasting=120) == []
    assert story.changes.nothing


def test_what_is_banned_is_switched_off_and_on_again_once_it_was_well_for_long_enough() -> None:
    story = bot(*BOTH)
    assert story.look(0, BANNED) == ["switch 1900 off"]
    assert story.look(1, OFF, lasting=60) == []
    assert story.look(62, WELL, lasting=29) == []
    assert story.look(92, WELL) == ["switch 1900 on"]
    assert story.look(93, ON, lasting=60) == []
    assert [each.runbook for each in story.made] == ["switch off when banned", "switch on again"]


def test_the_card_of_what_is_banned_tells_that_the_bot_switched_it_off() -> None:
    story = bot(Book.SWITCH_OFF)
    story.look(0, BANNED)
    assert [each.what for each in story.incident(Rule.BANNED).moments] == [Happening.FIRED, Happening.ACTED]
    assert story.incident(Rule.BANNED).moments[-1].who is None


@pytest.mark.parametrize(
    "read",
    [
        record(1900, "VERIFYING"),
        record(1900, "BANNED", active=None),
        record(1900, "blocked"),
        record(1900, ""),
        OFF,
    ],
    ids=["another status", "not said whether on", "an unknown word", "no status", "off already"],
)
def test_nothing_else_is_taken_for_banned(read: Record) -> None:
    story = bot(*BOTH)
    assert story.look(0, read, lasting=30) == []


def test_a_status_that_this_reading_left_out_is_not_banned_now() -> None:
    story = Bot(EVERY_MINUTE)
    story.read(-5, BANNED)
    story.let(Book.SWITCH_OFF, minutes=-1)
    assert story.look(0, record(1900, "")) == []
    assert story.look(1, BANNED) == ["switch 1900 off"]


def test_what_a_person_switched_off_stays_off() -> None:
    story = bot(*BOTH)
    story.by_ana(0, "off")
    assert story.look(1, OFF, lasting=90) == []
    assert story.look(100, WELL, lasting=90) == []


def test_what_somebody_switched_at_imaginepro_itself_is_theirs() -> None:
    story = bot(*BOTH)
    story.look(0, BANNED)
    story.look(1, OFF, lasting=10)
    story.look(20, BANNED)  # on again by hand
    story.look(21, OFF)  # and off again
    assert story.look(22, WELL, lasting=120) == []


def test_what_somebody_switched_on_is_left_on_for_an_hour() -> None:
    story = bot(Book.SWITCH_OFF)
    story.look(0, BANNED)
    story.look(1, OFF)
    assert story.look(5, BANNED, lasting=59) == []
    assert story.look(65, BANNED) == ["switch 1900 off"]


def test_a_mode_that_a_person_chose_keeps_its_token_on_for_an_hour() -> None:
    story = bot(Book.SWITCH_OFF)
    story.by_ana(-2, "turbo", Kind.MODE)
    assert story.look(0, BANNED, lasting=57) == []
    assert story.look(58, BANNED) == ["switch 1900 off"]


@pytest.mark.parametrize("state", [State.NOT_DONE, State.UNKNOWN])
def test_what_failed_is_tried_once_more_and_then_left_and_said(state: State) -> None:
    story = bot(Book.SWITCH_OFF)
    story.state = state
    assert story.look(0, BANNED, lasting=9) == ["switch 1900 off"]
    assert story.look(10, BANNED) == ["switch 1900 off"]
    assert story.look(11, BANNED) == []
    assert story.remarks == ["failed 2"]
    assert story.look(12, BANNED, lasting=100) == []
    assert story.remarks == []


def test_what_was_planned_and_never_done_counts_as_a_try() -> None:
    story = bot(Book.SWITCH_OFF)
    story.read(0, BANNED)
    changes, known, acts = run(story.known, at(0), story.policy, lambda: "lost")
    assert [each.id for each in acts] == ["lost"]
    story.known = known  # and the process ends here
    story.restart()
    assert story.look(1, BANNED, lasting=8) == []
    assert story.look(10, BANNED) == ["switch 1900 off"]
    del changes


def test_while_an_act_is_under_way_there_is_no_other() -> None:
    story = bot(Book.SWITCH_OFF)
    story.state = State.BEGUN
    assert story.look(0, BANNED, lasting=60) == ["switch 1900 off"]


def test_what_failed_to_be_switched_on_is_tried_once_more() -> None:
    story = bot(*BOTH)
    story.look(0, BANNED)
    story.look(1, WELL, lasting=29)
    story.state = State.NOT_DONE
    assert story.look(31, WELL) == ["switch 1900 on"]
    assert story.look(32, WELL, lasting=8) == []
    assert story.look(41, WELL) == ["switch 1900 on"]
    assert story.look(42, WELL) == []
    assert story.remarks == ["failed 2"]
    assert story.look(43, WELL, lasting=90) == []


def test_a_reversal_comes_after_a_restart_too() -> None:
    story = bot(*BOTH)
    story.look(0, BANNED)
    story.look(1, WELL, lasting=20)
    story.restart()
    assert story.work(22) == []  # nothing was read yet by this process
    assert story.look(31, WELL) == ["switch 1900 on"]


def test_what_turns_bad_again_in_between_waits_its_whole_time_anew() -> None:
    story = bot(*BOTH)
    story.look(0, BANNED)
    story.look(1, WELL, lasting=20)
    story.look(25, OFF)
    assert story.look(26, WELL, lasting=29) == []
    assert story.look(56, WELL) == ["switch 1900 on"]


def test_what_flaps_is_left_alone_after_three_times_a_day_and_that_is_said_once() -> None:
    story = bot(*BOTH, quiet=5)
    said = []
    minutes = 0.0
    for _ in range(3):
        assert story.look(minutes, BANNED) == ["switch 1900 off"]
        assert story.look(minutes + 1, WELL, lasting=5) == ["switch 1900 on"]
        story.look(minutes + 7, ON)
        minutes += 90
    for later in range(60):
        assert story.look(minutes + later, BANNED) == []
        said += story.remarks
    assert said == ["flaps 3"]
    assert story.look(24 * 60 + 1, BANNED) == ["switch 1900 off"]


def fleet(status: str, ids: Iterable[int], *, active: bool = True) -> list[Record]:
    return [record(each, status, active=active) for each in ids]


def test_more_than_was_allowed_in_an_hour_stops_it_until_somebody_sets_it_again() -> None:
    story = Bot(EVERY_MINUTE)
    story.read(-5, *fleet("FAST", range(1, 5)))
    story.let(*BOTH, minutes=-1, an_hour=3)
    assert len(story.look(0, *fleet("BANNED", range(1, 5)))) == 3
    assert len({each.batch for each in story.made}) == 1
    assert story.look(1, *fleet("BANNED", range(1, 4), active=False), record(4, "BANNED"), lasting=200) == []
    assert story.known.decisions.runbooks["runbook-switch_off_when_banned"].stopped_at == at(0)
    story.let(Book.SWITCH_OFF, minutes=202)
    assert story.look(203, *fleet("BANNED", range(1, 4), active=False), record(4, "BANNED")) == ["switch 4 off"]


def test_a_clock_that_is_set_back_lets_it_act_no_more_often() -> None:
    story = Bot(EVERY_MINUTE, state=State.NOT_DONE)
    story.read(-5, *fleet("FAST", range(1, 5)))
    story.let(*BOTH, minutes=-1, an_hour=3)
    story.read(0, *fleet("BANNED", range(1, 3)))
    story.restart()
    assert len(story.look(-50, *fleet("BANNED", range(1, 3)), lasting=5)) == 2
    assert len(story.look(-44, *fleet("BANNED", range(1, 5)), lasting=20)) == 1


def test_that_it_stopped_is_said_once() -> None:
    story = Bot(EVERY_MINUTE)
    story.read(-5, *fleet("FAST", range(1, 5)))
    story.let(Book.SWITCH_OFF, minutes=-1, an_hour=3)
    story.read(0, *fleet("BANNED", range(1, 5)))
    changes, known, acts = run(story.known, at(0), story.policy, lambda: "a")
    assert len(acts) == 3
    assert [said.why for each in changes.notices for said in each.remarks] == ["stopped"]
    assert not run(known, at(0), story.policy, lambda: "b")[0].notices


def test_what_it_did_is_taken_back_though_it_stopped_as_often_as_it_may() -> None:
    story = Bot(EVERY_MINUTE)
    story.read(-5, *fleet("FAST", range(1, 9)))
    story.let(*BOTH, minutes=-1, an_hour=6)
    story.look(0, *fleet("BANNED", range(1, 9)))
    story.let(Book.SWITCH_ON, minutes=0, an_hour=2)
    left = [*fleet("FAST", range(1, 7), active=False), *fleet("BANNED", (7, 8))]
    assert len(story.look(1, *left, lasting=60)) == 2
    assert len(story.look(62, *left, lasting=60)) == 2


def test_read_only_wins() -> None:
    story = bot(*BOTH)
    story.read(0, BANNED)
    assert story.work(0, read_only=True) == []
    assert story.changes.nothing


def test_what_cannot_be_trusted_moves_nothing() -> None:
    story = bot(*BOTH)
    story.read(0, BANNED)
    before = story.known
    story.fail(1)
    assert story.work(1) == []
    story.known = before
    story.restart()
    assert story.work(1) == []  # this process has read nothing yet
    story.known = before
    assert story.work(30) == []  # as no poll has ended since
    assert story.work(-1) == []  # read in what is to come
    story.window(0, 0, 10)
    assert story.work(0) == []  # people are at work
    story.known = before
    assert story.work(1) == ["switch 1900 off"]


def test_a_list_that_lacks_tokens_moves_nothing() -> None:
    story = Bot(EVERY_MINUTE)
    many = fleet("FAST", range(1, 9))
    story.read(-5, *many)
    story.let(*BOTH, minutes=-1)
    story.read(0, record(1, "BANNED"))
    assert story.work(0) == []
    story.read(1, record(1, "BANNED"), *many[1:])
    assert story.work(1) == ["switch 1 off"]


def test_an_empty_account_relaxes_and_is_fast_again_after_the_refill() -> None:
    story = bot(Book.SPEED)
    assert story.look(0, record(fast=EMPTY)) == ["switch 1900 to relax"]
    assert story.look(1, record(status="RELAX", fast=EMPTY), lasting=60) == []
    assert story.look(62, record(status="RELAX", fast=FULL), lasting=29) == []
    assert story.look(92, record(status="RELAX", fast=FULL)) == ["switch 1900 to fast"]
    assert story.look(93, record(fast=FULL), lasting=60) == []


@pytest.mark.parametrize(
    "read",
    [
        record(fast=EMPTY, plan="Basic"),
        record(fast=EMPTY, plan="Something"),
        record(fast="soon"),
        record(fast="0.10/15.0 hours (0.67%)"),
        record(status="RELAX", fast=EMPTY),
        record(fast=EMPTY, active=False),
    ],
    ids=["no relax mode", "unknown plan", "unknown fast time", "a rest of it", "relaxed already", "off"],
)
def test_nothing_else_relaxes(read: Record) -> None:
    assert bot(Book.SPEED).look(0, read, lasting=30) == []


def test_what_a_person_let_relax_stays_relaxed() -> None:
    story = bot(Book.SPEED)
    story.look(0, record(fast=EMPTY))
    story.by_ana(30, "fast", Kind.MODE)
    story.by_ana(40, "relax", Kind.MODE)
    assert story.look(41, record(status="RELAX", fast=FULL), lasting=180) == []


def test_the_queue_is_paused_while_no_token_works_and_resumed_when_one_does() -> None:
    story = Bot(EVERY_MINUTE, bystanders=())
    story.read(-5, ON)
    story.let(Book.QUEUE, minutes=-1)
    assert story.look(0, record(status="VERIFYING"), lasting=1) == []  # not sure enough yet to be told
    assert story.look(2, record(status="VERIFYING")) == ["pause the queue"]
    assert story.known.incidents[Key(Rule.POOL, step=ANYBODY)].open
    assert story.look(3, record(status="VERIFYING"), lasting=60) == []
    assert story.look(64, ON, lasting=29) == []
    assert story.look(94, ON) == ["resume the queue"]


def test_a_queue_that_may_be_paused_is_resumed_too() -> None:
    story = Bot(EVERY_MINUTE, bystanders=(), state=State.UNKNOWN)
    story.read(-5, ON)
    story.let(Book.QUEUE, minutes=-1)
    assert story.look(0, record(status="VERIFYING"), lasting=5) == ["pause the queue"]
    story.state = State.DONE
    assert story.look(6, ON, lasting=31) == ["resume the queue"]


def test_a_queue_that_a_person_paused_stays_paused() -> None:
    story = Bot(EVERY_MINUTE, bystanders=())
    story.read(-5, ON)
    story.let(Book.QUEUE, minutes=-1)
    story.by_ana(-2, "pause", Kind.QUEUE, None)
    assert story.look(0, record(status="VERIFYING"), lasting=50) == []
    assert story.look(51, ON, lasting=100) == []


def test_a_dry_run_says_what_it_would_have_done_and_does_nothing() -> None:
    story = bot(*BOTH, does=Does.DRY_RUN)
    assert story.look(0, BANNED) == []
    assert [(each.act, each.what, each.by) for each in story.changes.audit] == [("would have", "switch 1900 off", 0)]
    moment = story.incident(Rule.BANNED).moments[-1]
    assert (moment.what, moment.act) == (Happening.ACTED, "dry run: would have been switched off")
    assert Key(Rule.BANNED, 1900) in story.changes.notify
    story.look(1, BANNED, lasting=30)
    assert len(story.incident(Rule.BANNED).moments) == 2
    said = []
    for minute in range(40, 80):
        story.look(minute, ON)
        said += [each.what for each in story.changes.audit]
    assert said == ["switch 1900 on"]
    assert not story.made


def test_what_was_a_dry_run_counts_for_nothing_once_it_is_on() -> None:
    story = bot(*BOTH, does=Does.DRY_RUN)
    story.look(0, BANNED)
    story.let(*BOTH, minutes=1)
    assert story.look(1, BANNED) == ["switch 1900 off"]


def test_what_it_did_is_still_its_own_when_it_is_set_anew() -> None:
    story = bot(*BOTH)
    story.look(0, BANNED)
    story.let(*BOTH, does=Does.OFF, minutes=1)
    assert story.look(2, WELL, lasting=60) == []
    story.let(*BOTH, minutes=63)
    assert story.look(64, WELL, lasting=30) == ["switch 1900 on"]


def test_what_no_longer_matters_is_forgotten() -> None:
    story = bot(*BOTH)
    story.look(0, BANNED)
    story.look(1, WELL, lasting=30)
    story.look(32, ON)
    assert story.known.decisions.trails
    story.look(33 + 24 * 60, ON)
    assert not story.known.decisions.trails


def test_nothing_is_remembered_of_people_for_long() -> None:
    story = Bot(EVERY_MINUTE)
    story.read(-5, ON)
    story.look(0, WELL)
    assert story.known.decisions.trails["trail-toggle-1900"].hand_at == at(0)
    story.look(60, WELL)
    assert not story.known.decisions.trails


def test_each_runbook_has_a_row() -> None:
    assert set(BOOKS) == set(Book)


def test_of_a_large_fleet_that_is_banned_it_does_what_it_may_and_no_more() -> None:
    many = range(1, 2001)
    story = Bot(EVERY_MINUTE, bystanders=())
    story.read(-5, *fleet("FAST", many))
    story.let(*BOTH, minutes=-1)
    assert len(story.look(0, *fleet("BANNED", many))) == 6
    assert story.look(1, *fleet("BANNED", many)) == []


@pytest.mark.parametrize("seed", range(3))
def test_in_a_month_of_a_flapping_fleet_each_act_is_bounded_taken_back_and_against_nobody(seed: int) -> None:
    """`python -m tests.runbooks` lives longer, and prints figures."""
    month = Month(seed, days=6, every=timedelta(minutes=5)).live()
    assert not month.wrong
    assert month.sent
    assert month.figures["takeovers"]
