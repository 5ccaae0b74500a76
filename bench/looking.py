"""How long `/history` takes where 1,000 tokens have thirteen months behind them; a part of `python -m bench.months`.

The command's own work, from what is in memory and in the database to the text, and to the picture. What Discord takes
to defer and to show it is not in it.
"""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, cast

from bench.years import Year
from bot.chat.buttons import past
from bot.chat.buttons.pictured import Illustrated
from bot.chat.charts.studio import Studio
from bot.chat.desk import DeskClient, Place
from bot.domain import info
from bot.domain.ledger import Ledger, apply
from bot.domain.model import Fleet
from bot.domain.rules.policy import Policy
from bot.domain.sample import Sample
from bot.domain.value import replace
from bot.domain.watch.known import Known
from bot.storage.store import Store

SPANS: Final = {"24h": 1, "7d": 7, "30d": 30}


@dataclass(slots=True)
class Looked:
    """Milliseconds until there is the text, and until there is the picture as well; the longest of all spans."""

    one_text: float = 0
    one: float = 0
    all_text: float = 0
    all: float = 0


@dataclass(slots=True)
class _Desk:
    store: Store
    known: Known
    now: datetime
    policy: Policy = field(default_factory=lambda: Policy((info.threshold("20%"),)))

    @property
    def fleet(self) -> Fleet:
        return self.known.fleet

    async def history(
        self, tokens: Collection[int], since: datetime, until: datetime
    ) -> Mapping[int, tuple[Sample, ...]]:
        return await self.store.history(tokens, since, until)


@dataclass(slots=True)
class _Client:
    desk: _Desk
    studio: Studio = field(default_factory=Studio)
    place: Place = field(default_factory=lambda: Place(1, 2, "Europe/Berlin"))


def known(years: list[Year], begin: datetime, end: datetime, first: int, tokens: int) -> Known:
    """The fleet as it is in the end, with ledgers of its last month."""
    minutes = round((end - begin) / timedelta(minutes=1))
    made: list[tuple[Any, Ledger | None]] = []
    for year in years:
        ledger = None
        token = info.read(year.record(year.at(minutes - 1)))
        for minute in range(max(0, minutes - 30 * 24 * 60), minutes, 60):
            token = info.read(year.record(year.at(minute)))
            ledger = apply(ledger, token, begin + timedelta(minutes=minute), Policy().zone)
        made.append((token, ledger))
    fleet, ledgers = {}, {}
    for number in range(tokens):
        token, ledger = made[number % len(made)]
        fleet[first + number] = replace(token, id=first + number, record=replace(token.record, id=first + number))
        if ledger is not None:
            ledgers[first + number] = ledger
    return Known(Fleet(fleet, end), fleet, ledgers=ledgers)


async def looked(store: Store, what: Known, end: datetime, first: int) -> Looked:
    """Ask for one token, and for the fleet, over each span."""
    found = Looked()
    client = cast("DeskClient", _Client(_Desk(store, what, end)))
    for name, days in SPANS.items():
        since = end - timedelta(days=days)
        for place, token in enumerate(range(first, first + 15)):
            began = time.perf_counter()
            answer = past.illustrated(
                client, await past.past_of(client, token, since, None, f"the last {name}"), f"Token {token}, {name}"
            )
            found.one_text = max(found.one_text, _since(began))
            if place % 5 == 0:
                await _draw(client, answer)
                found.one = max(found.one, _since(began))
        began = time.perf_counter()
        several = await past.past_of_several(
            client, list(what.remembered), max(2, days), since, f"Worst 12, {name}", f"the last {name}"
        )
        found.all_text = max(found.all_text, _since(began))
        await _draw(client, several)
        found.all = max(found.all, _since(began))
    return found


async def _draw(client: DeskClient, answer: Illustrated) -> None:
    await client.studio.picture(answer.svg())


def _since(began: float) -> float:
    return 1000 * (time.perf_counter() - began)
