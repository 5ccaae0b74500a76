"""Let many tokens flip in one poll, at Discord's real rate, and count: `python -m tests.storm`.

Few messages must name them all, soon; their end must change them in place; and nothing may be refused. Exit code 1 if
it was not so.
"""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.sandbox.imaginepro import token_record
from tests.ledger import GOOD, Ledger, Story, Told
from tests.report import Report, end
from tests.wire.discord import PATIENCE, Rate
from tests.wire.town import Town, town

FIRST = 10_000
DISCORDS_RATE = Rate(5, 5.0)
"""Messages a channel and seconds; edits likewise, by themselves."""


@dataclass(frozen=True, slots=True)
class Weather:
    """What befalls a fleet, and what was promised of it."""

    fleet: int
    """Tokens, of which some, evenly spread, flip."""
    statuses: Mapping[str, int]
    """How many flip into each."""
    messages: int
    """Messages, at most; among them what is said of the pool."""
    seconds: float
    """From the poll that reads it until everybody is named, at most, at Discord's rate."""

    @property
    def tokens(self) -> int:
        """How many flip."""
        return sum(self.statuses.values())

    def __str__(self) -> str:
        return f"{self.tokens:,} of {self.fleet:,} into {' and '.join(self.statuses)}"


STORMS = (
    Weather(200, {"VERIFYING": 100}, 2, 2.0),
    Weather(200, {"BANNED": 61, "RELAX": 39}, 2, 2.0),
    Weather(200, {"BANNED": 34, "VERIFYING": 33, "RELAX": 33}, 2, 2.0),
    Weather(2000, {"BANNED": 234, "VERIFYING": 345, "RELAX": 421}, 10, 10.0),
    Weather(1000, {"VERIFYING": 1000}, 10, 10.0),
)


class Storm:
    """A fleet of which half or all flips at once, and what the channel makes of it."""

    def __init__(self, place: Town, stories: list[Story]) -> None:
        self.stories = stories
        self.ledger = Ledger(place.discord, stories)
        self._place = place

    async def flip(self, statuses: Mapping[str, int]) -> float:
        """Flip so many into each status; returns the seconds from the poll that reads it until everybody is named."""
        calls = self._place.upstream.calls
        before = len(calls)
        # All in one go, so that no poll falls in between.
        for story, status in zip(self.stories, Counter(statuses).elements(), strict=True):
            story.statuses.append(status)
            self._place.upstream.fleet[story.token]["status"] = status
        await self._place.discord.until(lambda: self.ledger.shown == self.ledger.expected, 2 * PATIENCE)
        return max(message.now.at for message in self.ledger.messages) - calls[before].at

    @property
    def refused(self) -> int:
        """Posts and edits that were not told yes."""
        return len(self._place.discord.refused)


@asynccontextmanager
async def storm(folder: Path, weather: Weather, rate: Rate, **settings: str) -> AsyncIterator[Storm]:
    """A bot as a process, with these settings, that watches such a fleet."""
    accounts = [token_record(FIRST + number) for number in range(weather.fleet)]
    async with town(f"sqlite:///{folder}/bot.db", folder, accounts) as place:
        place.discord.rate = None  # the summary of the first reading is not a part of the storm
        async with place.settled_bot(**settings):
            place.discord.rate = rate
            step = weather.fleet // weather.tokens
            yield Storm(place, [Story(FIRST + step * number) for number in range(weather.tokens)])


async def weathered(folder: Path, weather: Weather, rate: Rate = DISCORDS_RATE, **settings: str) -> Report:
    """Let it come and go, and count."""
    report = Report(str(weather))
    async with storm(folder, weather, rate, **settings) as it:
        ledger = it.ledger
        calm = len(ledger.all)
        report.figures["named after, s"] = await it.flip(weather.statuses)
        named = {told.token for told in ledger.shown}
        report.figures["messages"] = len(ledger.all) - calm
        report.figures["notices before its end"] = len(ledger.notices)
        cards = ledger.messages

        report.figures["well again after, s"] = await it.flip({GOOD: weather.tokens})
        report.figures["messages in the end"] = len(ledger.all) - len(ledger.notices) - calm
        report.figures["refused"] = it.refused
        over = Counter(Told(told.token, told.status, over=True) for told in ledger.shown)
        report.add(
            {},
            {
                **ledger.broken,
                "not named": [str(story.token) for story in it.stories if story.token not in named],
                "not changed in place": ["a message"] * (ledger.messages != cards),
                "not over": [str(told) for told in (ledger.shown - over).elements()],
            },
        )
    most = {"messages": weather.messages, "messages in the end": weather.messages}
    report.hold({**most, "notices before its end": 0, "refused": 0})
    return report


async def _all() -> list[Report]:
    reports = []
    for weather in STORMS:
        with tempfile.TemporaryDirectory() as name:
            # A host may need more than a second for a reading, and an upstream that is late has a card of its own.
            report = await weathered(Path(name), weather, POLL_INTERVAL="3s", FAKE_POLL="3")
        report.hold({"named after, s": weather.seconds})
        reports.append(report)
    return reports


def main() -> int:
    """The command."""
    argparse.ArgumentParser(prog="python -m tests.storm", description=__doc__).parse_args()
    return end(*asyncio.run(_all()))


if __name__ == "__main__":
    sys.exit(main())
