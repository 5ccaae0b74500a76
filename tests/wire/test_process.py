"""The harness of the process, held against the real bot: it starts, is frozen, ends and leaves nothing behind."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.wire.discord import PATIENCE, Discord
from tests.wire.forks import Parent
from tests.wire.process import BotProcess

NOBODY = "http://127.0.0.1:9"
"""An upstream that nobody serves: the bot is at Discord all the same."""


@pytest.fixture
def environment(fake_discord: Discord) -> dict[str, str]:
    """Settings of a bot whose upstream is away."""
    return {**fake_discord.environment, "IMAGINEPRO_API_KEY": "key", "IMAGINEPRO_API_URL": NOBODY}


@pytest.fixture(
    params=[pytest.param(BotProcess.from_nothing, id="from nothing"), pytest.param(contextlib.nullcontext, id="forked")]
)
def _each_start(request: pytest.FixtureRequest) -> Iterator[None]:
    """Bots start from nothing, and as forks: that must make no difference to what a test sees of them."""
    with request.param():
        yield


@pytest.mark.usefixtures("_each_start")
async def test_the_bot_connects_is_frozen_goes_on_and_ends_when_asked_to(
    fake_discord: Discord, environment: dict[str, str], tmp_path: Path
) -> None:
    async with BotProcess(fake_discord, environment, folder=tmp_path) as bot:
        await bot.wait_ready()
        bot.stop()
        fake_discord.answer_within = 0.3
        assert (await fake_discord.command("tokens")).reply is None
        fake_discord.answer_within = PATIENCE
        bot.cont()
        assert (await fake_discord.command("tokens")).reply is not None
        assert bot.running
        ended = await bot.terminate()
    assert ended.code == 0, bot.output
    assert not bot.running
    with pytest.raises(ProcessLookupError):
        bot.process.send_signal(signal.SIGTERM)
    assert fake_discord.token not in bot.output


@pytest.mark.usefixtures("_each_start")
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


@pytest.mark.usefixtures("_each_start")
async def test_a_bot_that_cannot_start_says_why_and_is_never_ready(fake_discord: Discord, tmp_path: Path) -> None:
    async with BotProcess(fake_discord, {}, folder=tmp_path) as bot:
        with pytest.raises(AssertionError, match="DISCORD_TOKEN"):
            await bot.wait_ready()
        assert (await bot.wait()).code == 78


@pytest.mark.usefixtures("_each_start")
async def test_a_process_has_the_environment_the_folder_and_the_arguments_that_it_was_given_and_no_more(
    fake_discord: Discord, environment: dict[str, str], tmp_path: Path
) -> None:
    """And no file of those who started it is open in it, which would never see the end of what it leads to."""
    async with BotProcess(fake_discord, environment | {"LOG_LEVEL": "debug"}, "run", folder=tmp_path) as bot:
        async with BotProcess(fake_discord, {}, "check", folder=tmp_path) as other:
            assert (await other.wait()).code == 78
            assert "IMAGINEPRO_API_KEY" in other.stderr
        await bot.wait_ready()
        assert "DEBUG" in bot.stderr
        process = Path(f"/proc/{bot.process.pid}")
        assert (process / "cwd").readlink() == tmp_path
        opened = {each.name: str(each.readlink()).partition(":")[0] for each in (process / "fd").iterdir()}
        assert [opened.pop(number) for number in "012"] == ["/dev/null", "pipe", "pipe"]
        assert "pipe" not in opened.values()


@pytest.mark.parametrize("frozen", [False, True])
async def test_what_was_forked_ends_with_whoever_asked_for_it(
    environment: dict[str, str], tmp_path: Path, *, frozen: bool
) -> None:
    parent = Parent({})
    nowhere = {"FAKE_DISCORD_API": NOBODY, "FAKE_DISCORD_GATEWAY": NOBODY}
    fork = await parent.fork([], environment | nowhere, tmp_path)
    assert fork.stderr is not None
    await fork.stderr.readline()
    assert fork.returncode is None
    if frozen:
        fork.send_signal(signal.SIGSTOP)
    await asyncio.to_thread(parent.close)  # as the end of its process closes what it has open
    assert await fork.wait() == -signal.SIGKILL
    with pytest.raises(ProcessLookupError):
        os.kill(fork.pid, 0)  # sends nothing


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
