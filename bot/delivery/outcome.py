"""What becomes of an attempt to show a message in the ops channel, and which messages fail again and again.

DeliveryError
├── LaterError       not accepted; try again, not before `after`
├── UncertainError   may have been accepted; try again with the same nonce
│   └── UnfinishedError   was accepted, and not yet all that goes with it
├── BlockedError     the bot may not speak in the channel; kept until it may
├── ClosedError      nothing can ever be said there: a person takes no direct messages, or a thread is gone
├── VanishedError    the message to edit is gone: post it anew
└── RefusedError     this message will never be accepted
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.delivery.rests import Subject
from bot.domain.value import Value

PATIENCE = timedelta(minutes=10)
"""How long Discord may fail at an edit before the message is posted anew."""

PATIENCE_WITH_PEOPLE = timedelta(minutes=3)
"""How long an edit waits for somebody to mend something: that may be what bars posts, too, or it may not."""

LONG_SILENCE = timedelta(minutes=5)
"""If nothing is posted for so long, or one message is not, somebody else is told of what is open and unheard of."""

POSTS_ALONE = 12
"""How often a post is tried before others that wait are: what is new comes in its order, as long as all may fail."""


class DeliveryError(Exception):
    """The channel does not show the message."""

    def __init__(
        self, reason: str, after: timedelta = timedelta(), *, everywhere: bool = False, answered: bool = False
    ) -> None:
        """Say why.

        Args:
            reason: For people.
            after: How long Discord asked to wait.
            everywhere: Whether that holds for all that is asked of it.
            answered: Whether an answer came at all.
        """
        super().__init__(reason)
        self.after = after
        self.everywhere = everywhere
        self.answered = answered


class LaterError(DeliveryError):
    """Discord did not take the message, and may take it later."""


class GaveWayError(LaterError):
    """It is not tried now, though nothing speaks against it: something else goes first, or its time is yet to come."""


class UncertainError(DeliveryError):
    """Nobody knows whether Discord took the message."""


class UnfinishedError(UncertainError):
    """Discord took the message, and did not yet do to its thread what goes with it, such as closing it."""


class BlockedError(DeliveryError):
    """The bot may not post in the channel, or the channel is not there."""


class ClosedError(DeliveryError):
    """Nobody hears there any more: a person takes no direct messages, or the thread was deleted."""


class VanishedError(DeliveryError):
    """The message to edit was deleted, or can no longer be edited."""


class RefusedError(DeliveryError):
    """Discord will never take this message."""


class Posted(Value):
    """A message that is in the channel."""

    id: int
    """Discord's."""
    up_to_date: bool
    """Whether it reads as it does now: one that an earlier attempt posted may read as it did then."""


class Shown(Value):
    """What the channel shows of a message that was delivered."""

    discord_id: int
    version: int
    """That it shows at least. What is newer is due."""
    heard: int
    """Whose rise people heard of, at least."""


@dataclass(slots=True)
class Attempt:
    """The earliest attempt to post a message whose outcome is not known."""

    since: datetime | None
    version: int | None
    posting: bool = False
    """Whether it came to a post."""
    found: bool = False
    """Whether that was in the channel already."""

    def begin(self, now: datetime, version: int) -> None:
        """Another attempt's outcome is not known; the earliest one counts."""
        if self.since is None:
            self.since, self.version = now, version

    def forget(self) -> None:
        """The attempt turned out not to have been accepted."""
        self.since = self.version = None

    def shown(self, posted: Posted, version: int) -> Shown:
        """What the channel shows for sure, when it was to show that version.

        With the nonce of this attempt Discord answers its message, if there is one, and that shows what it showed then.
        What reads as it does now was heard as it is now, though its buttons may be other ones.
        """
        least = version if self.since is None else self.version or 0
        return Shown(posted.id, least, version if posted.up_to_date else least)


@dataclass(slots=True)
class _Vain:
    """A message that fails."""

    since: float
    """When it first did, in seconds."""
    taken: int
    """How many others were taken by then."""
    tries: int = 0
    told: bool = False
    """Whether that was said."""


class InVain:
    """Which messages fail again and again. A restart forgets it. `now` is in seconds of a clock that never jumps."""

    def __init__(self) -> None:
        self._messages: dict[int, _Vain] = {}
        self._posts: set[int] = set()
        """The posts that failed since one was taken."""
        self._taken = 0

    @property
    def last(self) -> int | None:
        """The post that others are tried before: it fails again and again, and of the others nothing is known."""
        return next((each for each in self._posts if len(self._posts) == 1 and self._tries(each) >= POSTS_ALONE), None)

    def hopeless(self, message_id: int, error: DeliveryError, now: float) -> bool:
        """An edit failed so; whether it is to be posted anew in its place, which is tried once, and then again later.

        One that is refused for good is. One that has failed for long is, if Discord said so or took others meanwhile: a
        line that is broken for all says nothing against it. Nor does a limit.
        """
        vain = self._messages.setdefault(message_id, _Vain(now, self._taken))
        match error:
            case RefusedError():
                patience = timedelta()
            case BlockedError():
                patience = PATIENCE_WITH_PEOPLE
            case UncertainError() if error.answered or self._taken > vain.taken:
                patience = PATIENCE
            case _:
                return False
        if now - vain.since < patience.total_seconds():
            return False
        vain.since, vain.taken = now, self._taken
        return True

    def post_failed(self, message_id: int, now: float) -> bool:
        """Discord failed at it; whether it has for long, and took others meanwhile, which is said once.

        Until others were taken nobody knows whether it would fail at them, too.
        """
        vain = self._messages.setdefault(message_id, _Vain(now, self._taken))
        vain.tries += 1
        self._posts.add(message_id)
        long = now - vain.since >= LONG_SILENCE.total_seconds() and self._taken > vain.taken
        news, vain.told = long and not vain.told, long or vain.told
        return news

    def taken(self, message_id: int, *, posted: bool, said: bool) -> None:
        """The channel took it; `said` when it told so, and it was not only found there."""
        self._taken += said
        if posted:
            self._posts.clear()
        self.over(message_id)

    def over(self, message_id: int) -> None:
        """It is not tried any more."""
        self._messages.pop(message_id, None)
        self._posts.discard(message_id)

    def forget(self) -> None:
        """Nothing waits."""
        self._messages.clear()
        self._posts.clear()

    def _tries(self, message_id: int) -> int:
        return self._messages[message_id].tries


def subject(error: DeliveryError, *, posting: bool) -> Subject:
    """What a refusal is about. Of an edit it says nothing about posts; where a post is not answered, nothing is."""
    if isinstance(error, UnfinishedError):
        return Subject.EDITS
    if error.everywhere or (posting and isinstance(error, BlockedError | UncertainError)):
        return Subject.ALL
    return Subject.POSTS if posting else Subject.EDITS
