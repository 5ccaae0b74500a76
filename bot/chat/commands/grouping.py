"""What `/group` does: a group is made, changed, shown or taken away."""

from collections.abc import Iterator, Mapping

from bot.chat.cards import BLUE, compose
from bot.chat.commands.options import by_ids, group_named
from bot.chat.desk import Asked, UnclearError, answer, wait
from bot.chat.text import listed, quoted
from bot.domain.decisions import Decisions
from bot.domain.groups import MOST, Group, name_of, parse
from bot.domain.model import Fleet
from bot.domain.watch.following import followers, listeners, uses

SHOWN = 12
"""Things about a group that are named at most."""


async def put(interaction: Asked, written: str, tokens: str) -> None:
    """Make the group, or change which tokens are in it, and with it all that is about it."""
    await wait(interaction)
    try:
        name, ranges = name_of(written), parse(by_ids(tokens, interaction.client.desk.known.names))
    except ValueError as error:
        sentence = f"{error} Nothing was set."
        raise UnclearError(sentence) from None
    desk = interaction.client.desk
    async with interaction.client.turn:
        decisions = desk.known.decisions
        before = decisions.group(name)
        if before is None and len(decisions.groups) >= MOST:
            sentence = f"There are {MOST} groups already, and no more can be suggested: `/group remove` makes room."
            raise UnclearError(sentence)
        # Its name stays as it was written first: cards and incidents have it.
        group = Group(name if before is None else before.name, ranges, interaction.user.id)
        if before is not None and before.ranges == ranges:
            await answer(interaction, f"**{group.name}** is {group.text} already.")
            return
        moved = len(followers(decisions, group))
        await desk.decide(group, "group set", interaction.user.id)
    what = "Set" if before is None else f"Changed: it was {before.text}"
    with_it = f" What is about it has moved with it: {listed(list(uses(decisions, group)), SHOWN)}." if moved else ""
    await answer(interaction, f"{what}. **{group.name}**: {group.text} · {_listed(group, desk.fleet)}.{with_it}")


def _listed(group: Group, fleet: Fleet) -> str:
    """`7 tokens`, or `2 of 8 are not in the list`: which of them ImaginePro lists, as far as that is known."""
    size, here = group.size, len(group.among(fleet.tokens))
    tokens = f"{size} token{'s' * (size != 1)}"
    if fleet.read_at is None or here == size:
        return tokens
    if not here:
        return f"{tokens}, {'none of which is' if size != 1 else 'which is not'} in ImaginePro's list"
    gone = size - here
    return f"{tokens}; {gone} of {size} {'is' if gone == 1 else 'are'} not in ImaginePro's list"


async def show(interaction: Asked) -> None:
    """All groups, and what is about each."""
    known = interaction.client.desk.known
    groups = known.decisions.groups
    title = f"{len(groups)} group{'s' * (len(groups) > 1)}" if groups else "There is no group"
    hint = [] if groups else ["`/group set name:studio tokens:1900-1906, 1911` makes one."]
    embed = compose(title, [*_lines(groups, known.decisions, known.fleet), *hint], BLUE)
    await interaction.response.send_message(embed=embed, ephemeral=True)


def _lines(groups: Mapping[str, Group], decisions: Decisions, fleet: Fleet) -> Iterator[str]:
    for _, each in sorted(groups.items()):
        yield f"**{each.name}**: {each.text} · {_listed(each, fleet)} · by <@{each.by}>"
        yield from (f"↳ {use}" for use in uses(decisions, each))
        yield from (f"↳ direct messages to <@{who}>" for who in listeners(decisions, each))


async def remove(interaction: Asked, written: str) -> None:
    """Take the group away, unless something is about it: that somebody has to end first, who knows then what ends."""
    await wait(interaction)
    desk = interaction.client.desk
    async with interaction.client.turn:
        group = group_named(interaction, written)
        about = [] if group is None else list(uses(desk.known.decisions, group))
        if about and group is not None:
            sentence = f"**{group.name}** is still used, so it stays: {listed(about, SHOWN)}. End that first."
            raise UnclearError(sentence)
        removed = group is not None and await desk.undo(group, "group remove", interaction.user.id)
    if group is None or not removed:
        sentence = f"There is no group {quoted(written, 40)} any more. `/group list` shows those that there are."
        raise UnclearError(sentence)
    said = f"Removed: **{group.name}**, which was {group.text}. Its tokens stay as they are."
    if people := [f"<@{who}>" for who in listeners(desk.known.decisions, group)]:
        said += f" No direct messages about it any more: {listed(people, SHOWN)}."
    await answer(interaction, said)
