"""`/tokens`: the whole fleet, worst first."""

from typing import Any

from discord import app_commands

from bot.chat.buttons import fleet_page
from bot.chat.desk import Asked
from bot.domain.model import Status


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return app_commands.Command(
        name="tokens", description="All tokens, worst first: how many work, and what is open", callback=_tokens
    )


@app_commands.describe(status="Show only tokens in this status")
@app_commands.choices(status=[app_commands.Choice(name=status.value, value=status.value) for status in Status])
async def _tokens(interaction: Asked, *, status: str | None = None) -> None:
    embed, view = fleet_page(interaction.client.desk, 0, Status(status) if status else None)
    await interaction.response.send_message(embed=embed, view=view, ephemeral=True)
