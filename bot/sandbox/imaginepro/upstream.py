"""What the simulated ImaginePro is like: its tokens, jobs, queue, ban words and account, and how it fails."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.domain.value import Value
from bot.sandbox.imaginepro.faults import Fault
from bot.sandbox.imaginepro.jobs import SimulatedJob, identity, iso
from bot.sandbox.imaginepro.records import TokenRecord


class Shape(StrEnum):
    """How the call for one token answers: the documentation describes an array, and asks for one."""

    ARRAY = "an array of that record"
    BARE = "the record alone"
    ALL = "an array of all records"


class Call(Value):
    """A request as it came in."""

    at: float
    """Of the event loop's clock, in seconds."""
    method: str
    path: str
    agent: str = ""
    """As what the caller introduced itself."""
    endpoint: str = ""
    """Its name; empty where nothing is."""
    body: bytes = b""


class Effect(Value):
    """Something that was done because somebody asked for it, whatever they were answered."""

    at: float
    endpoint: str
    what: str
    """As `1900 off`, `1900 relax`, a job's id, or `pause`."""


def _wall() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the simulation's clock is the wall clock, unless a test brings another


@dataclass
class Upstream:
    """The upstream's state; change it while it serves."""

    records: Iterable[TokenRecord] = ()
    canary: str = "canary"
    """A word that each record's secret holds."""
    api_key: str = "sk-sandbox"
    shape: Shape = Shape.ARRAY
    has_list: bool = True
    """Whether the list is at its path; the single path without an id always answers the list."""
    waits: float = 2.0
    """Seconds that a job waits before it runs."""
    runs: float = 8.0
    """Seconds that it then takes to make an image; a command takes no time."""
    token_field: str = "tokenId"  # noqa: S105 - a name
    """In which field a command has to name its token."""
    clock: Callable[[], datetime] = _wall
    gone: set[str] = field(default_factory=set)
    """Paths at which nothing is any more."""
    ban_words: list[str] = field(default_factory=lambda: ["gore", "nude"])
    paused: bool = False
    """Whether the queue is, so that no job begins."""
    fresh: dict[int, dict[str, str]] = field(default_factory=dict)
    """By token what its info says once somebody has it read anew."""
    tells: frozenset[str] = frozenset({"jobMode", "status"})
    """What of a record says by itself which mode was set: the real one promises neither."""
    notices: dict[int, str] = field(default_factory=dict)
    """By token what a trace says in the `message` of its info."""
    account: dict[str, Any] = field(init=False)
    """As the call for it answers, less the address."""
    fleet: dict[int, TokenRecord] = field(init=False)
    jobs: dict[str, SimulatedJob] = field(init=False, default_factory=dict)
    calls: list[Call] = field(init=False, default_factory=list)
    effects: list[Effect] = field(init=False, default_factory=list)
    _next: dict[str, deque[Fault]] = field(init=False, default_factory=dict)
    _standing: dict[str, Fault] = field(init=False, default_factory=dict)
    """Both by the name of the endpoint; empty for all."""

    def __post_init__(self) -> None:
        self.fleet = {each["id"]: each for each in self.records}
        ends = self.clock() + timedelta(days=20)
        plan = {"type": "DIY", "creditsQuota": 1600, "credits": 1240, "creditsExtra": 1000}
        self.account = {**plan, "expiredAt": iso(ends)}

    def fail(self, fault: Fault, *, times: int | None = None, at: str = "") -> None:
        """Spoil the next `times` answers; or all from now on, once those before are used up.

        `at` names an endpoint, as `TOGGLE`, whose answers alone are meant; they are spoilt so before what is for all.
        """
        if times is None:
            self._standing[at] = fault
        else:
            self._next.setdefault(at, deque()).extend([fault] * times)

    def heal(self) -> None:
        """Answer rightly from now on."""
        self._next.clear()
        self._standing.clear()

    def done(self, endpoint: str, what: str | None = None) -> int:
        """How often an endpoint did something; how often that, if it is said what."""
        return sum(each.endpoint == endpoint and what in {None, each.what} for each in self.effects)

    def fault(self, name: str) -> Fault | None:
        """What spoils the next answer of an endpoint; it is used up by that."""
        for each in (name, ""):
            if self._next.get(each):
                return self._next[each].popleft()
            if each in self._standing:
                return self._standing[each]
        return None

    def now(self) -> float:
        """Seconds, by the event loop's clock."""
        return asyncio.get_running_loop().time()

    def note(self, endpoint: str, what: str) -> None:
        """Count something as done."""
        self.effects.append(Effect(self.now(), endpoint, what))

    def go_on(self) -> None:
        """Let the jobs end that are done by now."""
        for job in self.jobs.values():
            if job.at(self.now())[0] == "DONE":
                ends, job.ends = job.ends, _nothing
                ends()

    def begun(self, prompt: str, token: int | None, *, lists: bool = True) -> SimulatedJob:
        """A job that begins now: an image's if it `lists`, or else a command's."""
        waits, runs = (self.waits, self.runs) if lists else (0.0, 0.0)
        job = SimulatedJob(identity(len(self.jobs)), prompt, token, self.now(), self.clock(), waits, runs, lists=lists)
        job.held = self.paused and lists
        self.jobs[job.id] = job
        return job

    def banned(self, prompt: str) -> str:
        """The first ban word in a prompt; empty if there is none."""
        return next((each for each in self.ban_words if each in prompt.lower().split()), "")

    def shown(self) -> Sequence[object]:
        """The whole fleet as it is sent."""
        return [self.with_secret(each) for each in self.fleet.values()]

    def known(self, token: str) -> TokenRecord | None:
        """The token of that id."""
        return self.fleet.get(int(token)) if token.isdecimal() else None

    def with_secret(self, record: TokenRecord) -> TokenRecord:
        """A record as it is sent."""
        return {"id": record["id"], "token": f"FAKE{record['id']}.{self.canary}", **record}


def _nothing() -> None:
    """What comes of a job that has ended."""
