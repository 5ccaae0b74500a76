"""The fallback address may be of any of these services: each takes what it is sent, by its own rule, and shows it.

The rules are those of their documentation or source, at a real socket. What the real ones do that run here was tried by
hand: docs/decisions.md says which.
"""

import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from bot.webhook import Event, Webhook
from bot.webhook.body import GOOD, LONGEST, TITLES, body
from tests.domain.fleets import START

REASON = "Discord answered 403, code 50013: Missing Permissions"


class RefusedError(Exception):
    """What the service answers with 400, because of that field."""


@dataclass
class Request:
    """What was sent."""

    json: Any
    headers: Mapping[str, str]
    query: Mapping[str, str]
    text: str


@dataclass
class Shown:
    """What its user sees."""

    text: str
    title: str = ""
    urgent: bool = False
    mentions: bool = False
    """Whether people are mentioned."""


Rule = Callable[[Request], Shown]


def _text(fields: Mapping[str, Any], name: str, longest: int) -> str:
    text = fields.get(name)
    if not isinstance(text, str) or not text.strip() or len(text) > longest:
        raise RefusedError(name)
    return text


def slack(request: Request) -> Shown:
    """`no_text` without one; `<!channel>` and the like mention, as does a user's or a group's id."""
    text = _text(request.json, "text", 40_000)
    return Shown(text, mentions="<!" in text or "<@" in text)


def mattermost(request: Request) -> Shown:
    """Fields of another type than its own are refused: `server/public/model/incoming_webhook.go`."""
    kinds: dict[str, type] = {"username": str, "channel": str, "type": str, "props": dict, "priority": dict}
    kinds |= {"attachments": list, "icon_url": str, "icon_emoji": str}
    for name, kind in kinds.items():
        if not isinstance(request.json.get(name, kind()), kind):
            raise RefusedError(name)
    text = _text(request.json, "text", 16_383)
    return Shown(text, mentions=any(word in text for word in ("@channel", "@all", "@here")))


def discord(request: Request) -> Shown:
    """50006 without content; without `allowed_mentions` everything in it mentions."""
    text = _text(request.json, "content", 2_000)
    allowed = request.json.get("allowed_mentions", {"parse": ["everyone", "roles", "users"]})
    return Shown(text, mentions=bool(allowed["parse"]))


def gotify(request: Request) -> Shown:
    """`binding:"required"` is on the message: `model/message.go`."""
    name = "priority"
    if not isinstance(request.json.get(name, 0), int):
        raise RefusedError(name)
    return Shown(_text(request.json, "message", 10**6), _text(request.json, "title", 10**6))


def ntfy(request: Request) -> Shown:
    """The body as it is, or by a template; a header wins over the query. Longer bodies become a file."""
    asked = {name.lower().removeprefix("x-"): value for name, value in request.query.items()}
    asked |= {name.lower().removeprefix("x-"): value for name, value in request.headers.items()}
    longest = 4096
    if len(request.text.encode()) > longest:
        raise RefusedError(longest)
    if asked.get("template", asked.get("tpl", "")) not in {"yes", "1"}:
        return Shown(request.text)
    text, title = asked.get("message", asked.get("m", "")), asked.get("title", asked.get("t", ""))
    for name, value in request.json.items():
        text, title = (each.replace("{{." + name + "}}", str(value)) for each in (text, title))
    return Shown(text, title, urgent=asked.get("priority", asked.get("p")) in {"5", "max", "urgent"})


def apprise(request: Request) -> Shown:
    """`body` is required, `type` and `format` are words of its own."""
    if own := request.json.keys() & {"type", "format", "tag", "urls"}:
        raise RefusedError(own)
    return Shown(_text(request.json, "body", 32_768), request.json.get("title", ""))


SERVICES: Mapping[str, Rule] = {
    "slack": slack,
    "mattermost": mattermost,
    "discord": discord,
    "gotify": gotify,
    "ntfy": ntfy,
    "apprise": apprise,
}


@dataclass
class Service:
    """A receiver, and what its user has seen."""

    url: str
    shown: list[Shown] = field(default_factory=list)


@asynccontextmanager
async def receiving(rule: Rule, query: str = "", tls: ssl.SSLContext | None = None) -> AsyncIterator[Service]:
    """Serve one at a real socket, with TLS for `localhost` if that is given."""
    service = Service("")

    async def take(request: web.Request) -> web.Response:
        text = await request.text()
        assert request.content_type == "application/json"
        try:
            service.shown.append(rule(Request(json.loads(text), request.headers, request.query, text)))
        except RefusedError as error:
            return web.Response(status=400, text=f"refused: {error}")
        return web.Response(status=204)

    app = web.Application()
    app.router.add_post("/hooks/{secret}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
        scheme, host = ("https", "localhost") if tls else ("http", "127.0.0.1")
        service.url = f"{scheme}://{host}:{runner.addresses[0][1]}/hooks/s3cret-path{query}"
        yield service
    finally:
        await runner.cleanup()


def _told(shown: Shown, what: Event, reason: str) -> bool:
    return TITLES[what] in f"{shown.title} {shown.text}" and reason in shown.text


@pytest.mark.parametrize("what", Event)
@pytest.mark.parametrize("service", SERVICES)
async def test_each_service_takes_each_event_as_it_is_and_shows_what_it_is_and_why(service: str, what: Event) -> None:
    async with receiving(SERVICES[service]) as receiver:
        answer = await Webhook(receiver.url, lambda: START).post(what, REASON)
    assert answer.taken, answer.words
    (shown,) = receiver.shown
    assert _told(shown, what, REASON)


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("reason", ["x" * 5000, "🟢" * 5000, "@" * 5000, "", "a\nb"])
async def test_a_reason_of_any_length_is_taken(service: str, reason: str) -> None:
    async with receiving(SERVICES[service]) as receiver:
        answer = await Webhook(receiver.url, lambda: START).post(Event.TEST, reason)
    assert answer.taken, answer.words


MENTIONS = "@everyone @here @channel @all <!channel> <!here> <@U123> <@&1100000000000000301> <users/all>"


@pytest.mark.parametrize("service", ["slack", "mattermost", "discord"])
async def test_nobody_is_mentioned_by_what_somebody_else_wrote(service: str) -> None:
    async with receiving(SERVICES[service]) as receiver:
        await Webhook(receiver.url, lambda: START).post(Event.MESSAGE_REFUSED, MENTIONS)
    (shown,) = receiver.shown
    assert "channel" in shown.text
    assert not shown.mentions


@pytest.mark.parametrize("what", Event)
async def test_ntfy_wakes_for_bad_news_alone(what: Event) -> None:
    async with receiving(ntfy) as receiver:
        await Webhook(receiver.url, lambda: START).post(what, REASON)
    (shown,) = receiver.shown
    assert shown.title == TITLES[what]
    assert shown.text == REASON
    assert shown.urgent == (what not in GOOD)


async def test_an_address_that_says_how_ntfy_shows_it_is_heeded() -> None:
    async with receiving(ntfy, "?tpl=1&t=Bot&m={{.event}}&p=2") as receiver:
        await Webhook(receiver.url, lambda: START).post(Event.MESSAGE_REFUSED, REASON)
    assert receiver.shown == [Shown("message_refused", "Bot")]


@pytest.mark.parametrize(
    "query", ["?auth=QmVhcmVyIHRrX3Mz", "?tags=skull&icon=", "?email=ana@example.com", "?x-tags=a"]
)
async def test_an_address_that_says_something_else_to_ntfy_wakes_as_one_that_says_nothing(query: str) -> None:
    async with receiving(ntfy, query) as receiver:
        await Webhook(receiver.url, lambda: START).post(Event.DATABASE_AWAY, REASON)
    assert receiver.shown == [Shown(REASON, TITLES[Event.DATABASE_AWAY], urgent=True)]


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?p=2", Shown(REASON, TITLES[Event.DATABASE_AWAY])),
        ("?X-Priority=low", Shown(REASON, TITLES[Event.DATABASE_AWAY])),
        ("?t=Bot", Shown(REASON, "Bot", urgent=True)),
        ("?tpl=yes&m={{.event}}", Shown("database_away", urgent=True)),
    ],
)
async def test_what_an_address_says_to_ntfy_is_heeded_and_the_rest_said_beside_it(query: str, shown: Shown) -> None:
    async with receiving(ntfy, query) as receiver:
        await Webhook(receiver.url, lambda: START).post(Event.DATABASE_AWAY, REASON)
    assert receiver.shown == [shown]


def test_google_chat_which_refuses_what_it_does_not_know_gets_its_text_alone() -> None:
    url = "https://chat.googleapis.com/v1/spaces/AAAA/messages?key=k&token=t"
    fields = body(Event.OPS_CHANNEL_BLOCKED, REASON, START, url)
    assert fields == {"text": f"{TITLES[Event.OPS_CHANNEL_BLOCKED]}: {REASON}"}


def test_what_is_read_by_machines_stays_what_it_was() -> None:
    fields = body(Event.OPS_CHANNEL_BLOCKED, REASON, START, "https://pager.example/x")
    assert [fields[name] for name in ("event", "reason", "at")] == ["ops_channel_blocked", REASON, START.isoformat()]
    longer = "x" * (LONGEST + 1)
    assert body(Event.TEST, longer, START, "https://pager.example/x")["reason"] == f"{longer[:LONGEST]}…"


async def test_what_a_service_answers_is_known_without_what_opens_its_address() -> None:
    def echo(request: Request) -> Shown:
        words = f"nobody has s3cret-path, or {request.query['token']}"
        raise RefusedError(words)

    async with receiving(echo, "?token=k3y-of-mine") as receiver:
        answer = await Webhook(receiver.url, lambda: START).post(Event.TEST, REASON)
    assert not answer.taken
    assert answer.status == 400
    assert answer.words.startswith("refused: nobody has")
    assert "s3cret" not in answer.words
    assert "k3y" not in answer.words


async def test_a_secret_in_a_reason_is_not_sent() -> None:
    async with receiving(slack) as receiver:
        await Webhook(receiver.url, lambda: START, secrets=("hunter22",)).post(Event.TEST, "the password is hunter22")
    (shown,) = receiver.shown
    assert "hunter" not in shown.text
