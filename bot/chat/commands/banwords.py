"""`/banwords`: ImaginePro's list of ban words. Its calls are not published, so whoever has their paths sets them."""

from discord import app_commands

from bot.chat.commands.options import Reason, group_of
from bot.chat.desk import Asked, Need, wait

_WORDS = "One or several, with commas or line breaks between them"

Words = app_commands.Range[str, 1, 1500]


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "banwords",
        "The words that ImaginePro refuses in prompts",
        ("list", "Which words ImaginePro refuses in prompts", Need.VIEW, _list),
        ("add", "Let ImaginePro refuse more words in prompts", Need.ACT, _add),
        ("remove", "Let ImaginePro take words in prompts again", Need.ACT, _remove),
    )


async def _list(interaction: Asked) -> None:
    from bot.chat.commands import wordlist  # noqa: PLC0415 - no start needs what does the work

    await wait(interaction)
    await wordlist.show(interaction)


@app_commands.describe(words=_WORDS, reason="Why, for the others")
async def _add(interaction: Asked, *, words: Words, reason: Reason = "") -> None:
    await _proposed(interaction, words, reason, add=True)


@app_commands.describe(words=_WORDS, reason="Why, for the others")
async def _remove(interaction: Asked, *, words: Words, reason: Reason = "") -> None:
    await _proposed(interaction, words, reason, add=False)


async def _proposed(interaction: Asked, words: str, reason: str, *, add: bool) -> None:
    from bot.chat.commands import wordlist  # noqa: PLC0415 - as above

    await wait(interaction)
    await wordlist.propose(interaction, words, reason, add=add)
