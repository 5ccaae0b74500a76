"""Runs `python -m bot` against the fake Discord: `python -P tests/wire/launch.py [arguments of the bot]`.

The addresses come from FAKE_DISCORD_API and FAKE_DISCORD_GATEWAY. Times that are too long for a test may be set, in
seconds: FAKE_NONCE_MEMORY, for which the bot counts on Discord's memory of nonces; FAKE_GROUPING, for which incidents
of one rule join the message of the first; FAKE_HEARTBEAT_TIMEOUT, for which the bot bears a gateway that says nothing,
not even to its heartbeats; FAKE_LONGEST_PAUSE, for which it leaves a gateway alone.
Everything else is the real program. `-P` keeps this folder off the import path, where its `discord.py` would stand
before the library. Coverage starts by itself in a process whose environment asks for it (COVERAGE_PROCESS_START or
COVERAGE_PROCESS_CONFIG).
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
from bot.chat import client
from bot.storage.store import Grouping, Store

READY_AFTER = 0.05
"""Seconds without another server until discord.py says ready; its own default is 2, and here is one server."""


def point_at(api: str, gateway: str, heartbeat_timeout: float) -> None:
    """Let discord.py of this process talk to the Discord at these addresses."""
    defaults = {"guild_ready_timeout": READY_AFTER, "heartbeat_timeout": heartbeat_timeout}
    Route.BASE = api
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway)
    whole = ConnectionState.__init__

    @functools.wraps(whole)
    def quick(self: ConnectionState[Any], **options: Any) -> None:  # noqa: ANN401 - discord.py's own options
        whole(self, **defaults | options)

    ConnectionState.__init__ = quick  # type: ignore[method-assign] # the default is written inside it


if __name__ == "__main__":
    environment = os.environ  # noqa: TID251 - this is a composition root
    silence = float(environment.get("FAKE_HEARTBEAT_TIMEOUT", "60"))
    point_at(environment["FAKE_DISCORD_API"], environment["FAKE_DISCORD_GATEWAY"], silence)
    if "FAKE_NONCE_MEMORY" in environment:
        outbox.NONCE_MEMORY = timedelta(seconds=float(environment["FAKE_NONCE_MEMORY"]))
    if "FAKE_GROUPING" in environment:
        grouping = Grouping(timedelta(seconds=float(environment["FAKE_GROUPING"])))
        Store.save = functools.partialmethod(Store.save, grouping=grouping)  # type: ignore[assignment] # the same call
    if "FAKE_LONGEST_PAUSE" in environment:
        client.LONGEST_PAUSE = timedelta(seconds=float(environment["FAKE_LONGEST_PAUSE"]))
    main(sys.argv[1:])
