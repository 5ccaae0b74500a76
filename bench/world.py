"""The outside world of a measurement, in a process of its own: ImaginePro with a fleet, and Discord.

`python -m bench.world SIZE` prints its addresses as a line of JSON, and then does what each line of its input says and
answers with a line: what it costs to play the world is nobody's but its own.
"""

import asyncio
import json
import random
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import msgspec

from bot.sandbox.imaginepro import TokenRecord, Upstream, serving, token_record
from bot.sandbox.scenarios import fast_text
from bot.settings import Settings, load
from tests.wire import launch
from tests.wire.discord import Discord

FIRST_ID: Final = 1900
CHANGED: Final = 0.01
"""The part of the fleet that reads otherwise in each poll."""

_HOURS: Final = {"Basic": 3.3, "Standard": 15.0, "Pro": 30.0, "Mega": 60.0}
_DAY: Final = 86_400
_RENEWS: Final = 1_893_456_000
_PATIENCE: Final = timedelta(seconds=60)
_LONGEST_LINE: Final = 64 * 2**20


def fleet(size: int) -> Iterable[TokenRecord]:
    """Tokens that differ from one another as real ones do; all FAST and with enough fast time."""
    dice = random.Random(size)
    for number in range(size):
        plan = dice.choice(list(_HOURS))
        left = dice.uniform(0.4, 1.0) * _HOURS[plan]
        yield token_record(
            FIRST_ID + number,
            plan=plan,
            fast=fast_text(left, _HOURS[plan]),
            renews=_RENEWS + dice.randrange(30 * _DAY),
            lifetimeUsage=f"{dice.randrange(40_000)} images ({dice.uniform(0, 500):.2f} hours)",
        )


class Frugal(Upstream):
    """An upstream that writes down anew what changed of its fleet: all of it would keep a core busy for 15 ms."""

    def __init__(self, records: Iterable[TokenRecord]) -> None:
        """With a fleet of these."""
        super().__init__(records)
        self.written: dict[int, msgspec.Raw] = {}
        """The JSON of each token; to be taken out when that changes."""

    def shown(self) -> Sequence[object]:
        """The whole fleet as it is sent."""
        for identity in self.fleet.keys() - self.written.keys():
            self.written[identity] = msgspec.Raw(msgspec.json.encode(self.with_secret(self.fleet[identity])))
        return [self.written[identity] for identity in self.fleet]


class _World:
    """What can be asked of the world; each method is a command."""

    def __init__(self, upstream: Frugal, discord: Discord) -> None:
        self._upstream = upstream
        self._discord = discord
        self._dice = random.Random(0)

    def drift(self, flips: int) -> int:
        """Let 1 % of the fleet use some fast time, and some of it flip between FAST and VERIFYING."""
        changed = self._dice.sample(list(self._upstream.fleet.values()), int(len(self._upstream.fleet) * CHANGED))
        for each in changed:
            self._upstream.written.pop(each["id"], None)
            total = float(each["info"]["fastTimeRemaining"].partition("/")[2].partition(" ")[0])
            each["info"]["fastTimeRemaining"] = fast_text(self._dice.uniform(0.4, 1.0) * total, total)
        for each in changed[:flips]:
            self.flip(each["id"])
        return len(changed)

    def flip(self, identity: int) -> None:
        """Let a token need a human check, or no longer."""
        each = self._upstream.fleet[identity]
        self._upstream.written.pop(identity, None)
        each["status"] = "FAST" if each["status"] == "VERIFYING" else "VERIFYING"

    def storm(self, status: str) -> None:
        """Let every token get the same status."""
        self._upstream.written.clear()
        for each in self._upstream.fleet.values():
            each["status"] = status

    def polls(self) -> list[float]:
        """When the upstream was asked for the fleet, as `time.monotonic()`."""
        return [call.at for call in self._upstream.calls]

    def deliveries(self) -> list[float]:
        """When Discord took each post and edit, as `time.monotonic()`."""
        return [call.at + (call.seconds or 0) for call in self._discord.calls if call.writes_message and call.accepted]


@dataclass(frozen=True, slots=True)
class World:
    """The running world, as seen from outside."""

    process: asyncio.subprocess.Process
    environment: dict[str, str]
    """Settings of a bot that lives in it, less its database and interval."""
    api: str
    gateway: str
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held from a question to its answer."""

    async def ask(self, command: str, *arguments: object) -> Any:  # noqa: ANN401 - JSON
        """Have something done, and get its result."""
        assert self.process.stdin and self.process.stdout  # noqa: S101, PT018 - it was started with both
        async with self.turn:
            self.process.stdin.write(json.dumps([command, *arguments]).encode() + b"\n")
            return json.loads(await self.process.stdout.readline())

    def settings(self, database_url: str, *, poll_interval: str = "1d") -> Settings:
        """Settings of a bot in this process, whose discord.py is pointed at this world, too."""
        launch.point_at(self.api, self.gateway, heartbeat_timeout=60)
        return load(self.environment | {"DATABASE_URL": database_url, "POLL_INTERVAL": poll_interval})


@asynccontextmanager
async def running(size: int) -> AsyncIterator[World]:
    """Start a world with so many tokens, and end it."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.world", str(size)),
        cwd=Path(__file__).parents[1],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    try:
        assert process.stdout  # noqa: S101 - it was started with one
        async with asyncio.timeout(_PATIENCE.total_seconds()):
            yield_ = json.loads(await process.stdout.readline())
        yield World(process, **yield_)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def _main(size: int) -> None:
    upstream = Frugal(fleet(size))
    async with serving(upstream) as url, Discord(rate=None).serving() as discord:
        environment = {
            **discord.environment,
            "IMAGINEPRO_API_KEY": upstream.api_key,
            "IMAGINEPRO_API_URL": url,
            "IMAGINEPRO_RATE_LIMIT": "1000/1s",
            "DIGEST_AT": "off",
        }
        addresses = {"environment": environment, "api": discord.api_base, "gateway": discord.gateway_url}
        print(json.dumps(addresses), flush=True)
        world = _World(upstream, discord)
        commands: dict[str, Callable[..., object]] = {
            each.__name__: each for each in (world.drift, world.flip, world.storm, world.polls, world.deliveries)
        }
        while line := await asyncio.to_thread(sys.stdin.readline):
            command, *arguments = json.loads(line)
            print(json.dumps(commands[command](*arguments)), flush=True)


if __name__ == "__main__":
    asyncio.run(_main(int(sys.argv[1])))
