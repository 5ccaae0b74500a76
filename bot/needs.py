"""What monitor and acts need of the world: where readings come from, what is done there, and what is stored."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, Protocol

from bot.domain.digest import Tally
from bot.domain.incidents import Incident, Key, Note
from bot.domain.messages import Message
from bot.domain.model import Token
from bot.domain.sample import Sample
from bot.domain.steering import Entry
from bot.domain.watch.known import Changes, Memory
from bot.storage.store import Claimed

if TYPE_CHECKING:
    from bot.domain.jobs import Image, Job
    from bot.domain.sums import Fact


class Upstream(Protocol):
    """Where readings come from. Both calls raise `UpstreamError`."""

    async def fleet(self, known: Mapping[int, Token]) -> Mapping[int, Token]:
        """Every linked token, by id; one that reads as in `known`, or as it did before, may be that object."""

    async def token(self, token_id: int) -> Token:
        """One linked token."""


class Tree(Protocol):
    """An answer of unknown shape."""

    def lines(self) -> Sequence[str]:
        """For people."""

    def words(self) -> Sequence[str] | None:
        """Where it is a list of texts, and was read to the letter."""


class Acting(Protocol):
    """Where acts are done and read back. Each call raises `UpstreamError`; what changes something is sent once."""

    async def token(self, token_id: int) -> Token:
        """One linked token."""

    async def toggle(self, token_id: int, *, active: bool) -> Token | None:
        """Switch it on or off; the token as the answer has it."""

    async def command(self, token_id: int, command: Literal["fast", "relax", "turbo", "info"]) -> str:
        """Let its account run a Midjourney command; the job's id, empty where the answer has none."""

    async def imagine(self, prompt: str) -> str:
        """Let an image be made; the job's id, as above."""

    async def cancel(self, job: str) -> None:
        """Cancel a job."""

    async def progress(self, job: str) -> "Job":
        """How far a job is."""

    async def images(self, page: int, size: int) -> "Sequence[Image]":
        """The jobs of the last 24 h, a page of them."""

    async def queue(self, name: Literal["PAUSE", "RESUME", "REBOOT"], token_id: int | None = None) -> Tree:
        """Do something with the queue."""

    async def ban_words(self) -> Tree:
        """The banned words."""

    async def change_ban_words(self, add: Collection[str], remove: Collection[str]) -> Tree:
        """Change them."""


class Store(Protocol):
    """Where what is known outlives the process."""

    async def load(self) -> Memory:
        """What was known when the last poll was stored."""

    async def save(self, changes: Changes, now: datetime, *, claiming: bool) -> Claimed:
        """Store one poll, whole or not at all; and claim the next message that is due, if that is asked for."""

    async def message(self, message_id: int) -> Message | None:
        """The message of that row, with its incidents."""

    async def as_stored(self, about: Iterable[Incident]) -> tuple[Incident, ...]:
        """These incidents as they are stored now; those that are gone are left out."""

    async def last_notes(self, keys: Collection[Key]) -> Mapping[Key, Note]:
        """What somebody noted last of an incident of each of these keys that is over; at most some dozens."""

    async def shown_at(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Where the cards of open incidents are: Discord's ids of their messages."""

    async def undelivered(self, keys: Collection[Key]) -> Collection[Key]:
        """Of open incidents those of which a notification still waits for the channel."""

    async def audit(self, limit: int) -> tuple[Entry, ...]:
        """What people did last, newest first."""

    async def history(
        self, tokens: Collection[int], since: datetime, until: datetime
    ) -> Mapping[int, tuple[Sample, ...]]:
        """What was read of each of these tokens in that time."""

    async def ended(self, since: datetime, until: datetime) -> Tally:
        """The incidents that ended from then on, and before another time."""

    async def facts(self, since: datetime) -> "tuple[Sequence[Fact], datetime | None]":
        """What reports count, of the incidents that were open from then on; and when the first reading was."""

    async def seen(self, tokens: Iterable[int], since: datetime, until: datetime) -> Collection[datetime]:
        """When any of these tokens was read in that time."""
