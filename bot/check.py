"""`python -m bot check`: all that the settings name is tried, beside each other. Nothing is posted in Discord.

The fallback address gets a test, since whether it takes one is all that counts; a heartbeat is not called, since that
would say that the bot is at work.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from bot import __version__
from bot.chat.attempt import one_try
from bot.chat.checkup import Check, Verdict
from bot.chat.login import LoginError, try_login
from bot.chat.premises import findings, told
from bot.chat.survey import AwayError
from bot.doctor import zone
from bot.domain.value import Value
from bot.fallback import fallback_of
from bot.imaginepro.client import PASSING, UpstreamError, connected
from bot.settings import Settings
from bot.settings.overlay import laid_over
from bot.storage.address import File, parsed
from bot.storage.store import StoreError, open_store
from bot.term import named
from bot.webhook import Event, Webhook
from bot.webhook.address import asked

DEADLINE = timedelta(seconds=10)
"""For all of them, which are tried at the same time."""


class _Attempt(Value):
    what: str
    where: str
    trying: Callable[[], Awaitable[Iterable[Check]]]


async def checks(settings: Settings, clock: Callable[[], datetime]) -> AsyncIterator[Check]:
    """Try all that the settings name, each whatever became of the others, and end in time whatever is away."""
    place = zone(settings, clock())
    yield Check(Verdict.GOOD, "settings", f"complete; this is version {__version__}; {place.words}")
    refused: Counter[str] = Counter()
    setup: asyncio.Future[Mapping[str, str]] = asyncio.get_running_loop().create_future()
    attempts = [
        _Attempt("database", f" {_place(settings)}", lambda: _database(settings, setup)),
        _Attempt("ImaginePro", f" at {settings.api_url}", lambda: _upstream(settings)),
        _Attempt("Discord", "", lambda: _discord(settings, refused, setup)),
    ]
    if fallback := fallback_of(settings, clock):
        attempts.append(_Attempt("fallback", " by a test", lambda: _fallback(fallback)))
    if settings.heartbeat_url is not None:
        attempts.append(_Attempt("heartbeat", " to reach its host", lambda: _heartbeat(settings)))
    up_to = f"{DEADLINE.total_seconds():g} s"
    for each in attempts:
        yield Check(Verdict.TRYING, each.what, f"trying{each.where}, for up to {up_to}")
    end = asyncio.get_running_loop().time() + DEADLINE.total_seconds()
    left = {asyncio.ensure_future(each.trying()): each for each in attempts}
    while left:
        time = end - asyncio.get_running_loop().time()
        done, _ = await asyncio.wait(left, timeout=max(time, 0), return_when=asyncio.FIRST_COMPLETED)
        if not done:
            break
        for task in [task for task in left if task in done]:
            del left[task]
            for check in task.result():
                yield check
    for task, each in left.items():
        task.cancel()
        errors = f"; it answered {' and '.join(refused)} meanwhile" if each.what == "Discord" and refused else ""
        yield Check(Verdict.AWAY, each.what, f"no good answer within {up_to}{errors}")


async def _database(settings: Settings, setup: asyncio.Future[Mapping[str, str]]) -> Iterable[Check]:
    """`setup` gets what was set in chat; nothing, where that is not known."""
    try:
        async with open_store(settings.database_url.reveal()) as store:
            setup.set_result(await store.setup())
            refused = await store.parked()
    except StoreError as error:
        if not setup.done():
            setup.set_result({})
        return (Check(Verdict.AWAY if error.passing else Verdict.WRONG, "database", f"{error} ({_place(settings)})"),)
    return (
        Check(Verdict.GOOD, "database", f"opened, and up to date ({_place(settings)})"),
        *(
            Check(Verdict.WRONG, "message", f"{parked.message.mark} was refused by Discord: {parked.reason}")
            for parked in refused
        ),
    )


async def _upstream(settings: Settings) -> Iterable[Check]:
    patience = 0.9 * min(DEADLINE, settings.poll_interval)
    try:
        async with connected(
            url=settings.api_url,
            api_key=settings.api_key.reveal(),
            rate=settings.rate_limit,
            budget=patience,
            proxy=settings.proxy_for(settings.api_url),
            endpoints=settings.endpoints,
        ) as upstream:
            tokens = await upstream.fleet()
    except UpstreamError as error:
        verdict = Verdict.AWAY if isinstance(error, PASSING) else Verdict.WRONG
        return (Check(verdict, "ImaginePro", f"{error.trouble}: {error.detail}"),)
    if not tokens:
        return (Check(Verdict.GOOD, "ImaginePro", _NOTHING_TO_WATCH),)
    return (Check(Verdict.GOOD, "ImaginePro", f"{len(tokens)} token{'s' * (len(tokens) != 1)} listed"),)


_NOTHING_TO_WATCH = (
    "the key works, and no token is linked yet, so there is nothing to watch. Link one at ImaginePro, with the account "
    "of this key; the bot finds it by itself"
)


async def _fallback(fallback: Webhook) -> Iterable[Check]:
    answer = await fallback.post(Event.TEST, "sent by `python -m bot check`, nothing is wrong")
    if answer.status is None:
        return (Check(Verdict.AWAY, "fallback", f"FALLBACK_WEBHOOK_URL cannot be reached: {answer.words}"),)
    said = f"{answer.status} {answer.words[:_SHOWN]}".strip()
    if answer.taken:
        return (Check(Verdict.GOOD, "fallback", f"took a test; see whether it reached you. It answered {said}"),)
    passing = answer.status >= 500 or answer.status in {408, 425, 429}  # noqa: PLR2004 - HTTP's own numbers
    mend = "" if passing else f"; {_MEND.get(answer.status, _MEND_ELSE)}"
    verdict = Verdict.AWAY if passing else Verdict.WRONG
    return (Check(verdict, "fallback", f"FALLBACK_WEBHOOK_URL took no test{mend}. It answered {said}"),)


_SHOWN = 120
"""Characters of an answer."""

_MEND = dict.fromkeys((301, 302, 303, 307, 308), "write the address to which it sends on") | dict.fromkeys(
    (401, 403, 404, 410), "copy the address anew from the service's page"
)
_MEND_ELSE = "docs/incidents.md, Who takes it, has the address for each service"


async def _heartbeat(settings: Settings) -> Iterable[Check]:
    assert settings.heartbeat_url is not None  # noqa: S101 - nobody asks otherwise
    parts = urlsplit(settings.heartbeat_url.reveal())
    uncalled = "HEARTBEAT_URL was not called, since that would say that the bot is at work; each good poll calls it"
    if not parts.path.strip("/") and not parts.query:
        return (Check(Verdict.GOOD, "heartbeat", uncalled),)
    host = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/"
    answer = await asked("GET", host, settings.proxy_for(host))
    if answer.status is None:
        return (Check(Verdict.AWAY, "heartbeat", f"HEARTBEAT_URL cannot be reached: {answer.words}"),)
    return (Check(Verdict.GOOD, "heartbeat", f"its host can be reached. {uncalled}"),)


def _place(settings: Settings) -> str:
    """Where the database is, without who asks for what there."""
    address = parsed(settings.database_url.reveal())
    if isinstance(address, File):
        return f"in {address.path}"
    return f"at {' or '.join(f'{host}:{port}' for host, port in address.hosts) or 'the default place of PostgreSQL'}"


async def _discord(
    settings: Settings, refused: Counter[str], setup: asyncio.Future[Mapping[str, str]]
) -> Iterable[Check]:
    """With what was set in chat, unless the database takes too long to say it."""
    await asyncio.wait({setup}, timeout=DEADLINE.total_seconds() / 4)
    ids = named(laid_over(settings, setup.result() if setup.done() else {})[0])
    try:
        bot, found = await try_login(settings.discord_token.reveal(), ids, one_try(refused), settings.proxy_for)
    except LoginError as error:
        return (Check(Verdict.WRONG, "Discord", str(error)),)
    except AwayError as error:
        return (Check(Verdict.AWAY, "Discord", str(error)),)
    wrong = findings(ids, found)
    if wrong:
        return tuple(Check(Verdict.LESS if each.unnamed else Verdict.WRONG, "Discord", each.words) for each in wrong)
    return (Check(Verdict.GOOD, "Discord", f"logged in as {bot}; {told(ids, found)}"),)
