"""`/token`: one token, from the last reading or read anew."""

from collections.abc import Iterable
from heapq import nsmallest
from typing import Any

from discord import app_commands

from bot.chat.buttons import reread, token_view
from bot.chat.cards import TROUBLES, look, token_card, worst_first
from bot.chat.desk import Asked, say, upstream_sentence
from bot.chat.text import bare, listed
from bot.domain.model import Fleet, Token, Trouble
from bot.imaginepro.client import UpstreamError

CHOICES = 25
"""Suggestions that Discord takes at most."""

LARGEST = 2**53
"""The largest whole number that a command's option can carry."""


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return app_commands.Command(
        name="token",
        description="One token: can it work, how much fast time is left, how fresh is this",
        callback=_token,
    )


def suggestions(fleet: Fleet, typed: str) -> list[Token]:
    """Tokens whose id, status or plan begins like each word that was typed; an exact id first, then worst first."""
    words = typed.casefold().split()
    found = (token for token in fleet.tokens.values() if 0 <= token.id < LARGEST and _matches(token, words))
    return nsmallest(CHOICES, found, key=lambda token: (str(token.id) != typed.strip(), worst_first(token)))


def _matches(token: Token, words: Iterable[str]) -> bool:
    off = "off" if token.active is False else ""
    names = f"{token.id} {token.status_text} {off} {token.subscription.plan}".casefold().split()
    return all(any(name.startswith(word) for name in names) for word in words)


def _label(token: Token) -> str:
    status = token.status_text or "no status"
    off = "off" if token.active is False else ""
    plan = token.subscription.plan
    return bare(" · ".join(filter(None, [f"{look(token).mark} {token.id}", status, off, plan])), 100)


async def suggest(interaction: Asked, typed: int | str) -> list[app_commands.Choice[int]]:
    """Tokens for an option that takes one."""
    return [
        app_commands.Choice(name=_label(token), value=token.id)
        for token in suggestions(interaction.client.desk.fleet, str(typed))
    ]


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
        await interaction.response.send_message(
            embed=token_card(token, desk.fleet, desk.now), view=token_view(token), ephemeral=not share
        )


async def _show_refreshed(interaction: Asked, token_id: int, known: Token | None) -> None:
    desk = interaction.client.desk
    sentence: str | None = None
    fleet, token = desk.fleet, known
    try:
        fleet, token = await reread(interaction, token_id)
    except UpstreamError as error:
        missing = error.trouble is Trouble.NOT_FOUND
        sentence = unknown(desk.fleet, token_id) if missing else upstream_sentence(error)
    if token is None:
        await interaction.edit_original_response(content=sentence)
        return
    await interaction.edit_original_response(
        content=sentence, embed=token_card(token, fleet, desk.now), view=token_view(token)
    )


def unknown(fleet: Fleet, token_id: int) -> str:
    """What to say of an id that is not in the list."""
    if fleet.read_at is None:
        why = f"{TROUBLES[fleet.failure.trouble]}." if fleet.failure else "The first reading is on its way."
        return f"Nothing was read yet, so token {token_id} is not known. {why}"
    if not fleet.tokens:
        return f"There is no token {token_id}: none is linked."
    nearest = nsmallest(3, fleet.tokens, key=lambda other: abs(other - token_id))
    return f"There is no token {token_id}. The nearest are {listed([str(each) for each in sorted(nearest)], 3)}."
