"""The page on a phone: whatever somebody writes, *Send* is on the screen, and nothing lies off it."""

from typing import Final

import pytest
from discord import app_commands
from playwright.async_api import Page, expect

from bot.chat.tree import COMMANDS, leaves
from tests.sandbox.visitor import CHROMIUM, command, leave, opened, option, running, told

SIZES: Final = ((360, 640), (390, 844), (1280, 900))
"""Of small and of usual phones, and of a computer, in CSS pixels."""
LONG: Final = "what somebody writes may well be as long as this"

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this machine"),
]


async def check(page: Page, when: str) -> None:
    """Everything is on the screen."""
    send = page.get_by_role("button", name="Send", exact=True)
    await expect(send, when).to_be_in_viewport(ratio=1)
    wide, off = await page.evaluate(OFF_THE_SCREEN)
    assert wide <= 0, f"{when}: the page slides sideways by {wide} pixels"
    assert not off, f"{when}: off the screen: {off}"


OFF_THE_SCREEN: Final = """() => [
  document.documentElement.scrollWidth - innerWidth,
  [...document.querySelectorAll("#channel-composer *, .channel-message *, #toolbar *")]
    .filter((each) => {
      const { left, right, width, height } = each.getBoundingClientRect();
      return width && height && each.checkVisibility() && (left < -0.5 || right > innerWidth + 0.5);
    })
    .map((each) => `${each.tagName}.${each.className}: ${each.textContent.slice(0, 40)}`),
]"""
"""By how many pixels the page is too wide, and what is seen of what lies beside it."""


@pytest.mark.parametrize(("width", "height"), SIZES)
async def test_every_command_can_be_sent_whatever_is_in_the_composer(width: int, height: int) -> None:
    async with running("tests.sandbox.held_demo") as demo, opened(demo.url, width, height) as page:
        await told(page, "Token 1901 has 19")  # and no other message comes, which would close a list that is open
        await check(page, "at first")
        for each in (leaf for make in COMMANDS for leaf in leaves(make())):
            if isinstance(each, app_commands.ContextMenu):
                continue  # the page has no place for one
            name = each.qualified_name
            await command(page, name)
            await check(page, f"/{name}")
            for parameter in each.parameters:
                await option(page, parameter.display_name, LONG)
                await check(page, f"/{name} {parameter.display_name}")
            await leave(page)
