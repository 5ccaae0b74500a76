"""A small world for the bot as a process: a simulated upstream, a fake Discord, a database, and the doors to them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.imaginepro import ENVIRONMENT, TokenRecord, Upstream, serving, token_record
from tests.wire.discord import PATIENCE, Discord
from tests.wire.messages import Message, Version
from tests.wire.process import BotProcess

BASELINE = "Now watching"
"""What the very first message says."""

BOARD = "Live board"
"""What the board of a forum is called."""


@dataclass(frozen=True, slots=True)
class Town:
    """Where the bot lives during a test."""

    discord: Discord
    upstream: Upstream
    environment: dict[str, str]
    """What the bot is configured with: it polls five times a second, and bears an upstream that is late for nine."""
    folder: Path
    """Where the bot runs."""

    def bot(self, *arguments: str, **settings: str) -> BotProcess:
        """The bot, to be started by `async with`; settings win over those of the town."""
        return BotProcess(self.discord, self.environment | settings, *arguments, folder=self.folder)

    @contextlib.asynccontextmanager
    async def settled_bot(self, **settings: str) -> AsyncIterator[BotProcess]:
        """The bot on its first day, once it is online and the channel has the summary of the fleet."""
        async with self.bot(**settings) as bot:
            await bot.wait_ready()
            await self.until_told(BASELINE)
            yield bot

    @property
    def cards(self) -> list[Message]:
        """The messages of the ops channel that are edited as they live; each has an embed."""
        return [message for message in self.discord.messages() if message.now.embeds and not self.is_board(message)]

    def is_board(self, message: Message) -> bool:
        """Whether it is the live board of a forum."""
        post = self.discord.forums.get(message.channel_id)
        return post is not None and post.name == BOARD

    @property
    def notices(self) -> list[str]:
        """What was said beside them, in plain text: reminders, answers, silences."""
        return [message.now.content for message in self.discord.messages() if not message.now.embeds]

    def told(self, words: str) -> list[Message]:
        """The cards that say so, or said so before an edit."""
        return [message for message in self.cards if any(words in v.text for v in message.versions)]

    async def until_told(self, words: str, within: float = PATIENCE) -> Message:
        """Wait until a card says so, and give the newest one that does.

        Raises:
            TimeoutError: it did not, within so many seconds.
        """
        await self.discord.until(lambda: any(words in message.now.text for message in self.cards), within)
        return next(message for message in reversed(self.cards) if words in message.now.text)

    def history(self) -> list[tuple[Version, ...]]:
        """The cards as they are, with all versions of each; equal to a later one if nothing happened."""
        return [tuple(message.versions) for message in self.cards]

    async def until_called(self, times: int, within: float = PATIENCE) -> None:
        """Wait until the upstream was called so many more times. While it answers, each call is one poll.

        Raises:
            TimeoutError: it was not, within so many seconds.
        """
        wanted = len(self.upstream.calls) + times
        async with asyncio.timeout(within):
            while len(self.upstream.calls) < wanted:
                await asyncio.sleep(0.02)

    async def quiet_polls(self, times: int = 2) -> None:
        """Wait until so many polls, begun from now on, were judged and what they called for was delivered.

        A poll begins after the one before it was stored.
        """
        await self.until_called(times + 1)


@contextlib.asynccontextmanager
async def town(database_url: str, folder: Path, accounts: Iterable[TokenRecord] = ()) -> AsyncIterator[Town]:
    """Open a town; without accounts, it has 1900, 1901 and 1902, all FAST with most of their fast time."""
    upstream = Upstream(tuple(accounts) or (token_record(1900), token_record(1901), token_record(1902)))
    async with serving(upstream) as url, Discord().serving() as discord:
        discord.answer_within = PATIENCE
        environment = {
            **discord.environment,
            "IMAGINEPRO_API_KEY": upstream.api_key,
            "IMAGINEPRO_API_URL": url,
            "IMAGINEPRO_RATE_LIMIT": "20/1s",
            **ENVIRONMENT,
            "POLL_INTERVAL": "10s",
            "DIGEST_AT": "off",  # a test may run while the host's clock passes it
            "FAKE_POLL": "0.2",
            "DATABASE_URL": database_url,
        }
        yield Town(discord, upstream, environment, folder)
