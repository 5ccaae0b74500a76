"""A small HTTP proxy on a real socket: it tunnels what is secret, passes on the rest, and knows what it was asked."""

import asyncio
import contextlib
import ssl
from base64 import b64decode
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass
class Proxy:
    """What it does, and has seen."""

    credentials: str = ""
    """User and password, with a colon between, without which it lets nobody through; empty for none."""
    tls: ssl.SSLContext | None = None
    """With which it speaks itself, whatever it carries."""
    status: int | None = None
    """What it answers to everybody, instead of letting anybody through."""
    port: int = 0
    asked: list[str] = field(default_factory=list)
    """The method and the address of each request; of a tunnel, only where to."""
    heads: list[str] = field(default_factory=list)
    """All that was said to the proxy itself, and so to whoever listens."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"https://localhost:{self.port}" if self.tls else f"http://127.0.0.1:{self.port}"

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["Proxy"]:
        """Listen, for as long as the context is open."""
        talks: set[asyncio.Task[None]] = set()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.add(asyncio.create_task(self._serve(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=self.tls)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for talk in talks:
                talk.cancel()
            await asyncio.gather(*talks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            lines = head.split("\r\n")
            method, address, _ = lines[0].split(" ")
            self.asked.append(f"{method} {address}")
            self.heads.append(head)
            if self.status is not None or self._given(lines) != self.credentials:
                writer.write(f"HTTP/1.1 {self.status or 407} No\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
                return
            there = urlsplit(f"//{address}" if method == "CONNECT" else address)
            onward = await asyncio.open_connection(there.hostname, there.port or 80)
            with contextlib.closing(onward[1]):
                if method == "CONNECT":
                    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    onward[1].write("\r\n".join(_passed_on(method, there.path, there.query, lines[1:])).encode())
                await _piped((reader, writer), onward)

    def _given(self, lines: list[str]) -> str:
        said = [line.partition(" Basic ")[2] for line in lines if line.lower().startswith("proxy-authorization:")]
        return b64decode(said[0]).decode() if said else ""


def _passed_on(method: str, path: str, query: str, lines: list[str]) -> list[str]:
    """The head as the server wants it. One connection is for one request, unless that makes it something else."""
    upgrade = any(line.lower().startswith("upgrade:") for line in lines)
    kept = [line for line in lines if not line.lower().startswith("proxy-authorization:")]
    first = f"{method} {path}{'?' if query else ''}{query} HTTP/1.1"
    return [first, *kept] if upgrade else [first, "Connection: close", *kept]


Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _piped(here: Ends, there: Ends) -> None:
    """Carry what comes, both ways, until either end has had enough."""

    async def carry(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while chunk := await source.read(2**16):
            target.write(chunk)
            await target.drain()

    ways = {asyncio.create_task(carry(here[0], there[1])), asyncio.create_task(carry(there[0], here[1]))}
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)
