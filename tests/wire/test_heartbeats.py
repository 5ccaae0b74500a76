"""Heartbeats of the fake Discord's gateway, which discord.py sends from a thread, in real time."""

import json
import math

import pytest

from tests.waiting import until
from tests.wire import test_discord_fake
from tests.wire.discord import Discord
from tests.wire.gateway import Mood, Op
from tests.wire.test_discord_fake import fake, online  # noqa: F401 - a fixture

BEAT = 0.2
"""Seconds."""


async def test_a_gateway_that_answers_no_heartbeat_is_left(fake: Discord) -> None:  # noqa: F811
    fake.gateway.heartbeat_interval = BEAT
    fake.gateway.mood = Mood.DEAF
    async with online() as bot:
        await fake.until(lambda: len(fake.gateway.resumes) >= 1, 60)
        fake.gateway.mood = Mood.WELL
        assert not bot.is_closed()


async def test_heartbeats_keep_a_session_alive(fake: Discord, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    monkeypatch.setattr(test_discord_fake, "HEARTBEAT_TIMEOUT", 20.0)  # the machine may stand still for a while
    fake.gateway.heartbeat_interval = BEAT
    async with online() as bot:
        await until("eight heartbeats", lambda: len(beats(fake)) >= 8, within=60)
        await until("an answer to one", lambda: math.isfinite(bot.latency))
    assert len(fake.gateway.connects) == 1


def beats(fake: Discord) -> list[str]:  # noqa: F811
    """The heartbeats that came."""
    return [frame for frame in fake.gateway.frames if json.loads(frame)["op"] == Op.HEARTBEAT]
