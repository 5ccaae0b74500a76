"""What the calls about jobs, the account, the queue and the ban words make of their answers."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.account import Account, Verdict, masked
from bot.domain.jobs import Image, Job, JobStatus
from bot.domain.model import PlanState, Status
from bot.domain.value import replace
from bot.imaginepro.client import MalformedError, NotFoundError, UnpublishedError, UpstreamError
from bot.imaginepro.endpoints import ENDPOINTS
from bot.imaginepro.plain import Plain
from bot.sandbox.imaginepro import Fault
from tests.imaginepro.test_client import CANARY, KEY, client_and, upstream_of
from tests.imaginepro.test_endpoints import JOB, simulated
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module

PAYLOADS = Path(__file__).parent.parent / "payloads"
SENT = datetime(2023, 8, 1, 14, 3, 1, 817000, tzinfo=UTC)


def payload(name: str, **changes: object) -> Fault:
    """An answer as the documentation prints it, with these fields in it."""
    return Fault(body=json.dumps(json.loads((PAYLOADS / name).read_bytes()) | changes).encode())


def answering(body: object) -> Fault:
    """An answer with this body."""
    return Fault(body=json.dumps(body).encode())


@pytest.mark.parametrize("token", [111, "111", 111.0])
async def test_a_trace_says_which_token_ran_a_job_whether_its_id_is_a_number_or_a_text(token: object) -> None:
    upstream = upstream_of()
    upstream.fail(payload("trace.json", tokenId=token))
    async with client_and(upstream) as client:
        trace = await client.trace(JOB)
    assert (trace.job, trace.token_id, trace.channel_id, trace.status) == (JOB, 111, "125000000000000", "FAST")
    assert trace.token is not None
    assert (trace.token.status, trace.token.subscription.state) == (Status.FAST, PlanState.ACTIVE)
    assert trace.token.fast_time.percent == 100
    assert trace.token.subscription.renews_at is None


@pytest.mark.parametrize("changes", [{"tokenInfo": None}, {"tokenInfo": "none"}, {"tokenInfo": {}, "tokenStatus": 7}])
async def test_a_trace_without_info_still_says_which_token_it_was(changes: dict[str, object]) -> None:
    upstream = upstream_of()
    upstream.fail(payload("trace.json", **changes))
    async with client_and(upstream) as client:
        trace = await client.trace(JOB)
    assert (trace.token_id, trace.message) == (111, "")


async def test_a_job_is_read_as_the_documentation_prints_it() -> None:
    upstream = upstream_of()
    upstream.fail(payload("progress.json", messageId=JOB, images=["https://a.example/1.png", "javascript:x", 7]))
    async with client_and(upstream) as client:
        job = await client.progress(JOB)
    assert replace(job, buttons=()) == Job(
        JOB,
        JobStatus.DONE,
        "DONE",
        100,
        "A little cat running on the grass",
        "https://cdn.imaginepro.ai/storage/123/123/123.png",
        ("https://a.example/1.png",),
        created_at=SENT,
        updated_at=SENT,
    )
    assert job.buttons[:5] == ("U1", "U2", "U3", "U4", "🔄")


@pytest.mark.parametrize(
    ("changes", "status", "progress"),
    [
        ({"status": "FAIL", "progress": None}, JobStatus.FAIL, None),
        ({"status": "processing", "progress": "45"}, JobStatus.PROCESSING, 45),
        ({"status": " QUEUED ", "progress": "45%"}, JobStatus.QUEUED, 45),
        ({"status": "SUBMITTED", "progress": 45.9}, JobStatus.SUBMITTED, 45),
        ({"status": "completed", "progress": 101}, JobStatus.UNKNOWN, None),
        ({"status": None, "progress": 0}, JobStatus.UNKNOWN, 0),
        ({"status": "UNKNOWN", "progress": -1, "createdAt": "soon", "uri": 7}, JobStatus.UNKNOWN, None),
        ({"messageId": None, "success": "the request's id"}, JobStatus.DONE, 100),
    ],
)
async def test_a_job_is_read_as_loosely_as_its_documentation_contradicts_itself(
    changes: dict[str, object], status: JobStatus, progress: int | None
) -> None:
    upstream = upstream_of()
    upstream.fail(payload("progress.json", **{"messageId": JOB} | changes))
    async with client_and(upstream) as client:
        job = await client.progress(JOB)
    assert (job.id, job.status, job.progress) == (JOB, status, progress)


@pytest.mark.parametrize("wrap", [list, dict])
async def test_what_is_asked_about_one_job_is_answered_about_no_other(wrap: type) -> None:
    upstream = upstream_of()
    other = json.loads((PAYLOADS / "progress.json").read_bytes())
    upstream.fail(answering([other] if wrap is list else other))
    async with client_and(upstream) as client:
        with pytest.raises(NotFoundError, match="not about this job"):
            await client.progress(JOB)
        upstream.fail(answering([other, other | {"messageId": JOB.upper()}]))
        assert (await client.progress(JOB)).id == JOB


@pytest.mark.parametrize(
    "body", [[], {}, 7, None, "x", {"message": "gone"}, {"progress": {}}, {"images": {}}, [7], {"credits": "many"}]
)
async def test_what_is_no_such_answer_is_none(body: object) -> None:
    upstream = upstream_of()
    upstream.fail(answering(body))
    async with client_and(upstream) as client:
        for call in (client.trace(JOB), client.progress(JOB), client.account(), client.prompt_check("a")):
            with pytest.raises(UpstreamError) as caught:
                await call
            assert isinstance(caught.value, MalformedError | NotFoundError)
        for act in (client.imagine("a"), client.cancel(JOB), client.command(1900, "fast")):
            with pytest.raises(MalformedError) as unsure:
                await act
            assert not unsure.value.certain


@pytest.mark.parametrize("body", [{}, 7, None, "x", {"images": {}}, {"images": "none"}, {"data": []}])
async def test_what_is_no_list_of_jobs_is_none(body: object) -> None:
    upstream = upstream_of()
    upstream.fail(answering(body))
    async with client_and(upstream) as client:
        with pytest.raises(MalformedError):
            await client.images()


async def test_an_answer_that_is_much_larger_than_a_job_is_not_read_to_its_end() -> None:
    upstream = upstream_of()
    upstream.fail(payload("progress.json", messageId=JOB, prompt="a " * 2**20))
    async with client_and(upstream) as client:
        with pytest.raises(MalformedError, match="larger than 1 MiB"):
            await client.progress(JOB)


@pytest.mark.parametrize(
    "uri", ["http://[", "https://user:pass@a.example/x.png", "ftp://a.example/x", "https://a.example/a b", "https://"]
)
async def test_what_nobody_should_follow_is_no_address_of_a_picture(uri: str) -> None:
    upstream = upstream_of()
    upstream.fail(payload("progress.json", messageId=JOB, uri=uri, images=[uri, uri + "x" * 3000]))
    async with client_and(upstream) as client:
        job = await client.progress(JOB)
    assert (job.uri, job.images) == ("", ())


async def test_what_the_api_says_in_place_of_an_answer_is_passed_on() -> None:
    upstream = upstream_of()
    upstream.fail(answering({"message": "Plan is not DIY", "statusCode": 403}))
    async with client_and(upstream) as client:
        with pytest.raises(MalformedError, match="the API answered with an error: Plan is not DIY"):
            await client.account()


@pytest.mark.parametrize("bare", [False, True])
async def test_the_last_jobs_are_listed_and_what_is_none_is_left_out(*, bare: bool) -> None:
    listed = json.loads((PAYLOADS / "images.json").read_bytes())["images"]
    rows = [*listed, {"prompt": "no id"}, 7, {"id": "../x"}]
    upstream = upstream_of()
    upstream.fail(answering(rows if bare else {"images": rows}))
    async with client_and(upstream) as client:
        found = await client.images(2, 50)
    uri = "https://cdn.imaginepro.ai/storage/123/123/123.png"
    assert found == (Image("your-message-id", "imagine", "", "A little cat running on the grass", uri, SENT),)


async def test_what_was_accepted_has_the_id_of_its_job_if_the_answer_names_one() -> None:
    upstream = upstream_of()
    async with client_and(upstream) as client:
        upstream.fail(payload("submitted.json"))
        assert await client.imagine("a") == await client.command(1900, "info") == "your-message-id"
        upstream.fail(payload("cancelled.json"))
        await client.cancel(JOB)
        assert await client.command(1900, "info") == ""
        for odd in ("../x", f"sk-{CANARY}", KEY, ""):
            upstream.fail(payload("submitted.json", messageId=odd))
            assert await client.imagine("a") == ""


async def test_what_the_api_says_that_it_did_not_accept_was_not_done() -> None:
    upstream = upstream_of()
    upstream.fail(answering({"success": False, "error": f"Queue full, Bearer {KEY}"}))
    async with client_and(upstream) as client:
        with pytest.raises(
            MalformedError, match=r"does not accept this call \(Queue full, Bearer \[redacted\]\)"
        ) as no:
            await client.imagine("a")
        assert no.value.certain
        upstream.fail(answering({"error": "Something"}))
        with pytest.raises(MalformedError) as unsure:
            await client.imagine("a")
        assert not unsure.value.certain


async def test_the_account_is_read_and_its_address_is_masked() -> None:
    upstream = upstream_of()
    upstream.fail(payload("account.json"))
    async with client_and(upstream) as client:
        account = await client.account()
    assert account == Account("STARTER", 1600, 1600, 1000, datetime(2022, 10, 7, 14, 30, tzinfo=UTC), "u…@example.com")
    assert account.left == 2600


async def test_of_the_account_unknown_is_unknown_and_never_zero() -> None:
    upstream = upstream_of()
    upstream.fail(answering({"credits": "12", "creditsQuota": "many", "expiredAt": "2022-10-07", "email": "nobody"}))
    async with client_and(upstream) as client:
        account = await client.account()
    assert account == Account(credits=12, expires_at=datetime(2022, 10, 7, tzinfo=UTC))
    assert (account.left, Account(plan="DIY").left) == (12, None)


@given(st.text(max_size=50), st.text(max_size=50))
def test_of_an_address_a_letter_and_the_domain_are_left(name: str, domain: str) -> None:
    shown = masked(f"{name}@{domain}")
    first, _, kept = shown.partition("…@")
    assert len(first) <= 1
    assert shown == "" or kept == domain.strip()
    assert masked(f"{name}@example.com") in {"", f"{name.strip()[:1]}…@example.com"}


@pytest.mark.parametrize(
    ("said", "whole"), [(12.5, 13), ("0.5", 1), (-0.5, 0), (12.0, 12), ("12", 12), (1e300, None), ("many", None)]
)
async def test_a_part_of_a_credit_is_not_none(said: object, whole: int | None) -> None:
    upstream = upstream_of()
    upstream.fail(payload("account.json", credits=said))
    async with client_and(upstream) as client:
        assert (await client.account()).credits == whole


async def test_a_quota_below_none_is_not_known() -> None:
    upstream = upstream_of()
    upstream.fail(payload("account.json", credits=-5, creditsQuota=-1, creditsExtra=-7))
    async with client_and(upstream) as client:
        account = await client.account()
    assert (account.credits, account.quota, account.extra) == (-5, None, None)


@pytest.mark.parametrize("said", [1665153000000, "1665153000", "20221007", "soon", None])
async def test_a_number_is_no_date_of_another_century(said: object) -> None:
    upstream = upstream_of()
    upstream.fail(payload("account.json", expiredAt=said))
    async with client_and(upstream) as client:
        assert (await client.account()).expires_at is None


async def test_a_job_with_far_too_many_parts_is_read_with_some_of_them() -> None:
    upstream = upstream_of()
    upstream.fail(payload("progress.json", buttons=["U1"] * 10_000, images=["https://a.example/b"] * 10_000))
    async with client_and(upstream) as client:
        job = await client.progress("your-button-message-id")
    assert len(job.buttons) == len(job.images) == 50


def test_what_is_long_is_read_beside_the_event_loop() -> None:
    answer = Plain(len)
    answer.feed(b"[" + b"{}," * 100)
    assert not answer.slow
    answer.feed(b"{}," * 10_000)
    assert answer.slow


def test_an_address_is_masked() -> None:
    assert masked("olga.operator@mail.example.com") == "o…@mail.example.com"
    assert masked("nobody") == masked("a b@example.com") == masked("@example.com") == ""


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ({"status": "SUCCESS"}, Verdict(ok=True)),
        ({"status": "success", "message": None}, Verdict(ok=True)),
        ({"status": "FAIL", "message": "Banned word:\nblood"}, Verdict(ok=False, message="Banned word: blood")),
        ([{"status": "FAIL"}], Verdict(ok=False)),
    ],
)
async def test_a_prompt_is_fine_or_not(body: object, verdict: Verdict) -> None:
    upstream = upstream_of()
    upstream.fail(answering(body))
    async with client_and(upstream) as client:
        assert await client.prompt_check("a") == verdict


async def test_a_job_waits_runs_and_ends_in_a_picture_that_a_browser_can_load() -> None:
    async with simulated() as (upstream, client):
        seen: list[tuple[JobStatus, int | None]] = []
        for seconds in (3, 3, 0):
            job = await client.progress(JOB)
            seen.append((job.status, job.progress))
            await asyncio.sleep(seconds)
        await asyncio.sleep(4)
        job = await client.progress(JOB)
        assert seen[0] == (JobStatus.QUEUED, 0)
        assert seen[1][0] is seen[2][0] is JobStatus.PROCESSING
        assert 0 < (seen[1][1] or 0) < (seen[2][1] or 0) < 100
        assert (job.status, job.progress) == (JobStatus.DONE, 100)
        async with aiohttp.request("GET", job.uri) as response:
            assert response.content_type == "image/png"
            assert (await response.read()).startswith(b"\x89PNG\r\n\x1a\n")
        trace = await client.trace(JOB)
        assert trace.token_id in upstream.fleet
        assert [each.id for each in await client.images()] == [JOB]


async def test_a_job_that_is_cancelled_has_failed_and_cannot_be_cancelled_again() -> None:
    async with simulated() as (_, client):
        await client.cancel(JOB)
        job = await client.progress(JOB)
        assert (job.status, job.error) == (JobStatus.FAIL, "Job cancelled")
        with pytest.raises(MalformedError, match=r"does not accept this call \(400: The job is finished") as caught:
            await client.cancel(JOB)
        assert caught.value.certain
        with pytest.raises(NotFoundError, match="404: Message not found"):
            await client.cancel("another")


async def test_a_command_changes_the_mode_of_a_token_once_it_is_done() -> None:
    async with simulated() as (upstream, client):
        upstream.fresh[1901] = {"fastTimeRemaining": "1.00/15.0 hours (6.67%)"}
        job = await client.command(1900, "relax")
        await client.command(1901, "info")
        assert (await client.progress(job)).status is JobStatus.DONE
        fleet = await client.fleet()
    assert fleet[1900].status is Status.RELAX
    assert (fleet[1901].status, fleet[1901].fast_time.percent) == (Status.FAST, 6.67)
    sent = next(json.loads(call.body) for call in upstream.calls if call.endpoint == "COMMANDS")
    assert sent == {"cmd": "relax", "tokenId": 1900}


async def test_no_job_begins_while_the_queue_is_paused() -> None:
    async with simulated() as (_, client):
        await client.queue("PAUSE")
        await asyncio.sleep(60)
        assert (await client.progress(JOB)).status is JobStatus.QUEUED
        assert "queued: 1" in (await client.queue("COUNT")).lines()
        await client.queue("RESUME")
        await asyncio.sleep(5)
        assert (await client.progress(JOB)).status is JobStatus.PROCESSING


async def test_the_linked_accounts_are_shown_without_their_secrets() -> None:
    async with simulated() as (_, client):
        lines = (await client.linked_accounts()).lines()
    assert lines[:3] == ("accounts:", "  - id: 1900", "    token: [redacted]")
    assert lines[-1] == "total: 2"


async def test_the_ban_words_are_a_list_that_can_be_changed() -> None:
    async with simulated() as (upstream, client):
        assert (await client.ban_words()).words() == ("gore", "nude")
        assert (await client.change_ban_words(["blood"], ["nude"])).words() == ("gore", "blood")
        assert upstream.ban_words == ["gore", "blood"]
        assert (await client.prompt_check("much blood")).message == "Banned word: blood"


@pytest.mark.parametrize(
    ("body", "certain", "words"),
    [
        ({"success": False, "message": "busy"}, True, r"does not accept this call \(busy\)"),
        ({"success": "false"}, True, "does not accept this call"),
        ({"statusCode": 401, "message": "Unauthorized"}, False, "an error: Unauthorized"),
        ({"status": "FAIL", "message": "busy"}, False, "an error: busy"),
        ({"error": "busy"}, False, "an error: busy"),
    ],
)
async def test_an_answer_that_came_and_says_no_is_no_yes(body: object, words: str, *, certain: bool) -> None:
    async with simulated() as (upstream, client):
        upstream.fail(answering(body))
        for call in (client.queue("PAUSE"), client.change_ban_words(["blood"], [])):
            with pytest.raises(MalformedError, match=words) as caught:
                await call
            assert caught.value.certain is certain
        assert (await client.queue("COUNT")).lines(), "whoever only asks sees what it says"


@pytest.mark.parametrize(
    "body", [{"success": True, "error": None}, {"message": "Queue paused"}, {"statusCode": 200}, "OK", [], None]
)
async def test_an_answer_that_does_not_say_no_is_a_yes(body: object) -> None:
    async with simulated() as (upstream, client):
        upstream.fail(answering(body))
        await client.queue("PAUSE")


@pytest.mark.parametrize(
    "words",
    [
        ["gore", f"mail {CANARY}@example.com"],
        {"ours": ["gore"], "theirs": ["nude"]},
        "gore",
        {"words": ["gore"], "total": 500},
    ],
)
async def test_a_list_of_ban_words_that_was_not_read_to_the_letter_is_not_replaced(words: object) -> None:
    endpoints = {
        **ENDPOINTS,
        "BANWORDS": replace(ENDPOINTS["BANWORDS"], path="/list"),
        "BANWORDS_UPDATE": replace(ENDPOINTS["BANWORDS_UPDATE"], path="/change", body='{"words": "{words}"}'),
    }
    upstream = upstream_of()
    upstream.fail(answering(words))
    async with client_and(upstream, endpoints=endpoints) as client:
        with pytest.raises(NotFoundError, match="is not replaced") as caught:
            await client.change_ban_words(["blood"], [])
        assert caught.value.certain
        assert [call.path for call in upstream.calls] == ["/list"]
        upstream.fail(answering(["gore", "nude"]))
        await client.change_ban_words(["blood", "gore"], ["nude"])
    assert json.loads(upstream.calls[-1].body) == {"words": ["gore", "blood"]}


async def test_what_an_endpoint_wants_and_nobody_gave_is_asked_for() -> None:
    async with simulated() as (upstream, client):
        with pytest.raises(NotFoundError, match=r"has \{token\} in it, so this call needs a token") as caught:
            await client.queue("STATUS")
        assert caught.value.certain
        assert upstream.calls == []


async def test_what_is_about_the_whole_queue_is_not_sent_for_one_token() -> None:
    async with simulated() as (upstream, client):
        with pytest.raises(NotFoundError, match=r"has no \{token\} in it") as caught:
            await client.queue("PAUSE", 1900)
        assert caught.value.certain
        assert upstream.calls == []
        assert "tokenId: 1900" in (await client.queue("STATUS", 1900)).lines()


async def test_of_a_change_of_ban_words_it_must_be_said_what_is_sent() -> None:
    endpoints = {**ENDPOINTS, "BANWORDS_UPDATE": replace(ENDPOINTS["BANWORDS_UPDATE"], path="/change")}
    upstream = upstream_of()
    async with client_and(upstream, endpoints=endpoints) as client:
        with pytest.raises(UnpublishedError, match="IMAGINEPRO_ENDPOINT_BANWORDS_UPDATE"):
            await client.change_ban_words(["blood"], [])
    assert upstream.calls == []
