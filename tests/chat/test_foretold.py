"""What the cards say of what is to come: a token that does not last, one that burns fast, a level of time ahead."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.chat.alerts import Roles, alert
from bot.chat.alerts.groups import grouped
from bot.chat.alerts.story import stories
from bot.chat.text import stamp
from bot.domain.forecast import Burning, Forecast, Verdict
from bot.domain.incidents import Incident, Reason, Rule
from bot.domain.model import Severity
from bot.domain.value import replace
from tests.chat.builders import NOON, fleet, incident, message, record, token
from tests.chat.checks import assert_fits

DAY = timedelta(days=1)
RENEWS = datetime(2026, 2, 1, 12, tzinfo=UTC)
SAID = Forecast(
    Verdict.DOES_NOT_LAST,
    NOON,
    left=800,
    pace=57.6,
    chance=0.97,
    dry_at=NOON + 14 * DAY,
    earliest=NOON + 12 * DAY,
    latest=NOON + 18 * DAY,
    renews_at=RENEWS,
    spare=-985,
    short=17 * DAY,
)
OTHERS = fleet(token(), token(1901))
DRY = replace(incident(Rule.DOES_NOT_LAST, now=record()), forecast=SAID)
BURNS = replace(
    incident(Rule.BURNING_FAST, now=record()), burning=Burning(798, 222, 0.247, NOON + timedelta(hours=3, minutes=35))
)


def card(*incidents: Incident) -> list[str]:
    """The content of a message, and its embed's lines."""
    shown = alert(message(*incidents), OTHERS, Roles(42))
    (embed,) = shown.embeds
    assert_fits(embed)
    return [shown.content, *(embed.description or "").splitlines()]


def test_the_first_line_says_when_it_is_empty_and_how_much_too_early() -> None:
    content, means, do, *_ = card(DRY)
    assert content == "**🟠 Token 1900 does not last until its refill: empty around 15 Jan, 17 days before it**"
    assert means == (
        "At this pace (58 min a day) it runs out around 15 Jan (13 to 19 Jan). Renews Sun 1 Feb: **does not last**,"
        " about 17 days short. At 0 it goes on in relax mode, slowly."
    )
    assert do == "**Do:** spread its load to token 1901 (88 %), keep it under 25 min a day, or buy about 16 h more."


def test_nobody_is_asked_to_keep_it_under_nothing() -> None:
    _, _, do, *_ = card(replace(DRY, forecast=replace(SAID, left=20)))
    assert do == "**Do:** spread its load to token 1901 (88 %), or buy about 16 h more."


def test_where_it_stops_it_is_critical_and_says_so() -> None:
    basic = record(subscription=f"Basic (Active monthly, renews next on <t:{int(RENEWS.timestamp())}>)")
    content, means, *_ = card(replace(DRY, severity=Severity.CRITICAL, now=basic))
    assert content.startswith("<@&42> **🔴 Token 1900 does not last")
    assert means.endswith("Its plan has no relax mode: at 0 it stops.")


@pytest.mark.parametrize(
    ("said", "headline"),
    [
        (
            replace(SAID, dry_at=NOON + timedelta(hours=9), short=2 * DAY),
            "does not last until its refill: empty in about 9 h, 2 days before it",
        ),
        (replace(SAID, dry_at=NOON, short=17 * DAY), "is out of fast time, 17 days before its refill"),
        (replace(SAID, dry_at=None, short=None), "does not last until its refill"),
        (
            replace(SAID, verdict=Verdict.MAY_NOT_LAST, chance=0.6),
            "may not last until its refill",
        ),
        (None, "does not last until its refill"),
    ],
)
def test_the_first_line_is_no_surer_than_what_is_foretold(said: Forecast | None, headline: str) -> None:
    content, *_ = card(replace(DRY, forecast=said))
    assert content == f"**🟠 Token 1900 {headline}**"


@pytest.mark.parametrize(
    ("said", "do"),
    [
        (None, "spread its load to token 1901 (88 %), or buy time."),
        (
            replace(SAID, renews_at=NOON + timedelta(hours=20), spare=-30),
            "spread its load to token 1901 (88 %), or buy about 30 min more.",
        ),
        (
            replace(SAID, left=4000),
            "spread its load to token 1901 (88 %), keep it under 2.1 h a day, or buy about 16 h more.",
        ),
    ],
)
def test_what_to_do_names_only_what_is_known(said: Forecast | None, do: str) -> None:
    assert f"**Do:** {do}" in card(replace(DRY, forecast=said))


def test_what_burns_fast_says_what_was_used_and_when_it_would_be_empty() -> None:
    content, means, *_ = card(BURNS)
    assert content == "**🟠 Token 1900 used 3.7 h (24 %) of fast time in an hour: empty in about 4 h if this goes on**"
    empty = stamp(NOON + timedelta(hours=3, minutes=35), "t")
    assert means == f"If this goes on, it is empty around {empty}. At 0 it goes on in relax mode, slowly."


@pytest.mark.parametrize(
    ("rule", "reason", "became", "headline"),
    [
        (
            Rule.DOES_NOT_LAST,
            Reason.WELL,
            None,
            "✅ Token 1900 lasts until its refill after all: 88 % (13.3 of 15 h) left",
        ),
        (
            Rule.DOES_NOT_LAST,
            Reason.BECAME,
            Rule.FAST_TIME_LOW,
            "⚪ Token 1900: foretold to run dry for 1 d, now low on fast time",
        ),
        (Rule.BURNING_FAST, Reason.WELL, None, "✅ Token 1900 is not burning fast any more: 88 % (13.3 of 15 h) left"),
        (Rule.BURNING_FAST, Reason.OFF, None, "⚪ Token 1900: burning fast for 1 d, then switched off"),
    ],
)
def test_how_it_ended_is_in_the_first_line(rule: Rule, reason: Reason, became: Rule | None, headline: str) -> None:
    content, *_ = card(incident(rule, now=record(), after=DAY, end=reason, became=became))
    assert content == f"**{headline}**"


def test_a_level_that_is_a_time_ahead_says_within_what_time() -> None:
    content, means, *_ = card(incident(Rule.FAST_TIME_LOW, now=record(), detail="eta 12h"))
    assert content == ("**🟠 Token 1900 will be out of fast time within 12 h: 88 % fast time left (13.3 of 15 h)**")
    assert means == "That is at its pace of the last days. At 0 it goes on in relax mode, slowly."


def test_of_several_each_has_its_date() -> None:
    others = [replace(DRY, key=replace(DRY.key, token=number), now=record(number)) for number in (1901, 1902)]
    shown = alert(replace(message(*others), summary=True), OTHERS, Roles())
    assert shown.content == "**🟠 2 tokens do not last until their refill**"
    body = shown.embeds[0].description or ""
    assert "**does not last until the refill** (2): 1901 (dry around 15 Jan), 1902 (dry around 15 Jan)" in body


def test_a_refill_is_called_one_since_what_it_brought_may_not_last_either() -> None:
    full = record(
        fast_time_remaining="15.00/15.0 hours (100.00%)",
        subscription=f"Standard (Active monthly, renews next on <t:{int((RENEWS + 28 * DAY).timestamp())}>)",
    )
    content, *_ = card(replace(incident(Rule.DOES_NOT_LAST, now=full, after=DAY, end=Reason.WELL), forecast=SAID))
    assert content == "**✅ Token 1900 was refilled: 100 % (15 of 15 h) left**"
    bought = record(
        fast_time_remaining="15.00/15.0 hours (100.00%)",
        subscription=f"Standard (Active monthly, renews next on <t:{int(RENEWS.timestamp())}>)",
    )
    content, *_ = card(replace(incident(Rule.DOES_NOT_LAST, now=bought, after=DAY, end=Reason.WELL), forecast=SAID))
    assert content == "**✅ Token 1900 lasts until its refill after all: 100 % (15 of 15 h) left**"


@pytest.mark.parametrize(
    ("reason", "became", "label"),
    [
        (Reason.WELL, None, "resolved: foretold to run dry"),
        (Reason.BECAME, Rule.FAST_TIME_LOW, "was foretold to run dry, now low on fast time"),
        (Reason.OFF, None, "was foretold to run dry, switched off"),
    ],
)
def test_what_was_foretold_is_called_so_in_a_line_of_several(reason: Reason, became: Rule | None, label: str) -> None:
    over = incident(Rule.DOES_NOT_LAST, now=record(), after=DAY, end=reason, became=became)
    assert list(grouped(stories([over], OTHERS))) == [label]
