"""The demo in a browser: somebody opens the page, watches, and asks.

Its pictures are kept in `artifacts/`; those of the README are copies of them.
"""

import re
from contextlib import suppress
from typing import Final

import pytest
from aiohttp import ClientSession
from playwright.async_api import FloatRect, Locator, Page, expect
from playwright.async_api import TimeoutError as TooLateError

from tests.sandbox.visitor import CHROMIUM, MOMENT, ROOT, Demo, command, insist, opened, option, running, send, told

PICTURES: Final = ROOT / "artifacts"

pytestmark = pytest.mark.long


async def picture(name: str, of: Page | Locator) -> None:
    """Keep a picture, without what shows up under the pointer."""
    PICTURES.mkdir(exist_ok=True)
    await (of if isinstance(of, Page) else of.page).mouse.move(0, 0)
    await of.screenshot(path=PICTURES / f"{name}.png")


async def picture_of_menu(name: str, menu: Locator) -> None:
    """Open a menu and keep a picture of it: its list lies over what is above it."""
    listed = menu.page.get_by_role("listbox").filter(visible=True)
    options = below = None
    while options is None or below is None:
        await insist(listed, menu)
        with suppress(TooLateError):  # whatever the page shows anew has closed it, or makes the menu itself anew
            options = await listed.bounding_box(timeout=MOMENT)
            below = await menu.bounding_box(timeout=MOMENT)
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
        await told(page, "Daily digest")
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
        await told(page, "Token 1903 is FAST again")
        await picture("page", page)

        await command(page, "tokens")
        await send(page)
        await picture("fleet", await told(page, "needs a person"))

        await _look_as_others(page)
        await _see_refusals(page)

        banned = await told(page, "Token 1906 is BANNED")
        await expect(banned).to_contain_text("@oncall")
        await banned.get_by_role("button", name="Acknowledge").click()
        await told(page, "Token 1906 is yours. No reminders unless it gets worse.")
        await expect(banned).to_contain_text("acknowledged by @operator")
        await expect(banned.get_by_role("button", name="Acknowledge")).to_have_count(0)
        await picture("acknowledged", banned)

        await banned.get_by_role("button", name="Details").click()
        await told(page, "Token 1906 · not working, BANNED")

        await banned.get_by_role("button", name="Silence").click()
        await told(page, "Silence the ban of token 1906:")
        menu = page.get_by_role("combobox", name="For how long?")
        await picture_of_menu("silence", menu)
        chosen = page.get_by_role("option", name="until it is resolved")
        if not await chosen.count():
            await insist(chosen, menu)
        await chosen.click()
        await told(page, "Silenced: the ban of token 1906")
        await expect(banned).to_contain_text("silenced by @operator")
        await picture("silenced", await told(page, "Open, and silenced now"))
        demo.go_on()
        await _see_all_well_again(page, demo)


async def _look_as_others(page: Page) -> None:
    """A viewer may not act, and a guest not look; then it is the operator again."""
    await page.get_by_label("Viewing as").select_option("viewer")
    await command(page, "refresh")
    await option(page, "token", "1900")
    await send(page)
    await told(page, "You may look at everything. Only members with the operator role can do this.")

    await page.get_by_label("Viewing as").select_option("guest")
    await command(page, "tokens")
    await send(page)
    await told(page, "Only members with the viewer role, or with the operator role, can use this bot.")
    await page.get_by_label("Viewing as").select_option("operator")


async def _see_refusals(page: Page) -> None:
    """Ask for what cannot be; it is an answer, and no error of the page."""
    for name, given, words in (
        ("rules set", {"rule": "pool", "threshold": "lots"}, "“lots” cannot be set"),
        ("silence add", {"length": "4h"}, "Nothing was silenced."),
        ("maintenance add", {"start": "tomorrow", "length": "2h"}, "Write the start as"),
    ):
        await command(page, name)
        for each, value in given.items():
            await option(page, each, value)
        await send(page)
        await told(page, words)
        await expect(page.locator(".command-chip")).to_have_count(0)
        await expect(page.locator("#action-status")).to_be_hidden()


async def _see_all_well_again(page: Page, demo: Demo) -> None:
    """From the group on to the end of the story."""
    await picture("group", await told(page, "3 tokens are VERIFYING"))
    demo.go_on()
    await told(page, "ImaginePro cannot be read")
    demo.go_on()
    await picture("silence-over", await told(page, "A silence is over"))
    await told(page, "ImaginePro can be read again")
    await told(page, "Token 1906 is FAST again")
