"""What each answer means that is no good one, and each error that comes in place of an answer."""

import math
import re
from collections.abc import Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Final

import aiohttp
from aiohttp.http_exceptions import LineTooLong

from bot.delivery.retry_after import asked_for
from bot.domain.refusal import REFUSALS
from bot.imaginepro.complaint import complaint, in_its_own_words, stranger
from bot.imaginepro.errors import (
    MalformedError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    ServerError,
    UnreachableError,
    UpstreamError,
)

_PASSING_STATUSES: Final = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_EARLY}
"""Of 4xx those that, by HTTP's own words, may be over when the same is asked again."""
_REDIRECTS: Final = range(300, 400)
_REFUSALS: Final = range(400, 500)
_NOWHERE: Final = re.compile(r"Cannot (GET|POST|PUT|PATCH|DELETE)\b")
"""NestJS's words for an address at which it has nothing."""
_LOCKED: Final = "a proxy asks for a user and a password, or for others"
_PROXIED: Final[tuple[tuple[type[BaseException], type[UpstreamError], str], ...]] = (
    (aiohttp.ClientConnectorDNSError, UnreachableError, "the name of the proxy's host cannot be resolved"),
    (aiohttp.ClientProxyConnectionError, UnreachableError, "no connection to the proxy could be made"),
)
"""The same as below, where it is not the API that is called."""
_BROKEN: Final[tuple[tuple[type[BaseException], type[UpstreamError], str], ...]] = (
    (aiohttp.ClientConnectorCertificateError, UnreachableError, "the TLS certificate of the API is not valid"),
    (aiohttp.ClientSSLError, UnreachableError, "no TLS connection to the API could be made"),
    (aiohttp.ClientConnectorDNSError, UnreachableError, "the name of the API's host cannot be resolved"),
    (aiohttp.ClientConnectorError, UnreachableError, "no connection to the API could be made"),
    (LineTooLong, MalformedError, "the answer has headers of over 64 KB"),
    (aiohttp.ClientResponseError, UnreachableError, "the API's host does not answer in HTTP that can be read"),
    (aiohttp.ServerDisconnectedError, UnreachableError, "the connection to the API broke before it answered"),
    (aiohttp.ClientPayloadError, UnreachableError, "the answer broke off"),
    (aiohttp.InvalidURL, NotFoundError, "the API's URL is not one that can be called"),
    (aiohttp.NonHttpUrlClientError, NotFoundError, "the API's URL is not one that can be called"),
    (Exception, UnreachableError, "the connection to the API broke"),
)
"""What a foreign error means, and what to say of it: the first row that fits it, or what it came of."""

_LINKS: Final = 10
"""Errors of a chain that are looked at."""


def broken(error: BaseException, *, proxied: bool) -> UpstreamError:
    """What a foreign error means that came in place of an answer; `proxied` if a proxy was to be asked for it."""
    if isinstance(error, aiohttp.ClientHttpProxyError):
        if error.status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
            return MalformedError(f"{_LOCKED} ({error.status})")
        return UnreachableError(f"the proxy does not connect the bot to the API ({error.status})")
    links: list[BaseException] = []
    link: BaseException | None = error
    while link is not None and len(links) < _LINKS:
        links.append(link)
        link = link.__cause__
    rows = (*_PROXIED, *_BROKEN) if proxied else _BROKEN
    make, words = next(row[1:] for row in rows if any(isinstance(each, row[0]) for each in links))
    return make(words, certain=make is NotFoundError)


def failed(response: aiohttp.ClientResponse, body: bytearray, *, api_key: str) -> UpstreamError:
    """What an answer means whose status is not 2xx; the key is not repeated, should the body do so.

    What the API alone can know, it must say in its own words: a proxy or firewall in its place answers 401, 403 or 404
    as well, and knows nothing of the key, the plan or the tokens. Only then is it certain that nothing was done:
    always of 429, and never of a timeout that the API itself reports, since what it waited for may go on.
    """
    status, asked = response.status, retry_after(response.headers)
    said = complaint(body, api_key=api_key)
    why = f"{status}: {said}" if said else str(status)
    own = in_its_own_words(body, status)
    kind: type[UpstreamError] = MalformedError
    if own and status in REFUSALS:
        kind, detail = RefusedError, f"{REFUSALS[status].meaning} ({why})"
    elif own and status == HTTPStatus.NOT_FOUND:
        kind, detail = NotFoundError, f"ImaginePro knows no such thing ({why})"
    elif status in REFUSALS or status == HTTPStatus.NOT_FOUND:
        packed = not body and "Content-Encoding" in response.headers
        form = "packed in a way that cannot be read" if packed else stranger(body)
        what = f"the answer is {form}, and not in the API's own words"
        detail = f"{what}: a proxy or firewall may have sent it ({why})"
    elif status == HTTPStatus.TOO_MANY_REQUESTS:
        kind, detail = RateLimitedError, f"too many calls ({why})"
    elif status >= HTTPStatus.INTERNAL_SERVER_ERROR or status in _PASSING_STATUSES:
        kind, detail = ServerError, f"the API, or what stands before it, failed ({why})"
    elif status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        detail = f"{_LOCKED} ({why})"
    elif own and status in _REFUSALS:
        detail = f"ImaginePro does not accept this call ({why})"
    elif status in _REDIRECTS and "Location" in response.headers:
        detail = f"the API's URL leads elsewhere: it redirects ({status})"
    else:
        detail = f"the API gave an answer that is not expected ({why})"
    if asked:
        detail += f"; it asks to be left alone for at least {math.ceil(asked.total_seconds())} s"
    certain = status == HTTPStatus.TOO_MANY_REQUESTS or (
        own and status in _REFUSALS and status != HTTPStatus.REQUEST_TIMEOUT
    )
    failure = kind(detail, status=status, retry_after=asked, certain=certain)
    failure.nowhere = own and bool(_NOWHERE.match(said))
    return failure


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The time asked for, at most an hour; a date counts from the answer's own `Date`; None when it is not readable."""
    return asked_for(headers.get("Retry-After"), headers.get("Date", ""))
