"""`/token`: one token, from the last reading or read anew."""

import contextlib
from collections.abc import Iterable
from heapq import nsmallest
from typing import Any

import aiohttp
import discord
from discord import app_commands

from bot.chat.alerts import trouble
from bot.chat.buttons import card_of, linked_card, reread, token_view, viewed
from bot.chat.cards import Overview, plan_name, share, unknown
from bot.chat.commands.options import command_of
from bot.chat.desk import Asked, Need, say, upstream_sentence
from bot.chat.text import bare, called_bare
from bot.domain.model import Token, Trouble
from bot.domain.rules.table import STATUS_RULES
from bot.imaginepro.client import UpstreamError

CHOICES = 25
"""Suggestions that Discord takes at most."""

LARGEST = 2**53
"""The largest whole number that a command's option can carry."""


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of(
        "token", "One token: can it work, how much fast time is left, how fresh is this", Need.VIEW, _token
    )


def suggestions(view: Overview, typed: str) -> list[Token]:
    """Tokens whose id, name, status or plan begins like each word that was typed; an exact id first, then the worst."""
    words = typed.casefold().split()
    found = (token for token in view.fleet.tokens.values() if 0 <= token.id < LARGEST and _matches(token, words, view))
    return nsmallest(CHOICES, found, key=lambda token: (str(token.id) != typed.strip(), view.order(token)))


def _matches(token: Token, words: Iterable[str], view: Overview) -> bool:
    off = "off" if token.active is False else ""
    label = view.fleet.names.get(token.id, "")
    names = f"{token.id} {label} {token.status_text} {off} {plan_name(token.subscription)}".casefold().split()
    return all(any(name.startswith(word) for name in names) for word in words)


def _label(view: Overview, token: Token) -> str:
    """`🟠 1900 · FAST · 18 % · Standard · under 20 % fast time`."""
    worst = view.worst.get(token.id)
    parts = [
        f"{view.sign(token)[0]} {called_bare(token.id, view.fleet.names)}",
        token.status_text or "no status",
        "off" if token.active is False else "",
        share(token.fast_time, view.limit(token)),
        plan_name(token.subscription),
        trouble(worst, view.fleet) if worst and worst.key.rule not in STATUS_RULES else "",
    ]
    return bare(" · ".join(filter(None, parts)), 100)


async def suggest(interaction: Asked, typed: int | str) -> list[app_commands.Choice[int]]:
    """Tokens for an option that takes one."""
    view = viewed(interaction.client.desk)
    return [app_commands.Choice(name=_label(view, token), value=token.id) for token in suggestions(view, str(typed))]


@app_commands.rename(number="id")
@app_commands.describe(
    number="The token's number at ImaginePro",
    refresh="Read it at ImaginePro now, instead of showing the last reading",
    share="Show the card to everyone in this channel",
)
@app_commands.autocomplete(number=suggest)
async def _token(interaction: Asked, *, number: int, refresh: bool = False, share: bool = False) -> None:
    desk = interaction.client.desk
    token = desk.fleet.tokens.get(number)
    if refresh:
        await interaction.response.defer(ephemeral=not share, thinking=True)
        await _show_refreshed(interaction, number, token)
    elif token is None:
        await say(interaction, unknown(desk.fleet, number))
    else:
        await _show_known(interaction, token, share=share)


async def _show_known(interaction: Asked, token: Token, *, share: bool) -> None:
    """At once, from memory; then with the links to the messages of what is open, which the database knows."""
    embed = card_of(interaction.client.desk, token)
    view = token_view(interaction.client.access, token)
    await interaction.response.send_message(embed=embed, view=view, ephemeral=not share)
    linked = await linked_card(interaction, token)
    if linked.description != embed.description:
        with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):  # it is an answer without them
            await interaction.edit_original_response(embed=linked)


async def _show_refreshed(interaction: Asked, token_id: int, known: Token | None) -> None:
    desk = interaction.client.desk
    sentence: str | None = None
    fleet, token = desk.fleet, known
    try:
        fleet, token = await reread(interaction, token_id)
    except UpstreamError as error:
        missing = error.trouble is Trouble.NOT_FOUND
        sentence = unknown(desk.fleet, token_id) if missing else upstream_sentence(error, desk.now)
    if token is None:
        await interaction.edit_original_response(content=sentence)
        return
    embed = await linked_card(interaction, token, fleet)
    view = token_view(interaction.client.access, token)
    await interaction.edit_original_response(content=sentence, embed=embed, view=view)
