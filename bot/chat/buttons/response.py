"""Who has it: acknowledging, releasing and handing over, whether under a card or from the list of what is open."""

from collections.abc import Sequence

import discord

from bot.chat.alerts import row
from bot.chat.buttons.press import STALE, Pressed
from bot.chat.buttons.subject import ALREADY_OVER, Menu
from bot.chat.desk import Desk, UnclearError, answer
from bot.chat.text import listed, span, stamp
from bot.domain.incidents import TEST, Incident, Key

NOBODY_HAS_IT = "Nobody has it."


async def acknowledge(interaction: Pressed, menu: Menu) -> None:
    """Confirmed only when it is stored. Of two people at once, one has it and the other is told who."""
    desk: Desk = interaction.client.desk
    keys = [incident.key for incident in menu.subject.open]
    answered = {incident.key: incident for incident in await desk.acknowledge(keys, interaction.user.id)}
    if (test := answered.pop(TEST, None)) is not None and test.resolved_at is not None:
        took = span(test.resolved_at - test.opened_at)
        await answer(interaction, f"The page reached you: you answered after {took}. It was a test, and is over.")
        return
    taken = set(answered)
    others = [each for each in _now_open(desk, keys) if each.key not in taken and each.acknowledged]
    said = [f"{_name(sorted(taken, key=keys.index), 'is', 'are')} yours. {_reminders(len(taken))}"] if taken else []
    said += [_theirs(others, interaction.user.id)] if others else []
    await answer(interaction, " ".join(said) or ALREADY_OVER)


async def release(interaction: Pressed, menu: Menu) -> None:
    """Whoever has it, has it no more; who did that stands on the card."""
    desk: Desk = interaction.client.desk
    keys = [incident.key for incident in menu.subject.open]
    freed = [incident.key for incident in await desk.hand_back(keys, interaction.user.id)]
    if not freed:
        raise UnclearError(NOBODY_HAS_IT if _now_open(desk, keys) else ALREADY_OVER)
    what = "it is critical, its reminders go" if len(freed) == 1 else "they are critical, their reminders go"
    await answer(interaction, f"{_name(freed, 'is', 'are')} nobody's now. While {what} on.")


async def believe(interaction: Pressed, menu: Menu) -> None:
    """Whoever is not in the list is gone for good, somebody says."""
    menu.subject.open  # noqa: B018 - refuses what is over
    if not await interaction.client.desk.believe(interaction.user.id):
        raise UnclearError(ALREADY_OVER)
    await answer(interaction, "The bot believes the list from the next poll on, and forgets the tokens that it lacks.")


async def ask_whom(interaction: Pressed, menu: Menu) -> None:
    """Let somebody be chosen; who may be is checked then."""
    menu.subject.open  # noqa: B018 - refuses what is over
    people: discord.ui.UserSelect[discord.ui.View] = discord.ui.UserSelect(
        custom_id=f"incident:menu:give:{menu.subject.address}:0", placeholder="Who has it from now on?"
    )
    await answer(interaction, "Hand over to whom? They are mentioned in the channel.", view=row([people]))


async def hand_over(interaction: Pressed, menu: Menu) -> None:
    """Whoever was chosen has it, if they may use the bot."""
    desk: Desk = interaction.client.desk
    keys = [incident.key for incident in menu.subject.open]
    chosen = menu.person
    if chosen is None:
        raise UnclearError(STALE)
    if not interaction.client.access.admits(chosen):
        sentence = f"<@{chosen.id}> may not use this bot, so nothing was changed. Choose somebody who may."
        raise UnclearError(sentence)
    given = [incident.key for incident in await desk.hand_over(keys, chosen.id, interaction.user.id)]
    if not given:
        raise UnclearError(f"<@{chosen.id}> has it already." if _now_open(desk, keys) else ALREADY_OVER)
    await answer(interaction, f"{_name(given, 'is', 'are')} handed over to <@{chosen.id}>.")


def _now_open(desk: Desk, keys: Sequence[Key]) -> list[Incident]:
    return [found for key in keys if (found := desk.known.incidents.get(key)) and found.open]


def _name(keys: Sequence[Key], one: str, many: str) -> str:
    """`Token 1906 is`, `It is`, `3 incidents are`."""
    tokens = {key.token for key in keys}
    if len(keys) == 1:
        (token,) = tokens
        return f"It {one}" if token is None else f"Token {token} {one}"
    return f"{len(keys)} incidents {many}"


def _reminders(count: int) -> str:
    return f"No reminders unless {'it' if count == 1 else 'one of them'} gets worse."


def _theirs(others: Sequence[Incident], me: int) -> str:
    moments = [incident.acknowledged for incident in others if incident.acknowledged]
    people = sorted({moment.who or 0 for moment in moments})
    names = listed(["you" if who == me else f"<@{who}>" for who in people], 5)
    has = "have" if people == [me] or len(people) > 1 else "has"
    what = "it" if len(others) == 1 else f"{len(others)} of them"
    return f"{names[0].upper()}{names[1:]} {has} {what} already, since {stamp(min(each.at for each in moments), 'f')}."
