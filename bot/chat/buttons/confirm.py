"""The question before an act: nothing is done before the one who asked has confirmed it, and then it is done once."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self

import discord

from bot.chat.alerts import row
from bot.chat.buttons.press import Guarded, Pressed
from bot.chat.desk import Need, answer, apologise, say, wait
from bot.chat.questions import OVER
from bot.chat.text import bare, stamp

CONFIRMED = "Confirmed."
CANCELLED = "Cancelled. Nothing was done."

_LABEL_LIMIT = 80


class OnQuestion(Guarded, template=r"question:(?P<act>yes|no):(?P<name>[0-9a-f]{6})"):
    """Confirm or Cancel, under a question."""

    needs: ClassVar = {"yes": Need.ACT, "no": Need.OPERATE}
    """Looked at anew: who may act may have changed since they were asked."""

    def __init__(self, said: str, name: str, label: str, style: discord.ButtonStyle) -> None:
        """`name` is what the question is found by."""
        super().__init__(
            discord.ui.Button(label=bare(label, _LABEL_LIMIT), style=style, custom_id=f"question:{said}:{name}")
        )
        self._said = said
        self._name = name

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, _item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when the button is pressed."""
        return cls(match["act"], match["name"], "…", discord.ButtonStyle.secondary)

    async def callback(self, interaction: Pressed) -> None:
        """Take the question before anything is awaited, so that a second press finds none; then do what was asked."""
        try:
            question = interaction.client.questions.take(self._name, interaction.user.id)
            if question == OVER:
                await interaction.response.edit_message(content=OVER, view=None)
            elif isinstance(question, str):
                await say(interaction, question)
            elif self._said == "no":
                await interaction.response.edit_message(content=CANCELLED, embeds=[], view=None)
            else:
                # Where Discord takes no answer, because it came too late or to another copy, nothing is done.
                await interaction.response.edit_message(content=CONFIRMED, view=None)
                await question.doing(interaction)
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)


async def confirm(
    interaction: discord.Interaction[Any],
    embed: discord.Embed,
    label: str,
    doing: Callable[[Pressed], Awaitable[None]],
    *,
    danger: bool = False,
) -> None:
    """Ask the one who asked for an act whether they want what the embed says, and see nobody else answer.

    Args:
        interaction: Of a command or of a button. Unless it was answered already, that an answer will come is said here.
        embed: What will happen.
        label: What confirming does: `Switch off 1900`.
        doing: What is done when it is confirmed, once and within 60 s. It gets the press, whose `answer` takes the
            place of the question, and finds the need checked anew. What it raises is told as by any button.
        danger: Whether the button is red.
    """
    if not interaction.response.is_done():
        await wait(interaction)
    name, until = interaction.client.questions.put(interaction, doing)
    yes = OnQuestion("yes", name, label, discord.ButtonStyle.danger if danger else discord.ButtonStyle.primary)
    no = OnQuestion("no", name, "Cancel", discord.ButtonStyle.secondary)
    await answer(interaction, f"Over {stamp(until)}.", embed=embed, view=row([yes, no]))
