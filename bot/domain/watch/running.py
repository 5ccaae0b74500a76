"""Runbooks at work: what the bot does now by itself, as far as people let it. Pure.

It is decided from what is stored alone: decisions, incidents and acts. So a restart, or another copy, goes on with it.
What is to be done is stored as a move before it is done; a crash in between counts as a try that failed.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from itertools import takewhile
from typing import TYPE_CHECKING, Final

from bot.domain.acts import Act, Kind, State, infinitive, participle
from bot.domain.incidents import ANYBODY, Happening, Incident, Key, Moment, Rule, noted
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Mode, Status, Token
from bot.domain.rules.policy import Policy
from bot.domain.rules.upstream import DOWN, REFUSED, SHORT, STALE, stale_after
from bot.domain.runbooks import BOOKS, FORTH, Book, Does, Move, Remark, Runbook, Trail, Why, name, trail_id
from bot.domain.steering import Entry
from bot.domain.value import Value, replace
from bot.domain.watch.hands import last_of_each
from bot.domain.watch.known import Changes, Known, keep, revised

if TYPE_CHECKING:
    from bot.domain.decisions import Decision

HOUR: Final = timedelta(hours=1)
"""For which a runbook does nothing to what a person moved; and in which its acts are counted."""

DAY: Final = timedelta(days=1)
FLAPS: Final = 3
"""So often in a day is one thing moved forth at most."""

RETRY: Final = timedelta(minutes=10)
"""After which something is tried again that failed, once."""
TRIES: Final = 2

DRY_RUN: Final = "would have"
"""What the audit trail calls what a dry run did."""

_SWITCH: Final = frozenset({"status", "active"})
_SPEED: Final = frozenset({"status", "fast_time_remaining"})
_NEEDS: Final[Mapping[Kind, frozenset[str]]] = {Kind.TOGGLE: _SWITCH, Kind.MODE: _SPEED, Kind.QUEUE: frozenset()}
"""What of a record has to be in this very reading."""

_GONE: Final = timedelta(days=90)
"""As long as the last act of a subject is remembered: what was moved before that is left as it is."""


class Wish(Value):
    """Something that a runbook would do now, if nothing speaks against it."""

    book: Book
    kind: Kind
    token: int | None
    wanted: str
    since: datetime
    """Since when it is called for. What was tried before that was for another reason."""
    keys: tuple[Key, ...] = ()
    """The incidents that call for it."""


def run(
    known: Known, now: datetime, base: Policy, new_id: Callable[[], str], *, read_only: bool = False
) -> tuple[Changes, Known, tuple[Act, ...]]:
    """What runbooks do now: what is to be stored before it is done, what is known after that, and the acts.

    Args:
        known: What is known, as it is stored.
        now: The time.
        base: How the rules are set in the environment.
        new_id: An id for an act.
        read_only: Whether nothing may be done at all.
    """
    before = known.decisions
    books = [each for each in before.runbooks.values() if each.does is not Does.OFF]
    if not (books or before.trails) or read_only or not _to_be_trusted(known, now, base):
        return Changes(known.fleet.read_at), known, ()
    at_work = _AtWork(known, now, new_id)
    for book in sorted(books, key=lambda each: list(BOOKS).index(each.book)):
        at_work.go_on(book)
    trails, runbooks = at_work.trails, at_work.runbooks
    over = frozenset(each for each, trail in trails.items() if at_work.is_over(trail))
    decided: tuple[Decision, ...] = (
        *(each for key, each in trails.items() if before.trails.get(key) is not each and key not in over),
        *(each for key, each in runbooks.items() if before.runbooks.get(key) is not each),
    )
    undone = over & before.trails.keys()
    if not (decided or undone):
        return Changes(known.fleet.read_at), known, ()
    stepped = revised(known, at_work.in_cards())
    changes, after = keep(replace(known, decisions=before.with_(*decided, without=undone)), stepped)
    changes = replace(
        changes,
        decided=decided,
        undone=undone,
        audit=tuple(at_work.entries),
        notices=(*changes.notices, *at_work.notices),
    )
    return changes, after, tuple(at_work.acts)


def held(known: Known, now: datetime) -> tuple[Trail, ...]:
    """What the bot moved and has not taken back, as far as it knows."""
    at_work = _AtWork(known, now, str)
    return tuple(each for each in known.decisions.trails.values() if at_work.is_held(each, dry=False))


def _to_be_trusted(known: Known, now: datetime, base: Policy) -> bool:
    """Whether the last poll of this process read the fleet just now, and nothing is doubtful, or under maintenance."""
    fleet = known.fleet
    if fleet.failure is not None or fleet.read_at is None or known.polled_at is None:
        return False
    young = timedelta() <= now - fleet.read_at <= stale_after(base.interval)
    doubtful = not known.incidents.keys().isdisjoint({DOWN, REFUSED, STALE, SHORT})
    return young and not doubtful and not any(each.announced for each in known.decisions.windows.values())


class _AtWork:
    """One run: what was found to do so far."""

    def __init__(self, known: Known, now: datetime, new_id: Callable[[], str]) -> None:
        self.known, self.now, self._new_id = known, now, new_id
        self.trails = dict(known.decisions.trails)
        self.runbooks = dict(known.decisions.runbooks)
        self.acts: list[Act] = []
        self.entries: list[Entry] = []
        self.notices: list[Notice] = []
        self._left = 0
        """How often the runbook that is at work may act yet."""
        self._moments: dict[Key, list[Moment]] = defaultdict(list)

    @cached_property
    def _last(self) -> Mapping[tuple[Kind, int | None], Act]:
        """The last act of each kind and token, whoever asked for it."""
        return last_of_each(self.known.acts.values())

    @cached_property
    def _works(self) -> bool:
        """Whether any token takes jobs."""
        return any(token.usable for token in self.known.fleet.tokens.values())

    def go_on(self, book: Runbook) -> None:
        """Let a runbook do what it would, as far as nothing speaks against it."""
        before, self._left = len(self.acts), book.an_hour - self._acted(book)
        for wish in [*self._back(book), *self._forth(book)]:
            if wish.wanted not in FORTH or self.runbooks[book.id].stopped_at is None:
                self._weigh(book, wish)
        if len(self.acts) - before > 1:  # one question, one line in the channel
            batch = self._new_id()
            self.acts[before:] = [replace(each, batch=batch) for each in self.acts[before:]]

    def in_cards(self) -> Iterator[Incident]:
        """The incidents whose cards tell of a dry run."""
        for key, moments in self._moments.items():
            incident = self.known.incidents[key]
            for each in moments:
                incident = noted(incident, each)
            yield incident

    def is_over(self, trail: Trail) -> bool:
        """Whether nothing of a trail matters any more."""
        if trail.hand_at is not None and self.now - trail.hand_at < HOUR:
            return False
        if not trail.moves:
            return True
        age = self.now - trail.moves[-1].at
        if age < DAY:
            return False
        return age >= _GONE or not any(self.is_held(trail, dry=dry) for dry in (False, True))

    def _forth(self, book: Runbook) -> Iterator[Wish]:
        """What is wrong that it does something about; of nothing once it has stopped."""
        row, tokens = BOOKS[book.book], self.known.fleet.tokens
        if not row.forth or book.stopped_at is not None:
            return
        for key, incident in self.known.incidents.items():
            if key.rule is not row.rule or not incident.open:
                continue
            if row.kind is Kind.QUEUE:
                wrong = key.step == ANYBODY and bool(tokens) and not self._works
            else:
                token = tokens.get(key.token or 0)
                wrong = token is not None and _is_read(token, row.kind) and _wrong(token, row.kind)
            if wrong:
                yield Wish(book.book, row.kind, key.token, row.forth, incident.opened_at, (key,))

    def _back(self, book: Runbook) -> Iterator[Wish]:
        """What the bot moved and may take back by now."""
        row = BOOKS[book.book]
        for trail in list(self.trails.values()):
            if not row.back or trail.kind is not row.kind or not self.is_held(trail, dry=book.dry):
                continue
            well = self._well(trail, dry=book.dry)
            if well is None:
                continue
            since = (trail.well_since or self.now) if well else None
            if since != trail.well_since:
                self.trails[trail.id] = replace(trail, well_since=since)
            if since is not None and self.now - since >= book.quiet:
                forth = max(each.at for each in _own(trail, dry=book.dry) if each.wanted in FORTH)
                yield Wish(book.book, row.kind, trail.token, row.back, forth)

    def is_held(self, trail: Trail, *, dry: bool) -> bool:
        """Whether the bot moved it forth, or may have, nobody did anything to it since, and it is not taken back."""
        last = next((each for each in reversed(trail.moves) if each.dry is dry), None)
        if last is None:
            return False
        act = self._last.get((trail.kind, trail.token))
        by_hand = trail.hand_at is not None and trail.hand_at >= last.at
        if by_hand or (act is not None and act.by and act.at >= last.at):
            return False
        state = self._outcome(last)
        if last.wanted in FORTH:
            return state in {State.DONE, State.UNKNOWN}
        return state in {State.NOT_DONE, State.UNKNOWN} and trail.left is None

    def _outcome(self, move: Move) -> State | None:
        """What became of it; None while nobody can know. What was never planned was not done."""
        if move.dry:
            return State.DONE
        act = self.known.acts.get(move.act)
        if act is None:
            return State.NOT_DONE
        if act.seen_at is not None:
            return State.DONE
        return act.state if act.settled else None

    def _well(self, trail: Trail, *, dry: bool) -> bool | None:
        """Whether it can be taken back; None where this reading does not tell."""
        if trail.kind is Kind.QUEUE:
            return self._works
        token = self.known.fleet.tokens.get(trail.token or 0)
        if token is None or not _is_read(token, trail.kind):
            return None
        if trail.kind is Kind.TOGGLE:
            return token.status.works and (dry or token.active is False)
        left = token.fast_time.remaining
        low = Key(Rule.FAST_TIME_LOW, token.id) in self.known.incidents
        relaxed = token.status is Status.RELAX or token.mode is Mode.RELAX
        return left is not None and left > 0 and not low and (dry or relaxed)

    def _weigh(self, book: Runbook, wish: Wish) -> None:
        """Do it, unless something speaks against it."""
        trail = self.trails.get(trail_id(wish.kind, wish.token)) or Trail(wish.kind, wish.token)
        moves = _own(trail, dry=book.dry)
        tries = self._tries(trail, moves, wish)
        if tries:
            state = self._outcome(tries[-1])
            if state is None or state is State.DONE:
                return
            if len(tries) >= TRIES:
                self._leave(book, trail, Why.FAILED, wish, len(tries))
                return
            if self.now - tries[-1].at < RETRY:
                return
        if self._a_person_did(wish):
            return
        if wish.wanted in FORTH and not tries and (often := _often(moves, self.now - DAY)) >= FLAPS:
            self._leave(book, trail, Why.FLAPS, wish, often)
        elif self._left > 0:
            self._left -= 1
            self._do(book, trail, wish)
        elif wish.wanted in FORTH:
            self._stop(book, wish)

    def _tries(self, trail: Trail, moves: Sequence[Move], wish: Wish) -> Sequence[Move]:
        """What was tried of it since it is called for, and since anybody else did something about it."""
        act = self._last.get((wish.kind, wish.token))
        reasons = (wish.since, trail.hand_at, act.at if act is not None and act.by else None)
        # A clock that was set back has put some of it into the future.
        since = max((each for each in reasons if each is not None and each <= self.now), default=self.now - DAY)
        tries = takewhile(lambda each: each.wanted == wish.wanted and each.at >= since, reversed(moves))
        return tuple(tries)[::-1]

    def _a_person_did(self, wish: Wish) -> bool:
        """Whether a person did something to the same thing within the hour, or is about to, here or at ImaginePro."""
        kinds = (Kind.TOGGLE, Kind.MODE) if wish.token is not None else (wish.kind,)
        for kind in kinds:
            act = self._last.get((kind, wish.token))
            if act is not None and act.by and (not act.settled or self._of_late(act.settled_at or act.at)):
                return True
            if act is not None and not act.settled:
                return True
        hand = self.trails.get(trail_id(Kind.TOGGLE, wish.token))
        return hand is not None and hand.hand_at is not None and self._of_late(hand.hand_at)

    def _of_late(self, at: datetime) -> bool:
        return self.now - at < HOUR

    def _acted(self, book: Runbook) -> int:
        """How often it acted within the hour, since it was set; by a clock that was set back since, within the hour."""
        since = self.now - HOUR if book.at > self.now else max(self.now - HOUR, book.at)
        late = (
            each for trail in self.trails.values() if trail.moves and trail.moves[-1].at > since for each in trail.moves
        )
        return sum(each.book is book.book and each.dry is book.dry and each.at > since for each in late)

    def _do(self, book: Runbook, trail: Trail, wish: Wish) -> None:
        act = Act(
            id=self._new_id(),
            kind=wish.kind,
            wanted=wish.wanted,
            at=self.now,
            token=wish.token,
            runbook=name(wish.book),
            keys=wish.keys,
        )
        move = Move(self.now, wish.book, wish.wanted, "" if book.dry else act.id)
        well_since = None if wish.wanted in FORTH else trail.well_since
        moves = self._kept((*trail.moves, move))
        self.trails[trail.id] = replace(trail, moves=moves, well_since=well_since, left=None)
        if not book.dry:
            self.acts.append(act)
            return
        self.entries.append(Entry(self.now, 0, DRY_RUN, infinitive(act), f"runbook {act.runbook}"))
        for key, incident in self.known.incidents.items():
            of_it = key in wish.keys or (wish.token is not None and key.token == wish.token)
            if of_it and incident.open and incident.has_card:
                said = f"dry run: would have been {participle(act)}"
                self._moments[key].append(Moment(self.now, Happening.ACTED, act=said))

    def _kept(self, moves: Sequence[Move]) -> tuple[Move, ...]:
        """Of moves those of a day, and those since it was last moved forth, for real and in a dry run."""
        kept = {
            place
            for dry in (False, True)
            for place in _since_forth([(at, each) for at, each in enumerate(moves) if each.dry is dry])
        }
        return tuple(each for at, each in enumerate(moves) if at in kept or self.now - each.at < DAY)

    def _leave(self, book: Runbook, trail: Trail, why: Why, wish: Wish, times: int) -> None:
        if trail.left is why:
            return
        self.trails[trail.id] = replace(trail, left=why)
        self._say(Remark(book.book, why, wish.wanted, wish.token, times, book.dry), wish.keys)

    def _stop(self, book: Runbook, wish: Wish) -> None:
        self.runbooks[book.id] = replace(book, stopped_at=self.now)
        self._say(Remark(book.book, Why.STOPPED, wish.wanted, None, book.an_hour, book.dry), ())

    def _say(self, remark: Remark, keys: tuple[Key, ...]) -> None:
        self.notices.append(Notice(NoticeKind.RUNBOOK, self.now, keys, remarks=(remark,)))
        token = "" if remark.token is None else f" of {remark.token}"
        self.entries.append(Entry(self.now, 0, f"runbook {remark.why}", f"{name(remark.book)}{token}"))


def _own(trail: Trail, *, dry: bool) -> tuple[Move, ...]:
    """Its moves that were dry, or that were not."""
    return tuple(each for each in trail.moves if each.dry is dry)


def _since_forth(moves: Sequence[tuple[int, Move]]) -> Iterator[int]:
    """The places of the last moves forth, and of those back after them."""
    forth = False
    for at, each in reversed(moves):
        if forth and each.wanted not in FORTH:
            return
        forth = forth or each.wanted in FORTH
        yield at


def _often(moves: Sequence[Move], since: datetime) -> int:
    """How often it was moved forth since then; what was tried again at once counts once."""
    pairs = zip(moves, (None, *moves), strict=False)
    return sum(
        each.wanted in FORTH
        and each.at > since
        and not (before is not None and before.wanted == each.wanted and each.at - before.at < HOUR)
        for each, before in pairs
    )


def _is_read(token: Token, kind: Kind) -> bool:
    """Whether this very reading has what matters: what it left out is as it was before, and may be otherwise."""
    return _NEEDS[kind].isdisjoint(token.record.kept)


def _wrong(token: Token, kind: Kind) -> bool:
    """Whether it is to be moved forth."""
    if token.active is not True:
        return False
    if kind is Kind.TOGGLE:
        return token.status is Status.BANNED
    relaxes = token.subscription.has_relax is True and token.mode is not Mode.RELAX
    return relaxes and token.status is Status.FAST and token.fast_time.gone
