"""What the ops channel is told, word by word."""

import re
from datetime import timedelta
from itertools import cycle
from typing import Any

import discord
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.chat.alerts import WORDINGS, Alert, Roles, alert, incident_list
from bot.chat.cards import GAP, fleet_card, overview, token_card
from bot.chat.desk import upstream_sentence
from bot.domain.incidents import Happening, Incident, Key, Moment, Reason, Rule
from bot.domain.model import Failure, Fleet, Record, Severity, Trouble
from bot.domain.refusal import refusal
from bot.domain.rules.table import STATUS_RULES
from bot.domain.value import replace
from bot.domain.watch.known import Known
from bot.imaginepro.client import RateLimitedError, RefusedError
from bot.storage.store import SUMMARY_SIZE, Grouping
from tests.chat.builders import NOON, fleet, incident, info_of, message, record, summary, token
from tests.chat.checks import assert_fits, assert_harmless, texts

ROLE = 42
BASIC = "Basic (Active monthly, renews next on <t:1767614400>)"
FLEET = fleet(
    token(1900, "BANNED"),
    token(1901, fast_time_remaining="13.50/15.0 hours (90.00%)"),
    token(1904, fast_time_remaining="12.75/15.0 hours (85.00%)"),
    token(1905, fast_time_remaining="6.00/15.0 hours (40.00%)"),
)
LAPSED = int((NOON - timedelta(days=10)).timestamp())
LOW = record(1907, fast_time_remaining="36.00/200.0 minutes (18.00%)", subscription=BASIC)
SPENT = record(1907, fast_time_remaining="0.00/200.0 minutes (0.00%)", subscription=BASIC)
FULL = record(1907, fast_time_remaining="200.00/200.0 minutes (100.00%)", subscription=BASIC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
ENDED_AT_ONCE = timedelta()


MINUTE = timedelta(minutes=1)


def say(*incidents: Incident, known: Fleet = FLEET, role: int | None = None) -> Alert:
    return alert(message(*incidents), known, Roles(role))


def title(*incidents: Incident, known: Fleet = FLEET) -> str:
    shown = say(*incidents, known=known)
    return shown.embeds[0].title or (shown.content or "").strip("*")


def body(*incidents: Incident, known: Fleet = FLEET) -> list[str]:
    return (say(*incidents, known=known).embeds[0].description or "").replace(GAP, "").splitlines()


def raised(fired: Incident) -> Incident:
    """After a quarter of an hour."""
    moment = Moment(NOON + HOUR / 4, Happening.RAISED, severity=Severity.CRITICAL)
    return replace(fired, moments=(Moment(NOON, Happening.FIRED), moment), read_at=moment.at)


def lasting(fired: Incident) -> Incident:
    """Had been so for a while when it fired."""
    return replace(fired, read_at=NOON + timedelta(minutes=20))


def refusal_of(why: str) -> Incident:
    """As the rule about that words it."""
    return incident(Rule.UPSTREAM_REFUSED, None, severity=Severity.CRITICAL, detail=f"{Trouble.REFUSED}: {why}")


def unwatched(ended: Incident) -> Incident:
    """Over because its rule was switched off."""
    return replace(ended, moments=(Moment(NOON, Happening.FIRED), Moment(ended.read_at, Happening.UNWATCHED)))


def test_a_ban_says_what_it_was_what_it_means_what_to_do_and_where_the_fleet_stands() -> None:
    banned = incident(
        Rule.BANNED,
        severity=Severity.CRITICAL,
        was=record(),
        now=record(status="BANNED", queued_jobs_fast="9", queued_jobs_relax="3"),
    )
    noon = int(NOON.timestamp())
    assert title(banned) == "🔴 Token 1900 is BANNED"
    assert body(banned) == [
        f"Was FAST until <t:{noon - 60}:t>. The account is blocked: jobs sent to it fail. 12 jobs are waiting on it.",
        "**Do:** take it out of rotation and do not retry its jobs. Then look at the account in Discord.",
        f"Standard plan · 88 % fast time left (13.3 of 15 h) · refills <t:{noon + 6 * 86400}:R>",
        "3 of 4 tokens work, with 32.2 h of fast time.",
        "",
        f"since <t:{noon}:t>",
    ]


@pytest.mark.parametrize(
    ("fired", "headline", "line"),
    [
        (incident(Rule.VERIFYING, was=record(), now=record(status="VERIFYING")), "🟠 Token 1900 is VERIFYING", "human"),
        (
            incident(Rule.VERIFYING, was=record(), now=record(status="VERIFYING", queued_jobs_fast="1")),
            "VERIFYING",
            "1 job is waiting on it.",
        ),
        (incident(Rule.VERIFYING, now=record(status="VERIFYING")), "VERIFYING", "The account waits for a human check"),
        (
            incident(Rule.UNKNOWN_STATUS, now=record(status="LIM*BO")),
            "🟠 Token 1900 has an unknown status: “LIM\\*BO”",
            "counts as not working",
        ),
        (
            incident(Rule.DEGRADED, was=record(), now=record(status="RELAX")),
            "🟠 Token 1900 is RELAX, no longer FAST",
            "or run Midjourney's `/fast` as that account.",
        ),
        (
            incident(Rule.DEGRADED, 1907, was=record(), now=replace(SPENT, status="RELAX")),
            "RELAX",
            "jobs sent to it may fail",
        ),
        (
            incident(Rule.DEGRADED, 1907, was=record(), now=replace(SPENT, status="RELAX")),
            "RELAX",
            "or buy time (it refills <t:1767614400:R>).",
        ),
        (
            incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=LOW),
            "🟠 Token 1907 has 18 % fast time left (36 of 200 min)",
            "That is under 20 %. Its plan has no relax mode: at 0 it stops.",
        ),
        (
            incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=LOW),
            "18 %",
            "**Do:** spread its load to tokens 1901 (90 %) and 1904 (85 %), or buy time (it refills <t:1767614400:R>).",
        ),
        (
            incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=LOW),
            "18 %",
            "Status FAST · Basic plan\n",
        ),
        (
            incident(Rule.FAST_TIME_LOW, 1900, step="30m", now=record(fast_time_remaining="25.00 minutes")),
            "🟠 Token 1900 has 25 min fast time left",
            "That is under 30 min. At 0 it goes on in relax mode",
        ),
        (incident(Rule.FAST_TIME_LOW, 1900, step="30m", now=record(subscription="")), "fast time", "is not known"),
        (
            incident(Rule.FAST_TIME_GONE, 1907, severity=Severity.CRITICAL, now=SPENT),
            "🔴 Token 1907 has no fast time left",
            "Its plan has no relax mode: jobs sent to it fail.",
        ),
        (
            incident(Rule.FAST_TIME_GONE, now=record(fast_time_remaining="0.00/15.0 hours")),
            "🟠 Token 1900 has no fast time left",
            "It goes on in relax mode",
        ),
        (
            incident(Rule.INACTIVE, severity=Severity.INFO, now=record(active=False)),
            "⚫ Token 1900 is switched off",
            "Status FAST",
        ),
        (incident(Rule.BANNED, now=record(status="BANNED", active=False)), "🟠 Token 1900 is BANNED", "switched off"),
        (
            raised(incident(Rule.VERIFYING, severity=Severity.CRITICAL, now=record(status="VERIFYING"))),
            "🔴 Token 1900 has been VERIFYING for over 15 min",
            "human check",
        ),
        (
            incident(Rule.FAST_TIME_LOW, 1907, severity=Severity.CRITICAL, step="20%", now=LOW),
            "🔴 Token 1907 has only 18 % fast time left (36 of 200 min)",
            "That is under 20 %, so it is about to run out. Its plan has no relax mode",
        ),
        (
            incident(Rule.SUBSCRIPTION, now=record(subscription="Standard (Cancelled)")),
            "🟠 Token 1900: its plan is cancelled",
            "Midjourney no longer counts it as active.",
        ),
        (
            incident(Rule.SUBSCRIPTION, now=record(subscription=BASIC)),
            "🟠 Token 1900: its plan is overdue for renewal",
            "due for renewal <t:1767614400:R>, and ImaginePro still shows the old date. That may be an old copy.",
        ),
        (
            incident(Rule.SUBSCRIPTION, now=record(subscription=f"Pro (Active monthly, cancels on <t:{LAPSED}>)")),
            "🟠 Token 1900: its plan has ended",
            f"By its own text it ended <t:{LAPSED}:R>, unless that text is an old one. Without a plan it will stop",
        ),
        (incident(Rule.SUBSCRIPTION), "🟠 Token 1900: its plan is overdue for renewal", "That may be an old copy."),
        (
            lasting(incident(Rule.QUEUE_STUCK, now=record(queued_jobs_fast="9", queued_jobs_relax="3"))),
            "🟠 Token 1900 has a stuck queue: 12 jobs queued and none running",
            "Jobs have been waiting for 20 min",
        ),
        (
            incident(Rule.QUEUE_STUCK, now=record(queued_jobs_fast="1")),
            "1 job queued and none running",
            "nothing works on them",
        ),
        (incident(Rule.QUEUE_STUCK), "0 jobs queued", "nothing works on them"),
        (
            lasting(incident(Rule.FROZEN, severity=Severity.INFO, now=record())),
            "🔵 Token 1900 runs jobs, but its fast time does not move",
            "It has been at 88 % (13.3 of 15 h) for 20 min",
        ),
        (
            incident(Rule.POOL, None, severity=Severity.CRITICAL, step="usable", detail="0 of 9, 1"),
            "🔴 No token works",
            "Jobs wait or fail until more tokens work.",
        ),
        (
            incident(Rule.POOL, None, severity=Severity.CRITICAL, step="usable", detail="2 of 9, 3"),
            "🔴 Only 2 of 9 tokens work (you want 3)",
            "Jobs wait or fail until more tokens work.",
        ),
        (
            incident(Rule.POOL, None, severity=Severity.CRITICAL, step="usable", detail="1 of 1, 2"),
            "🔴 Only 1 token works (you want 2)",
            "Jobs wait or fail until more tokens work.",
        ),
        (
            incident(Rule.POOL, None, severity=Severity.CRITICAL, step="usable", detail="1 of 9"),  # an older version
            "🔴 Only 1 of 9 tokens works",
            "Jobs wait or fail until more tokens work.",
        ),
        (
            incident(Rule.POOL, None, severity=Severity.CRITICAL, step="fast time", detail="37 h, 40 h"),
            "🔴 Fast time of the fleet: 32.2 h left (limit 40 h)",
            "3 of 4 tokens work, with 32.2 h of fast time.",
        ),
        (
            incident(Rule.UPSTREAM_STALE, None),
            "🟠 The bot gets no new readings",
            f"The bot has not finished a check of ImaginePro since <t:{int(NOON.timestamp())}:t>.",
        ),
        (
            replace(incident(Rule.FLAPPING, severity=Severity.INFO, now=record(status="RELAX")), flips=(NOON,) * 5),
            "🔵 Token 1900 is RELAX, and keeps changing status: 5 changes so far",
            "Until it has been stable for 30 min, status changes are reported only here.",
        ),
        (
            incident(Rule.NEW, severity=Severity.INFO, now=record(), after=ENDED_AT_ONCE),
            "🆕 Token 1900 is new: FAST",
            "watched from now on",
        ),
        (
            incident(Rule.GONE, severity=Severity.INFO, was=record(), after=timedelta(minutes=1)),
            "⚪ Token 1900 is gone from ImaginePro's list",
            "Was FAST",
        ),
        (
            incident(
                Rule.RESTORED, severity=Severity.INFO, was=record(status="RELAX"), now=record(), after=ENDED_AT_ONCE
            ),
            "✅ Token 1900 is FAST again",
            "Was RELAX until",
        ),
        (
            incident(Rule.UPSTREAM_DOWN, None, detail="timed out: `x`"),
            "🟠 ImaginePro cannot be read",
            "Cause: “timed out\\: \\`x\\`”",
        ),
        (
            incident(Rule.UPSTREAM_REFUSED, None, severity=Severity.CRITICAL),
            "🔴 ImaginePro refuses the API key",
            "If you make a new one, put it into `IMAGINEPRO_API_KEY` and restart the bot.",
        ),
        (
            refusal_of("ImaginePro refuses the API key, or its credits are used up (401: Unauthorized)"),
            "🔴 ImaginePro refuses the API key",
            "that the key is still there and has credits",
        ),
        (
            refusal_of("ImaginePro asks for payment: out of credits, or the subscription ended (402: see (401))"),
            "🔴 ImaginePro asks for payment",
            "**Do:** check credits and subscription in ImaginePro. Once that is paid, the bot goes on by itself.",
        ),
        (
            refusal_of("ImaginePro forbids this call: the plan may not be DIY (403)"),
            "🔴 ImaginePro forbids this call: the plan may not be DIY",
            "**Do:** check that your plan at ImaginePro is DIY or Dedicated, and has not ended. Then the bot goes",
        ),
        (
            incident(Rule.CREDITS_LOW, None, detail="120 of 1600, 20 extra, 10%"),
            "🟠 Only 120 of 1,600 ImaginePro credits are left (7 %)",
            "That is under 10 % of the credits. 20 of them are extra. At 0, jobs that take credits fail.",
        ),
        (
            incident(Rule.CREDITS_LOW, None, detail="159 of 1600, 0 extra, 10%"),
            "🟠 Only 159 of 1,600 ImaginePro credits are left (9.9 %)",
            "**Do:** buy credits at ImaginePro, or a larger plan; `/account` reads them anew. If your jobs take none",
        ),
        (
            incident(Rule.CREDITS_LOW, None, detail="499 of ?, 1 extra, 500"),
            "🟠 Only 499 ImaginePro credits are left",
            "That is under 500 credits. 1 of them is extra.",
        ),
        (incident(Rule.CREDITS_LOW, None, detail="1 of ?, 0 extra, 500"), "🟠 Only 1 ImaginePro credit is left", ""),
        (
            incident(Rule.CREDITS_LOW, None, severity=Severity.CRITICAL, detail="0 of 1600, 0 extra, 10%"),
            "🔴 No ImaginePro credits are left",
            "Jobs that take credits fail, and ImaginePro may refuse the bot as well.",
        ),
        (
            incident(Rule.CREDITS_LOW, None, detail="0 of 1600, ? extra, 10%"),
            "🟠 No ImaginePro credits are left",
            "Whether extra ones are left, ImaginePro did not say.",
        ),
        (incident(Rule.CREDITS_LOW, None, detail="as seen"), "🟠 ImaginePro credits run low", "At 0, jobs"),
        (
            incident(Rule.PLAN_EXPIRES, None, detail=(NOON + 6 * DAY).isoformat()),
            "🟠 Your ImaginePro plan ends on",
            f"It ends <t:{int(NOON.timestamp()) + 6 * 86400}:f>, <t:{int(NOON.timestamp()) + 6 * 86400}:R>. Without",
        ),
        (
            incident(Rule.PLAN_EXPIRES, None, severity=Severity.CRITICAL, detail=(NOON - HOUR).isoformat()),
            "🔴 Your ImaginePro plan ended on",
            "By ImaginePro's own words it ended",
        ),
        (
            incident(Rule.PLAN_EXPIRES, None, detail="as seen"),
            "🟠 Your ImaginePro plan is about to end",
            "Without a plan",
        ),
        (
            incident(Rule.DEGRADED, was=record(), now=record(status="RELAX", subscription="")),
            "RELAX",
            "Whether its plan has a relax mode is not known: jobs wait longer, or fail.",
        ),
        (
            replace(incident(Rule.DEGRADED, was=record(status="BANNED"), now=record(status="RELAX")), origin="FAST"),
            "🟠 Token 1900 is RELAX, no longer FAST",
            f"Was BANNED until <t:{int(NOON.timestamp()) - 60}:t>, and FAST before that.",
        ),
        (
            replace(incident(Rule.BANNED, was=record(), now=record(status="BANNED")), was_at=NOON - 2 * DAY),
            "BANNED",
            f"Was FAST until <t:{int(NOON.timestamp()) - 2 * 86400}:f>.",
        ),
        (
            incident(Rule.BASELINE, None, severity=Severity.INFO, after=ENDED_AT_ONCE),
            "👀 Now watching 4 tokens",
            "3 FAST and 1 BANNED. Needs a person: token 1900.",
        ),
    ],
)
def test_each_rule_has_a_headline_and_says_what_it_means_and_what_to_do(
    fired: Incident, headline: str, line: str
) -> None:
    assert headline in title(fired)
    assert line in "\n".join(body(fired))


@pytest.mark.parametrize(
    ("ended", "headline"),
    [
        (
            incident(Rule.BANNED, was=record(), now=record(), after=timedelta(minutes=50)),
            "✅ Token 1900 is FAST again after 50 min",
        ),
        (
            incident(Rule.BANNED, was=record(), now=record(status="RELAX"), after=HOUR),
            "✅ Token 1900 works again after 1 h, in RELAX",
        ),
        (incident(Rule.BANNED, now=record(), after=HOUR), "✅ Token 1900 is FAST again after 1 h"),
        (
            incident(Rule.VERIFYING, was=record(status="RELAX"), now=record(status="RELAX"), after=HOUR),
            "✅ Token 1900 is RELAX again after 1 h",
        ),
        (
            incident(
                Rule.VERIFYING,
                was=record(),
                now=record(status="BANNED"),
                after=timedelta(minutes=12),
                end=Reason.BECAME,
                became=Rule.BANNED,
            ),
            "⚪ Token 1900: VERIFYING for 12 min, now BANNED",
        ),
        (
            incident(Rule.VERIFYING, now=record(status="BANNED"), after=HOUR),  # as an older version stored it
            "⚪ Token 1900: VERIFYING for 1 h, now BANNED",
        ),
        (
            incident(Rule.VERIFYING, now=record(active=False), after=HOUR, end=Reason.OFF),
            "⚪ Token 1900: VERIFYING for 1 h, then switched off",
        ),
        (
            incident(Rule.FROZEN, now=record(), after=HOUR, end=Reason.UNTOLD),
            "⚪ Token 1900: fast time not moving for 1 h, outcome unknown",
        ),
        (
            incident(Rule.VERIFYING, now=LOW, after=HOUR, end=Reason.BECAME, became=Rule.FAST_TIME_LOW),
            "⚪ Token 1900: VERIFYING for 1 h, now low on fast time",
        ),
        (
            incident(Rule.BANNED, was=record(), after=HOUR, end=Reason.GONE),
            "⚪ Token 1900: BANNED for 1 h, then gone from the list",
        ),
        (
            incident(
                Rule.UNKNOWN_STATUS, now=record(status="BANNED"), after=HOUR, end=Reason.BECAME, became=Rule.BANNED
            ),
            "⚪ Token 1900: unknown status for 1 h, now BANNED",
        ),
        (
            incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=FULL, after=HOUR),
            "✅ Token 1907 has fast time again: 100 % (200 of 200 min)",
        ),
        (
            incident(Rule.FAST_TIME_LOW, 1907, step="20%", after=HOUR),
            "⚪ Token 1907: low on fast time for 1 h, then gone from the list",
        ),
        (
            incident(Rule.FAST_TIME_GONE, 1907, now=FULL, after=HOUR),
            "✅ Token 1907 has fast time again: 100 % (200 of 200 min)",
        ),
        (
            incident(Rule.INACTIVE, now=record(), after=timedelta(hours=2, minutes=5)),
            "✅ Token 1900 is switched on again after 2 h 5 min",
        ),
        (
            incident(Rule.SUBSCRIPTION, now=record(), after=HOUR),
            "✅ Token 1900: its plan is in order again after 1 h",
        ),
        (incident(Rule.QUEUE_STUCK, now=record(), after=HOUR), "✅ Token 1900: its queue moves again after 1 h"),
        (incident(Rule.FROZEN, now=record(), after=HOUR), "✅ Token 1900: its fast time moves again after 1 h"),
        (incident(Rule.POOL, None, step="usable", after=HOUR), "✅ Enough tokens work again after 1 h"),
        (
            incident(Rule.POOL, None, step="fast time", after=HOUR),
            "✅ The fleet has enough fast time again after 1 h",
        ),
        (incident(Rule.UPSTREAM_STALE, None, after=HOUR), "✅ The bot gets new readings again after 1 h"),
        (incident(Rule.FLAPPING, now=record(), after=HOUR), "✅ Token 1900 has been stable for 30 min, and is FAST"),
        (incident(Rule.FLAPPING, after=HOUR), "⚪ Token 1900: unstable for 1 h, then gone from the list"),
        (
            unwatched(incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=LOW, after=HOUR)),
            "⚪ Token 1907: low on fast time for 1 h, no longer watched",
        ),
        (
            unwatched(incident(Rule.POOL, None, step="usable", detail="0 of 9", after=HOUR)),
            "⚪ The fleet was short of tokens for 1 h, no longer watched",
        ),
        (
            incident(Rule.CREDITS_LOW, None, detail="0 of 1600, 0 extra, 10%", after=HOUR),
            "✅ There are enough ImaginePro credits again after 1 h",
        ),
        (
            incident(Rule.CREDITS_LOW, None, detail="0 of 0, 0 extra, 10%", after=HOUR, end=Reason.UNTOLD),
            "⚪ Low on ImaginePro credits for 1 h, outcome unknown",
        ),
        (
            incident(Rule.PLAN_EXPIRES, None, detail=NOON.isoformat(), after=HOUR),
            "✅ Your ImaginePro plan goes on: it has a new end",
        ),
        (
            unwatched(incident(Rule.PLAN_EXPIRES, None, detail=NOON.isoformat(), after=HOUR)),
            "⚪ ImaginePro plan about to end for 1 h, no longer watched",
        ),
        (
            incident(Rule.UPSTREAM_DOWN, None, after=timedelta(minutes=12)),
            "✅ ImaginePro can be read again after 12 min",
        ),
        (
            incident(Rule.UPSTREAM_REFUSED, None, after=timedelta(days=3, hours=4)),
            "✅ ImaginePro lets the bot in again after 3 d 4 h",
        ),
    ],
)
def test_the_end_of_an_incident_says_how_and_after_how_long(ended: Incident, headline: str) -> None:
    assert title(ended).startswith(headline)
    assert not any("**Do:**" in line for line in body(ended))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (401, "ImaginePro refuses the API key"),
        (402, "ImaginePro asks for payment"),
        (403, "ImaginePro forbids this call"),
    ],
)
def test_a_refusal_is_named_by_its_status_wherever_it_is_told(status: int, words: str) -> None:
    def body_of(embed: discord.Embed) -> str:
        return embed.description or ""

    refused = Failure(Trouble.REFUSED, "as the API said", NOON + MINUTE, status)
    assert f"⚠️ **{words}: these numbers are old**" in body_of(
        token_card(token(), overview(Known(fleet=fleet(token(), failure=refused)), NOON, MINUTE))
    )
    assert f"{words}." in body_of(fleet_card(overview(Known(fleet=Fleet(failure=refused)), NOON, MINUTE), 0, None)[0])
    assert upstream_sentence(RefusedError("as the API said", status=status), NOON).startswith(
        f"{words}. What was read last"
    )
    detail = f"{Trouble.REFUSED}: {refusal(status).meaning} ({status}: as the API said)"
    told = incident(Rule.UPSTREAM_REFUSED, None, severity=Severity.CRITICAL, detail=detail)
    assert title(told).startswith(f"🔴 {words}")


def test_an_upstream_that_asks_to_be_left_alone_is_told_so_until_when() -> None:
    at = NOON + timedelta(hours=1)
    down = replace(incident(Rule.UPSTREAM_DOWN, None, detail="rate limited: too many calls (429)"), until=at)
    asks = f"asks to be left alone until <t:{int(at.timestamp())}:t>"
    do = f"**Do:** if your jobs fail, look at your tokens in ImaginePro: it {asks}, and the bot reads it again then."
    assert do in body(down)
    known = Known(fleet=fleet(token(), failure=Failure(Trouble.RATE_LIMITED, "429", NOON + MINUTE, 429, at)))
    view = overview(known, NOON, MINUTE)
    for embed in (token_card(token(), view), fleet_card(view, 0, None)[0]):
        assert f"⚠️ **ImaginePro {asks}: these numbers are old**" in (embed.description or "")
    error = RateLimitedError("429", status=429, retry_after=timedelta(hours=1))
    assert upstream_sentence(error, NOON) == (
        f"ImaginePro {asks}. What was read last stays as it is; until then, nobody can read it anew."
    )
    detail = f"{Trouble.REFUSED}: {refusal(402).meaning} (402: Insufficient credits)"
    unpaid = replace(incident(Rule.UPSTREAM_REFUSED, None, severity=Severity.CRITICAL, detail=detail), until=at)
    again = f"goes on by itself. It {asks}: the bot tries again then, or when you restart it."
    assert any(line.endswith(again) for line in body(unpaid))
    refused = RefusedError("401", status=401, retry_after=timedelta(hours=1))
    assert upstream_sentence(refused, NOON).startswith(f"ImaginePro refuses the API key, and {asks}.")


def test_what_has_ended_also_says_what_it_was() -> None:
    ended = incident(Rule.BANNED, was=record(status="RELAX"), now=record(), after=timedelta(minutes=50))
    noon = int(NOON.timestamp())
    assert body(ended)[0] == "It was BANNED, and RELAX before that."
    assert body(ended)[-1] == f"since <t:{noon}:t> · resolved <t:{noon + 3000}:t> after 50 min"


def at(minutes: int, what: Happening, **parts: Any) -> Moment:  # noqa: ANN401 - the parts of a moment
    return Moment(NOON + timedelta(minutes=minutes), what, **parts)


def times(*incidents: Incident, known: Fleet = FLEET) -> str:
    """The timeline, with minutes since noon for times."""
    *_, last = body(*incidents, known=known)
    return re.sub(r"<t:(\d+):[tf]>", lambda found: f"{(int(found[1]) - int(NOON.timestamp())) // 60}'", last)


LIFE = (
    at(0, Happening.FIRED),
    at(15, Happening.RAISED, severity=Severity.CRITICAL),
    at(30, Happening.REMINDED),
    at(31, Happening.ACKNOWLEDGED, who=7),
    at(32, Happening.SILENCED, who=8, until=NOON + HOUR),
    at(33, Happening.SILENCED, who=8),
    at(40, Happening.LOWERED, severity=Severity.WARNING),
    at(50, Happening.RESOLVED),
)


def test_a_card_has_the_life_of_its_incident_in_a_line() -> None:
    open_ = incident(Rule.VERIFYING, now=record(status="VERIFYING"))
    assert times(replace(open_, moments=LIFE[:5])) == (
        "since 0' · critical since 15' · reminded 30' · acknowledged by <@7> 31' · silenced by <@8> until 60'"
    )
    over = incident(Rule.VERIFYING, now=record(), after=timedelta(minutes=50))
    assert times(replace(over, moments=(LIFE[0], LIFE[3], LIFE[7]))) == (
        "since 0' · acknowledged by <@7> 31' · resolved 50' after 50 min"
    )


def test_a_card_that_came_later_than_its_incident_says_when_somebody_was_told() -> None:
    stuck = replace(incident(Rule.QUEUE_STUCK, now=record(queued_jobs_fast="1")), first_notified_at=NOON + HOUR / 3)
    known = replace(FLEET, read_at=NOON + HOUR)
    assert times(stuck, known=known) == "since 0' · told 20' · last checked 60'"
    at_once = replace(stuck, first_notified_at=NOON + timedelta(seconds=3))
    assert times(at_once, known=known) == "since 0' · last checked 60'"
    over = replace(incident(Rule.QUEUE_STUCK, now=record(), after=HOUR), first_notified_at=NOON + HOUR / 3)
    assert times(over) == "since 0' · told 20' · resolved 60' after 1 h"
    late = replace(incident(Rule.VERIFYING, now=record(status="VERIFYING")), first_notified_at=NOON + HOUR / 3)
    assert times(replace(late, moments=LIFE[:3])) == "since 0' · critical since 15' · told 20' · reminded 30'"
    group = (stuck, replace(stuck, key=replace(stuck.key, token=1901), first_notified_at=NOON + HOUR / 2))
    assert times(*group, known=known) == "since 0' · told 20' · last checked 60'"


def test_a_card_says_when_its_token_was_last_checked_and_lets_no_age_count_on() -> None:
    banned = replace(incident(Rule.BANNED, now=record(status="BANNED")), moments=LIFE[:1])
    alone = replace(FLEET, read_at=NOON + HOUR, read_alone={1900: NOON + 2 * HOUR})
    assert times(banned, known=alone) == "since 0' · last checked 120'"
    assert ":R>" not in body(banned, known=alone)[-1]


def test_what_rose_without_becoming_more_severe_has_become_worse() -> None:
    life = (
        at(0, Happening.FIRED, severity=Severity.WARNING),
        at(1, Happening.RAISED, severity=Severity.CRITICAL),
        at(2, Happening.ACKNOWLEDGED, who=7),
        at(3, Happening.RAISED, severity=Severity.CRITICAL),
    )
    low = replace(incident(Rule.FAST_TIME_LOW, now=record()), moments=life)
    assert times(low) == "since 0' · critical since 1' · acknowledged by <@7> 2' · worse since 3'"
    at_once = (at(0, Happening.FIRED, severity=Severity.CRITICAL), at(1, Happening.RAISED, severity=Severity.CRITICAL))
    assert times(replace(low, moments=at_once)) == "since 0' · worse since 1'"


def test_of_a_long_life_a_card_shows_the_beginning_and_the_latest() -> None:
    over = incident(Rule.VERIFYING, now=record(), after=timedelta(minutes=50))
    assert times(replace(over, moments=LIFE)) == (
        "since 0' · … · acknowledged by <@7> 31' · silenced by <@8> until 60' · silenced by <@8> until it is resolved"
        " · down to warning 40' · resolved 50' after 50 min"
    )


def test_who_was_told_that_they_have_it_stays_on_the_card_however_long_its_life() -> None:
    again = [at(minute, Happening.SILENCED, who=minute, until=NOON) for minute in range(60, 70)]
    open_ = incident(Rule.VERIFYING, now=record(status="VERIFYING"))
    assert times(replace(open_, moments=(*LIFE[:7], *again))).startswith(
        "since 0' · … · acknowledged by <@7> 31' · … · silenced by <@65>"
    )


def test_a_group_says_once_what_happened_to_several() -> None:
    group = [replace(incident(Rule.VERIFYING, n, now=record(n, "VERIFYING")), moments=LIFE[:4]) for n in range(1, 13)]
    late = replace(group[0], key=Key(Rule.VERIFYING, 13), moments=(at(2, Happening.FIRED),))
    assert times(*group, late) == "since 0' · critical since 15' · acknowledged by <@7> 31'"
    assert title(*group) == "🟠 12 tokens are VERIFYING"
    graver = replace(late, moments=(at(3, Happening.FIRED, severity=Severity.CRITICAL),))
    assert times(*group, graver) == times(*group, late)


@pytest.mark.parametrize(
    ("rule", "headline"),
    [
        (Rule.BANNED, "🟠 2 tokens are BANNED"),
        (Rule.FAST_TIME_LOW, "🟠 2 tokens ran low on fast time"),
        (Rule.UNKNOWN_STATUS, "🟠 2 tokens have an unknown status"),
        (Rule.SUBSCRIPTION, "🟠 2 tokens have plan problems"),
        (Rule.QUEUE_STUCK, "🟠 2 tokens have stuck queues"),
        (Rule.FROZEN, "🟠 2 tokens run jobs, but their fast time does not move"),
        (Rule.NEW, "🆕 2 tokens are new"),
        (Rule.INACTIVE, "⚫ 2 tokens are switched off"),
        (Rule.FLAPPING, "🟠 2 tokens keep changing status"),
    ],
)
def test_a_group_of_one_rule_has_its_words_and_its_sign(rule: Rule, headline: str) -> None:
    assert title(*(incident(rule, n, step="20%", now=record(n)) for n in (1, 2))) == headline


@pytest.mark.parametrize(
    ("rule", "headline"),
    [
        (Rule.BANNED, "✅ 2 tokens were BANNED: all resolved"),
        (Rule.UNKNOWN_STATUS, "✅ 2 tokens had an unknown status: all resolved"),
        (Rule.DEGRADED, "✅ 2 tokens were RELAX: all resolved"),
        (Rule.SUBSCRIPTION, "✅ 2 tokens had plan problems: all resolved"),
        (Rule.QUEUE_STUCK, "✅ 2 tokens had stuck queues: all resolved"),
        (Rule.FROZEN, "✅ 2 tokens ran jobs, but their fast time did not move: all resolved"),
        (Rule.INACTIVE, "✅ 2 tokens were switched off: all resolved"),
        (Rule.FLAPPING, "✅ 2 tokens kept changing status: all resolved"),
    ],
)
def test_a_group_that_has_ended_speaks_of_the_past(rule: Rule, headline: str) -> None:
    assert title(*(incident(rule, n, now=record(n), after=HOUR) for n in (1, 2))) == headline


@pytest.mark.parametrize(
    ("became", "headline", "line"),
    [
        ([record(1, "BANNED"), record(2, "BANNED")], "all now BANNED", "⚪ **was VERIFYING, now BANNED** (2)"),
        ([None, None], "all gone from the list", "⚪ **was VERIFYING, gone from the list** (2)"),
        ([record(1), record(2, "BANNED")], "1 resolved and 1 now BANNED", "✅ **was VERIFYING, now FAST** (1)"),
    ],
)
def test_what_did_not_get_well_is_not_called_resolved(became: list[Record | None], headline: str, line: str) -> None:
    over = [incident(Rule.VERIFYING, n, now=now, after=HOUR) for n, now in enumerate(became, 1)]
    assert title(*over) == f"⚪ 2 tokens were VERIFYING: {headline}"
    assert any(each.startswith(line) for each in body(*over))


def test_what_was_switched_off_is_not_called_resolved() -> None:
    off = [
        incident(Rule.VERIFYING, n, now=record(n, active=False), after=HOUR, end=Reason.OFF, became=None)
        for n in (1, 2)
    ]
    assert title(*off) == "⚪ 2 tokens were VERIFYING: all switched off"
    assert any(each.startswith("⚪ **was VERIFYING, switched off** (2)") for each in body(*off))


def test_two_incidents_of_one_token_are_not_two_tokens() -> None:
    two = [incident(Rule.FAST_TIME_LOW, 1907, step=step, now=LOW) for step in ("20%", "30m")]
    assert title(*two) == "🟠 2 incidents at once"
    third = incident(Rule.FAST_TIME_LOW, 1908, step="20%", now=LOW)
    assert title(*two, third) == "🟠 2 tokens ran low on fast time"


def test_a_group_says_in_which_status_each_token_is_that_keeps_changing_it() -> None:
    group = [incident(Rule.FLAPPING, n, now=record(n, status)) for n, status in enumerate(["RELAX", "BANNED"], 1)]
    assert "🟠 **status keeps changing** (2): 1 (RELAX), 2 (BANNED)" in body(*group)


def test_only_of_a_status_an_end_repeats_what_it_was() -> None:
    for rule in (Rule.FROZEN, Rule.QUEUE_STUCK, Rule.SUBSCRIPTION, Rule.INACTIVE):
        assert not body(incident(rule, now=record(), after=HOUR))[0].startswith("It was")


def test_a_group_names_what_is_no_longer_watched_as_such() -> None:
    over = [unwatched(incident(Rule.VERIFYING, n, now=record(n, "VERIFYING"), after=HOUR)) for n in (1, 2)]
    assert "⚪ **was VERIFYING, no longer watched** (2): 1 (1 h), 2 (1 h)" in body(*over)
    assert title(*over) == "⚪ 2 tokens were VERIFYING: all no longer watched"


def test_long_incidents_are_told_with_dates() -> None:
    assert ":f> · resolved <t:" in body(incident(Rule.BANNED, now=record(), after=timedelta(days=2)))[-1]


def test_what_the_fleet_has_left_is_as_of_now_and_never_looks_like_its_limit() -> None:
    short = incident(Rule.POOL, None, severity=Severity.CRITICAL, step="fast time", detail="31 h, 32.3 h")
    assert title(short) == "🔴 Fast time of the fleet: 32.25 h left (limit 32\\.3 h)"
    assert title(replace(short, detail="31 min, 1940 min")) == (
        "🔴 Fast time of the fleet: 1,935 min left (limit 1940 min)"
    )
    unread = fleet(token(1901, fast_time_remaining=""))
    assert title(short, known=unread) == "🔴 Fast time of the fleet: 31 h left (limit 32\\.3 h)"


def of_studio(step: str, detail: str, after: timedelta | None = None) -> Incident:
    """An incident of what a group must have."""
    key = Key(Rule.POOL, step=step).of_group("Studio")
    return incident(Rule.POOL, None, severity=Severity.CRITICAL, step=key.step, detail=detail, after=after)


@pytest.mark.parametrize(
    ("step", "detail", "headline"),
    [
        ("usable", "2 of 8, 3", "🔴 Studio: only 2 of 8 tokens work (you want 3)"),
        ("usable", "0 of 8, 1", "🔴 Studio: no token works"),
        ("fast time", "31 h, 40 h", "🔴 Fast time of Studio: 31 h left (limit 40 h)"),
    ],
)
def test_a_group_that_is_short_is_named_and_what_it_has_is_its_own(step: str, detail: str, headline: str) -> None:
    assert title(of_studio(step, detail)) == headline


def test_the_end_of_a_group_that_was_short_names_it_too() -> None:
    assert title(of_studio("usable", "2 of 8, 3", HOUR)) == "✅ Studio: enough tokens work again after 1 h"
    assert title(of_studio("fast time", "31 h, 40 h", HOUR)) == "✅ Studio has enough fast time again after 1 h"
    assert title(unwatched(of_studio("usable", "2 of 8, 3", HOUR))) == (
        "⚪ Studio was short of tokens for 1 h, no longer watched"
    )


def test_of_several_that_are_short_the_headline_names_all() -> None:
    fleets = incident(Rule.POOL, None, severity=Severity.CRITICAL, step="usable", detail="2 of 9, 3")
    assert title(fleets, of_studio("usable", "2 of 8, 3")) == (
        "🔴 Short of tokens or of fast time: the fleet and Studio"
    )
    two = (fleets, incident(Rule.POOL, None, severity=Severity.CRITICAL, step="fast time", detail="31 h, 40 h"))
    assert title(*two) == "🔴 The fleet is short of tokens and of fast time"


def test_while_nothing_can_be_read_a_card_says_from_when_the_numbers_are() -> None:
    for rule in (Rule.UPSTREAM_DOWN, Rule.UPSTREAM_REFUSED, Rule.UPSTREAM_STALE):
        away = incident(rule, None)
        an_hour_ago, days_ago = (int((NOON - each).timestamp()) for each in (HOUR, 2 * DAY))
        said = body(away, known=replace(FLEET, read_at=NOON - HOUR))[0]
        assert f"All numbers are from <t:{an_hour_ago}:t>." in said or f"since <t:{an_hour_ago}:t>. All numbers" in said
        assert f"<t:{days_ago}:f>" in body(away, known=replace(FLEET, read_at=NOON - 2 * DAY))[0]
        assert "numbers" not in body(away, known=Fleet())[0]


def test_a_card_that_is_shown_later_says_how_long_it_has_been_so_by_then() -> None:
    stuck = incident(Rule.QUEUE_STUCK, now=record(queued_jobs_fast="1"))
    assert body(stuck, known=replace(FLEET, read_at=NOON + 2 * HOUR))[0].startswith("Jobs have been waiting for 2 h,")


def test_while_imaginepro_is_away_its_card_says_when_there_was_a_reading() -> None:
    down = incident(Rule.UPSTREAM_DOWN, None)
    assert times(down, known=replace(FLEET, read_at=NOON - HOUR)) == "since 0' · last reading -60'"
    assert times(down, known=Fleet()) == "since 0'"


def do(fired: Incident, known: Fleet, *troubled: int) -> str:
    """What its card says is to be done."""
    shown = alert(message(fired), known, Roles(), troubled=lambda: frozenset(troubled))
    return next(line for line in (shown.embeds[0].description or "").splitlines() if line.startswith("**Do:**"))


TAKES = [
    incident(Rule.DEGRADED, 1907, was=record(1907), now=record(1907, "RELAX")),
    incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=LOW),
    incident(Rule.FAST_TIME_GONE, 1907, now=SPENT),
    incident(Rule.QUEUE_STUCK, 1907, now=record(1907, queued_jobs_fast="9")),
    incident(Rule.FLAPPING, 1907, now=record(1907)),
]
"""All that advise to let others take over."""


@pytest.mark.parametrize("fired", TAKES, ids=[each.key.rule for each in TAKES])
def test_no_load_is_sent_to_a_token_with_an_open_incident(fired: Incident) -> None:
    known = fleet(*(token(number) for number in (1907, 1901, 1904, 1905, 1906)))
    assert "to tokens 1901 (88 %) and 1904 (88 %)" in do(fired, known)
    assert "to tokens 1905 (88 %) and 1906 (88 %)" in do(fired, known, 1901, 1904)
    assert "to token 1905 (88 %)" in do(fired, known, 1901, 1904, 1906)
    assert "no other token can take" in do(fired, known, 1901, 1904, 1905, 1906)


@pytest.mark.parametrize("fired", TAKES, ids=[each.key.rule for each in TAKES])
@pytest.mark.parametrize(
    "known", [fleet(token(1907)), fleet(token(1907), token(1908, "BANNED"), token(1909, active=False)), fleet()]
)
def test_where_no_other_token_works_none_is_said_to_take_over(fired: Incident, known: Fleet) -> None:
    advice = do(fired, known)
    assert re.search(r"no other token can take (its|urgent) jobs[.:]", advice)
    assert "other tokens" not in advice


@pytest.mark.parametrize("fired", TAKES, ids=[each.key.rule for each in TAKES])
def test_where_the_others_have_little_fast_time_the_advice_says_so(fired: Incident) -> None:
    known = fleet(token(1907), token(1901, fast_time_remaining="1.50/15.0 hours (10.00%)"))
    assert "to other tokens (none has much fast time)" in do(fired, known)


def test_nobody_is_told_to_buy_what_comes_by_itself_without_being_told_when() -> None:
    refills = NOON + timedelta(days=20)
    year = refills + timedelta(days=31 + 28 + 31 + 30)
    yearly = f"Pro (Active yearly, renews next on <t:{year.timestamp():.0f}>)"
    for fast in ("36.00/200.0 minutes (18.00%)", "0.00/200.0 minutes (0.00%)"):
        for rule in (Rule.FAST_TIME_LOW, Rule.FAST_TIME_GONE):
            fired = incident(rule, step="20%", now=record(fast_time_remaining=fast, subscription=yearly))
            assert f"buy time (it refills <t:{refills.timestamp():.0f}:R>)." in do(fired, FLEET)
            assert f"<t:{year.timestamp():.0f}" not in "\n".join(body(fired))


@pytest.mark.parametrize(
    "fired",
    [
        incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=LOW),
        incident(Rule.FAST_TIME_LOW, step="20%", now=record(fast_time_remaining="0.00/15.0 hours (0.00%)")),
        incident(
            Rule.FAST_TIME_LOW, step="20%", now=record(status="RELAX", fast_time_remaining="0.00/15.0 hours (0.00%)")
        ),
        replace(incident(Rule.FAST_TIME_LOW, step="20%", now=record(fast_time_remaining="?")), detail="gone"),
        incident(Rule.DEGRADED, 1907, was=record(), now=replace(SPENT, status="RELAX")),
        incident(Rule.QUEUE_STUCK, now=record(queued_jobs_fast="3")),
        incident(Rule.FROZEN, now=record(running_jobs="koi")),
        incident(Rule.SUBSCRIPTION, now=record(subscription="Standard (Paused)")),
    ],
    ids=["low", "gone", "gone and RELAX", "unreadable", "degraded", "queue stuck", "frozen", "subscription"],
)
def test_a_card_says_nothing_twice(fired: Incident) -> None:
    said = "\n".join([title(fired), *body(fired)])
    for word in ("refill", "RELAX", "FAST", "fast time left", "88 %", "13.3 of 15 h"):
        assert said.replace("no longer FAST", "").replace("Was FAST", "").count(word) <= 1, said


@pytest.mark.parametrize(
    ("left", "step", "headline", "note"),
    [
        ("2.99/15.0 hours (19.96%)", "20%", "19.9 % fast time left (2.99 of 15 h)", "19.9 %"),
        ("0.49/15.0 hours (3.27%)", "30m", "29.4 of 900 min fast time left", "29.4 of 900 min"),
        ("1.50/15.0 hours (10.00%)", "20%", "10 % fast time left (1.5 of 15 h)", "10 %"),
    ],
)
def test_what_is_near_a_limit_is_told_so_that_it_is_seen_to_be_under_it(
    left: str, step: str, headline: str, note: str
) -> None:
    low = [incident(Rule.FAST_TIME_LOW, n, step=step, now=record(n, fast_time_remaining=left)) for n in (1, 2)]
    assert title(low[0]) == f"🟠 Token 1 has {headline}"
    assert f": 1 ({note}), 2 ({note})" in "\n".join(body(*low))


def test_an_empty_fleet_has_a_first_message_too() -> None:
    first = incident(Rule.BASELINE, None, severity=Severity.INFO, after=ENDED_AT_ONCE)
    assert title(first, known=fleet()) == "👀 Now watching 0 tokens"
    assert body(first, known=fleet())[0].startswith("No token is linked yet.")


@pytest.mark.parametrize(
    ("incidents", "pings"),
    [
        ([incident(Rule.BANNED, severity=Severity.CRITICAL, now=record(status="BANNED"))], True),
        ([incident(Rule.BANNED, severity=Severity.CRITICAL, now=record(), after=HOUR)], False),
        ([incident(Rule.VERIFYING, now=record(status="VERIFYING"))], False),
        ([incident(Rule.BANNED, severity=Severity.CRITICAL, now=record(), after=HOUR)] * 2, False),
        ([incident(Rule.BANNED, n, severity=Severity.CRITICAL, now=record(n, "BANNED")) for n in (1, 2)], True),
    ],
)
def test_only_what_is_critical_and_open_pings_and_only_the_role(incidents: list[Incident], *, pings: bool) -> None:
    shown = alert(message(*incidents), FLEET, Roles(ROLE))
    assert shown.content.startswith("<@&42> **" if pings else "**"), "a phone shows the headline, whoever is called"
    allowed = dict(shown.allowed_mentions.to_dict())
    assert allowed == ({"parse": [], "roles": [ROLE]} if pings else {"parse": []})


def test_a_ping_carries_the_headline_and_the_card_does_not_repeat_it() -> None:
    banned = incident(Rule.BANNED, severity=Severity.CRITICAL, now=record(status="BANNED"))
    shown = say(banned, role=ROLE)
    assert shown.content == "<@&42> **🔴 Token 1900 is BANNED**"
    assert not shown.embeds[0].title
    assert say(banned).content == "**🔴 Token 1900 is BANNED**", "a phone's notification shows nothing else"
    assert say(incident(Rule.VERIFYING, now=record(status="VERIFYING")), role=ROLE).content.startswith("**🟠 Token")


def test_what_is_posted_anew_and_all_over_makes_no_sound() -> None:
    first = incident(Rule.BASELINE, None, severity=Severity.INFO, after=ENDED_AT_ONCE)
    over = incident(Rule.BANNED, was=record(), now=record(), after=HOUR)
    still = incident(Rule.BANNED, 1901, now=record(1901, "BANNED"))
    assert [say(first).silent, say(first, over).silent, say(over).silent] == [False, True, True]
    assert not say(first, over, still).silent


def test_the_first_summary_names_what_it_is_made_of() -> None:
    shown = say(
        incident(Rule.BASELINE, None, severity=Severity.INFO, after=ENDED_AT_ONCE),
        incident(Rule.BANNED, severity=Severity.CRITICAL, now=record(status="BANNED")),
        incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=LOW),
        incident(Rule.INACTIVE, 1930, severity=Severity.INFO, now=record(1930, active=False)),
        role=ROLE,
    )
    assert shown.content == "<@&42> **🔴 Now watching 4 tokens: 2 problems**"
    assert shown.view is not None
    said = shown.embeds[0].description or ""
    for line in ("3 FAST and 1 BANNED", "🔴 **BANNED** (1): 1900", "**under 20 % fast time** (1): 1907", "(1): 1930"):
        assert line in said


@pytest.mark.parametrize(
    ("rule", "became", "headline"),
    [
        (Rule.UPSTREAM_DOWN, Rule.UPSTREAM_REFUSED, "ImaginePro unreadable for 3 min, now access refused"),
        (Rule.UPSTREAM_STALE, Rule.UPSTREAM_DOWN, "No new readings for 3 min, now ImaginePro unreadable"),
        (Rule.UPSTREAM_STALE, Rule.UPSTREAM_REFUSED, "No new readings for 3 min, now access refused"),
        (Rule.UPSTREAM_REFUSED, Rule.LIST_SHORT, "Access refused for 3 min, now most tokens missing from the list"),
        (Rule.LIST_SHORT, Rule.GONE, "Most tokens missing from the list for 3 min, now gone from the list"),
    ],
)
def test_trouble_of_imaginepro_that_became_another_says_which(rule: Rule, became: Rule, headline: str) -> None:
    over = incident(rule, None, after=timedelta(minutes=3), detail="2 of 9", end=Reason.BECAME, became=became)
    assert title(over) == f"⚪ {headline}"
    what, now = headline.split(" for 3 min")
    assert f"⚪ **{what}{now}** for 3 min" in body(over, incident(Rule.BANNED, now=record(status="BANNED")))


@pytest.mark.parametrize(
    ("end", "became", "word"),
    [
        (Reason.WELL, None, "resolved"),
        (Reason.BECAME, Rule.BANNED, "ended"),
        (Reason.UNTOLD, None, "ended"),
        (Reason.OFF, None, "ended"),
        (Reason.GONE, None, "ended"),
    ],
)
def test_only_what_is_well_again_is_called_resolved(end: Reason, became: Rule | None, word: str) -> None:
    now = record(status="BANNED") if became else record()
    over = incident(Rule.VERIFYING, now=now, after=HOUR, end=end, became=became)
    assert f"{word} <t:{int((NOON + HOUR).timestamp())}:t> after 1 h" in body(over)[-1]


@pytest.mark.parametrize(("listed", "words"), [("0 of 9", "none of 9 tokens"), ("2 of 9", "only 2 of 9 tokens")])
def test_a_list_that_is_too_short_says_how_many_it_names(listed: str, words: str) -> None:
    assert title(incident(Rule.LIST_SHORT, None, detail=listed)) == f"🟠 ImaginePro lists {words}"


@pytest.mark.parametrize("rule", Rule)
def test_what_something_became_needs_nothing_of_its_own_incident(rule: Rule) -> None:
    over = incident(Rule.VERIFYING, now=record(), after=HOUR, end=Reason.BECAME, became=rule)
    assert "{" not in title(over)


@pytest.mark.parametrize(("named", "words"), [(110, "110 problems"), (111, "at least 111 problems")])
def test_the_first_summary_does_not_count_as_all_what_it_has_room_for(named: int, words: str) -> None:
    bans = [incident(Rule.BANNED, n, severity=Severity.CRITICAL, now=record(n, "BANNED")) for n in range(1, named + 1)]
    shown = say(incident(Rule.BASELINE, None, severity=Severity.INFO, after=ENDED_AT_ONCE), *bans)
    assert shown.content == f"**🔴 Now watching 4 tokens: {words}**"


def test_the_footer_is_the_mark_by_which_the_message_is_found_again() -> None:
    assert say(incident(Rule.NEW, now=record())).embeds[0].footer.text == "ref k3f9-57"


def test_a_summary_groups_by_rule_and_by_what_became_of_it() -> None:
    incidents = [
        incident(Rule.VERIFYING, 1940, was=record(1940), now=record(1940), after=timedelta(minutes=5)),
        incident(Rule.VERIFYING, 1941, was=record(1941), now=record(1941), after=timedelta(minutes=6)),
        incident(Rule.VERIFYING, 1943, was=record(1943), now=record(1943, "BANNED"), after=timedelta(minutes=7)),
        incident(Rule.VERIFYING, 1944, was=record(1944), after=timedelta(minutes=8)),
        incident(Rule.UPSTREAM_DOWN, None, after=timedelta(minutes=3)),
        incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=LOW),
        incident(Rule.FAST_TIME_LOW, 1908, step="20%", now=FULL, after=HOUR),
        incident(Rule.BANNED, 1921, severity=Severity.CRITICAL, now=record(1921, "BANNED")),
        incident(Rule.BANNED, 1920, severity=Severity.CRITICAL, now=record(1920, "BANNED")),
        incident(Rule.INACTIVE, 1930, severity=Severity.INFO, now=record(1930, active=False)),
    ]
    assert title(*incidents) == "🔴 10 incidents: 4 resolved, 1 now BANNED, 1 gone from the list and 4 still open"
    assert body(*incidents) == [
        "**3 of 4 tokens work, with 32.2 h of fast time.**",
        "",
        "🔴 **BANNED** (2): 1920, 1921",
        "🟠 **under 20 % fast time** (1): 1907 (18 %)",
        "⚫ **switched off** (1): 1930",
        "✅ **resolved: ImaginePro unreadable** for 3 min",
        "✅ **was VERIFYING, now FAST** (2): 1940 (5 min), 1941 (6 min)",
        "⚪ **was VERIFYING, now BANNED** (1): 1943 (7 min)",
        "⚪ **was VERIFYING, gone from the list** (1): 1944 (8 min)",
        "✅ **resolved: under 20 % fast time** (1): 1908 (1 h)",
        "",
        f"since <t:{int(NOON.timestamp())}:t>",
    ]
    remedies = say(*incidents).embeds[0].fields[0]
    assert remedies.name == "What to do"
    assert [line.split(":")[0] for line in (remedies.value or "").splitlines()] == [
        "**BANNED",
        "**under 20 % fast time",
    ]


def test_a_summary_of_what_is_over_asks_for_nothing() -> None:
    over = [incident(Rule.BANNED, n, severity=Severity.CRITICAL, now=record(n), after=HOUR) for n in (1, 2)]
    assert title(*over) == "✅ 2 tokens were BANNED: all resolved"
    assert not say(*over).embeds[0].fields


def test_a_summary_of_changes_that_are_all_open_does_not_speak_of_an_end() -> None:
    assert (
        title(*[incident(Rule.VERIFYING, n, now=record(n, "VERIFYING")) for n in (1, 2)]) == "🟠 2 tokens are VERIFYING"
    )


MIXED = [*sorted(STATUS_RULES), Rule.FAST_TIME_LOW, Rule.FAST_TIME_GONE, Rule.INACTIVE]


@given(
    rules=st.sampled_from([[Rule.VERIFYING], [Rule.BANNED], MIXED]),
    statuses=st.lists(st.sampled_from(["FAST", "RELAX", "BANNED", "VERIFYING"]), min_size=1, max_size=4),
    spans=st.lists(st.none() | st.timedeltas(timedelta(), timedelta(days=9999)), min_size=1, max_size=5),
    pinged=st.booleans(),
)
@example(rules=[Rule.VERIFYING], statuses=["FAST"], spans=[None], pinged=True)
@example(rules=[Rule.VERIFYING], statuses=["FAST"], spans=[timedelta(days=999, hours=23)], pinged=True)
@example(rules=MIXED, statuses=["FAST", "RELAX", "BANNED", "VERIFYING"], spans=[timedelta(days=99)], pinged=False)
@settings(max_examples=settings().max_examples // 4)
def test_a_summary_of_112_incidents_names_every_one(
    rules: list[Rule], statuses: list[str], spans: list[timedelta | None], *, pinged: bool
) -> None:
    ids = [10**18 - 1 - index for index in range(Grouping().size)]
    severity = Severity.CRITICAL if pinged else Severity.WARNING
    turns = zip(ids, cycle(rules), cycle(statuses), cycle(spans), strict=False)
    shown = say(
        *(
            incident(rule, n, severity=severity, step="20%", was=record(n), now=record(n, status), after=after)
            for n, rule, status, after in turns
        )
    )
    assert_fits(shown.embeds[0])
    assert set(map(str, ids)) <= set(re.findall(r"\d+", shown.embeds[0].description or ""))


def test_a_group_of_112_that_is_over_says_how_long_each_took() -> None:
    over = [
        incident(Rule.VERIFYING, 10**18 + n, was=record(), now=record(n), after=timedelta(days=364, hours=n % 24))
        for n in range(Grouping().size)
    ]
    assert (say(*over).embeds[0].description or "").count("(364 d") == Grouping().size == SUMMARY_SIZE


def test_every_rule_has_its_wording() -> None:
    assert set(WORDINGS) == set(Rule)


ANY_TEXT = st.text() | st.sampled_from(["<@&1> @everyone", "[a](https://b.c)", "*" * 5000, "{token} {0}", "\u202e`x`"])
RECORDS = st.builds(
    Record,
    id=st.integers(0, 2**53),
    status=st.sampled_from(["FAST", "RELAX", "BANNED", "VERIFYING"]) | ANY_TEXT,
    active=st.sampled_from([True, False, None]),
    info=info_of(ANY_TEXT),
)
INCIDENTS = st.builds(
    incident,
    st.sampled_from(Rule),
    st.integers(0, 2**53),
    severity=st.sampled_from(Severity),
    step=st.sampled_from(["20%", "30m", "2h", "usable", "fast time"]),
    was=st.none() | RECORDS,
    now=st.none() | RECORDS,
    after=st.none() | st.timedeltas(timedelta(), timedelta(days=1000)),
    detail=ANY_TEXT,
)


def assert_good(shown: Alert) -> None:
    embed = shown.embeds[0]
    assert_fits(embed)
    assert len(shown.content or "") <= 2000
    assert re.match(rf"(?:<@&{ROLE}> )?\*\*\S.*\*\*$", shown.content), (
        "the headline, as a phone's notification shows it"
    )
    assert not embed.title, "which says it once"
    for text in [*texts(embed)[:2], *texts(embed)[3:], shown.content or ""]:
        assert_harmless(text)


@given(INCIDENTS)
def test_every_alert_fits_and_is_harmless_whatever_the_upstream_writes(fired: Incident) -> None:
    assert_good(alert(message(fired), FLEET, Roles(ROLE)))


@given(st.lists(INCIDENTS, min_size=1, max_size=20))
def test_every_summary_fits_and_is_harmless_whatever_the_upstream_writes(incidents: list[Incident]) -> None:
    assert_good(alert(summary(incidents), FLEET, Roles(ROLE)))


QUIET = f"silenced by <@7> until <t:{NOON.timestamp():.0f}:f>"


@given(st.lists(INCIDENTS, max_size=30), st.integers(0, 5))
def test_every_list_fits_and_is_harmless_whatever_the_upstream_writes(incidents: list[Incident], page: int) -> None:
    links = {
        each.key: "https://discord.com/channels/100000000000000001/100000000000000002/3" + "0" * 17
        for each in incidents
    }
    taken = [replace(each, acknowledged=at(1, Happening.ACKNOWLEDGED, who=7)) for each in incidents]
    embed, pages = incident_list("What is open", taken, FLEET, page, suppressed=lambda _: QUIET, links=links)
    assert pages >= 1
    assert_fits(embed)
    assert "more lines" not in (embed.description or "")
    assert_harmless(embed.description or "")
