"""`python -m bot check`: the database, ImaginePro and Discord are tried beside each other. Nothing is posted."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from datetime import timedelta
from enum import Enum, auto

from bot import __version__
from bot.app import named
from bot.chat.attempt import one_try
from bot.chat.client import LoginError, try_login
from bot.chat.premises import findings, told
from bot.chat.survey import AwayError
from bot.domain.value import Value
from bot.imaginepro.client import PASSING, UpstreamError, connected
from bot.settings import Settings
from bot.storage.store import StoreError, open_store

DEADLINE = timedelta(seconds=10)
"""For all three, which are tried at the same time."""


class Verdict(Enum):
    """What became of trying."""

    TRYING = auto()
    """It goes on."""
    GOOD = auto()
    WRONG = auto()
    """Somebody has to mend something."""
    AWAY = auto()
    """It may become good by itself."""


class Check(Value):
    """What trying one thing showed."""

    verdict: Verdict
    what: str
    words: str


class _Attempt(Value):
    what: str
    where: str
    trying: Callable[[], Awaitable[Iterable[Check]]]


async def checks(settings: Settings) -> AsyncIterator[Check]:
    """Try all that the settings name, each whatever became of the others, and end in time whatever is away."""
    import tzdata  # type: ignore[import-untyped] # noqa: PLC0415 - it ships no types; only here its version matters

    zones = f"times of {settings.timezone} are those of tzdata {tzdata.__version__} ({tzdata.IANA_VERSION})"
    yield Check(Verdict.GOOD, "settings", f"complete; this is version {__version__}; {zones}")
    refused: Counter[str] = Counter()
    attempts = (
        _Attempt("database", "", lambda: _database(settings)),
        _Attempt("ImaginePro", f" at {settings.api_url}", lambda: _upstream(settings)),
        _Attempt("Discord", "", lambda: _discord(settings, refused)),
    )
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


async def _database(settings: Settings) -> Iterable[Check]:
    try:
        async with open_store(settings.database_url.reveal()) as store:
            refused = await store.parked()
    except StoreError as error:
        return (Check(Verdict.AWAY if error.passing else Verdict.WRONG, "database", str(error)),)
    return (
        Check(Verdict.GOOD, "database", "opened, and up to date"),
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
        ) as upstream:
            tokens = await upstream.fleet()
    except UpstreamError as error:
        verdict = Verdict.AWAY if isinstance(error, PASSING) else Verdict.WRONG
        return (Check(verdict, "ImaginePro", f"{error.trouble}: {error.detail}"),)
    return (Check(Verdict.GOOD, "ImaginePro", f"{len(tokens)} token{'s' * (len(tokens) != 1)} listed"),)


async def _discord(settings: Settings, refused: Counter[str]) -> Iterable[Check]:
    ids = named(settings)
    try:
        bot, found = await try_login(settings.discord_token.reveal(), ids, one_try(refused), settings.proxy_for)
    except LoginError as error:
        return (Check(Verdict.WRONG, "Discord", str(error)),)
    except AwayError as error:
        return (Check(Verdict.AWAY, "Discord", str(error)),)
    wrong = findings(ids, found)
    if wrong:
        return tuple(Check(Verdict.WRONG, "Discord", each.words) for each in wrong)
    return (Check(Verdict.GOOD, "Discord", f"logged in as {bot}; {told(ids, found)}"),)
