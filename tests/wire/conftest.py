"""The fixtures of this folder."""

from tests.wire.fixtures import fake_discord

__all__ = ["fake_discord"]
