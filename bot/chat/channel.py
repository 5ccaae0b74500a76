"""The ops channel: post, edit and find messages, and say in the outbox's words what Discord answered.

discord.py repeats a refused request up to five times on its own, which multiplies the load on a Discord in trouble and
hides from the outbox what happened. `one_try` stops that for the messages of channels: the outbox alone decides when to
try again. Answers to people keep discord.py's own retries. It also stops a request that was begun in good faith and
comes to be sent only after another copy of the bot may have taken over.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextvars import ContextVar
from datetime import datetime, timedelta
from types import MappingProxyType, SimpleNamespace
from typing import Any

import aiohttp
import discord

from bot.chat.alerts import Alert
from bot.domain.incidents import Message
from bot.domain.redaction import redact
from bot.outbox import BlockedError, LaterError, RefusedError, UncertainError, VanishedError

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

CLOCK_SKEW = timedelta(days=1)
"""How far the host's clock may be ahead of Discord's, or have been, when a message is looked for by time."""

HISTORY = 1000
"""Messages of the channel that are searched at most; more than that since the attempt is not an ops channel."""

VANISHED = {10008, 30046, 50005}
"""Unknown message; too many edits of a message older than an hour; a message of another user: the bot was replaced."""

MAY_NOT_REPLY = 160002
"""Replying takes the permission to read the history; the word itself does not, and must not wait for it."""

MESSAGE_ROUTE = re.compile(r"/channels/\d+/messages(/\d+)?$")


class _NotOursError(Exception):
    """Another copy of the bot may speak by now."""


class _Patience:
    """An attempt's deadline: it waits for its turn, then for the answer, and then lets discord.py close the request."""

    def __init__(self, answer: timedelta) -> None:
        self.deadline = asyncio.timeout(TURN.total_seconds())
        self._end = asyncio.get_running_loop().time() + ATTEMPT.total_seconds()
        self._answer = answer
        self.began = False
        """Whether a request was begun."""
        self.reason = f"Discord's rate limit let no request through for {TURN.total_seconds():g} s"
        """What to say when the time is over."""

    def begin(self) -> None:
        """The request is made now."""
        self.began = True
        self._allow(self._answer, f"Discord did not answer within {self._answer.total_seconds():g} s")

    def end(self) -> None:
        """There is an answer, or there will be none."""
        self._allow(TURN, "Discord's answer, or its rate limit after it, did not end")

    def over(self) -> None:
        """Let go of the task: what the attempt left behind, such as timers of the connection, keeps its context."""
        self.deadline = asyncio.timeout(None)

    def _allow(self, time: timedelta, reason: str) -> None:
        if self.deadline.when() is not None and not self.deadline.expired():
            self.deadline.reschedule(min(asyncio.get_running_loop().time() + time.total_seconds(), self._end))
            self.reason = reason


_patience: ContextVar[_Patience | None] = ContextVar("patience", default=None)
"""Of the attempt that the running task makes."""


def _asked() -> None:
    if patience := _patience.get():
        patience.begin()


def _answered() -> None:
    if patience := _patience.get():
        patience.end()


class _TurnedAwayError(Exception):
    """Discord answered 429 or 5xx."""

    def __init__(self, status: int, code: int, after: timedelta) -> None:
        super().__init__(f"Discord answered {status}" + (f", code {code}" if code else ""))
        self.status = status
        self.code = code
        self.after = after


MOST_ERRORS = 100
OTHER = "other"
"""Stands for the errors of Discord that are counted after the first hundred kinds."""


def one_try(errors: Counter[str] | None = None, may_speak: Callable[[], bool] = lambda: True) -> aiohttp.TraceConfig:
    """A trace for `discord.Client(http_trace=…)` that lets each request for a channel's messages be made once.

    Args:
        errors: All errors of Discord are counted here: by its own code (`50013`), by the status of an answer without
            one (`503`), or as `no answer`.
        may_speak: Asked before each request for a channel's messages, and before the connection for it is made; when it
            says no, there is none.
    """
    counted: Counter[str] = Counter() if errors is None else errors

    def count(error: str) -> None:
        counted[error if error in counted or len(counted) < MOST_ERRORS else OTHER] += 1

    async def begins(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestStartParams
    ) -> None:
        if MESSAGE_ROUTE.search(params.url.path) and not may_speak():
            raise _NotOursError
        _asked()

    async def ended(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
    ) -> None:
        _answered()
        response = params.response
        if response.ok:
            return
        body = await _body(response)
        code = _number(body.get("code"))
        count(str(code or response.status))
        refused = response.status == 429 or response.status >= 500  # noqa: PLR2004 - HTTP's own numbers
        if refused and MESSAGE_ROUTE.search(params.url.path):
            raise _TurnedAwayError(response.status, code, retry_after(response.headers, body))

    async def broke(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestExceptionParams
    ) -> None:
        _answered()
        if not isinstance(params.exception, _TurnedAwayError):
            count("no answer")

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(begins)
    trace.on_request_end.append(ended)
    trace.on_request_exception.append(broke)
    return trace


async def _body(response: aiohttp.ClientResponse) -> dict[str, object]:
    """Discord's own words about an error; none in a proxy's page."""
    try:
        body = await response.json(content_type=None)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


def retry_after(headers: Mapping[str, str], body: Mapping[str, object] = MappingProxyType({})) -> timedelta:
    """How long an answer asks to wait: the body says it exactly, the header in whole seconds; zero if neither does."""
    asked = body.get("retry_after", headers.get("Retry-After", 0))
    try:
        return timedelta(seconds=max(float(str(asked)), 0))
    except (ValueError, OverflowError):
        return timedelta()


@contextlib.asynccontextmanager
async def _in_the_outbox_words(answer: timedelta) -> AsyncIterator[None]:
    """Give an attempt its deadline, and turn every foreign error into a `DeliveryError`."""
    patience = _Patience(answer)
    before = _patience.set(patience)
    try:
        async with patience.deadline:
            yield
    except _NotOursError as error:
        reason = "another copy of the bot may have taken over"
        raise LaterError(reason) from error
    except _TurnedAwayError as error:
        if error.code in VANISHED:
            raise VanishedError(str(error)) from error
        if error.status == 429:  # noqa: PLR2004 - HTTP's own number
            raise LaterError(str(error), error.after) from error
        raise UncertainError(str(error)) from error
    except TimeoutError as error:
        raise (UncertainError if patience.began else LaterError)(patience.reason) from error
    except aiohttp.ClientConnectorError as error:
        reason = f"Discord cannot be reached: {error.os_error}"
        raise LaterError(reason) from error
    except (aiohttp.ClientError, OSError) as error:
        reason = f"the connection to Discord broke: {type(error).__name__}"
        raise UncertainError(reason) from error
    except discord.HTTPException as error:
        raise _of_answer(error) from error
    finally:
        _patience.reset(before)
        patience.over()


def _of_answer(error: discord.HTTPException) -> Exception:
    """What an error answer of Discord means for the message."""
    reason = redact(f"Discord answered {error.status}, code {error.code}: {error.text}")
    if error.code in VANISHED:
        return VanishedError(reason)
    if error.status in {401, 403, 404}:
        return BlockedError(reason)
    return RefusedError(reason)


class OpsChannel:
    """One channel of Discord, spoken to by REST alone: it works while the gateway is away."""

    def __init__(
        self,
        client: discord.Client,
        logged_in: asyncio.Event,
        *,
        channel_id: int,
        guild_id: int,
        render: Callable[[Message], Alert],
        answer: timedelta = ANSWER,
    ) -> None:
        """`render` makes of a message what shows it as of now; `answer` is how long Discord may take for one."""
        self._client = client
        self._logged_in = logged_in
        self._channel = client.get_partial_messageable(channel_id, guild_id=guild_id)
        self._render = render
        self._answer = answer

    async def ready(self) -> None:
        """Wait until requests to Discord can be made; the gateway may still be away."""
        await self._logged_in.wait()

    async def post(self, message: Message) -> int:
        """Post it with its mark as nonce; returns Discord's id of the message.

        Raises:
            DeliveryError: It was not posted, or nobody knows.
        """
        shown = self._render(message)
        extras = self._extras(message, shown)
        async with _in_the_outbox_words(self._answer):
            try:
                posted = await self._send(message, shown, extras)
            except discord.Forbidden as error:
                if error.code != MAY_NOT_REPLY or extras.pop("reference", None) is None:
                    raise
                posted = await self._send(message, shown, extras)
        return posted.id

    async def _send(self, message: Message, shown: Alert, extras: dict[str, Any]) -> discord.Message:
        return await self._channel.send(
            shown.content,
            embeds=shown.embeds,
            allowed_mentions=shown.allowed_mentions,
            nonce=message.mark,
            silent=shown.silent,
            **extras,
        )

    async def edit(self, message: Message) -> None:
        """Make the posted message show the incidents as they are now.

        Raises:
            DeliveryError: It was not edited, or nobody knows.
        """
        assert message.discord_id is not None  # noqa: S101 - only a posted message is edited
        shown = self._render(message)
        async with _in_the_outbox_words(self._answer):
            await self._channel.get_partial_message(message.discord_id).edit(
                content=shown.content,
                embeds=shown.embeds,
                allowed_mentions=shown.allowed_mentions,
                view=shown.view,
            )

    def _extras(self, message: Message, shown: Alert) -> dict[str, Any]:
        """Buttons, and the card that it answers; discord.py tells "none" from "not given"."""
        extras: dict[str, Any] = {}
        if shown.view is not None:
            extras["view"] = shown.view
        if message.reply_to is not None:
            # The card may have been deleted by somebody; the answer must be read all the same.
            extras["reference"] = discord.MessageReference(
                message_id=message.reply_to, channel_id=self._channel.id, fail_if_not_exists=False
            )
        return extras

    async def find(self, mark: str, since: datetime) -> int | None:
        """Discord's id of our message with that mark in its text or footer, posted since then; None if there is none.

        Raises:
            DeliveryError: The channel cannot be read now.
        """
        oldest = discord.utils.time_snowflake(since - CLOCK_SKEW)
        async with _in_the_outbox_words(self._answer):
            async for message in self._channel.history(limit=HISTORY):
                if message.id < oldest:
                    break
                words = " ".join([message.content, *(embed.footer.text or "" for embed in message.embeds)])
                if message.author == self._client.user and mark in words.split():
                    return message.id
        return None
