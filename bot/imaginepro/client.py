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
from http import HTTPStatus
from typing import Final

import aiohttp

from bot import USER_AGENT
from bot.domain.model import Token
from bot.imaginepro.complaint import complaint
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
from bot.imaginepro.failures import broken, failed, retry_after
from bot.imaginepro.packing import ASKED_FOR, Unpacking
from bot.imaginepro.wire import NOTHING, Answer, Reader
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
    "once",
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

PASSING: Final = (UnreachableError, TimedOutError, RateLimitedError, ServerError)
"""What may be over when the same call is made again."""
_GOOD: Final = range(200, 300)
_LONGEST_HEADER: Final = 2**16
_MOST_HEADERS: Final = 1000
"""aiohttp takes 8 KB and 128 by itself; a content security policy alone may be longer."""
_LONGEST_COMPLAINT: Final = 2**16
"""Bytes that are read of an answer that is no good one."""

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
    proxy: str | None = None,
) -> AsyncIterator["ImaginePro"]:
    """An `ImaginePro` with a session of its own, which is closed in the end; by that proxy, if there is one."""
    async with aiohttp.ClientSession(
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_line_size=_LONGEST_HEADER,
        max_field_size=_LONGEST_HEADER,
        max_headers=_MOST_HEADERS,
        proxy=proxy,
    ) as session:
        yield ImaginePro(
            session,
            url=url,
            api_key=api_key,
            rate=rate,
            budget=budget,
            attempt_timeout=attempt_timeout,
            priority=priority,
            proxied=proxy is not None,
        )


class ImaginePro:
    """The API, for one key.

    Args:
        session: Closed by whoever made it; it must leave answers packed as they are.
        url: Of the API's root, without `/api/v1`.
        api_key: The bearer key.
        rate: So many calls in such a time, over all calls and retries; they are spaced evenly, so that no window of
            that length ever sees more.
        budget: The longest that reading the fleet takes: waiting for its turn, retries and pauses included.
        attempt_timeout: The longest one request takes, to the last byte of its answer.
        priority: Says who goes first while a large answer is read.
        proxied: Whether the session goes by a proxy, which then may be what cannot be reached.
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
        proxied: bool = False,
    ) -> None:
        calls, period = rate
        self._session = session
        self._root = url.rstrip("/")
        self._key = api_key
        self._spacing = period.total_seconds() / calls
        self._queue = asyncio.Lock()
        self._called = -math.inf
        """When the last call was made, by the loop's clock."""
        self._resting: UpstreamError | None = None
        """The answer that asked to be left alone, and until when, on that clock. A restart forgets it."""
        self._rests_until = -math.inf
        self._budget = budget.total_seconds()
        self._attempt_timeout = attempt_timeout.total_seconds()
        self._priority = priority or Priority()
        self._proxied = proxied
        self._fleet_path = _LIST
        self._reader = Reader()

    async def fleet(self, known: Mapping[int, Token] = NOTHING) -> dict[int, Token]:
        """All linked tokens by id, in the upstream's order; what is decoded and reads as in `known` is that token.

        If the list is not at its path, the other documented one is tried, and kept if it answers.

        Raises:
            UpstreamError: No reading; it says nothing about the tokens.
        """
        deadline = self._deadline(self._budget)
        try:
            return await self._tokens(self._fleet_path, deadline, self._reader, known)
        except UpstreamError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
        other = _LIST if self._fleet_path == _SINGLE else _SINGLE
        try:
            found = await self._tokens(other, deadline, self._reader, known)
        except UpstreamError as error:
            if error.status != HTTPStatus.NOT_FOUND:
                raise
            detail = f"the API has no list of tokens: its URL is wrong, or the plan is not DIY ({error.detail})"
            raise NotFoundError(detail, status=error.status, retry_after=error.retry_after) from error
        self._fleet_path = other
        _log.info("the list of tokens is at its other path", extra={"fields": {"path": other}})
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
        try:
            for _ in answer.end():
                await self._priority.give_way()
            return await asyncio.to_thread(answer.tokens) if answer.whole else answer.tokens()
        except MalformedError as error:
            failure = error
        if said := complaint(answer.body, api_key=self._key):
            failure = MalformedError(f"the API answered with an error in place of tokens: {said}", path=failure.path)
        failure.retry_after = answer.retry_after
        self._leave_alone(failure)
        raise failure

    async def _request(self, path: str, deadline: float, begin: Callable[[], Answer]) -> Answer:
        """A good answer; attempts, with full jitter between them, go on while the deadline allows."""
        clock = asyncio.get_running_loop().time
        began = clock()
        failure: UpstreamError | None = None
        ceiling = _FIRST_PAUSE
        while await self._turn(deadline):
            try:
                return await self._attempt(path, min(deadline, clock() + self._attempt_timeout), begin())
            except PASSING as error:
                # An attempt that the budget cut short says less than what was said before it.
                failure = error if clock() < deadline else failure or self._rests_since(began) or error
            asked = failure.retry_after.total_seconds() if failure.retry_after else 0.0
            pause = max(asked, random.uniform(0, ceiling))  # noqa: S311  # spreads retries, keeps no secret
            if clock() + pause >= deadline:
                break
            _log.debug("upstream call failed, retrying", extra={"fields": {"trouble": failure.trouble, "pause": pause}})
            await asyncio.sleep(pause)
            ceiling = min(2 * ceiling, _LONGEST_PAUSE)
        resting = self._rests_since(began)
        if resting is not None and failure in {None, resting}:
            failure = resting.again(timedelta(seconds=max(self._rests_until - clock(), 0)))
        raise failure or TimedOutError("the limit of calls left no time for this one")

    async def _turn(self, deadline: float) -> bool:
        """Wait until a call may be made, in the order of asking; False when that is not before the deadline.

        That is once the rate limit allows it, counted from the call that was really made, since whoever was held up
        must not be followed by a burst; and once the upstream need no longer be left alone, whoever's call that met.
        """
        clock = asyncio.get_running_loop().time
        if self._rests_until >= deadline:
            return False  # a poll that has more time may wait in the queue's front, until then
        try:
            async with asyncio.timeout_at(deadline), self._queue:
                while (ready := max(self._called + self._spacing, self._rests_until)) > clock():
                    if ready >= deadline:
                        return False
                    await asyncio.sleep(ready - clock())
                if clock() >= deadline:
                    return False
                self._called = clock()
        except TimeoutError:
            return False
        return True

    async def _attempt(self, path: str, deadline: float, answer: Answer) -> Answer:
        """Make one call. Errors are raised outside of handlers: linked to a foreign one, they would hold secrets."""
        refusal = bytearray()
        response: aiohttp.ClientResponse | None = None
        failure: UpstreamError | None = None
        try:
            async with (
                asyncio.timeout_at(deadline),
                self._session.get(
                    self._root + path,
                    headers={
                        "Authorization": f"Bearer {self._key}",
                        "Accept": "application/json",
                        "Accept-Encoding": ASKED_FOR,
                        "User-Agent": USER_AGENT,
                    },
                    allow_redirects=False,
                    middlewares=(once(),),
                    timeout=aiohttp.ClientTimeout(total=None),
                ) as response,
            ):
                answer.retry_after = retry_after(response.headers)
                await self._receive(response, answer.feed if response.status in _GOOD else refusal.extend)
        except TimeoutError:
            failure = TimedOutError("the API did not answer in time")
        except (aiohttp.ClientError, OSError, EOFError, RuntimeError) as error:
            failure = broken(error, proxied=self._proxied)
        except MalformedError as error:
            failure = error
        except ValueError:
            if response is not None:
                raise  # it was sent, and is answered: this is a mistake of ours
            failure = NotFoundError("the API key, or the host in the API's URL, has characters that cannot be sent")
        if response is not None and response.status not in _GOOD:
            failure = failed(response, refusal, api_key=self._key)  # however it went on
        if failure is not None:
            failure.retry_after = answer.retry_after
            self._leave_alone(failure)
            raise failure
        return answer

    def _rests_since(self, began: float) -> UpstreamError | None:
        """The answer that asked to be left alone, if it held when a call began, or came since."""
        return self._resting if self._rests_until > began else None

    def _leave_alone(self, failure: UpstreamError) -> None:
        """Make no call, for anybody, before the time has passed that an answer asks for."""
        if failure.retry_after is not None:
            until = asyncio.get_running_loop().time() + failure.retry_after.total_seconds()
            if until > self._rests_until:
                self._resting, self._rests_until = failure, until

    async def _receive(self, response: aiohttp.ClientResponse, take: Callable[[bytes], Iterable[None] | None]) -> None:
        """Have the body taken as it arrives, unpacked, as long as it stays within its bound and may be JSON."""
        good = response.status in _GOOD
        unpacking = Unpacking(response.headers.get("Content-Encoding", ""))
        size = 0
        async for chunk in response.content.iter_chunked(_CHUNK):
            for piece in unpacking.feed(chunk):
                size += len(piece)
                if size > (_LARGEST_BODY if good else _LONGEST_COMPLAINT):
                    message = f"the answer is larger than {_LARGEST_BODY // 2**20} MiB"
                    raise MalformedError(message)
                for _ in take(piece) or ():
                    await self._priority.give_way()
                await self._priority.give_way()
        unpacking.end()


def once() -> aiohttp.ClientMiddlewareType:
    """Keep aiohttp from sending a request again by itself, past the rate limit, when its connection breaks.

    It does so with GET, PUT and DELETE. Every request goes by this guard: what changes something may be done already.
    """
    sent = False

    async def send(request: aiohttp.ClientRequest, send_on: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        nonlocal sent
        if sent:
            raise aiohttp.ServerDisconnectedError
        sent = True
        return await send_on(request)

    return send
