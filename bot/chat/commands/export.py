"""`/export`: what was read of tokens over time, as a file for a spreadsheet."""

from typing import Any

from discord import app_commands

from bot.chat.commands.options import command_of
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("export", "What was read over time, as a CSV file for a spreadsheet", Need.VIEW, _export)


@app_commands.rename(begin="from", end="to")
@app_commands.describe(
    token="One token",  # noqa: S106 - a number
    tokens="Several: ids and ranges, such as 1900-1906, 1911. Neither: all of them",
    begin="2026-11-01, 2026-11-01 08:00, today, yesterday, or how long ago: 7d. Default: 30 days ago",
    end="The same; a date is meant with all of its day. Default: now",
    share="Show it to everyone in this channel",
)
@app_commands.autocomplete(token=suggest)
async def _export(
    interaction: Asked,
    *,
    token: app_commands.Range[int, 0] | None = None,
    tokens: app_commands.Range[str, 1, 200] | None = None,
    begin: app_commands.Range[str, 1, 40] | None = None,
    end: app_commands.Range[str, 1, 40] | None = None,
    share: bool = False,
) -> None:
    await interaction.response.defer(ephemeral=not share, thinking=True)
    from bot.chat.commands import exporting  # noqa: PLC0415 - no start needs what does the work

    await exporting.export(interaction, token, tokens, begin, end, share=share)
