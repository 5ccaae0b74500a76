"""Let runbooks loose on a simulated month, and see that they keep their bounds: `python -m tests.runbooks --seeds 20`.

A seed is a month of a fleet that flaps, runs dry and is refilled; of people who switch tokens by the bot and at
ImaginePro itself, and set runbooks otherwise; of an upstream that cannot be read, refuses, and does what it was asked
without saying so; and of processes that end anywhere around an act, after which another copy takes over with what is
stored. It is the domain that lives it, minute by minute, with what is stored going through the database's own words.

What is counted is what reached the upstream. Exit code 1 if anything of `Month.wrong` was found.
"""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from bot.domain.acts import Act, Kind, State, happened, modes
from bot.domain.messages import NoticeKind
from bot.domain.model import Failure, Reading, Record, Trouble
from bot.domain.rules.policy import Policy
from bot.domain.runbooks import BOOKS, FORTH, Book, Does, Runbook, Why, name
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.acting import late, planned, settled
from bot.domain.watch.known import Changes, Known, Memory, restore
from bot.domain.watch.poll import advance_failure
from bot.domain.watch.response import decide
from bot.domain.watch.running import run
from bot.storage.schema import decision_of, kind_of
from tests.domain.fleets import START, record, taken, tokens
from tests.domain.stories import ANA, STEPS

ALLOWANCE = 900.0
"""Minutes of fast time that a refill brings."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CALM = timedelta(hours=4)
"""At the end, in which nothing more goes wrong: what is to be taken back has been by then."""
AN_HOUR, QUIET = 3, timedelta(minutes=20)


@dataclass
class Account:
    """A token as it really is."""

    status: str = "FAST"
    active: bool = True
    left: float = ALLOWANCE
    relaxed: bool = False
    flaps: bool = False
    cause: str = ""
    """Who switched it last."""

    def listed(self, token: int) -> Record:
        """As ImaginePro lists it."""
        status = "RELAX" if self.status == "FAST" and self.relaxed else self.status
        fast = f"{self.left / 60:.2f}/15.0 hours ({self.left / 9:.2f}%)"
        return record(token, status, fast, active=self.active)


@dataclass
class Sent:
    """A request of a runbook that reached the upstream."""

    at: datetime
    act: Act

    @property
    def what(self) -> str:
        """For people."""
        return f"{self.at:%d %H:%M} {self.act.runbook}: {self.act.wanted} {self.act.token or ''}"


@dataclass
class Month:
    """One life of a fleet, and all that is counted of it."""

    seed: int
    days: int = 30
    every: timedelta = timedelta(minutes=1)
    size: int = 10
    known: Known = field(default_factory=Known)
    paused: bool = False
    sent: list[Sent] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    figures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        """Some flap, the others are only unlucky now and then."""
        self.chance = random.Random(self.seed)
        self.now = START
        self.policy = Policy(STEPS, interval=self.every)
        self.accounts = {1900 + each: Account(flaps=each < 2) for each in range(self.size)}
        self.until = START + timedelta(days=self.days)
        self.deaf_until = self.stubborn_until = self.black_until = self.short_until = START
        self.read_only = False
        self.seen: dict[int, bool] = {}
        self.hand_at: dict[int, datetime] = {}
        """When what a person did was read, or known at once."""
        self.owner: dict[int, str] = {}
        """Who switched what reads off."""
        self.mode_hand: dict[int, datetime] = {}
        self.queue_hand = START - DAY
        self.given_up: set[tuple[Kind, int | None]] = set()
        self.set_at: dict[Book, datetime] = {}
        self.names = iter(range(10**9))

    # What happens to the fleet.

    def often(self, times_a_day: float) -> bool:
        """Whether it happens in this step, which happens so often a day."""
        return self.chance.random() < times_a_day * (self.every / DAY)

    def weather(self) -> None:
        """Let the fleet fare as it may."""
        calm = self.until - self.now <= CALM
        self.of_all(calm=calm)
        black = self.now < self.black_until
        for account in self.accounts.values():
            account.status = self.status(account, calm=calm, black=black)
            if calm:
                account.left = max(account.left, ALLOWANCE / 2)
            if account.status == "FAST" and account.active and not account.relaxed and not calm:
                account.left = max(0.0, account.left - self.every / timedelta(minutes=1) * self.chance.uniform(0, 1.2))
            if account.left == 0 and self.often(2):
                account.left = ALLOWANCE

    def status(self, account: Account, *, calm: bool, black: bool) -> str:
        """Its next status."""
        if calm or black:
            return "FAST" if calm else "VERIFYING"
        if account.status == "FAST":
            return "BANNED" if self.often(12 if account.flaps else 0.3) else "FAST"
        return "FAST" if self.often(30 if account.flaps else 4) else account.status

    def of_all(self, *, calm: bool) -> None:
        """What befalls the whole fleet, or ImaginePro, for a while."""
        if calm:
            self.deaf_until = self.stubborn_until = self.black_until = self.short_until = self.now
            return
        if self.often(1 / 3):
            for account in self.accounts.values():
                account.status = "BANNED"
        if self.often(1 / 4):
            self.black_until = self.now + timedelta(minutes=self.chance.uniform(10, 90))
        if self.often(2):
            self.deaf_until = self.now + timedelta(minutes=self.chance.uniform(1, 90))
        if self.often(2):
            self.stubborn_until = self.now + timedelta(minutes=self.chance.uniform(5, 120))
        if self.often(1):
            self.short_until = self.now + timedelta(minutes=self.chance.uniform(1, 60))

    # What people do.

    def people(self) -> None:
        """Let people do something, now and then; nobody does while nothing of it would be read for long."""
        if self.until - self.now <= CALM:
            return
        token = self.chance.choice(list(self.accounts))
        account = self.accounts[token]
        if self.often(2) and self.seen.get(token) is account.active:
            account.active, account.cause = not account.active, "hand"  # at ImaginePro itself
            self.figures["switched at ImaginePro by people"] += 1
        if self.often(2):
            self.by_ana(Kind.TOGGLE, "off" if account.active else "on", token)
        if self.often(1):
            self.by_ana(Kind.MODE, "fast" if account.relaxed else "relax", token)
        if self.often(1 / 3):
            self.by_ana(Kind.QUEUE, "resume" if self.paused else "pause", None)
        if self.often(1 / 2):
            self.let(self.chance.choice(list(Book)), self.chance.choice([Does.OFF, Does.DRY_RUN, Does.ON, Does.ON]))

    def by_ana(self, kind: Kind, wanted: str, token: int | None) -> None:
        """A person does something by the bot; it is refused while the same is under way."""
        act = Act(self.new_id(), kind, wanted, self.now, token, by=ANA)
        if any(each.subject == act.subject and not each.settled for each in self.known.acts.values()):
            return
        self.figures["acts of people"] += 1
        if token is not None:
            self.hand_at[token] = self.now
        else:
            self.queue_hand = self.now
        self.do(act)

    def let(self, book: Book, does: Does) -> None:
        """Somebody sets a runbook."""
        setting = Runbook(book, self.now, ANA, does, QUIET, AN_HOUR)
        self.set_at[book] = self.now
        self.heard(decide(self.known, setting, Entry(self.now, ANA, "runbook set", name(book))))

    # What the bot does.

    def new_id(self) -> str:
        """An id."""
        return f"{next(self.names):06}"

    def heard(self, moved: tuple[Changes, Known]) -> None:
        """It is stored."""
        changes, self.known = moved
        for notice in changes.notices:
            self.figures["lines in the channel about acts"] += notice.kind is NoticeKind.ACT
            for remark in notice.remarks:
                self.figures[f"said: {remark.why}"] += 1
                if remark.why is Why.FAILED:
                    self.given_up.add((BOOKS[remark.book].kind, remark.token))

    def poll(self) -> None:
        """Read the fleet, or fail to."""
        if self.now < self.deaf_until:
            self.figures["polls that failed"] += 1
            failure = Failure(Trouble.UNREACHABLE, "no route", self.now)
            self.heard(advance_failure(self.known, failure, self.policy))
            return
        self.figures["polls"] += 1
        if self.now < self.short_until:  # it lists hardly any, and says of these what is not so
            self.figures["lists that lack most"] += 1
            lie = record(1900, "BANNED", active=self.accounts[1900].active)
            self.heard(taken(self.known, Reading(tokens([lie]), self.now), self.policy))
            return
        self.take(Reading(tokens(each.listed(token) for token, each in self.accounts.items()), self.now))

    def take(self, reading: Reading) -> None:
        """Read some of it, or all."""
        for token in reading.tokens:
            account = self.accounts[token]
            if self.seen.get(token, account.active) is not account.active:
                self.owner[token] = account.cause
                if account.cause == "hand":
                    self.hand_at[token] = self.now
            self.seen[token] = account.active
        self.heard(taken(self.known, reading, self.policy))

    def work(self) -> None:
        """Let runbooks do what they would; the process may end before they do."""
        changes, known, acts = run(self.known, self.now, self.policy, self.new_id, read_only=self.read_only)
        self.heard((changes, known))
        self.figures["would have done"] += sum(each.act == "would have" for each in changes.audit)
        for act in acts:
            if self.chance.random() < 0.03:
                self.figures["killed before an act"] += 1
                self.another_copy()
                return
            if not self.do(act):
                return  # what was planned with it was never sent

    def do(self, act: Act) -> bool:
        """Plan it, send it, and learn what became of it; False where the process ended in the midst of it."""
        token = self.known.fleet.tokens.get(act.token or 0)
        was = modes(token) if token is not None and act.kind is Kind.MODE else ()
        act = replace(act, at=self.now, state=State.BEGUN, begun_at=self.now, was=was)
        self.heard(planned(self.known, [act], self.now))
        killed = self.chance.random() < 0.05
        if killed and self.chance.random() < 0.3:
            self.figures["killed before the request"] += 1
            self.another_copy()
            return False
        kind = self.chance.choice(["refused", "silent", "lost", "well"]) if self.now < self.stubborn_until else "well"
        self.reached(act, effect=kind in {"well", "silent"})
        if killed:
            self.figures["killed after the request"] += 1
            self.another_copy()
            return False
        states = {"refused": State.NOT_DONE, "silent": State.UNKNOWN, "lost": State.UNKNOWN, "well": State.DONE}
        self.figures[f"acts: {states[kind]}"] += not act.by
        self.over(act, states[kind])
        return True

    def reached(self, act: Act, *, effect: bool) -> None:
        """A request reaches the upstream, which does what it asks, or does not."""
        if not act.by:
            self.judge(act)
            self.sent.append(Sent(self.now, act))
        if not effect:
            return
        if act.kind is Kind.QUEUE:
            self.paused = act.wanted == "pause"
            return
        assert act.token is not None
        account = self.accounts[act.token]
        if act.kind is Kind.MODE:
            account.relaxed = act.wanted == "relax"
        elif account.active is not (act.wanted == "on"):
            account.active, account.cause = act.wanted == "on", "hand" if act.by else "bot"

    def over(self, act: Act, state: State) -> None:
        """What became of it is stored, and its token read if ImaginePro answered."""
        self.heard(settled(self.known, [replace(act, state=state, settled_at=self.now)], self.now))
        if state is State.DONE and act.token is not None:
            account = self.accounts[act.token]
            self.take(Reading(tokens([account.listed(act.token)]), self.now, whole=False))

    def another_copy(self) -> None:
        """Another process takes over, with what is stored, and sees to what was left."""
        self.figures["takeovers"] += 1
        self.known = restore(stored(self.known))
        for act in [each for each in self.known.acts.values() if not each.settled]:
            account = self.accounts.get(act.token or 0)
            read = None if account is None else tokens([account.listed(act.token or 0)])[act.token or 0]
            so = read is not None and happened(act, read)
            self.over(act, State.DONE if so else State.UNKNOWN)

    # What must be true.

    def judge(self, act: Act) -> None:
        """Of a request of a runbook, as it is sent."""
        (book,) = (each for each in Book if name(each) == act.runbook)
        token, account = act.token, self.accounts.get(act.token or 0)
        setting = self.known.decisions.runbooks.get(Runbook(book, self.now, 0).id)
        said = f"{Sent(self.now, act).what} (seed {self.seed})"
        if setting is None or setting.does is not Does.ON:
            self.wrong.append(f"not on: {said}")
        if self.read_only:
            self.wrong.append(f"READ_ONLY: {said}")
        if self.known.fleet.failure is not None or self.known.polled_at is None:
            self.wrong.append(f"by no reading: {said}")
        since = max(self.now - HOUR, self.set_at[book])
        if sum(each.at > since and each.act.runbook == act.runbook for each in self.sent) >= AN_HOUR:
            self.wrong.append(f"too often: {said}")
        same = [each for each in self.sent if each.act.subject == act.subject and each.at > self.now - DAY]
        if act.wanted in FORTH and sum(each.act.wanted in FORTH for each in same) >= 6:
            self.wrong.append(f"flaps: {said}")
        hand = self.queue_hand if token is None else self.hand_at.get(token)
        if hand is not None and self.now - hand < HOUR:
            self.wrong.append(f"against a person: {said}")
        if act.wanted == "on" and token is not None and self.owner.get(token) != "bot":
            self.wrong.append(f"what a person switched off: {said}")
        if act.wanted == "off" and account is not None and account.status != "BANNED":
            self.wrong.append(f"not banned: {said}")

    def last_words(self) -> None:
        """At the end, when all has been well for a while: what the bot moved is as it was before."""
        for token, account in self.accounts.items():
            kept_off = not account.active and self.owner.get(token) == "bot"
            last = max((each.at for each in self.sent if each.act.subject == f"toggle:{token}"), default=START)
            theirs = self.hand_at.get(token)
            # What a person tried since is theirs, though it failed.
            if kept_off and (theirs is None or last > theirs) and (Kind.TOGGLE, token) not in self.given_up:
                self.wrong.append(f"left off: {token} (seed {self.seed})")
            mine = [each for each in self.sent if each.act.kind is Kind.MODE and each.act.token == token]
            moved = mine and account.relaxed and (theirs is None or mine[-1].at > theirs)
            if moved and (Kind.MODE, token) not in self.given_up:
                self.wrong.append(f"left relaxed: {token} (seed {self.seed})")
        queue = [each for each in self.sent if each.act.kind is Kind.QUEUE][-1:]
        if self.paused and queue and queue[0].at > self.queue_hand and (Kind.QUEUE, None) not in self.given_up:
            self.wrong.append(f"left paused (seed {self.seed})")

    def live(self) -> "Month":
        """From the first reading to the last."""
        self.poll()
        for book in Book:
            self.let(book, Does.ON)
        while self.now < self.until:
            self.now += self.every
            if self.until - self.now == CALM - CALM % self.every:
                for book in Book:
                    self.let(book, Does.ON)
                self.read_only = False
            self.weather()
            self.people()
            if self.until - self.now > CALM:
                if self.often(1):
                    self.another_copy()
                if self.often(1 / 2):
                    self.read_only = not self.read_only
                    self.another_copy()
            self.poll()
            self.heard(late(self.known, self.now))
            self.work()
        self.last_words()
        self.figures["acts of runbooks that reached ImaginePro"] = len(self.sent)
        for each in self.sent:
            self.figures[f"  {each.act.runbook}: {each.act.wanted}"] += 1
        return self


def stored(known: Known) -> Memory:
    """What another process knows of it: as the database has it."""
    decisions = known.decisions
    sorts = (decisions.silences, decisions.windows, decisions.settings, decisions.runbooks, decisions.trails)
    there = [(kind_of(each), msgspec.json.encode(each).decode()) for sort in sorts for each in sort.values()]
    return Memory(
        {each.id: each.record for each in known.remembered.values()},
        known.fleet.read_at,
        known.incidents,
        tuple(decision_of(kind, text) for kind, text in there),
        known.histories,
        acts=tuple(msgspec.json.decode(msgspec.json.encode(each), type=Act) for each in known.acts.values()),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Live some months, and print what was counted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--seed", type=int, help="only this one")
    parser.add_argument("--days", type=int, default=30)
    chosen = parser.parse_args(arguments)
    figures, wrong = Counter[str](), list[str]()
    for seed in [chosen.seed] if chosen.seed is not None else range(chosen.seeds):
        month = Month(seed, chosen.days).live()
        figures += month.figures
        wrong += month.wrong
        print(f"seed {seed}: {len(month.sent)} acts, {len(month.wrong)} wrong", file=sys.stderr)  # noqa: T201
    for what, count in figures.items():
        print(f"{count:8,}  {what}")  # noqa: T201 - the table
    for each in wrong[:50]:
        print(each)  # noqa: T201 - what is to be mended
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
