"""The demo in a browser: somebody opens the page, watches, and asks.

Its pictures are kept in `artifacts/`; those of the README are copies of them.
"""

import asyncio
import re
import shutil
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest
from aiohttp import ClientSession
from playwright.async_api import FloatRect, Locator, Page, async_playwright, expect

ROOT: Final = Path(__file__).parents[2]
PICTURES: Final = ROOT / "artifacts"
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
PATIENCE: Final = 120.0
"""Seconds, dozens of times what the demo takes to start or end: the same."""

pytestmark = pytest.mark.long


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
async def opened(url: str) -> AsyncIterator[Page]:
    """The page on a screen as wide as a phone's."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        page = await browser.new_page(viewport={"width": 540, "height": 960}, device_scale_factor=2)
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


async def command(page: Page, name: str) -> None:
    """Pick a command as one does in Discord."""
    await page.get_by_label("Message", exact=True).click()
    await page.keyboard.type(f"/{name}")
    await page.locator(".command-popup").get_by_text(f"/{name}", exact=True).click()


async def send(page: Page) -> None:
    """Send the command."""
    await page.get_by_role("button", name="Send", exact=True).click()


async def picture(name: str, of: Page | Locator) -> None:
    """Keep a picture, without what shows up under the pointer."""
    PICTURES.mkdir(exist_ok=True)
    await (of if isinstance(of, Page) else of.page).mouse.move(0, 0)
    await of.screenshot(path=PICTURES / f"{name}.png")


async def picture_of_menu(name: str, menu: Locator) -> None:
    """Keep a picture of an open menu: its list lies over what is above it."""
    options = await menu.page.get_by_role("listbox").filter(visible=True).bounding_box()
    below = await menu.bounding_box()
    assert options
    assert below
    clip: FloatRect = {**options, "height": below["y"] + below["height"] - options["y"]}
    await menu.page.screenshot(path=PICTURES / f"{name}.png", clip=clip)


async def test_the_command_serves_a_page_and_ends_when_asked() -> None:
    async with running("bot", "demo", "--port", "0") as demo, ClientSession() as session, session.get(demo.url) as page:
        assert page.status == 200
        assert "SimCord" in await page.text()


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine")
async def test_a_visitor_is_told_what_happens_asks_and_acts_by_the_buttons_under_the_cards() -> None:
    """One visit for all, since a browser takes long to start."""
    async with running("tests.sandbox.held_demo") as demo, opened(demo.url) as page:
        await told(page, "Now watching 9 tokens")
        await told(page, "Token 1903 is VERIFYING")
        await told(page, "Token 1901 has 19")

        await command(page, "token")
        await page.locator(".command-suggestion").filter(has_text="1900").click()
        await send(page)
        card = await told(page, "Token 1900 · working, FAST")
        await picture("card", card)

        age = card.locator("time.discord-timestamp").last
        await expect(age).to_have_text(re.compile(r"([2-9]|\d\d) seconds ago"))
        read = await age.get_attribute("datetime")
        await card.get_by_role("button", name="Refresh").click()
        await expect(age).not_to_have_attribute("datetime", str(read))

        demo.go_on()
        await picture("alert", await told(page, "Token 1906 is BANNED"))
        demo.go_on()
        await told(page, "Token 1903 is FAST again")
        await picture("page", page)

        await command(page, "tokens")
        await send(page)
        await picture("fleet", await told(page, "needs a person"))

        await page.get_by_label("Viewing as").select_option("guest")
        await command(page, "tokens")
        await send(page)
        await told(page, "Only members with the operator role can use this bot.")
        await page.get_by_label("Viewing as").select_option("operator")

        banned = await told(page, "Token 1906 is BANNED")
        await banned.get_by_role("button", name="Acknowledge").click()
        await told(page, "Token 1906 is yours. No reminders unless it gets worse.")
        await expect(banned).to_contain_text("acknowledged by @operator")
        await expect(banned.get_by_role("button", name="Acknowledge")).to_have_count(0)
        await picture("acknowledged", banned)

        await banned.get_by_role("button", name="Details").click()
        await told(page, "Token 1906 · not working, BANNED")

        await banned.get_by_role("button", name="Silence").click()
        await told(page, "Silence banned of token 1906:")
        menu = page.get_by_role("combobox", name="For how long?")
        await menu.click()
        await picture_of_menu("silence", menu)
        await page.get_by_role("option", name="until it is resolved").click()
        await told(page, "Silenced: banned of token 1906")
        await expect(banned).to_contain_text("silenced by @operator")
        await picture("silenced", await told(page, "Open, and silenced now"))
        demo.go_on()
        await _see_all_well_again(page, demo)


async def _see_all_well_again(page: Page, demo: Demo) -> None:
    """From the group on to the end of the story."""
    await picture("group", await told(page, "3 tokens are VERIFYING"))
    demo.go_on()
    await told(page, "ImaginePro cannot be read")
    demo.go_on()
    await picture("silence-over", await told(page, "A silence is over"))
    await told(page, "ImaginePro can be read again")
    await told(page, "Token 1906 is FAST again")
