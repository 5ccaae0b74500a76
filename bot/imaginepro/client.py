"""The ImaginePro API over HTTP: the whole fleet, or one token.

Every call ends in tokens or in one of this tree, whatever went wrong underneath (`bot.imaginepro.errors` says more):

    UpstreamError
    ├── UnreachableError     retried
    ├── TimedOutError        retried
    ├── RateLimitedError     retried, after the time the upstream asks for
    ├── ServerError          retried
    ├── RefusedError
    ├── MalformedError
    └── NotFoundError

The vendor allows one request in three seconds (imaginepro.ai/docs/system-design), documents no error answers for these
calls, and contradicts itself on the paths: the list is in one generation of the documentation, the path of a single
token called without an id in another (docs.imaginepro.ai/api-216008264).
"""

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import aiohttp

from bot.domain.model import Token
from bot.imaginepro.errors import (
    MalformedError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TimedOutError,
    UnreachableError,
    UpstreamError,
)
from bot.imaginepro.wire import NOTHING, Answer, Reader, complaint
from bot.priority import Priority

__all__ = [
    "PASSING",
    "ImaginePro",
    "MalformedError",
    "NotFoundError",
    "RateLimitedError",
    "RefusedError",
    "ServerError",
    "TimedOutError",
    "UnreachableError",
    "UpstreamError",
    "connected",
]

_LIST: Final = "/api/v1/discord/tokens"
_SINGLE: Final = "/api/v1/discord/token/"

_ATTEMPT_TIMEOUT: Final = timedelta(seconds=10)
_PATIENCE: Final = 15.0
"""Seconds that reading one token takes at most, since a person waits for it."""
_LARGEST_BODY: Final = 16 * 2**20
_CHUNK: Final = 2**16
"""Bytes of a body that are read before somebody else may go on."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 8.0
_LONGEST_RETRY_AFTER: Final = timedelta(days=1).total_seconds()

PASSING: Final = (UnreachableError, TimedOutError, RateLimitedError, ServerError)
"""What may be over when the same call is made again."""
_GOOD: Final = range(200, 300)
_REFUSALS: Final[Mapping[int, str]] = {
    HTTPStatus.UNAUTHORIZED: "ImaginePro refuses the API key, or its credits are used up",
    HTTPStatus.PAYMENT_REQUIRED: "ImaginePro asks for payment: out of credits, or the subscription ended",
    HTTPStatus.FORBIDDEN: "ImaginePro forbids this call: the plan may not be DIY",
}
_BROKEN: Final[tuple[tuple[type[Exception], str], ...]] = (
    (aiohttp.ClientConnectorCertificateError, "the TLS certificate of the API is not valid"),
    (aiohttp.ClientSSLError, "no TLS connection to the API could be made"),
    (aiohttp.ClientConnectorDNSError, "the name of the API's host cannot be resolved"),
    (aiohttp.ClientConnectorError, "no connection to the API could be made"),
    (aiohttp.ClientResponseError, "the API's host does not answer in HTTP"),
    (Exception, "the connection to the API broke"),
)
"""What to say of a connection error: the first row that fits."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def connected(
    *,
    url: str,
    api_key: str,
    rate: tuple[int, timedelta],
    budget: timedelta,
    attempt_timeout: timedelta = _ATTEMPT_TIMEOUT,
    priority: Priority | None = None,
) -> AsyncIterator["ImaginePro"]:
    """An `ImaginePro` with a session of its own, which is closed in the end."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
        yield ImaginePro(
            session,
            url=url,
            api_key=api_key,
            rate=rate,
            budget=budget,
            attempt_timeout=attempt_timeout,
            priority=priority,
        )


class ImaginePro:
    """The API, for one key.

    Args:
        session: Closed by whoever made it.
        url: Of the API's root, without `/api/v1`.
        api_key: The bearer key.
        rate: So many calls in such a time, over all calls and retries; they are spaced evenly, so that no window of
            that length ever sees more.
        budget: The longest that reading the fleet takes: waiting for its turn, retries and pauses included.
        attempt_timeout: The longest one request takes, to the last byte of its answer.
        priority: Says who goes first while a large answer is read.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        api_key: str,
        rate: tuple[int, timedelta],
        budget: timedelta,
        attempt_timeout: timedelta = _ATTEMPT_TIMEOUT,
        priority: Priority | None = None,
    ) -> None:
        calls, period = rate
        self._session = session
        self._root = url.rstrip("/")
        self._key = api_key
        self._spacing = period.total_seconds() / calls
        self._queue = asyncio.Lock()
        self._called = -math.inf
        """When the last call was made, by the loop's clock."""
        self._budget = budget.total_seconds()
        self._attempt_timeout = attempt_timeout.total_seconds()
        self._priority = priority or Priority()
        self._fleet_path = _LIST
        self._reader = Reader()

    async def fleet(self, known: Mapping[int, Token] = NOTHING) -> dict[int, Token]:
        """All linked tokens by id, in the upstream's order; what is decoded and reads as in `known` is that token.

        If the list is not at its documented path, the other documented one is tried, and kept if it answers.

        Raises:
            UpstreamError: No reading; it says nothing about the tokens.
        """
        deadline = self._deadline(self._budget)
        try:
            return await self._tokens(self._fleet_path, deadline, self._reader, known)
        except NotFoundError:
            if self._fleet_path == _SINGLE:
                raise
        try:
            found = await self._tokens(_SINGLE, deadline, self._reader, known)
        except NotFoundError as error:
            detail = f"the API has no list of tokens: its URL is wrong, or the plan is not DIY ({error.detail})"
            raise NotFoundError(detail) from error
        self._fleet_path = _SINGLE
        _log.info("the list of tokens is at the path of a single one", extra={"fields": {"path": _SINGLE}})
        return found

    async def token(self, token_id: int) -> Token:
        """One linked token, found by its id in whatever list comes back.

        Raises:
            NotFoundError: The upstream does not know it.
            UpstreamError: No reading; it says nothing about the token.
        """
        found = await self._tokens(f"{_SINGLE}{token_id}", self._deadline(_PATIENCE), Reader())
        if token_id not in found:
            message = f"ImaginePro's answer has no token {token_id}"
            raise NotFoundError(message)
        return found[token_id]

    def _deadline(self, budget: float) -> float:
        return asyncio.get_running_loop().time() + budget

    async def _tokens(
        self, path: str, deadline: float, reader: Reader, known: Mapping[int, Token] = NOTHING
    ) -> dict[int, Token]:
        answer = await self._request(path, deadline, lambda: reader.answer(known))
        for _ in answer.end():
            await self._priority.give_way()
        return await asyncio.to_thread(answer.tokens) if answer.whole else answer.tokens()

    async def _request(self, path: str, deadline: float, begin: Callable[[], Answer]) -> Answer:
        """A good answer; attempts, with full jitter between them, go on while the deadline allows."""
        clock = asyncio.get_running_loop().time
        failure: UpstreamError | None = None
        ceiling = _FIRST_PAUSE
        while await self._turn(deadline):
            try:
                return await self._attempt(path, min(deadline, clock() + self._attempt_timeout), begin())
            except PASSING as error:
                # An attempt that the budget cut short says less than the one before it.
                failure = failure if failure and clock() >= deadline else error
            asked = failure.retry_after.total_seconds() if failure.retry_after else 0.0
            pause = max(asked, random.uniform(0, ceiling))  # noqa: S311  # spreads retries, keeps no secret
            if clock() + pause >= deadline:
                break
            _log.debug("upstream call failed, retrying", extra={"fields": {"trouble": failure.trouble, "pause": pause}})
            await asyncio.sleep(pause)
            ceiling = min(2 * ceiling, _LONGEST_PAUSE)
        raise failure or TimedOutError("the limit of calls left no time for this one")

    async def _turn(self, deadline: float) -> bool:
        """Wait until the rate limit allows a call, in the order of asking; False when that is not before the deadline.

        Counted from the call that was really made: whoever was held up must not be followed by a burst.
        """
        clock = asyncio.get_running_loop().time
        try:
            async with asyncio.timeout_at(deadline), self._queue:
                if max(clock(), self._called + self._spacing) >= deadline:
                    return False
                await asyncio.sleep(self._called + self._spacing - clock())
                self._called = clock()
        except TimeoutError:
            return False
        return True

    async def _attempt(self, path: str, deadline: float, answer: Answer) -> Answer:
        failure: UpstreamError
        refusal = bytearray()
        try:
            async with (
                asyncio.timeout_at(deadline),
                self._session.get(
                    self._root + path,
                    headers={"Authorization": f"Bearer {self._key}", "Accept": "application/json"},
                    allow_redirects=False,
                    middlewares=(_once(),),
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                await self._receive(response, answer.feed if response.status in _GOOD else refusal.extend)
        except TimeoutError:
            failure = TimedOutError("the API did not answer in time")
        except (aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError):
            failure = NotFoundError("the API's URL is not one that can be called")
        except (aiohttp.ClientError, OSError, EOFError, RuntimeError) as error:
            failure = UnreachableError(next(words for kind, words in _BROKEN if isinstance(error, kind)))
        except ValueError:
            if answer.body:
                raise  # it was sent, and is answered: this is a mistake of ours
            failure = RefusedError(
                "the API key, or the host in its URL, has characters that cannot be sent", status=None
            )
        else:
            if response.status in _GOOD:
                return answer
            failure = _failure(response, complaint(refusal, api_key=self._key))
        raise failure  # out here, since raised in a handler it would stay linked to the foreign error and its secrets

    async def _receive(self, response: aiohttp.ClientResponse, take: Callable[[bytes], Iterable[None] | None]) -> None:
        """Have the body taken as it arrives, decompressed, as long as it stays within its bound and may be JSON."""
        if response.status in _GOOD and response.content_type == "text/html":  # a proxy's, or a web site's
            message = "the API answered with a web page, not with JSON"
            raise MalformedError(message)
        size = 0
        async for chunk in response.content.iter_chunked(_CHUNK):
            size += len(chunk)
            if size > _LARGEST_BODY:
                message = f"the answer is larger than {_LARGEST_BODY // 2**20} MiB"
                raise MalformedError(message)
            for _ in take(chunk) or ():
                await self._priority.give_way()
            await self._priority.give_way()


def _once() -> aiohttp.ClientMiddlewareType:
    """Keep aiohttp from sending a request again by itself, past the rate limit, when its connection breaks."""
    sent = False

    async def send(request: aiohttp.ClientRequest, send_on: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        nonlocal sent
        if sent:
            raise aiohttp.ServerDisconnectedError
        sent = True
        return await send_on(request)

    return send


def _failure(response: aiohttp.ClientResponse, said: str) -> UpstreamError:
    """What a status that is not 2xx means; `said` is the API's own message. A web page is not the API's word."""
    status, headers = response.status, response.headers
    why = f"{status}: {said}" if said else str(status)
    if status in _REFUSALS and response.content_type != "text/html":
        return RefusedError(f"{_REFUSALS[status]} ({why})", status=status)
    if status == HTTPStatus.NOT_FOUND:
        return NotFoundError(f"ImaginePro knows no such thing ({why})")
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return RateLimitedError(f"too many calls ({why})", retry_after=_retry_after(headers))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerError(f"the API failed ({why})", retry_after=_retry_after(headers))
    if status < HTTPStatus.BAD_REQUEST:
        return MalformedError(f"the API's URL leads elsewhere: it redirects ({status})")
    return MalformedError(f"the API gave an answer that is not expected ({why})")


def _retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """The time asked for, at most a day; a date counts from the answer's own `Date`; None when it is not readable."""
    text = headers.get("Retry-After", "")
    try:
        seconds = float(text)
    except ValueError:
        try:
            seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(headers["Date"])).total_seconds()
        except (KeyError, TypeError, ValueError):
            return None
    if math.isnan(seconds):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), _LONGEST_RETRY_AFTER))
