"""The pages of what is open, and the menu under them: what is on no card can be answered there."""

from collections.abc import Callable, Iterable
from typing import ClassVar

import discord

from bot.chat.alerts import PAGE_SIZE, incident_list, offered, place, row, said_of
from bot.chat.buttons import silence
from bot.chat.buttons.press import IncidentItem, Item, Pressed
from bot.chat.buttons.subject import ALREADY_OVER, address_of, subject_at
from bot.chat.desk import Desk, Need, UnclearError, answer, apologise
from bot.chat.text import bare, called, stamp
from bot.domain.incidents import Incident
from bot.domain.model import Severity

ALL = "all"
_SEVERITIES = "|".join([ALL, *Severity])


class OnList(
    IncidentItem,
    template=(
        rf"incidents:(?P<act>page|pick):(?P<page>[0-9]{{1,4}}):(?P<severity>{_SEVERITIES})"
        rf":(?P<token>{ALL}|[0-9]{{1,19}})"
    ),
):
    """Shows a page of what is open in the same message, or what can be done about one of them."""

    needs: ClassVar = {"page": Need.VIEW, "pick": Need.VIEW}

    async def callback(self, interaction: Pressed) -> None:
        """Read where the messages are, and show the page; or the one that was picked."""
        try:
            await interaction.response.defer()
            page = int(self._match["page"])
            if self._match["act"] == "pick":
                chosen = self.item.values[0] if isinstance(self.item, discord.ui.Select) else ""
                back = f"incidents:page:{page}:{self._match['severity']}:{self._match['token']}"
                embed, view = await _picked(interaction, chosen, back)
            else:
                severity = None if self._match["severity"] == ALL else Severity(self._match["severity"])
                token = None if self._match["token"] == ALL else int(self._match["token"])
                embed, view = await open_page(interaction, page, severity, token)
            await answer(interaction, embed=embed, view=view)
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)


async def open_page(
    interaction: Pressed, page: int, severity: Severity | None, token: int | None
) -> tuple[discord.Embed, discord.ui.View]:
    """A page of what is open, each with its link; under it a menu of these, and the buttons to the other pages.

    Raises:
        StoreError: Where the messages are cannot be read.
    """
    desk: Desk = interaction.client.desk
    links = {key: interaction.client.place.link(message_id) for key, message_id in (await desk.links()).items()}
    found = [
        incident
        for incident in desk.known.incidents.values()
        if incident.open
        and incident.notifiable
        and severity in {None, incident.severity}
        and (token is None or incident.key.token == token)
    ]
    count = len(found) or "No"
    kind, about = (
        f"{severity} " if severity else "",
        "" if token is None else f" about {called(token, desk.fleet.names, 'token ')}",
    )
    plural = len(found) > 1
    heading = f"{count} {kind}incident{'s' * plural}{about} {'are' if plural else 'is'} open"
    shift = desk.known.decisions.on_call(desk.now)
    embed, pages = incident_list(
        heading,
        found,
        desk.fleet,
        page,
        suppressed=silence.quiet_by(desk.known),
        links=links,
        on_call=f"📟 <@{shift.who}> is on call until {stamp(shift.until, 'f')}" if shift else "",
    )
    page = min(page, pages - 1)
    address = f"{severity or ALL}:{ALL if token is None else token}"
    shown = sorted(found, key=place)[page * PAGE_SIZE : (page + 1) * PAGE_SIZE]
    turns = pages_of(page, pages, lambda number: f"incidents:page:{number}:{address}")
    return embed, row([*_menu(desk, shown, f"incidents:pick:{page}:{address}"), *turns])


def _menu(desk: Desk, shown: Iterable[Incident], custom_id: str) -> Iterable[Item]:
    """A menu of the incidents of a page."""
    options = [
        discord.SelectOption(
            label=bare(" ".join(said_of(each, desk.fleet)), 100),
            value=address_of(each.key),
            description="Somebody has it" if each.acknowledged else None,
        )
        for each in shown
    ]
    if options:
        yield discord.ui.Select(custom_id=custom_id, placeholder="Pick one to acknowledge or silence", options=options)


async def _picked(interaction: Pressed, address: str, back: str) -> tuple[discord.Embed, discord.ui.View]:
    """One incident, and what its card would offer."""
    if "/" not in address:
        raise UnclearError(ALREADY_OVER)
    (incident,) = (await subject_at(interaction, address)).incidents
    desk: Desk = interaction.client.desk
    links = {key: interaction.client.place.link(message_id) for key, message_id in (await desk.links()).items()}
    suppressed = silence.quiet_by(desk.known)
    embed, _ = incident_list("What to do about it?", [incident], desk.fleet, 0, suppressed=suppressed, links=links)
    fleet = None if interaction.client.access.read_only else desk.fleet
    acts = (
        discord.ui.Button[discord.ui.View](
            label=label, emoji=emoji, style=style, custom_id=f"incident:menu:do-{act}:{address}:0"
        )
        for act, (label, emoji, style) in offered([incident], fleet).items()
    )
    return embed, row([*acts, discord.ui.Button(label="◀ Back", custom_id=back)])


def pages_of(page: int, pages: int, address: Callable[[int], str]) -> Iterable[Item]:
    """Buttons to the page before, the same page as of now, and the next; none where there is but one page."""
    if pages == 1:
        return
    page = min(page, pages - 1)
    if page > 0:
        yield discord.ui.Button(label="◀ Back", custom_id=address(page - 1))
    yield discord.ui.Button(label=f"{page + 1} of {pages}", emoji="🔄", custom_id=address(page))
    if page < pages - 1:
        yield discord.ui.Button(label="More ▶", custom_id=address(page + 1))
