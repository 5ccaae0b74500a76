"""`/promptcheck`: whether Midjourney would take a prompt, as far as ImaginePro can tell."""

from typing import Any

from discord import app_commands

from bot.chat.cards import GREEN, ORANGE, compose
from bot.chat.commands.options import command_of
from bot.chat.desk import Asked, Need, UnclearError, answer, wait
from bot.chat.text import quoted
from bot.imaginepro.client import UpstreamError

REASON, PROMPT = 1000, 1500
"""How much of the reason, and of the prompt, is shown."""


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("promptcheck", "See whether a prompt would be refused, before it is sent", Need.VIEW, _check)


@app_commands.describe(text="The prompt, with its parameters")
async def _check(interaction: Asked, *, text: app_commands.Range[str, 1, 4000]) -> None:
    from bot.chat.refusals import refused  # noqa: PLC0415 - no start needs it

    await wait(interaction)
    try:
        said = await interaction.client.upstream.prompt_check(text)
    except UpstreamError as error:
        raise UnclearError(refused(error, interaction.client.desk.now)) from None
    title = "✅ The prompt passes" if said.ok else "❌ The prompt is refused"
    reason = f"**Reason** {quoted(said.message, REASON)}" if said.message else "ImaginePro gave no reason."
    lines = [
        *([] if said.ok and not said.message else [reason]),
        f"**Prompt** {quoted(text, PROMPT)}",
        "This checks ban words and parameters. Midjourney's own rules are close to that, and have the last word.",
    ]
    await answer(interaction, embed=compose(title, lines, GREEN if said.ok else ORANGE))
