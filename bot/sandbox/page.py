"""The demo's page in the browser: simcord's preview, behind a door that makes it a place to stay in.

simcord made its preview for looking at one state of a test. The door (`opened`) adds what a guest needs:

* An action of the viewer and a refresh by the demo never overlap: simcord answers the later of the two with an error,
  and its page then waits for an outcome that never comes. Both take turns here.
* An action is sent with the page's present revision: simcord refuses one that was begun before the last refresh.
* "20 seconds ago" keeps counting: simcord writes it once.
* People that a card names are shown by name: simcord does so only in a message's text.
* The end of the channel stays in view until the viewer scrolls up: simcord keeps the message in view that was acted on.
* Suggestions appear when a field is entered, as they do in Discord: simcord waits for the first letter.
* The tools of a test author are out of sight, with their words; what is typed into a field can be read.
* All of it is on the screen of a phone: simcord lets what is written push *Send* off it.
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import ClientSession, web
from aiohttp.typedefs import Handler, Middleware
from yarl import URL

from bot.settings import SettingsError

_HEAD: Final = (
    b'<link rel="icon" href="/demo.svg"><link rel="stylesheet" href="/demo.css">'
    b'<script src="/demo.js" defer></script></head>'
)

_ICON: Final = """<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">
<circle cx="8" cy="8" r="8" fill="#5865f2"/><circle cx="8" cy="8" r="3" fill="#fff"/></svg>
"""

_STYLE: Final = """
.preview-brand, .session-menu, #messages-toggle, #messages-sidebar, #refresh, #capture-open, #inspector-toggle,
#back-activity, #view-action-output, .message-edited-compact,
[role="toolbar"][aria-label^="Actions for"] { display: none !important; }
.preview-toolbar { min-height: 0 !important; height: auto !important; }
#action-status:not([data-said]) { display: none !important; }
.command-option-input { min-width: 6ch; }
.channel-composer { grid-template-columns: minmax(0, 1fr); }
.command-context-text { white-space: normal !important; }
.command-pill { flex-wrap: wrap; }
.command-error { position: static !important; flex-basis: 100%; max-width: none !important; }
.viewer-control select { max-width: none !important; }
@media (max-width: 760px) {
  input, select, textarea { font-size: 16px !important; }
}
"""

# Of Discord's timestamp styles only the relative one has neither a comma, a colon nor a slash:
# https://docs.discord.com/developers/reference#message-formatting-timestamp-styles
_SCRIPT: Final = """
document.title = "#ops · demo";
const words = new Intl.RelativeTimeFormat("en-US", { numeric: "auto" });
const units = [["second", 60], ["minute", 60], ["hour", 24], ["day", 7], ["week", Infinity]];
function relative(amount) {
  for (const [unit, size] of units) {
    if (Math.abs(amount) < size) return words.format(Math.round(amount), unit);
    amount /= size;
  }
}
function count() {
  for (const time of document.querySelectorAll("time.discord-timestamp[datetime]")) {
    if (/[,:/]/.test(time.textContent)) continue;
    const text = relative((Date.parse(time.dateTime) - Date.now()) / 1000);
    if (time.textContent !== text) time.textContent = text;
  }
}
const channel = document.getElementById("channel-timeline");
function person(id) {
  const mention = document.createElement("span");
  mention.className = "mention";
  mention.textContent = `@${document.querySelector(`#viewer-picker option[value="${id}"]`)?.textContent ?? "unknown"}`;
  return mention;
}
function name() {
  const walker = document.createTreeWalker(channel, NodeFilter.SHOW_TEXT);
  const texts = [];
  while (walker.nextNode()) if (/<@\\d+>/.test(walker.currentNode.data)) texts.push(walker.currentNode);
  for (const text of texts)
    text.replaceWith(...text.data.split(/<@(\\d+)>/).map((part, index) => (index % 2 ? person(part) : part)));
}
const status = document.getElementById("action-status");
const said = {
  "Connection interrupted; trying again…": "The demo does not answer. Was it ended?",
  "Preview session ended.": "The demo was ended.",
  "Action was not completed.": "That was not done.",
  "Action outcome uncertain. It will not be retried.": "Whether that was done is not known. Load the page again.",
};
function translate() {
  const text = said[status.textContent] ?? (Object.values(said).includes(status.textContent) ? status.textContent : "");
  if (text && status.textContent !== text) status.textContent = text;
  status.toggleAttribute("data-said", text !== "");
}
new MutationObserver(translate).observe(status, { childList: true, characterData: true, subtree: true });
let following = true;
channel.addEventListener("wheel", ({ deltaY }) => { if (deltaY < 0) following = false; }, { passive: true });
channel.addEventListener("touchmove", () => { following = false; }, { passive: true });
channel.addEventListener("pointerdown", ({ target }) => { if (target === channel) following = false; });
channel.addEventListener("scroll", () => {
  if (channel.scrollHeight - channel.scrollTop - channel.clientHeight < 2) following = true;
});
function follow() { if (following) channel.scrollTop = channel.scrollHeight; }
function read() {
  count();
  name();
  follow();
}
new MutationObserver(read).observe(channel, { childList: true, characterData: true, subtree: true });
setInterval(count, 1000);
setInterval(follow, 200);
document.addEventListener("focusin", ({ target }) => {
  if (target.matches(".command-option-input[aria-autocomplete]") && !target.value)
    target.dispatchEvent(new Event("input", { bubbles: true }));
});
"""

_PASSED_ON: Final = ("Content-Type", "X-Simcord-Capability", "X-Simcord-Context")
"""Headers of a request that simcord looks at, less the two that name the place: it must see its own there."""
_PASSED_BACK: Final = ("Content-Type", "Content-Security-Policy", "Cache-Control", "Referrer-Policy", "X-Frame-Options")
HERE: Final = "127.0.0.1"
EVERYWHERE: Final = "0.0.0.0"  # noqa: S104 - only where somebody asks for it
_ELSEWHERE: Final = ("203.0.113.1", 9)
"""An address that no machine has. It is told nothing: the way to it begins at the address by which others come here."""
_LARGEST: Final = 26 << 20  # simcord takes forms with files up to this size


@dataclass(frozen=True, slots=True)
class Page:
    """Where the page is."""

    url: str
    visited: asyncio.Event
    """Set once somebody looks at it."""


class _State(msgspec.Struct, frozen=True):
    """What the door reads of the page's state."""

    revision: int = msgspec.field(name="publishedRevision")


@dataclass(frozen=True, slots=True)
class _Door:
    """Passes the browser's requests on to simcord."""

    inside: URL
    session: ClientSession
    turn: asyncio.Lock
    visited: asyncio.Event

    async def arrival(self, request: web.Request) -> web.Response:
        self.visited.set()
        return await self.anything(request)

    async def anything(self, request: web.Request) -> web.Response:
        return await self._ask(request, await request.read())

    async def action(self, request: web.Request) -> web.Response:
        body = await request.read()
        async with self.turn:
            return await self._ask(request, await self._current(request, body))

    async def _current(self, request: web.Request, action: bytes) -> bytes:
        """The action at the revision that the page has now; as it came when it is not one of this page."""
        async with self.session.get(self.inside / "api/state", headers=_chosen(request.headers, _PASSED_ON)) as answer:
            if not answer.ok or request.content_type != "application/json":
                return action
            state = msgspec.json.decode(await answer.read(), type=_State)
        return msgspec.json.encode(msgspec.json.decode(action) | {"published_revision": state.revision})

    async def _ask(self, request: web.Request, body: bytes) -> web.Response:
        headers = _chosen(request.headers, _PASSED_ON)
        where = self.inside.join(request.rel_url)
        async with self.session.request(request.method, where, data=body or None, headers=headers) as answer:
            content = await answer.read()
            if answer.content_type == "text/html":
                content = content.replace(b"</head>", _HEAD)
            return web.Response(status=answer.status, body=content, headers=_chosen(answer.headers, _PASSED_BACK))


def _chosen(headers: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _only_at(hosts: frozenset[str]) -> Middleware:
    """Refuse what a foreign page has the browser send here, under its own name or one that it gave this address."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.url.host not in hosts:
            raise web.HTTPForbidden
        if request.headers.get("Origin", str(request.url.origin())) != str(request.url.origin()):
            raise web.HTTPForbidden
        return await handler(request)

    return check


def _reached_at(host: str) -> str:
    """The address at which others find what is served at `host`."""
    if host != EVERYWHERE:
        return host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, contextlib.suppress(OSError):
        probe.connect(_ELSEWHERE)
        return str(probe.getsockname()[0])
    return HERE


def _text(content: str, content_type: str) -> Handler:
    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(text=content, content_type=content_type)

    return answer


async def _serve(runner: web.AppRunner, host: str, port: int) -> None:
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        try:
            await web.TCPSite(runner, host, 0).start()
        except OSError as error:
            problem = f"--host: nothing can be served at {host}, which must be an address of this machine"
            raise SettingsError((problem,)) from error


@asynccontextmanager
async def opened(preview: str, turn: asyncio.Lock, port: int, host: str = HERE) -> AsyncIterator[Page]:
    """Open the door to a preview.

    Args:
        preview: simcord's URL. Its fragment is the key to the page; it stays in the URL that is given.
        turn: held while an action of the viewer is under way; hold it to refresh.
        port: at `host`, if it is free; else, and for 0, another.
        host: an address of this machine, or `EVERYWHERE` for all of them.

    Raises:
        SettingsError: Nothing can be served at `host`.
    """
    url, found_at = URL(preview), _reached_at(host)
    async with ClientSession(auto_decompress=False) as session:
        door = _Door(url.origin(), session, turn, asyncio.Event())
        place = web.Application(
            middlewares=[_only_at(frozenset({HERE, "localhost", found_at}))], client_max_size=_LARGEST
        )
        place.add_routes(
            [
                web.get("/demo.css", _text(_STYLE, "text/css")),
                web.get("/demo.js", _text(_SCRIPT, "application/javascript")),
                web.get("/demo.svg", _text(_ICON, "image/svg+xml")),
                web.post("/api/pages", door.arrival),
                web.post("/api/action", door.action),
                web.route("*", "/{path:.*}", door.anything),
            ]
        )
        runner = web.AppRunner(place, access_log=None)
        await runner.setup()
        try:
            await _serve(runner, host, port)
            here = URL.build(scheme="http", host=found_at, port=runner.addresses[0][1], fragment=url.raw_fragment)
            yield Page(str(here), door.visited)
        finally:
            await runner.cleanup()
