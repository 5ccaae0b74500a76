"""What a card says of a token and of the fleet."""

from datetime import UTC, datetime, timedelta

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.cards import (
    GAP,
    Overview,
    amount,
    fleet_card,
    needs_person,
    overview,
    share,
    spare,
    standing,
    token_card,
    worst_first,
)
from bot.domain.incidents import Incident, Rule
from bot.domain.info import read, threshold
from bot.domain.ledger import apply
from bot.domain.model import Failure, Fleet, Record, Severity, Status, Token, Trouble
from bot.domain.rules.policy import Policy
from bot.domain.value import replace
from bot.domain.watch import ahead
from bot.domain.watch.known import Known
from tests.chat.builders import NOON, fleet, incident, info_of, record, token
from tests.chat.checks import assert_fits, assert_harmless, texts

BASIC = "Basic (Active monthly, renews next on <t:1767614400>)"
SPENT = "0.00/200.0 minutes (0.00%)"
YEARLY = int((NOON + timedelta(days=330)).timestamp())
YEARLY_REFILL = int((NOON + timedelta(days=26)).timestamp())
"""27 January, since that plan renews on 27 November."""
LAPSED = int((NOON - timedelta(days=10)).timestamp())
HOUR = timedelta(hours=1)
FAILURE = Failure(Trouble.TIMED_OUT, "no answer in 20 s", NOON + timedelta(minutes=5))


def card(of: Token, **known: object) -> str:
    """Title and body of a token's card."""
    embed = token_card(of, Overview(replace(fleet(of), **known), NOON))  # type: ignore[arg-type]  # any field of a fleet
    assert_fits(embed)
    return f"{embed.title}\n{embed.description}"


def seen(known: Fleet, *incidents: Incident, now: datetime = NOON) -> Overview:
    """What those who ask see, while these are open."""
    return overview(Known(known, incidents={each.key: each for each in incidents}), now, timedelta(minutes=1))


def title_of(known: Fleet, *incidents: Incident) -> str:
    """The first line of `/tokens`."""
    return fleet_card(seen(known, *incidents), 0, None)[0].title or ""


def test_a_healthy_token_reads_from_the_answer_to_the_details() -> None:
    assert card(token()).replace(GAP, "").splitlines() == [
        "🟢 Token 1900 · working, FAST",
        "▰▰▰▰▰▰▰▰▰▰▰▱ **88 %**",
        f"**13.3 of 15 h** fast time left · refills <t:{int((NOON + timedelta(days=6)).timestamp())}:R>",
        "",
        f"**Plan** Standard, monthly, active · renews <t:{int((NOON + timedelta(days=6)).timestamp())}:R>",
        "**Jobs** none running · none queued · limit 3",
        "**Mode** fast · public images",
        "**Made** 2,000 images so far (121 GPU h) · 344 images in relax mode (3.5 GPU h)",
        (
            "**Where** channel [100000000000000001](https://discord.com/channels/100000000000000002/100000000000000001)"
            " · server 100000000000000002"
        ),
        "",
        f"read <t:{int(NOON.timestamp())}:R>",
    ]


@pytest.mark.parametrize(
    ("of", "title"),
    [
        (token(), "🟢 Token 1900 · working, FAST"),
        (token(status="RELAX"), "🟡 Token 1900 · working slowly, RELAX"),
        (token(status="VERIFYING"), "🟠 Token 1900 · not working, VERIFYING"),
        (token(status="BANNED"), "🔴 Token 1900 · not working, BANNED"),
        (token(status="LIMBO"), "🟣 Token 1900 · not known to work, “LIMBO”"),
        (token(status=""), "🟣 Token 1900 · not known to work, no status"),
        (token(active=False), "⚫ Token 1900 · switched off, FAST"),
        (token(status="BANNED", active=False), "⚫ Token 1900 · switched off, BANNED"),
        (token(fast_time_remaining=SPENT, subscription=BASIC), "🔴 Token 1900 · out of fast time, FAST"),
        (token(fast_time_remaining=SPENT), "🟡 Token 1900 · working, no fast time left, FAST"),
    ],
)
def test_the_title_answers_whether_it_works_with_a_sign_and_words(of: Token, title: str) -> None:
    assert card(of).startswith(f"{title}\n")


@pytest.mark.parametrize(
    ("of", "line"),
    [
        (token(status="BANNED"), "**Do:** take it out of rotation"),
        (token(fast_time_remaining="36.00/200.0 minutes (18.00%)"), "▰▰▱▱▱▱▱▱▱▱▱▱ **18 %**\n**36 of 200 min** fast"),
        (token(fast_time_remaining="25.00 minutes"), "**25 min** fast time left"),
        (token(fast_time_remaining="20.00/15.0 hours (133.33%)"), "▰▰▰▰▰▰▰▰▰▰▰▰ **133 %**\n**20 of 15 h**"),
        (token(fast_time_remaining="2:45:30"), "**2.8 h** fast time left"),
        (token(fast_time_remaining="*lots*"), "Fast time is not readable: “\\*lots\\*”"),
        (token(fast_time_remaining=""), "Fast time was not reported"),
        (token(subscription=BASIC), "**Plan** Basic, monthly, active · no relax mode · renews"),
        (token(subscription="None (Trial)"), "trial"),
        (token(subscription="<weird>"), "**Plan** not readable: “\\<weird\\>”"),
        (
            token(subscription="Pro (Active yearly, renews next on <t:1715321361>)"),
            "**Plan** Pro, yearly, active · renewal was due <t:1715321361:R> · its date is too old to be true",
        ),
        (
            token(subscription=f"Pro (Active yearly, renews next on <t:{YEARLY}>)"),
            f"fast time left · refills <t:{YEARLY_REFILL}:R>\n",
        ),
        (
            token(subscription=f"Pro (Active yearly, renews next on <t:{YEARLY}>)"),
            f"**Plan** Pro, yearly, active · renews <t:{YEARLY}:R>",
        ),
        (
            token(subscription=f"Pro (Active monthly, cancels on <t:{LAPSED}>)"),
            f"**Plan** Pro, monthly · ended <t:{LAPSED}:R>",
        ),
        (
            token(fast_time_remaining=SPENT, subscription=BASIC),
            "no other token can take its jobs: buy time (it refills <t:1767614400:R>).",
        ),
        (token(subscription="Pro (Cancelled, ends on <t:1767614400>)"), "ends <t:1767614400:R>"),
        (token(running_jobs="[a](b)"), "**Jobs** running: “\\[a\\]\\(b\\)” · none queued"),
        (token(queued_jobs_fast="9"), "queued 9 fast, 0 relax"),
        (token(queued_jobs_fast="many"), "queued “many” fast, 0 relax"),
        (token(lifetime_usage="1 images", relaxed_usage="45 hours this month"), "1 image so far · 45 GPU h in relax"),
        (token(lifetime_usage="a few"), "**Made** “a few” so far"),
        (read(replace(record(), channel_id="<#5>", server_id="")), "**Where** channel \\<\\#5\\>"),
    ],
)
def test_details_are_told_in_the_upstreams_units_or_as_it_wrote_them(of: Token, line: str) -> None:
    assert line in card(of)


@pytest.mark.parametrize(
    "of", [token(fast_time_remaining=SPENT, subscription=BASIC), token(1900, "RELAX", subscription=BASIC)]
)
def test_a_card_sends_no_load_to_a_token_with_an_open_incident(of: Token) -> None:
    known, stuck = fleet(of, token(1), token(2)), incident(Rule.QUEUE_STUCK, 1)
    refill = "or buy time (it refills <t:1767614400:R>)."
    said = [token_card(of, seen(known, *open_)).description or "" for open_ in ([], [stuck])]
    assert f"**Do:** send its jobs to tokens 1 (88 %) and 2 (88 %), {refill}" in said[0]
    assert f"**Do:** send its jobs to token 2 (88 %), {refill}" in said[1]


def test_what_is_missing_is_left_out() -> None:
    text = card(read(Record(1900, "FAST")))
    assert "N/A" not in text
    assert "None" not in text
    assert text.replace(GAP, "").splitlines()[1:] == [
        "Fast time was not reported",
        "",
        f"read <t:{NOON.timestamp():.0f}:R>",
    ]


def test_old_numbers_are_called_old_unless_the_token_was_read_since() -> None:
    assert "⚠️ **ImaginePro did not answer in time: these numbers are old**" in card(token(), failure=FAILURE)
    since = {1900: FAILURE.at + timedelta(minutes=1)}
    assert "old" not in card(token(), failure=FAILURE, read_alone=since)
    assert f"read <t:{int(since[1900].timestamp())}:R>" in card(token(), failure=FAILURE, read_alone=since)


def test_old_numbers_are_called_old_though_the_clock_was_set_back_since_they_were_read() -> None:
    assert "these numbers are old**" in card(token(), failure=replace(FAILURE, at=NOON - timedelta(hours=2)))


STALE = replace(incident(Rule.UPSTREAM_STALE, None), opened_at=NOON + timedelta(minutes=1))


@pytest.mark.parametrize(
    ("minutes", "incidents", "old"),
    [(3, [], False), (4, [], True), (1, [STALE], True), (1, [incident(Rule.UPSTREAM_STALE, None, after=HOUR)], False)],
)
def test_old_numbers_are_called_old_whatever_the_cause(minutes: int, incidents: list[Incident], *, old: bool) -> None:
    known, now = fleet(token()), NOON + timedelta(minutes=minutes)
    view = seen(known, *incidents, now=now)
    for embed in (token_card(token(), view), fleet_card(view, 0, None)[0]):
        assert ("these numbers are old**, from <t:" in (embed.description or "")) is old
        assert (embed.title or "").startswith("🟢") is not old
    shown = fleet_card(view, 0, None)[0]
    assert ("Nothing needs you." in (shown.description or "")) is not old


@pytest.mark.parametrize(("seconds", "old"), [(30, False), (31, True)])
def test_numbers_are_not_called_old_for_one_slow_answer_where_polls_are_close(seconds: int, *, old: bool) -> None:
    view = replace(seen(fleet(token()), now=NOON + timedelta(seconds=seconds)), interval=timedelta(seconds=1))
    assert ("these numbers are old**" in (token_card(token(), view).description or "")) is old


def test_numbers_of_tokens_that_a_list_lacks_are_called_old_at_once() -> None:
    known = replace(fleet(token(), token(2)), read_alone={2: NOON + timedelta(minutes=2)})
    short = replace(incident(Rule.LIST_SHORT, None, detail="1 of 2"), opened_at=NOON + timedelta(minutes=1))
    view = seen(known, short, now=NOON + timedelta(minutes=2))
    for embed in (token_card(token(), view), fleet_card(view, 0, None)[0]):
        assert "⚠️ **ImaginePro does not list all tokens: these numbers are old**, from" in (embed.description or "")
    assert "old" not in (token_card(token(2), view).description or "")


def test_what_the_last_answers_left_out_is_called_old_once_it_is() -> None:
    names = ("queued_jobs_fast", "fast_time_remaining", "running_jobs", "visibility_mode", "status")
    of = read(replace(record(), kept=dict.fromkeys(names, NOON)))
    new, old = (seen(fleet(of, read_at=at), now=at) for at in (NOON + timedelta(minutes=3), NOON + HOUR))
    assert "old" not in (token_card(of, new).description or "")
    embed = token_card(of, old)
    assert f"⚠️ **ImaginePro left out status, fast time and jobs: old**, from <t:{NOON.timestamp():.0f}:R>" in (
        embed.description or ""
    )
    assert (embed.title or "").startswith("⚪")


def test_a_refill_that_is_due_is_said_to_be() -> None:
    due = NOON + timedelta(days=6, hours=2)
    spent = token(
        fast_time_remaining=SPENT, subscription=BASIC.replace("1767614400", f"{(due - 2 * HOUR).timestamp():.0f}")
    )
    text = token_card(spent, seen(fleet(spent, read_at=due), now=due)).description or ""
    assert f"buy time (its refill was due <t:{(due - 2 * HOUR).timestamp():.0f}:R>)." in text
    assert f"fast time left · refill was due <t:{(due - 2 * HOUR).timestamp():.0f}:R>" in text


def test_a_token_that_was_read_alone_since_is_not_old() -> None:
    known = replace(fleet(token()), read_alone={1900: NOON + HOUR})
    assert "old" not in (token_card(token(), seen(known, STALE, now=NOON + HOUR)).description or "")


def test_the_fleet_is_sorted_by_who_needs_a_person_then_by_who_runs_dry() -> None:
    tokens = [
        token(1, active=False, fast_time_remaining="1.00/15.0 hours (6.67%)"),
        token(2),
        token(3, fast_time_remaining="1.00/15.0 hours (6.67%)"),
        token(4, fast_time_remaining="?"),
        token(5, "RELAX"),
        token(6, "LIMBO"),
        token(7, fast_time_remaining=SPENT, subscription=BASIC),
        token(8, "VERIFYING"),
        token(9, "BANNED"),
    ]
    assert [each.id for each in sorted(tokens, key=worst_first)] == [9, 8, 7, 6, 5, 3, 2, 4, 1]


@pytest.mark.parametrize(
    ("known", "words"),
    [
        (fleet(), "No token is linked"),
        (fleet(token()), "The only token works, with 13.3 h of fast time"),
        (fleet(token(status="BANNED")), "The only token does not work"),
        (fleet(token(1, "BANNED"), token(2, "BANNED")), "No token works"),
        (fleet(token(1), token(2), token(3, "BANNED")), "2 of 3 tokens work, with 26.6 h of fast time"),
        (fleet(token(1), token(2, "BANNED")), "1 of 2 tokens works, with 13.3 h of fast time"),
        (fleet(token(1), token(2)), "2 tokens work, with 26.6 h of fast time"),
        (fleet(token(1), token(2, active=False)), "1 token works, with 13.3 h of fast time"),
        (fleet(token(1), token(2, "BANNED"), token(3, active=False)), "1 of 2 tokens works, with 13.3 h of fast time"),
        (fleet(token(1, "BANNED"), token(2, active=False)), "No token works"),
        (fleet(token(1, active=False), token(2, active=False)), "No token is switched on"),
        (fleet(token(active=False)), "The only token is switched off"),
        (fleet(token(1), token(2, fast_time_remaining="?")), "2 tokens work, with 13.3 h of fast time"),
        (
            fleet(token(1, fast_time_remaining="?"), token(2, "BANNED")),
            "1 of 2 tokens works, with an unknown amount of fast time",
        ),
    ],
)
def test_where_the_fleet_stands_fits_in_a_sentence(known: Fleet, words: str) -> None:
    assert standing(known) == words


def test_the_fleets_card_says_how_many_work_what_is_open_and_lists_the_worst_first() -> None:
    known = fleet(token(1), token(2, "BANNED"), token(3, active=False), token(4, fast_time_remaining="?"))
    banned = incident(Rule.BANNED, 2, severity=Severity.CRITICAL)
    embed, pages = fleet_card(seen(known, banned), 0, None, ["🔴 **BANNED**: token 2"])
    assert pages == 1
    assert embed.title == "🔴 2 of 3 tokens work · 1 switched off"
    assert (embed.description or "").replace(GAP, "").splitlines() == [
        "**13.3 h of fast time** (1 not readable)",
        "🔴 **BANNED**: token 2",
        "**Needs a person: token 2**",
        "",
        "🔴 **2** BANNED · 88 % · Standard",
        "🟢 **1** FAST · 88 % · Standard",
        "🟢 **4** FAST · fast time not known · Standard",
        "⚫ **3** FAST, off · 88 % · Standard",
        "",
        f"read <t:{int(NOON.timestamp())}:R>",
    ]


@pytest.mark.parametrize(
    ("severity", "mark"), [(Severity.CRITICAL, "🔴"), (Severity.WARNING, "🟠"), (Severity.INFO, "🔵")]
)
def test_a_tokens_card_has_the_sign_and_colour_of_its_gravest_incident(severity: Severity, mark: str) -> None:
    known, stuck = fleet(token(), token(2)), incident(Rule.QUEUE_STUCK, severity=severity)
    slight = incident(Rule.FROZEN, severity=Severity.INFO)
    embed = token_card(token(), seen(known, slight, stuck), ["🔴 **queue stuck** since 3:11 AM"])
    assert embed.title == f"{mark} Token 1900 · working, FAST"
    assert embed.colour == seen(known, stuck).sign(token())[1] != seen(known).sign(token())[1]
    assert (embed.description or "").startswith("🔴 **queue stuck** since 3:11 AM\n")
    assert (token_card(token(2), seen(known, stuck)).title or "").startswith("🟢")


def test_what_is_only_info_does_not_hide_how_a_token_stands() -> None:
    flaps = incident(Rule.FLAPPING, severity=Severity.INFO)
    banned, off = token(status="BANNED"), token(active=False)
    assert (token_card(banned, seen(fleet(banned), flaps)).title or "").startswith("🔴")
    assert (token_card(off, seen(fleet(off), flaps)).title or "").startswith("⚫")


@pytest.mark.parametrize(
    ("known", "incidents", "title"),
    [
        (fleet(token(1), token(2)), [], "🟢 2 tokens work"),
        (fleet(token(1), token(2, active=False)), [], "🟢 1 token works · 1 switched off"),
        (
            fleet(token(1), token(2, active=False)),
            [incident(Rule.INACTIVE, 2, severity=Severity.INFO)],
            "🟢 1 token works · 1 switched off",
        ),
        (fleet(token(1), token(2)), [incident(Rule.QUEUE_STUCK, 2)], "🟠 2 tokens work"),
        (fleet(token(1), token(2)), [incident(Rule.FAST_TIME_LOW, 2, severity=Severity.CRITICAL)], "🔴 2 tokens work"),
        (fleet(token(1), token(2)), [incident(Rule.FROZEN, 2, severity=Severity.INFO)], "🟢 2 tokens work"),
        (fleet(token(1), token(2)), [incident(Rule.UPSTREAM_DOWN, None)], "🟠 2 tokens work"),
        (fleet(token(1), token(2)), [incident(Rule.QUEUE_STUCK, 2, after=HOUR)], "🟢 2 tokens work"),
        (fleet(token(1), token(2, "BANNED")), [], "🟠 1 of 2 tokens works"),
        (fleet(token(1, active=False), token(2, active=False)), [], "⚫ No token is switched on"),
    ],
)
def test_the_fleets_card_is_as_green_as_the_worst_that_is_open(
    known: Fleet, incidents: list[Incident], title: str
) -> None:
    assert title_of(known, *incidents) == title


@given(st.lists(st.sampled_from([rule for rule in Rule if rule is not Rule.BASELINE]), max_size=4), st.data())
def test_nothing_needs_you_is_said_only_when_nothing_grave_is_open(rules: list[Rule], data: st.DataObject) -> None:
    severities = st.sampled_from(Severity)
    open_ = [incident(rule, number, severity=data.draw(severities)) for number, rule in enumerate(rules)]
    known = fleet(*(token(number) for number in range(5)))
    embed, _ = fleet_card(seen(known, *open_), 0, None)
    calm = all(each.severity is Severity.INFO for each in open_)
    assert ("Nothing needs you." in (embed.description or "")) is calm
    assert (embed.title or "").startswith("🟢") is calm


def test_the_worst_is_first_by_what_is_open() -> None:
    known = fleet(token(1, "RELAX"), token(2), token(3), token(4, "VERIFYING"))
    low = incident(Rule.FAST_TIME_LOW, 3, severity=Severity.CRITICAL)
    view = seen(known, low, incident(Rule.QUEUE_STUCK, 2))
    assert [each.id for each in sorted(known.tokens.values(), key=view.order)] == [3, 4, 2, 1]


def test_a_person_is_called_by_a_number_that_is_said_to_be_a_tokens() -> None:
    assert needs_person([token(12)], {}, 6) == "Needs a person: token 12"
    assert needs_person([token(12), token(14)], {}, 6) == "Needs a person: tokens 12 and 14"
    assert needs_person([], {}, 6) == ""
    assert needs_person([token(12)], {12: "ana's Pro"}, 6) == "Needs a person: ana's Pro (12)"


@pytest.mark.parametrize(
    ("left", "limit", "brief", "full"),
    [
        ("2.99/15.0 hours (19.96%)", "20%", "19.9 %", "2.99 of 15 h"),
        ("2.999/15.0 hours", "20%", "19.9 %", "2.99 of 15 h"),
        ("3.01/15.0 hours (20.06%)", "20%", "20.0 %", "3.01 of 15 h"),
        ("1.50/15.0 hours (10.00%)", "20%", "10 %", "1.5 of 15 h"),
        ("0.49/15.0 hours (3.27%)", "30m", "29.4 of 900 min", "29.4 of 900 min"),
        ("1.99/15.0 hours (13.27%)", "2h", "1.99 of 15 h", "1.99 of 15 h"),
        ("119.50/200.0 minutes (59.75%)", "2h", "1.99 of 3.3 h", "1.99 of 3.3 h"),
        ("25.00 minutes", "20%", "25 min", "25 min"),
        ("25.00 minutes", "30m", "25 min", "25 min"),
        ("?", "30m", "", ""),
    ],
)
def test_what_is_near_a_limit_has_a_digit_more_and_the_limits_unit(
    left: str, limit: str, brief: str, full: str
) -> None:
    fast_time = token(fast_time_remaining=left).fast_time
    assert (share(fast_time, threshold(limit)), amount(fast_time, threshold(limit))) == (brief, full)


def test_a_token_that_is_low_shows_by_how_little_it_is_under_its_limit() -> None:
    near = token(fast_time_remaining="2.99/15.0 hours (19.96%)")
    view = seen(fleet(near), incident(Rule.FAST_TIME_LOW, step="20%"))
    assert "**19.9 %**\n**2.99 of 15 h** fast time left" in (token_card(near, view).description or "")
    assert "FAST · 19.9 % · Standard" in (fleet_card(view, 0, None)[0].description or "")
    gone = seen(fleet(near), incident(Rule.FAST_TIME_LOW, detail="gone"))
    assert "**19 %**\n**3 of 15 h** fast time left" in (token_card(near, gone).description or "")


def test_a_long_fleet_has_pages_and_a_page_that_is_gone_shows_the_nearest() -> None:
    known = fleet(*(token(number) for number in range(100, 140)))
    first, pages = fleet_card(seen(known), 0, None)
    assert pages == 3
    assert "**100**" in (first.description or "")
    assert "page 1 of 3" in (first.description or "")
    assert fleet_card(seen(known), 99, None)[0] == fleet_card(seen(known), 2, None)[0]


def test_a_fleet_can_be_narrowed_to_a_status() -> None:
    known = fleet(token(1), token(2, "BANNED"))
    assert "Only BANNED: 1 of 2" in (fleet_card(seen(known), 0, Status.BANNED)[0].description or "")
    assert "No token is RELAX." in (fleet_card(seen(known), 0, Status.RELAX)[0].description or "")


@pytest.mark.parametrize(
    ("known", "title", "words"),
    [
        (Fleet(), "⚪ Nothing was read yet", "The first reading is on its way."),
        (Fleet(failure=FAILURE), "⚪ Nothing was read yet", "ImaginePro did not answer in time."),
        (fleet(), "⚪ No token is linked", "read"),
        (fleet(token()), "🟢 The only token works", "Nothing needs you."),
        (fleet(token(1, "BANNED"), token(2, "BANNED")), "🔴 No token works", "Needs a person: tokens 1 and 2"),
        (fleet(token(), failure=FAILURE), "⚪ The only token works", "these numbers are old"),
    ],
)
def test_the_fleets_card_is_honest_about_what_is_not_known(known: Fleet, title: str, words: str) -> None:
    embed, _ = fleet_card(seen(known), 0, None)
    assert embed.title == title
    assert words in (embed.description or "")


def test_only_fast_tokens_with_much_time_left_can_take_over() -> None:
    known = fleet(
        token(1, fast_time_remaining="12.75/15.0 hours (85.00%)"),
        token(2, fast_time_remaining="13.50/15.0 hours (90.00%)"),
        token(3, "RELAX"),
        token(4, fast_time_remaining="1.00/15.0 hours (6.67%)"),
        token(5),
        token(6, active=False),
    )
    assert [each.id for each in spare(known, without=[5])] == [2, 1]


ANY_TEXT = st.text() | st.sampled_from(["<@&1> @everyone", "[a](https://b.c)", "*" * 5000, "\u202e`x`", "9" * 12])
TOKENS = st.builds(
    Record,
    id=st.integers(0, 2**63),
    status=st.sampled_from(["FAST", "RELAX", "BANNED", "VERIFYING"]) | ANY_TEXT,
    active=st.sampled_from([True, False, None]),
    channel_id=ANY_TEXT,
    server_id=ANY_TEXT,
    concurrency=st.none() | st.integers(),
    info=info_of(ANY_TEXT),
).map(read)


@given(TOKENS)
def test_every_card_fits_and_is_harmless_whatever_the_upstream_writes(of: Token) -> None:
    embed = token_card(of, seen(fleet(of)))
    assert_fits(embed)
    for text in texts(embed):
        assert_harmless(text)


@given(st.lists(TOKENS, max_size=20), st.integers(0, 3), st.none() | st.sampled_from(Status))
def test_every_page_of_every_fleet_fits_and_is_harmless(tokens: list[Token], page: int, only: Status | None) -> None:
    embed, pages = fleet_card(seen(fleet(*tokens)), page, only)
    assert pages >= 1
    assert_fits(embed)
    for text in texts(embed):
        assert_harmless(text)


def described(embed: discord.Embed) -> str:
    """The body of a card."""
    return embed.description or ""


def used_for(days: int, a_day: float) -> Known:
    """A token of which so many minutes were used each day; with what a look ahead says of it at noon."""
    ledger, of, renews = None, token(), int((NOON + timedelta(days=24)).timestamp())
    for hour in range(days * 24 + 1):
        left = 15 * 60 - a_day / 24 * hour
        text = f"{left / 60:.2f}/15.0 hours ({left / 9:.2f}%)"
        plan = f"Standard (Active monthly, renews next on <t:{renews}>)"
        of = token(fast_time_remaining=text, subscription=plan)
        ledger = apply(ledger, of, NOON - timedelta(hours=days * 24 - hour), UTC)
    assert ledger is not None
    known = Known(fleet(of), {1900: of}, ledgers={1900: ledger})
    policy = Policy()
    looked = ahead.due(known, NOON, policy)
    return ahead.settle(known, looked, ahead.seen(known, looked.all, looked.fresh, NOON, policy), NOON, policy)[1]


def test_a_token_that_does_not_last_says_so_under_its_fast_time_and_in_the_list() -> None:
    view = overview(used_for(6, 80), NOON, HOUR / 60)
    lines = described(token_card(view.fleet.tokens[1900], view)).splitlines()
    (place,) = (number for number, line in enumerate(lines) if "fast time left" in line)
    assert lines[place + 1].startswith("At this pace (1.2 h a day) it runs out around ")
    assert "**does not last**" in lines[place + 1]
    rows = described(fleet_card(view, 0, None)[0])
    assert "· Standard · dry around " in rows


def test_a_token_that_lasts_says_so_on_its_card_and_in_no_list() -> None:
    view = overview(used_for(6, 12), NOON, HOUR / 60)
    assert "**Lasts** easily until" in described(token_card(view.fleet.tokens[1900], view))
    assert "dry" not in described(fleet_card(view, 0, None)[0])
