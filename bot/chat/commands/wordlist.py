"""What `/banwords` does: show ImaginePro's list; or propose a change, and show what became of it."""

import contextlib
import io
import re
from collections.abc import Iterable, Sequence
from typing import Any, Final

import aiohttp
import discord

from bot.acts import new_id
from bot.chat.alerts.acted import acted
from bot.chat.buttons.acting import perform
from bot.chat.buttons.confirm import confirm
from bot.chat.buttons.press import Pressed
from bot.chat.cards import BLUE, ORANGE, compose
from bot.chat.cards.answered import answer_card
from bot.chat.desk import Asked, UnclearError, answer
from bot.chat.refusals import refused
from bot.chat.text import number, plain, quoted, stamp, width
from bot.domain.acts import Act, Kind, State
from bot.domain.messages import Notice, NoticeKind
from bot.domain.value import Value
from bot.imaginepro.errors import UpstreamError

MOST: Final = 25
"""Words of one change, so that people can read what they confirm."""

LONGEST: Final = 60
"""Characters of a word."""

_IN_A_CARD: Final = 1500
"""Characters of a list that is shown without a file."""

_PARTS: Final = re.compile(r"[,;\n\r]+")
_SIGNS: Final = re.compile(r"(?:^|\s)[+-]")
"""What the bot parts words with where it stores a change."""


class _Change(Value):
    """What a change changes."""

    words: tuple[str, ...]
    """Those that are to be sent."""
    so: tuple[str, ...] = ()
    """Those of which nothing has to change."""
    listed: int | None = None
    """How many words the list has; None where it cannot be read."""


async def show(interaction: Asked) -> None:
    """Show the list, as a file when it is long.

    Raises:
        UnclearError: ImaginePro does not say it, or nobody set where to ask.
    """
    client = interaction.client
    try:
        tree = await client.upstream.ban_words()
    except UpstreamError as error:
        raise UnclearError(refused(error, client.desk.now)) from None
    words, now = tree.words(), client.desk.now
    if words is None:
        said = ["The answer is no list of words, or not all of it, so it is shown as it is."]
        await answer(interaction, embed=answer_card("🚫 Ban words", tree.lines(), now, said))
        return
    title = f"🚫 {number(len(words))} ban word{'s' * (len(words) != 1)}"
    shown = ", ".join(plain(each, LONGEST * 2) for each in words)
    read = f"read {stamp(now)}"
    if width(shown) <= _IN_A_CARD:
        await answer(interaction, embed=compose(title, [shown or "The list is empty.", read], BLUE))
        return
    file = discord.File(io.BytesIO("\n".join(words).encode()), "ban-words.txt")
    embed = compose(title, ["They are in the file, one a line.", read], BLUE)
    await interaction.edit_original_response(embed=embed, attachments=[file])


async def propose(interaction: Asked, text: str, reason: str, *, add: bool) -> None:
    """Ask whether these words shall be added, or removed, and say what that changes.

    Raises:
        UnclearError: Nothing would change, the words cannot be sent, or nobody set where to.
    """
    client = interaction.client
    endpoint, asked_at = client.upstream.endpoints["BANWORDS_UPDATE"], client.desk.now
    if endpoint.unset:
        raise UnclearError(endpoint.unset)
    change = await _change(client, words_in(text), add=add)
    if not change.words:
        sentence = f"Nothing to change: {_named(change.so)} {_so(change.so, add=add)}."
        raise UnclearError(sentence)
    count = len(change.words)
    what = f"{number(count)} word{'s' * (count != 1)}"
    lines = [
        f"**{'Add' if add else 'Remove'}** {_named(change.words)}",
        f"{_named(change.so)} {_so(change.so, add=add)}." if change.so else "",
        _of(change),
        "The list is for all prompts of your ImaginePro account.",
        f"Sent once: {plain(f'{endpoint.method} {endpoint.path}', 300)}",
        f"Reason: {quoted(reason, 300)}" if reason else "",
    ]
    title = f"🚫 {'Add' if add else 'Remove'} {what} {'to' if add else 'from'} the ban words?"
    embed = compose(title, filter(None, lines), ORANGE)
    wanted = " ".join(f"{'+' if add else '-'}{word}" for word in change.words)
    act = Act(new_id(), Kind.BANWORDS, wanted, asked_at, by=interaction.user.id, reason=reason)

    async def doing(pressed: Pressed) -> None:
        async def end(pressed: Pressed, acts: Sequence[Act]) -> None:
            await _end(pressed, acts[0], change.words, add=add)

        await perform(pressed, [act], asked_at, end)

    await confirm(interaction, embed, f"{'Add' if add else 'Remove'} {what}", doing, danger=not add)


def words_in(text: str) -> tuple[str, ...]:
    """The words of a text, each once, in their order.

    Raises:
        UnclearError: There is none, there are too many, or one cannot be sent.
    """
    found = dict[str, str]()
    for part in _PARTS.split(text):
        if word := " ".join(part.split()):
            found.setdefault(word.casefold(), word)
    words = tuple(found.values())
    sentence = ""
    if not words:
        sentence = "Write the words, with commas or line breaks between them."
    elif len(words) > MOST:
        sentence = f"That is {len(words)} words: at most {MOST} at once, so that one can read what one confirms."
    elif long := next((each for each in words if len(each) > LONGEST), None):
        sentence = f"{quoted(long, 80)} is too long: a word has at most {LONGEST} characters."
    elif signed := next((each for each in words if _SIGNS.search(each)), None):
        sentence = f"{quoted(signed, 80)} cannot be taken down: no word in it may begin with + or -."
    elif odd := next((each for each in words if not each.isprintable()), None):
        sentence = f"{quoted(odd, 80)} has characters that cannot be seen."
    if sentence:
        raise UnclearError(sentence)
    return words


async def _change(client: Any, words: Sequence[str], *, add: bool) -> _Change:  # noqa: ANN401 - a client of either kind
    """What of these words is not so already, as far as the list can be read."""
    try:
        listed = (await client.upstream.ban_words()).words()
    except UpstreamError:
        listed = None
    if listed is None:
        return _Change(tuple(words))
    there = {each.casefold(): each for each in listed}
    missing = [each for each in words if each.casefold() not in there]
    # What is to be removed is named as the list has it.
    present = [there[each.casefold()] for each in words if each.casefold() in there]
    change, so = (missing, present) if add else (present, missing)
    return _Change(tuple(change), tuple(so), len(listed))


def _of(change: _Change) -> str:
    if change.listed is None:
        return "⚠️ The list cannot be read, so which of them are in it already is not known."
    return f"The list has {number(change.listed)} word{'s' * (change.listed != 1)} now."


def _so(words: Sequence[str], *, add: bool) -> str:
    be = "is" if len(words) == 1 else "are"
    return f"{be} in the list already" if add else f"{be} not in the list"


def _named(words: Iterable[str]) -> str:
    return ", ".join(quoted(each, 2 * LONGEST) for each in words)


async def _end(pressed: Pressed, act: Act, words: Sequence[str], *, add: bool) -> None:
    """What became of it, and whether the list shows it."""
    client = pressed.client
    told = acted(Notice(NoticeKind.ACT, client.desk.now, (), acts=(act,)), ())
    said = [f"{told.sign[0]} **{told.headline}**", *map(str, told.lines), await _seen(client, act, words, add=add)]
    with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):  # the ops channel tells of it, too
        await answer(pressed, "\n".join(filter(None, said)))


async def _seen(client: Any, act: Act, words: Sequence[str], *, add: bool) -> str:  # noqa: ANN401 - as above
    """What the list shows now: an answer that is well need not mean that it was changed."""
    if act.begun_at is None or act.state is State.NOT_DONE:
        return ""
    change = await _change(client, words, add=add)
    if change.listed is None:
        return "The list cannot be read back, so whether it shows this is not known."
    if change.words:
        return f"⚠️ The list does not show it: {_named(change.words)}. `/banwords list` reads it anew."
    return f"The list shows it: {number(change.listed)} word{'s' * (change.listed != 1)} now."
