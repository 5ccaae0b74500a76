"""The least that any bot on discord.py is: a client that goes online, with the settings of ours, and does nothing."""

import os

import discord
import yarl
from discord.gateway import DiscordWebSocket
from discord.http import Route

if __name__ == "__main__":
    environment = os.environ  # noqa: TID251 - a composition root
    Route.BASE = environment["FAKE_DISCORD_API"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(environment["FAKE_DISCORD_GATEWAY"])
    discord.Client(
        intents=discord.Intents(guilds=True),
        max_messages=None,
        member_cache_flags=discord.MemberCacheFlags.none(),
        chunk_guilds_at_startup=False,
    ).run(environment["DISCORD_TOKEN"], log_handler=None)
