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


PAYLOADS = Path(__file__).parent.parent / "payloads"
PROMPT = {"prompt": "a lighthouse"}
COMMAND = {"cmd": "fast", "tokenId": 1900}
CANCEL = {"messageId": "{job}", "button": "Cancel Job"}


@pytest.mark.parametrize(
    ("payload", "method", "path", "body"),
    [
        ("trace.json", "GET", "/api/v1/message/trace/{job}", None),
        ("progress.json", "GET", "/api/v1/message/fetch/{job}", None),
        ("images.json", "GET", "/api/v1/nova/images?page=1&size=5", None),
        ("submitted.json", "POST", "/api/v1/nova/imagine", PROMPT),
        ("submitted.json", "POST", "/api/v1/midjourney/commands", COMMAND),
        ("cancelled.json", "POST", "/api/v1/nova/button", CANCEL),
        ("account.json", "GET", "/api/v1/subscription/account-info", None),
        ("prompt_check.json", "POST", "/api/v1/nova/prompt-check", {"prompt": "gore"}),
    ],
)
async def test_each_endpoint_answers_with_the_documented_keys_and_types(
    upstream: Upstream,
    session: aiohttp.ClientSession,
    payload: str,
    method: str,
    path: str,
    body: dict[str, object] | None,
) -> None:
    if payload != "cancelled.json":
        upstream.waits = upstream.runs = 0
    async with session.post("/api/v1/nova/imagine", json=PROMPT) as response:
        job = (await response.json())["messageId"]
    sent = {key: job if value == "{job}" else value for key, value in body.items()} if body else None
    async with session.request(method, path.format(job=job), json=sent) as response:
        answer = await response.json()
    documented = json.loads((PAYLOADS / payload).read_bytes())
    more = {"originatingMessageId", "images"}  # of a button's job alone; of later answers alone
    shown, wanted = ({k: type(v) for k, v in each.items() if k not in more} for each in (answer, documented))
    assert shown == wanted
    if payload == "images.json":
        assert {k: type(v) for k, v in answer["images"][0].items()} == {
            k: type(v) for k, v in documented["images"][0].items()
        }


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "/api/v1/nova/imagine", {}, 400),
        ("POST", "/api/v1/nova/prompt-check", {"prompt": 7}, 400),
        ("POST", "/api/v1/nova/commands", {"cmd": "fast"}, 400),
        ("POST", "/api/v1/nova/commands", {"cmd": "info", "tokenId": 7}, 404),
        ("POST", "/api/v1/nova/commands", {"cmd": "sing", "tokenId": 1900}, 400),
        ("POST", "/api/v1/nova/button", {"messageId": "x", "button": "Cancel Job"}, 404),
        ("GET", "/api/v1/message/trace/x", None, 404),
        ("GET", "/api/v1/message/fetch/x", None, 404),
        ("GET", "/api/v1/sandbox/queue/status/7", None, 404),
        ("POST", "/api/v1/sandbox/ban-words", {"add": "x"}, 400),
        ("GET", "/api/v1/queue/count", None, 404),
        ("PATCH", "/", None, 404),
    ],
)
async def test_what_makes_no_sense_is_an_error_and_does_nothing(
    upstream: Upstream, session: aiohttp.ClientSession, method: str, path: str, body: object, status: int
) -> None:
    async with session.request(method, path, json=body) as response:
        assert (response.status, (await response.json())["statusCode"]) == (status, status)
    assert upstream.effects == []


async def test_without_credits_no_job_begins_and_each_image_costs_some(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    upstream.account |= {"credits": 5, "creditsExtra": 10}
    statuses = []
    for _ in range(3):
        async with session.post("/api/v1/nova/imagine", json=PROMPT) as response:
            statuses.append(response.status)
    assert statuses == [200, 200, 401]
    assert len(upstream.jobs) == 2


@pytest.mark.parametrize(
    ("broken", "error"), [("words", "Banned prompt detected: gore"), ("fleet", "No available account")]
)
async def test_a_job_that_cannot_run_fails(
    upstream: Upstream, session: aiohttp.ClientSession, broken: str, error: str
) -> None:
    upstream.waits = upstream.runs = 0
    for each in upstream.fleet.values():
        each["isActive"] = broken != "fleet"
    prompt = {"prompt": "much gore" if broken == "words" else "a lighthouse"}
    async with session.post("/api/v1/nova/imagine", json=prompt) as response:
        job = (await response.json())["messageId"]
    async with session.get(f"/api/v1/message/fetch/{job}") as response:
        found = await response.json()
    assert (found["status"], found["error"]) == ("FAIL", error)
    async with session.get(f"/picture/{job}.png") as response:
        assert response.status == 404


async def test_the_pictures_of_the_first_jobs_are_known_before_they_are_made(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    upstream.waits = upstream.runs = 0
    async with session.post("/api/v1/nova/imagine", json=PROMPT) as response:
        job = (await response.json())["messageId"]
    async with session.get(f"/api/v1/message/fetch/{job}") as response:
        address, url = (await response.json())["uri"], str(response.url.origin())
    async with session.get(address) as response:
        assert sandbox.pictures(url, 3)[address] == (f"{job}.png", await response.read())
    assert len({png for _, png in sandbox.pictures(url, 3).values()}) == 3


async def test_a_fault_of_one_endpoint_leaves_the_others_alone(
    upstream: Upstream, session: aiohttp.ClientSession
) -> None:
    upstream.fail(sandbox.SERVER_ERROR, at="ACCOUNT")
    upstream.fail(sandbox.FORBIDDEN, times=1)
    upstream.fail(sandbox.after(sandbox.BAD_GATEWAY), times=1, at="TOGGLE")
    statuses = []
    for method, path in (
        ("GET", "/api/v1/subscription/account-info"),
        ("PUT", f"{SINGLE}1900"),
        ("GET", LIST),
        ("GET", LIST),
    ):
        async with session.request(method, path, json={"isActive": False}) as response:
            statuses.append(response.status)
    assert statuses == [500, 502, 403, 200]
    assert upstream.done("TOGGLE") == upstream.done("TOGGLE", "1900 off") == 1
    assert upstream.done("TOGGLE", "1900 on") == 0
