"""A live board through the bot's whole life: killed, replaced, and with the ops channel elsewhere."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.waiting import until
from tests.wire.messages import Message
from tests.wire.town import Town, town
from tests.wire.world import LOUNGE


@pytest.fixture
async def home(sqlite_url: str, tmp_path: Path) -> AsyncIterator[Town]:
    """A town whose bot remembers in a file."""
    async with town(sqlite_url, tmp_path) as home:
        yield home


def board(home: Town) -> Message:
    """The one that there is."""
    (found,) = [message for message in home.cards if "Next refills" in message.now.text]
    return found


async def test_whoever_leads_keeps_the_same_message_and_says_for_how_long_nobody_looked(home: Town) -> None:
    """Two copies, of which one is killed; the other also has another ops channel by now, and the board stays."""
    clock = home.folder / "clock"
    async with home.settled_bot() as first:
        answer = await home.discord.command("board here")
        assert answer.message is not None
        await home.discord.until(lambda: "The board is here" in ((answer.message and answer.message.now.text) or ""))
        assert "3 tokens work" in board(home).now.text
        assert home.discord.pinned == [board(home).id]
        async with home.bot(OPS_CHANNEL_ID=str(LOUNGE.id), FAKE_CLOCK=str(clock)) as second:
            await until("the standby", lambda: second.said("standing by"))
            clock.write_text("600")
            home.upstream.fleet[1900]["status"] = "BANNED"
            await first.kill()
            await home.discord.until(lambda: "nobody has it" in board(home).now.text)
            assert "blind for 1" in board(home).now.text  # ten minutes, and what the machine takes
            assert len([call for call in home.discord.posts if "Next refills" in call.body]) == 1
