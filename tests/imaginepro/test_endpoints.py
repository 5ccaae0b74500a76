"""Every endpoint, over HTTP, against a simulated ImaginePro that is well, or fails in each way that it can fail."""

import logging
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import NamedTuple

import pytest

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
)
from bot.imaginepro.endpoints import ENDPOINTS, Endpoint, placed
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Upstream, serving
from tests.imaginepro.test_client import (
    BUDGET,
    CANARY,
    FREELY,
    GARBAGE,
    KEY,
    client_of,
    raw_server,
    upstream_of,
)
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module

UNPUBLISHED = {name: each for name, each in ENDPOINTS.items() if not each.path}
JOB = "00000000-0000-4000-8000-000000000000"


class Use(NamedTuple):
    """How an endpoint is used."""

    call: Callable[[ImaginePro], Awaitable[object]]
    effect: str = ""
    """What it does upstream; empty where it only asks."""


USES: Mapping[str, Use] = {
    "LIST": Use(lambda client: client.fleet()),
    "TOKEN": Use(lambda client: client.token(1900)),
    "TOGGLE": Use(lambda client: client.toggle(1900, active=False), "1900 off"),
    "COMMANDS": Use(lambda client: client.command(1900, "relax"), "1900 relax"),
    "TRACE": Use(lambda client: client.trace(JOB)),
    "PROGRESS": Use(lambda client: client.progress(JOB)),
    "IMAGES": Use(lambda client: client.images(1, 20)),
    "IMAGINE": Use(lambda client: client.imagine("a lighthouse"), JOB[:-1] + "1"),
    "BUTTON": Use(lambda client: client.cancel(JOB), JOB),
    "ACCOUNT": Use(lambda client: client.account()),
    "PROMPT_CHECK": Use(lambda client: client.prompt_check("a lighthouse")),
    "QUEUE_COUNT": Use(lambda client: client.queue("COUNT")),
    "QUEUE_PAUSE": Use(lambda client: client.queue("PAUSE"), "pause"),
    "QUEUE_RESUME": Use(lambda client: client.queue("RESUME"), "resume"),
    "QUEUE_REBOOT": Use(lambda client: client.queue("REBOOT"), "reboot"),
    "QUEUE_STATUS": Use(lambda client: client.queue("STATUS", 1900)),
    "LINKED_ACCOUNTS": Use(lambda client: client.linked_accounts()),
    "BANWORDS": Use(lambda client: client.ban_words()),
    "BANWORDS_UPDATE": Use(lambda client: client.change_ban_words(["blood"], ["gore"]), "+blood -gore"),
}
"""Each endpoint; a new one is added here, and is then tested with each fault."""

ERRORS: Mapping[str, tuple[type[UpstreamError], bool]] = {
    "401": (RefusedError, True),
    "402": (RefusedError, True),
    "403": (RefusedError, True),
    "404": (NotFoundError, True),
    "429": (RateLimitedError, True),
    "500": (ServerError, False),
    "500 after the effect": (ServerError, False),
    "502": (ServerError, False),
    "a web page": (MalformedError, False),
    "a web page after the effect": (MalformedError, False),
    "cut off after the effect": (MalformedError, False),
    "reset": (UnreachableError, False),
    "reset after the effect": (UnreachableError, False),
    "hang": (TimedOutError, False),
    "hang after the effect": (TimedOutError, False),
}
"""What each fault ends in, and whether it is then certain that nothing was done."""


def set_by_the_operator() -> Mapping[str, Endpoint]:
    """The endpoints of somebody who has all of ImaginePro's documentation."""
    found = {name: placed(each, sandbox.ENVIRONMENT[each.variable]) for name, each in UNPUBLISHED.items()}
    return {**ENDPOINTS, **found}


@asynccontextmanager
async def simulated() -> AsyncIterator[tuple[Upstream, ImaginePro]]:
    """An ImaginePro with tokens and a job, and a client that knows where everything is."""
    upstream = upstream_of(1900, 1901)
    async with (
        serving(upstream) as url,
        connected(
            url=url,
            api_key=KEY,
            rate=FREELY,
            budget=timedelta(seconds=BUDGET),
            attempt_timeout=timedelta(seconds=1),
            endpoints=set_by_the_operator(),
        ) as client,
    ):
        assert await client.imagine("the first job") == JOB
        upstream.calls.clear()
        upstream.effects.clear()
        yield upstream, client


def test_every_endpoint_and_every_fault_is_tested() -> None:
    assert USES.keys() == ENDPOINTS.keys() == {name for name, _, _ in sandbox.PATHS}
    assert ERRORS.keys() == sandbox.WRONG.keys()
    assert {name for name, use in USES.items() if use.effect} == {
        each.name for each in ENDPOINTS.values() if each.changes
    }


@pytest.mark.parametrize("name", USES)
async def test_each_endpoint_answers_and_what_changes_something_does_so_once(name: str) -> None:
    use = USES[name]
    async with simulated() as (upstream, client):
        answer = await use.call(client)
        assert client.answered[name] == "well"
    assert [call.endpoint for call in upstream.calls] == [name]
    assert [(each.endpoint, each.what) for each in upstream.effects] == ([(name, use.effect)] if use.effect else [])
    assert CANARY not in repr(answer)


@pytest.mark.parametrize("wrong", ERRORS)
@pytest.mark.parametrize("name", USES)
async def test_each_endpoint_with_each_fault_ends_in_an_error_that_says_whether_it_is_certain(
    name: str, wrong: str
) -> None:
    use, (kind, certain) = USES[name], ERRORS[wrong]
    async with simulated() as (upstream, client):
        upstream.fail(sandbox.WRONG[wrong], at=name)
        with pytest.raises(UpstreamError) as caught:
            await use.call(client)
        assert client.answered[name] in {str(caught.value.status), caught.value.trouble}
    assert type(caught.value) is kind
    assert CANARY not in caught.value.detail
    assert KEY not in caught.value.detail
    asked = [call.endpoint for call in upstream.calls]
    if ENDPOINTS[name].once:
        paths = 2 if wrong == "404" and ENDPOINTS[name].other else 1
        assert asked == [name] * paths
        assert caught.value.certain is certain
    else:
        assert set(asked) == {name}
    done = [each.what for each in upstream.effects]
    assert done == ([use.effect] if use.effect and "after" in wrong else [])


@pytest.mark.parametrize("name", [each.name for each in ENDPOINTS.values() if each.other])
async def test_an_endpoint_that_is_not_at_its_path_is_found_at_the_other_which_is_kept(name: str) -> None:
    first, other = (path for each, _, path in sandbox.PATHS if each == name)
    async with simulated() as (upstream, client):
        upstream.gone.add(first.format(job=JOB))
        await USES[name].call(client)
        if name != "BUTTON":  # what was cancelled is over
            await USES[name].call(client)
            assert [call.path for call in upstream.calls[2:]] == [other.format(job=JOB)]
    assert [call.path for call in upstream.calls[:2]] == [first.format(job=JOB), other.format(job=JOB)]
    assert len(upstream.effects) == (2 if name in {"COMMANDS", "IMAGINE"} else name == "BUTTON")


async def test_a_404_of_a_proxy_does_not_let_a_change_be_sent_twice() -> None:
    async with simulated() as (upstream, client):
        upstream.fail(sandbox.page(404), at="COMMANDS")
        with pytest.raises(MalformedError) as caught:
            await client.command(1900, "relax")
    assert not caught.value.certain
    assert len(upstream.calls) == 1


async def test_a_command_for_a_token_that_is_not_known_is_not_sent_to_where_no_token_is_named() -> None:
    async with simulated() as (upstream, client):
        with pytest.raises(NotFoundError, match="Token not found") as caught:
            await client.command(1999, "relax")
    assert caught.value.certain
    assert [call.path for call in upstream.calls] == [ENDPOINTS["COMMANDS"].path]


@pytest.mark.parametrize("name", USES)
async def test_garbage_on_the_wire_ends_each_endpoint_in_an_error_that_shows_none_of_it(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Searched: the error, its chain, its traceback as a log prints it, and every log record of every library."""
    caplog.set_level(logging.DEBUG)
    shown, certain = [], []
    for wrong, answer in GARBAGE.items():
        async with raw_server(answer) as url, client_of(url, budget=0.3, endpoints=set_by_the_operator()) as client:
            try:
                await USES[name].call(client)
            except UpstreamError as error:
                shown += [repr(error), error.detail, *traceback.format_exception(error)]
                certain += [wrong] if error.certain else []
            else:
                assert wrong in {"endless header", "bad gzip", "bad record"}, "what has any shape may be one of these"
    assert certain == []
    shown += [caplog.text, *(repr(vars(record)) for record in caplog.records)]
    assert not any(CANARY.lower() in text.lower() or KEY in text for text in shown)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1",
        "http://nowhere.invalid",
        "",
        "http://[",
        "http://127.0.0.1:99999",
        "ftp://127.0.0.1",
        f"http://{'a' * 70}.example",
    ],
)
async def test_what_leads_nowhere_was_certainly_not_done(url: str) -> None:
    async with client_of(url, budget=BUDGET, endpoints=set_by_the_operator()) as client:
        for name, use in USES.items():
            if use.effect:
                with pytest.raises(UpstreamError) as caught:
                    await use.call(client)
                assert caught.value.certain, (name, caught.value.detail)


async def test_a_host_without_tls_was_sent_nothing() -> None:
    async with serving(upstream_of(1900)) as url, client_of(url.replace("http:", "https:"), budget=BUDGET) as client:
        with pytest.raises(UnreachableError, match="TLS") as caught:
            await client.toggle(1900, active=False)
    assert caught.value.certain


async def test_a_key_that_http_cannot_carry_was_not_sent() -> None:
    async with serving(upstream_of(1900)) as url, client_of(url, key="two\r\nlines") as client:
        with pytest.raises(NotFoundError, match="cannot be sent") as caught:
            await client.toggle(1900, active=False)
    assert caught.value.certain
