"""Kill the bot at random and count: `python -m tests.kill --kills 200 --engine sqlite --seed 1`.

The accounts of a simulated upstream flip; each waits until the channel tells of its flip, and flips again. Meanwhile
the process is killed (SIGKILL) and started again from nothing, at any moment: while it imports and starts, between any
two awaits, and, a third of the time, after Discord took a message and before the bot could hear of it. Before some
starts the bot's clock leaps, and Discord forgets all nonces, so that some such messages have to be looked for in the
channel.

Meanwhile people press Acknowledge on open critical cards, at any moment: while the bot runs, starts or is dead, and,
some of the time, right before it is killed. Each does so once, under a name of their own.

With `--channel forum` the ops channel is a forum with 20 tags, and it goes on until there were 200 incidents. Halfway
Discord is away for a quarter of an hour by the bot's clock. In the end each post must have the tags of what it tells,
and be closed if that is over, and each notice must stand in the post of its card.

In the end the channel must tell each flip exactly once, and name whoever was told that they have it, for good. Exit
code 1 if it does not.
"""

import argparse
import asyncio
import contextlib
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace as rebuilt
from datetime import UTC, datetime, timedelta
from itertools import zip_longest
from pathlib import Path

from bot.sandbox.imaginepro import token_record
from bot.storage.store import open_store
from tests.ledger import BYSTANDER, EACH_FLIP_BY_ITSELF, NEXT, Ledger, Story
from tests.people import People
from tests.report import Report, end
from tests.storage.servers import new_database
from tests.wire.discord import ANSWER_WITHIN, Rate
from tests.wire.faults import HANG, error
from tests.wire.process import BotProcess
from tests.wire.town import BASELINE, BOARD, Town, town
from tests.wire.world import FORUM, GUILD_ID, OPS, SEND_MESSAGES_IN_THREADS, Overwrite, Tag

FEW = 4
"""Tokens, of which each has at most one message to wait for: too few for a summary."""
MANY = 12
"""Tokens, of which enough flip while the bot is dead that their messages become summaries."""

NONCES_SURE = timedelta(seconds=2)
"""For how long the bot counts on Discord's memory of nonces; in life it is 75 seconds."""
LATE = timedelta(seconds=4)
"""By how much the bot's clock leaps when nobody is to remember."""

GROUPING = 2.0
"""Seconds for which others join a message; in life 20, in which these few tokens would seldom need a second one."""

LIFE = 3.0
"""Seconds from a start to a kill, at most; a start from nothing takes one or two."""
REST = 0.8
"""Seconds of rest of an account between two flips, at most."""
PATIENCE = 60.0
"""Seconds after which a flip that is not told is lost, and a message that does not come is not waited for."""

THINKING = 1.0
"""Seconds from one person's press to the next one's, at most."""
IN_FLIGHT = 0.2
"""Seconds from a press to the kill that is to hit it, at most; an answer takes a few hundredths."""

POSTS = "/channels/*/messages"
FORUM_POSTS = "/channels/*/threads"
ANSWERS = "/webhooks/*"


STATES = ("firing", "acknowledged", "silenced", "resolved")
TAGS = tuple(Tag(number, name) for number, name in enumerate((*STATES, "critical", "warning", "info"), 1)) + tuple(
    Tag(number, f"customer {number}") for number in range(8, 21)
)
"""As many as a forum can have."""
AWAY = timedelta(minutes=15)
"""For how long Discord is away from a forum, by the bot's clock."""
ABOUT_SEVERAL = re.compile(r"^\W*\d+ incidents")
"""What was folded since it waited: a notice of several cards is in the post of none."""
INCIDENTS = 200
"""In the long run of a forum."""


class Run:
    """One run: a town, the stories of its accounts, and the killing.

    Args:
        town: where the bot lives.
        rng: decides everything that is random, except what the machine does.
        life: seconds from a start to a kill, at most.
        name: of the report.
    """

    def __init__(self, town: Town, rng: random.Random, life: float, name: str) -> None:
        self._report = Report(name)
        self._life = life
        self._ahead = timedelta()
        """By how much the bot's clock is."""
        self._clock = town.folder / "clock"
        self._done = {
            "kills": 0,
            "  while it started": 0,
            "  after Discord accepted": 0,
            "starts after the nonce memory": 0,
        }
        self._forum = town.discord.forums.is_forum(town.discord.channel_id)
        self._town = town
        self._discord = town.discord
        self._rng = rng
        self._stories = [Story(token) for token in town.upstream.fleet if token != BYSTANDER]
        self._ledger = Ledger(town.discord, self._stories)
        self._stop = asyncio.Event()
        self._people = People(town.discord, rng)

    async def run(self, kills: int, incidents: int = 0) -> Report:
        """Kill so often, and until there were so many incidents, let everything be told, and count."""
        began = time.monotonic()
        async with self._accounts():
            while self._done["kills"] < kills or self._ledger.expected.total() < incidents:
                if self._forum and self._done["kills"] == kills // 2:
                    await self._outage()
                await self._life_and_death()
            async with self._town.bot() as bot:
                await self._everything_told(bot)
        await self._start_without_news()
        self._count()
        self._report.figures["seconds"] = round(time.monotonic() - began)
        return self._report

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
        async with self._town.bot() as bot:
            identified = len(self._discord.gateway.identifies)
            chance = self._rng.random()
            accepted = chance < 1 / 3 and await self._post_that_nobody_hears_of()
            pressed = chance > 3 / 4 and await self._press_in_flight(bot)
            if not accepted and not pressed:
                await asyncio.sleep(self._rng.uniform(0, self._life))
            self._done["  while it started"] += len(self._discord.gateway.identifies) == identified
            await bot.kill()
            for press in self._people.presses:
                press.owed |= press.confirmed and not press.shown(press.on.now)
            self._note_errors(bot)
        late = self._rng.random() < (0.3 if accepted else 0.05)
        self._done["kills"] += 1
        self._done["  after Discord accepted"] += accepted
        self._done["starts after the nonce memory"] += late
        if late:
            self._leap()
        await asyncio.sleep(self._rng.uniform(0, 0.3))

    async def _outage(self) -> None:
        """Let Discord be away for so long by the bot's clock, while it runs; it is killed in the midst of it."""
        with self._discord.outage(error(503), path="/[cg][hu]*") as outage:
            for _ in range(2):
                async with self._town.bot() as bot:
                    with contextlib.suppress(TimeoutError):
                        await self._discord.until(lambda: outage.hits > 0, PATIENCE / 4)
                    await asyncio.sleep(self._life)
                    self._leap(AWAY / 2)
                    await asyncio.sleep(self._life)
                    await bot.kill()
                    self._note_errors(bot)
        self._done["minutes of outage"] = round(AWAY.total_seconds() / 60)

    def _leap(self, by: timedelta = LATE) -> None:
        """Let so much time go by that nobody remembers a nonce."""
        self._ahead += by
        self._clock.write_text(f"{self._ahead.total_seconds()}")
        self._discord.board.forget_nonces()

    async def _post_that_nobody_hears_of(self) -> bool:
        """Wait until Discord took a message whose answer never comes; returns whether it did."""
        path = FORUM_POSTS if self._forum else POSTS
        with self._discord.outage(HANG.after_accepting(), "POST", path, times=1) as outage:
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
            if self._forum:  # alerts go first, and the last life is short
                await self._discord.until(lambda: self._boards() > 0, PATIENCE)
        await self._people.answered()
        async with open_store(self._town.environment["DATABASE_URL"]) as store:
            deadline = time.monotonic() + PATIENCE
            while (waiting := await store.waiting()) and time.monotonic() < deadline:
                await asyncio.sleep(0.1)
        self._report.broken["left in the outbox"] = ["a message"] * waiting
        await bot.terminate()
        self._note_errors(bot)

    async def _start_without_news(self) -> None:
        before = self._town.history()
        async with self._town.bot() as bot:
            await bot.wait_ready()
            await self._town.quiet_polls()
            await bot.terminate()
        noise = sum(a != b for a, b in zip_longest(before, self._town.history()))
        self._report.broken["said by a start without news"] = ["a post or an edit"] * noise

    def _note_errors(self, bot: BotProcess) -> None:
        self._report.remarks += bot.said(" ERROR ", " CRITICAL ", "Traceback")

    def _count(self) -> None:
        discord, people = self._discord, self._people
        took = sum(call.accepted or (call.fault is not None and call.fault.accepted) for call in discord.posts)
        searches = [call for call in discord.calls if call.method == "GET" and call.path.endswith("/messages")]
        self._report.figures = {
            **self._done,
            **self._ledger.figures,
            # Posts that Discord answered with the message of an earlier one.
            "repeated posts known by nonce": took - len(discord.messages()),
            "searches of the channel": len(searches),
            "errors logged": len(self._report.remarks),
            **people.figures,
            "killed between a yes and its card": sum(press.owed for press in people.presses),
        }
        self._report.add({}, {**self._ledger.broken, **people.broken, **(self._posts() if self._forum else {})})

    def _boards(self) -> int:
        return sum(post.name == BOARD for post in self._discord.forums.of(self._discord.channel_id))

    def _posts(self) -> dict[str, list[str]]:
        """Each post of the forum that is not as it should be, by promise."""
        forums = self._discord.forums
        posts = forums.of(self._discord.channel_id)
        told = {message.id: self._ledger.tally(message) for message in self._ledger.messages}
        wrong: tuple[list[str], list[str]] = [], []
        for post in posts:
            if tally := told.get(post.id):
                over = all(each.over for each in tally)
                states = {*forums.tags(post)} & {*STATES}
                right = {"resolved"} if over else {"firing"}, {"resolved"} if over else {"acknowledged"}
                wrong[0].extend([f"{post.name}: {states}"] * (states not in right))
                wrong[1].extend([f"{post.name}: {tally}"] * (post.archived is not over))
        outside = [
            message
            for message in self._ledger.notices
            if message.channel_id not in told and not ABOUT_SEVERAL.search(message.now.content)
        ]
        self._report.figures |= {
            "posts of the forum": len(posts),
            "  closed": sum(post.archived for post in posts),
            "changes of posts": sum(post.changes for post in posts),
        }
        return {
            "wrong tags": wrong[0],
            "closed or open against what is so": wrong[1],
            "notices outside of their posts": [message.now.text for message in outside],
            "not one board": [f"{self._boards()} boards"] * (self._boards() != 1),
        }


ENVIRONMENT = {"FAKE_NONCE_MEMORY": f"{NONCES_SURE.total_seconds()}", "FAKE_GROUPING": f"{GROUPING}"}


@asynccontextmanager
async def restless_town(database_url: str, folder: Path, tokens: int) -> AsyncIterator[Town]:
    """A town for stories of so many tokens, and a bystander, in which each flip is told by itself."""
    accounts = [token_record(BYSTANDER), *(token_record(1900 + number) for number in range(tokens))]
    async with open_store(database_url) as store:
        await store.save(EACH_FLIP_BY_ITSELF, datetime.now(UTC))  # noqa: TID251 - the bot of this town lives by it too
    async with town(database_url, folder, accounts) as place:
        place.environment.update(POLL_INTERVAL="1s", FAKE_POLL="1")
        place.discord.answer_within = ANSWER_WITHIN
        place.discord.rate = Rate(5, 1.0)  # five times as fast as in life, so as not to wait for it
        yield place


def make_forum(place: Town) -> None:
    """Let the ops channel be a forum, in which the bot may do all that it can make use of."""
    talking = (Overwrite(GUILD_ID, allow=SEND_MESSAGES_IN_THREADS),)
    forum = rebuilt(OPS, type=FORUM, tags=TAGS, overwrites=talking)
    others = [each for each in place.discord.guild.channels if each.id != OPS.id]
    place.discord.guild = rebuilt(place.discord.guild, channels=(forum, *others))
    place.discord.forums.may_manage = True


async def killed(
    database_url: str,
    folder: Path,
    *,
    kills: int,
    seed: int,
    tokens: int = FEW,
    life: float = LIFE,
    forum: bool = False,
    incidents: int = 0,
    **settings: str,
) -> Report:
    """Run the bot on that database, kill it so often, and until there were so many incidents, and count."""
    engine = database_url.partition(":")[0]
    async with restless_town(database_url, folder, tokens) as place:
        if forum:
            make_forum(place)
        place.environment.update(ENVIRONMENT, FAKE_CLOCK=f"{folder}/clock", **settings)
        name = f"{engine}, {tokens} tokens, seed {seed}{', a forum' * forum}"
        return await Run(place, random.Random(seed), life, name).run(kills, incidents)


def main() -> int:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.kill", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--engine", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tokens", type=int, default=FEW, help=f"from about {MANY} on, summaries occur")
    parser.add_argument("--channel", choices=["text", "forum"], default="text")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, new_database(options.engine, Path(name)) as url:
        forum = options.channel == "forum"
        run = killed(
            url,
            Path(name),
            kills=options.kills,
            seed=options.seed,
            tokens=options.tokens,
            forum=forum,
            incidents=INCIDENTS * forum,
        )
        return end(asyncio.run(run))


if __name__ == "__main__":
    sys.exit(main())
