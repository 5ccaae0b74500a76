"""Runs `python -m bot` against the fake Discord: `python -P tests/wire/launch.py [arguments of the bot]`.

The addresses come from FAKE_DISCORD_API and FAKE_DISCORD_GATEWAY. FAKE_NONCE_MEMORY, if set, is for how many seconds
the bot counts on Discord's memory of nonces. Everything else is the real program. `-P` keeps this folder off the import
path, where its `discord.py` would stand before the library. Coverage starts by itself in a process whose environment
asks for it (COVERAGE_PROCESS_START or COVERAGE_PROCESS_CONFIG).
"""

import functools
import os
import sys
from datetime import timedelta
from typing import Any

import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route
from discord.state import ConnectionState

from bot import outbox
from bot.__main__ import main

READY_AFTER = 0.05
"""Seconds without another server until discord.py says ready; its own default is 2, and here is one server."""


def point_at(api: str, gateway: str) -> None:
    """Let discord.py of this process talk to the Discord at these addresses."""
    Route.BASE = api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    whole = ConnectionState.__init__

    @functools.wraps(whole)
    def quick(self: ConnectionState[Any], **options: Any) -> None:  # noqa: ANN401 - discord.py's own options
        whole(self, **{"guild_ready_timeout": READY_AFTER} | options)

    ConnectionState.__init__ = quick  # type: ignore[method-assign] # the default is written inside it


if __name__ == "__main__":
    environment = os.environ  # noqa: TID251 - this is a composition root
    point_at(environment["FAKE_DISCORD_API"], environment["FAKE_DISCORD_GATEWAY"])
    if "FAKE_NONCE_MEMORY" in environment:
        outbox.NONCE_MEMORY = timedelta(seconds=float(environment["FAKE_NONCE_MEMORY"]))
    main(sys.argv[1:])
