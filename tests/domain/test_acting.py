"""Acts: when one may begin, and what is stored and told of it, whoever presses what and whatever fails."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.acts import Act, Kind, State, happened, infinitive, it, may_begin, modes, participle, remembered, shows
from bot.domain.incidents import Happening, Key, Rule
from bot.domain.info import read
from bot.domain.messages import NoticeKind
from bot.domain.model import Fleet, Token
from bot.domain.overlay import laid_over
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.domain.watch.acting import begun, late, planned, settled
from bot.domain.watch.known import Changes, Known
from tests.domain.fleets import at, reading, record, taken
from tests.storage.values import incident

NOW = datetime(2026, 11, 22, 3, 12, tzinfo=UTC)
ANA, BEN = 41, 42
MINUTE = timedelta(minutes=1)
BANNED = Key(Rule.BANNED, 1900)


def token(token_id: int, status: str = "FAST", *, active: bool | None = True, job_mode: str = "") -> Token:
    """A token as read."""
    made = record(token_id, status, active=active)
    return read(replace(made, info=replace(made.info, job_mode=job_mode)))


def act(name: str = "a1", wanted: str = "off", **values: object) -> Act:
    """Ana wants 1900 to be off."""
    made = Act(name, Kind.TOGGLE, wanted, NOW, token=1900, by=ANA)
    return replace(made, **values)  # type: ignore[arg-type]


def done(one: Act, state: State = State.DONE, at: datetime = NOW) -> Act:
    """The act, settled."""
    return replace(one, state=state, begun_at=at, settled_at=at)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (act(), ("1900", "switch 1900 off", "switched off")),
        (act(kind=Kind.MODE, wanted="relax"), ("1900", "switch 1900 to relax", "switched to relax")),
        (act(kind=Kind.REFRESH, wanted=""), ("the info of 1900", "refresh the info of 1900", "refreshed")),
        (act(kind=Kind.PROBE, wanted="a tree"), ("a test job for 1900", "run a test job for 1900", "run")),
        (act(kind=Kind.CANCEL, wanted="", job="{x}", token=None), ("job {x}", "cancel job {x}", "cancelled")),
        (act(kind=Kind.QUEUE, wanted="pause", token=None), ("the queue", "pause the queue", "paused")),
        (act(kind=Kind.QUEUE, wanted="reboot"), ("the queue of 1900", "reboot the queue of 1900", "rebooted")),
        (
            act(kind=Kind.BANWORDS, wanted="+a -b", token=None),
            ("the list of ban words", "change the ban words: +a -b", "changed (+a -b)"),
        ),
        (act(kind=Kind.QUEUE, wanted="later", token=None), ("queue", "queue", "done")),
    ],
)
def test_each_act_has_words(one: Act, words: tuple[str, ...]) -> None:
    assert (it(one), infinitive(one), participle(one)) == words


def test_of_a_subject_one_is_open_at_a_time() -> None:
    other = act("a2", by=BEN, state=State.BEGUN, begun_at=NOW)
    said = may_begin([other], act(), NOW, NOW, token(1900))
    assert said == "<@42> is about to switch 1900 off right now. Wait for the outcome, then look again."
    assert may_begin([replace(other, token=1901)], act(), NOW, NOW, token(1900)) is None
    assert may_begin([replace(other, kind=Kind.MODE)], act(), NOW, NOW, token(1900)) is None


@pytest.mark.parametrize(("state", "void"), [(State.DONE, True), (State.UNKNOWN, True), (State.NOT_DONE, False)])
def test_a_question_is_void_once_another_did_the_same(state: State, void: object) -> None:
    other = done(act("a2", by=BEN), state, NOW + MINUTE)
    assert (may_begin([other], act(), NOW, NOW + MINUTE) is not None) is void
    assert may_begin([other], act(), NOW + 2 * MINUTE, NOW + 3 * MINUTE) is None


def test_what_is_so_already_is_not_done() -> None:
    assert may_begin([], act(), NOW, NOW, token(1900, active=False)) == "1900 is off already."
    for wanted, status in (("relax", "RELAX"), ("fast", "FAST"), ("turbo", "FAST")):
        assert may_begin([], act(kind=Kind.MODE, wanted=wanted), NOW, NOW, token(1900, status)) is None, "may be old"


@pytest.mark.parametrize(
    ("status", "job_mode", "wanted", "so"),
    [
        ("FAST", "Fast", "fast", True),
        ("FAST", "", "fast", None),
        ("FAST", "", "turbo", None),
        ("FAST", "Turbo", "turbo", True),
        ("FAST", "Turbo", "fast", False),
        ("FAST", "Fast", "turbo", False),
        ("FAST", "", "relax", False),
        ("FAST", "Relax", "relax", None),
        ("RELAX", "", "relax", True),
        ("RELAX", "", "fast", False),
        ("RELAX", "Relax", "turbo", False),
        ("RELAX", "Fast", "fast", None),
        ("BANNED", "Relax", "relax", None),
        ("BANNED", "", "fast", None),
    ],
)
def test_a_reading_shows_a_mode_where_it_can_tell(status: str, job_mode: str, wanted: str, so: object) -> None:
    assert shows(act(kind=Kind.MODE, wanted=wanted), token(1900, status, job_mode=job_mode)) is so


def test_what_a_reading_left_out_shows_nothing() -> None:
    before = token(1900, job_mode="Turbo", active=False)
    left_out = laid_over(token(1900, active=None), before, NOW)
    assert (shows(act(kind=Kind.MODE, wanted="turbo"), before), shows(act(), before)) == (True, True)
    assert (shows(act(kind=Kind.MODE, wanted="turbo"), left_out), shows(act(), left_out)) == (None, None)


@pytest.mark.parametrize(
    ("before", "wanted", "after", "so"),
    [
        ("RELAX", "relax", "RELAX", None),
        ("FAST", "relax", "RELAX", True),
        ("FAST", "relax", "FAST", False),
        ("RELAX", "fast", "FAST", True),
        ("RELAX", "turbo", "FAST", True),
        ("FAST", "turbo", "FAST", None),
        ("FAST", "fast", "FAST", None),
        ("FAST", "turbo", "FAST Turbo", True),
        ("FAST Turbo", "fast", "FAST", None),
        ("FAST Turbo", "fast", "FAST Fast", True),
        ("BANNED", "turbo", "FAST", None),
        ("BANNED", "relax", "RELAX", True),
        ("RELAX", "fast", "BANNED", None),
    ],
)
def test_a_mode_is_known_to_be_set_where_the_reading_before_was_otherwise(
    before: str, wanted: str, after: str, so: object
) -> None:
    def read(words: str) -> Token:
        status, _, job_mode = words.partition(" ")
        return token(1900, status, job_mode=job_mode)

    asked = act(kind=Kind.MODE, wanted=wanted, was=modes(read(before)))
    assert happened(asked, read(after)) is so


def test_what_is_remembered_is_open_or_late_or_the_last_of_its_subject() -> None:
    long_ago = NOW - timedelta(days=30)
    first, last = (done(act(name, at=long_ago + number * MINUTE)) for number, name in enumerate(("a1", "a2")))
    together = done(act("a3", token=1901, batch="b", at=long_ago))
    waits = act("a4", token=1902, batch="b", at=long_ago)
    newer = done(act("a5", token=1901, at=NOW))
    assert remembered([first, last, together, waits, newer], NOW).keys() == {"a2", "a3", "a4", "a5"}
    assert remembered([last], NOW + timedelta(days=61)) == {}


def known(**values: object) -> Known:
    """1900 is banned, on, and has a card."""
    banned = replace(incident(1900), notified_at=NOW)
    fleet = Fleet({1900: token(1900), 1901: token(1901)}, NOW)
    return replace(Known(fleet, incidents={BANNED: banned}), **values)  # type: ignore[arg-type]


def test_an_act_is_told_before_and_after_in_the_audit_trail_the_channel_and_the_card() -> None:
    one = act(reason="banned for good", keys=(BANNED,))
    changes, after = planned(known(), [one], NOW)
    assert [(each.by, each.act, each.what, each.reason) for each in changes.audit] == [
        (ANA, "about to", "switch 1900 off", "banned for good")
    ]
    assert changes.acts == (one,)
    assert (changes.notices, changes.incidents, changes.nothing) == ((), (), False)
    _, after = begun(after, [replace(one, state=State.BEGUN)], NOW)
    ended = done(one, at=NOW + MINUTE)
    changes, after = settled(after, [ended], NOW + MINUTE)
    assert [(each.act, each.what) for each in changes.audit] == [("done", "switch 1900 off")]
    assert [(each.kind, each.keys, each.acts) for each in changes.notices] == [(NoticeKind.ACT, (BANNED,), (ended,))]
    moment = after.incidents[BANNED].moments[-1]
    assert (moment.what, moment.who, moment.act) == (Happening.ACTED, ANA, "switched off")
    assert changes.notify == {BANNED}
    assert after.acts == {"a1": ended}


def test_of_acts_that_were_confirmed_together_the_channel_is_told_once() -> None:
    acts = [act("a1", batch="b"), act("a2", token=1901, batch="b")]
    _, after = planned(known(), acts, NOW)
    changes, after = settled(after, [done(acts[0])], NOW)
    assert changes.notices == ()
    changes, after = settled(after, [done(acts[1], State.NOT_DONE)], NOW)
    assert [{each.id for each in notice.acts} for notice in changes.notices] == [{"a1", "a2"}]


def test_what_happened_after_all_is_told_once() -> None:
    ended = done(act(), State.UNKNOWN)
    _, after = settled(known(), [ended], NOW)
    assert late(after, NOW + MINUTE)[0].nothing, "nothing was read since"
    off = replace(after, fleet=Fleet({1900: token(1900, active=False)}, NOW + MINUTE))
    assert late(off, NOW + timedelta(hours=2))[0].nothing, "who knows who did it"
    changes, after = late(off, NOW + MINUTE)
    assert [(each.act, each.by) for each in changes.audit] == [("after all", ANA)]
    assert [each.acts[0].seen_at for each in changes.notices] == [NOW + MINUTE]
    assert late(after, NOW + MINUTE)[0].nothing


def test_what_was_never_sent_or_was_done_otherwise_since_did_not_happen_after_all() -> None:
    off = replace(known(), fleet=Fleet({1900: token(1900, active=False)}, NOW + MINUTE))
    assert late(settled(off, [done(act(), State.NOT_DONE)], NOW)[1], NOW + MINUTE)[0].nothing, "somebody did it by hand"
    _, after = settled(off, [done(act(), State.UNKNOWN)], NOW)
    _, after = begun(after, [act("a2", at=NOW + MINUTE / 2, by=BEN, state=State.BEGUN)], NOW)
    assert late(after, NOW + MINUTE)[0].nothing


def test_of_acts_that_were_confirmed_together_it_is_told_first_that_nobody_knows_and_then_that_it_happened() -> None:
    acts = [act("a1", batch="b"), act("a2", token=1901, batch="b")]
    off = replace(known(), fleet=Fleet({1900: token(1900, active=False)}, NOW + MINUTE))
    _, after = planned(off, acts, NOW)
    _, after = settled(after, [done(acts[0], State.UNKNOWN)], NOW)
    assert late(after, NOW + MINUTE)[0].nothing
    changes, after = settled(after, [done(acts[1])], NOW + MINUTE)
    assert [[each.id for each in notice.acts] for notice in changes.notices] == [["a1", "a2"]]
    assert [each.acts[0].id for each in late(after, NOW + MINUTE)[0].notices] == ["a1"]


def test_what_is_told_together_hours_later_leaves_out_none_that_was_done_again_meanwhile() -> None:
    acts = [act("a1", batch="b"), act("a2", token=1901, batch="b")]
    _, after = planned(known(), acts, NOW)
    later = NOW + timedelta(hours=5)
    _, after = settled(after, [replace(acts[1], state=State.NOT_DONE, settled_at=later)], later)
    _, after = settled(after, [done(act("a3", token=1901, at=later), at=later)], later)
    after = replace(after, acts=dict(reversed([*after.acts.items()])))
    changes, _ = settled(after, [done(acts[0], State.UNKNOWN)], later + MINUTE)
    assert [[each.id for each in notice.acts] for notice in changes.notices] == [["a1", "a2"]]


class World:
    """Two people who press as they like, an ImaginePro that does what it is asked for or not, and a bot that is killed.

    Sending is in one step with the decision that an act may begin: `tests/test_acts.py` kills in between.
    """

    def __init__(self) -> None:
        self.now = NOW
        self.on = True
        self.known = Known(Fleet({1900: token(1900)}, NOW))
        self.rows: dict[str, Act] = {}
        self.questions: list[Act] = []
        self.sent: list[str] = []
        self.audit: list[tuple[int, str]] = []
        self.lines: list[Act] = []

    def take(self, moved: tuple[Changes, Known]) -> None:
        """Store it."""
        changes, self.known = moved
        self.rows |= {each.id: each for each in changes.acts}
        self.audit += [(each.by, each.act) for each in changes.audit]
        self.lines += [act for notice in changes.notices for act in notice.acts]

    def ask(self) -> None:
        """Somebody, of a name of their own, is shown whether it shall be as it is not."""
        number, seen = len(self.questions), self.known.fleet.tokens[1900].active
        self.questions.append(act(f"a{number}", "off" if seen else "on", at=self.now, by=1000 + number))

    def ask_and_confirm(self) -> None:
        """Somebody does not hesitate."""
        self.ask()
        self.confirm(-1)

    def confirm(self, place: int) -> None:
        """Somebody presses, perhaps again."""
        if not self.questions:
            return
        asked = self.questions[place % len(self.questions)]
        if may_begin(self.known.acts.values(), asked, asked.at, self.now, self.known.fleet.tokens[1900]) is None:
            assert not any(not each.settled for each in self.rows.values())
            self.take(
                planned(self.known, [replace(asked, at=self.now, state=State.BEGUN, begun_at=self.now)], self.now)
            )
            self.sent.append(asked.id)

    def end(self, state: State, happened: bool) -> None:  # noqa: FBT001 - what ImaginePro did
        """What was sent is answered, or not, and that is known, or not."""
        for each in [each for each in self.rows.values() if not each.settled]:
            if happened or state is State.DONE:
                self.on = each.wanted == "on"
            ended = replace(each, state=state, settled_at=self.now)
            self.take(settled(self.known, [ended], self.now))

    def poll(self) -> None:
        """The fleet is read."""
        self.known = replace(self.known, fleet=Fleet({1900: token(1900, active=self.on)}, self.now))
        self.take(late(self.known, self.now))

    def restart(self) -> None:
        """What is remembered is what was stored."""
        self.known = replace(self.known, acts=remembered(self.rows.values(), self.now))


ENDS = [
    (State.DONE, True),
    (State.NOT_DONE, False),
    (State.NOT_DONE, True),
    (State.UNKNOWN, False),
    (State.UNKNOWN, True),
]
"""What is known of an act, and whether it happened: also what nobody would believe."""

STEPS = st.sampled_from(
    [
        (World.ask,),
        (World.ask_and_confirm,),
        (World.ask_and_confirm,),
        *((World.confirm, place) for place in range(-3, 1)),
        *((World.end, *each) for each in ENDS),
        (World.poll,),
        (World.poll,),
        (World.restart,),
    ]
)


@given(st.lists(st.tuples(STEPS, st.sampled_from([0, 0, 1, 1, 20, 90])), min_size=20, max_size=60))
def test_whoever_presses_whatever_each_act_is_sent_once_at_most_and_told_as_it_is_known(
    steps: list[tuple[tuple[Any, ...], int]],
) -> None:
    world = World()
    for (step, *arguments), minutes in steps:
        world.now += minutes * MINUTE + timedelta(seconds=1)
        step(world, *arguments)
    world.end(State.UNKNOWN, happened=False)
    assert len(world.sent) == len(set(world.sent))
    assert world.sent == list(world.rows)
    for each in world.rows.values():
        outcome = {State.DONE: "done", State.NOT_DONE: "not done", State.UNKNOWN: "not known"}[each.state]
        after_all = ["after all"] if each.seen_at else []
        assert [said for by, said in world.audit if by == each.by] == ["about to", outcome, *after_all]
        assert [told.state for told in world.lines if told.id == each.id] == [each.state] * (1 + len(after_all))
    began = sorted((each for each in world.rows.values() if each.begun_at), key=lambda each: each.begun_at or NOW)
    for first, second in pairwise(began):
        assert first.settled_at is not None
        assert second.begun_at is not None
        assert first.settled_at <= second.begun_at
        question = next(each for each in world.questions if each.id == second.id)
        assert first.state is State.NOT_DONE or first.settled_at < question.at


@pytest.mark.parametrize("state", [State.BEGUN, State.DONE, State.UNKNOWN])
def test_what_was_switched_off_from_here_is_no_news_and_is_once_it_is_switched_off_elsewhere(state: State) -> None:
    off = Key(Rule.INACTIVE, 1900)

    def polled(known: Known, minutes: float, *, active: bool) -> tuple[Changes, Known]:
        return taken(known, reading(minutes, record(1900, active=active), record(1901)), Policy())

    _, after = polled(Known(), 0, active=True)
    _, after = polled(after, 1, active=True)
    mine = act(at=at(1), begun_at=at(1), state=state, settled_at=None if state is State.BEGUN else at(1))
    after = replace(after, acts={mine.id: mine})
    changes, after = polled(after, 2, active=False)
    assert (off in after.incidents, changes.notify, changes.notices) == (True, frozenset(), ())
    changes, after = polled(after, 3, active=True)
    assert (off in after.incidents, changes.notify, changes.notices) == (False, frozenset(), ())
    changes, after = polled(after, 100, active=False)
    assert changes.notify == {off}
