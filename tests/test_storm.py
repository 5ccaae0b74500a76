"""Many tokens flip in one poll, at Discord's real rate: few messages name them all, soon, and nothing is refused."""

import sys
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bot.sandbox.imaginepro import account
from tests.ledger import GOOD, Ledger, Story, Told
from tests.wire.discord import Rate
from tests.wire.town import Town, town

FIRST = 10_000
DISCORDS_RATE = Rate(5, 5.0)
"""Messages a channel and seconds; edits likewise, by themselves."""
PATIENCE = 40.0


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
        await self._place.discord.until(lambda: self.ledger.shown == self.ledger.expected, PATIENCE)
        return max(message.now.at for message in self.ledger.messages) - calls[before].at

    @property
    def refused(self) -> int:
        """Posts and edits that were not told yes."""
        return len(self._place.discord.refused)

    def report(self, what: str, seconds: float) -> None:
        """Print the figures, for those who ask to see them."""
        cards, notices = len(self.ledger.messages), len(self.ledger.notices)
        figures = f"{cards} messages, {notices} notices, {self.refused} refused, {seconds:.2f} s after the poll"
        sys.stdout.write(f"{len(self.stories):,} tokens {what}: {figures}\n")


@asynccontextmanager
async def storm(folder: Path, tokens: int, fleet: int) -> AsyncIterator[Storm]:
    """A bot as a process that watches a fleet of so many, of which some, evenly spread, will flip."""
    accounts = [account(FIRST + number) for number in range(fleet)]
    async with town(f"sqlite:///{folder}/bot.db", folder, accounts) as place:
        place.discord.rate = None  # the summary of the first reading is not a part of the storm
        # A busy machine may need more than a second for a reading, and an upstream that is late has a card of its own.
        async with place.settled_bot(POLL_INTERVAL="3s", FAKE_POLL="3"):
            place.discord.rate = DISCORDS_RATE
            yield Storm(place, [Story(FIRST + fleet // tokens * number) for number in range(tokens)])


STORMS = [
    (100, 200, {"VERIFYING": 100}, 2, 2.0),
    (100, 200, {"BANNED": 61, "RELAX": 39}, 2, 2.0),
    (100, 200, {"BANNED": 34, "VERIFYING": 33, "RELAX": 33}, 2, 2.0),
    (1000, 2000, {"BANNED": 234, "VERIFYING": 345, "RELAX": 421}, 10, 10.0),
    (1000, 1000, {"VERIFYING": 1000}, 10, 10.0),
]


@pytest.mark.long
@pytest.mark.parametrize(("tokens", "fleet", "statuses", "messages", "seconds"), STORMS)
async def test_a_storm_is_few_messages_that_name_everybody_soon_and_its_end_changes_them_in_place(
    tmp_path: Path, tokens: int, fleet: int, statuses: dict[str, int], messages: int, seconds: float
) -> None:
    async with storm(tmp_path, tokens, fleet) as weather:
        ledger = weather.ledger
        assert sum(statuses.values()) == tokens
        calm = len(ledger.all)
        took = await weather.flip(statuses)
        weather.report(f"flip into {' and '.join(statuses)}", took)
        assert len(ledger.all) - calm <= messages  # among them what is said of the pool
        assert took <= seconds
        assert len({told.token for told in ledger.shown}) == tokens
        assert not ledger.notices

        cards = ledger.messages
        took = await weather.flip({GOOD: tokens})
        weather.report("are well again", took)
        assert ledger.messages == cards
        assert len(ledger.all) - len(ledger.notices) - calm <= messages
        assert not ledger.muddled
        assert ledger.shown == Counter(Told(told.token, told.status, over=True) for told in ledger.shown)
        assert ledger.chatter == ledger.repeated == weather.refused == 0
