"""Scripts for the sandbox's upstream: what happens to a fleet, as rows of a timeline.

A scenario is a timeline that is played once, and perhaps another that goes round for ever after it. Those of the demo
show within minutes of real time what the bot is for, and then keep a page alive for as long as somebody looks at it.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Final, TypeAlias

from bot.domain.value import Value
from bot.sandbox.imaginepro import (
    BAD_GATEWAY,
    RESET,
    UNAVAILABLE,
    Fault,
    TokenRecord,
    Upstream,
    rate_limited,
    token_record,
)

_MOMENT: Final = timedelta(seconds=1)

Change: TypeAlias = Callable[[Upstream], None]
"""What one row of a timeline does."""


class Step(Value):
    """One row of a timeline."""

    after: timedelta
    """Since the timeline began."""
    change: Change


class Scenario(Value):
    """What happens, and when."""

    name: str
    steps: tuple[Step, ...]
    """Played once, in order of time."""
    cycle: tuple[Step, ...] = ()
    """Played after the steps, over and over; it leaves the fleet as it found it."""
    period: timedelta = timedelta(0)
    """How long a round of the cycle lasts."""


async def play(
    scenario: Scenario, upstream: Upstream, *, sleep: Callable[[float], Awaitable[object]], speed: float = 1.0
) -> None:
    """Let it happen to an upstream; never returns if the scenario has a cycle.

    Args:
        scenario: What to play.
        upstream: What it happens to; it must have the tokens that the scenario names.
        sleep: Waits so many seconds: `asyncio.sleep`, or that of a virtual clock.
        speed: How much faster than written.
    """
    await _play(scenario.steps, upstream, sleep, speed)
    while scenario.cycle:
        rest = await _play(scenario.cycle, upstream, sleep, speed)
        await sleep((scenario.period - rest).total_seconds() / speed)


async def play_demo(
    upstream: Upstream, *, taken: Callable[[], bool], sleep: Callable[[float], Awaitable[object]]
) -> None:
    """Let the demo's story happen; never returns.

    Args:
        upstream: Lists `demo_fleet`.
        taken: Whether somebody acknowledged the ban with which the opening ends: then, or once nobody did for
            `PATIENCE`, the story goes on.
        sleep: Waits so many seconds.
    """
    await play(OPENING, upstream, sleep=sleep)
    waited = timedelta()
    while waited < PATIENCE and not taken():
        await sleep(_MOMENT.total_seconds())
        waited += _MOMENT
    await play(DEMO, upstream, sleep=sleep)


async def _play(
    steps: tuple[Step, ...], upstream: Upstream, sleep: Callable[[float], Awaitable[object]], speed: float
) -> timedelta:
    """Play a timeline; gives the time of its last row."""
    at = timedelta(0)
    for step in steps:
        await sleep((step.after - at).total_seconds() / speed)
        at = step.after
        step.change(upstream)
    return at


def status(identity: int, word: str) -> Change:
    """The token gets another status."""
    return lambda upstream: upstream.fleet[identity].update(status=word)


def active(identity: int, *, on: bool) -> Change:
    """ImaginePro sends the token jobs, or no longer."""
    return lambda upstream: upstream.fleet[identity].update(isActive=on)


def info(identity: int, **texts: object) -> Change:
    """The token's `info` says something else; keys are those of the JSON."""
    return lambda upstream: upstream.fleet[identity]["info"].update(texts)


def fast(identity: int, left: float, total: float, unit: str = "hours") -> Change:
    """The token has so much fast time left."""
    return info(identity, fastTimeRemaining=fast_text(left, total, unit))


def fast_text(left: float, total: float, unit: str = "hours") -> str:
    """A `fastTimeRemaining` as Midjourney writes it: `13.47/15.0 hours (89.80%)`."""
    return f"{left:.2f}/{total:.1f} {unit} ({100 * left / total:.2f}%)"


def together(*changes: Change) -> Change:
    """All of it in one row, so that no poll comes between."""

    def change(upstream: Upstream) -> None:
        for each in changes:
            each(upstream)

    return change


def busy(identity: int, *, queued: int, running: str) -> Change:
    """The token works on something, and has jobs waiting."""
    return info(identity, queuedJobsFast=str(queued), runningJobs=running)


def failing(fault: Fault, *, times: int | None = None) -> Change:
    """The upstream answers wrongly, so many times or until it heals."""
    return lambda upstream: upstream.fail(fault, times=times)


def healed(upstream: Upstream) -> None:
    """The upstream answers rightly again."""
    upstream.heal()


def linked(record: TokenRecord) -> Change:
    """A token is new in the list."""
    return lambda upstream: upstream.fleet.update({record["id"]: {**record, "info": {**record["info"]}}})


def unlinked(identity: int) -> Change:
    """A token is no longer in the list."""

    def change(upstream: Upstream) -> None:
        del upstream.fleet[identity]

    return change


def _timeline(*rows: tuple[float, Change]) -> tuple[Step, ...]:
    return tuple(Step(timedelta(seconds=seconds), change) for seconds, change in rows)


def small_fleet(now: datetime) -> tuple[TokenRecord, ...]:
    """Three tokens: 1900 Basic with minutes, 1901 Standard, 1902 Pro; all FAST and with most of their fast time."""
    renews = int((now + timedelta(days=6)).timestamp())
    return (
        token_record(1900, plan="Basic", fast=fast_text(180, 200, "minutes"), renews=renews),
        token_record(1901, plan="Standard", fast=fast_text(13.47, 15), renews=renews),
        token_record(1902, plan="Pro", fast=fast_text(27.1, 30), renews=renews),
    )


def demo_fleet(now: datetime) -> tuple[TokenRecord, ...]:
    """Nine tokens as a small business has them: all plans, one switched off, one in relax mode, one hard to read.

    Args:
        now: From which the renewals count.
    """

    def renewal(**ahead: float) -> int:
        return int((now + timedelta(**ahead)).timestamp())

    return (
        token_record(
            1900,
            plan="Standard",
            fast=fast_text(13.31, 15),
            renews=renewal(days=6),
            lifetimeUsage="2094 images (31.87 hours)",
        ),
        token_record(
            1901,
            plan="Basic",
            fast=fast_text(61.4, 200, "minutes"),
            renews=renewal(days=3, hours=4),
            lifetimeUsage="674 images",
            queuedJobsFast="2",
            runningJobs="A lighthouse in a storm, oil painting --ar 3:2 (42%)",
        ),
        token_record(
            1902,
            plan="Pro",
            fast=fast_text(22.75, 30),
            renews=renewal(days=11),
            visibilityMode="Stealth",
            lifetimeUsage="11170 images (120.63 hours)",
            relaxedUsage="344 images (3.47 hours)",
        ),
        token_record(
            1903,
            plan="Standard",
            fast=fast_text(5.02, 15),
            renews=renewal(days=17, hours=9),
            lifetimeUsage="5120 images (74.20 hours)",
            runningJobs="product photo of a ceramic cup on linen, soft morning light, shallow depth of field, "
            "85mm, muted earth tones, negative space on the left for a headline --ar 4:5 --style raw (87%)",
        ),
        token_record(
            1904,
            plan="Mega",
            fast=fast_text(54.48, 60),
            renews=renewal(days=24),
            lifetimeUsage="40318 images (512.09 hours)",
            relaxedUsage="2210 images (25.10 hours)",
            jobMode="Fast",
            queuedJobsFast="5",
            runningJobs="koi pond seen from above, ukiyo-e (64%)",
        ),
        token_record(
            1905,
            status="RELAX",
            plan="Standard",
            fast=fast_text(5.91, 15),
            renews=renewal(days=1, hours=20),
            relaxedUsage="1000 images (11.90 hours)",
            queuedJobsRelax="1",
            runningJobs="botanical plate of a fern (31%)",
        ),
        token_record(
            1906,
            plan="Pro",
            fast=fast_text(25.9, 30),
            renews=renewal(days=200),
            subscription=f"Pro (Active yearly, renews next on <t:{renewal(days=200)}>)",
        ),
        token_record(1907, plan="None", fast="25.00 minutes", lifetimeUsage="0 images", active=False),
        token_record(
            1908,
            plan="Standard",
            renews=renewal(days=9),
            fast="see https://example.com/account",
            relaxedUsage="19 images (0.29 hours)",
        ),
    )


_GUEST: Final = token_record(
    1909, plan="Standard", fast=fast_text(15, 15), lifetimeUsage="0 images", subscription="Standard (Active monthly)"
)

OPENING: Final = Scenario(
    "opening",
    _timeline(
        (4, status(1903, "VERIFYING")),
        (10, fast(1901, 44.2, 200, "minutes")),
        (14, fast(1901, 38.6, 200, "minutes")),
        (18, status(1903, "FAST")),
        (22, status(1906, "BANNED")),
    ),
)
"""For `demo_fleet`: how the demo begins. It ends with a ban, which waits for somebody, see `play_demo`."""

PATIENCE: Final = timedelta(minutes=5)
"""How long at most the ban waits for somebody who acknowledges it; nothing else happens meanwhile."""

DEMO: Final = Scenario(
    "demo",
    _timeline(
        # So long after the first that they make a message of their own.
        *((5, status(identity, "VERIFYING")) for identity in (1902, 1904, 1908)),
        *((20, status(identity, "FAST")) for identity in (1902, 1904, 1908)),
        (25, failing(UNAVAILABLE)),
        (34, healed),
        # From here on, something is over only once something else is open below it.
        (50, fast(1900, 2.84, 15)),
        (65, status(1906, "FAST")),
        # Half of it within seconds: that burns fast, as the next look ahead sees, which is five minutes away at most.
        *((84 + 2 * turn, fast(1904, 54.48 - 5.1 * turn, 60)) for turn in range(1, 7)),
        (100, linked(_GUEST)),
        (125, active(1902, on=False)),
        (160, together(status(1905, "FAST"), fast(1905, 15, 15))),
        (180, fast(1902, 5.2, 30)),
        (210, active(1902, on=True)),
        (220, fast(1901, 200, 200, "minutes")),
        (240, status(1909, "BANNED")),
        (300, fast(1900, 0.61, 15)),
        (335, status(1901, "REVIEWING")),
        (360, unlinked(1909)),
        (375, failing(BAD_GATEWAY)),
        (395, healed),
        (410, fast(1904, 11.02, 60)),
        (430, together(status(1900, "RELAX"), fast(1900, 0, 15))),
        (450, status(1901, "FAST")),
        (480, fast(1902, 22.75, 30)),
        (500, fast(1903, 2.4, 15)),
        (510, together(status(1900, "FAST"), fast(1900, 15, 15))),
        (560, together(status(1905, "RELAX"), fast(1905, 5.91, 15))),
        (590, fast(1904, 54.48, 60)),
    ),
    _timeline(
        (60, fast(1901, 52.3, 200, "minutes")),
        (120, fast(1901, 21.5, 200, "minutes")),
        (240, fast(1901, 7.9, 200, "minutes")),
        (260, failing(rate_limited("2"), times=2)),
        (300, fast(1906, 5.2, 30)),
        (360, fast(1901, 0, 200, "minutes")),
        (420, fast(1901, 200, 200, "minutes")),
        *((500 + 25 * turn, status(1908, "FAST" if turn % 2 else "VERIFYING")) for turn in range(6)),
        (720, fast(1906, 25.9, 30)),
        (900, linked(_GUEST)),
        (960, busy(1902, queued=6, running="None")),
        # For longer than a critical alert waits for its first reminder.
        (1000, status(1909, "BANNED")),
        (1960, fast(1904, 11.02, 60)),
        (2000, unlinked(1909)),
        (2300, busy(1902, queued=0, running="None")),
        (2370, fast(1900, 2.84, 15)),
        (2700, fast(1904, 54.48, 60)),
        (2900, active(1904, on=False)),
        (3060, fast(1906, 5.2, 30)),
        (3080, active(1904, on=True)),
        (3200, fast(1903, 5.02, 15)),
        (3500, fast(1903, 2.4, 15)),
        (3520, fast(1906, 25.9, 30)),
        (3600, together(status(1905, "FAST"), fast(1905, 15, 15))),
        (3700, together(status(1905, "RELAX"), fast(1905, 5.91, 15))),
        (3750, fast(1900, 15, 15)),
    ),
    period=timedelta(minutes=65),
)
"""What comes after the opening. A round lasts over an hour, so that only 1908 changes its status often enough to count
as flapping.
"""

DRAIN: Final = Scenario(
    "drain",
    _timeline(
        (0, fast(1901, 4.5, 15)),
        (10, fast(1901, 2.99, 15)),
        (20, fast(1901, 0.74, 15)),
        (30, fast(1901, 0, 15)),
        (31, status(1901, "RELAX")),
        (50, fast(1901, 15, 15)),
        (51, status(1901, "FAST")),
    ),
)
OUTAGE: Final = Scenario("outage", _timeline((0, failing(UNAVAILABLE)), (10, failing(RESET)), (30, healed)))
FLAPPING: Final = Scenario(
    "flapping",
    _timeline(*((second, status(1901, "VERIFYING" if second % 2 else "FAST")) for second in range(1, 21))),
)
MALFORMED_TEXT: Final = Scenario(
    "malformed text",
    _timeline(
        (0, info(1900, fastTimeRemaining="@everyone **lots** <@1>", subscription="\N{PILE OF POO}" * 400)),
        (5, info(1901, fastTimeRemaining=None, subscription={"plan": "Basic"}, runningJobs="\0" + "x" * 10_000)),
        (10, lambda upstream: upstream.fleet[1902].update(info=None, status="")),
        (15, status(1902, "```QUARANTINED``` https://example.com")),
    ),
)
RATE_LIMIT: Final = Scenario("rate limit", _timeline((0, failing(rate_limited("1"), times=2)), (10, healed)))
BAN: Final = Scenario("ban", _timeline((0, status(1900, "BANNED")), (30, status(1900, "FAST"))))

SCENARIOS: Final = {
    each.name: each for each in (OPENING, DEMO, DRAIN, OUTAGE, FLAPPING, MALFORMED_TEXT, RATE_LIMIT, BAN)
}
"""By name. `opening` and `demo` are for `demo_fleet`, all others for `small_fleet`."""
