#!/usr/bin/env bash
# simcord 3.2.1: a context menu that is registered for one guild cannot be tried: `context_menu` finds it among the
# commands of that guild, and then leaves `guild_id` out of the data of the interaction, by which discord.py tells a
# guild's command from a global one. It raises CommandNotFound, so the test fails of a bot that is right. `slash` sends
# that id, and a global context menu is found.
#
# Seen with simcord 3.2.1 and discord.py 2.7.1 on CPython 3.11 (what was registered where: what came of it):
#     context menu, global     ran
#     context menu, one guild  CommandNotFound
#     slash command, global    ran
#     slash command, one guild ran
#
# Ends with 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'simcord==3.2.1' 'discord.py==2.7.1'
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys
from importlib.metadata import version

import discord
import simcord
from discord import app_commands


async def tried(kind: str, of_guild: bool) -> str:
    """Registers one command there, has a member use it, and says whether it ran, or what was raised."""
    ran: list[str] = []
    raised: list[str] = []
    client = discord.Client(intents=discord.Intents.default())

    async def look(interaction: discord.Interaction, message: discord.Message) -> None:
        ran.append("ran")
        await interaction.response.send_message("seen")

    async def ask(interaction: discord.Interaction) -> None:
        ran.append("ran")
        await interaction.response.send_message("seen")

    async with simcord.run(client) as env:
        tree = app_commands.CommandTree(client)

        @tree.error
        async def failed(_: discord.Interaction, error: app_commands.AppCommandError) -> None:
            raised.append(type(error).__name__)

        guild = env.create_guild()
        channel = guild.create_text_channel("general")
        member = guild.add_member(env.create_user("ana"))
        where = discord.Object(guild.id) if of_guild else None
        if kind == "context menu":
            tree.add_command(app_commands.ContextMenu(name="Look", callback=look), guild=where)
        else:
            tree.add_command(app_commands.Command(name="look", description="Look", callback=ask), guild=where)
        await tree.sync(guild=where)
        try:
            if kind == "context menu":
                await member.context_menu(channel, "Look", await member.send(channel, "hello"))
            else:
                await member.slash(channel, "look")
        except Exception as error:
            raised.append(type(error).__name__)
        return (ran or raised or ["nothing"])[0]


found = {
    f"{kind}, {'one guild' if of_guild else 'global'}": asyncio.run(tried(kind, of_guild))
    for kind in ("context menu", "slash command")
    for of_guild in (False, True)
}
print("simcord", version("simcord"), "discord.py", version("discord.py"))
for what, came in found.items():
    print(f"{what:24} {came}")
sys.exit(list(found.values()) != ["ran", "CommandNotFound", "ran", "ran"])
PYTHON
