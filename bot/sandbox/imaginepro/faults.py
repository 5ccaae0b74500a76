"""What an answer of the simulated ImaginePro does instead of being right."""

import gzip
from collections.abc import Iterable
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import msgspec

from bot.domain.value import Value, replace

_PAGE: Final = b"<!doctype html><title>Just a moment</title>"
_AT_ONCE: Final = timedelta(0)
_FOREVER: Final = timedelta(hours=1)


class Fault(Value):
    """What an answer does instead of being right. One field or two of it are set; see the faults below."""

    status: int = HTTPStatus.OK
    body: bytes | None = None
    """Sent instead of the true answer."""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    keep: float = 1.0
    """The part of the body that is sent."""
    before: timedelta = _AT_ONCE
    """Waited before the headers."""
    drip: timedelta = _AT_ONCE
    """Waited between two of the body's bytes."""
    reset: bool = False
    """The connection is reset instead of answered."""
    done: bool | None = None
    """Whether the call does what it was made for, before any of that; None for what looks like it: if it is answered
    rightly."""

    @property
    def instead(self) -> bool:
        """Whether the call does not do what it was made for."""
        return self.reset or self.body is not None if self.done is None else not self.done


def problem(status: int, message: str | list[str], *, headers: Iterable[tuple[str, str]] = ()) -> Fault:
    """An error in the words of NestJS, which leaves `error` out of a plain 401."""
    body: dict[str, object] = {"message": message, "error": HTTPStatus(status).phrase, "statusCode": status}
    if status == HTTPStatus.UNAUTHORIZED:
        del body["error"]
    return Fault(status, msgspec.json.encode(body), headers=tuple(headers))


def rate_limited(retry_after: str | None = None) -> Fault:
    """429; `retry_after` is seconds or an HTTP date, as a text."""
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    return problem(HTTPStatus.TOO_MANY_REQUESTS, "ThrottlerException: Too Many Requests", headers=headers)


def page(status: int) -> Fault:
    """A proxy's or web site's page where JSON should be."""
    return Fault(status, _PAGE, content_type="text/html")


def late(seconds: float) -> Fault:
    """The right answer, after a while."""
    return Fault(before=timedelta(seconds=seconds))


def dripping(seconds: float) -> Fault:
    """The right answer: its headers at once, its body with so many seconds after each byte."""
    return Fault(drip=timedelta(seconds=seconds))


UNAUTHORIZED: Final = problem(401, "Unauthorized")
OUT_OF_CREDITS: Final = problem(402, "Insufficient credits")
FORBIDDEN: Final = problem(403, "This endpoint needs the DIY plan")
NOT_FOUND: Final = problem(404, "Cannot GET this path")
NO_TOKEN: Final = problem(404, "Token not found")
NO_JOB: Final = problem(404, "Message not found")
INVALID: Final = problem(400, ["id must be an integer", "id must be positive"])
SERVER_ERROR: Final = problem(500, "Internal server error")
BAD_GATEWAY: Final = page(502)
UNAVAILABLE: Final = page(503)
WEB_PAGE: Final = page(200)
REDIRECT: Final = Fault(301, b"", headers=(("Location", "https://www.example.com/"),))
TRUNCATED: Final = Fault(keep=0.5)
RESET: Final = Fault(reset=True)
RESET_AFTER: Final = Fault(reset=True, done=True)
"""It does what was asked, and the connection is reset instead of answered."""
HANG: Final = Fault(before=_FOREVER, done=False)
"""It neither does anything, nor answers."""
HANG_AFTER: Final = Fault(before=_FOREVER)
"""It does what was asked, and does not answer."""
HUGE: Final = Fault(body=gzip.compress(b" " * (17 * 2**20)), headers=(("Content-Encoding", "gzip"),))
"""Small on the wire, 17 MiB when unpacked."""


def after(fault: Fault) -> Fault:
    """The same fault, of an answer to what was done all the same."""
    return replace(fault, done=True)


WRONG: Final = {
    "401": UNAUTHORIZED,
    "402": OUT_OF_CREDITS,
    "403": FORBIDDEN,
    "404": NOT_FOUND,
    "429": rate_limited("1"),
    "500": SERVER_ERROR,
    "500 after the effect": after(SERVER_ERROR),
    "502": BAD_GATEWAY,
    "a web page": WEB_PAGE,
    "a web page after the effect": after(WEB_PAGE),
    "cut off after the effect": TRUNCATED,
    "reset": RESET,
    "reset after the effect": RESET_AFTER,
    "hang": HANG,
    "hang after the effect": HANG_AFTER,
}
"""A fault of each kind, by what it is called in tests."""
