"""A night of acts, as the audit trail tells it afterwards, and the channel meanwhile.

People and a runbook do things at ImaginePro, which refuses, fails, hangs and is away; the bot is killed in the midst of
it. After a change that is meant, write the picture of it anew and review what became of it:

    python -m tests.night > tests/night.txt
"""

import asyncio
import random
import re
import sys
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from bot.acts import ActRefused, new_id
from bot.chat.alerts.acted import acted
from bot.domain.acts import Act, Kind
from bot.domain.runbooks import Book, Does, Runbook
from bot.runbooks import work
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Upstream, token_record
from bot.storage.schema import messages
from bot.storage.store import Store, open_store
from tests.leap import BEGIN, LeapingLoop, time_of_day
from tests.test_acts import ANA, BEN, Ward, ward

PEOPLE = {ANA: "@ana", BEN: "@ben", 0: "the bot"}
FLEET = range(1900, 1906)
KILLED = "03:59"
"""When the bot is, in the midst of something."""


def act(kind: Kind, wanted: str, token: int | None, by: int, **more: Any) -> Act:  # noqa: ANN401 - of an act
    """Somebody wants something."""
    return Act(new_id(), kind, wanted, time_of_day(), token, by=by, **more)


class Night:
    """The world outside, and the bot in it."""

    def __init__(self, url: str) -> None:
        self.upstream = Upstream(tuple(token_record(token) for token in FLEET), clock=time_of_day)
        self.bot: Ward
        self._url = url
        self._doing = list[asyncio.Task[tuple[Act, ...]]]()

    async def live(self, until: str, script: dict[str, Callable[["Night"], None]]) -> None:
        """Let a copy of the bot live until then, and be killed."""
        async with ward(self._url, self.upstream) as self.bot:
            while time_of_day() < at(until):
                now = f"{time_of_day():%H:%M}"
                if now in script:
                    script.pop(now)(self)
                    if now == KILLED:
                        await asyncio.sleep(2)
                        break
                await asyncio.sleep(5)
                await self.bot.monitor.poll()
                await self.bot.monitor.tick()
                await self.bot.acts.settle()
                await work(self.bot.monitor, self.bot.acts)
                await asyncio.sleep(30 - (time_of_day() - BEGIN).total_seconds() % 30)
        for each in await asyncio.gather(*self._doing, return_exceptions=True):
            if isinstance(each, Exception) and not isinstance(each, ActRefused):
                raise each

    def does(self, *acts: Act) -> None:
        """Somebody has confirmed these, and goes away."""
        self._doing.append(asyncio.create_task(self.bot.do(*acts)))

    def lets(self, *books: Book) -> None:
        """Somebody sets runbooks."""
        for book in books:
            setting = Runbook(book, time_of_day(), ANA, Does.ON, timedelta(minutes=10))
            task = asyncio.create_task(self.bot.monitor.decide(setting, "runbook set", ANA))
            self._doing.append(task)  # type: ignore[arg-type] # as above

    def token(self, token: int, **values: object) -> None:
        """A token is so from now on."""
        self.upstream.fleet[token].update(values)

    def fails(self, fault: sandbox.Fault, at: str = "", times: int | None = 1) -> None:
        """ImaginePro answers so next."""
        self.upstream.fail(fault, times=times, at=at)


def at(clock: str) -> datetime:
    """`04:30`, in that night."""
    hours, minutes = map(int, clock.split(":"))
    return BEGIN.replace(hour=hours, minute=minutes)


def several(night: Night) -> None:
    """One of three is off already, and the answer about another never comes."""
    night.fails(sandbox.HANG_AFTER, "TOGGLE")
    night.does(*(act(Kind.TOGGLE, "off", token, BEN, batch="b1", reason="sold") for token in (1902, 1903, 1904)))


def both(night: Night) -> None:
    """Two press at once."""
    for person in (ANA, BEN):
        night.does(act(Kind.TOGGLE, "on", 1902, person, reason="not sold after all"))


def away(night: Night) -> None:
    """ImaginePro is away from now on, and nobody knows what it got."""
    night.fails(sandbox.RESET, times=None)
    night.does(act(Kind.TOGGLE, "off", 1905, ANA))


def back(night: Night) -> None:
    """It is back, and did what it was asked for."""
    night.upstream.heal()
    night.token(1905, isActive=False)


def dying(night: Night) -> None:
    """The bot will be killed before it hears the answer."""
    night.fails(sandbox.HANG_AFTER, "TOGGLE")
    night.does(*(act(Kind.TOGGLE, "off", token, BEN, batch="b2", reason="tidy up") for token in (1901, 1902)))


def refused(night: Night) -> None:
    """ImaginePro says no."""
    night.fails(sandbox.FORBIDDEN, "COMMANDS")
    night.does(act(Kind.MODE, "relax", 1901, ANA, reason="spare its fast time"))


def pauses(night: Night) -> None:
    """Nothing tells whether a queue is paused."""
    night.fails(sandbox.BAD_GATEWAY, "QUEUE_PAUSE")
    night.does(act(Kind.QUEUE, "pause", None, ANA))


SCRIPT: dict[str, Callable[[Night], None]] = {
    "03:05": lambda night: night.lets(Book.SWITCH_OFF, Book.SWITCH_ON),
    "03:10": lambda night: night.token(1900, status="BANNED"),
    "03:20": refused,
    "03:25": lambda night: night.does(act(Kind.MODE, "relax", 1901, ANA, reason="spare its fast time")),
    "03:29": lambda night: night.token(1903, isActive=False),
    "03:30": several,
    "03:35": both,
    "03:40": away,
    "03:43": back,
    "03:50": pauses,
    KILLED: dying,
    "04:10": lambda night: night.token(1900, status="FAST"),
    "04:30": lambda night: night.does(act(Kind.PROBE, "a lighthouse --seed 7", 1900, BEN)),
    "04:40": lambda night: night.does(act(Kind.BANWORDS, "+red moon -gore", None, BEN)),
    "04:50": lambda night: night.does(act(Kind.REFRESH, "", 1904, ANA)),
}


async def told(store: Store) -> list[str]:
    """The night, line by line."""
    entries = reversed(await store.audit(1000))
    audit = [
        f"{each.at:%H:%M} {PEOPLE[each.by]} {each.act}: {' · '.join(filter(None, [each.what, each.reason]))}"
        for each in entries
    ]
    found = sa.select(messages.c.created_at, messages.c.notice).where(messages.c.notice.is_not(None))
    rows = await store.database.read(lambda connection: connection.execute(found.order_by(messages.c.id)).all())
    channel = [
        f"{row.created_at:%H:%M} " + "\n      ".join([f"{draft[0][0]} {draft[1]}", *map(str, draft[2])])
        for row in rows
        if row.notice.acts
        for draft in [acted(row.notice, ())]
    ]
    said = "\n".join(channel).replace("\\", "")
    said = re.sub(r"<@(\d+)>", lambda each: PEOPLE[int(each[1])], said)
    said = re.sub(
        r"<t:(\d+):\w>", lambda each: f"{BEGIN + timedelta(seconds=int(each[1]) - BEGIN.timestamp()):%H:%M}", said
    )
    return ["The audit trail", "", *audit, "", "The channel", "", *said.splitlines()]


async def played(url: str) -> list[str]:
    """The whole night, with a kill in the midst of what two tokens were to be switched off for."""
    random.seed(1)  # of the pauses between tries to read something
    night, script = Night(url), dict(SCRIPT)
    for _ in range(2):
        await night.live("05:00", script)
    async with open_store(url) as store:
        return await told(store)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner(loop_factory=LeapingLoop) as runner:
        lines = runner.run(played(f"sqlite:///{Path(folder)}/bot.db"))
    sys.stdout.write("\n".join(lines) + "\n")
