"""The pictures of what looks back and ahead, and of acts, by the demo in a browser: `python -m tests.sandbox.gallery`.

They are no part of a test, as the story takes its time. They are kept in `artifacts/`, as on a phone of 390 pixels and
on a screen of 1280; `make pictures` copies those that `docs/` has.
"""

import asyncio
import signal
import sys
from collections.abc import Mapping
from datetime import timedelta

from playwright.async_api import FloatRect, Locator, Page, expect

from bot import term
from bot.sandbox import demo
from bot.sandbox.imaginepro.jobs import identity
from tests.sandbox.visitor import PATIENCE, ROOT, Demo, command, insist, message, opened, option, running, send, told
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


async def asked(page: Page, name: str, /, **options: str) -> None:
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


async def called(page: Page, name: str, /, **people: str) -> None:
    """Send a command that is about people."""
    await command(page, name)
    for each, who in people.items():
        field = page.locator(f'.command-option-input[data-option="{each}"]')
        await insist(field, page.locator(".command-ghost"), page.locator(".command-suggestion").get_by_text(each))
        await insist(page.locator(".command-mention").get_by_text(who), field, person(page, who))
    await send(page)


def person(page: Page, who: str) -> Locator:
    """Somebody who is suggested."""
    return page.locator(".command-suggestion").filter(has_text=who).first


async def answered() -> None:
    """Name a token, set a rota, and answer a ban together."""
    async with (
        running("tests.sandbox.elsewhere") as place,
        opened(place.url, 1280, 2400) as page,
        opened(place.url, 390, 2400) as phone,
    ):
        both = {"": page, "-phone": phone}
        await told(page, "Token 1901 has 19")
        await asked(page, "name", token="1906", label="ana's second")
        await asked(page, "group set", name="studio", tokens="1900-1903, 1906")
        await called(page, "oncall set", first="operator", second="ana")
        await picture("shift", "Open now:", both)
        for end, each in both.items():  # the answers are for whoever asked
            await asked(each, "tokens", group="studio")
            await picture("groups", "studio", {end: each})
            await asked(each, "oncall now")
            await picture("oncall", "📟 On call", {end: each})
            await asked(each, "notify me", group="studio")
            await picture("notify", "direct message", {end: each})
        place.go_on()
        banned = await told(page, "is BANNED")
        await picture("page-oncall", "is BANNED", both)
        for end, each in both.items():
            form = each.locator("#modal-root .modal-field")
            await insist(form, message(each, "is BANNED").get_by_role("button", name="Note"))
            await form.locator("textarea").fill("Appeal sent: both of us were logged in again.")
            await asyncio.sleep(SETTLED)
            dialog = each.locator("#modal-root [role=dialog]")
            await dialog.screenshot(path=PICTURES / f"note{end}.png", scale="css")
            if each is page:
                await each.keyboard.press("Escape")
        await phone.locator("#modal-root").get_by_role("button", name="Submit").click()
        await picture("noted", "Appeal sent", both)
        await banned.get_by_role("button", name="Acknowledge").click()
        await told(page, "is yours")
        await insist(message(page, "Go on in"), message(page, "Appeal sent").get_by_role("button", name="Discuss"))
        await picture("discuss", "Go on in", {"": page})
        await message(page, "Appeal sent").get_by_role("button", name="Release").click()
        await asyncio.sleep(2 * SETTLED)
        await looked(place, "thread", "direct")


async def looked(place: Demo, *names: str) -> None:
    """Keep what is beside the channel."""
    place.process.send_signal(signal.SIGUSR2)
    assert place.process.stdout is not None
    for name in names:
        url = ""
        while not url.startswith("http"):  # past the rest of the welcome
            url = (await asyncio.wait_for(place.process.stdout.readline(), PATIENCE)).decode()
        for end, width in (("", 1280), ("-phone", 390)):
            async with opened(url, width, 1600) as page:
                await expect(page.locator("article.channel-message").last).to_be_visible()
                await asyncio.sleep(2 * SETTLED)
                box = await page.locator("article.channel-message").last.bounding_box()
                assert box is not None
                clip: FloatRect = {"x": 0, "y": 0, "width": min(width, WIDEST), "height": box["y"] + box["height"] + 8}
                await page.screenshot(path=PICTURES / f"{name}{end}.png", clip=clip, scale="css")


async def posted() -> None:
    """A forum as the ops channel."""
    async with running("tests.sandbox.elsewhere", "forum") as place, opened(place.url, 1280, 2400):
        await asyncio.sleep(20)
        place.go_on()
        await asyncio.sleep(10)
        await looked(place, "forum")


STORIES = {"visited": visited, "acted": acted, "answered": answered, "posted": posted}


async def both(*names: str) -> None:
    """All pictures, or those of these stories."""
    PICTURES.mkdir(exist_ok=True)
    for each in names or STORIES:
        await STORIES[each]()


if __name__ == "__main__":
    asyncio.run(played() if sys.argv[1:] == ["demo"] else both(*sys.argv[1:]))
