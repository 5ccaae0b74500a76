"""The harness of the process, held against the real bot: it starts, is frozen, ends and leaves nothing behind."""

import signal
from pathlib import Path

import pytest

from tests.wire.discord import Discord
from tests.wire.process import BotProcess

NOBODY = "http://127.0.0.1:9"
"""An upstream that nobody serves: the bot is at Discord all the same."""


@pytest.fixture
def environment(fake_discord: Discord) -> dict[str, str]:
    """Settings of a bot whose upstream is away."""
    return {**fake_discord.environment, "IMAGINEPRO_API_KEY": "key", "IMAGINEPRO_API_URL": NOBODY}


async def test_the_bot_connects_is_frozen_goes_on_and_ends_when_asked_to(
    fake_discord: Discord, environment: dict[str, str], tmp_path: Path
) -> None:
    async with BotProcess(fake_discord, environment, folder=tmp_path) as bot:
        await bot.wait_ready()
        bot.stop()
        assert (await fake_discord.command("tokens", patience=0)).reply is None
        bot.cont()
        assert (await fake_discord.command("tokens")).reply is not None
        ended = await bot.terminate()
    assert ended.code == 0, bot.output
    assert ended.seconds < 3
    assert fake_discord.token not in bot.output


@pytest.mark.parametrize("frozen", [False, True])
async def test_leaving_the_block_kills_the_bot(
    fake_discord: Discord, environment: dict[str, str], tmp_path: Path, *, frozen: bool
) -> None:
    async with BotProcess(fake_discord, environment, folder=tmp_path) as bot:
        await bot.wait_ready()
        if frozen:
            bot.stop()
    assert not bot.running
    assert bot.process.returncode == -signal.SIGKILL


async def test_a_bot_that_cannot_start_says_why_and_is_never_ready(fake_discord: Discord, tmp_path: Path) -> None:
    async with BotProcess(fake_discord, {}, folder=tmp_path) as bot:
        with pytest.raises(AssertionError, match="DISCORD_TOKEN"):
            await bot.wait_ready()
        assert (await bot.wait()).code == 78


async def test_a_second_process_is_ready_by_its_own_session(
    fake_discord: Discord, environment: dict[str, str], tmp_path: Path
) -> None:
    for count in (1, 2):
        async with BotProcess(fake_discord, environment, folder=tmp_path) as bot:
            await bot.wait_ready()
            assert len(fake_discord.gateway.identifies) == count


def test_a_process_that_was_not_started_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        _ = BotProcess(Discord(), {}, folder=tmp_path).process
