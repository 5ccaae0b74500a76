"""*Discuss*: one thread under a card, whoever presses, however often, and whatever happens in between.

Discord gives a thread under a message the id of the message, and refuses another one. So what it has opened is known
without an answer, and is stored by whoever presses next.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

import discord

from bot.chat.alerts.asides import thread_name
from bot.chat.buttons.press import Pressed
from bot.chat.buttons.subject import Menu
from bot.chat.desk import Desk, DeskClient, UnclearError, answer
from bot.chat.premises import DISCUSSED
from bot.domain.incidents import Incident
from bot.domain.watch.threads import discuss

THERE_ALREADY: Final = 160004
"""The message has a thread."""

RESTS_AFTER: Final = 1440
"""Minutes without a message after which Discord folds a thread away; what is said there opens it again."""

NOT_HERE: Final = "No thread can be opened here: this takes a text channel. What you write below the card is seen, too."

_REFUSALS: Final[Mapping[int, str]] = {
    **dict.fromkeys(
        (50001, 50013),
        "The bot may not open threads here. Somebody who manages this channel has to allow it two permissions: Create "
        "Public Threads, and Send Messages in Threads.",
    ),
    10008: "This message is gone, so it can have no thread.",
    30033: "Discord lets no more people into this thread.",
    160006: "The server has as many open threads as Discord allows: close some, and press again.",
    160007: "The server has as many open threads as Discord allows: close some, and press again.",
}
"""What Discord's codes come to, for the person who pressed."""


async def open_thread(interaction: Pressed, menu: Menu) -> None:
    """Open the thread, or find the one that is there; then it is the thread of all that the card shows.

    Raises:
        UnclearError: There can be none; with a sentence that says how to mend it.
        StoreError: Discord has opened it, and it could not be stored: the next press finds it.
    """
    client: DeskClient = interaction.client
    subject, desk = menu.subject, client.desk
    incidents, card = subject.open, subject.discord_id
    if card is None or getattr(interaction.channel, "type", None) not in DISCUSSED:
        raise UnclearError(NOT_HERE)
    async with client.turn:
        there = next((each.thread for each in _now(desk, incidents) if each.thread is not None), None)
        thread = there or await _opened(client, interaction.channel_id or 0, card, thread_name(incidents, desk.fleet))
        by, keys = interaction.user.id, [each.key for each in incidents]
        await desk.move(lambda known, now: discuss(known, keys, thread, by, now))
    await answer(interaction, f"Go on in <#{thread}>. What becomes of this is said there, too.")


def _now(desk: Desk, incidents: Iterable[Incident]) -> Iterator[Incident]:
    """As they are known: somebody may have opened it while this was read."""
    return (desk.known.incidents.get(each.key, each) for each in incidents)


async def _opened(client: discord.Client, channel: int, card: int, name: str) -> int:
    try:
        await client.http.start_thread_with_message(channel, card, name=name, auto_archive_duration=RESTS_AFTER)
    except discord.HTTPException as error:
        if error.code != THERE_ALREADY:
            sentence = _REFUSALS.get(error.code)
            if sentence is None:
                raise
            raise UnclearError(sentence) from error
    return card
