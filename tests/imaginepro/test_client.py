"""What the bot makes of the upstream's answers, good and bad, over real sockets."""

import asyncio
import json
import logging
import pickle
import re
import traceback
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import timedelta
from itertools import pairwise

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Trouble
from bot.domain.value import replace
from bot.imaginepro.client import (
    ImaginePro,
    MalformedError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    ServerError,
    TimedOutError,
    UnreachableError,
    UpstreamError,
    connected,
    once,
)
from bot.imaginepro.endpoints import ENDPOINTS, Endpoint
from bot.imaginepro.failures import retry_after
from bot.priority import Priority
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Fault, Shape, Upstream, problem, rate_limited, serving, token_record
from tests.leap import LeapingLoop, leaping  # noqa: F401 - time leaps in all tests of this module
from tests.waiting import until

CANARY = "CANARYxTHATxSINGS"
KEY = "sk-FAKE-api-key"
FREELY = (1000, timedelta(seconds=1))
LIST = "/api/v1/discord/tokens"
SINGLE = "/api/v1/discord/token/"
PATIENCE = 30.0
"""Seconds that nothing here takes but what is told to."""
BUDGET = 2.0
"""Seconds for calls that fail until their budget is used up."""
AT_ONCE = pytest.approx(0, abs=0.001)
"""What takes no time but that of computing."""


def now() -> float:
    """Seconds, by the loop's clock."""
    return asyncio.get_running_loop().time()


def upstream_of(*identities: int) -> Upstream:
    """An upstream with these accounts."""
    return Upstream([token_record(each) for each in identities], canary=CANARY, api_key=KEY)


@asynccontextmanager
async def client_of(
    url: str,
    *,
    rate: tuple[int, timedelta] = FREELY,
    budget: float = PATIENCE,
    attempt: float = PATIENCE,
    key: str = KEY,
    priority: Priority | None = None,
    endpoints: Mapping[str, Endpoint] = ENDPOINTS,
) -> AsyncIterator[ImaginePro]:
    """A client that is in no hurry, unless the test is about one that is."""
    async with connected(
        url=url,
        api_key=key,
        rate=rate,
        budget=timedelta(seconds=budget),
        attempt_timeout=timedelta(seconds=attempt),
        priority=priority,
        endpoints=endpoints,
    ) as client:
        yield client


@asynccontextmanager
async def client_and(
    upstream: Upstream,
    *,
    budget: float = PATIENCE,
    attempt: float = PATIENCE,
    endpoints: Mapping[str, Endpoint] = ENDPOINTS,
) -> AsyncIterator[ImaginePro]:
    """A client of that upstream, in no hurry either."""
    async with (
        serving(upstream) as url,
        client_of(url, budget=budget, attempt=attempt, endpoints=endpoints) as client,
    ):
        yield client


@asynccontextmanager
async def raw_server(answer: bytes) -> AsyncIterator[str]:
    """A host that sends these bytes to whoever connects, and hangs up."""
    talks: set[asyncio.Task[None]] = set()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(answer)
            await writer.drain()
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.add(asyncio.create_task(converse(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with server:
        host, port = server.sockets[0].getsockname()
        yield f"http://{host}:{port}"
        await asyncio.gather(*talks)


async def test_the_fleet_is_read_in_one_call_in_the_upstreams_order() -> None:
    upstream = upstream_of(1902, 1900, 1901)
    async with client_and(upstream) as client:
        assert list(await client.fleet()) == [1902, 1900, 1901]
    assert [call.path for call in upstream.calls] == [LIST]


@pytest.mark.parametrize("shape", Shape)
async def test_one_token_is_found_by_its_id_in_any_shape_of_answer(shape: Shape) -> None:
    upstream = upstream_of(1900, 1901, 1902)
    upstream.shape = shape
    upstream.fleet[1901]["status"] = "BANNED"
    async with client_and(upstream) as client:
        token = await client.token(1901)
    assert (token.id, token.status) == (1901, "BANNED")
    assert [call.path for call in upstream.calls] == [f"{SINGLE}1901"]


async def test_a_token_that_the_upstream_does_not_know_is_not_found() -> None:
    async with client_and(upstream_of(1900)) as client:
        with pytest.raises(NotFoundError, match=r"404: Token not found"):
            await client.token(7)


async def test_an_answer_about_other_tokens_is_not_taken_for_the_one_asked_for() -> None:
    upstream = upstream_of(1900, 1901)
    upstream.fail(Fault(body=json.dumps([{"id": 1901}]).encode()))
    async with client_and(upstream) as client:
        with pytest.raises(NotFoundError, match="1900"):
            await client.token(1900)


async def test_a_url_with_a_slash_at_its_end_is_the_same_url() -> None:
    async with serving(upstream_of(1900)) as url, client_of(f"{url}/") as client:
        assert len(await client.fleet()) == 1


async def test_way_is_given_while_a_large_fleet_is_read() -> None:
    given = 0

    class Counted(Priority):
        async def give_way(self) -> None:
            nonlocal given
            given += 1
            await super().give_way()

    async with serving(upstream_of(*range(2000))) as url:
        async with client_of(url, priority=Counted()) as client:
            assert len(await client.fleet()) == 2000
        assert given >= 2000 // 32, "all of them are new"


async def test_a_large_answer_that_is_no_json_to_the_letter_is_read_whole() -> None:
    upstream = upstream_of(*range(2000))
    async with serving(upstream) as url, client_of(url) as client:
        authorized = {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.request("GET", url + LIST, headers=authorized) as response:
            body = await response.read()
        upstream.fail(Fault(body=body.replace(b'"FAST"', b'"\xff"', 1)), times=1)
        found = await client.fleet()
    assert len(found) == 2000
    assert [token.status_text for token in found.values() if token.status_text != "FAST"] == ["\ufffd"]


async def test_a_mistake_of_ours_is_not_taken_for_one_of_the_key() -> None:
    class Broken(Priority):
        async def give_way(self) -> None:
            message = "a bug"
            raise ValueError(message)

    async with serving(upstream_of(1900)) as url, client_of(url, priority=Broken()) as client:
        with pytest.raises(ValueError, match="a bug"):
            await client.fleet()


async def test_without_a_list_the_other_documented_path_is_tried_and_kept_for_the_run() -> None:
    upstream = upstream_of(1900, 1901)
    upstream.has_list = False
    async with client_and(upstream) as client:
        assert len(await client.fleet()) == 2
        assert len(await client.fleet()) == 2
    assert [call.path for call in upstream.calls] == [LIST, SINGLE, SINGLE]


async def test_without_any_list_the_error_says_what_may_be_wrong() -> None:
    upstream = upstream_of(1900)
    upstream.fail(sandbox.NOT_FOUND)
    async with client_and(upstream) as client:
        with pytest.raises(NotFoundError, match="URL is wrong, or the plan is not DIY"):
            await client.fleet()
    assert [call.path for call in upstream.calls] == [LIST, SINGLE]


async def test_a_path_that_did_not_answer_is_not_kept() -> None:
    upstream = upstream_of(1900)
    upstream.fail(sandbox.NOT_FOUND, times=1)
    upstream.fail(sandbox.FORBIDDEN, times=1)
    async with client_and(upstream) as client:
        with pytest.raises(RefusedError):
            await client.fleet()
        assert len(await client.fleet()) == 1
    assert [call.path for call in upstream.calls] == [LIST, SINGLE, LIST]


async def test_a_kept_path_that_goes_away_is_looked_for_where_it_was() -> None:
    upstream = upstream_of(1900)
    upstream.has_list = False
    async with client_and(upstream) as client:
        await client.fleet()
        upstream.fail(sandbox.NOT_FOUND, times=2)
        with pytest.raises(NotFoundError):
            await client.fleet()
        upstream.has_list = True
        upstream.fail(sandbox.NOT_FOUND, times=1)
        assert len(await client.fleet()) == 1
        assert len(await client.fleet()) == 1
    assert [call.path for call in upstream.calls] == [LIST, SINGLE, SINGLE, LIST, SINGLE, LIST, LIST]


TABLE = [
    (sandbox.UNAUTHORIZED, RefusedError, "refuses the API key, or its credits are used up (401: Unauthorized)", 1),
    (sandbox.OUT_OF_CREDITS, RefusedError, "402: Insufficient credits", 1),
    (sandbox.FORBIDDEN, RefusedError, "may not be DIY (403: This endpoint needs the DIY plan)", 1),
    (sandbox.page(403), MalformedError, "(403)", 1),
    (sandbox.INVALID, MalformedError, "400: id must be an integer; id must be positive", 1),
    (sandbox.REDIRECT, MalformedError, "redirects (301)", 1),
    (sandbox.WEB_PAGE, MalformedError, "a web page", 1),
    (replace(sandbox.WEB_PAGE, content_type="text/plain"), MalformedError, "not JSON", 1),
    (Fault(204, b""), MalformedError, "not JSON", 1),
    (sandbox.TRUNCATED, MalformedError, "not JSON", 1),
    (sandbox.HUGE, MalformedError, "larger than 16 MiB", 1),
    (Fault(body=b'[{"id": "x"}]'), MalformedError, "$[0].id", 1),
    (rate_limited(), RateLimitedError, "429: ThrottlerException: Too Many Requests", 2),
    (sandbox.SERVER_ERROR, ServerError, "500: Internal server error", 2),
    (sandbox.BAD_GATEWAY, ServerError, "(502)", 2),
    (sandbox.UNAVAILABLE, ServerError, "(503)", 2),
    (sandbox.RESET, UnreachableError, "connection to the API broke", 2),
    (sandbox.late(5), TimedOutError, "did not answer in time", 2),
    (sandbox.dripping(0.05), TimedOutError, "did not answer in time", 2),
]


@pytest.mark.parametrize(("fault", "kind", "words", "attempts"), TABLE)
async def test_each_wrong_answer_has_its_error_and_only_passing_ones_are_tried_again(
    fault: Fault, kind: type[UpstreamError], words: str, attempts: int
) -> None:
    upstream = upstream_of(1900)
    upstream.fail(fault)
    # What is tried again fails until its budget is used up.
    budget = BUDGET if attempts > 1 else PATIENCE
    attempt = 0.3 if kind is TimedOutError else PATIENCE
    async with client_and(upstream, budget=budget, attempt=attempt) as client:
        with pytest.raises(kind, match=re.escape(words)) as caught:
            await client.fleet()
    assert type(caught.value) is kind
    assert min(len(upstream.calls), 2) == attempts


@pytest.mark.parametrize("fault", [row[0] for row in TABLE if row[3] == 2] + [rate_limited("0"), rate_limited("0.1")])
async def test_what_passes_within_the_budget_is_not_noticed(fault: Fault) -> None:
    upstream = upstream_of(1900)
    upstream.fail(fault, times=1)
    late = fault.before or fault.drip
    async with client_and(upstream, attempt=1 if late else PATIENCE) as client:
        assert list(await client.fleet()) == [1900]
    assert len(upstream.calls) == 2


async def test_an_error_tells_which_status_was_refused() -> None:
    upstream = upstream_of(1900)
    upstream.fail(sandbox.FORBIDDEN)
    async with client_and(upstream) as client:
        with pytest.raises(RefusedError) as caught:
            await client.fleet()
    assert (caught.value.status, caught.value.trouble) == (403, Trouble.REFUSED)


async def test_a_wrong_key_is_refused() -> None:
    async with serving(upstream_of(1900)) as url, client_of(url, key="sk-other") as client:
        with pytest.raises(RefusedError, match="401"):
            await client.fleet()


@pytest.mark.parametrize(
    "fault", [rate_limited("3600"), replace(sandbox.UNAVAILABLE, headers=(("Retry-After", "3600"),))]
)
async def test_when_asked_to_wait_beyond_the_budget_it_gives_up_at_once_and_says_how_long(fault: Fault) -> None:
    upstream = upstream_of(1900)
    upstream.fail(fault)
    async with client_and(upstream) as client:
        began = now()
        with pytest.raises(UpstreamError) as caught:
            await client.fleet()
        assert now() - began == AT_ONCE
    assert caught.value.retry_after == timedelta(hours=1)
    assert len(upstream.calls) == 1


async def test_it_waits_as_long_as_it_is_asked_to() -> None:
    upstream = upstream_of(1900)
    upstream.fail(rate_limited("1"), times=1)
    async with client_and(upstream) as client:
        await client.fleet()
    first, second = upstream.calls
    assert 1 <= second.at - first.at < 1.001


@pytest.mark.parametrize(
    ("headers", "asked"),
    [
        ({"Retry-After": "120"}, timedelta(minutes=2)),
        ({"Retry-After": "2.5"}, timedelta(seconds=2.5)),
        ({"Retry-After": "-3"}, timedelta(0)),
        ({"Retry-After": "3601"}, timedelta(hours=1)),
        ({"Retry-After": "9" * 400}, timedelta(hours=1)),
        ({"Retry-After": "inf"}, timedelta(hours=1)),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": ""}, None),
        ({}, None),
        (
            {"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Fri, 31 Dec 1999 23:58:59 GMT"},
            timedelta(minutes=1),
        ),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "Sat, 01 Jan 2000 00:00:09 GMT"}, timedelta(0)),
        (
            {"Retry-After": "Friday, 31-Dec-99 23:59:59 GMT", "Date": "Fri Dec 31 23:59:09 1999"},
            timedelta(seconds=50),
        ),
        (
            {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT", "Date": "Sat, 01 Jan 2000 00:00:09 GMT"},
            timedelta(hours=1),
        ),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 +99999999", "Date": "Sat, 01 Jan 2000 00:00:09 GMT"}, None),
        ({"Retry-After": "Fri, 31 Feb 1999 23:59:59 GMT", "Date": "Sat, 01 Jan 2000 00:00:09 GMT"}, None),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"}, None),
        ({"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT", "Date": "today"}, None),
    ],
)
async def test_retry_after_is_seconds_or_a_date_counted_from_the_answers_own(
    headers: dict[str, str], asked: timedelta | None
) -> None:
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    answer = f"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n{lines}\r\n".encode()
    async with raw_server(answer) as url, client_of(url, budget=BUDGET) as client:
        with pytest.raises(RateLimitedError) as caught:
            await client.fleet()
    assert caught.value.retry_after == asked


ASKED = (("Retry-After", "3600"),)


@pytest.mark.parametrize(
    "fault",
    [
        rate_limited("3600"),
        rate_limited("86400"),
        rate_limited("Sat, 01 Jan 2000 01:00:00 GMT"),
        replace(sandbox.UNAVAILABLE, headers=ASKED),
        replace(sandbox.UNAUTHORIZED, headers=ASKED),
        replace(sandbox.page(403), headers=ASKED),
        replace(sandbox.REDIRECT, headers=(*sandbox.REDIRECT.headers, *ASKED)),
        Fault(429, b"\x8b\x03", headers=(*ASKED, ("Content-Encoding", "br"))),
        replace(sandbox.WEB_PAGE, headers=ASKED),
        Fault(202, b'{"message": "Maintenance"}', headers=ASKED),
        Fault(204, b"", headers=ASKED),
        replace(sandbox.TRUNCATED, headers=ASKED),
    ],
)
async def test_an_upstream_that_asks_to_be_left_alone_is_called_by_nobody_for_so_long(fault: Fault) -> None:
    if not fault.headers[0][1].isdigit():
        fault = replace(fault, headers=(*fault.headers, ("Date", "Sat, 01 Jan 2000 00:00:00 GMT")))
    upstream = upstream_of(1900)
    upstream.fail(fault, times=1)
    async with client_and(upstream, budget=54) as client:
        with pytest.raises(UpstreamError) as first:
            await client.fleet()
        began = now()
        for minutes in range(0, 59, 2):
            await asyncio.sleep(began + 60 * minutes - now())
            for call in (client.fleet(), client.token(1900)):
                with pytest.raises(type(first.value)) as caught:
                    await call
                assert (caught.value.detail, caught.value.status) == (first.value.detail, first.value.status)
                assert caught.value.retry_after == pytest.approx(
                    timedelta(minutes=60 - minutes), abs=timedelta(seconds=1)
                )
        assert len(upstream.calls) == 1
        await asyncio.sleep(began + 3600 - 50 - now())
        assert list(await client.fleet()) == [1900]
        assert (await client.token(1900)).id == 1900
    assert [call.at - began for call in upstream.calls[1:]] == [pytest.approx(3600, abs=1)] * 2


async def test_a_good_answer_is_one_whatever_it_asks_for() -> None:
    upstream = upstream_of(1900)
    upstream.fail(Fault(headers=ASKED))
    async with client_and(upstream, budget=54) as client:
        assert list(await client.fleet()) == list(await client.fleet()) == [1900]


@pytest.mark.parametrize("left", [0.1, 0.0])
async def test_a_call_that_is_left_no_time_once_it_may_be_made_says_why_it_waited(left: float) -> None:
    upstream = upstream_of(1900)
    upstream.fail(rate_limited("100"), times=1)
    upstream.fail(sandbox.late(60))
    async with client_and(upstream, budget=54) as client:
        with pytest.raises(RateLimitedError):
            await client.fleet()
        await asyncio.sleep(100 - 54 + left)
        with pytest.raises(RateLimitedError) as caught:
            await client.fleet()
    assert caught.value.retry_after == pytest.approx(timedelta(), abs=timedelta(seconds=1))


async def test_a_token_that_is_not_there_is_no_word_about_others_whatever_it_asks_for() -> None:
    upstream = upstream_of(1900)
    upstream.fail(replace(sandbox.NOT_FOUND, headers=ASKED), times=1)
    async with client_and(upstream) as client:
        with pytest.raises(NotFoundError):
            await client.token(7)
        for call in (client.token(1900), client.fleet()):
            with pytest.raises(RateLimitedError):
                await call
    assert len(upstream.calls) == 1


async def test_what_one_call_is_asked_holds_for_those_that_wait_for_their_turn() -> None:
    upstream = upstream_of(1900)
    upstream.fail(replace(rate_limited("3600"), before=timedelta(seconds=2)), times=1)
    async with serving(upstream) as url, client_of(url, rate=(1, timedelta(seconds=3)), budget=54) as client:
        calls = (client.fleet(), client.token(1900), client.token(1900))
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert [type(each) for each in outcomes] == [RateLimitedError] * 3
    assert len(upstream.calls) == 1


async def test_a_person_waits_for_seconds_that_the_upstream_asks_for() -> None:
    upstream = upstream_of(1900)
    upstream.fail(rate_limited("10"), times=1)
    async with client_and(upstream) as client:
        began = now()
        assert (await client.token(1900)).id == 1900
    assert now() - began == pytest.approx(10, abs=0.01)


async def test_who_cannot_wait_is_told_at_once_though_a_poll_waits() -> None:
    upstream = upstream_of(1900)
    upstream.fail(rate_limited("3600"), times=1)
    async with client_and(upstream, budget=20 * 3600) as client:
        with pytest.raises(RateLimitedError):
            await client.token(1900)
        poll = asyncio.create_task(client.fleet())
        await asyncio.sleep(1)
        began = now()
        with pytest.raises(RateLimitedError):
            await client.token(1900)
        assert now() - began == AT_ONCE
        assert list(await poll) == [1900]
    first, second = upstream.calls
    assert second.at - first.at == pytest.approx(3600, abs=1)


async def test_a_shorter_wish_does_not_take_back_a_longer_one() -> None:
    upstream = upstream_of(1900)
    upstream.fail(rate_limited("3600"), times=1)
    upstream.fail(rate_limited("1"), times=1)
    async with client_and(upstream) as client:
        outcomes = await asyncio.gather(client.token(1900), client.token(1900), return_exceptions=True)
        assert [type(each) for each in outcomes] == [RateLimitedError] * 2
        with pytest.raises(RateLimitedError):
            await client.fleet()
    assert len(upstream.calls) <= 2


@given(st.text(st.characters(codec="latin-1", exclude_characters="\r\n")) | st.floats().map(str))
def test_whatever_stands_in_retry_after_it_is_nothing_or_at_most_an_hour(text: str) -> None:
    for date in ("Sat, 01 Jan 2000 00:00:09 GMT", text):
        asked = retry_after({"Retry-After": text, "Date": date})
        assert asked is None or timedelta(0) <= asked <= timedelta(hours=1)


async def test_all_calls_keep_to_one_rate_retries_included() -> None:
    upstream = upstream_of(1900)
    upstream.fail(rate_limited("0"), times=2)
    async with serving(upstream) as url, client_of(url, rate=(2, timedelta(seconds=1))) as client:
        await asyncio.gather(client.fleet(), client.token(1900), client.fleet())
    times = [call.at for call in upstream.calls]
    assert [later - sooner for sooner, later in pairwise(times)] == [pytest.approx(0.5, abs=0.001)] * 4


async def test_a_process_that_was_held_up_makes_no_burst_of_the_calls_that_waited() -> None:
    upstream = upstream_of(1900)
    loop = asyncio.get_running_loop()
    assert isinstance(loop, LeapingLoop)
    async with serving(upstream) as url, client_of(url, rate=(2, timedelta(seconds=1))) as client:
        loop.call_later(0.1, loop.leap, 2.3)
        await asyncio.gather(*(client.token(1900) for _ in range(6)))
    times = [call.at for call in upstream.calls]
    assert min(later - sooner for sooner, later in pairwise(times)) == pytest.approx(0.5, abs=0.001)


async def test_who_gives_up_waiting_leaves_no_gap() -> None:
    upstream = upstream_of(1900)
    async with serving(upstream) as url, client_of(url, rate=(1, timedelta(seconds=1))) as client:
        await client.fleet()
        waiting = [asyncio.create_task(client.token(1900)) for _ in range(4)]
        await asyncio.sleep(0.1)
        for task in waiting:
            task.cancel()
        await client.fleet()
    first, last = (call.at for call in upstream.calls)
    assert last - first == pytest.approx(1, abs=0.01)


async def test_a_broken_connection_is_not_tried_again_behind_the_rates_back() -> None:
    upstream = upstream_of(1900)
    upstream.fail(sandbox.RESET)
    async with serving(upstream) as url, client_of(url, rate=(1, timedelta(hours=1)), budget=BUDGET) as client:
        with pytest.raises(UnreachableError):
            await client.fleet()
    assert len(upstream.calls) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_what_changes_something_is_sent_once_though_the_connection_breaks(method: str) -> None:
    asked = 0

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        await reader.readuntil(b"\r\n\r\n")
        asked += 1
        writer.close()

    async with (
        await asyncio.start_server(hang_up, "127.0.0.1", 0) as server,
        aiohttp.ClientSession() as session,
    ):
        host, port = server.sockets[0].getsockname()
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.request(method, f"http://{host}:{port}/", middlewares=(once(),))
    assert asked == 1


async def test_waiting_for_its_turn_counts_in_the_budget() -> None:
    upstream = upstream_of(1900)
    async with serving(upstream) as url, client_of(url, rate=(1, timedelta(hours=1)), budget=BUDGET) as client:
        await client.fleet()
        with pytest.raises(TimedOutError, match="limit of calls"):
            await client.fleet()
    assert len(upstream.calls) == 1


async def test_a_retry_whose_turn_never_comes_reports_what_went_wrong_before() -> None:
    upstream = upstream_of(1900)
    upstream.fail(sandbox.SERVER_ERROR)
    async with serving(upstream) as url, client_of(url, rate=(1, timedelta(hours=1)), budget=BUDGET) as client:
        with pytest.raises(ServerError):
            await client.fleet()


async def test_an_attempt_that_the_budget_cuts_short_does_not_hide_what_went_wrong_before() -> None:
    upstream = upstream_of(1900)
    upstream.fail(sandbox.UNAVAILABLE, times=1)
    upstream.fail(sandbox.late(60))
    async with client_and(upstream, budget=BUDGET) as client:
        with pytest.raises(ServerError):
            await client.fleet()
    assert len(upstream.calls) == 2


@pytest.mark.parametrize("fault", [sandbox.late(60), sandbox.dripping(1), sandbox.SERVER_ERROR, sandbox.NOT_FOUND])
async def test_no_call_takes_longer_than_its_budget(fault: Fault) -> None:
    upstream = upstream_of(1900)
    upstream.fail(fault)
    async with client_and(upstream, budget=0.4) as client:
        began = now()
        with pytest.raises(UpstreamError):
            await client.fleet()
        assert now() - began <= 0.401


async def test_a_call_that_is_cancelled_ends_as_cancelled() -> None:
    upstream = upstream_of(1900)
    upstream.fail(sandbox.late(60))
    async with client_and(upstream) as client:
        call = asyncio.create_task(client.fleet())
        await until("a call", lambda: upstream.calls)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("http://127.0.0.1:1", UnreachableError),
        ("http://nowhere.invalid", UnreachableError),
        ("", NotFoundError),
        ("http://[", NotFoundError),
        ("http://127.0.0.1:99999", NotFoundError),
        ("ftp://127.0.0.1", NotFoundError),
        ("file:///etc/hostname", NotFoundError),
        (f"http://{'a' * 70}.example", NotFoundError),
    ],
)
async def test_each_url_that_leads_nowhere_has_an_error_of_the_tree(url: str, kind: type[UpstreamError]) -> None:
    async with client_of(url, budget=BUDGET) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.fleet()
    assert type(caught.value) is kind


@pytest.mark.parametrize("key", ["two\r\nlines", "nul\0"])
async def test_a_key_that_http_cannot_carry_is_not_called_refused_and_not_sent(key: str) -> None:
    upstream = upstream_of(1900)
    async with serving(upstream) as url, client_of(url, key=key) as client:
        with pytest.raises(NotFoundError, match="cannot be sent"):
            await client.fleet()
    assert upstream.calls == []


async def test_a_session_that_was_closed_is_unreachable() -> None:
    async with serving(upstream_of(1900)) as url:
        async with client_of(url, budget=0.1) as client:
            pass
        with pytest.raises(UnreachableError):
            await client.fleet()


async def test_a_host_without_tls_is_unreachable_by_https() -> None:
    async with serving(upstream_of(1900)) as url, client_of(url.replace("http:", "https:"), budget=BUDGET) as client:
        with pytest.raises(UnreachableError, match="TLS"):
            await client.fleet()


def http(headers: str, body: str, status: str = "200 OK") -> bytes:
    """An answer as it goes over the wire."""
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}\r\n{body}".encode()


GARBAGE = {
    "nothing": b"",
    "no HTTP": f"{CANARY} is not HTTP\r\n\r\n".encode(),
    "broken headers": f"HTTP/1.1 200 OK\r\n{CANARY}\r\n\r\n".encode(),
    "endless header": f"HTTP/1.1 200 OK\r\nX: {CANARY * 2000}\r\n\r\n".encode(),
    "body cut off": http("Content-Length: 5000\r\n", f'[{{"token": "{CANARY}'),
    "bad chunk": http("Transfer-Encoding: chunked\r\n", f"{CANARY}\r\n"),
    "bad gzip": http("Content-Encoding: gzip\r\n", CANARY),
    "bad length": http(f"Content-Length: {CANARY}\r\n", ""),
    "bad encoding": b"HTTP/1.1 200 OK\r\n\r\n\xff\xfe" + CANARY.encode(),
    "bad record": http("", f'[{{"id": "{CANARY}", "token": "{CANARY}"}}]'),
    "bad UTF-8": b'HTTP/1.1 200 OK\r\n\r\n[{"id": 1, "status": "\xff", "token": "' + CANARY.encode() + b'", x',
    "a redirect": http(f"Location: https://{CANARY}.example/\r\n", CANARY, "302 Found"),
    "a refusal": http("", f'{{"message": "Bearer {CANARY} {KEY}", "token": "{CANARY}"}}', "401 Unauthorized"),
    "a failure": http("", f'{{"message": {{"token": "{CANARY}"}}}}', "500 Internal Server Error"),
}


@pytest.mark.parametrize("answer", GARBAGE.values(), ids=GARBAGE)
async def test_garbage_on_the_wire_has_an_error_of_the_tree_that_shows_none_of_it(
    answer: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Searched: the error, its chain, its traceback as a log prints it, and every log record of every library."""
    caplog.set_level(logging.DEBUG)
    async with raw_server(answer) as url, client_of(url, budget=0.3) as client:
        with pytest.raises(UpstreamError) as caught:
            await client.fleet()
    logging.getLogger("test").error("failed", exc_info=caught.value)
    shown = [repr(caught.value), caught.value.detail, *traceback.format_exception(caught.value), caplog.text]
    shown += [repr(vars(record)) for record in caplog.records]
    for text in shown:
        assert CANARY.lower() not in text.lower()
        assert KEY not in text
    link: BaseException | None = caught.value
    while link is not None:
        assert isinstance(link, UpstreamError)
        link = link.__cause__ or link.__context__


async def test_no_secret_is_in_what_is_read_or_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Searched: records, their pickles, and every log record; the wire did carry the secret."""
    caplog.set_level(logging.DEBUG)
    upstream = upstream_of(1900, 1901)
    async with serving(upstream) as url, client_of(url) as client:
        authorized = {"Authorization": f"Bearer {KEY}"}
        async with aiohttp.request("GET", url + LIST, headers=authorized) as response:
            assert CANARY in await response.text()
        upstream.fail(sandbox.RESET, times=1)
        found = (await client.fleet(), await client.token(1901))
    assert CANARY not in repr(found)
    assert CANARY.encode() not in pickle.dumps(found)
    logged = caplog.text + "".join(repr(vars(record)) for record in caplog.records)
    assert "retrying" in logged
    assert CANARY not in logged
    assert KEY not in logged


def test_every_error_of_the_tree_has_its_own_trouble() -> None:
    kinds = UpstreamError.__subclasses__()
    assert {kind.trouble for kind in kinds} == set(Trouble)
    assert len(kinds) == len(Trouble)


async def test_the_upstreams_words_about_a_mistake_are_passed_on() -> None:
    upstream = upstream_of(1900)
    upstream.fail(problem(403, ["Upgrade your plan.", "Write to help@example.com"]))
    async with client_and(upstream) as client:
        with pytest.raises(RefusedError, match=r"Upgrade your plan\.; Write to \[redacted\]"):
            await client.fleet()
