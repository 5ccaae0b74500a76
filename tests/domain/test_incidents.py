"""Whatever happens to a fleet, the incidents stay consistent with what the channel was told."""

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.info import threshold
from bot.domain.model import Failure, Reading, Record, Trouble
from bot.domain.rules import Policy
from bot.domain.watch import Changes, Known, advance, advance_failure
from tests.domain.fleets import START, reading, record

POLICY = Policy((threshold("20%"), threshold("30m")))
MOMENTARY = {Rule.BASELINE, Rule.NEW, Rule.GONE, Rule.RESTORED}

accounts = st.builds(
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
    active=st.sampled_from([True, True, False, None]),
)
fleets = st.lists(accounts, max_size=4, unique_by=lambda each: each.id)


class Watching(RuleBasedStateMachine):
    """Looks at a fleet that does anything, beside the simplest picture of what the channel shows."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Known()
        self.now = START
        self.shown: dict[Key, Incident] = {}
        """What the channel shows as open."""
        self.silent: set[Key] = set()
        """Open without having been told: found by the first reading, or covered by a deeper step."""

    @initialize(fleet=fleets)
    def first_reading(self, fleet: list[Record]) -> None:
        changes = self.take(self.read_of(fleet))
        assert changes.tell == {Key(Rule.BASELINE)}

    @rule(fleet=fleets)
    def whole_reading(self, fleet: list[Record]) -> None:
        self.take(self.read_of(fleet))

    @rule(fleet=fleets)
    def same_reading_twice(self, fleet: list[Record]) -> None:
        for _ in range(3):  # what counts readings (a token that is gone) has come to an end after three
            self.take(self.read_of(fleet))
        assert self.take(self.read_of(fleet)) == Changes(self.known.fleet.read_at)

    @rule(account=accounts)
    def one_token_alone(self, account: Record) -> None:
        others = {key: each for key, each in self.known.incidents.items() if key.token != account.id}
        self.take(self.read_of([account], whole=False))
        assert others == {key: self.known.incidents.get(key) for key in others}

    @rule(trouble=st.sampled_from(Trouble))
    def failed_look(self, trouble: Trouble) -> None:
        tokens = {key: each for key, each in self.known.incidents.items() if key.token is not None}
        self.tick()
        changes, self.known = advance_failure(self.known, Failure(trouble, "words", self.now), POLICY)
        self.hear(changes)
        assert tokens == {key: self.known.incidents[key] for key in tokens}

    def tick(self) -> None:
        self.now += timedelta(minutes=1)

    def read_of(self, fleet: list[Record], *, whole: bool = True) -> Reading:
        self.tick()
        return reading((self.now - START) / timedelta(minutes=1), *fleet, whole=whole)

    def take(self, new: Reading) -> Changes:
        before = self.known
        changes, self.known = advance(before, new, POLICY)
        self.hear(changes)
        return changes

    def hear(self, changes: Changes) -> None:
        """Keep the picture of the channel, and check that each piece of news fits onto it."""
        for incident in changes.incidents:
            key, told = incident.key, incident.key in changes.tell
            if incident.stage is Stage.PENDING:
                assert not told
            elif incident.stage is Stage.FIRING:
                if told:
                    assert incident.told, "what a deeper step covers stays silent"
                    self.silent.discard(key)
                    self.shown[key] = incident
                else:
                    assert key not in self.shown
                    self.silent.add(key)
            elif key.rule in MOMENTARY:
                assert key not in self.shown
            elif key in self.shown:
                assert told, "what was told to begin is told to end"
                assert self.shown.pop(key).opened_at == incident.opened_at
            else:
                self.silent.discard(key)
            assert incident.resolved_at is None or incident.resolved_at >= incident.opened_at

    @invariant()
    def the_channel_and_the_state_agree(self) -> None:
        firing = {key for key, incident in self.known.incidents.items() if incident.stage is Stage.FIRING}
        assert firing == set(self.shown) | self.silent
        assert not set(self.shown) & self.silent

    @invariant()
    def nothing_open_is_about_a_token_that_is_forgotten(self) -> None:
        about = {key.token for key in self.known.incidents if key.token is not None}
        assert about <= set(self.known.remembered)

    @invariant()
    def the_fleet_is_part_of_what_is_remembered(self) -> None:
        assert set(self.known.fleet.tokens) <= set(self.known.remembered)


TestWatching = Watching.TestCase
TestWatching.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)
