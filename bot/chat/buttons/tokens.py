"""The buttons under a token's card and under the fleet's."""

import contextlib
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Self

import discord

from bot.chat.alerts import row, troubles_of_fleet, troubles_of_token
from bot.chat.buttons import silence
from bot.chat.buttons.press import Guarded, Pressed
from bot.chat.buttons.switching import switches
from bot.chat.cards import Overview, fleet_card, overview, token_card
from bot.chat.desk import Access, Desk, Need, apologise, say, upstream_sentence
from bot.chat.text import called
from bot.domain.groups import Group
from bot.domain.incidents import Incident, Key
from bot.domain.model import Fleet, Status, Token, Trouble
from bot.domain.value import replace
from bot.domain.watch.known import Known
from bot.imaginepro.client import UpstreamError
from bot.storage.store import StoreError

ALL = "all"
_STATUSES = "|".join([ALL, *Status])


class Refresh(Guarded, template=r"token:refresh:(?P<id>[0-9]{1,19})"):
    """Reads one token upstream and shows it in the same message."""

    needs: ClassVar = {"": Need.VIEW}

    def __init__(self, token_id: int) -> None:
        """`token_id` is not negative, and has at most 19 digits."""
        super().__init__(discord.ui.Button(label="Refresh", emoji="🔄", custom_id=f"token:refresh:{token_id}"))
        self._token_id = token_id

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, _item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when the button is pressed."""
        return cls(int(match["id"]))

    async def callback(self, interaction: Pressed) -> None:
        """Acknowledge at once, then read."""
        try:
            await interaction.response.defer()
            fleet, token = await reread(interaction, self._token_id)
            embed = await linked_card(interaction, token, fleet)
            # A chart that was there is older than what was read now.
            view = token_view(interaction.client.access, token)
            await interaction.edit_original_response(embed=embed, view=view, attachments=[])
        except UpstreamError as error:
            names = interaction.client.desk.fleet.names
            missing = f"ImaginePro no longer lists {called(self._token_id, names, 'token ')}."
            sentence = upstream_sentence(error, interaction.client.desk.now)
            await say(interaction, missing if error.trouble is Trouble.NOT_FOUND else sentence)
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)


class Page(
    Guarded,
    template=rf"tokens:page:(?P<page>[0-9]{{1,6}}):(?P<only>{_STATUSES})(?::(?P<group>[ -\U0010ffff]{{1,64}}))?",
):
    """Shows a page of the fleet, or of a group of it, in the same message."""

    needs: ClassVar = {"": Need.VIEW}

    def __init__(self, page: int, only: Status | None, group: str, label: str, emoji: str | None = None) -> None:
        """`page` is counted from 0; `group` is a name, or empty for the whole fleet."""
        which = f"tokens:page:{page}:{only or ALL}{f':{group}' if group else ''}"
        super().__init__(discord.ui.Button(label=label, emoji=emoji, custom_id=which))
        self._page = page
        self._only = only
        self._group = group

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, _item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when the button is pressed."""
        only = match["only"]
        return cls(int(match["page"]), None if only == ALL else Status(only), match["group"] or "", "…")

    async def callback(self, interaction: Pressed) -> None:
        """Answer from memory."""
        try:
            desk = interaction.client.desk
            group = desk.known.decisions.group(self._group)
            if self._group and group is None:
                await say(interaction, f"There is no group {self._group} any more. `/tokens` shows all tokens.")
                return
            embed, view = fleet_page(desk, self._page, self._only, group)
            await interaction.response.edit_message(embed=embed, view=view)
        except Exception as error:  # noqa: BLE001 - an edge, as above
            await apologise(interaction, error)


async def reread(interaction: Pressed, token_id: int) -> tuple[Fleet, Token]:
    """Read one token upstream; returns the fleet with it in it, also when it is too new to be part of it.

    Raises:
        UpstreamError: It could not be read.
    """
    desk: Desk = interaction.client.desk
    token = await desk.refresh(token_id)
    return replace(desk.fleet, read_alone={**desk.fleet.read_alone, token_id: desk.now}), token


def viewed(desk: Desk, known: Known | None = None) -> Overview:
    """What is known now, for the cards."""
    return overview(known or desk.known, desk.now, desk.policy.interval, desk.policy.zone)


def open_of(known: Known, token_id: int | None = None) -> list[Incident]:
    """What is open and was not left to a graver incident to tell; of one token, or of all."""
    found = (incident for incident in known.incidents.values() if incident.open and incident.notifiable)
    return [incident for incident in found if token_id is None or incident.key.token == token_id]


def card_of(
    desk: Desk, token: Token, fleet: Fleet | None = None, links: Mapping[Key, str] | None = None
) -> discord.Embed:
    """The card of a token, from memory; `links` are where the messages of its incidents are."""
    known = fleet or desk.fleet
    suppressed = silence.quiet_by(desk.known)
    troubles = troubles_of_token(
        open_of(desk.known, token.id), known, desk.now, suppressed=suppressed, links=links or {}
    )
    return token_card(token, replace(viewed(desk), fleet=known), troubles)


async def linked_card(interaction: Pressed, token: Token, fleet: Fleet | None = None) -> discord.Embed:
    """The same with the links, as far as the database answers; it is asked only where something is open."""
    desk: Desk = interaction.client.desk
    links: Mapping[Key, str] = {}
    if open_of(desk.known, token.id):
        with contextlib.suppress(StoreError):  # polls say so in the log, and the card is one without them
            links = {key: interaction.client.place.link(where) for key, where in (await desk.links()).items()}
    return card_of(desk, token, fleet, links)


def token_view(access: Access, token: Token) -> discord.ui.View:
    """The buttons under a token's card."""
    return row([Refresh(token.id), *switches(token, access)] if 0 <= token.id < 10**19 else [])


def fleet_page(
    desk: Desk, page: int, only: Status | None, group: Group | None = None
) -> tuple[discord.Embed, discord.ui.View]:
    """A page of the fleet, or of a group, and the buttons under it: back, the same page as of now, and on."""
    known, name = desk.known, ""
    if group is not None:
        from bot.domain.watch.narrowing import narrowed  # noqa: PLC0415 - no start needs it

        known, name = narrowed(known, group), group.name
    troubles = troubles_of_fleet(open_of(known), known.fleet)
    embed, pages = fleet_card(viewed(desk, known), page, only, troubles, group)
    page = min(page, pages - 1)
    turns = [
        *([Page(page - 1, only, name, "◀ Back")] if page > 0 else []),
        Page(page, only, name, "Update" if pages == 1 else f"{page + 1} of {pages}", "🔄"),
        *([Page(page + 1, only, name, "More ▶")] if page < pages - 1 else []),
    ]
    return embed, row(turns)
