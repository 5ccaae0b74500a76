"""The upstream at home answers as the documentation says the real one does, or as badly as it is told to."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Shape, TokenRecord, Upstream, serving, token_record

KEY = {"Authorization": "Bearer sk-sandbox"}
LIST = "/api/v1/discord/tokens"
SINGLE = "/api/v1/discord/token/"


@pytest.fixture
def upstream() -> Upstream:
    return Upstream([token_record(1900), token_record(1901, status="RELAX")], canary="SINGING")


@pytest.fixture
async def session(upstream: Upstream) -> AsyncIterator[aiohttp.ClientSession]:
    async with serving(upstream) as url, aiohttp.ClientSession(url, headers=KEY) as session:
        yield session


def test_an_account_has_the_documented_keys_and_types() -> None:
    documented = json.loads((Path(__file__).parent.parent / "payloads" / "list.json").read_bytes())[0]
    made: TokenRecord = {"token": "", **token_record(1)}
    assert {key: type(value) for key, value in made.items()} == {k: type(v) for k, v in documented.items()}
    assert made["info"].keys() == documented["info"].keys()


@pytest.mark.parametrize(
    ("made", "subscription"),
    [
        (token_record(1, plan="Basic", renews=1709417882), "Basic (Active monthly, renews next on <t:1709417882>)"),
        (token_record(1, plan="None"), "None (Trial)"),
        (token_record(1, subscription="Mega (Paused)"), "Mega (Paused)"),
    ],
)
def test_a_record_has_the_plan_it_was_made_with(made: TokenRecord, subscription: str) -> None:
    assert made["info"]["subscription"] == subscription


async def test_every_answer_carries_the_secrets_of_its_accounts(session: aiohttp.ClientSession) -> None:
    for path in (LIST, SINGLE, f"{SINGLE}1900"):
        async with session.get(path) as response:
            assert (await response.json())[0]["token"] == "FAKE1900.SINGING"


async def test_a_call_without_the_right_key_is_refused_and_does_nothing(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    async with session.put(
        f"{SINGLE}1900", json={"isActive": False}, headers={"Authorization": "Bearer x"}
    ) as response:
        assert (response.status, await response.json()) == (401, {"message": "Unauthorized", "statusCode": 401})
    assert upstream.fleet[1900]["isActive"] is True


async def test_an_account_is_switched_off_and_on(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    for wanted in (False, True):
        async with session.put(f"{SINGLE}1900", json={"isActive": wanted}) as response:
            assert [each["isActive"] for each in await response.json()] == [wanted]
        assert upstream.fleet[1900]["isActive"] is wanted


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (f"{SINGLE}1900", {"isActive": "yes"}, 400),
        (f"{SINGLE}1900", [], 400),
        (f"{SINGLE}7", {"isActive": True}, 404),
        (f"{SINGLE}x", {"isActive": True}, 404),
    ],
)
async def test_a_switch_that_makes_no_sense_is_an_error(
    session: aiohttp.ClientSession, path: str, body: object, status: int
) -> None:
    async with session.put(path, json=body) as response:
        assert (response.status, (await response.json())["statusCode"]) == (status, status)


@pytest.mark.parametrize(
    ("shape", "identities"), [(Shape.ARRAY, [1901]), (Shape.ALL, [1900, 1901]), (Shape.BARE, 1901)]
)
async def test_one_token_comes_in_the_shape_that_was_chosen(
    upstream: Upstream, session: aiohttp.ClientSession, shape: Shape, identities: object
) -> None:
    upstream.shape = shape
    async with session.get(f"{SINGLE}1901") as response:
        found = await response.json()
    assert (found["id"] if shape is Shape.BARE else [each["id"] for each in found]) == identities


async def test_without_a_list_only_the_single_path_answers(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    upstream.has_list = False
    statuses = []
    for path in (LIST, SINGLE, f"{SINGLE}1900"):
        async with session.get(path) as response:
            statuses.append(response.status)
    assert statuses == [404, 200, 200]


async def test_faults_are_used_up_then_a_standing_one_holds_until_it_heals(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    upstream.fail(sandbox.FORBIDDEN, times=2)
    upstream.fail(sandbox.BAD_GATEWAY)
    statuses = []
    for _ in range(4):
        async with session.get(LIST) as response:
            statuses.append(response.status)
    upstream.heal()
    async with session.get(LIST) as response:
        statuses.append(response.status)
    assert statuses == [403, 403, 502, 502, 200]


async def test_calls_are_noted_in_order_with_their_times(upstream: Upstream, session: aiohttp.ClientSession) -> None:
    async with session.get(LIST), session.get(f"{SINGLE}5"):
        pass
    first, second = upstream.calls
    assert [(call.method, call.path) for call in (first, second)] == [("GET", LIST), ("GET", f"{SINGLE}5")]
    assert first.at <= second.at
