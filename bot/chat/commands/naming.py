"""What `/name` does: it takes a label, or takes it away, and says why it cannot."""

import unicodedata
from collections.abc import Mapping

from bot.chat.cards import unknown
from bot.chat.desk import Asked, UnclearError, answer
from bot.chat.text import bare, called, plain, quoted, width
from bot.domain.labels import LONGEST, Name, reads_as_number, token_called


async def name(interaction: Asked, token_id: int, label: str) -> None:
    """Call a token so from now on; without a label, by its id alone.

    Raises:
        UnclearError: It cannot be called so, or there is no such token.
    """
    client, words = interaction.client, " ".join(unicodedata.normalize("NFC", label).split())
    async with client.turn:
        desk = client.desk
        old = desk.known.decisions.names.get(Name(token_id, "", 0).id)
        if not words:
            if old is None or not await desk.undo(old, "name end", interaction.user.id):
                sentence = f"Token {token_id} has no name, so nothing was changed."
                raise UnclearError(sentence)
            said = f"Token {token_id} has no name any more; it was {quoted(old.label, 80)}."
        else:
            if token_id not in desk.known.remembered:
                raise UnclearError(unknown(desk.fleet, token_id))
            _check(words, token_id, desk.known.names)
            if old is not None and old.label == words:
                sentence = f"It is called {called(token_id, desk.known.names)} already."
                raise UnclearError(sentence)
            await desk.decide(Name(token_id, words, interaction.user.id), "name", interaction.user.id)
            before = f"; it was {quoted(old.label, 80)}" if old is not None else ""
            said = f"Named: {called(token_id, desk.known.names)}{before}."
    await answer(interaction, said)


def _check(label: str, token_id: int, names: Mapping[int, str]) -> None:
    if width(label) > LONGEST:
        sentence = f"That name has {width(label)} signs: write one of at most {LONGEST}."
        raise UnclearError(sentence)
    if bare(label, 2 * LONGEST) != label:
        sentence = "That name has signs that nobody sees: write it with letters, digits and plain signs only."
        raise UnclearError(sentence)
    if reads_as_number(label):
        sentence = f"{plain(label, 80)} could be taken for the id of a token: write a name with a word in it."
        raise UnclearError(sentence)
    other = token_called(label, names)
    if other not in {None, token_id}:
        assert other is not None  # noqa: S101 - it is another
        sentence = f"{called(other, names)} has that name already: choose another."
        raise UnclearError(sentence)
