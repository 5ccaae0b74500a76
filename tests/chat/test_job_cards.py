"""What a card says of a job, of who ran it, of what was made lately, and of a test job."""

from datetime import timedelta

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.billing import Statement
from bot.chat.cards import GAP, Overview
from bot.chat.cards.job import (
    NOT_STARTED,
    Probe,
    credits_line,
    image_label,
    images_card,
    is_shown,
    job_card,
    probe_card,
    probe_question,
    probed_card,
    ran,
    stopped,
    trace_card,
)
from bot.chat.text import width
from bot.domain.account import Account
from bot.domain.info import read
from bot.domain.jobs import Image, Job, JobStatus, Trace
from bot.domain.model import Failure, InfoText, Record, Token, Trouble
from bot.domain.value import replace
from tests.chat.builders import NOON, fleet, info_of, token
from tests.chat.checks import assert_fits, assert_harmless, texts

ID = "1f3e8a2b-9c4d-4e5f-8a6b-7c8d9e0f1a2b"
AT = int(NOON.timestamp())
RUNS = Job(ID, JobStatus.PROCESSING, "PROCESSING", 42, "a cat on *grass*", created_at=NOON)
DONE = replace(
    RUNS,
    status=JobStatus.DONE,
    progress=100,
    uri="https://cdn.imaginepro.ai/storage/1/2.png",
    updated_at=NOON + timedelta(seconds=52),
)
WAITS = "It waits at ImaginePro until a token has room for it."
FAILED = replace(RUNS, status=JobStatus.FAIL, progress=0, error="Queue full\n[x](https://x.example)")


def lines(embed: discord.Embed) -> list[str]:
    """What a card says, without its gaps."""
    assert_fits(embed)
    for text in texts(embed):
        assert_harmless(text)
    return [line for line in f"{embed.title}\n{embed.description or ''}".splitlines() if line != GAP]


def test_a_job_that_runs_shows_how_far_it_is() -> None:
    assert lines(job_card(RUNS, ["note"])) == [
        "🔵 Job 1f3e8a2b runs",
        "Midjourney works on it.",
        "▰▰▰▰▰▱▱▱▱▱▱▱ **42 %**",
        "“a cat on \\*grass\\*”",
        f"asked for <t:{AT}:R>",
        f"`{ID}`",
        "note",
    ]


@pytest.mark.parametrize(
    ("job", "title", "line"),
    [
        (replace(RUNS, status=JobStatus.SUBMITTED), "🕓 Job 1f3e8a2b was taken", "▰▰▰▰▰▱▱▱▱▱▱▱ **42 %**"),
        (
            replace(RUNS, status=JobStatus.QUEUED, progress=0),
            "🕓 Job 1f3e8a2b waits",
            "It waits at ImaginePro until a token has room for it.",
        ),
        (DONE, "🟢 Job 1f3e8a2b is done", f"asked for <t:{AT}:R> · took 52 s"),
        (FAILED, "🔴 Job 1f3e8a2b failed", "Midjourney said: “Queue full \\[x\\]\\(https\\:\\/\\/x\\.example\\)”"),
        (replace(FAILED, error=" "), "🔴 Job 1f3e8a2b failed", "ImaginePro does not say why."),
        (Job(ID), "🟣 Job 1f3e8a2b has no status", "This bot does not know that status."),
        (Job(ID, status_text="limbo", updated_at=NOON), "🟣 Job 1f3e8a2b is “limbo”", f"`{ID}`"),
        (replace(RUNS, error="slow"), "🔵 Job 1f3e8a2b runs", "It says: “slow”"),
        (replace(RUNS, updated_at=NOON), "🔵 Job 1f3e8a2b runs", f"asked for <t:{AT}:R>"),
        (replace(RUNS, updated_at=NOON + timedelta(minutes=2)), "🔵 Job 1f3e8a2b runs", f"asked for <t:{AT}:R>"),
        (Job("*1900*", JobStatus.DONE), "🟢 Job \\*1900\\* is done", "\\*1900\\*"),
        (Job("", JobStatus.DONE), "🟢 Job without an id is done", "🟢 Job without an id is done"),
    ],
)
def test_a_job_stands_in_words(job: Job, title: str, line: str) -> None:
    said = lines(job_card(job))
    assert said[0] == title
    assert line in said


def test_the_picture_is_the_first_address_that_discord_can_show() -> None:
    assert job_card(DONE).image.url == DONE.uri
    assert job_card(replace(DONE, uri="", images=("ftp://x/1", "http://x.example/2.png"))).image.url == (
        "http://x.example/2.png"
    )
    assert job_card(replace(DONE, uri="javascript:alert(1)")).image.url is None


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://cdn.imaginepro.ai/storage/1/2.png", True),
        ("http://127.0.0.1:8080/a.png?b=c", True),
        ("https://cdn.example", True),
        ("https://", False),
        ("https://-a.example/", False),
        ("https://a.example/a b.png", False),
        ("https://a.example/\n", False),
        ("https://ä.example/", False),
        ("https://user:secret@a.example/", False),
        ("data:image/png;base64,AAAA", False),
        ("https://a.example/" + "x" * 2048, False),
    ],
)
def test_only_addresses_of_the_web_are_shown(url: str, *, shown: bool) -> None:
    assert is_shown(url) is shown


# Which token ran it.

TRACE = Trace(ID, 1900, "100000000000000001", "FAST", token())


def view(*tokens: Token, minutes: float = 0, failure: Failure | None = None) -> Overview:
    """What is known, so long after it was read."""
    return Overview(fleet(*tokens, failure=failure), NOON + timedelta(minutes=minutes))


def test_the_answer_to_a_trace_is_its_first_line() -> None:
    found = ran(TRACE, view(token()))
    assert lines(trace_card(found, ("🟢", discord.Colour(0)))) == [
        "🟢 Job 1f3e8a2b ran on 1900, which is FAST",
        f"`{ID}`",
    ]
    off = ran(TRACE, view(token(status="BANNED", active=False)))
    assert lines(trace_card(off))[:2] == [
        "🟣 Job 1f3e8a2b ran on 1900, which is BANNED and switched off",
        "With the job, ImaginePro calls it FAST; below is what was read of it last.",
    ]


def test_a_token_is_shown_as_the_trace_has_it_where_that_is_newer() -> None:
    """What the trace leaves out of it stays as it was."""
    old = view(token(status="RELAX"), minutes=30, failure=Failure(Trouble.TIMED_OUT, "", NOON))
    banned = replace(TRACE, token=read(Record(1900, "BANNED", info=InfoText(job_mode="Fast"))), message="Blocked *you*")
    found = ran(banned, old)
    assert found.token is not None
    assert (found.token.status_text, found.token.active, found.token.record.concurrency) == ("BANNED", True, 3)
    assert lines(trace_card(found))[:3] == [
        "🟣 Job 1f3e8a2b ran on 1900, which is BANNED",
        "What was read of the token is old, so below is what ImaginePro says of it with the job.",
        "With it comes a message: “Blocked \\*you\\*”",
    ]
    silent = ran(replace(TRACE, token=read(Record(1900, ""))), old)
    assert silent.token == token(status="RELAX")


def test_a_token_that_is_not_in_the_list_is_said_to_be_none_of_it() -> None:
    stranger = replace(TRACE, token_id=7, token=token(7, "RELAX"))
    assert lines(trace_card(ran(stranger, view(token()))))[:2] == [
        "🟣 Job 1f3e8a2b ran on 7, which is RELAX",
        "Token 7 is not in the bot's list: below is what ImaginePro says of it with the job.",
    ]
    assert lines(trace_card(ran(replace(stranger, token=None), view(token()))))[:2] == [
        "🟣 Job 1f3e8a2b ran on 7, of which no status is known",
        "Token 7 is not in the bot's list.",
    ]


def test_a_trace_without_a_token_does_not_invent_one() -> None:
    said = lines(trace_card(ran(Trace(ID), view(token()))))
    assert said[0] == "⚪ No token is named for job 1f3e8a2b"


# What was made lately.


def test_each_job_of_a_page_has_its_id_to_copy() -> None:
    images = [
        Image(ID, "imagine", "", "a *cat*", "", NOON),
        Image("x", "button", "U1", "", "", None),
        Image(ID, "", "", "", "", NOON),
    ]
    assert lines(images_card(images, 1)) == [
        "Jobs of the last 24 hours, page 2",
        f"**imagine** · <t:{AT}:R> · “a \\*cat\\*”",
        f"`{ID}`",
        "**button U1**",
        "x",
        f"**job** · <t:{AT}:R>",
        f"`{ID}`",
        "ImaginePro lists jobs of the last 24 hours, and no others.",
    ]
    assert [image_label(each) for each in images] == ["a *cat*", "x", "1f3e8a2b"]


def test_a_page_without_jobs_says_so() -> None:
    assert lines(images_card([], 0))[0] == "Nothing was made in the last 24 hours"
    assert lines(images_card([], 2))[0] == "There is no page 3 any more"


# A test job.

SENT = Probe(1900, NOON)


def test_a_test_job_is_asked_for_with_what_it_costs_and_cannot_promise() -> None:
    said = lines(probe_question(token(), 1900, "a circle --seed 7", "120 credits are left."))
    assert said == [
        "Make one image, to see whether jobs run?",
        "It costs the fast time of one image, and the credits that ImaginePro asks for one.",
        "120 credits are left.",
        (
            "ImaginePro chooses the token by itself; there is no public way to aim at 1900."
            " The answer says which one ran it."
        ),
        "“a circle \\-\\-seed 7”",
    ]
    banned = lines(probe_question(token(status="BANNED", active=False), 1900, "x"))
    assert "⚠️ **Token 1900 is BANNED and switched off**, so ImaginePro may well choose another." in banned


def test_the_credits_are_named_as_of_when_they_were_read_if_they_are_known() -> None:
    assert credits_line(None) == credits_line(Statement(Account(), NOON)) == ""
    assert credits_line(Statement(Account(credits=1200, extra=34), NOON)) == f"1,234 credits were left <t:{AT}:R>."


def test_a_test_job_that_does_not_start_says_what_that_means_and_what_to_do() -> None:
    waits = replace(RUNS, status=JobStatus.QUEUED, progress=None)
    soon, late = NOON + timedelta(minutes=4), NOON + NOT_STARTED
    assert lines(probe_card(SENT.seen(waits, soon), waits, soon))[0] == "🕓 Test job 1f3e8a2b waits"
    said = lines(probe_card(SENT.seen(waits, late), waits, late))
    assert said[0] == "🟠 The test job has not started after 5 min"
    assert said[1].startswith("Jobs wait at ImaginePro until a token has room")
    assert said[2].startswith("**Do:** `/tokens` shows")
    runs = SENT.seen(RUNS, soon)
    assert lines(probe_card(runs, RUNS, late))[0] == "🔵 Test job 1f3e8a2b runs"
    assert "started after 4 min" in lines(probe_card(runs, RUNS, late))


def test_a_test_job_that_ended_says_how_long_it_waited_and_ran_and_on_which_token() -> None:
    probe = SENT.seen(RUNS, NOON + timedelta(seconds=12)).seen(DONE, NOON + timedelta(seconds=55))
    card = probed_card(probe, DONE, 1900)
    assert lines(card) == [
        "🟢 Jobs run on 1900",
        "**Waited** 12 s · **ran** 43 s, to a few seconds",
        f"`{ID}`",
    ]
    assert card.image.url == DONE.uri
    elsewhere = lines(probed_card(probe, DONE, 1904))
    assert elsewhere[0] == "🟡 Jobs run, but this one ran on 1904, not on 1900"
    assert elsewhere[1].startswith("That says nothing about 1900.")
    untold = lines(probed_card(probe, DONE, None, "ImaginePro did not answer in time."))
    assert untold[:2] == ["🟡 Jobs run; on which token is not known", "ImaginePro did not answer in time."]


def test_a_test_job_that_was_over_at_once_claims_no_time_in_the_queue() -> None:
    at_once = SENT.seen(DONE, NOON)
    assert "**Took** under 1 s in all; when it started was not seen" in lines(probed_card(at_once, DONE, 1900))


def test_a_test_job_that_failed_says_why_and_where_to_look() -> None:
    failed = lines(probed_card(SENT.seen(FAILED, NOON), FAILED, 1900))
    assert failed[:3] == [
        "🔴 The test job failed on 1900",
        "Midjourney said: “Queue full \\[x\\]\\(https\\:\\/\\/x\\.example\\)”",
        "**Do:** look at token 1900 below, and at what Midjourney said; then probe again.",
    ]
    assert "**Do:** read what Midjourney said; then probe again." in lines(probed_card(SENT, FAILED, None))


# Whatever the upstream writes.

TEXTS = st.text(max_size=60) | st.sampled_from(
    ["x" * 5000, "*" * 5000, "@everyone <@1> `a` ||b||", "\n\n# a\n> b", "😀" * 3000]
)
TIMES = st.none() | st.datetimes().map(lambda at: at.replace(tzinfo=NOON.tzinfo))
URLS = st.sampled_from(["", "https://a.example/1.png", "ftp://x", "https://a b"]) | TEXTS
JOBS = st.builds(
    Job,
    st.just(ID) | TEXTS,
    st.sampled_from(JobStatus),
    TEXTS,
    st.none() | st.integers(-(10**6), 10**6),
    TEXTS,
    URLS,
    st.lists(URLS, max_size=3).map(tuple),
    TEXTS,
    TIMES,
    TIMES,
)
TRACED = st.builds(read, st.builds(Record, st.integers(), TEXTS, st.none() | st.booleans(), info=info_of(TEXTS)))
TRACES = st.builds(Trace, st.just(ID) | TEXTS, st.none() | st.integers(), TEXTS, TEXTS, st.none() | TRACED, TEXTS)
IMAGES = st.builds(Image, st.just(ID) | TEXTS, TEXTS, TEXTS, TEXTS, URLS, TIMES)


@given(JOBS)
def test_every_card_of_a_job_fits_and_is_harmless(job: Job) -> None:
    probe = SENT.seen(job, NOON + NOT_STARTED)
    for embed in (
        job_card(job, [stopped(timedelta(minutes=14))]),
        probe_card(probe, job, NOON + NOT_STARTED),
        probed_card(probe, job, 1904, "ImaginePro did not answer in time."),
    ):
        lines(embed)
        assert embed.image.url is None or is_shown(embed.image.url)


@given(TRACES, st.sampled_from([0, 60]))
def test_every_card_of_a_trace_fits_and_is_harmless(trace: Trace, minutes: int) -> None:
    lines(trace_card(ran(trace, view(token(), token(0), minutes=minutes))))


@given(st.lists(IMAGES, max_size=12), st.integers(0, 10**6))
def test_every_page_of_jobs_fits_and_is_harmless(images: list[Image], page: int) -> None:
    lines(images_card(images, page))
    assert all(0 < width(image_label(each)) <= 100 for each in images)


@given(TEXTS, TRACED)
def test_every_question_fits_and_is_harmless(prompt: str, of: Token) -> None:
    lines(probe_question(of, 1900, prompt))
