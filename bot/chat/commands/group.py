"""`/group`: sets of tokens with a name, for silences, rules, levels, lists and boards."""

from discord import app_commands

from bot.chat.commands.options import group_of, suggest_group
from bot.chat.desk import Asked, Need

Name = app_commands.Range[str, 1, 100]
Tokens = app_commands.Range[str, 1, 1000]


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "group",
        "Sets of tokens with a name",
        ("set", "Make a group of tokens, or say anew what is in it", Need.OPERATE, _set),
        ("list", "The groups, and what is about them", Need.VIEW, _list),
        ("remove", "Take a group away; its tokens stay as they are", Need.OPERATE, _remove),
    )


@app_commands.describe(
    name="What to call it, such as studio", tokens="All that is in it: ids and ranges, such as 1900-1906, 1911"
)
@app_commands.autocomplete(name=suggest_group)
async def _set(interaction: Asked, *, name: Name, tokens: Tokens) -> None:
    from bot.chat.commands.grouping import put  # noqa: PLC0415 - no start needs it

    await put(interaction, name, tokens)


async def _list(interaction: Asked) -> None:
    from bot.chat.commands.grouping import show  # noqa: PLC0415 - no start needs it

    await show(interaction)


@app_commands.describe(name="Which one")
@app_commands.autocomplete(name=suggest_group)
async def _remove(interaction: Asked, *, name: Name) -> None:
    from bot.chat.commands.grouping import remove  # noqa: PLC0415 - no start needs it

    await remove(interaction, name)
