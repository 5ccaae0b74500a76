"""One attempt at a message of the ops channel: its deadline, one request each, and its end in the words of the outbox.

discord.py repeats a refused request up to five times on its own, which multiplies the load on a Discord in trouble and
hides from the outbox what happened. `one_try` stops that for the messages of channels: the outbox alone decides when to
try again. Answers to people keep discord.py's own retries. It also stops a request that was begun in good faith and
comes to be sent only after another copy of the bot may have taken over.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from datetime import timedelta
from enum import Enum, auto
from types import SimpleNamespace

import aiohttp
import discord

from bot.chat.answers import RATE_LIMITED, About, Answer, about, is_yes, lists_threads, read
from bot.delivery.outcome import (
    BlockedError,
    DeliveryError,
    GaveWayError,
    LaterError,
    RefusedError,
    UncertainError,
    VanishedError,
)

TURN = timedelta(seconds=45)
"""The wait for Discord's rate limits before a request (5 messages per 5 s and channel), and for what comes after one.

Who is cancelled just when discord.py 2.7 closes a request, and knows no end of a limit, leaves a limit behind that lets
nobody through. After 30 s in the queue discord.py looks again and finds it free: whoever left the queue earlier, time
after time, would never post again.
"""

ANSWER = timedelta(seconds=15)
"""From a request to the beginning of its answer."""

ATTEMPT = TURN + ANSWER + TURN
"""All of an attempt, which may be more than one request."""

MESSAGE_ROUTE = re.compile(r"/channels/\d+/messages(/\d+)?$")
DIRECT_ROUTE = re.compile(r"/users/@me/channels$")
"""Where a channel of direct messages is opened, or found."""
POST_ROUTE = re.compile(r"/channels/\d+/threads$")
"""By which a post of a forum is made."""
THREAD_ROUTE = re.compile(r"/channels/\d+$")
"""Which is asked to change a thread, where the method is PATCH."""
LIST_ROUTE = re.compile(r"/threads/(active|archived/public)$")


class Asked(Enum):
    """What is asked of the channel."""

    POST = auto()
    EDIT = auto()
    SEARCH = auto()


class _NotOursError(Exception):
    """Another copy of the bot may speak by now."""


class Patience:
    """An attempt's deadline: it waits for its turn, then for the answer, and then lets discord.py close the request."""

    def __init__(self, answer: timedelta) -> None:
        self.deadline = asyncio.timeout(TURN.total_seconds())
        self._end = asyncio.get_running_loop().time() + ATTEMPT.total_seconds()
        self._answer = answer
        self.began = False
        """Whether a request was begun."""
        self.reason = f"Discord's rate limit let no request through for {TURN.total_seconds():g} s"
        """What to say when the time is over."""
        self.took = False
        """Whether Discord took the message: what lasts on is discord.py's pause before the next one."""
        self.gave_way = False
        self._hurried = False

    def begin(self) -> None:
        """The request is made now."""
        self.began, self.took, self.gave_way = True, False, False
        self._allow(self._answer, f"Discord did not answer within {self._answer.total_seconds():g} s")

    def end(self) -> None:
        """There is an answer, or there will be none."""
        self._allow(TURN, "Discord's answer, or its rate limit after it, did not end")

    def taken(self) -> None:
        """Discord took the message."""
        self.took = True
        if self._hurried:
            self.give_way()

    def give_way(self) -> None:
        """Something else goes first. A request that is under way ends before; its turn and its pause may be long."""
        self._hurried = True
        if self.began and not self.took:
            return
        if self.deadline.when() is not None and not self.deadline.expired():
            self.gave_way = True
            self.deadline.reschedule(asyncio.get_running_loop().time())

    def over(self) -> None:
        """Let go of the task: what the attempt left behind, such as timers of the connection, keeps its context."""
        self.deadline = asyncio.timeout(None)

    def _allow(self, time: timedelta, reason: str) -> None:
        if self.deadline.when() is not None and not self.deadline.expired():
            self.deadline.reschedule(min(asyncio.get_running_loop().time() + time.total_seconds(), self._end))
            self.reason = reason


_patience: ContextVar[Patience | None] = ContextVar("patience", default=None)
"""Of the attempt that the running task makes."""


def _asked() -> None:
    if patience := _patience.get():
        patience.begin()


def _answered() -> None:
    if patience := _patience.get():
        patience.end()


class AnsweredError(Exception):
    """Discord, or who stands before it, did not answer what was asked for."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(str(answer))
        self.answer = answer


_Asked = aiohttp.TraceRequestStartParams | aiohttp.TraceRequestEndParams | aiohttp.TraceRequestRedirectParams


async def _refusal(params: aiohttp.TraceRequestEndParams) -> Answer | None:
    """What came, where it is not what was asked for; a page with the status 200 is none of Discord's, either."""
    response = params.response
    good = 200 <= response.status < 300  # noqa: PLR2004 - HTTP's own numbers
    if good and not _is_ours(params):
        return None
    body = await response.read()
    # discord.py reads nothing as JSON that has another label.
    labelled = response.headers.get("Content-Type") == "application/json"
    if good and labelled and _is_asked_for(params, body):
        return None
    return read(response.status, response.headers, body)


def _is_asked_for(asked: _Asked, body: bytes) -> bool:
    if LIST_ROUTE.search(asked.url.path):
        return lists_threads(body)
    return is_yes(body, several=asked.method == "GET" and bool(MESSAGE_ROUTE.search(asked.url.path)))


def _is_ours(asked: _Asked) -> bool:
    """Whether it is about a message of a channel, and whoever keeps that alone decides when to try again."""
    path = asked.url.path
    if asked.method == "DELETE":  # which a person waits for, and whose answer is empty
        return False
    if any(route.search(path) for route in (MESSAGE_ROUTE, DIRECT_ROUTE, POST_ROUTE, LIST_ROUTE)):
        return True
    # Other parts of the bot look at channels, too, and wait for the answer.
    return bool(THREAD_ROUTE.search(path)) and (asked.method == "PATCH" or _patience.get() is not None)


def _is_of_a_message(asked: _Asked) -> bool:
    return bool(MESSAGE_ROUTE.search(asked.url.path) or POST_ROUTE.search(asked.url.path))


MOST_ERRORS = 100
NO_ANSWER = "no answer"
OTHER = "other"
"""Stands for the errors of Discord that are counted after the first hundred kinds."""


class _Tally:
    """Counts errors of Discord, by kind."""

    def __init__(self, counted: Counter[str]) -> None:
        self._counted = counted

    def count(self, error: str) -> None:
        self._counted[error if error in self._counted or len(self._counted) < MOST_ERRORS else OTHER] += 1

    def meets(self, asked: _Asked, answer: Answer | None) -> None:
        """A request has ended, perhaps by that answer, which ends the attempt where it is one of the outbox's."""
        _answered()
        if answer is not None:
            self.count(str(answer.code or answer.status))
            # Who is cancelled while discord.py 2.7 waits out a limit on all that the bot asks leaves it in force for
            # good. So who has a deadline does not wait for its end.
            if _is_ours(asked) or (answer.everywhere and _patience.get()):
                raise AnsweredError(answer)
        elif _is_of_a_message(asked) and (patience := _patience.get()):
            patience.taken()


class Heard:
    """What Discord said last that the time is, in the header `Date` of an answer."""

    def __init__(self) -> None:
        self.date = ""
        self.at = 0.0
        """When that was, by the clock of the loop."""

    def note(self, date: str) -> None:
        """It says so now."""
        self.date, self.at = date, asyncio.get_running_loop().time()


def one_try(
    errors: Counter[str] | None = None,
    may_speak: Callable[[], bool] = lambda: True,
    heard: Heard | None = None,
) -> aiohttp.TraceConfig:
    """A trace for `discord.Client(http_trace=…)` that lets each request for a channel's messages be made once.

    Args:
        errors: All errors of Discord are counted here: by its own code (`50013`), by the status of an answer without
            one (`503`), or as `no answer`.
        may_speak: Asked before each request for a channel's messages, and before the connection for it is made; when it
            says no, there is none.
        heard: Is told what time each answer says it is.
    """
    tally = _Tally(Counter() if errors is None else errors)

    async def begins(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        if _is_ours(params) and not may_speak():
            raise _NotOursError
        _asked()

    async def ended(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        if heard is not None:
            heard.note(params.response.headers.get("Date", ""))
        tally.meets(params, await _refusal(params))

    async def led_elsewhere(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestRedirectParams
    ) -> None:
        # Discord's API leads nowhere else: it is a proxy, or a network that wants a login.
        tally.meets(params, read(params.response.status, params.response.headers, b""))

    async def broke(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        _answered()
        if not isinstance(params.exception, AnsweredError):
            tally.count(NO_ANSWER)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begins)
    trace.on_request_end.append(ended)
    trace.on_request_redirect.append(led_elsewhere)
    trace.on_request_exception.append(broke)
    return trace


@contextlib.asynccontextmanager
async def in_the_outbox_words(answer: timedelta, asked: Asked) -> AsyncIterator[Patience]:
    """Give an attempt its deadline, and turn every foreign error into a `DeliveryError`."""
    patience = Patience(answer)
    before = _patience.set(patience)
    try:
        async with patience.deadline:
            yield patience
    except _NotOursError as error:
        reason = "another copy of the bot may have taken over"
        raise LaterError(reason, everywhere=True) from error
    except AnsweredError as error:
        raise _of_answer(error.answer, asked) from error
    except discord.HTTPException as error:  # of a client without the trace, as the demo's is
        raise _of_answer(Answer(error.status, error.code, error.text), asked) from error
    except TimeoutError as error:
        if patience.gave_way and patience.took:
            return
        if patience.gave_way:
            reason = "something new goes first"
            raise GaveWayError(reason) from error
        raise (UncertainError if patience.began else LaterError)(patience.reason) from error
    except aiohttp.ClientConnectorError as error:
        reason = f"Discord cannot be reached: {error.os_error}"
        raise LaterError(reason, everywhere=True) from error
    except (aiohttp.ClientError, OSError) as error:
        reason = f"the connection to Discord broke: {type(error).__name__}"
        raise UncertainError(reason) from error
    finally:
        _patience.reset(before)
        patience.over()


def _of_answer(answer: Answer, asked: Asked) -> DeliveryError:
    """What an answer means for the message."""
    reason = str(answer)
    match about(answer, posting=asked is not Asked.EDIT):
        case About.CHANNEL:
            return BlockedError(reason)
        case About.GONE:
            return VanishedError(reason)
        case About.MESSAGE | About.PART if asked is not Asked.SEARCH:
            return RefusedError(reason)
        case _ if answer.status == RATE_LIMITED or (answer.code is not None and 400 <= answer.status < 500):  # noqa: PLR2004 - HTTP
            return LaterError(reason, answer.after, everywhere=answer.everywhere, answered=True)
        case _:
            return UncertainError(reason, answer.after, answered=True)
