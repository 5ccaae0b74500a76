"""Fixtures for tests of the process: import the names into the `conftest.py` of the folder that wants them."""

from collections.abc import AsyncIterator

import pytest

from tests.wire.discord import Discord


@pytest.fixture
async def fake_discord() -> AsyncIterator[Discord]:
    """A Discord that listens, with its real rate limit."""
    async with Discord().serving() as discord:
        yield discord
