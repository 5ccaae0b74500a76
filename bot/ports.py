"""What the outbox asks of others: of the channel in which its messages are to be seen, and of their rows."""

from datetime import datetime, timedelta
from typing import Protocol

from bot.delivery.outcome import Posted, Shown
from bot.delivery.rests import Subject
from bot.domain.messages import Message
from bot.storage.store import Claimed


class Channel(Protocol):
    """The ops channel. Each call but the first raises `DeliveryError`."""

    async def ready(self) -> None:
        """Wait until it can be spoken to at all."""

    async def knows_nonces(self, message: Message) -> bool:
        """Whether Discord knows by a nonce that an earlier attempt posted it; else that is always looked for."""

    async def post(self, message: Message) -> Posted:
        """Post it with its mark as nonce; returns what is there, which may be what was posted with it before."""

    async def edit(self, message: Message) -> None:
        """Make the posted message show the incidents as they are now."""

    def give_way(self) -> None:
        """Let an edit that has not begun end with `GaveWayError`, since something new came."""

    async def find(self, message: Message, since: datetime, *, other_than: int | None = None) -> Posted | None:
        """Another message of the bot with its mark, posted at `since` or later, if there is one."""


class Store(Protocol):
    """The rows of the outbox. Each call is one transaction, and raises `StoreError`."""

    async def unpark(self, now: datetime) -> None:
        """Try once more what was parked."""

    async def unheard(self) -> bool:
        """Whether anything is open of which a message waits to be posted."""

    async def told_blocked(self) -> bool:
        """Whether the fallback was told that the channel is blocked, and not yet that it is open."""

    async def note_told_blocked(self, told: bool) -> None:  # noqa: FBT001 - what is noted
        """Keep that."""

    async def reopen(self, now: datetime, within: timedelta) -> None:
        """Give back what a dead process had claimed, and what is not due `within` that time."""

    async def claim(self, now: datetime, of: Subject, last: int | None) -> Claimed:
        """Fold what waits where that is much, and take the next due message of those, `last` after all others."""

    async def confirm(self, message_id: int, shown: Shown) -> None:
        """The channel shows that."""

    async def retry(
        self, message_id: int, at: datetime, uncertain_since: datetime | None, uncertain_version: int | None
    ) -> None:
        """Give the message back, to be tried again."""

    async def anew(self, message_id: int, now: datetime) -> None:
        """The posted message is gone: post it anew."""

    async def park(self, message_id: int, reason: str, now: datetime, *, certain: bool) -> None:
        """Keep the message without trying it again; `certain` when no earlier attempt may have posted it."""
