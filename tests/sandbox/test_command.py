"""`python -m bot demo` where it cannot be as it should."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
"""Seconds, dozens of times what a process takes to start or end: a guard against hanging."""

WITHOUT_THE_EXTRA = "import sys; sys.modules['simcord'] = None"
WITHOUT_SIGNALS_IN_THE_LOOP = "import asyncio; del asyncio.SelectorEventLoop.add_signal_handler"
"""As on Windows, where it raises NotImplementedError."""


async def demo(*arguments: str, first: str = "") -> asyncio.subprocess.Process:
    """The demo in a process of its own, in which something is done first."""
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", f"{first}\nfrom bot.__main__ import main; main({['demo', *arguments]!r})"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_without_its_extra_it_says_how_to_install_it() -> None:
    process = await demo(first=WITHOUT_THE_EXTRA)
    _, complaint = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert "pip install 'imaginepro-bot[demo]', or make demo" in complaint.decode()
    assert "Traceback" not in complaint.decode()
    assert process.returncode == 78


@pytest.mark.parametrize("port", ["99999", "-1", "http", "", "٨٧٦٥"])
async def test_what_is_no_port_is_refused(port: str) -> None:
    process = await demo(f"--port={port}")
    _, complaint = await asyncio.wait_for(process.communicate(), PATIENCE)
    assert f"argument --port: {port} is no port: write a number from 0 to 65535" in complaint.decode()
    assert "Traceback" not in complaint.decode()
    assert process.returncode == 2


async def test_it_ends_when_asked_where_the_event_loop_takes_no_signals() -> None:
    process = await demo("--port=0", first=WITHOUT_SIGNALS_IN_THE_LOOP)
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        while b"Ctrl-C ends it" not in await process.stdout.readline():
            assert not process.stdout.at_eof()
    process.send_signal(signal.SIGINT)
    await asyncio.wait_for(process.communicate(), PATIENCE)
    assert process.returncode == 0
