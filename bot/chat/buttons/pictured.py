"""Answers with a picture: the text is there first, or with it where it comes at once, and without it where it does not.

A picture below a text moves nothing that somebody reads already, so it may come later; but one answer is calmer than
two, so the text waits a moment for it.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any, Final

import aiohttp
import discord

from bot.chat.charts.studio import DrawingError
from bot.chat.desk import DeskClient
from bot.chat.text import within
from bot.domain.value import Value

logger = logging.getLogger(__name__)

MOMENT: Final = timedelta(milliseconds=150)
"""How long a text waits for its picture: most take as long."""

FILE: Final = "chart.png"

COMING: Final = "-# The chart follows."
MISSING: Final = "-# The chart could not be drawn; the text has what it would show."

_TEXT_LIMIT = 2000
_ROOM = 100
"""For a line about the picture."""


class Illustrated(Value):
    """An answer and its picture."""

    svg: Callable[[], str]
    """Makes it; asked in a thread."""
    alt: str
    """The picture in words."""
    text: str = ""
    embed: discord.Embed | None = None
    """A card, which has the picture at its foot."""
    view: discord.ui.View | None = None


async def illustrate(interaction: discord.Interaction[DeskClient], answer: Illustrated) -> None:
    """Give an answer that was waited for, and its picture with it or after it."""
    drawing = asyncio.create_task(_drawn(interaction.client, answer), name="picture of an answer")
    try:
        if MOMENT:
            await asyncio.wait({drawing}, timeout=MOMENT.total_seconds())
        if not drawing.done():
            await _say(interaction, answer, COMING)
        picture = await drawing
    finally:
        drawing.cancel()
    if picture is not None:
        try:
            await _say(interaction, answer, "", picture)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            logger.warning("a picture was not taken by Discord: %s", error)
        else:
            return
    await _say(interaction, answer, MISSING)


async def _drawn(client: DeskClient, answer: Illustrated) -> bytes | None:
    try:
        return await client.studio.picture(await asyncio.to_thread(answer.svg))
    except DrawingError:
        return None  # the studio has said so in the log
    except Exception:  # an edge: what the text says is true all the same
        logger.exception("a picture could not be made")
        return None


async def _say(
    interaction: discord.Interaction[DeskClient], answer: Illustrated, note: str, picture: bytes | None = None
) -> None:
    files = [discord.File(BytesIO(picture), FILE, description=answer.alt)] if picture else []
    content: str | None = "\n".join(filter(None, [within(answer.text.splitlines(), _TEXT_LIMIT - _ROOM), note]))
    embeds: list[discord.Embed] = []
    if answer.embed is not None:
        card = answer.embed.copy()
        if picture:
            card.set_image(url=f"attachment://{FILE}")
        embeds = [card]
    options: dict[str, Any] = {"attachments": files, "embeds": embeds, "view": answer.view}
    await interaction.edit_original_response(content=content or None, **options)
