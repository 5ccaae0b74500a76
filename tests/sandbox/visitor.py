"""Somebody who opens the demo's page in a browser."""

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from playwright.async_api import Locator, Page, async_playwright, expect
from playwright.async_api import TimeoutError as TooLateError

ROOT: Final = Path(__file__).parents[2]
CHROMIUM: Final = shutil.which("chromium")
QUIET: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
)
AT_ONCE: Final = 60_000
"""Milliseconds, a hundred times what the page takes to answer: a guard against hanging."""
IN_TIME: Final = 180_000
"""Milliseconds, a hundred times what the bot takes to tell: the same."""
MOMENT: Final = 2_000
"""Milliseconds until somebody tries a click again, which a list that has closed meanwhile did not get."""
PATIENCE: Final = 120.0
"""Seconds, dozens of times what the demo takes to start or end: the same."""


@dataclass(frozen=True, slots=True)
class Demo:
    """A running demo."""

    url: str
    process: asyncio.subprocess.Process

    def go_on(self) -> None:
        """Let the story go on, which stands still at some places, see `held_demo.HOLDS`."""
        self.process.send_signal(signal.SIGUSR1)


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[Demo]:
    """A demo, which afterwards must end as asked and without a complaint."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *command),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield Demo(await asyncio.wait_for(_printed_url(process), PATIENCE), process)
        process.send_signal(signal.SIGINT)
        _, complaints = await asyncio.wait_for(process.communicate(), PATIENCE)
        # A busy machine may keep it waiting for its disk.
        assert [line for line in complaints.decode().splitlines() if " bot.leader lease " not in line] == []
        assert process.returncode == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def _printed_url(demo: asyncio.subprocess.Process) -> str:
    assert demo.stdout is not None
    async for line in demo.stdout:
        if found := re.search(rb"http://127\.0\.0\.1:\d+/#\S+", line):
            return found[0].decode()
    assert demo.stderr is not None
    pytest.fail(f"the demo did not start: {(await demo.stderr.read()).decode()}")


@asynccontextmanager
async def opened(url: str, width: int = 540, height: int = 960) -> AsyncIterator[Page]:
    """The page on a screen of that size, in CSS pixels."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = await browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=2)
        page.set_default_timeout(AT_ONCE)
        expect.set_options(timeout=AT_ONCE)
        await page.goto(url)
        yield page
        await browser.close()


def message(page: Page, words: str) -> Locator:
    """The last message with those words."""
    return page.locator("article.channel-message").filter(has_text=words).last


async def told(page: Page, words: str) -> Locator:
    """The message with those words, once it is there; nothing is touched meanwhile."""
    found = message(page, words)
    await expect(found).to_be_visible(timeout=IN_TIME)
    return found


async def insist(there: Locator, *clicks: Locator) -> None:
    """Click these in turn, over and over, until that is there: whatever the page shows anew closes a list."""
    async with asyncio.timeout(PATIENCE):
        while not await there.count():
            with suppress(TooLateError):
                for each in clicks:
                    await each.click(timeout=MOMENT)


async def command(page: Page, name: str) -> None:
    """Pick a command as one does in Discord; what was written is gone once the page is shown to another viewer."""
    chosen = page.locator(".command-chip").get_by_text(f"/{name}", exact=True)
    async with asyncio.timeout(PATIENCE):
        while not await chosen.count():
            with suppress(TooLateError):
                await page.get_by_label("Message", exact=True).fill(f"/{name}", timeout=MOMENT)
                await page.locator(".command-popup").get_by_text(f"/{name}", exact=True).click(timeout=MOMENT)


async def send(page: Page) -> None:
    """Send the command."""
    await page.get_by_role("button", name="Send", exact=True).click()


async def option(page: Page, name: str, value: str) -> None:
    """Write an option of the command; what Discord does not ask for by itself is added to it first."""
    field = page.locator(f'.command-option-input[data-option="{name}"]')
    offered = page.locator(".command-suggestion").get_by_text(name, exact=True)
    await insist(field, page.locator(".command-ghost"), offered)
    await field.fill(value)


async def leave(page: Page) -> None:
    """Leave the command unsent; what is offered for an option may lie over the button."""
    close = page.locator(".command-context-close")
    async with asyncio.timeout(PATIENCE):
        while not await page.get_by_label("Message", exact=True).count():
            with suppress(TooLateError):
                await close.dispatch_event("click", timeout=MOMENT)
