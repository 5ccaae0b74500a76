"""`/job`: which token ran a job, how far one is, what was made lately, and a test job. And a menu on any message."""

import discord
from discord import app_commands

from bot.chat.buttons import job as jobs
from bot.chat.commands.options import check_token
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, wait


def command() -> app_commands.Group:
    """A new instance, for one client."""
    group = app_commands.Group(name="job", description="Jobs: which token ran one, how far it is, what was made")
    for name, description, callback, need in (
        ("trace", "Which token ran a job, and how that token stands", _trace, Need.VIEW),
        ("show", "How far a job is, until it is over; its picture, or why it failed", _show, Need.VIEW),
        ("list", "The jobs of the last 24 hours", _list, Need.VIEW),
        ("probe", "Have one image made, to see whether jobs run, and on which token", _probe, Need.ACT),
    ):
        group.add_command(
            app_commands.Command(name=name, description=description, callback=callback, extras=need.extras)
        )
    return group


def menu() -> app_commands.ContextMenu:
    """What Discord offers under *Apps* of a message; a new instance, for one client."""
    return app_commands.ContextMenu(name="Trace job", callback=_trace_message, extras=Need.VIEW.extras)


@app_commands.rename(text="message_id")
@app_commands.describe(text="The messageId that ImaginePro answered with")
async def _trace(interaction: Asked, *, text: app_commands.Range[str, 1, 400]) -> None:
    await wait(interaction)
    await jobs.trace(interaction, jobs.one_id(text))


@app_commands.rename(text="message_id")
@app_commands.describe(text="The messageId that ImaginePro answered with")
async def _show(interaction: Asked, *, text: app_commands.Range[str, 1, 400]) -> None:
    await wait(interaction)
    await jobs.show(interaction, jobs.one_id(text))


async def _list(interaction: Asked) -> None:
    await wait(interaction)
    await jobs.turn(interaction, "0")


@app_commands.describe(token="The token of which you want to know whether it works")  # noqa: S106 - a number
@app_commands.autocomplete(token=suggest)
async def _probe(interaction: Asked, *, token: int) -> None:
    check_token(interaction, None, token)
    await wait(interaction)
    await jobs.ask_to_probe(interaction, token)


async def _trace_message(interaction: Asked, message: discord.Message) -> None:
    await wait(interaction)
    await jobs.trace_message(interaction, message)
