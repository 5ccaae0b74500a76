"""Kill the bot at random and count: `python -m tests.kill --kills 200 --engine sqlite --seed 1`.

The accounts of a simulated upstream flip; each waits until the channel tells of its flip, and flips again. Meanwhile
the process is killed (SIGKILL) and started again, at any moment: while it starts, between any two awaits, and, a third
of the time, after Discord took a message and before the bot could hear of it. Discord's memory of nonces is made a few
seconds short, in the bot as in the fake, so that some such messages have to be looked for in the channel.

Meanwhile people press Acknowledge on open critical cards, at any moment: while the bot runs, starts or is dead, and,
some of the time, right before it is killed. Each does so once, under a name of their own.

In the end the channel must tell each flip exactly once, and name whoever was told that they have it, for good. Exit
code 1 if it does not.
"""

import argparse
import asyncio
import contextlib
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.sandbox.imaginepro import account
from bot.storage.store import open_store
from tests.ledger import EACH_FLIP_BY_ITSELF, NEXT, Ledger, Story
from tests.people import People
from tests.storage.servers import new_database
from tests.wire.discord import Rate
from tests.wire.faults import HANG
from tests.wire.process import BotProcess
from tests.wire.town import BASELINE, Town, town

BYSTANDER = 1800
"""A token that always works: some always do, or else it would be news."""
FEW = 4
"""Tokens, of which each has at most one message to wait for: too few for a summary."""
MANY = 12
"""Tokens, of which enough flip while the bot is dead that their messages become summaries."""

NONCES_SURE = timedelta(seconds=2)
"""For how long the bot counts on Discord's memory of nonces; in life it is two minutes."""
NONCES_KEPT = 4.0
"""For how many seconds the fake remembers; in life "a few minutes"."""
LATE = 4.5
"""Seconds after which nobody remembers."""

GROUPING = 2.0
"""Seconds for which others join a message; in life 20, in which these few tokens would seldom need a second one."""

LIFE = 3.0
"""Seconds from a start to a kill, at most; a start takes one or two."""
REST = 0.8
"""Seconds of rest of an account between two flips, at most."""
PATIENCE = 60.0
"""Seconds after which a flip that is not told is lost, and a message that does not come is not waited for."""

THINKING = 1.0
"""Seconds from one person's press to the next one's, at most."""
IN_FLIGHT = 0.2
"""Seconds from a press to the kill that is to hit it, at most; an answer takes a few hundredths."""

POSTS = "/channels/*/messages"
ANSWERS = "/webhooks/*"


@dataclass(slots=True)
class Counts:
    """What was done, and what came of it."""

    kills: int = 0
    starting: int = 0
    """Kills before the bot was online."""
    accepted: int = 0
    """Kills after Discord took a message and before the bot could hear of it."""
    late: int = 0
    """Starts after Discord's memory of nonces."""
    flips: int = 0
    posts: int = 0
    edits: int = 0
    repeats: int = 0
    summaries: int = 0
    by_nonce: int = 0
    """Posts that Discord answered with the message of an earlier one."""
    by_history: int = 0
    """Requests for the channel's history."""
    notices: int = 0
    confirmed: int = 0
    """Presses on Acknowledge that were answered with yes."""
    owed: int = 0
    """Those of them that the card did not show when the bot was killed."""
    unconfirmed: int = 0
    """Presses that were not: the bot was dead or died, or it was over, or somebody else's."""
    stored: int = 0
    """Those of them that count all the same: the bot died between the database and the answer."""
    forgotten: int = 0
    lost: int = 0
    doubled: int = 0
    muddled: int = 0
    chatter: int = 0
    """Ends that were said too often, and messages that were posted twice."""
    waiting: int = 0
    """Messages that are still in the outbox after everything was told."""
    noise: int = 0
    """Posts and edits of one more start in which nothing had changed."""
    errors: list[str] = field(default_factory=list)
    """Lines of the log that say ERROR or CRITICAL."""
    seconds: float = 0.0
    story: str = ""
    """What was lost, doubled or muddled."""

    @property
    def good(self) -> bool:
        """Whether everything was told, once, and nobody forgotten."""
        broken = self.lost, self.doubled, self.muddled, self.chatter, self.forgotten, self.waiting, self.noise
        return not any(broken)

    def table(self) -> str:
        """A line a number."""
        rows = {
            "kills": self.kills,
            "  while it started": self.starting,
            "  after Discord accepted": self.accepted,
            "starts after the nonce memory": self.late,
            "flips": self.flips,
            "posts": self.posts,
            "  groups and summaries among them": self.summaries,
            "  notices among them": self.notices,
            "edits": self.edits,
            "  that changed nothing": self.repeats,
            "repeated posts known by nonce": self.by_nonce,
            "searches of the channel": self.by_history,
            "errors logged": len(self.errors),
            "acknowledgements confirmed": self.confirmed,
            "  killed before the card said so": self.owed,
            "presses not confirmed": self.unconfirmed,
            "  and stored all the same": self.stored,
            "confirmed and forgotten": self.forgotten,
            "lost": self.lost,
            "doubled": self.doubled,
            "taken back": self.muddled,
            "notices doubled": self.chatter,
            "left in the outbox": self.waiting,
            "writes of a start without news": self.noise,
            "seconds": round(self.seconds),
        }
        return "\n".join(f"{name:<34}{number:>6}" for name, number in rows.items())


class Run:
    """One run: a town, the stories of its accounts, and the killing.

    Args:
        town: where the bot lives.
        rng: decides everything that is random, except what the machine does.
    """

    def __init__(self, town: Town, rng: random.Random) -> None:
        self.counts = Counts()
        self._town = town
        self._discord = town.discord
        self._rng = rng
        self._stories = [Story(token) for token in town.upstream.fleet if token != BYSTANDER]
        self._ledger = Ledger(town.discord, self._stories)
        self._stop = asyncio.Event()
        self._people = People(town.discord, rng)

    async def run(self, kills: int) -> Counts:
        """Kill so often, let everything be told, and count."""
        started = time.monotonic()
        async with self._accounts():
            for _ in range(kills):
                await self._life_and_death()
            async with self._town.bot(**ENVIRONMENT) as bot:
                await self._everything_told(bot)
        await self._start_without_news()
        self._count()
        self.counts.seconds = time.monotonic() - started
        return self.counts

    @asynccontextmanager
    async def _accounts(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            for story in self._stories:
                group.create_task(self._live(story))
            group.create_task(self._press())
            yield

    async def _live(self, story: Story) -> None:
        """Flip, wait until it is told, rest, and flip again, until asked to stop."""
        await self._discord.until(lambda: bool(self._town.told(BASELINE)), PATIENCE)
        while not self._stop.is_set():
            story.statuses.append(self._rng.choice(NEXT[story.status]))
            self._town.upstream.fleet[story.token]["status"] = story.status
            try:
                await self._discord.until(lambda: self._ledger.tells(story), PATIENCE)
            except TimeoutError:
                return  # lost, or told otherwise: the count at the end says so
            await asyncio.sleep(self._rng.uniform(0, REST))

    async def _press(self) -> None:
        """Let people press now and then, whether the bot lives or not, until asked to stop."""
        while not self._stop.is_set():
            self._people.press()
            await asyncio.sleep(self._rng.uniform(0, THINKING))

    async def _press_in_flight(self, bot: BotProcess) -> bool:
        """Let somebody press while the bot is online, and stop in the midst of it; returns whether somebody did.

        That is at any moment before the answer, or when the answer is under way: the person hears it or not, and the
        bot never learns which.
        """
        await bot.wait_ready()
        fault = self._rng.choice((HANG, HANG.after_accepting()))
        with self._discord.outage(fault, "PATCH", ANSWERS, times=1) as outage:
            try:
                await self._discord.until(self._people.press, PATIENCE / 4)
            except TimeoutError:
                return False
            with contextlib.suppress(TimeoutError):
                await self._discord.until(lambda: outage.hits > 0, self._rng.uniform(0, IN_FLIGHT))
                await asyncio.sleep(0.02)  # as above
            return True

    async def _life_and_death(self) -> None:
        async with self._town.bot(**ENVIRONMENT) as bot:
            identified = len(self._discord.gateway.identifies)
            chance = self._rng.random()
            accepted = chance < 1 / 3 and await self._post_that_nobody_hears_of()
            pressed = chance > 3 / 4 and await self._press_in_flight(bot)
            if not accepted and not pressed:
                await asyncio.sleep(self._rng.uniform(0, LIFE))
            self.counts.starting += len(self._discord.gateway.identifies) == identified
            await bot.kill()
            for press in self._people.presses:
                press.owed |= press.confirmed and not press.shown(press.on.now)
            self._note_errors(bot)
        late = self._rng.random() < (0.3 if accepted else 0.05)
        self.counts.kills += 1
        self.counts.accepted += accepted
        self.counts.late += late
        await asyncio.sleep(LATE if late else self._rng.uniform(0, 0.3))

    async def _post_that_nobody_hears_of(self) -> bool:
        """Wait until Discord took a message whose answer never comes; returns whether it did."""
        with self._discord.outage(HANG.after_accepting(), "POST", POSTS, times=1) as outage:
            with contextlib.suppress(TimeoutError):
                await self._discord.until(lambda: outage.hits > 0, PATIENCE / 4)
                await asyncio.sleep(0.02)  # the fake says when it is asked, and takes the message right after
            return outage.hits > 0

    async def _everything_told(self, bot: BotProcess) -> None:
        """Ask the accounts to stop, wait until the last flip is told and the outbox is empty.

        Before that somebody must have an incident at last, or else nobody could have been forgotten.
        """
        with contextlib.suppress(TimeoutError):
            await self._discord.until(lambda: any(press.confirmed for press in self._people.presses), PATIENCE)
        self._stop.set()
        with contextlib.suppress(TimeoutError):
            await self._discord.until(lambda: self._ledger.shown == self._ledger.expected, PATIENCE)
        await self._people.answered()
        async with open_store(self._town.environment["DATABASE_URL"]) as store:
            deadline = time.monotonic() + PATIENCE
            while (waiting := await store.waiting()) and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
        self.counts.waiting = waiting
        await bot.terminate()
        self._note_errors(bot)

    async def _start_without_news(self) -> None:
        before = self._town.history()
        async with self._town.bot(**ENVIRONMENT) as bot:
            await bot.wait_ready()
            await self._town.quiet_polls()
            await bot.terminate()
        self.counts.noise = sum(a != b for a, b in zip(before, self._town.history(), strict=False))
        self.counts.noise += len(self._town.history()) - len(before)

    def _note_errors(self, bot: BotProcess) -> None:
        marks = (" ERROR ", " CRITICAL ", "Traceback")
        self.counts.errors += [line for line in bot.output.splitlines() if any(mark in line for mark in marks)]

    def _count(self) -> None:
        counts, ledger = self.counts, self._ledger
        messages = self._discord.messages()
        counts.flips = sum(story.flips for story in self._stories)
        counts.posts = len(messages)
        counts.edits, counts.repeats = ledger.edits, ledger.repeats
        counts.summaries, counts.notices = len(ledger.summaries), len(ledger.notices)
        presses = self._people.presses
        counts.confirmed = sum(press.confirmed for press in presses)
        counts.owed = sum(press.owed for press in presses)
        counts.unconfirmed = len(presses) - counts.confirmed
        counts.stored = sum(press.shown(press.on.now) for press in presses if not press.confirmed)
        counts.forgotten = len(self._people.forgotten)
        took = sum(call.accepted or (call.fault is not None and call.fault.accepted) for call in self._discord.posts)
        counts.by_nonce = took - len(messages)
        counts.by_history = sum(
            call.method == "GET" and call.path.endswith("/messages") for call in self._discord.calls
        )
        # The summary of the first reading is no flip, and must be told once as well.
        counts.doubled = ledger.doubled.total() + len(self._town.told(BASELINE)) - 1
        counts.lost, counts.muddled = ledger.lost.total(), len(ledger.muddled)
        counts.chatter = ledger.repeated + ledger.chatter
        counts.story = "\n".join(
            [f"lost: {told}" for told in ledger.lost]
            + [f"doubled: {told}" for told in ledger.doubled]
            + [f"taken back: {text}" for text in ledger.muddled]
            + [f"forgotten: {press.by.id}\n{press.on.now.text}" for press in self._people.forgotten]
        )


ENVIRONMENT = {"FAKE_NONCE_MEMORY": f"{NONCES_SURE.total_seconds()}", "FAKE_GROUPING": f"{GROUPING}"}


async def killed(database_url: str, folder: Path, *, kills: int, seed: int, tokens: int = FEW) -> Counts:
    """Run the bot on that database, kill it so often, and count."""
    accounts = [account(BYSTANDER), *(account(1900 + number) for number in range(tokens))]
    async with open_store(database_url) as store:
        await store.save(EACH_FLIP_BY_ITSELF, datetime.now(UTC))  # noqa: TID251 - the bot of this town lives by it too
    async with town(database_url, folder, accounts) as place:
        place.discord.rate = Rate(5, 1.0)  # five times as fast as in life, so as not to wait for it
        place.discord.board.nonce_memory = NONCES_KEPT
        return await Run(place, random.Random(seed)).run(kills)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=FEW, help=f"from about {MANY} on, summaries occur")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database(options.engine, Path(name)) as url:
        counts = asyncio.run(killed(url, Path(name), kills=options.kills, seed=options.seed, tokens=options.tokens))
    heading = f"{options.engine}, {options.tokens} tokens, seed {options.seed}"
    sys.stdout.write("\n".join([heading, counts.table(), *counts.errors[:5], counts.story, ""]))
    return 0 if counts.good else 1


if __name__ == "__main__":
    sys.exit(main())
