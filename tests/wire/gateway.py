"""The websocket over which Discord tells a bot what happens: sessions that identify, beat, break and resume.

Source: docs.discord.com, "Gateway" and "Opcodes and status codes".
"""

import asyncio
import contextlib
import json
import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import Enum, IntEnum, auto

from aiohttp import WSMsgType, web

from tests.wire.changes import Changes
from tests.wire.limits import Json
from tests.wire.moment import loop_time

PRIVILEGED_INTENTS = 1 << 1 | 1 << 8 | 1 << 15
"""Members, presences, message content: this application was not granted any."""

REPLAYED = 1000
"""How many events of a session are kept for a resumption."""


class Mood(Enum):
    """How the gateway behaves towards connections."""

    WELL = auto()
    REFUSING = auto()
    """Answers 503 to whoever wants to connect."""
    SILENT = auto()
    """Takes connections and says nothing, not even hello."""
    DEAF = auto()
    """Works, but answers no heartbeat."""


class Op(IntEnum):
    """What a frame is."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class CloseCode(IntEnum):
    """Why Discord closes a connection."""

    GOING_AWAY = 1001
    UNKNOWN_ERROR = 4000
    AUTHENTICATION_FAILED = 4004
    DISALLOWED_INTENTS = 4014


@dataclass(eq=False, slots=True)
class Session:
    """What outlives a connection: its events, numbered, so that a bot that comes back misses none."""

    id: str
    socket: web.WebSocketResponse | None
    sequence: int = 0
    events: deque[Json] = field(default_factory=lambda: deque(maxlen=REPLAYED))

    async def dispatch(self, event: str, data: Json) -> None:
        """Number an event, keep it, and send it if somebody listens."""
        self.sequence += 1
        frame: Json = {"op": Op.DISPATCH, "t": event, "s": self.sequence, "d": data}
        self.events.append(frame)
        await self.send(frame)

    async def replay(self, after: int) -> None:
        """Send again what came after that number."""
        for frame in [frame for frame in self.events if frame["s"] > after]:
            await self.send(frame)

    async def send(self, frame: Json) -> None:
        """Send a frame, or drop it when the other side has gone."""
        if self.socket is not None and not self.socket.closed:
            with contextlib.suppress(ConnectionError):
                await self.socket.send_json(frame)


@dataclass(frozen=True, slots=True)
class Identify:
    """A session that was opened."""

    at: float
    """`time.monotonic()`, in seconds."""
    intents: int


class Gateway:
    """All sessions of the one bot, which may be several copies of one process.

    `token` is the bot's; `greeting` makes what a new session is told, the body of READY and the guilds; `changes` hears
    when something happened.
    """

    def __init__(self, token: str, greeting: Callable[[], tuple[Json, list[Json]]], changes: Changes) -> None:
        self.mood = Mood.WELL
        self.heartbeat_interval = 41.25
        """Seconds, as told to connections made from now on."""
        self.url = ""
        self.connects: list[float] = []
        """When connections were tried, as `time.monotonic()`."""
        self.identifies: list[Identify] = []
        self.resumes: list[float] = []
        """When sessions were resumed, as `time.monotonic()`."""
        self.frames: list[str] = []
        """Every frame that came from a bot; its token, which the protocol asks for, is left out."""
        self._token = token
        self._greeting = greeting
        self._sessions: dict[str, Session] = {}
        self._sockets: set[web.WebSocketResponse] = set()
        self._transports: set[asyncio.Transport] = set()
        self._changes = changes

    @property
    def connected(self) -> int:
        """How many sessions have a live connection."""
        return sum(session.socket is not None for session in self._sessions.values())

    async def dispatch(self, event: str, data: Json) -> None:
        """Tell every session of an event; those without a connection hear of it when they resume."""
        for session in list(self._sessions.values()):
            await session.dispatch(event, data)

    async def close(self, code: int = CloseCode.UNKNOWN_ERROR, *, resumable: bool = True) -> None:
        """Close every connection with a code; without `resumable` their sessions end too."""
        for session in self._sessions.values():
            session.socket = None
        if not resumable:
            self._sessions.clear()
        await asyncio.gather(*(socket.close(code=code) for socket in list(self._sockets)))

    @contextlib.contextmanager
    def out_of_reach(self) -> Iterator[None]:
        """Meanwhile nothing arrives from those who are connected, and nobody tells them."""
        lost = list(self._transports)
        for transport in lost:
            transport.pause_reading()
        try:
            yield
        finally:
            for transport in lost:
                transport.resume_reading()

    async def ask_to_reconnect(self) -> None:
        """Ask every connection to come back, as Discord does before it restarts a server."""
        for session in list(self._sessions.values()):
            await session.send({"op": Op.RECONNECT, "d": None})

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One connection, from the upgrade to its end."""
        self.connects.append(loop_time())
        await self._changes.tell()
        if self.mood is Mood.REFUSING:
            return web.Response(status=503)
        socket = web.WebSocketResponse(timeout=0.5)
        try:
            with contextlib.suppress(ConnectionError):  # whoever asked may have gone
                await socket.prepare(request)
                assert request.transport is not None
                self._transports.add(request.transport)
                self._sockets.add(socket)
                await self._converse(socket)
        finally:
            self._sockets.discard(socket)
            self._transports -= {request.transport}
            await self._part(socket)
        return socket

    async def _converse(self, socket: web.WebSocketResponse) -> None:
        if self.mood is not Mood.SILENT:
            await socket.send_json({"op": Op.HELLO, "d": {"heartbeat_interval": int(self.heartbeat_interval * 1000)}})
        answers = {Op.HEARTBEAT: self._beat, Op.IDENTIFY: self._identify, Op.RESUME: self._resume}
        async for message in socket:
            if message.type is not WSMsgType.TEXT or self.mood is Mood.SILENT:
                continue
            frame = json.loads(message.data)
            self._keep(frame)
            answer = answers.get(frame["op"])
            if answer is not None:
                await answer(socket, frame["d"])
                await self._changes.tell()

    def _keep(self, frame: Json) -> None:
        data = frame["d"]
        shown = {key: value for key, value in data.items() if key != "token"} if isinstance(data, dict) else data
        self.frames.append(json.dumps({**frame, "d": shown}))

    async def _part(self, socket: web.WebSocketResponse) -> None:
        ended_by_bot = socket.close_code in {1000, 1001}
        for session in [session for session in self._sessions.values() if session.socket is socket]:
            session.socket = None
            if ended_by_bot:
                self._sessions.pop(session.id, None)
        await self._changes.tell()

    async def _beat(self, socket: web.WebSocketResponse, _: object) -> None:
        if self.mood is not Mood.DEAF:
            await socket.send_json({"op": Op.HEARTBEAT_ACK})

    async def _identify(self, socket: web.WebSocketResponse, data: Json) -> None:
        if data["token"] != self._token:
            await socket.close(code=CloseCode.AUTHENTICATION_FAILED)
        elif data["intents"] & PRIVILEGED_INTENTS:
            await socket.close(code=CloseCode.DISALLOWED_INTENTS)
        else:
            session = Session(secrets.token_hex(8), socket)
            self._sessions[session.id] = session
            ready, guilds = self._greeting()
            await session.dispatch("READY", {**ready, "session_id": session.id, "resume_gateway_url": self.url})
            for guild in guilds:
                await session.dispatch("GUILD_CREATE", guild)
            self.identifies.append(Identify(loop_time(), data["intents"]))

    async def _resume(self, socket: web.WebSocketResponse, data: Json) -> None:
        session = self._sessions.get(data["session_id"])
        if session is None or data["token"] != self._token:
            await socket.send_json({"op": Op.INVALID_SESSION, "d": False})
            return
        session.socket = socket
        await session.replay(after=data["seq"] or 0)
        await session.dispatch("RESUMED", {})
        self.resumes.append(loop_time())
