"""A year of daily digests: the bot, restarted every day, on a real database, with the clocks of a zone.

    python -m tests.daily [DAYS]

plays a year for each of four zones and four times of the day, on both engines, in about ten minutes; the tests play the
weeks around the days on which the clocks change.
"""

import asyncio
import sys
import tempfile
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from bot.delivery.handover import Handover
from bot.domain.digest import DAY, Digest, at_on
from bot.domain.model import Token
from bot.domain.rules.policy import Policy
from bot.monitor import Monitor
from bot.storage.schema import messages
from bot.storage.store import Store, open_store
from tests.domain.fleets import record, tokens
from tests.storage.servers import PostgreSQL

ZONES = ("Europe/Berlin", "America/Havana", "Asia/Kathmandu", "Africa/Casablanca")
TIMES = (time(0, 0), time(0, 30), time(2, 30), time(9, 0))
FIRST = date(2026, 12, 1)


class Accounts:
    """An upstream that always lists one token, which works."""

    async def fleet(self, known: Mapping[int, Token]) -> Mapping[int, Token]:
        """Every token."""
        del known
        return tokens([record()])

    async def token(self, token_id: int) -> Token:
        """One of them."""
        return tokens([record()])[token_id]


class Copy:
    """A copy of the bot: what it remembers is gone when it ends, but for the database."""

    def __init__(self, store: Store, at: time, zone: ZoneInfo) -> None:
        """The digest is due `at` that time."""
        self.now = datetime.min.replace(tzinfo=UTC)
        self.monitor = Monitor(Accounts(), store, Policy(zone=zone, digest_at=at), lambda: self.now, Handover())

    async def began(self, now: datetime) -> "Copy":
        """It takes up what the database knows, and polls."""
        self.now = now
        await self.monitor.restore()
        await self.monitor.poll()
        return self

    async def tick(self, now: datetime) -> None:
        """The time has come so far."""
        self.now = now
        await self.monitor.tick()


async def told(store: Store) -> list[Digest]:
    """The digests that are in the channel, or on their way there, in the order in which they were told."""
    found = sa.select(messages.c.notice).where(messages.c.notice.is_not(None)).order_by(messages.c.id)
    notices = await store.database.read(lambda connection: connection.scalars(found).all())
    return [notice.digest for notice in notices if notice.digest is not None]


async def lived(store: Store, at: time, zone: ZoneInfo, days: Iterable[date]) -> list[Digest]:
    """Let the bot run through these days, with a restart on each, now before the digest and now after it.

    It is asked a second before the digest is due, when it is, five seconds later, and twelve hours later.
    """
    for number, day in enumerate(days):
        due = at_on(day, at, zone)
        moments = [due - timedelta(seconds=1), due, due + timedelta(seconds=5), due + timedelta(hours=12)]
        copy = None
        for place, now in enumerate(moments):
            if copy is None or place == number % len(moments):
                copy = await Copy(store, at, zone).began(now)
            await copy.tick(now)
    return await told(store)


async def _year(url: str, at: time, zone: ZoneInfo, days: int) -> None:
    async with open_store(url) as store:
        dates = [FIRST + number * DAY for number in range(days)]
        digests = await lived(store, at, zone, dates)
    said = [each.day for each in digests]
    assert said == dates, sorted({*dates} ^ {*said})
    assert all(each.made_at.astimezone(zone).date() == each.day for each in digests)


def main() -> None:
    """Play it on both engines."""
    days = int(sys.argv[1]) if sys.argv[1:] else 365
    with tempfile.TemporaryDirectory() as folder, PostgreSQL.running() as server:
        for number, (name, at) in enumerate(product(ZONES, TIMES)):
            for url in (f"sqlite:///{folder}/{number}.db", server.new_database()):
                asyncio.run(_year(url, at, ZoneInfo(name), days))
                engine = url.partition(":")[0]
                sys.stdout.write(f"{engine:<12} {name:<18} {at:%H:%M}  {days} dates, one digest each\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
