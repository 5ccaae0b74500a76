"""The buttons and menus of jobs: one is looked at again, traced, cancelled or picked, and a page of them turned."""

import re
from collections.abc import Sequence
from types import MappingProxyType
from typing import Any, Self

import discord

from bot.chat.alerts import row
from bot.chat.buttons.press import Guarded, Item, Pressed
from bot.chat.desk import Asked, Need, UnclearError, apologise, wait
from bot.chat.text import quoted

_ID = r"[0-9A-Za-z_-]{1,80}"


class OnJob(
    Guarded,
    template=rf"job:(?P<act>again|show|trace|cancel|page|pick-show|pick-trace):(?P<of>{_ID})",
):
    """Whatever is pressed under a job, or chosen from several. `of` is the job's id, or the number of a page."""

    needs = MappingProxyType(
        {
            "again": Need.VIEW,
            "show": Need.VIEW,
            "trace": Need.VIEW,
            "page": Need.VIEW,
            "pick-show": Need.VIEW,
            "pick-trace": Need.VIEW,
            "cancel": Need.ACT,
        }
    )

    def __init__(self, item: Item, match: re.Match[str]) -> None:
        """As pressed, or chosen from."""
        super().__init__(item)
        self._act = match["act"]
        self._of = match["of"]

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when it is used."""
        return cls(item, match)

    async def callback(self, interaction: Pressed) -> None:
        """Say that an answer will come, in the same message or in a new one, and give it."""
        try:
            if self._act == "cancel":
                await ask_to_cancel(interaction, self._of)
            elif self._act in {"again", "page"}:
                await interaction.response.defer()
                await (show if self._act == "again" else turn)(interaction, self._of)
            else:
                await wait(interaction)
                chosen = self.item.values[0] if isinstance(self.item, discord.ui.Select) else self._of
                await (trace if self._act.endswith("trace") else show)(interaction, chosen)
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)


def one_id(text: str) -> str:
    """The id that somebody typed.

    Raises:
        UnclearError: It is none, or several.
    """
    from bot.domain.job_ids import typed  # noqa: PLC0415 - its patterns take a thousandth of a start

    found = typed(text)
    if not found:
        shown = quoted(text, 60) if text.strip() else "Nothing"
        sentence = f"{shown} is no id of a job. {_EXAMPLE}"
        raise UnclearError(sentence)
    if len(found) > 1:
        sentence = f"There are {len(found)} ids in that: ask for one at a time."
        raise UnclearError(sentence)
    return found[0]


_EXAMPLE = (
    "It is the messageId that ImaginePro answered with, such as `00000000-0000-4000-8000-000000000000`;"
    " `/job list` has those of the last 24 hours."
)

# What does the work takes memory, which a bot that nobody asks can save.


async def show(interaction: Asked, job: str) -> None:
    """How far a job is, and, while it goes on, again and again."""
    from bot.chat.buttons import showing  # noqa: PLC0415 - see above

    await showing.show(interaction, job)


async def trace(interaction: Asked, job: str) -> None:
    """Which token ran a job, and how that token stands."""
    from bot.chat.buttons import tracing  # noqa: PLC0415 - see above

    await tracing.trace(interaction, job)


async def turn(interaction: Asked, page: str) -> None:
    """Another page of what was made lately, counted from 0."""
    from bot.chat.buttons import tracing  # noqa: PLC0415 - see above

    await tracing.list_page(interaction, int(page) if page.isdecimal() else 0)


async def trace_message(interaction: Asked, message: discord.Message) -> None:
    """The same of the job that a message speaks of."""
    from bot.chat.buttons import tracing  # noqa: PLC0415 - see above

    await tracing.trace_message(interaction, message)


async def ask_to_probe(interaction: Asked, token: int) -> None:
    """Whether one image shall be made, to see whether jobs run."""
    from bot.chat.buttons import probing  # noqa: PLC0415 - see above

    await probing.ask_to_probe(interaction, token)


async def ask_to_cancel(interaction: Asked, job: str) -> None:
    """Whether a job shall be cancelled, if it still runs."""
    from bot.chat.buttons import probing  # noqa: PLC0415 - see above

    await probing.ask_to_cancel(interaction, job)


def job_buttons(interaction: Asked, job: str, acts: Sequence[str]) -> discord.ui.View:
    """These buttons of a job, as far as this member may press them; none where its id does not fit into one."""
    if re.fullmatch(_ID, job) is None:
        return row([])
    access = interaction.client.access
    looks = {
        "again": ("Refresh", "🔄", discord.ButtonStyle.secondary),
        "show": ("Show the job", "🖼️", discord.ButtonStyle.secondary),
        "trace": ("Which token?", "🔎", discord.ButtonStyle.secondary),
        "cancel": ("Cancel the job", "✖️", discord.ButtonStyle.danger),
    }
    return row(
        discord.ui.Button(label=label, emoji=emoji, style=style, custom_id=f"job:{act}:{job}")
        for act in acts
        for label, emoji, style in [looks[act]]
        if access.refusal(interaction, OnJob.needs[act]) is None
    )
