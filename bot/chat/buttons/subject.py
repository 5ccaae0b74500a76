"""What a component is about: the incidents of a message, or one that somebody picked from the list of what is open."""

from typing import NamedTuple

import discord

from bot.chat.buttons.press import STALE, Pressed
from bot.chat.desk import Desk, UnclearError
from bot.domain.incidents import Incident, Key, Rule

ADDRESS = r"[0-9]{1,18}|[a-z_]{1,20}/[0-9]{0,19}/[ -.0-9A-Z_a-z\u00aa-\U0010ffff]{0,48}"
"""In a custom id: the id of a message, or rule, token and step of an incident, which may have the name of a group."""

UNKNOWN_MESSAGE = (
    "The bot knows nothing of this message any more, so nothing was done. `/incidents` shows what is open."
)
NOT_YET = (
    "This message is only just being posted, or the bot could not save yet that it was, so nothing was done. Press "
    "again in a moment."
)
ALREADY_OVER = "It is over already."


class Subject(NamedTuple):
    """What a component is about."""

    address: str
    """As it stands in custom ids."""
    incidents: tuple[Incident, ...]
    discord_id: int | None = None
    """Of the message that shows them, if they were found by that."""

    @property
    def open(self) -> list[Incident]:
        """Those that are open.

        Raises:
            UnclearError: None is.
        """
        open_ = [incident for incident in self.incidents if incident.open]
        if not open_:
            raise UnclearError(ALREADY_OVER)
        return open_

    @property
    def tokens(self) -> list[int]:
        """The tokens that they are about, by id.

        Raises:
            UnclearError: They are about none.
        """
        found = sorted({each.key.token for each in self.incidents if each.key.token is not None})
        if not found:
            raise UnclearError(STALE)
        return found


class Menu(NamedTuple):
    """A component that somebody used."""

    subject: Subject
    page: int = 0
    values: tuple[str, ...] = ()
    """The options that were chosen, of a menu; empty for a button."""
    rule: Rule | None = None
    """What it is about, of the incidents, when that was chosen before."""
    person: discord.Member | discord.User | None = None
    """Whom somebody chose, of a menu of people."""

    @property
    def value(self) -> str:
        """The option that was chosen, of a menu of which one can be; empty for a button."""
        return self.values[0] if self.values else ""


def address_of(key: Key) -> str:
    """Where an incident is found that was picked from a list."""
    return f"{key.rule}/{'' if key.token is None else key.token}/{key.step}"


async def subject_at(interaction: Pressed, address: str) -> Subject:
    """What is at the address that a component carries.

    Raises:
        UnclearError: There is nothing any more.
        StoreError: The database cannot be read.
    """
    desk: Desk = interaction.client.desk
    if "/" in address:
        found = next((each for key, each in desk.known.incidents.items() if address_of(key) == address), None)
        if found is None or not found.open:
            raise UnclearError(ALREADY_OVER)
        return Subject(address, (found,))
    message = await desk.message(int(address))
    if message is None or message.notice is not None:
        raise UnclearError(UNKNOWN_MESSAGE)
    return Subject(address, message.incidents, message.discord_id)


def check_shown(interaction: Pressed, subject: Subject) -> None:
    """A button counts on its own card only, not on a copy, and not on one that was posted anew since.

    Raises:
        UnclearError: It was pressed elsewhere; with where the card is.
    """
    if subject.discord_id is None:
        raise UnclearError(NOT_YET)
    if interaction.message is None or interaction.message.id != subject.discord_id:
        link = interaction.client.place.link(subject.discord_id)
        sentence = f"This is no longer the message of its incidents, so nothing was done. It is here now: {link}"
        raise UnclearError(sentence)
