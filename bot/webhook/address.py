"""One POST to the fallback address, and what came of it."""

import contextlib
import logging
from base64 import b64encode
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from urllib.parse import unquote, urlsplit

import aiohttp

from bot import USER_AGENT
from bot.domain.redaction import redact
from bot.domain.value import Value
from bot.telemetry import event
from bot.webhook.body import Event, body, headers

logger = logging.getLogger(__name__)

DEADLINE = timedelta(seconds=10)

READ = 300
"""Bytes of an answer that are read, to be shown to whoever tries the address."""

Notify = Callable[[Event, str], Awaitable[bool]]
"""Tells somebody of an event, with the reason; False when it did not arrive."""


class Answer(Value):
    """What became of a request."""

    status: int | None
    """None where none came."""
    words: str
    """What was said, on one line and without the address; or why nothing was."""

    @property
    def taken(self) -> bool:
        """Whether it arrived."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - HTTP's own numbers


class Webhook:
    """An address that is told of events."""

    def __init__(
        self, url: str, clock: Callable[[], datetime], proxy: str | None = None, secrets: Iterable[str] = ()
    ) -> None:
        """The address is a secret: many services take whoever knows it for its owner. Others must not reach it."""
        self.url = url
        self._clock = clock
        self._proxy = proxy
        self._secrets = tuple(secrets)

    async def notify(self, what: Event, reason: str) -> bool:
        """Post it, with the reason for people; False when it did not arrive, which is logged without the address."""
        answer = await self.post(what, reason)
        if answer.status is None:
            event(logger, logging.WARNING, "fallback webhook cannot be reached", error=answer.words)
        elif not answer.taken:
            event(logger, logging.WARNING, "fallback webhook did not take it", status=answer.status)
        return answer.taken

    async def post(self, what: Event, reason: str) -> Answer:
        """Post it, and say what came of it."""
        fields = body(what, redact(reason, self._secrets), self._clock(), self.url)
        return await asked("POST", self.url, self._proxy, json=fields, headers=headers(what, self.url))


async def asked(
    method: str, url: str, proxy: str | None, *, json: object = None, headers: dict[str, str] | None = None
) -> Answer:
    """One request, without following where it is sent on to. Never raises for what is not there."""
    try:
        async with (
            aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=DEADLINE.total_seconds()),
                headers={"User-Agent": USER_AGENT},
                proxy=proxy,
            ) as session,
            session.request(method, url, json=json, headers=headers, allow_redirects=False) as response,
        ):
            said = b""
            with contextlib.suppress(aiohttp.ClientError, OSError):  # it was taken, or not, whatever follows
                said = await response.content.read(READ)
            return Answer(response.status, _said(said, url))
    except (aiohttp.ClientError, OSError, ValueError) as error:  # the last where a name cannot even be looked up
        return Answer(None, _why(error))


_WHY: tuple[tuple[type[Exception], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "no such host is known"),
    (aiohttp.ClientConnectorCertificateError, "its certificate is not trusted: SSL_CERT_FILE names a CA of your own"),
    (aiohttp.ClientHttpProxyError, "the proxy refuses to connect to it"),
    (aiohttp.ClientProxyConnectionError, "the proxy cannot be reached"),
    (aiohttp.ClientSSLError, "it speaks no TLS that is understood: is it http://, or another port?"),
    (aiohttp.ClientConnectorError, "nothing answers there"),
    (TimeoutError, "it did not answer in time"),
    (ValueError, "its host is no name that can be looked up"),
)
"""Why nothing answered, by the first kind that fits. What a library says itself has the address in it."""


def _why(error: Exception) -> str:
    return next((words for kind, words in _WHY if isinstance(error, kind)), type(error).__name__)


def _said(answer: bytes, url: str) -> str:
    """The beginning of an answer, on one line; what is in the address is not in it."""
    text = " ".join(answer.decode(errors="replace").split())
    return redact("".join(filter(str.isprintable, text)), parts(url))


def parts(url: str) -> tuple[str, ...]:
    """What of an address may open it by itself: a service may say it back, or a library in an error."""
    split = urlsplit(url)
    words = [*split.path.split("/"), *split.query.replace("=", "&").split("&"), split.username, split.password]
    if split.username is not None:  # as it is sent
        pair = f"{unquote(split.username)}:{unquote(split.password or '')}"
        words.append(b64encode(pair.encode()).decode())
    named = {word for each in words if each for word in (each, unquote(each)) if len(word) > _TELLING}
    return url, *named


_TELLING = 5
"""Characters up to which a part of an address is a word such as `api` or `hooks`."""
