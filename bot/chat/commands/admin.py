"""`/admin`: who did what with this bot."""

import re

from discord import app_commands

from bot.chat.cards import BLUE, compose
from bot.chat.desk import Asked, answer, wait
from bot.chat.text import plain, quoted, stamp
from bot.domain.steering import Entry

SHOWN = 20
WHAT = 160
"""How much of what it was about is shown, escapes included."""


def command() -> app_commands.Group:
    """A new instance, for one client."""
    group = app_commands.Group(name="admin", description="What people did with this bot")
    group.add_command(
        app_commands.Command(
            name="audit", description="Who acknowledged, silenced or set what; when; why", callback=_audit
        )
    )
    return group


async def _audit(interaction: Asked) -> None:
    await wait(interaction)
    entries = await interaction.client.desk.audit(SHOWN)
    title = "Nobody has done anything yet"
    if entries:
        title = f"Last {len(entries)} actions" if len(entries) > 1 else "Last action"
    await answer(interaction, embed=compose(title, map(_line, entries), BLUE))


def _line(entry: Entry) -> str:
    why = f" · {quoted(entry.reason, 120)}" if entry.reason else ""
    what = plain(entry.what.replace("_", " "), WHAT)
    if entry.act == "hand over":
        what = re.sub(r"^to (\d+)", r"to <@\1>", what)
    return f"{stamp(entry.at, 'f')} <@{entry.by}> **{plain(entry.act, 40)}** {what}{why}"
