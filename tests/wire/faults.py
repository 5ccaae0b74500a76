"""What can go wrong between the bot and Discord's REST API, as values that a test switches on and off.

A `Fault` says what happens to one request; an `Outage` says to which requests, and for how long.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum, auto
from fnmatch import fnmatchcase
from types import TracebackType
from typing import Self

from tests.wire.moment import loop_time


class How(Enum):
    """The ways in which a request goes wrong."""

    ANSWER = auto()
    """An answer comes, and it is an error."""
    HANG = auto()
    """The connection stays open and nothing ever comes."""
    RESET = auto()
    """The connection is reset."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request."""

    how: How
    accepted: bool = False
    """Whether Discord did what was asked before it went wrong."""
    status: int = 0
    code: int = 0
    """Discord's own error code in the JSON body, such as 50013."""
    message: str = ""
    html: bool = False
    """Whether the body is a proxy's web page instead of Discord's JSON."""
    retry_after: float | None = None
    """Seconds, for a 429."""
    everywhere: bool = False
    """Whether a 429 speaks of all that the bot asks, and not of this channel alone."""
    body: bytes | None = None
    """What comes instead of Discord's JSON, whatever it is."""
    headers: tuple[tuple[str, str], ...] = ()
    """Beside it, its `Content-Type` among them."""
    errors: Mapping[str, object] | None = None
    """Discord's tree of what is wrong in the form."""
    via: bool = True
    """Whether the answer names the proxy it passed. A 429 without it comes from Cloudflare's block of an address."""

    def after_accepting(self) -> "Fault":
        """The same, but Discord did what was asked first."""
        return replace(self, accepted=True)


HANG = Fault(How.HANG)
RESET = Fault(How.RESET)


def error(
    status: int, code: int = 0, message: str = "", *, html: bool = False, errors: Mapping[str, object] | None = None
) -> Fault:
    """An error answer: `error(403, 50013, "Missing Permissions")`, `error(502, html=True)`."""
    words = message or f"{status}: injected"
    return Fault(How.ANSWER, status=status, code=code, message=words, html=html, errors=errors)


def said(status: int, body: bytes, content_type: str = "application/json", **headers: str) -> Fault:
    """Any answer at all: `said(403, b"error code: 1010", "text/plain")`."""
    more = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Fault(How.ANSWER, status=status, body=body, headers=(("Content-Type", content_type), *more))


def rate_limited(retry_after: float, *, code: int = 0, via: bool = True, everywhere: bool = False) -> Fault:
    """A 429 that asks to wait `retry_after` seconds; without `via` it is an address block, as at login."""
    message = "You are being rate limited."
    return Fault(
        How.ANSWER,
        status=429,
        code=code,
        message=message,
        retry_after=retry_after,
        everywhere=everywhere,
        via=via,
        html=not via,
    )


class Outage:
    """A fault for the requests whose method and path (below `/api/v10`) match shell patterns, until it ends.

    Ends after `times` hits, `seconds` after it began, on `stop()`, or with its `with` block, whichever comes first.
    """

    def __init__(self, fault: Fault, method: str, path: str, times: int | None, seconds: float | None) -> None:
        self.fault = fault
        self.hits = 0
        """How many requests it has met."""
        self._method = method
        self._path = path
        self._times = times
        self._until = None if seconds is None else loop_time() + seconds
        self._stopped = False

    @property
    def over(self) -> bool:
        """Whether it meets no more requests."""
        spent = self._times is not None and self.hits >= self._times
        late = self._until is not None and loop_time() >= self._until
        return self._stopped or spent or late

    def meets(self, method: str, path: str) -> bool:
        """Whether this request goes wrong; counts it if so."""
        met = not self.over and fnmatchcase(method, self._method) and fnmatchcase(path, self._path)
        self.hits += met
        return met

    def stop(self) -> None:
        """End it now. Requests that hang already go on hanging."""
        self._stopped = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exception: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
