"""The ImaginePro API over HTTP: the face of this room, with a method for each thing that can be asked of it.

Every call ends in a value or in one of this tree, whatever went wrong underneath (`bot.imaginepro.errors` says more):

    UpstreamError
    ├── UnreachableError     retried
    ├── TimedOutError        retried
    ├── RateLimitedError     retried, after the time the upstream asks for
    ├── ServerError          retried
    ├── RefusedError
    ├── MalformedError
    └── NotFoundError
        └── UnpublishedError

Retried is only what changes nothing. What does is sent once, and `UpstreamError.certain` says whether it was surely not
done. What a start does not need is imported by the call that needs it.
"""

from collections.abc import AsyncIterator, Callable, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING, Literal

from bot.domain.model import Token
from bot.imaginepro.endpoints import ENDPOINTS, Endpoint
from bot.imaginepro.errors import (
    MalformedError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TimedOutError,
    UnpublishedError,
    UnreachableError,
    UpstreamError,
)
from bot.imaginepro.fleet import fleet, toggle, token
from bot.imaginepro.http import ATTEMPT_TIMEOUT, PASSING, Exchange, Line
from bot.imaginepro.session import once, session
from bot.imaginepro.wire import NOTHING, Reader
from bot.priority import Priority

if TYPE_CHECKING:
    from bot.domain.account import Account, Verdict
    from bot.domain.jobs import Image, Job, Trace
    from bot.imaginepro.tree import Tree

__all__ = [
    "PASSING",
    "ImaginePro",
    "MalformedError",
    "NotFoundError",
    "RateLimitedError",
    "RefusedError",
    "ServerError",
    "TimedOutError",
    "UnpublishedError",
    "UnreachableError",
    "UpstreamError",
    "connected",
    "once",
]


@asynccontextmanager
async def connected(
    *,
    url: str,
    api_key: str,
    rate: tuple[int, timedelta],
    budget: timedelta,
    attempt_timeout: timedelta = ATTEMPT_TIMEOUT,
    priority: Priority | None = None,
    proxy: str | None = None,
    endpoints: Mapping[str, Endpoint] = ENDPOINTS,
) -> AsyncIterator["ImaginePro"]:
    """An `ImaginePro` with a session of its own, which is closed in the end.

    Args:
        url: Of the API's root, without `/api/v1`.
        api_key: The bearer key.
        rate: So many calls in such a time, over all calls and retries; they are spaced evenly, so that no window of
            that length ever sees more. The progress of jobs has an allowance of its own.
        budget: The longest that reading the fleet takes: waiting for its turn, retries and pauses included.
        attempt_timeout: The longest one request takes, to the last byte of its answer.
        priority: Says who goes first while a large answer is read.
        proxy: By which the API is reached.
        endpoints: Where everything is.
    """
    async with session(proxy) as opened:
        line = Line(
            opened,
            url=url,
            api_key=api_key,
            rate=rate,
            attempt_timeout=attempt_timeout,
            priority=priority,
            proxied=proxy is not None,
            endpoints=endpoints,
        )
        yield ImaginePro(line, budget=budget)


class ImaginePro:
    """The API, for one key. Every method raises an `UpstreamError` where it brings nothing."""

    def __init__(self, line: Line, *, budget: timedelta) -> None:
        """See `connected`, which makes it."""
        self._line = line
        self._budget = budget.total_seconds()
        self._reader = Reader()

    def change_only_while(self, leads: Callable[[], bool]) -> None:
        """Send nothing that changes something, from now on, but while that is so; it is asked right before."""
        self._line.may_change = leads

    @property
    def endpoints(self) -> Mapping[str, Endpoint]:
        """Where everything is, by name, as the operator's settings have it."""
        return self._line.endpoints

    @property
    def answered(self) -> Mapping[str, str]:
        """What came of the last call of each endpoint in this run, by name: `well`, a status, or a kind of trouble."""
        return self._line.answered

    @property
    def last(self) -> Exchange:
        """The last call that was answered well: how long it took, and what the upstream's clock said."""
        return self._line.last

    async def fleet(self, known: Mapping[int, Token] = NOTHING) -> dict[int, Token]:
        """All linked tokens by id, in the upstream's order; what is decoded and reads as in `known` is that token.

        An error says nothing about the tokens.
        """
        return await fleet(self._line, self._reader, known, self._budget)

    async def token(self, token_id: int) -> Token:
        """One linked token, found by its id in whatever list comes back; `NotFoundError` if there is no such token."""
        return await token(self._line, token_id)

    async def toggle(self, token_id: int, *, active: bool) -> Token | None:
        """Switch a token on or off. Sent once.

        Returns:
            The token as the answer has it, which may lack its info; None when the answer has no token of that id.
        """
        return await toggle(self._line, token_id, active=active)

    async def command(self, token_id: int, command: Literal["fast", "relax", "turbo", "info"]) -> str:
        """Run a command of Midjourney's in a token's account: set its mode, or have its info read anew. Sent once.

        Returns:
            The id of the job that it becomes; empty when the answer names none.
        """
        from bot.imaginepro import commands  # noqa: PLC0415 - a start runs none

        return await commands.command(self._line, token_id, command)

    async def trace(self, job: str) -> "Trace":
        """Which token ran a job; `NotFoundError` if ImaginePro knows no such job."""
        from bot.imaginepro import jobs  # noqa: PLC0415 - a start asks for no job

        return await jobs.trace(self._line, job)

    async def progress(self, job: str) -> "Job":
        """How far a job is; `NotFoundError` if ImaginePro knows no such job. May be asked ten times a second."""
        from bot.imaginepro import jobs  # noqa: PLC0415 - as above

        return await jobs.progress(self._line, job)

    async def images(self, page: int = 1, size: int = 10) -> "tuple[Image, ...]":
        """A page of the jobs of the last 24 hours; the first is 1."""
        from bot.imaginepro import jobs  # noqa: PLC0415 - as above

        return await jobs.images(self._line, page, size)

    async def imagine(self, prompt: str) -> str:
        """Have an image made, on whichever token ImaginePro takes. Sent once, and may cost credits.

        Returns:
            The id of the job; empty when the answer names none.
        """
        from bot.imaginepro import jobs  # noqa: PLC0415 - as above

        return await jobs.imagine(self._line, prompt)

    async def cancel(self, job: str) -> None:
        """Ask for the end of a job that is not done. Sent once."""
        from bot.imaginepro import jobs  # noqa: PLC0415 - as above

        await jobs.cancel(self._line, job)

    async def account(self) -> "Account":
        """The account whose key it is; its e-mail address only masked."""
        from bot.imaginepro import account  # noqa: PLC0415 - it is first asked for when all runs

        return await account.account(self._line)

    async def prompt_check(self, text: str) -> "Verdict":
        """Whether Midjourney would take a prompt, as far as ImaginePro can tell. Nothing is made."""
        from bot.imaginepro import account  # noqa: PLC0415 - as above

        return await account.prompt_check(self._line, text)

    async def queue(
        self, name: Literal["COUNT", "PAUSE", "RESUME", "REBOOT", "STATUS"], token_id: int | None = None
    ) -> "Tree":
        """Ask for ImaginePro's queue, or change it, which is sent once. What it answers is not documented.

        Raises:
            UnpublishedError: The operator did not say where that is; so too those below.
        """
        from bot.imaginepro import unpublished  # noqa: PLC0415 - only somebody who has their paths calls these

        return await unpublished.queue(self._line, name, token_id)

    async def linked_accounts(self) -> "Tree":
        """The linked accounts, as the newest documentation lists them in place of the tokens."""
        from bot.imaginepro import unpublished  # noqa: PLC0415 - as above

        return await unpublished.linked_accounts(self._line)

    async def ban_words(self) -> "Tree":
        """The words that ImaginePro refuses in prompts: `Tree.words`, if they are a list of texts."""
        from bot.imaginepro import unpublished  # noqa: PLC0415 - as above

        return await unpublished.ban_words(self._line)

    async def change_ban_words(self, add: Collection[str], remove: Collection[str]) -> "Tree":
        """Change that list. Sent once; where the whole list has to be sent, it is read first."""
        from bot.imaginepro import unpublished  # noqa: PLC0415 - as above

        return await unpublished.change_ban_words(self._line, add, remove)
