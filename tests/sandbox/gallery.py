"""The pictures of what looks back and ahead, and of acts, by the demo in a browser: `python -m tests.sandbox.gallery`.

They are no part of a test, as the story takes its time. They are kept in `artifacts/`, as on a phone of 390 pixels and
on a screen of 1280; `make pictures` copies those that `docs/` has.
"""

import asyncio
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta

from playwright.async_api import FloatRect, Page

from bot import term
from bot.sandbox import demo
from bot.sandbox.imaginepro.jobs import identity
from tests.sandbox.visitor import ROOT, command, insist, message, opened, option, running, send, told
from tests.wire import launch

PICTURES = ROOT / "artifacts"

WIDEST = 880
"""CSS pixels of a picture."""

WIDER = 1080
"""Of one whose text has no card around it, which would break its lines."""

SETTLED = 1.5
"""Seconds until a page has drawn what it was told."""

FASTER = 2
"""How much faster than a visitor's the story goes."""


async def played() -> None:
    """Serve the demo until SIGINT, with looks ahead that are seconds apart."""
    term.FORECAST, term.FIRST_FORECAST = timedelta(seconds=3), timedelta(seconds=1)
    launch.poll(0.25)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGINT, stop.set)
    await demo.run(stop, sleep=lambda seconds: asyncio.sleep(seconds / FASTER))


DRAWN = "message => [...message.querySelectorAll('img')].every((each) => each.complete && each.naturalWidth)"
"""Whether all that a message shows is there."""


async def picture(name: str, words: str, pages: Mapping[str, Page], widest: int = WIDEST) -> None:
    """Keep a message, as a phone shows it and as a computer does: less of that, as most of a line is empty there."""
    for end, page in pages.items():
        shown = await told(page, words)
        await shown.scroll_into_view_if_needed()
        await page.mouse.move(0, 0)
        await asyncio.sleep(SETTLED)
        while not await shown.evaluate(DRAWN):
            await page.reload()
            await asyncio.sleep(SETTLED)
        # Something may have come meanwhile, after which the page slides.
        await shown.evaluate("message => message.scrollIntoView({block: 'center', behavior: 'instant'})")
        await asyncio.sleep(SETTLED)
        box = await shown.bounding_box()
        assert box is not None
        clip: FloatRect = {**box, "width": min(box["width"], widest)}
        await page.screenshot(path=PICTURES / f"{name}{end}.png", clip=clip, scale="css")


async def asked(page: Page, name: str, **options: str) -> None:
    """Send a command."""
    await command(page, name)
    for each, value in options.items():
        await option(page, each, value)
    await send(page)


async def visited() -> None:
    """Look back and ahead, on a computer and on a phone."""
    async with (
        running("tests.sandbox.gallery", "demo") as place,
        opened(place.url, 1280, 2400) as page,
        opened(place.url, 390, 2400) as phone,
    ):
        both = {"": page, "-phone": phone}
        await picture("does-not-last", "Token 1903 does not last", both)
        await picture("digest", "Daily digest", both)
        banned = await told(page, "Token 1906 is BANNED")
        await told(page, "Token 1903 is FAST again")  # before that it takes no jobs, and nobody says whether it lasts
        for end, each in both.items():  # the answer is for whoever asked
            await asked(each, "history", token="1903", range="30d")
            await picture("history", "of fast time in the last 30 days", {end: each}, WIDER)
            await asked(each, "report week")
            await picture("report", "last week", {end: each})
        await asked(page, "board here")
        await picture("board", "Next refills", both)
        await banned.get_by_role("button", name="Acknowledge").click()
        await picture("burning-fast", "of fast time in an hour", both)


async def acted() -> None:
    """Ask for what is read only when asked, and switch off what is banned, from its card."""
    async with (
        running("tests.sandbox.gallery", "demo") as place,
        opened(place.url, 1280, 2400) as page,
        opened(place.url, 390, 2400) as phone,
    ):
        both = {"": page, "-phone": phone}
        await told(page, "Daily digest")
        await asked(phone, "job probe", token="1900")
        question = await told(phone, "Make one image")
        await insist(message(phone, "Jobs run on"), question.get_by_role("button", name="Make one image"))
        for end, each in both.items():  # the answers are for whoever asked
            mine = {end: each}
            await asked(each, "account")
            await picture("account", "credits of this period left", mine)
            await asked(each, "admin doctor")
            await picture("doctor", "to mend", mine)
            await asked(each, "job trace", message_id=identity(0))
            await picture("trace", "ran on", mine)
            banned = await told(each, "Token 1906 is BANNED")
            await insist(message(each, "Switch token 1906 off?"), banned.get_by_role("button", name="Switch off"))
            await picture("confirmation", "Switch token 1906 off?", mine)
        question = await told(phone, "Switch token 1906 off?")
        await question.get_by_role("button", name="Switch off 1906").click()
        await picture("act", "It was BANNED, and FAST before that", both)


async def both() -> None:
    """All pictures, of two stories."""
    PICTURES.mkdir(exist_ok=True)
    await visited()
    await acted()


if __name__ == "__main__":
    asyncio.run(played() if sys.argv[1:] == ["demo"] else both())
