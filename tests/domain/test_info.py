"""The upstream's free text: what is read, and what is left as text because reading it would be a guess."""

import json
import math
import re
from datetime import UTC, datetime, timedelta
from operator import mul
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain import info
from bot.domain.model import (
    Billing,
    Count,
    FastTime,
    InfoText,
    Mode,
    PlanState,
    Record,
    Status,
    Subscription,
    Threshold,
    Token,
    Unit,
    Usage,
    Visibility,
)
from bot.domain.value import replace


class Sample(NamedTuple):
    """A text seen in public, with what it means."""

    field: str
    raw: str
    meaning: dict[str, Any]


def _samples() -> list[Sample]:
    rows = json.loads((Path(__file__).parent / "info_samples.json").read_text(encoding="utf-8"))
    return [Sample(row["field"], row["raw"], row["meaning"]) for row in rows]


SAMPLES = _samples()
PROPERTIES = {
    "subscription": "subscription",
    "jobMode": "job_mode",
    "visibilityMode": "visibility_mode",
    "fastTimeRemaining": "fast_time_remaining",
    "lifetimeUsage": "lifetime_usage",
    "relaxedUsage": "relaxed_usage",
    "queuedJobsFast": "queued_jobs_fast",
    "queuedJobsRelax": "queued_jobs_relax",
    "runningJobs": "running_jobs",
}
"""The upstream's nine keys and our fields. The samples hold a tenth, `message`, which only another call sends."""


def samples(*names: str) -> pytest.MarkDecorator:
    """Run a test on each sample of these fields."""
    rows = [sample for sample in SAMPLES if sample.field in names]
    return pytest.mark.parametrize("sample", rows, ids=[row.raw or "(empty)" for row in rows])


def token(status: str = "FAST", **texts: str) -> Token:
    """Read a record that has these texts."""
    return info.read(Record(id=1900, status=status, info=InfoText(**texts)))


def fast_time(raw: str) -> FastTime:
    """Read one fast time."""
    return token(fast_time_remaining=raw).fast_time


def subscription(raw: str) -> Subscription:
    """Read one subscription."""
    return token(subscription=raw).subscription


def utc(seconds: int) -> datetime:
    """Make the instant of a stamp."""
    return datetime.fromtimestamp(seconds, UTC)


def test_every_sample_belongs_to_a_test_below() -> None:
    assert {sample.field for sample in SAMPLES} == {*PROPERTIES, "message"}


@samples("fastTimeRemaining")
def test_a_known_fast_time_is_read_in_minutes(sample: Sample) -> None:
    meaning, read = sample.meaning, fast_time(sample.raw)

    assert read.remaining == pytest.approx(meaning["remaining_minutes"])
    assert read.total == (None if meaning["total_minutes"] is None else pytest.approx(meaning["total_minutes"]))
    assert read.unit == meaning["unit"]
    assert read.raw == sample.raw
    if meaning["percent"] is not None:
        assert read.percent == meaning["percent"], "the printed percentage wins"
    elif meaning["total"] is not None:
        assert read.percent == pytest.approx(meaning["remaining"] / meaning["total"] * 100)
    else:
        assert read.percent is None


@samples("subscription")
def test_a_known_subscription_is_read(sample: Sample) -> None:
    meaning, read = sample.meaning, subscription(sample.raw)

    assert read.plan == meaning["plan"]
    assert read.state == (meaning["state"] and meaning["state"].lower())
    assert read.billing == meaning["billing"]
    placeholder = meaning["renews_at"] == 2123  # in 1970: stamps before 2015 are distrusted
    assert read.renews_at == (None if meaning["renews_at"] is None or placeholder else utc(meaning["renews_at"]))
    assert read.ends_at == meaning["cancels_at"]
    assert read.raw == sample.raw


@samples("lifetimeUsage", "relaxedUsage")
def test_a_known_usage_is_read(sample: Sample) -> None:
    read = token(**{PROPERTIES[sample.field]: sample.raw})
    usage = read.lifetime if sample.field == "lifetimeUsage" else read.relaxed

    assert usage == Usage(sample.meaning["images"], sample.meaning["hours"], sample.raw)


@samples("queuedJobsFast", "queuedJobsRelax", "runningJobs")
def test_a_known_number_of_jobs_is_read(sample: Sample) -> None:
    read = token(**{PROPERTIES[sample.field]: sample.raw})
    counts = {"queuedJobsFast": read.queued_fast, "queuedJobsRelax": read.queued_relax, "runningJobs": read.running}

    assert counts[sample.field] == Count(sample.meaning["count"], sample.raw)


@samples("jobMode", "visibilityMode")
def test_a_known_mode_is_read(sample: Sample) -> None:
    read = token(**{PROPERTIES[sample.field]: sample.raw})

    if sample.field == "jobMode":
        assert read.mode == sample.meaning["mode"]
    else:
        assert (read.visibility is Visibility.STEALTH) == sample.meaning["stealth"]


@pytest.mark.parametrize(
    ("raw", "remaining", "total", "percent", "unit"),
    [
        ("0.00/15.0 hours (0.00%)", 0, 900, 0, Unit.HOURS),
        ("-0.00/15.0 hours (-0.00%)", 0, 900, 0, Unit.HOURS),
        ("-0.35/15.0 hours (-2.33%)", -21, 900, -2.33, Unit.HOURS),
        ("\u22120.35/15.0 hours (\u22122.33%)", -21, 900, -2.33, Unit.HOURS),
        ("17.50/15.0 hours (116.67%)", 1050, 900, 116.67, Unit.HOURS),
        ("17.50/15.0 hours", 1050, 900, pytest.approx(116.6667), Unit.HOURS),
        ("0.00/0.0 hours (NaN%)", 0, 0, None, Unit.HOURS),
        ("3.00/0.0 minutes (inf%)", 3, 0, None, Unit.MINUTES),
        ("1,234.5/3,600.0 minutes (34.29%)", 1234.5, 3600, 34.29, Unit.MINUTES),
        ("199.00/200.0 MINUTES (99.50 %)", 199, 200, 99.5, Unit.MINUTES),
        ("1 hour", 60, None, None, Unit.HOURS),
        ("90 min", 90, None, None, Unit.MINUTES),
        ("2h", 120, None, None, Unit.HOURS),
        ("0:00:00", 0, None, None, Unit.HOURS),
        ("  199.00/200.0\u00a0minutes\r\n(99.50%)\n", 199, 200, 99.5, Unit.MINUTES),
        ("199.00/\u200b200.0 minutes\ufeff", 199, 200, 99.5, Unit.MINUTES),
    ],
)
def test_an_unseen_but_plain_fast_time_is_read(
    raw: str, remaining: float, total: float | None, percent: float | None, unit: Unit
) -> None:
    read = fast_time(raw)

    assert read == FastTime(remaining, total, percent, unit, raw)
    assert read.gone == (remaining <= 0)
    assert read.remaining is not None
    assert math.copysign(1, read.remaining) == 1 or read.remaining < 0, "nobody is shown a minus zero"


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param("", id="empty"),
        "None",
        "0",
        "unlimited",
        "hours",
        pytest.param("15.00/15.0", id="no unit"),
        pytest.param("30 seconds", id="a unit that was never seen"),
        pytest.param("1,5 hours", id="decimal comma or not, nobody knows"),
        pytest.param("13,47/15,0 hours (89,78%)", id="decimal commas"),
        pytest.param("0,500 hours", id="three digits after a comma, but no thousands"),
        pytest.param("1.234,5 minutes", id="thousands the other way round"),
        pytest.param("1.2.3 hours", id="two points"),
        pytest.param("--5 hours", id="two minuses"),
        pytest.param("5/-15 hours", id="negative allowance"),
        "nan hours",
        "inf/15.0 hours",
        "1e999/15.0 hours",
        pytest.param("9" * 400 + " hours", id="a number past all floats"),
        pytest.param("\u0662\u0665 minutes", id="digits of another script"),
        pytest.param("\uff12\uff15 minutes", id="wide digits"),
        pytest.param("\u202e25 minutes", id="reading direction turned round"),
        pytest.param("1.00/15.0 hours (6.67%) + 5.00 hours bought", id="bought time after it"),
        pytest.param("0.00/15.0 hours (0.00%), 12.50 metered minutes ($0.83)", id="metered time after it"),
        pytest.param("$12.34 USD metered", id="metered"),
        pytest.param("2 hours 30 minutes", id="two units"),
        "2:75:30",
        "2:45",
        pytest.param("1" * 10_000, id="10,000 characters"),
        pytest.param("1 " * 5_000 + "hours", id="10,000 characters, many words"),
    ],
)
def test_a_fast_time_that_would_be_a_guess_stays_text(raw: str) -> None:
    read = fast_time(raw)

    assert read == FastTime(raw=raw)
    assert not read.known
    assert not read.gone, "unknown is not zero"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("Basic (Active annually, renews next on <t:1715321361>)", ("Basic", "active", "yearly", 1715321361, None)),
        ("Basic (Active monthly, renews on <t:1715321361:R>)", ("Basic", "active", "monthly", 1715321361, None)),
        ("Pro (Active monthly, cancels on <t:1715321361>)", ("Pro", "active", "monthly", None, 1715321361)),
        ("Pro (Active monthly, expires <t:1715321361:f>)", ("Pro", "active", "monthly", None, 1715321361)),
        ("Pro (Active yearly, ends at <t:1715321361>)", ("Pro", "active", "yearly", None, 1715321361)),
        ("Pro (Cancelled, ends on <t:1715321361>)", ("Pro", "cancelled", None, None, 1715321361)),
        ("Pro (Active monthly, canceled)", ("Pro", "cancelled", "monthly", None, None)),
        ("Pro (Cancelled on <t:1715321361>)", ("Pro", "cancelled", None, None, 1715321361)),
        ("Pro (Expired on <t:1715321361>)", ("Pro", "inactive", None, None, 1715321361)),
        ("Standard (Paused)", ("Standard", "paused", None, None, None)),
        ("Standard (Paused monthly)", ("Standard", "paused", "monthly", None, None)),
        ("STANDARD PLAN (INACTIVE)", ("STANDARD", "inactive", None, None, None)),
        ("Inactive", ("", "inactive", None, None, None)),
        ("Paused (monthly)", ("", "paused", "monthly", None, None)),
        ("Trial", ("", "trial", None, None, None)),
        ("Ultra+ (Active monthly)", ("Ultra+", "active", "monthly", None, None)),
        # Below: what is not understood leaves its value open, and nothing else.
        ("Basic (Not active)", ("Basic", None, None, None, None)),
        ("Basic (Active monthly, does not renew on <t:1715321361>)", ("Basic", "active", "monthly", None, None)),
        ("Basic (Active monthly, renews)", ("Basic", "active", "monthly", None, None)),
        ("Basic (Active monthly, ends soon)", ("Basic", "active", "monthly", None, None)),
        ("Basic (Active monthly, metered $4.00/hr)", ("Basic", "active", "monthly", None, None)),
        ("Basic (Active monthly, renews next on <t:1420070399>)", ("Basic", "active", "monthly", None, None)),
        ("Basic (Active monthly, renews next on <t:1420070400>)", ("Basic", "active", "monthly", 1420070400, None)),
        ("Basic (Active monthly, renews next on <t:4102444799>)", ("Basic", "active", "monthly", 4102444799, None)),
        ("Basic (Active monthly, renews next on <t:4102444800>)", ("Basic", "active", "monthly", None, None)),
        ("Basic (Active monthly, renews next on <t:-5>)", ("Basic", "active", "monthly", None, None)),
        (f"Basic (Active monthly, renews next on <t:{'9' * 99}>)", ("Basic", "active", "monthly", None, None)),
        ("Basic (Active monthly) but paused", ("", None, None, None, None)),
        ("Basic (Active monthly", ("", None, None, None, None)),
        ("Basic (Active (monthly))", ("", None, None, None, None)),
        ("No active subscription", ("", None, None, None, None)),
        ("", ("", None, None, None, None)),
        ("<@&123> (Active)", ("", "active", None, None, None)),
        ("Basic " * 2_000, ("", None, None, None, None)),
    ],
)
def test_an_unseen_subscription_is_read_as_far_as_it_is_plain(
    raw: str, expected: tuple[str, str | None, str | None, int | None, int | None]
) -> None:
    plan, state, billing, renews, ends = expected

    assert replace(subscription(raw), unread="") == Subscription(
        plan=plan,
        state=None if state is None else PlanState(state),
        billing=None if billing is None else Billing(billing),
        renews_at=None if renews is None else utc(renews),
        ends_at=None if ends is None else utc(ends),
        raw=raw,
    )


@pytest.mark.parametrize(
    ("raw", "unread"),
    [
        ("Standard (Active monthly, renews next on <t:1717212880>)", ""),
        ("Standard (Active monthly, cancels at period end)", "cancels at period end"),
        ("Basic (Active monthly, metered $4.00/hr, renews next on <t:1717212880>)", "metered $4.00/hr"),
        ("Basic (Active monthly, renews next on <t:2123>)", "renews next on <t:2123>"),
        ("No active subscription", "No active subscription"),
        ("None (Trial)", ""),
        ("", ""),
    ],
)
def test_what_is_not_understood_of_a_subscription_is_kept_to_be_shown(raw: str, unread: str) -> None:
    assert subscription(raw).unread == unread


@pytest.mark.parametrize(
    ("raw", "images", "hours"),
    [
        ("1 image", 1, None),
        ("1,234,567 images (90 minutes)", 1_234_567, 1.5),
        ("30 minutes", None, 0.5),
        ("1,5 hours", None, None),
        ("-3 images", None, None),
        ("1.5 images", None, None),
        ("1e3 images", None, None),
        ("674 images ($4.00)", None, None),
        ("many images", None, None),
        ("", None, None),
        ("7" * 10_000, None, None),
    ],
)
def test_an_unseen_usage_is_read_or_stays_text(raw: str, images: int | None, hours: float | None) -> None:
    assert token(lifetime_usage=raw).lifetime == Usage(images, hours, raw)
    assert token(relaxed_usage=raw).relaxed == Usage(images, hours, raw)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("3", 3),
        (" 12\n", 12),
        ("1,024", 1024),
        ("-1", None),
        ("1.5", None),
        ("many", None),
        ("", None),
        ("\u0663", None),
    ],
)
def test_a_queue_is_a_plain_number_or_stays_text(raw: str, value: int | None) -> None:
    assert token(queued_jobs_fast=raw).queued_fast == Count(value, raw)
    assert token(queued_jobs_relax=raw).queued_relax == Count(value, raw)


@pytest.mark.parametrize(
    "raw", ["", "2", "[prompt](https://discord.com/channels/1/2/3) (45%)", "none of your business", "None\nNone"]
)
def test_running_jobs_are_not_counted_as_the_upstream_cuts_their_list(raw: str) -> None:
    assert token(running_jobs=raw).running == Count(None, raw)


def test_running_jobs_say_idle_in_any_case() -> None:
    assert token(running_jobs=" none ").running == Count(0, " none ")


@pytest.mark.parametrize(
    ("raw", "mode"),
    [
        ("Relaxed", Mode.RELAX),
        ("relax", Mode.RELAX),
        ("Turbo", Mode.TURBO),
        ("Fast mode", Mode.FAST),
        ("Not fast", None),
        ("Ludicrous", None),
    ],
)
def test_a_job_mode_is_one_of_three_words(raw: str, mode: Mode | None) -> None:
    assert token(job_mode=raw).mode == mode


@pytest.mark.parametrize(("raw", "visibility"), [("STEALTH mode", Visibility.STEALTH), ("Hidden", None), ("", None)])
def test_a_visibility_is_one_of_two_words(raw: str, visibility: Visibility | None) -> None:
    assert token(visibility_mode=raw).visibility == visibility


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("FAST", Status.FAST),
        (" relax\n", Status.RELAX),
        ("Verifying", Status.VERIFYING),
        ("BANNED", Status.BANNED),
        ("UNKNOWN", Status.UNKNOWN),
        ("TURBO", Status.UNKNOWN),
        ("FASTER", Status.UNKNOWN),
        ("NOT BANNED", Status.UNKNOWN),
        ("FA\u017fT", Status.UNKNOWN),
        ("", Status.UNKNOWN),
    ],
)
def test_a_status_is_one_of_four_words_or_unknown_with_its_text(text: str, status: Status) -> None:
    read = token(status=text)

    assert (read.status, read.status_text) == (status, text)


def test_the_rest_of_a_record_is_passed_on() -> None:
    record = Record(id=7, status="FAST", active=False, channel_id="1", server_id="2", concurrency=3)

    read = info.read(record)

    assert (read.id, read.active, read.record) == (7, False, record)


FRAGMENTS = [
    "1",
    "9" * 13,
    ",",
    ".",
    "/",
    " ",
    "(",
    ")",
    "%",
    "-",
    "hours",
    "minutes",
    "<t:",
    ">",
    ":R",
    "images",
    "None",
]
UPSTREAM_TEXT = st.one_of(
    st.text(),
    st.lists(st.sampled_from(FRAGMENTS)).map("".join),
    st.lists(st.builds(mul, st.sampled_from(FRAGMENTS), st.integers(1, 250)), max_size=3).map("".join),
    st.sampled_from([sample.raw for sample in SAMPLES]),
    *(st.from_regex(shape, fullmatch=True) for shape in (info._FAST_TIME, info._SUBSCRIPTION, info._USAGE)),
)


@given(status=st.text(), texts=st.fixed_dictionaries(dict.fromkeys(InfoText.__struct_fields__, UPSTREAM_TEXT)))
@example(status="", texts={"fast_time_remaining": f"{'9' * 12}/0.{'0' * 19}1 hours"})
def test_any_text_whatever_is_read_to_finite_numbers_and_kept_verbatim(status: str, texts: dict[str, str]) -> None:
    read = token(status, **texts)

    numbers = [
        read.fast_time.remaining,
        read.fast_time.total,
        read.fast_time.percent,
        read.lifetime.hours,
        read.relaxed.hours,
    ]
    assert all(number is None or math.isfinite(number) for number in numbers)
    raws = {
        "fast_time_remaining": read.fast_time.raw,
        "subscription": read.subscription.raw,
        "lifetime_usage": read.lifetime.raw,
        "relaxed_usage": read.relaxed.raw,
        "queued_jobs_fast": read.queued_fast.raw,
        "queued_jobs_relax": read.queued_relax.raw,
        "running_jobs": read.running.raw,
    }
    assert {name: raws[name] for name in raws.keys() & texts} == {name: texts[name] for name in raws.keys() & texts}


@given(UPSTREAM_TEXT)
def test_a_fast_time_is_never_made_up(raw: str) -> None:
    """Every digit of what is left is a digit of the text."""
    read = fast_time(raw)

    assert read.known or read == FastTime(raw=raw)
    assert not read.known or re.search(r"\d", raw)


@given(UPSTREAM_TEXT | st.from_regex(r"\s*[0-9]{1,7}(\.[0-9]{1,7})?(%|ms|[smhd])\s*", fullmatch=True))
def test_whatever_people_write_is_a_level_and_a_time_or_they_are_told_what_to_write(text: str) -> None:
    for reader, kind in ((info.duration, timedelta), (info.threshold, Threshold)):
        try:
            read: object = reader(text)
        except ValueError as error:
            assert str(error).startswith(("write ", "a percentage ", "a threshold "))  # noqa: PT017  # either is right
        else:
            assert isinstance(read, kind)


def test_what_many_tokens_say_alike_is_one_value_in_memory() -> None:
    records = [
        Record(i, "FAST", info=InfoText(fast_time_remaining=f"{i}/20000 minutes", relaxed_usage="0 images"))
        for i in range(1_000)
    ]

    usages = [info.read(record).relaxed for record in records]

    assert all(usage is usages[0] for usage in usages)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        (" 5m ", timedelta(minutes=5)),
        ("2h", timedelta(hours=2)),
        ("1d", timedelta(days=1)),
        ("0s", timedelta()),
        ("999999d", timedelta(days=999_999)),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str, expected: timedelta) -> None:
    assert info.duration(text) == expected


@pytest.mark.parametrize(
    "text", ["", "30", "s", "1.5h", "-5m", "5 m", "5M", "1h30m", "1w", "1000000s", "\u0665m", "inf"]
)
def test_a_duration_that_is_not_one_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(ValueError, match="such as 500ms, 30s, 5m, 2h or 1d"):
        info.duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("15%", Threshold("15%", percent=15)),
        (" 2.5% ", Threshold("2.5%", percent=2.5)),
        ("100%", Threshold("100%", percent=100)),
        ("30m", Threshold("30m", minutes=30)),
        ("2h", Threshold("2h", minutes=120)),
        ("90s", Threshold("90s", minutes=1.5)),
        ("eta 12h", Threshold("eta 12h", ahead=720)),
        ("ETA 2d", Threshold("eta 48h", ahead=2880)),
        ("ETA 12H", Threshold("eta 12h", ahead=720)),
        ("eta90m", Threshold("eta 90m", ahead=90)),
    ],
)
def test_a_threshold_is_a_percentage_or_a_time(text: str, expected: Threshold) -> None:
    assert info.threshold(text) == expected


@pytest.mark.parametrize(
    ("text", "mend"),
    [
        ("", "such as 15%"),
        ("20", "such as 15%"),
        ("-5%", "such as 15%"),
        ("20 %", "such as 15%"),
        ("nan%", "such as 15%"),
        ("0%", "above 0%"),
        ("101%", "up to 98%"),
        ("0m", "above zero"),
        ("eta", "how long ahead"),
        ("eta 12", "how long ahead"),
        ("eta 20%", "how long ahead"),
        ("eta 59m", "from 1h to 30d"),
        ("eta 31d", "from 1h to 30d"),
    ],
)
def test_a_threshold_that_is_not_one_is_refused_with_what_to_write(text: str, mend: str) -> None:
    with pytest.raises(ValueError, match=mend):
        info.threshold(text)
