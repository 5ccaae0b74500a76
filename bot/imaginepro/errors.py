"""How the upstream can fail: one tree, and the only errors that leave this room.

    UpstreamError            `trouble` says which; `detail` is a sentence for people, without any secret
    ├── UnreachableError     no connection, or it broke
    ├── TimedOutError        no whole answer in time
    ├── RefusedError         401, 402, 403: `status`
    ├── RateLimitedError     429: `retry_after`
    ├── ServerError          5xx
    ├── MalformedError       an answer that cannot be read: `path` names the field
    └── NotFoundError        404, or an address that is none

None of them is chained to the foreign error it was made from: those carry pieces of the answer (aiohttp quotes the line
it could not parse, UnicodeDecodeError holds the whole body) or of the request (its headers), and both hold secrets.
"""

from datetime import timedelta
from typing import ClassVar

from bot.domain.model import Trouble


class UpstreamError(Exception):
    """A call that brought no answer."""

    trouble: ClassVar[Trouble]

    def __init__(self, detail: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.retry_after = retry_after
        """How long the upstream asked us to wait; None when it did not say."""


class UnreachableError(UpstreamError):
    """There is no connection, or it broke before the answer was whole."""

    trouble = Trouble.UNREACHABLE


class TimedOutError(UpstreamError):
    """The answer was not whole in time."""

    trouble = Trouble.TIMED_OUT


class RefusedError(UpstreamError):
    """The upstream knows us and says no, or the key is one that cannot even be sent."""

    trouble = Trouble.REFUSED

    def __init__(self, detail: str, *, status: int | None) -> None:
        super().__init__(detail)
        self.status = status
        """401, 402 or 403; None when the key could not be sent."""


class RateLimitedError(UpstreamError):
    """Too many calls."""

    trouble = Trouble.RATE_LIMITED


class ServerError(UpstreamError):
    """The upstream, or a proxy before it, failed."""

    trouble = Trouble.SERVER_ERROR


class MalformedError(UpstreamError):
    """The answer is not what the API documents."""

    trouble = Trouble.MALFORMED

    def __init__(self, detail: str, *, path: str = "") -> None:
        super().__init__(detail)
        self.path = path
        """The field that could not be read, as `$[3].id`; empty when it is the answer as a whole."""


class NotFoundError(UpstreamError):
    """There is no such token, or no such address."""

    trouble = Trouble.NOT_FOUND
