"""People who press Acknowledge while everything goes wrong, and whether what was confirmed to them is kept."""

import asyncio
import random
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from tests.wire.discord import Discord
from tests.wire.messages import Message, Version
from tests.wire.world import OPERATORS, Member

FIRST = 1_100_000_000_000_100_000
"""The ids of those who press begin here."""
A_CARD = 4
"""People who press on one card, at most, so that its timeline has room to name them all."""


@dataclass(eq=False, slots=True)
class Press:
    """A person's press on Acknowledge."""

    by: Member
    on: Message
    confirmed: bool = False
    """Whether the person was told that they have it."""
    owed: bool = False
    """Whether the bot was killed between that and the card's saying so."""

    def shown(self, version: Version) -> bool:
        """Whether the card names them."""
        return f"acknowledged by <@{self.by.id}>" in version.text

    @property
    def forgotten(self) -> bool:
        """Whether the card does not name them although they were told so, or does not any more."""
        named = [self.shown(version) for version in self.on.versions]
        return (self.confirmed and not named[-1]) or named != sorted(named)


class People:
    """Everybody presses once, on an open critical card, under a name of their own.

    Args:
        discord: where they press.
        rng: decides on which card.
        patience: for how many seconds they wait for an answer that was promised.
    """

    def __init__(self, discord: Discord, rng: random.Random, patience: float = 5.0) -> None:
        self._discord = discord
        self._rng = rng
        self._patience = patience
        self._presses: dict[asyncio.Task[None], Press] = {}

    @property
    def presses(self) -> Collection[Press]:
        """All of them, oldest first."""
        return self._presses.values()

    @property
    def figures(self) -> dict[str, int]:
        """What they heard, by the names that reports give it."""
        # The bot was dead or died, or it was over, or somebody else's.
        unconfirmed = [press for press in self.presses if not press.confirmed]
        return {
            "acknowledgements confirmed": len(self.presses) - len(unconfirmed),
            "presses not confirmed": len(unconfirmed),
            # The bot died between the database and the answer.
            "  and stored all the same": sum(press.shown(press.on.now) for press in unconfirmed),
        }

    @property
    def broken(self) -> dict[str, list[str]]:
        """Each time at which what was confirmed was not kept."""
        return {"forgotten": [f"{press.by.id} on {press.on.now.text}" for press in self.presses if press.forgotten]}

    def press(self) -> bool:
        """Let somebody press where that is possible; returns whether it is. The answer may come or not."""
        pressed = Counter(press.on for press in self.presses)
        cards = [
            message
            for message in self._discord.messages()
            if message.now.mentioned_roles and "Acknowledge" in message.now.buttons and pressed[message] < A_CARD
        ]
        if not cards:
            return False
        number = len(self._presses)
        press = Press(Member(FIRST + number, f"p{number}", (OPERATORS.id,)), self._rng.choice(cards))
        self._presses[asyncio.create_task(self._hear(press))] = press
        return True

    async def _hear(self, press: Press) -> None:
        if "Acknowledge" not in press.on.now.buttons:
            return  # the card changed between the wish and the press
        heard = await self._discord.press(press.on, "Acknowledge", press.by, patience=self._patience)
        press.confirmed = heard.message is not None and "yours. No reminders" in heard.shown.text

    async def answered(self) -> None:
        """Wait until each has an answer, or will get none."""
        await asyncio.gather(*self._presses)
