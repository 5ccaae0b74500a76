"""The line to the API: one request function, for every endpoint, its answer read as the caller says.

Here are the rate limit, the deadlines, the retries, the time for which ImaginePro asks to be left alone, and the other
path of an endpoint. What changes something is sent once, whatever comes of it.

The vendor allows one request in three seconds, and ten a second for the progress of a job
(imaginepro.ai/docs/system-design). It documents no error answers for these calls, and contradicts itself on the paths.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from http import HTTPStatus
from types import MappingProxyType, SimpleNamespace
from typing import Final, NamedTuple, Protocol, TypeVar

import aiohttp

from bot import USER_AGENT
from bot.imaginepro.complaint import complaint, harmless
from bot.imaginepro.endpoints import ENDPOINTS, Endpoint, filled
from bot.imaginepro.errors import (
    MalformedError,
    NotFoundError,
    RateLimitedError,
    ServerError,
    TimedOutError,
    UnpublishedError,
    UnreachableError,
    UpstreamError,
)
from bot.imaginepro.failures import broken, failed, retry_after
from bot.imaginepro.packing import ASKED_FOR, Unpacking
from bot.imaginepro.session import once
from bot.priority import Priority

ATTEMPT_TIMEOUT: Final = timedelta(seconds=10)
PATIENCE: Final = 15.0
"""Seconds that a call takes at most, until it is sent for the last time, where a person waits for it."""
_LARGEST_BODY: Final = 16 * 2**20
_CHUNK: Final = 2**16
"""Bytes of a body that are read before somebody else may go on."""
_FIRST_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 8.0

PASSING: Final = (UnreachableError, TimedOutError, RateLimitedError, ServerError)
"""What may be over when the same call is made again."""
_GOOD: Final = range(200, 300)
_LONGEST_COMPLAINT: Final = 2**16
"""Bytes that are read of an answer that is no good one."""
_PROGRESS: Final = 0.1
"""Seconds between two questions for the progress of jobs, which have an allowance of their own."""

_log = logging.getLogger(__name__)

NO_VALUES: Final[Mapping[str, object]] = MappingProxyType({})
WELL: Final = "well"

T_co = TypeVar("T_co", covariant=True)
T = TypeVar("T")


class Answer(Protocol[T_co]):
    """An answer, read while it arrives. Whatever cannot be read raises a `MalformedError` that quotes nothing."""

    body: bytearray
    """What has arrived, as far as it is kept."""
    retry_after: timedelta | None
    """How long it asks for no other call, which is heeded where it turns out to be no good answer."""

    def feed(self, chunk: bytes) -> Iterable[None]:
        """Take what arrived, in pieces between which others may go on."""

    def end(self) -> Iterable[None]:
        """Take what is left, in the same way; all has arrived."""

    @property
    def slow(self) -> bool:
        """Whether `value` takes so long that nobody should have to wait for it."""

    def value(self) -> T_co:
        """What it says."""


class _Request(NamedTuple):
    """What is asked."""

    endpoint: Endpoint
    path: str
    body: bytes
    """JSON; empty for none."""


class _Pace:
    """Whose turn it is, so that calls are spaced evenly."""

    def __init__(self, spacing: float) -> None:
        self.spacing = spacing
        self.queue = asyncio.Lock()
        self.called = -math.inf
        """When the last call was made, by the loop's clock."""


class Exchange(NamedTuple):
    """A call that was answered."""

    date: str = ""
    """When that was by the upstream's clock, as its header `Date` has it."""
    at: float = -math.inf
    """The same by the loop's clock."""
    took: float = 0.0
    """Seconds from the request to the end of the answer."""


class Line:
    """The line to the API, for one key."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        *,
        url: str,
        api_key: str,
        rate: tuple[int, timedelta],
        attempt_timeout: timedelta = ATTEMPT_TIMEOUT,
        priority: Priority | None = None,
        proxied: bool = False,
        endpoints: Mapping[str, Endpoint] = ENDPOINTS,
    ) -> None:
        """See `ImaginePro`."""
        calls, period = rate
        self.endpoints = endpoints
        self.answered: dict[str, str] = {}
        """By name of an endpoint what came of it last: `WELL`, the status of a bad answer, or the trouble with none."""
        self._session = session
        self._root = url.rstrip("/")
        self._key = api_key
        self._pace = _Pace(period.total_seconds() / calls)
        self._progress = _Pace(min(_PROGRESS, self._pace.spacing))
        self._moved: set[str] = set()
        """The endpoints that are at their other path, by name, for this run."""
        self.last = Exchange()
        """The last good one."""
        self._resting: UpstreamError | None = None
        """The answer that asked to be left alone, and until when, on the loop's clock. A restart forgets it."""
        self._rests_until = -math.inf
        self._attempt_timeout = attempt_timeout.total_seconds()
        self._priority = priority or Priority()
        self._proxied = proxied
        self.may_change: Callable[[], bool] = lambda: True
        """Whether something may be changed now; asked right before that is sent."""

    def clean(self, text: str, longest: int = 1000) -> str:
        """A text of the upstream's as a line for people, of at most so many characters, without a secret."""
        return harmless(text, api_key=self._key, longest=longest)

    async def call(
        self,
        name: str,
        begin: Callable[[], Answer[T]],
        values: Mapping[str, object] = NO_VALUES,
        *,
        patience: float | None = None,
        wanted: str = "",
    ) -> T:
        """Call an endpoint, and give what its answer says.

        If it is not at its path, the other documented one is tried, and kept if it answers: of what changes something
        only where the 404 is the API's own, so that nothing was done; and of what is `blind` there only where the API
        says that it has no such path, and not that it knows no such token.

        Args:
            name: Of the endpoint.
            begin: Makes what reads an answer, for each attempt anew.
            values: What goes into the braces of its path and body.
            patience: Seconds that all of it takes, waiting for its turn, retries and pauses included; without it, as
                long as a person waits. What is sent once has the time of an attempt on top, since to cut it short
                would leave open what was done.
            wanted: What the answer should be, as "tokens", for people.

        Raises:
            UnpublishedError: Nobody said where it is.
            UpstreamError: No answer that can be read.
        """
        endpoint = self.endpoints[name]
        deadline = asyncio.get_running_loop().time() + (PATIENCE if patience is None else patience)
        first, *others = _requests(endpoint, values)
        if name in self._moved and others:
            first, others = others[0], [first]
        try:
            return await self._asked(first, begin, deadline, wanted)
        except UpstreamError as error:
            if not others or error.status != HTTPStatus.NOT_FOUND or (endpoint.changes and not error.certain):
                raise
            if endpoint.blind and not error.nowhere:
                raise
        found = await self._asked(others[0], begin, deadline, wanted)
        self._moved ^= {name}
        _log.info("an endpoint is at its other path", extra={"fields": {"endpoint": name, "path": others[0].path}})
        return found

    async def _asked(self, request: _Request, begin: Callable[[], Answer[T]], deadline: float, wanted: str) -> T:
        name = request.endpoint.name
        try:
            found = await self._read(await self._request(request, deadline, begin), wanted)
        except UpstreamError as error:
            self.answered[name] = str(error.status or error.trouble)
            raise
        self.answered[name] = WELL
        return found

    async def _read(self, answer: Answer[T], wanted: str) -> T:
        try:
            for _ in answer.end():
                await self._priority.give_way()
            return await asyncio.to_thread(answer.value) if answer.slow else answer.value()
        except MalformedError as error:
            failure = error
        if not failure.certain and (said := complaint(answer.body, api_key=self._key)):
            place = f" in place of {wanted}" if wanted else ""
            words = f"the API answered with an error{place}: {said}"
            failure = MalformedError(words, path=failure.path)
        failure.retry_after = answer.retry_after
        self._leave_alone(failure)
        raise failure

    async def _request(self, request: _Request, deadline: float, begin: Callable[[], Answer[T]]) -> Answer[T]:
        """A good answer; attempts, with full jitter between them, go on while the deadline allows."""
        clock = asyncio.get_running_loop().time
        began = clock()
        pace = self._progress if request.endpoint.name == "PROGRESS" else self._pace
        failure: UpstreamError | None = None
        ceiling = _FIRST_PAUSE
        while await self._turn(pace, deadline):
            ends = clock() + self._attempt_timeout
            if request.endpoint.changes and not self.may_change():  # by now: a turn may be long in coming
                words = "another copy of the bot took over before it was sent"
                raise TimedOutError(words, certain=True)
            if request.endpoint.once:
                return await self._attempt(request, ends, begin())
            try:
                return await self._attempt(request, min(deadline, ends), begin())
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
        raise failure or TimedOutError("the limit of calls left no time for this one", certain=True)

    async def _turn(self, pace: _Pace, deadline: float) -> bool:
        """Wait until a call may be made, in the order of asking; False when that is not before the deadline.

        That is once the rate limit allows it, counted from the call that was really made, since whoever was held up
        must not be followed by a burst; and once the upstream need no longer be left alone, whoever's call that met.
        """
        clock = asyncio.get_running_loop().time
        if self._rests_until >= deadline:
            return False  # a poll that has more time may wait in the queue's front, until then
        try:
            async with asyncio.timeout_at(deadline), pace.queue:
                while (ready := max(pace.called + pace.spacing, self._rests_until)) > clock():
                    if ready >= deadline:
                        return False
                    await asyncio.sleep(ready - clock())
                if clock() >= deadline:
                    return False
                pace.called = clock()
        except TimeoutError:
            return False
        return True

    async def _attempt(self, request: _Request, deadline: float, answer: Answer[T]) -> Answer[T]:
        """Make one call. Errors are raised outside of handlers: linked to a foreign one, they would hold secrets."""
        refusal = bytearray()
        response: aiohttp.ClientResponse | None = None
        failure: UpstreamError | None = None
        stage = SimpleNamespace(connecting=False)
        clock = asyncio.get_running_loop().time
        began = clock()
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Accept": "application/json",
            "Accept-Encoding": ASKED_FOR,
            "User-Agent": USER_AGENT,
        }
        if request.body:
            headers["Content-Type"] = "application/json"
        try:
            async with (
                asyncio.timeout_at(deadline),
                self._session.request(
                    request.endpoint.method,
                    self._root + request.path,
                    data=request.body or None,
                    headers=headers,
                    allow_redirects=False,
                    middlewares=(once(),),
                    timeout=aiohttp.ClientTimeout(total=None),
                    trace_request_ctx=stage,
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
            words = "the API key, or the host in the API's URL, has characters that cannot be sent"
            failure = NotFoundError(words, certain=True)
        if response is not None and response.status not in _GOOD:
            failure = failed(response, refusal, api_key=self._key)  # however it went on
        if failure is not None:
            failure.certain = failure.certain or stage.connecting
            failure.retry_after = answer.retry_after
            self._leave_alone(failure)
            raise failure
        if response is not None:
            self.last = Exchange(response.headers.get("Date", ""), clock(), clock() - began)
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


def _requests(endpoint: Endpoint, values: Mapping[str, object]) -> list[_Request]:
    """The requests by which an endpoint may be asked, the likelier first.

    Raises:
        UnpublishedError: Nobody knows a path.
        NotFoundError: It wants a value that nobody gave.
    """
    if not endpoint.paths:
        words = endpoint.unset
        raise UnpublishedError(words, certain=True)
    try:
        paths, body = filled(endpoint, values)
    except KeyError as error:
        missing = error.args[0]
    else:
        return [_Request(endpoint, path, body) for path in paths]
    words = f"`{endpoint.variable}` has {{{missing}}} in it, so this call needs a {missing}"
    raise NotFoundError(words, certain=True)
