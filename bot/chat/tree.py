"""The command tree: every command there is, behind one check."""

from collections.abc import Callable, Iterator
from typing import Any

import discord
from discord import app_commands

from bot.chat.buttons import admitted
from bot.chat.commands import (
    account,
    admin,
    banwords,
    board,
    export,
    group,
    help,  # noqa: A004 - each file is called as its command
    history,
    incidents,
    job,
    maintenance,
    mode,
    name,
    notify,
    oncall,
    promptcheck,
    queue,
    refresh,
    report,
    rules,
    runbook,
    silence,
    toggle,
    token,
    tokens,
)
from bot.chat.desk import Access, Asked, DeskClient, Need, apologise, need_of, say

Root = app_commands.Command[Any, ..., None] | app_commands.Group | app_commands.ContextMenu
"""What stands in Discord's picker, or in the menu of a message."""

COMMANDS: tuple[Callable[[], Root], ...] = (
    token.command,
    tokens.command,
    history.command,
    incidents.command,
    name.command,
    toggle.command,
    mode.command,
    refresh.command,
    silence.command,
    maintenance.command,
    rules.command,
    runbook.command,
    oncall.command,
    notify.command,
    board.command,
    group.command,
    export.command,
    report.command,
    account.command,
    promptcheck.command,
    queue.command,
    banwords.command,
    job.command,
    job.menu,
    admin.command,
    help.command,
)


def leaves(root: Root) -> Iterator[app_commands.Command[Any, ..., Any] | app_commands.ContextMenu]:
    """What can be called of it: itself, or those in a group."""
    if isinstance(root, app_commands.Group):
        yield from (each for each in root.walk_commands() if isinstance(each, app_commands.Command))
    else:
        yield root


def hidden(root: Root, access: Access) -> discord.Permissions | None:
    """Whom the picker leaves out: those without these permissions. The check that counts is made when it is used."""
    viewers = access.viewer_role_id is not None and any(need_of(leaf) is Need.VIEW for leaf in leaves(root))
    return None if access.operator_role_id is not None or viewers else discord.Permissions(manage_guild=True)


class Commands(app_commands.CommandTree[DeskClient]):
    """The slash commands and context menus of one client, behind one check."""

    def grow(self, home: discord.abc.Snowflake, access: Access) -> None:
        """Take in every command, for one server."""
        for make in COMMANDS:
            root = make()
            root.default_permissions = hidden(root, access)
            self.add_command(root, guild=home)

    async def interaction_check(self, interaction: Asked, /) -> bool:
        """Whether this member may use that. Suggestions are refused without a word, as there is no place for one."""
        need = need_of(interaction.command)
        if interaction.type is not discord.InteractionType.autocomplete:
            return await admitted(interaction, need)
        if not await interaction.client.stands():
            return False
        if interaction.client.access.refusal(interaction, need) is None:
            return True
        await interaction.response.autocomplete([])
        return False

    async def on_error(self, interaction: Asked, error: app_commands.AppCommandError, /) -> None:
        """Answer for whatever a command raised."""
        if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
            await say(interaction, "This command has changed. Restart Discord, or try again in a minute.")
        else:
            await apologise(
                interaction, error.original if isinstance(error, app_commands.CommandInvokeError) else error
            )
