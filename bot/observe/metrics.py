"""The bot in figures, in Prometheus's text format.

What is read is taken on the event loop, as references and small copies; what is made of it is made in a thread, since a
line for each of 10,000 tokens takes a tenth of a second. No label holds a text of others, but for what people call
tokens, where that is asked for.
"""

import platform
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import accumulate

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from bot import __version__
from bot.chat.attempt import NO_ANSWER, OTHER
from bot.domain.model import Status, Trouble
from bot.domain.value import Value
from bot.domain.watch.known import Known
from bot.figures import Histogram
from bot.observe.health import CAUSES, Facts, Role, wrong
from bot.observe.pulse import Pulse

PREFIX = "imaginepro_bot_"

FORESEEN = (NO_ANSWER, "429", "500", "502", "503", "504", "50001", "50013", "10003", "30046", "50035", OTHER)
"""The errors of Discord that are counted from zero on: one that appears with its first error shows no increase."""


class Leader(Value):
    """What only a copy that leads has."""

    known: Known
    now: datetime
    interval: float
    """Seconds between two polls."""
    unstored: float
    """Seconds since something was stored, or could have been."""
    troubles: Mapping[Trouble, int]
    polls: Histogram
    dwell: Histogram
    discord_errors: dict[str, int]
    names: Mapping[int, str] | None = None
    """What people call tokens; None where no label says it."""


class Moment(Value):
    """Everything that is in one answer, as it was at one moment."""

    facts: Facts
    waiting: int
    oldest: float
    """Seconds."""
    read_ago: float | None
    """Seconds; None before the first reading, and on standby."""
    lag: Histogram
    failures: Mapping[str, int]
    leader: Leader | None


def moment(pulse: Pulse, *, named: bool = False) -> Moment:
    """Take what the answer is made of; cheap, and of the event loop's thread. `named`: tokens with their names."""
    parts, now, backlog = pulse.parts, pulse.now, pulse.backlog
    read_at = parts.monitor.fleet.read_at if parts else None
    return Moment(
        pulse.facts,
        backlog.waiting,
        max((now - backlog.since).total_seconds(), 0.0) if backlog.since else 0.0,
        (now - read_at).total_seconds() if read_at else None,
        pulse.lag.copy(),
        {name: pulse.failures[name] for name in pulse.facts.jobs},
        Leader(
            parts.monitor.known,
            now,
            pulse.facts.interval.total_seconds(),
            pulse.unstored.total_seconds(),
            dict(parts.monitor.troubles),
            parts.monitor.polls.copy(),
            parts.outbox.dwell.copy(),
            dict(parts.discord_errors),
            parts.monitor.known.names if named else None,
        )
        if parts
        else None,
    )


def exposition(taken: Moment) -> bytes:
    """Render it in Prometheus's text format; may run in any thread."""
    registry = CollectorRegistry(auto_describe=False)
    ProcessCollector(registry=registry)
    registry.register(_Families(taken))
    return generate_latest(registry)


class _Families(Collector):
    def __init__(self, taken: Moment) -> None:
        self._taken = taken

    def collect(self) -> Iterator[Metric]:
        """Every family, with its samples."""
        taken, facts = self._taken, self._taken.facts
        reasons = {cause.word for cause in wrong(facts)}
        yield _info()
        yield _gauge("leading", "1 if this copy polls and notifies, 0 if it stands by.", facts.role is Role.LEADING)
        yield _gauges(
            "unhealthy",
            "1 while this is a reason for which /health is red.",
            "reason",
            {cause.word: cause.word in reasons for cause in CAUSES},
        )
        yield _histogram("loop_lag_seconds", "How late the event loop runs what is due.", taken.lag)
        yield _counters("job_errors", "Runs of a job that ended by an error.", "name", taken.failures)
        yield _gauge("outbox_waiting", "Messages that the channel does not show as it should.", taken.waiting)
        yield _gauge(
            "outbox_oldest_seconds",
            "For how long the first of them has waited that is not posted yet.",
            taken.oldest,
        )
        yield _gauge("outbox_parked", "Messages that Discord refused for good, of the last day.", facts.parked)
        if taken.read_ago is not None:
            yield _gauge("reading_age_seconds", "Since the whole fleet was last read.", taken.read_ago)
        if taken.leader is not None:
            yield from _of_leader(taken.leader)


def _of_leader(leader: Leader) -> Iterator[Metric]:
    tokens = leader.known.fleet.tokens.values()
    yield _gauge("poll_interval_seconds", "Between two polls, as POLL_INTERVAL says.", leader.interval)
    yield _gauge(
        "last_write_age_seconds",
        "Since something was stored or it was proven that it may be, which is done every 30 s.",
        leader.unstored,
    )
    yield _histogram("poll_seconds", "How long polls took, whether ImaginePro answered or not.", leader.polls)
    yield _counters(
        "upstream_errors",
        "Polls and refreshes that ImaginePro did not answer well.",
        "kind",
        {trouble: leader.troubles.get(trouble, 0) for trouble in Trouble},
    )
    yield _histogram(
        "dwell_seconds", "From a stored change to its new message in Discord; edits do not count.", leader.dwell
    )
    yield _counters(
        "discord_errors",
        "Requests that Discord refused or left unanswered.",
        "code",
        dict.fromkeys(FORESEEN, 0) | leader.discord_errors,
    )
    statuses = Counter(token.status for token in tokens)
    yield _gauges("tokens", "Tokens.", "status", {status: statuses[status] for status in Status})
    yield _gauge("tokens_usable", "Tokens that take jobs now.", sum(token.usable for token in tokens))
    yield _of_tokens(
        "fast_time_seconds",
        "Fast time left, of the tokens of which it is known.",
        leader.names,
        {token.id: 60 * token.fast_time.remaining for token in tokens if token.fast_time.remaining is not None},
    )
    ahead = [(token_id, said) for token_id, said in leader.known.forecasts.items() if said.chance is not None]
    yield _of_tokens(
        "fast_time_dry_ratio",
        "The chance that fast time is gone before the refill, from 0 to 1, where there is a forecast.",
        leader.names,
        {token: said.chance or 0.0 for token, said in ahead},
    )
    yield _of_tokens(
        "fast_time_dry_seconds",
        "How long fast time lasts at its pace, of tokens that run dry before the refill.",
        leader.names,
        {token: max((said.dry_at - leader.now).total_seconds(), 0) for token, said in ahead if said.dry_at is not None},
    )
    yield _incidents(leader.known)


def _info() -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}info", "The version that runs, and of Python.", labels=["version", "python"])
    family.add_metric([__version__, platform.python_version()], 1)
    return family


def _incidents(known: Known) -> Metric:
    family = GaugeMetricFamily(f"{PREFIX}incidents", "Open incidents.", labels=["rule", "severity"])
    firing = Counter((each.key.rule, each.severity) for each in known.incidents.values() if each.open)
    for (rule, severity), count in firing.items():
        family.add_metric([rule, severity], count)
    return family


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(PREFIX + name, text, value)


def _gauges(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(PREFIX + name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _of_tokens(name: str, text: str, names: Mapping[int, str] | None, values: Mapping[int, float]) -> Metric:
    """By the tokens' ids, and their names where these are asked for: Prometheus takes an empty label for none."""
    if names is None:
        return _gauges(name, text, "token", {str(token): number for token, number in values.items()})
    family = GaugeMetricFamily(PREFIX + name, text, labels=["token", "name"])
    for token, number in values.items():
        family.add_metric([str(token), names.get(token, "")], number)
    return family


def _counters(name: str, text: str, label: str, values: Mapping[str, int]) -> Metric:
    family = CounterMetricFamily(PREFIX + name, text, labels=[label])
    for value, number in values.items():
        family.add_metric([value], number)
    return family


def _histogram(name: str, text: str, histogram: Histogram) -> Metric:
    bounds = [*map(floatToGoString, histogram.bounds), "+Inf"]
    buckets = list(zip(bounds, accumulate(histogram.counts), strict=True))
    return HistogramMetricFamily(PREFIX + name, text, buckets, histogram.total)
