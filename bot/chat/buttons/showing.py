"""A job that goes on is shown in an answer, which is edited until it is over, or Discord takes no more edits of it."""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, Protocol

import aiohttp
import discord

from bot.chat.buttons.job import job_buttons
from bot.chat.cards import why
from bot.chat.cards.job import CROWDED, FORGOTTEN, job_card, refreshing, stopped, unread
from bot.chat.desk import Asked, UnclearError
from bot.chat.text import plain
from bot.domain.jobs import Job
from bot.domain.model import Trouble
from bot.imaginepro.client import UpstreamError

logger = logging.getLogger(__name__)

EVERY: Final = timedelta(seconds=5)
"""Between two looks. The vendor advises 5 s, and 3 at least; Discord edits one message some 5 times in 5 s."""

LASTS: Final = timedelta(minutes=14)
"""How long an answer can be edited, less a minute: an interaction lives for 15."""

GOING: Final = ("again", "trace", "cancel")
OVER: Final = ("trace",)
"""The buttons under a job that goes on, and one that is over."""

GONE: Final = frozenset({10008, 10015, 50027})
"""Unknown message, unknown webhook, invalid webhook token: nobody sees the answer any more, or it cannot be edited."""

_UNFIT: Final = 50035
"""Invalid form body: Discord does not take something in it, which can only be the picture."""


class Told(Protocol):
    """How a job is told."""

    def going(self, job: Job, notes: Sequence[str]) -> discord.Embed:
        """While it goes on."""

    async def over(self, job: Job) -> list[discord.Embed]:
        """Once it is over; asks for whatever else belongs there."""


class Plainly:
    """As `/job show` tells it."""

    def going(self, job: Job, notes: Sequence[str]) -> discord.Embed:
        """How far it is."""
        return job_card(job, notes)

    async def over(self, job: Job) -> list[discord.Embed]:
        """What came of it."""
        return [job_card(job)]


async def show(interaction: Asked, job_id: str) -> None:
    """Show a job in the answer that was waited for, and follow it while it goes on.

    Raises:
        UnclearError: ImaginePro knows no such job.
        UpstreamError: It could not be asked.
    """
    await follow(interaction, await progress_of(interaction, job_id), Plainly())


async def progress_of(interaction: Asked, job_id: str) -> Job:
    """How far a job is now; raises as `show`."""
    try:
        return await interaction.client.upstream.progress(job_id)
    except UpstreamError as error:
        if error.trouble is not Trouble.NOT_FOUND:
            raise
        raise unknown(job_id) from None


def unknown(job_id: str) -> UnclearError:
    """What to say of a job that ImaginePro does not know."""
    shown = plain(job_id, 100)
    return UnclearError(f"ImaginePro knows no job {shown}. `/job list` has those of the last 24 hours.")


async def follow(interaction: Asked, job: Job, told: Told) -> None:
    """Show a job in an answer, and begin to edit that while it goes on, if not too many are followed."""
    answer, following = LiveAnswer(interaction), interaction.client.following
    if job.status.over:
        following.end(await answer.give(await told.over(job), OVER, job.id))
        return
    until = interaction.client.desk.now + LASTS
    message = await answer.give([told.going(job, [refreshing(until)])], GOING, job.id)
    if not following.begin(message, lambda: _go_on(answer, job, told, until)):
        await answer.edit([told.going(job, [CROWDED])], GOING, job.id)


async def _go_on(answer: "LiveAnswer", job: Job, told: Told, until: datetime) -> None:
    """Look again and again, until it is over, nobody can see it any more, or time is up."""
    client, pause, seen = answer.interaction.client, EVERY, True
    while seen and (left := until - client.desk.now) > timedelta():
        await asyncio.sleep(min(pause, left).total_seconds())
        pause, notes = EVERY, [refreshing(until)]
        try:
            job = await client.upstream.progress(job.id)
        except UpstreamError as error:
            if error.trouble is Trouble.NOT_FOUND:
                await answer.edit([told.going(job, [FORGOTTEN])], GOING, job.id)
                return
            notes.insert(0, unread(why(error.trouble, error.status)))
            pause = max(EVERY, error.retry_after or EVERY)
        if job.status.over:
            await answer.edit(await told.over(job), OVER, job.id)
            return
        seen = await answer.edit([told.going(job, notes)], GOING, job.id)
    if seen:
        await answer.edit([told.going(job, [stopped(LASTS)])], GOING, job.id)


class LiveAnswer:
    """An answer about a job, edited as that goes on."""

    def __init__(self, interaction: Asked) -> None:
        """`interaction` waits for it, or shows it already."""
        self.interaction = interaction
        self._shown: object = None
        """What it shows, as Discord was sent it; None where that is not known."""

    async def edit(self, embeds: list[discord.Embed], acts: Sequence[str], job: str) -> bool:
        """Edit the answer, unless it shows just that; False when it cannot be edited any more.

        Where Discord does not take it now, the next edit tries again.
        """
        if [embed.to_dict() for embed in embeds] == self._shown:
            return True
        try:
            await self.give(embeds, acts, job)
        except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
            if isinstance(error, discord.HTTPException) and error.code in GONE:
                return False
            logger.info("an answer about a job could not be edited, and is tried again: %s", error)
        return True

    async def give(self, embeds: list[discord.Embed], acts: Sequence[str], job: str) -> int:
        """Give it, or edit it; without its picture where Discord does not take that. Returns the message's id."""
        view, edit = job_buttons(self.interaction, job, acts), self.interaction.edit_original_response
        try:
            message = await edit(content=None, embeds=embeds, view=view)
        except discord.HTTPException as error:
            if error.code != _UNFIT or not any(embed.image for embed in embeds):
                raise
            bare = [embed.copy().set_image(url=None) for embed in embeds]
            message = await edit(content=None, embeds=bare, view=view)
        self._shown = [embed.to_dict() for embed in embeds]
        return message.id
