"""Whatever happens to a fleet and whatever people decide, the incidents agree with what the channel was told."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from bot.chat.alerts.phrases import OVER, sign_and_headline
from bot.chat.alerts.story import stories
from bot.domain.decisions import Decision
from bot.domain.incidents import Happening, Incident, Key, Rule, Stage
from bot.domain.info import threshold
from bot.domain.messages import NoticeKind
from bot.domain.model import Failure, Record, Severity, Status, Trouble
from bot.domain.naming import name_of
from bot.domain.rules.policy import Policy
from bot.domain.rules.settable import UNCOUNTED
from bot.domain.rules.table import FAST_TIME_RULES, FLEET_RULES, RULES, UPSTREAM_RULES
from bot.domain.steering import Covered, Entry, Scope, Setting, Silence, Window, reminder
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.poll import advance_failure
from bot.domain.watch.response import acknowledge, decide, hand_back, hand_over, undo
from bot.domain.watch.schedule import tick
from tests.domain.fleets import START, reading, record, taken

POLICY = Policy((threshold("20%"), threshold("30m")))
MOMENTARY = {Rule.BASELINE, Rule.NEW, Rule.GONE, Rule.RESTORED}
ENDED = {NoticeKind.SILENCE_ENDED, NoticeKind.MAINTENANCE_ENDED}
ANA = 41

records = st.builds(
    record,
    token_id=st.integers(1, 4),
    status=st.sampled_from(["FAST", "FAST", "RELAX", "VERIFYING", "BANNED", "PONDERING", ""]),
    fast=st.sampled_from(
        [
            "15.00/15.0 hours (100.00%)",
            "2.90/15.0 hours (19.33%)",
            "0.40/15.0 hours (2.67%)",
            "0.00/15.0 hours (0.00%)",
            "?",
        ]
    ),
    plan=st.sampled_from(["Basic", "Standard"]),
    active=st.sampled_from([True, True, True, False, None]),
    queued=st.sampled_from(["0", "0", "2"]),
    running=st.sampled_from(["None", "None", "a job", ""]),
    terms=st.sampled_from(["Active monthly", "Active monthly", "Paused", ""]),
)
fleets = st.lists(records, max_size=4, unique_by=lambda each: each.id)
tokens = st.one_of(st.none(), st.integers(1, 4))
soon = st.sampled_from([timedelta(minutes=minutes) for minutes in (0, 5, 20, 70)])
scopes = st.builds(Scope, rule=st.one_of(st.none(), st.sampled_from(Rule)), token=tokens)


@dataclass
class Channel:
    """The simplest picture of the channel: what each card shows, and what was said aloud."""

    cards: dict[Key, Incident] = field(default_factory=dict)
    """Of what is open, as last posted or edited."""
    aloud: dict[Key, Severity] = field(default_factory=dict)
    """As how severe each open incident is known: from its card's first post, a word that it rose, or the summary."""
    owed: set[Key] = field(default_factory=set)
    """What ended, or was a line to tell, in somebody's quiet, and was not named yet."""

    def hear(self, changes: Changes, before: Known, after: Known, *, read: bool) -> None:
        """Take in what changed, by a reading or else, and check that each piece of it fits onto what was there."""
        self._no_false_all_clear(changes, after)
        self._no_page_for_who_has_it(changes, before, read=read)
        changed = {incident.key: incident for incident in changes.incidents}
        suppressed = replace(after, incidents={**after.incidents, **changed}).suppressed()
        self._named_at_an_end(changes, before, after, suppressed)
        ends = {key for notice in changes.notices if notice.kind is NoticeKind.RESOLVED for key in notice.keys}
        for incident in changes.incidents:
            key, notified = incident.key, incident.key in changes.notify
            decided = after.decisions.suppressor()(incident) is not None
            assert (key in ends) <= (incident.stage is Stage.RESOLVED and key in self.cards and not suppressed(key))
            if incident.stage is Stage.PENDING:
                assert not notified
            elif incident.stage is Stage.FIRING:
                self._fired(incident, notified=notified, suppressed=suppressed(key))
            elif key.rule in MOMENTARY:
                assert not (notified and suppressed(key)), "a line makes a sound"
                assert notified or decided or suppressed(key) or not incident.notifiable
                self.owed |= {key} if decided and incident.notifiable else set()
            elif key in self.aloud:
                del self.cards[key], self.aloud[key]
                assert notified, "its card shows the end"
                assert (key in ends) == (incident.well and not suppressed(key))
                self.owed |= {key} if decided and not incident.unwatched else set()
            else:
                assert not notified, "what nobody heard of needs no end"
                silenced = any(each.suppresses(incident) for each in after.decisions.silences.values())
                fired = Happening.FIRED in {moment.what for moment in incident.moments}
                self.owed |= {key} if silenced and fired and not incident.unwatched else set()
            assert incident.resolved_at is None or incident.resolved_at >= incident.opened_at
        self._said(changes, after, suppressed)

    def _no_false_all_clear(self, changes: Changes, after: Known) -> None:
        """What sounds as if a token were well is said only of one that reads well, with nothing else open."""
        told = [each for each in changes.incidents if each.key in changes.notify and each.key.token is not None]
        for story in stories(told, after.fleet):
            (sign, _), words = sign_and_headline(story)
            if sign != OVER[0] and "again" not in words:
                continue
            token = after.fleet.tokens[story.incident.key.token or 0]
            assert token.usable
            wrong = [each for each in after.incidents.values() if each.open and each.severity is not Severity.INFO]
            assert not [each for each in wrong if each.key.token == token.id]

    def _no_page_for_who_has_it(self, changes: Changes, before: Known, *, read: bool) -> None:
        """Nobody hears again of what they acknowledged, unless a reading made it worse."""
        for notice in changes.notices:
            for key in notice.keys if notice.kind in {NoticeKind.RAISED, NoticeKind.REMINDER} else ():
                known = before.incidents.get(key)
                assert read or known is None or known.acknowledged is None

    def _fired(self, incident: Incident, *, notified: bool, suppressed: bool) -> None:
        key = incident.key
        known = self.aloud.get(key)
        if notified:
            assert incident.notifiable
            if key not in self.cards:
                assert not suppressed, "a first post makes a sound"
                assert known is None
                known = incident.severity
            elif incident.acknowledged:
                known = incident.severity  # an edit is enough for who has it
            self.cards[key] = incident
        if known is not None:
            self.aloud[key] = min(known, incident.severity, key=lambda each: each.rank)

    def _said(self, changes: Changes, after: Known, suppressed: Callable[[Key], bool]) -> None:
        for notice in changes.notices:
            for key in notice.keys if notice.kind in {NoticeKind.RAISED, NoticeKind.REMINDER} else ():
                incident = after.incidents[key]
                assert key in self.cards
                assert not suppressed(key)
                if notice.kind is NoticeKind.RAISED:
                    deeper = key.rule in FAST_TIME_RULES
                    assert deeper or self.aloud[key].rank < incident.severity.rank, "each rise is told once"
                    assert not incident.acknowledged
                    self.aloud[key] = incident.severity
                else:
                    assert (incident.severity, incident.acknowledged) == (Severity.CRITICAL, None)

    def _named_at_an_end(
        self, changes: Changes, before: Known, after: Known, suppressed: Callable[[Key], bool]
    ) -> None:
        # The time may make one graver than a silence covers, in the very moment in which another one ends.
        raised = {
            key
            for key, each in after.incidents.items()
            if key in before.incidents and each.severity.rank > before.incidents[key].severity.rank
        }
        for notice in changes.notices:
            if notice.kind is NoticeKind.MAINTENANCE_STARTED:
                assert not everything_is_quiet(before), "it adds nothing"
            if notice.kind in ENDED and everything_is_quiet(after):
                assert notice.kind is not NoticeKind.MAINTENANCE_ENDED, "it is not the end of the quiet"
            if notice.kind in ENDED:
                keys, told, quiet = set(notice.keys), set(notice.before), set(notice.quiet)
                assert told | quiet <= keys
                assert not told & quiet
                for key in keys - self.owed | told | quiet:
                    assert after.incidents[key].open
                    assert suppressed(key) is (key in quiet) or key in raised, "what is still quiet is called so"
                    assert key in quiet or before.incidents[key].unnotified is (key not in told)
                self.owed -= keys - owed_after(after)


class Watching(RuleBasedStateMachine):
    """Looks at a fleet that does anything, among people who decide anything."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Known()
        self.now = START
        self.channel = Channel()
        self.decided = 0
        self.died = False
        """Whether the process died of what was done last."""
        self.judged: set[int] = set()
        """Tokens that were read since a rule was last set."""

    @initialize(fleet=fleets)
    def first_reading(self, fleet: list[Record]) -> None:
        changes = self.read(fleet)
        assert (Key(Rule.BASELINE) in changes.notify) == bool(fleet)

    @rule(fleet=fleets)
    def whole_reading(self, fleet: list[Record]) -> None:
        self.pass_time(1)
        self.read(fleet)

    @rule(fleet=fleets)
    def same_reading_twice(self, fleet: list[Record]) -> None:
        for _ in range(6):  # whatever counts readings has come to an end after six
            self.read(fleet)
        assert self.read(fleet) == Changes(self.known.fleet.read_at)

    @rule(listed=records, statuses=st.lists(st.sampled_from(["FAST", "VERIFYING", "RELAX", "BANNED"]), max_size=6))
    def one_token_flaps(self, listed: Record, statuses: list[str]) -> None:
        others = [token.record for token in self.known.fleet.tokens.values() if token.id != listed.id]
        for status in statuses:
            self.pass_time(1)
            self.read([*others, record(listed.id, status)])

    @rule(listed=records)
    def one_token_alone(self, listed: Record) -> None:
        others = {key: each for key, each in self.watched().items() if key.token != listed.id}
        self.read([listed], whole=False)
        assert others == {key: self.known.incidents.get(key) for key in others}

    @rule(trouble=st.sampled_from(Trouble), times=st.integers(1, 4))
    def failed_polls(self, trouble: Trouble, times: int) -> None:
        for _ in range(times):
            self.pass_time(1)
            others = {key: each for key, each in self.watched().items() if key.rule not in UPSTREAM_RULES}
            self.fail(trouble)
            assert others == {key: self.known.incidents[key] for key in others}

    @rule(minutes=st.sampled_from([1, 16, 31, 61, 400, 7 * 24 * 60]))
    def pass_time(self, minutes: int) -> None:
        self.now += timedelta(minutes=minutes)
        self.tick()
        suppressed = self.known.suppressed()
        late = [key for key, each in self.known.incidents.items() if reminder(each, self.now) and not suppressed(key)]
        assert not late or self.died, "a page that nobody took is repeated in its time, whatever else happens"
        changes, _ = tick(self.known, self.now, POLICY)
        assert changes.nothing, "a moment comes once"

    @precondition(lambda self: self.known.incidents)
    @rule(data=st.data())
    def somebody_acknowledges(self, data: st.DataObject) -> None:
        keys = data.draw(st.sets(st.sampled_from(sorted(self.known.incidents, key=str)), min_size=1))
        self.acknowledge(keys, ANA)
        assert all(self.known.incidents[key].acknowledged or not self.known.incidents[key].open for key in keys)
        changes, _ = acknowledge(self.known, keys, ANA + 1, self.now)
        assert changes.nothing, "of two people one has it"

    @precondition(lambda self: self.known.incidents)
    @rule(data=st.data())
    def somebody_releases(self, data: st.DataObject) -> None:
        keys = data.draw(st.sets(st.sampled_from(sorted(self.known.incidents, key=str)), min_size=1))
        self.release(keys, ANA)
        assert not any(self.known.incidents[key].acknowledged for key in keys if self.known.incidents[key].open)
        changes, _ = hand_back(self.known, keys, ANA, self.now)
        assert changes.nothing, "what nobody has is not released"

    @precondition(lambda self: self.known.incidents)
    @rule(data=st.data(), to=st.sampled_from([ANA, ANA + 1]))
    def somebody_hands_over(self, data: st.DataObject, to: int) -> None:
        keys = data.draw(st.sets(st.sampled_from(sorted(self.known.incidents, key=str)), min_size=1))
        self.hand_over(keys, to, ANA)
        held = [self.known.incidents[key].acknowledged for key in keys if self.known.incidents[key].open]
        assert all(each is not None and each.who == to for each in held)
        changes, _ = hand_over(self.known, keys, to, ANA, self.now)
        assert changes.nothing, "nobody is given what they have"

    @precondition(lambda self: any(each.open for each in self.known.incidents.values()))
    @rule(data=st.data(), lasts=st.one_of(st.none(), soon))
    def somebody_silences_just_these(self, data: st.DataObject, lasts: timedelta | None) -> None:
        open_ = sorted((key for key, each in self.known.incidents.items() if each.open), key=str)
        keys = data.draw(st.sets(st.sampled_from(open_), min_size=1, max_size=3))
        these = tuple(Covered.of(self.known.incidents[key]) for key in sorted(keys, key=str))
        until = None if lasts is None else self.now + lasts
        self.decide(Silence(self.name(), Scope(), self.now, until, ANA, covered=these))

    @rule(scope=scopes, lasts=st.one_of(st.none(), soon))
    def somebody_silences(self, scope: Scope, lasts: timedelta | None) -> None:
        self.decide(Silence(self.name(), scope, self.now, None if lasts is None else self.now + lasts, ANA))

    @rule(ahead=soon, length=st.sampled_from([5, 60]), weekly=st.booleans())
    def somebody_plans_a_window(self, ahead: timedelta, length: int, *, weekly: bool) -> None:
        self.decide(
            Window(
                self.name(), self.now + ahead, timedelta(minutes=length), weekly=weekly, zone="Europe/Berlin", by=ANA
            )
        )

    @rule(
        setting=st.builds(
            Setting,
            st.sampled_from(sorted(RULES.keys() - FLEET_RULES)),
            tokens,
            enabled=st.sampled_from([None, True, False]),
            severity=st.one_of(st.none(), st.sampled_from(Severity)),
            readings=st.sampled_from([None, 1, 2]),
        ).filter(lambda each: each.readings is None or each.rule not in UNCOUNTED)
    )
    def somebody_sets_a_rule(self, setting: Setting) -> None:
        self.decide(setting)

    @rule(levels=st.sampled_from(["50%", "20%,10%", "30m"]))
    def somebody_sets_the_steps(self, levels: str) -> None:
        self.decide(Setting(Rule.FAST_TIME_LOW, threshold=levels))

    @precondition(lambda self: self.held_decisions())
    @rule(data=st.data())
    def somebody_takes_it_back(self, data: st.DataObject) -> None:
        decision = data.draw(st.sampled_from(self.held_decisions()))
        self.undo(decision)
        assert not self.known.decisions.holds(decision.id)

    def held_decisions(self) -> list[Decision]:
        decisions = self.known.decisions
        return [*decisions.silences.values(), *decisions.windows.values(), *decisions.settings.values()]

    def name(self) -> str:
        self.decided += 1
        return f"d{self.decided}"

    def watched(self) -> dict[Key, Incident]:
        """What is open, was not switched off since, and waits for nothing that was."""
        policy = self.known.policy(POLICY)
        return {key: each for key, each in self.known.incidents.items() if policy.watches(key) and not each.unnotified}

    def read(self, fleet: list[Record], *, whole: bool = True) -> Changes:
        read = reading((self.now - START) / timedelta(minutes=1), *fleet, whole=whole)
        self.judged |= read.tokens.keys()
        return self.hear(*taken(self.known, read, POLICY), read=True)

    def fail(self, trouble: Trouble) -> None:
        self.hear(*advance_failure(self.known, Failure(trouble, "words", self.now), POLICY))

    def tick(self) -> None:
        self.hear(*tick(self.known, self.now, POLICY))

    def acknowledge(self, keys: Collection[Key], by: int) -> None:
        self.hear(*acknowledge(self.known, keys, by, self.now))

    def release(self, keys: Collection[Key], by: int) -> None:
        self.hear(*hand_back(self.known, keys, by, self.now))

    def hand_over(self, keys: Collection[Key], to: int, by: int) -> None:
        self.hear(*hand_over(self.known, keys, to, by, self.now))

    def decide(self, decision: Decision) -> None:
        self.judged = set()
        self.hear(*decide(self.known, decision, Entry(self.now, ANA, "decide", name_of(decision))))

    def undo(self, decision: Decision) -> None:
        self.judged = set()
        self.hear(*undo(self.known, decision, Entry(self.now, ANA, "undo", name_of(decision))))

    def hear(self, changes: Changes, after: Known, *, read: bool = False) -> Changes:
        before, self.known = self.known, after
        self.channel.hear(changes, before, after, read=read)
        return changes

    @invariant()
    def each_card_shows_its_incident_as_it_is(self) -> None:
        shown = {key: face(incident) for key, incident in self.channel.cards.items()}
        assert shown == {key: face(self.known.incidents[key]) for key in shown}

    @invariant()
    def what_is_open_and_not_suppressed_is_known_as_severe_as_it_is(self) -> None:
        suppressed = self.known.suppressed()
        for key, incident in self.known.incidents.items():
            if incident.open and incident.notifiable and not incident.missed and not suppressed(key):
                assert self.channel.aloud[key] is incident.severity

    @invariant()
    def every_token_that_is_banned_or_checked_is_told_suppressed_or_off(self) -> None:
        policy, suppressed = self.known.policy(POLICY), self.known.suppressed()
        for token in self.known.fleet.tokens.values():
            for status, rule_ in ((Status.BANNED, Rule.BANNED), (Status.VERIFYING, Rule.VERIFYING)):
                key = Key(rule_, token.id)
                if token.status is not status or token.active is False or not policy.watches(key):
                    continue
                incident = self.known.incidents.get(key)
                if incident is None:  # set otherwise since it was read
                    assert token.id not in self.judged
                    continue
                assert not incident.open or key in self.channel.cards or suppressed(key)

    @rule()
    def everything_gets_well(self) -> None:
        for _ in range(4):  # whatever counts readings, or waits for half an hour without a change, has come to an end
            self.pass_time(31)
            self.read([record(token_id, terms="Active monthly") for token_id in self.known.remembered])
        left = [key for key, each in self.known.incidents.items() if each.open and key.rule is not Rule.UPSTREAM_STALE]
        assert not left, "what nobody ends stays open for ever"

    @invariant()
    def nothing_is_known_as_open_that_is_over(self) -> None:
        firing = {key for key, incident in self.known.incidents.items() if incident.open}
        assert set(self.channel.cards) <= set(self.channel.aloud) <= firing

    @invariant()
    def what_ended_while_suppressed_is_owed_until_it_is_named(self) -> None:
        assert self.channel.owed == owed_after(self.known)

    @invariant()
    def nothing_open_is_about_a_token_that_is_forgotten(self) -> None:
        about = {key.token for key in self.known.incidents if key.token is not None}
        assert about <= set(self.known.remembered)

    @invariant()
    def the_fleet_is_part_of_what_is_remembered(self) -> None:
        assert set(self.known.fleet.tokens) <= set(self.known.remembered)


def everything_is_quiet(known: Known) -> bool:
    """Whether a window, or a silence of everything, is on."""
    silences = known.decisions.silences.values()
    return any(each.announced for each in known.decisions.windows.values()) or any(
        each.scope == Scope() and not each.covered for each in silences
    )


def owed_after(known: Known) -> set[Key]:
    """What the silences and windows that go on will name as resolved."""
    decisions: list[Silence | Window] = [*known.decisions.silences.values(), *known.decisions.windows.values()]
    return {key for each in decisions for key in each.suppressed}


def face(incident: Incident) -> tuple[object, ...]:
    """What a card shows, besides the figures of the last reading."""
    return incident.opened_at, incident.severity, incident.acknowledged, incident.moments, incident.flips[-1:]


TestWatching = Watching.TestCase
# Half as many as elsewhere: `tests.machine` makes histories of these steps, too, and `make fuzz` thousands.
TestWatching.settings = settings(stateful_step_count=40, max_examples=settings().max_examples // 2)
