"""Which token ran a job, and the jobs that there were lately; asked of ImaginePro when somebody asks."""

from collections.abc import Iterable, Iterator
from typing import Final

import discord

from bot.chat.alerts import row
from bot.chat.buttons.job import job_buttons
from bot.chat.buttons.press import Item
from bot.chat.buttons.showing import unknown
from bot.chat.buttons.tokens import card_of, linked_card, viewed
from bot.chat.cards import look, token_card
from bot.chat.cards.job import Ran, image_label, images_card, ran, short, trace_card
from bot.chat.desk import Asked, Desk, UnclearError, answer
from bot.chat.text import bare, width
from bot.domain.job_ids import is_job_id, job_ids
from bot.domain.jobs import Trace
from bot.domain.model import Trouble
from bot.domain.value import replace
from bot.imaginepro.client import UpstreamError

PAGE_SIZE: Final = 10
"""Jobs a page of the list."""

CHOICES: Final = 25
"""What a menu of Discord can hold."""

_LIMIT: Final = 6000
"""Characters of all embeds of a message together."""


async def trace(interaction: Asked, job_id: str) -> None:
    """Give the answer that was waited for: which token ran a job, and that token's card.

    Raises:
        UnclearError: ImaginePro knows no such job.
        UpstreamError: It could not be asked.
    """
    try:
        found = await interaction.client.upstream.trace(job_id)
    except UpstreamError as error:
        if error.trouble is not Trouble.NOT_FOUND:
            raise
        raise unknown(job_id) from None
    embeds = together(*await traced(interaction, found))
    view = job_buttons(interaction, job_id, ["show"])
    await interaction.edit_original_response(content=None, embeds=embeds, view=view)


async def traced(interaction: Asked, found: Trace) -> list[discord.Embed]:
    """The card of a trace, and that of its token, if anything is known of that."""
    desk: Desk = interaction.client.desk
    view = viewed(desk)
    shown = ran(found, view)
    card = await _card(interaction, shown)
    if card is None or shown.token is None:
        return [trace_card(shown, names=view.fleet.names)]
    sign = view.sign(shown.token) if shown.ours else (look(shown.token).mark, look(shown.token).colour)
    return [trace_card(shown, sign, view.fleet.names), card]


async def _card(interaction: Asked, shown: Ran) -> discord.Embed | None:
    """The card of the token that ran a job, as `/token` has it; of a stranger what the trace says."""
    desk: Desk = interaction.client.desk
    token = shown.token
    if token is None:
        return None
    if not shown.newer:
        return await linked_card(interaction, token)
    now = desk.now
    fleet = replace(
        desk.fleet,
        tokens={**desk.fleet.tokens, token.id: token},
        read_alone={**desk.fleet.read_alone, token.id: now},
    )
    if shown.ours:
        return card_of(desk, token, fleet)
    return token_card(token, replace(viewed(desk), fleet=replace(fleet, failure=None)))


def together(*embeds: discord.Embed) -> list[discord.Embed]:
    """These embeds in one message, as far as Discord takes them: without the last ones where they are too long."""
    kept, used = [], 0
    for embed in embeds:
        used += width(embed.title or "") + width(embed.description or "") + width(embed.footer.text or "")
        if used > _LIMIT:
            break
        kept.append(embed)
    return kept


async def trace_message(interaction: Asked, message: discord.Message) -> None:
    """Trace the job that a message speaks of, or let one of several be chosen."""
    found = job_ids(*texts_of(message))
    if not found:
        sentence = "There is no id of a job in that message. `/job trace` takes one that you have from elsewhere."
        raise UnclearError(sentence)
    if len(found) == 1:
        await trace(interaction, found[0])
        return
    some = f"; these are the first {CHOICES}" if len(found) > CHOICES else ""
    text = f"There are {len(found)} ids in that message{some}. Which job?"
    await answer(interaction, text, view=row([_menu("trace", ((each, "") for each in found[:CHOICES]))]))


def texts_of(message: discord.Message) -> Iterator[str]:
    """All texts of a message, and of one that it forwards, in the order in which they are read."""
    parts: tuple[discord.Message | discord.MessageSnapshot, ...] = (message, *message.message_snapshots)
    for each in parts:
        yield each.content
        for embed in each.embeds:
            yield from filter(None, [embed.author.name, embed.title, embed.description])
            for field in embed.fields:
                yield from filter(None, [field.name, field.value])
            yield from filter(None, [embed.footer.text, embed.url])


async def list_page(interaction: Asked, page: int) -> None:
    """Give the answer that was waited for: a page of the jobs of the last 24 hours, counted from 0.

    Raises:
        UpstreamError: ImaginePro could not be asked.
    """
    images = await interaction.client.upstream.images(page + 1, PAGE_SIZE)
    shown = {each.id: each for each in images if is_job_id(each.id)}
    menu = [_menu("show", ((each.id, image_label(each)) for each in list(shown.values())[:CHOICES]))] if shown else []
    # How many there are, ImaginePro does not say: after a full page there may be another.
    turns = [
        *([_turn("◀ Back", page - 1)] if page else []),
        _turn(f"Page {page + 1}", page, "🔄"),
        *([_turn("More ▶", page + 1)] if len(images) >= PAGE_SIZE else []),
    ]
    await answer(interaction, embed=images_card(images[:CHOICES], page), view=row([*menu, *turns]))


def _turn(label: str, page: int, emoji: str | None = None) -> Item:
    return discord.ui.Button(label=label, emoji=emoji, custom_id=f"job:page:{page}")


def _menu(act: str, jobs: Iterable[tuple[str, str]]) -> Item:
    """A menu of jobs, each with its id and what it is called beside that."""
    options = [
        discord.SelectOption(label=bare(f"{short(job)} · {label}", 100) if label else job, value=job)
        for job, label in jobs
    ]
    placeholder = "Which job shall be shown?" if act == "show" else "Which job shall be traced?"
    return discord.ui.Select(custom_id=f"job:pick-{act}:0", placeholder=placeholder, options=options)
