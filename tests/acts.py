"""Kill the bot at random around acts and count: `python -m tests.acts --kills 100 --engine sqlite --seed 1`.

Two copies of the bot share a database. People switch tokens off and on from chat: each asks once, under a name of their
own, and confirms, some of them twice, some while another asks for the same. ImaginePro fails in all the ways that it
has, before and after it did what it was asked for, and sometimes does it late. Meanwhile the copy that leads is killed
(SIGKILL) right after somebody confirmed, or both are, or the other one, and started again.

In the end each act must have happened upstream once or not at all, and the audit trail and the channel must say which,
once, and truthfully; nothing is left open. Exit code 1 if it was not so.
"""

import argparse
import asyncio
import contextlib
import random
import re
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import sqlalchemy as sa

from bot.domain.acts import Act, State
from bot.domain.incidents import Rule
from bot.domain.steering import Entry, Setting
from bot.domain.watch.known import Changes
from bot.sandbox.imaginepro import WRONG, Effect, token_record
from bot.storage.schema import acts
from bot.storage.store import Store, open_store
from tests.report import Report, end
from tests.storage.servers import new_database
from tests.wire.discord import ANSWER_WITHIN, Rate
from tests.wire.messages import Message
from tests.wire.process import BotProcess
from tests.wire.town import BASELINE, Town, town
from tests.wire.world import OPERATORS, Member

FIRST = 1_100_000_000_000_200_000
"""The ids of those who ask begin here."""
TOKENS = 5
"""Of which each is switched by one after the other."""
BYSTANDER = 1800
"""Nobody touches it: with all of them off there would be more to tell."""

READ_BACK = 1.5
"""Seconds for which an act is read back whose outcome is not known; in life 30."""
ANSWERS = 0.7
"""Seconds that ImaginePro may take to answer; in life 10."""
PATIENCE = 30.0
"""Seconds after which what is not told is lost."""
LATE = 0.3
"""How often what is not known of an act happens after all."""
REST = 0.5
"""Seconds between two acts on a token, at most."""
IN_FLIGHT = 0.6
"""Seconds from a confirmation to the kill that is to hit it, at most; an act without a fault takes some hundredths."""

CALM = Changes(
    None,
    decided=tuple(Setting(rule, enabled=False) for rule in (Rule.INACTIVE, Rule.FLAPPING, Rule.POOL, Rule.NEW)),
)
"""Stored before: what is switched off here is no news."""

WORDS: Mapping[State, str] = {
    State.DONE: " by <@{by}>",
    State.NOT_DONE: "could not be switched {wanted}, as <@{by}> asked",
    State.UNKNOWN: "not known whether {token} was switched {wanted}, as <@{by}> asked",
}
"""How the channel says what became of an act."""
AFTER_ALL = " after all: <@{by}> asked for it"
ENTRIES: Mapping[State, str] = {State.DONE: "done", State.NOT_DONE: "not done", State.UNKNOWN: "not known"}
FAULTS = [None] * 6 + [fault for name, fault in WRONG.items() if name != "429"]
"""Not that one, since ImaginePro would be left alone for a second."""


class Run:
    """One run, in a town."""

    def __init__(self, home: Town, rng: random.Random, name: str) -> None:
        self._report = Report(name)
        self._home = home
        self._rng = rng
        self._people = 0
        self._done = Counter[str]()
        self._copies: list[BotProcess] = []
        self._confirmed = asyncio.Event()
        self._stop = asyncio.Event()
        self._offset = datetime.now(UTC).timestamp() - time.monotonic()  # noqa: TID251 - of the clock that bots live by
        """Between the clock of effects and that of acts."""

    async def run(self, kills: int) -> Report:
        """Kill so often, let everything be told, and count."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            copies = [group.create_task(self._live(number)) for number in range(2)]
            await self._home.until_told(BASELINE, PATIENCE)
            people = [group.create_task(self._switch(1900 + number)) for number in range(TOKENS)]
            for _ in range(kills):
                await self._kill()
            self._stop.set()
            await asyncio.wait(people)
            async with open_store(self._home.environment["DATABASE_URL"]) as store:
                await self._quiet(store)
                for each in copies:
                    each.cancel()
                await asyncio.wait(copies)
                await self._count(store)
        self._report.figures["seconds"] = round(time.monotonic() - began)
        return self._report

    async def _live(self, number: int) -> None:
        """Keep a copy running."""
        while True:
            async with self._home.bot() as bot:
                self._copies[number : number + 1] = [bot]
                with contextlib.suppress(TimeoutError):
                    await bot.wait(10**6)
                self._report.remarks += bot.said(" CRITICAL ", "Traceback")
            await asyncio.sleep(self._rng.uniform(0, 0.3))

    async def _switch(self, token: int) -> None:
        """Let people switch a token off and on, one after the other."""
        upstream = self._home.upstream
        while not self._stop.is_set():
            wanted = "off" if upstream.fleet[token]["isActive"] else "on"
            if (fault := self._rng.choice(FAULTS)) is not None:
                upstream.fail(fault, times=1, at="TOGGLE")
            several = [self._person() for _ in range(1 + (self._rng.random() < 0.2))]
            await asyncio.gather(*(self._ask(each, token, wanted) for each in several))
            with contextlib.suppress(TimeoutError):  # nobody confirmed, or it was refused
                await self._home.discord.until(partial(self._any_told, several), 4 * READ_BACK)
                await self._happen_late(several, token, wanted)
            await asyncio.sleep(self._rng.uniform(0, REST))

    async def _happen_late(self, people: Sequence[Member], token: int, wanted: str) -> None:
        """Let what was sent and had no answer happen after all, sometimes: a proxy held it back."""
        said = [message for each in people for message in self._told(each.id)]
        unanswered = len(said) == 1 and re.search("not known|was still", said[0].now.content)
        if (
            unanswered
            and self._home.upstream.fleet[token]["isActive"] is (wanted == "off")
            and self._rng.random() < LATE
        ):
            self._home.upstream.fleet[token]["isActive"] = wanted == "on"
            self._home.upstream.note("TOGGLE", f"{token} {wanted}")
            self._done["happened late"] += 1
            await self._home.discord.until(lambda: sum(len(self._told(each.id)) for each in people) > 1, PATIENCE)

    def _person(self) -> Member:
        self._people += 1
        return Member(FIRST + self._people, f"p{self._people}", (OPERATORS.id,))

    async def _ask(self, person: Member, token: int, wanted: str) -> None:
        """Ask, and confirm; twice, sometimes, and at once."""
        discord = self._home.discord
        self._done["questions"] += 1
        with contextlib.suppress(LookupError):  # nobody is there to answer, or no command is registered yet
            question = await discord.command("toggle", person, patience=2, tokens=f"{token}", to=wanted)
            labels = [each for each in question.shown.buttons if each != "Cancel"]
            if not labels or question.message is None:
                return  # it is so already
            (label,) = labels
            twice = self._rng.random() < 0.3
            presses = [discord.press(question.message, label, person, patience=1) for _ in range(1 + twice)]
            self._done["confirmations"] += 1
            self._done["  pressed twice"] += twice
            pressing = asyncio.gather(*presses)
            self._confirmed.set()
            await pressing

    async def _kill(self) -> None:
        """Wait until somebody confirms, and kill in the midst of what follows."""
        self._confirmed.clear()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._confirmed.wait()
        await asyncio.sleep(self._rng.uniform(0, IN_FLIGHT))
        leader = self._leader()
        chance = self._rng.random()
        if leader is None or chance < 0.15:
            doomed = list(self._copies)
        else:
            doomed = [leader] if chance < 0.9 else [each for each in self._copies if each is not leader]
        for each in doomed:
            with contextlib.suppress(ProcessLookupError):
                each.process.kill()
        self._done["kills"] += 1
        self._done["  of the copy that led"] += leader in doomed
        self._done["  of both"] += len(doomed) > 1
        await asyncio.sleep(self._rng.uniform(0, 0.5))

    def _leader(self) -> BotProcess | None:
        """The copy that said last that it leads, if it still runs."""
        led = [each for each in self._copies if each.said("leading") and each.process.returncode is None]
        return led[0] if len(led) == 1 else None

    async def _quiet(self, store: Store) -> None:
        """Wait until nothing is open, nothing waits to be told, and polls have had the time to see what came late."""
        self._home.upstream.heal()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            open_ = [each for each in await _stored(store) if not each.settled]
            if not open_ and not await store.waiting():
                break
            await asyncio.sleep(0.2)
        await asyncio.sleep(3)
        self._report.broken["left in the outbox"] = ["a message"] * await store.waiting()

    async def _count(self, store: Store) -> None:
        stored = await _stored(store)
        entries: dict[int, list[Entry]] = defaultdict(list)
        for entry in reversed(await store.audit(10**6)):
            entries[entry.by].append(entry)
        effects = dict(self._effects(stored))
        outcomes = Counter(each.told for each in stored)
        self._report.figures |= {
            **self._done,
            "acts": len(stored),
            **{f"  {ENTRIES[state]}": outcomes[state] for state in ENTRIES},
            "  not known, and happened after all": sum(each.seen_at is not None for each in stored),
            "effects upstream": len(self._home.upstream.effects),
        }
        broken: dict[str, list[str]] = {
            "left open": [_name(each) for each in stored if not each.settled],
            "happened twice": [_name(each) for each in stored if len(effects.get(each.id, ())) > 1],
            "happened without an act": ["an effect"] * len(effects.get("", ())),
            "said to be done, and was not": [],
            "said not to be done, and was": [],
            "audit": [],
            "channel": [],
        }
        for each in stored:
            happened = bool(effects.get(each.id))
            said = each.state is State.DONE or each.seen_at is not None
            if said and not happened:
                broken["said to be done, and was not"].append(_name(each))
            if happened and not said:
                broken["said not to be done, and was"].append(f"{_name(each)}: {each.why}")
            wanted = ["about to", ENTRIES.get(each.told, "?"), *(["after all"] if each.seen_at else [])]
            if (found := [entry.act for entry in entries[each.by]]) != wanted:
                broken["audit"].append(f"{_name(each)}: {found}")
            values = {"by": each.by, "token": each.token, "wanted": each.wanted}
            words = [WORDS[each.told], *([AFTER_ALL] if each.seen_at else [])] if each.told in WORDS else []
            told = [message.now.content for message in self._told(each.by)]
            if len(told) != len(words) or not all(
                word.format_map(values) in text for word, text in zip(words, told, strict=True)
            ):
                broken["channel"].append(f"{_name(each)}: {told}")
        self._report.add({}, broken)

    def _effects(self, stored: Sequence[Act]) -> Iterator[tuple[str, list[Effect]]]:
        """What happened, by the id of the act that it came of: the last that began before on that token."""
        found: dict[str, list[Effect]] = defaultdict(list)
        for effect in self._home.upstream.effects:
            at = datetime.fromtimestamp(effect.at + self._offset, UTC) + timedelta(milliseconds=5)
            begun = [
                each
                for each in stored
                if effect.what == f"{each.token} {each.wanted}" and each.begun_at is not None and each.begun_at <= at
            ]
            found[max(begun, key=lambda each: each.at).id if begun else ""].append(effect)
        yield from found.items()

    def _any_told(self, people: Sequence[Member]) -> bool:
        return any(self._told(each.id) for each in people)

    def _told(self, person: int) -> list[Message]:
        """What the channel says of what somebody asked for."""
        return [each for each in self._home.discord.messages() if f"<@{person}>" in each.now.content]


async def _stored(store: Store) -> list[Act]:
    found = sa.select(acts.c.act).order_by(acts.c.at)
    return await store.database.read(lambda connection: list(connection.scalars(found)))


def _name(act: Act) -> str:
    return f"{act.token} {act.wanted} for p{act.by - FIRST}, {act.state}"


@contextlib.asynccontextmanager
async def _town(database_url: str, folder: Path) -> AsyncIterator[Town]:
    accounts = [token_record(BYSTANDER), *(token_record(1900 + number) for number in range(TOKENS))]
    async with open_store(database_url) as store:
        await store.save(CALM, datetime.now(UTC))  # noqa: TID251 - the bot of this town lives by it too
    async with town(database_url, folder, accounts) as place:
        place.environment.update(FAKE_ACTS=f"{READ_BACK}", FAKE_ANSWER=f"{ANSWERS}", FAKE_LEASE="3", FAKE_PAUSE="0.5")
        place.discord.answer_within = ANSWER_WITHIN
        place.discord.rate = Rate(20, 1.0)  # twenty times as fast as in life, so as not to wait for it
        yield place


async def killed(database_url: str, folder: Path, *, kills: int, seed: int) -> Report:
    """Run two copies of the bot on that database, kill so often, and count."""
    engine = database_url.partition(":")[0]
    async with _town(database_url, folder) as home:
        return await Run(home, random.Random(seed), f"{engine}, seed {seed}").run(kills)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.acts", description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database(options.engine, Path(name)) as url:
        return end(asyncio.run(killed(url, Path(name), kills=options.kills, seed=options.seed)))


if __name__ == "__main__":
    sys.exit(main())
