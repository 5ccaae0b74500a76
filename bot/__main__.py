"""The command line: `python -m bot`, `python -m bot check`, `python -m bot copy`, `python -m bot demo`.

Exit codes, the middle three as in sysexits: 0 stopped as asked, or all checks passed; 78 the configuration is wrong,
and starting again does not help; 75 the database is away or PORT is taken, or nothing but what is away failed a check,
and starting again may help; 70 the watchdog ended a bot that stood still, and starting again helps; 130 somebody ended
`check` by Ctrl-C; 1 anything else.
"""

# Whatever is imported below stays for good: to look for garbage meanwhile takes a tenth of the start, and finds none.
import gc

gc.disable()

import asyncio
import contextlib
import ctypes
import logging
import os
import platform
import signal
import sys
import threading
import zoneinfo
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from bot import __version__, app, telemetry
from bot.app import PortTakenError
from bot.chat.login import LoginError
from bot.domain.redaction import redact
from bot.fallback import fallback_in_spite_of, fallback_of
from bot.settings import Settings, SettingsError, load, load_database_url
from bot.storage.store import StoreError
from bot.telemetry import event
from bot.webhook import Event, Webhook

gc.freeze()
gc.enable()

logger = logging.getLogger("bot")

DOTENV = Path(".env")

EX_CONFIG = 78
EX_TEMPFAIL = 75
INTERRUPTED = 128 + signal.SIGINT
"""As a shell says it of whatever ends by Ctrl-C."""

M_MMAP_THRESHOLD, M_ARENA_MAX = -3, -8
"""The parameters' numbers in glibc's malloc.h."""

LARGE_BLOCK = 256 * 2**10
"""Bytes."""

LEAVING = 3.0
"""Seconds after which `check` ends although something does not: a thread that waits for a name server cannot be called
back, and Python waits for it."""

TURN = 0.0001
"""Seconds for which a thread that computes may keep the event loop waiting; Python's own 5 ms can be felt."""


def main(argv: Sequence[str] | None = None) -> None:
    """Parse the command line and run what it asks for; ends by `SystemExit`."""
    keep_standard_streams()
    use_own_time_zones()
    told, checking = sys.argv[1:] if argv is None else argv, False
    if told:
        from bot.arguments import parsed  # noqa: PLC0415 - a host tells it nothing, and what reads that is 0.4 MiB

        arguments = parsed(told)
        if arguments.command == "demo":
            sys.exit(_demo(arguments.port, arguments.host))
        if arguments.command == "copy":
            sys.exit(_copy(arguments.source, arguments.to))
        checking = arguments.command == "check"
    try:
        settings = load(os.environ, DOTENV)  # noqa: TID251 - this module is where the environment comes in
    except SettingsError as error:
        sys.exit(_refuse(f"{error}{_unwritten(error)}") if checking else _end(error))
    telemetry.configure(settings.log_level, settings.log_format, settings.secrets, sys.stderr)
    telemetry.catch_strays()
    if not checking:
        _say_start()
    for hint in settings.hints:
        logger.warning(hint)
    try:
        code = asyncio.run(_check(settings) if checking else _run(settings))
    except Exception:  # an edge: what ends the process is logged like everything else, without secrets
        logger.critical("the bot ended by an error that nobody foresaw", exc_info=True)
        code = 1
    if not checking:
        event(logger, logging.INFO, "ending", code=code)
    sys.exit(code)


def keep_standard_streams() -> None:
    """Let whatever is opened next be none of the three standard ones, which somebody may have closed.

    A database in the place of standard error would be written into by whoever has something to say there.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the system gives the lowest number that is free


def _say_start() -> None:
    event(logger, logging.INFO, "starting", version=__version__, python=platform.python_version())


def _unwritten(error: SettingsError) -> str:
    """Where to write what is missing, for whoever has not begun yet."""
    if DOTENV.exists() or not any(" is missing: " in problem for problem in error.problems):
        return ""
    return "\nWrite what is missing where your host takes settings, or here into .env, a copy of .env.example"


def _refuse(reason: str) -> int:
    print(reason, file=sys.stderr)  # noqa: T201 - to a person who waits for it
    return EX_CONFIG


def _end(error: SettingsError) -> int:
    """Say in the log, and elsewhere if that is known, why the bot does not even start."""
    level, form = error.known.get("log_level", "info"), error.known.get("log_format", "text")
    telemetry.configure(level, form, error.secrets, sys.stderr)
    telemetry.catch_strays()
    _say_start()

    async def fail() -> int:
        fallback = fallback_in_spite_of(error, _utc_now)
        return await _fail(EX_CONFIG, error, fallback, error.secrets, _ending())

    code = asyncio.run(fail())
    event(logger, logging.INFO, "ending", code=code)
    return code


async def _fail(
    code: int, error: Exception, fallback: Webhook | None, secrets: Iterable[str], stop: asyncio.Event | None = None
) -> int:
    """Say why the bot ends; and to the fallback address, if that is not for a moment."""
    reason = redact(str(error), secrets)
    for line in reason.splitlines():
        logger.log(logging.CRITICAL if code == EX_CONFIG else logging.ERROR, line)
    what = Event.BOT_ENDED if code == EX_CONFIG else None
    if isinstance(error, StoreError) and error.passing and error.unwritable:  # for a minute by now
        what = Event.DATABASE_UNWRITABLE
    if what is not None and fallback is not None:
        from bot.webhook import last_words  # noqa: PLC0415 - a bot that runs does without it

        await last_words.tell(fallback, what, reason, stop)
        _leave(code)
    return code


def _leave(code: int) -> None:
    """End in a while, whatever Python still waits for."""
    end = threading.Timer(LEAVING, os._exit, (code,))
    end.daemon = True
    end.start()


def use_own_time_zones() -> None:
    """Take time zones from the package `tzdata` alone, whose version the lock names.

    Python prefers the host's, or what PYTHONTZPATH names, however old they are: a window would begin an hour off
    where the law has changed since.
    """
    zoneinfo.reset_tzpath(())


def set_up_interpreter() -> None:
    """Let threads that compute give way soon, and large blocks go back to the system, where the C library is GNU's.

    That library would begin to keep them once the first was free: 10 MB, with answers about 10,000 tokens. And it would
    keep free memory for each thread apart, of which only one computes at a time: 1 MB. See mallopt(3).
    """
    sys.setswitchinterval(TURN)
    with contextlib.suppress(AttributeError, OSError, TypeError):  # another C library
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, LARGE_BLOCK)
        library.mallopt(M_ARENA_MAX, 1)


def _ending() -> asyncio.Event:
    """Set once Ctrl-C was pressed, or whoever started the process asks it to end.

    Not by the event loop's own `add_signal_handler`, which there is none of on Windows.
    """
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def ask(by: str) -> None:
        event(logger, logging.INFO, "asked to end", by=by)
        stop.set()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda number, _: loop.call_soon_threadsafe(ask, signal.Signals(number).name))
    return stop


async def _run(settings: Settings) -> int:
    set_up_interpreter()
    stop = _ending()
    try:
        await app.run(settings, _utc_now, stop)
    except (LoginError, SettingsError, PortTakenError, StoreError) as error:
        passing = isinstance(error, PortTakenError) or (isinstance(error, StoreError) and error.passing)
        code = EX_TEMPFAIL if passing else EX_CONFIG
        return await _fail(code, error, fallback_of(settings, _utc_now), settings.secrets, stop)
    return 0


async def _check(settings: Settings) -> int:
    from bot.chat.checkup import Verdict  # noqa: PLC0415 - a bot that runs does without it
    from bot.check import checks  # noqa: PLC0415 - as above

    # At once and without a traceback, whatever waits for an answer: nothing is under way that would have to end.
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    labels = dict.fromkeys((Verdict.WRONG, Verdict.AWAY), "FAIL ")
    labels |= {Verdict.TRYING: "...  ", Verdict.GOOD: "ok   ", Verdict.LESS: "note "}
    verdicts = set()
    async for check in checks(settings, _utc_now):
        verdicts.add(check.verdict)
        _answer(f"{labels[check.verdict]} {check.what}: {redact(check.words, settings.secrets)}")
    code = EX_CONFIG if Verdict.WRONG in verdicts else EX_TEMPFAIL if Verdict.AWAY in verdicts else 0
    _leave(code)
    return code


def _answer(line: str) -> None:
    """Print it; whoever reads no more, as `grep -q` that found it, still wants the exit code."""
    try:
        print(line, flush=True)  # noqa: T201 - the answer of the command
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or Python tries once more as it ends


def _copy(source: str | None, target: str | None) -> int:
    from bot import copying  # noqa: PLC0415 - a bot that runs does without it

    try:
        old = source or load_database_url(os.environ, DOTENV)  # noqa: TID251 - as above
    except SettingsError as error:
        return _refuse(str(error))
    new = sys.stdin.readline().strip() if target == "-" else target
    secrets = copying.secrets_of(*filter(None, (old, new)))
    telemetry.configure("warning", "text", secrets, sys.stderr)
    # At once, whatever is under way: what is not whole, no database keeps.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        asyncio.run(copying.undo(old) if new is None else copying.run(old, new, _utc_now))
    except StoreError as error:
        _refuse(redact(str(error), secrets))
        return EX_TEMPFAIL if error.passing else EX_CONFIG
    return 0


def _demo(port: int, host: str) -> int:
    try:
        from bot.sandbox import demo  # noqa: PLC0415 - wants the extra `demo`, which a bot in production has not
    except ImportError as error:
        return _refuse(f"the demo wants its extra ({error}): pip install 'imaginepro-bot[demo]', or make demo")

    async def run() -> None:
        await demo.run(_ending(), port, host)

    try:
        asyncio.run(run())
    except SettingsError as error:
        return _refuse(str(error))
    return 0


def _utc_now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - the one clock of the process


if __name__ == "__main__":
    main()
