"""How the upstream can fail: one tree, and the only errors that leave this room.

    UpstreamError            `trouble` says which; `detail` is a sentence for people, without any secret
    ├── UnreachableError     no connection, or it broke
    ├── TimedOutError        no whole answer in time
    ├── RefusedError         401, 402, 403 in the API's own words
    ├── RateLimitedError     429
    ├── ServerError          5xx, and 408, 421, 425
    ├── MalformedError       an answer that cannot be read: `path` names the field
    └── NotFoundError        404 in the API's own words, or an address that is none
        └── UnpublishedError  nobody said where the endpoint is

Each has the `status` of the answer, if there was one, `retry_after` where it asked to be left alone so long, and
`certain` where the call surely changed nothing.

None of them is chained to the foreign error it was made from: those carry pieces of the answer (aiohttp quotes the line
it could not parse, UnicodeDecodeError holds the whole body) or of the request (its headers), and both hold secrets.
"""

from datetime import timedelta
from typing import ClassVar

from bot.domain.model import Trouble


class UpstreamError(Exception):
    """A call that brought no answer."""

    trouble: ClassVar[Trouble]

    def __init__(
        self, detail: str, *, status: int | None = None, retry_after: timedelta | None = None, certain: bool = False
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        """Of the answer; None when there was none, or one that is well but for its body."""
        self.retry_after = retry_after
        """How long the upstream asked to be left alone, from now; None when it did not say."""
        self.certain = certain
        """Whether the call surely changed nothing: it was never sent, or refused; False where nobody knows."""
        self.nowhere = False
        """Whether the API says that it has nothing at this path, and not just that it knows no such token or job."""

    def again(self, retry_after: timedelta) -> "UpstreamError":
        """The same for whoever comes later, and is not let through, while it asks to be left alone so long."""
        return type(self)(self.detail, status=self.status, retry_after=retry_after, certain=True)


class UnreachableError(UpstreamError):
    """There is no connection, or it broke before the answer was whole."""

    trouble = Trouble.UNREACHABLE


class TimedOutError(UpstreamError):
    """The answer was not whole in time."""

    trouble = Trouble.TIMED_OUT


class RefusedError(UpstreamError):
    """The upstream knows us and says no, in its own words: `bot.domain.refusal` has what about."""

    trouble = Trouble.REFUSED


class RateLimitedError(UpstreamError):
    """Too many calls."""

    trouble = Trouble.RATE_LIMITED


class ServerError(UpstreamError):
    """The upstream, or a proxy before it, failed."""

    trouble = Trouble.SERVER_ERROR


class MalformedError(UpstreamError):
    """The answer is not what the API documents."""

    trouble = Trouble.MALFORMED

    def __init__(
        self,
        detail: str,
        *,
        path: str = "",
        status: int | None = None,
        retry_after: timedelta | None = None,
        certain: bool = False,
    ) -> None:
        super().__init__(detail, status=status, retry_after=retry_after, certain=certain)
        self.path = path
        """The field that could not be read, as `$[3].id`; empty when it is the answer as a whole."""


class NotFoundError(UpstreamError):
    """There is no such token or job, or no such address."""

    trouble = Trouble.NOT_FOUND

    def again(self, retry_after: timedelta) -> UpstreamError:
        """For whoever comes later: of what they ask for nothing is known."""
        return RateLimitedError(self.detail, retry_after=retry_after, certain=True)


class UnpublishedError(NotFoundError):
    """ImaginePro does not say where this endpoint is, and the operator did not either. Nothing was sent."""
