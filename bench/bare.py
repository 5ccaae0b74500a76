"""The least that any bot on discord.py is: it goes online with the settings of ours, and answers `/ping`."""

import os

import discord
import yarl
from discord import app_commands
from discord.gateway import DiscordWebSocket
from discord.http import Route


class Bare(discord.Client):
    """A client with one command, which is registered in one server."""

    def __init__(self, guild_id: int) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
        )
        self.home = discord.Object(guild_id)
        self.tree = app_commands.CommandTree(self)

    async def on_connect(self) -> None:
        """Register the command once there is a session, as our bot does."""
        await self.tree.sync(guild=self.home)


def main() -> None:
    """Go online at the Discord that the environment names."""
    environment = os.environ  # noqa: TID251 - a composition root
    Route.BASE = environment["FAKE_DISCORD_API"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(environment["FAKE_DISCORD_GATEWAY"])
    client = Bare(int(environment["DISCORD_GUILD_ID"]))

    @client.tree.command(guild=client.home, description="Whether the bot is there")
    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("pong", ephemeral=True)

    client.run(environment["DISCORD_TOKEN"], log_handler=None)


if __name__ == "__main__":
    main()
