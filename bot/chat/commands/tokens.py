"""`/tokens`: the whole fleet, worst first."""

from typing import Any

from discord import app_commands

from bot.chat.buttons import fleet_page
from bot.chat.commands.options import command_of, group_named, suggest_group
from bot.chat.desk import Asked, Need
from bot.domain.model import Status


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("tokens", "All tokens, worst first: how many work, and what is open", Need.VIEW, _tokens)


@app_commands.describe(status="Show only tokens in this status", group="Show only tokens of this group")
@app_commands.choices(status=[app_commands.Choice(name=status.value, value=status.value) for status in Status])
@app_commands.autocomplete(group=suggest_group)
async def _tokens(interaction: Asked, *, status: str | None = None, group: str | None = None) -> None:
    chosen = group_named(interaction, group)
    embed, view = fleet_page(interaction.client.desk, 0, Status(status) if status else None, chosen)
    await interaction.response.send_message(embed=embed, view=view, ephemeral=True)
