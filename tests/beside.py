"""Kill the bot while it speaks to people and in threads: `python -m tests.beside --kills 200 --engine sqlite --seed 1`.

Before each start, things to say are stored for two people, one who takes no direct messages and a thread, each thing
with a word of its own. The process is killed (SIGKILL) at any moment, a third of the time after Discord took a message
and before the bot could hear of it. Before some starts the bot's clock leaps, and Discord forgets all nonces, so that
some of these messages have to be looked for. Meanwhile somebody acknowledges and releases what the thread is about.

In the end each target must have heard each of its words once and in their order, the one who refuses none, and the
thread of each acknowledgement that is in the audit trail once. Exit code 1 if it is not so.
"""

import argparse
import asyncio
import contextlib
import random
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.domain.asides import Aside, Place, What
from bot.domain.incidents import Key, Note, Rule
from bot.domain.watch.known import Changes
from bot.storage.store import Store, open_store
from tests.kill import ENVIRONMENT, FEW, LATE, LIFE, PATIENCE, restless_town
from tests.report import Report, end
from tests.storage.servers import new_database
from tests.wire import world
from tests.wire.faults import HANG
from tests.wire.messages import Message
from tests.wire.process import BotProcess
from tests.wire.town import Town

KEY = Key(Rule.BANNED, 1900)
PEOPLE = (world.OPERATOR, world.COLLEAGUE)
REFUSES = world.VISITOR
_WORD = re.compile(r"word(\d+)")
HELD = "has it"


class Run:
    """One run: a town, what is to be said, and the killing."""

    def __init__(self, town: Town, rng: random.Random, life: float, name: str) -> None:
        self._town = town
        self._discord = town.discord
        self._rng = rng
        self._life = life
        self._report = Report(name)
        self._ahead = timedelta()
        self._words: dict[int, list[str]] = {each.id: [] for each in (*PEOPLE, REFUSES)}
        """What each target is to hear, in its order."""
        self._said = 0
        self._done = {"kills": 0, "  after Discord accepted": 0, "starts after the nonce memory": 0}

    async def run(self, kills: int) -> Report:
        """Kill so often, let everything be said, and count."""
        began = time.monotonic()
        self._discord.directs.refusing.add(REFUSES.id)
        card = await self._card()
        self._words[card.id] = []
        for _ in range(kills):
            await self._store_more()
            await self._life_and_death(card)
        async with self._town.bot() as bot, self._store() as store:
            deadline = time.monotonic() + PATIENCE
            while (waiting := await store.asides_waiting()) and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
            self._report.broken["left to be said"] = ["an aside"] * waiting
            entries = await store.audit(100_000)
            await bot.terminate()
            self._note_errors(bot)
        taken = sum(entry.act == "acknowledge" for entry in entries)
        self._count(card, taken)
        self._report.figures["seconds"] = round(time.monotonic() - began)
        return self._report

    def _store(self) -> "contextlib.AbstractAsyncContextManager[Store]":
        return open_store(self._town.environment["DATABASE_URL"])

    async def _card(self) -> Message:
        """A ban, whose card has a thread."""
        async with self._town.settled_bot() as bot:
            self._town.upstream.fleet[1900]["status"] = "BANNED"
            card = await self._town.until_told("Token 1900 is BANNED")
            await self._town.quiet_polls()  # the bot may not yet have stored that it is there
            await self._discord.press(card, "Discuss")
            await self._discord.until(lambda: "Discuss" not in card.now.buttons)
            await bot.terminate()
        return card

    async def _store_more(self) -> None:
        now = datetime.now(UTC) + self._ahead  # noqa: TID251 - the bot of this town lives by it too
        asides = []
        for target in self._rng.choices(list(self._words), k=self._rng.randint(1, 6)):
            self._said += 1
            word = f"word{self._said}"
            self._words[target].append(word)
            thread = target in self._discord.directs.channels
            place = Place.THREAD if thread else Place.PERSON
            asides.append(Aside(target, place, now, What.NOTE, (KEY,), notes=(Note(now, REFUSES.id, word),)))
        async with self._store() as store:
            await store.save(Changes(None, asides=tuple(asides)), now)

    async def _life_and_death(self, card: Message) -> None:
        accepted = False
        async with self._town.bot() as bot:
            if self._rng.random() < 1 / 3:
                accepted = await self._message_that_nobody_hears_of()
            else:
                pressing = asyncio.create_task(self._press(card, bot))
                await asyncio.sleep(self._rng.uniform(0, self._life))
                pressing.cancel()
                await asyncio.wait({pressing})
            await bot.kill()
            self._note_errors(bot)
        late = self._rng.random() < (0.4 if accepted else 0.1)
        self._done["kills"] += 1
        self._done["  after Discord accepted"] += accepted
        self._done["starts after the nonce memory"] += late
        if late:
            self._ahead += LATE
            (self._town.folder / "clock").write_text(f"{self._ahead.total_seconds()}")
            self._discord.board.forget_nonces()

    async def _press(self, card: Message, bot: BotProcess) -> None:
        """Let somebody acknowledge it, or release it."""
        await bot.wait_ready()
        button = next((each for each in ("Acknowledge", "Release") if each in card.now.buttons), None)
        if button is not None:
            await self._discord.press(card, button)

    async def _message_that_nobody_hears_of(self) -> bool:
        with self._discord.outage(HANG.after_accepting(), "POST", "/channels/*/messages", times=1) as outage:
            with contextlib.suppress(TimeoutError):
                await self._discord.until(lambda: outage.hits > 0, PATIENCE / 4)
                await asyncio.sleep(0.02)  # the fake says when it is asked, and takes the message right after
            return outage.hits > 0

    def _note_errors(self, bot: BotProcess) -> None:
        self._report.remarks += bot.said(" ERROR ", " CRITICAL ", "Traceback")

    def _count(self, card: Message, taken: int) -> None:
        directs = self._discord.directs
        heard = {
            **{each.id: directs.messages(each.id) for each in (*PEOPLE, REFUSES)},
            card.id: self._discord.messages(card.id),
        }
        lost, doubled, disordered = [], [], []
        for target, words in self._words.items():
            said = [f"word{number}" for message in heard[target] for number in _WORD.findall(message.now.content)]
            counts = Counter(said)
            if target != REFUSES.id:
                lost += [word for word in words if not counts[word]]
                disordered += [] if sorted(said, key=_number) == said else [f"to {target}"]
            doubled += [word for word, count in counts.items() if count > 1]
        held = _held(heard[card.id])
        calls = [call for call in self._discord.calls if call.path.endswith("/messages")]
        searches = sum(call.method == "GET" and f"/{each}/" in call.path for call in calls for each in directs.channels)
        self._report.figures = {
            **self._done,
            "asides": self._said,
            "messages": sum(map(len, heard.values())),
            "acknowledgements": taken,
            "searches for what may have been said": searches,
            "errors logged": len(self._report.remarks),
        }
        self._report.broken |= {
            "lost": lost,
            "said twice": doubled,
            "out of order": disordered,
            "acknowledgements lost or said twice": [] if held == taken else [f"{held} of {taken} were said"],
            "said to who refuses": [each.now.content for each in heard[REFUSES.id]],
        }


def _number(word: str) -> int:
    return int(word.removeprefix("word"))


def _held(messages: Sequence[Message]) -> int:
    return sum(each.now.content.count(HELD) - each.now.content.count("nobody has it") for each in messages)


async def killed(database_url: str, folder: Path, *, kills: int, seed: int, life: float = LIFE) -> Report:
    """Run the bot on that database, kill it so often, and count."""
    engine = database_url.partition(":")[0]
    async with restless_town(database_url, folder, FEW) as place:
        place.environment.update(ENVIRONMENT, FAKE_CLOCK=f"{folder}/clock", FAKE_PAUSE="1")
        return await Run(place, random.Random(seed), life, f"{engine}, seed {seed}").run(kills)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.beside", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database(options.engine, Path(name)) as url:
        return end(asyncio.run(killed(url, Path(name), kills=options.kills, seed=options.seed)))


if __name__ == "__main__":
    sys.exit(main())
