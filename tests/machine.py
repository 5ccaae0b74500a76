"""The whole machine under whatever can happen: `python -m tests.machine --examples 500 --steps 60`.

The fleet and the people of `tests.domain.test_incidents` meet the real monitor, the real database, the real outbox and
the real wording, on a virtual clock. The channel keeps messages as Discord does: it knows nonces for a while, refuses,
loses answers, and people delete from it. The process dies whenever something is on its way, and starts again.

Whenever all of it has come to rest, the channel must agree with the state, and each sound with something that happened.
Of a history in which it does not, hypothesis prints the shortest that it finds.
"""

import argparse
import asyncio
import itertools
import logging
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import Any, NamedTuple

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule, run_state_machine_as_test

from bot.chat.alerts import WORDINGS, Alert, Roles, alert
from bot.chat.alerts.message import QUIET
from bot.chat.alerts.phrases import MOVED_ON, OVER, SIGNS, TAKEN
from bot.delivery import outcome as delivery
from bot.delivery.handover import Handover
from bot.delivery.outcome import BlockedError, LaterError, UncertainError, VanishedError
from bot.domain.decisions import Decision
from bot.domain.incidents import Incident, Key, Stage
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Fleet, Record, Severity, Token, Trouble
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.imaginepro.client import (
    MalformedError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TimedOutError,
    UnreachableError,
    UpstreamError,
)
from bot.monitor import Monitor
from bot.outbox import NONCE_MEMORY, Outbox
from bot.storage.names import name_of
from bot.storage.store import CLAIM_LASTS, Claimed, Grouping, Store
from tests.domain.fleets import record, tokens
from tests.domain.test_incidents import ANA, MOMENTARY, POLICY, Watching
from tests.storage.servers import PostgreSQL, open_unsynced

PEOPLE = (ANA, 42)
OPERATORS, SECOND_LINE = 7, 8
ROLES = Roles(OPERATORS, SECOND_LINE)
GROUPING = Grouping()
FAILURES: Mapping[Trouble, UpstreamError] = {
    error.trouble: error
    for error in (
        UnreachableError("words"),
        TimedOutError("words"),
        RefusedError("words", status=401),
        RateLimitedError("words"),
        ServerError("words"),
        MalformedError("words"),
        NotFoundError("words"),
    )
}
ENDED = {NoticeKind.SILENCE_ENDED, NoticeKind.MAINTENANCE_ENDED}
NEVER_TWICE = {NoticeKind.RAISED, NoticeKind.REMINDER, NoticeKind.HANDED_OVER, *ENDED}
"""Notices that tell of their incidents once; the end of a group is told with all that ended before."""


class Died(BaseException):
    """The process is gone, in the middle of what it did."""


class Fate(Enum):
    """What becomes of a request to Discord."""

    DONE = auto()
    TOO_MANY = auto()
    """Not taken: come again later."""
    FORBIDDEN = auto()
    LOST = auto()
    """Nobody knows; it was not taken."""
    TAKEN = auto()
    """Nobody knows; it was taken."""
    DEAD_BEFORE = auto()
    """The process dies before Discord takes it."""
    DEAD_AFTER = auto()

    @property
    def accepted(self) -> bool:
        """Whether Discord has it."""
        return self in {Fate.DONE, Fate.TAKEN, Fate.DEAD_AFTER}

    @property
    def error(self) -> BaseException | None:
        """What the outbox hears."""
        return {
            Fate.TOO_MANY: LaterError("429"),
            Fate.FORBIDDEN: BlockedError("50013"),
            Fate.LOST: UncertainError("hung up"),
            Fate.TAKEN: UncertainError("hung up"),
            Fate.DEAD_BEFORE: Died(),
            Fate.DEAD_AFTER: Died(),
        }.get(self)


@dataclass
class Posted:
    """A message of the channel."""

    discord_id: int
    at: datetime
    first: Message
    """As it was posted."""
    now: Message
    fleet: Fleet
    """What was known when it was shown last."""
    shown: Alert
    heard: str
    """What the notification said."""
    deleted: bool = False
    given_up: bool = False
    """Whether it could not be edited, and was posted anew."""

    def __repr__(self) -> str:
        return f"<{self.first.mark}: {self.heard}>"

    @property
    def text(self) -> str:
        """All that people read."""
        embeds = [text for each in self.shown.embeds for text in (each.title, each.description)]
        return "\n".join(filter(None, [self.shown.content, *embeds]))

    def names(self, incident: str) -> bool:
        """Whether it is, or was when it was posted, about the incident of that name."""
        return any(name_of(each) == incident for each in (*self.first.incidents, *self.now.incidents))


@dataclass
class Room:
    """The ops channel."""

    clock: Callable[[], datetime]
    fleet: Callable[[], Fleet]
    posted: list[Posted] = field(default_factory=list)
    fates: list[Fate] = field(default_factory=list)
    """Of the next requests, in order; all others are done."""
    barred: bool = False
    """Whether the bot lost its permission to speak."""
    refused: str = ""
    """The mark of the message of which the last request was an edit that was forbidden."""

    async def ready(self) -> None:
        """It always is."""

    async def post(self, message: Message) -> delivery.Posted:
        """Post it, unless its nonce is known."""
        fate = self._fate()
        known = [each for each in self.live if each.first.mark == message.mark]
        if fate.accepted and not (known and self.clock() - known[-1].at <= NONCE_MEMORY):
            fleet, shown = self.fleet(), alert(message, self.fleet(), ROLES)
            words = shown.content or str(shown.embeds[0].title)
            for each in known:
                each.given_up = self.refused == message.mark
            known = [Posted(len(self.posted) + 1, self.clock(), message, message, fleet, shown, words)]
            self.posted += known
        if error := fate.error:
            raise error
        return self._as_it_is(known[-1], message)

    async def edit(self, message: Message) -> None:
        """Show it as it is now."""
        fate = self._fate()
        self.refused = message.mark if fate is Fate.FORBIDDEN else ""
        if fate.accepted:
            found = next((each for each in self.live if each.discord_id == message.discord_id), None)
            if found is None:
                raise VanishedError("10008")  # noqa: EM101 - Discord's code is all there is to say
            found.now, found.fleet = message, self.fleet()
            found.shown = alert(message, found.fleet, ROLES)
        if error := fate.error:
            raise error

    def give_way(self) -> None:
        """No edit waits."""

    async def knows_nonces(self, message: Message) -> bool:
        """It always does."""
        del message
        return True

    async def find(self, message: Message, since: datetime, *, other_than: int | None = None) -> delivery.Posted | None:
        """Look through what there is."""
        fate = self._fate()
        if error := fate.error:
            raise error
        found = (each for each in self.live if each.first.mark == message.mark and each.at >= since)
        return next((self._as_it_is(each, message) for each in found if each.discord_id != other_than), None)

    def _as_it_is(self, posted: Posted, message: Message) -> delivery.Posted:
        now = alert(message, self.fleet(), ROLES)
        reads = [(each.content, [embed.to_dict() for embed in each.embeds]) for each in (posted.shown, now)]
        return delivery.Posted(posted.discord_id, reads[0] == reads[1])

    def _fate(self) -> Fate:
        return Fate.FORBIDDEN if self.barred else self.fates.pop(0) if self.fates else Fate.DONE

    @property
    def live(self) -> list[Posted]:
        """What can be read."""
        return [each for each in self.posted if not each.deleted]

    @property
    def cards(self) -> list[Posted]:
        """Of those the cards and summaries."""
        return [each for each in self.live if each.first.notice is None and not each.given_up]


@dataclass
class Upstream:
    """ImaginePro."""

    fleet_now: tuple[Record, ...] = ()
    trouble: Trouble | None = None

    async def fleet(self, known: Mapping[int, Token]) -> Mapping[int, Token]:
        """The accounts, or the error."""
        del known
        if self.trouble is not None:
            raise FAILURES[self.trouble].with_traceback(None)
        return tokens(self.fleet_now)

    async def token(self, token_id: int) -> Token:
        """One of them."""
        return tokens(self.fleet_now)[token_id]


class Disk:
    """The database, whose last commit is remembered, and may be the last thing that the process does."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.saved: list[Changes] = []
        self.last = False

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the store has
        return getattr(self._store, name)

    async def save(self, changes: Changes, now: datetime, *, claiming: bool) -> Claimed:
        """Store it."""
        claimed: Claimed = await self._store.save(changes, now, GROUPING, claiming=claiming)
        self.saved.append(changes)
        if self.last:
            self.last = False
            raise Died
        return claimed


fates = st.lists(st.sampled_from(Fate), max_size=3)
flips = st.lists(st.sampled_from(["FAST", "VERIFYING", "RELAX", "BANNED"]), min_size=4, max_size=4)


class Rise(NamedTuple):
    """An incident fired aloud, or got worse."""

    at: datetime
    severity: Severity


class Machine(Watching):
    """The bot at work, its channel, and a record of what had to be told."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.stack = AsyncExitStack()
        self.upstream = Upstream()
        self.room = Room(lambda: self.now, lambda: self.known.fleet)
        self.store = self.runner.run(self.stack.enter_async_context(open_unsynced(url)))
        self.disk = Disk(self.store)
        self.latest: dict[Key, Incident] = {}
        """Of each key the newest incident that fired, as it was last."""
        self.rises: dict[str, list[Rise]] = defaultdict(list)
        """When an incident, by name, fired aloud or rose."""
        self.reminded: dict[str, datetime] = {}
        """When it was last reminded of."""
        self.words: list[Notice] = []
        """Every notice that was called for."""
        self.taken: dict[str, set[int]] = defaultdict(set)
        """Who was told that they have an incident."""
        self.given: dict[str, set[int]] = defaultdict(set)
        """Whom an incident was handed over to."""
        self.start()

    def start(self) -> None:
        """A new process takes up what the last one left."""
        self.handover = Handover()
        # The store's other methods are reached by name.
        self.monitor = Monitor(self.upstream, self.disk, POLICY, lambda: self.now, self.handover)
        self.outbox = Outbox(self.store, self.room, lambda: self.now, self.handover, timer=self.seconds)
        self.runner.run(self.monitor.restore())
        self.runner.run(self.store.reopen(self.now, CLAIM_LASTS))
        self.known = self.monitor.known

    def seconds(self) -> float:
        """The time, as a timer has it."""
        return self.now.timestamp()

    def teardown(self) -> None:
        """Come to rest once more, unless something is wrong already."""
        try:
            if sys.exc_info()[0] is None:
                self.it_all_comes_to_rest()
        finally:
            self.runner.run(self.stack.aclose())
            self.runner.close()

    # What the fleet and the people of `Watching` do.

    def read(self, fleet: list[Record], *, whole: bool = True) -> Changes:
        self.upstream.fleet_now, self.upstream.trouble = tuple(fleet), None
        return self.act(self.monitor.poll() if whole else self.monitor.refresh(fleet[0].id), read=True)

    def fail(self, trouble: Trouble) -> None:
        self.upstream.trouble = trouble
        self.act(self.monitor.poll())

    def tick(self) -> None:
        self.act(self.monitor.tick())

    def acknowledge(self, keys: Collection[Key], by: int) -> None:
        before = self.known.incidents
        if self.act(self.monitor.acknowledge(keys, by)).incidents and not self.died:
            for key in keys:
                if (known := before.get(key)) and known.open and known.acknowledged is None:
                    self.taken[name_of(known)].add(by)

    def release(self, keys: Collection[Key], by: int) -> None:
        self.act(self.monitor.hand_back(keys, by))

    def hand_over(self, keys: Collection[Key], to: int, by: int) -> None:
        for incident in self.act(self.monitor.hand_over(keys, to, by)).incidents:
            self.given[name_of(incident)].add(to)

    def decide(self, decision: Decision) -> None:
        self.act(self.monitor.decide(decision, "decide", ANA))

    def undo(self, decision: Decision) -> None:
        self.act(self.monitor.undo(decision, "undo", ANA))

    def act(self, doing: Coroutine[Any, Any, object], *, read: bool = False, noting: bool = False) -> Changes:
        """Do it, and take in what came of it."""
        self.now += timedelta(milliseconds=1)  # no two things happen at the same instant
        before, self.died = self.known, False
        try:
            self.runner.run(doing)
        except Died:
            self.died = True
            self.start()
            self.known = before
        changes = self.disk.saved.pop() if self.disk.saved else Changes(self.monitor.known.fleet.read_at)
        # Of what is over already, nobody hears again by a note.
        anew = tuple([each for each in changes.incidents if each.open or not noting])
        self.hear(replace(changes, incidents=anew), self.monitor.known, read=read)
        self.note(changes)
        return changes

    def note(self, changes: Changes) -> None:
        """Remember what has to be told."""
        for incident in changes.incidents:
            name = name_of(incident)
            latest = self.latest.get(incident.key)
            if incident.moments and (latest is None or latest.opened_at <= incident.opened_at):
                self.latest[incident.key] = incident
            aloud = incident.key in changes.notify and incident.has_card
            if aloud and name not in self.rises:
                self.rises[name].append(Rise(self.now, incident.severity))
        for notice in changes.notices:
            if notice.kind is NoticeKind.RAISED:
                risen = self.latest[notice.keys[0]]
                self.rises[name_of(risen)].append(Rise(self.now, risen.severity))
            elif notice.kind is NoticeKind.REMINDER:
                name = name_of(self.latest[notice.keys[0]])
                last = self.reminded.get(name) or self.rises[name][0].at - GROUPING.within
                heard = [each for each in self.room.posted if each.names(name) and each.at >= last]
                assert heard, f"{name} is reminded of, and nobody heard the word before"
                self.reminded[name] = self.now
            self.words.append(notice)

    # What else happens.

    @rule(before=flips, outcome=st.sampled_from(Fate), after=flips, wait=st.sampled_from([0, 20, 130]))
    def the_whole_fleet_flips_twice(self, before: list[str], outcome: Fate, after: list[str], wait: int) -> None:
        self.pass_time(1)
        self.read([record(number, status) for number, status in enumerate(before, 1)])
        self.room.fates = [outcome]
        self.deliver()
        self.read([record(number, status) for number, status in enumerate(after, 1)])
        self.now += timedelta(seconds=wait)
        self.deliver()

    @precondition(lambda self: any(incident.open for incident in self.known.incidents.values()))
    @rule(hours=st.integers(1, 6))
    def nobody_cares_for_hours(self, hours: int) -> None:
        for _ in range(4 * hours):
            self.now += timedelta(minutes=15)
            self.tick()

    @rule(number=st.integers(1, 4), first=st.sampled_from(Fate), then=st.sampled_from(Fate))
    def a_check_stands_unanswered(self, number: int, first: Fate, then: Fate) -> None:
        others = [token.record for token in self.known.fleet.tokens.values() if token.id != number]
        self.room.fates = []
        self.deliver()
        for minutes, outcome in ((1, first), (16, then)):
            self.pass_time(minutes)
            self.read([*others, record(number, "VERIFYING")])
            self.room.fates = [outcome]
            self.deliver()

    @rule(barred=st.booleans())
    def somebody_changes_the_permissions(self, *, barred: bool) -> None:
        self.room.barred = barred

    @rule(wait=st.sampled_from([0, 1, 20, 130]), outcome=fates)
    def the_outbox_delivers(self, wait: int, outcome: list[Fate]) -> None:
        self.now += timedelta(seconds=wait)
        self.room.fates = list(outcome)
        self.deliver()

    @rule()
    def the_process_dies(self) -> None:
        self.start()

    @rule()
    def the_process_will_die_in_its_next_commit(self) -> None:
        self.disk.last = True

    @precondition(lambda self: self.room.live)
    @rule(data=st.data())
    def somebody_deletes_a_message(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.room.live)).deleted = True

    @precondition(lambda self: any(each.shown.view for each in self.room.cards))
    @rule(data=st.data(), who=st.sampled_from(PEOPLE))
    def somebody_presses_acknowledge(self, data: st.DataObject, who: int) -> None:
        card = data.draw(st.sampled_from([each for each in self.room.cards if each.shown.view]))
        message = self.runner.run(self.monitor.message(card.now.id))
        assert message is not None, "a card stays known as long as it can be read"
        if message.discord_id == card.discord_id:
            self.acknowledge([each.key for each in message.incidents if each.open], who)

    @precondition(lambda self: any(each.shown.view for each in self.room.cards))
    @rule(data=st.data(), who=st.sampled_from(PEOPLE), words=st.sampled_from(["by phone", "again", "*"]))
    def somebody_writes_a_note(self, data: st.DataObject, who: int, words: str) -> None:
        card = data.draw(st.sampled_from([each for each in self.room.cards if each.shown.view]))
        message = self.runner.run(self.monitor.message(card.now.id))
        assert message is not None
        with suppress(ValueError):
            self.act(self.monitor.note(message.incidents, who, words), noting=True)

    @rule()
    def it_all_comes_to_rest(self) -> None:
        self.room.fates, self.room.barred, self.disk.last = [], False, False
        for _ in range(100):
            pause = self.deliver()
            if pause is None:
                break
            self.now += pause + timedelta(milliseconds=1)
        self.check_rest()

    def deliver(self) -> timedelta | None:
        try:
            pause = self.runner.run(self.outbox.deliver())
        except Died:
            self.start()
            return timedelta()
        # As long as nothing waits, the next that is stored is claimed with it.
        self.handover.free = pause is None
        return pause

    # What must be so.

    def check_rest(self) -> None:
        assert self.runner.run(self.store.waiting()) == 0, "nothing waits"
        assert self.runner.run(self.store.parked()) == ()
        marks = Counter(each.first.mark for each in self.room.live if not each.given_up)
        assert max(marks.values(), default=1) == 1, "nothing is said twice"
        for card in self.room.cards:
            self.check_card(card, self.runner.run(self.store.message(card.now.id)))
        self.check_open()
        for name, rises in self.rises.items():
            self.check_sounds(name, rises)
        self.check_notices()

    def check_card(self, card: Posted, stored: Message | None) -> None:
        """What it shows is how its incidents are."""
        assert stored is not None
        assert stored.discord_id == card.discord_id, "a card that nobody looks after"
        for incident in stored.incidents:
            if incident.stage is not Stage.RESOLVED:
                assert self.known.incidents[incident.key] == incident
        due, shown = self.runner.run(self.rendered(stored, card.fleet)), self.runner.run(self.picture(card.shown))
        assert shown == due, f"shown: {shown}\nas it is: {due}"
        if not stored.summary:
            (incident,) = stored.incidents
            open_ = {TAKEN} if incident.acknowledged else {SIGNS[incident.severity], WORDINGS[incident.key.rule].sign}
            signs = open_ if incident.open else {OVER, MOVED_ON}
            assert incident.key.rule in MOMENTARY or any(sign and sign[0] in card.text for sign in signs)
        for incident in stored.incidents:
            for who in self.taken.get(name_of(incident), ()):
                assert f"acknowledged by <@{who}>" in card.text, "who was told that they have it is named"
            for who in self.given.get(name_of(incident), ()):
                assert f"handed to <@{who}>" in card.text, "who was given it is named"

    async def rendered(self, message: Message, fleet: Fleet) -> object:
        return await self.picture(alert(message, fleet, ROLES))

    async def picture(self, shown: Alert) -> object:
        """All that Discord is asked to show."""
        embeds = [each.to_dict() for each in shown.embeds]
        return shown.content, embeds, shown.view.to_components() if shown.view else None

    def check_open(self) -> None:
        """What is open and was told has one card, unless somebody deleted that."""
        carded = {key: each for key, each in self.known.incidents.items() if each.open and each.has_card}
        shown_at = self.runner.run(self.store.shown_at(carded))
        assert shown_at.keys() == carded.keys()
        for key, incident in carded.items():
            assert name_of(incident) in self.rises
            homes = [each for each in self.room.cards if name_of(incident) in map(name_of, each.now.incidents)]
            gone = next(each for each in self.room.posted if each.discord_id == shown_at[key]).deleted
            assert len(homes) == (0 if gone else 1), f"{key} is on {len(homes)} cards"

    def check_sounds(self, name: str, rises: list[Rise]) -> None:
        """Each rise is followed by a post that tells it, and each post tells a rise that none told before."""
        untold, deleted = list(rises), False
        for post in (each for each in self.room.posted if tells(each.first) and each.names(name)):
            told = [rise for rise in untold if rise.at <= known_at(post, name)]
            if post.first.notice is None and untold[:1] == rises[:1]:
                told = told or rises[:1]  # it joined the card, which makes a sound as loud as its own would be
                assert told[0].at <= post.at + GROUPING.within
                assert told[0].at <= post.at or loudest(post.first).rank >= told[0].severity.rank
            assert told or deleted, f"{name} is told twice: {post.heard}"
            untold = [rise for rise in untold if rise not in told]
            deleted = deleted or ((post.deleted or post.given_up) and post.first.notice is None)
        assert not untold, f"{name} rose at {untold}, and nobody was told"

    def check_notices(self) -> None:
        """What was to be said is said once, to all whom it is about, or was told by a card that came later."""
        said = [each for each in self.room.posted if each.first.notice is not None]
        for each in said:
            assert each.shown.silent == (kind_of(each) in QUIET and f"<@&{OPERATORS}>" not in each.heard)
        for word in self.words:
            later = [each for each in said if each.at >= word.at and kind_of(each) == word.kind]
            cards = [each for each in self.room.posted if each.first.notice is None and each.at >= word.at]
            for key in word.keys if word.kind is not NoticeKind.RESOLVED else ():
                told = [each for each in later if any(one.key == key for one in each.first.incidents)]
                assert told or any(one.key == key for each in cards for one in each.first.incidents), f"{word} of {key}"
            if not word.keys:
                assert any(word.about in (each.first.notice or word).about for each in later), word
        for kind in NEVER_TWICE:
            called = Counter(key for word in self.words if word.kind is kind for key in word.keys)
            posts = Counter(
                key
                for each in said
                # Of what was deleted before the bot knew that it was there, it posts another.
                if kind_of(each) == kind and not each.deleted
                for key in {one.key for one in each.first.incidents}
            )
            assert posts <= called, f"{kind}: {posts - called} was said too often"
        for each in said:
            if kind_of(each) == NoticeKind.REMINDER:
                self.check_reminder(each)
            if kind_of(each) in ENDED:
                self.check_end(each)

    def check_end(self, post: Posted) -> None:
        """It pages for what was open before, is critical, and nobody has."""
        before = post.first.notice.before if post.first.notice else ()
        paged = [
            each
            for each in post.first.incidents
            if each.key in before and each.open and each.severity is Severity.CRITICAL and not each.acknowledged
        ]
        assert (f"<@&{OPERATORS}>" in post.heard) == bool(paged)

    def check_reminder(self, post: Posted) -> None:
        """The second line is called from the second reminder on."""
        left = [
            each
            for each in post.first.incidents
            if each.open and each.severity is Severity.CRITICAL and not each.acknowledged
        ]
        assert (f"<@&{OPERATORS}>" in post.heard) == bool(left)
        again = any(each.reminders > 1 for each in left)
        assert not again or f"<@&{SECOND_LINE}>" in post.heard


def kind_of(post: Posted) -> str:
    return "" if post.first.notice is None else post.first.notice.kind


def known_at(post: Posted, name: str) -> datetime:
    """Until when a post knew of an incident: a card may have been claimed before a rise, and be posted after it."""
    if post.first.notice is not None:
        return post.at
    shown = next((each.notified_at for each in post.first.incidents if name_of(each) == name), None)
    return shown or post.at


def loudest(message: Message) -> Severity:
    """As how severe a message was heard."""
    return max((each.severity for each in message.incidents), key=lambda each: each.rank)


def tells(message: Message) -> bool:
    """Whether it was posted to tell that something fired or rose."""
    return message.notice is None or message.notice.kind is NoticeKind.RAISED


@contextmanager
def databases(engine: str) -> Iterator[Callable[[], str]]:
    """What gives the URL of one empty database after the other."""
    if engine == "postgresql":
        with PostgreSQL.running() as server:
            yield server.new_database
    else:
        with tempfile.TemporaryDirectory() as folder:
            numbers = itertools.count()
            yield lambda: f"sqlite:///{folder}/{next(numbers)}.db"


def explore(database: Callable[[], str], *, examples: int, steps: int, shrink: bool = True) -> None:
    """Try so many histories; raises what is wrong in one of them: in the shortest that is found, or in the first."""
    run_state_machine_as_test(
        lambda: Machine(database()),  # type: ignore[arg-type] # a class, or what makes a machine, as it documents
        settings=settings(
            max_examples=examples,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=set(Phase) - {Phase.explain} - (set() if shrink else {Phase.shrink}),
        ),
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.machine", description=__doc__)
    parser.add_argument("--examples", type=int, default=500)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--shrink", action="store_true", help="look for the shortest history: minutes more")
    options = parser.parse_args()
    logging.disable()
    with databases(options.engine) as database:
        explore(database, examples=options.examples, steps=options.steps, shrink=options.shrink)
    sys.stdout.write(f"{options.engine}: {options.examples} histories of {options.steps} steps, nothing wrong\n")


if __name__ == "__main__":
    main()
