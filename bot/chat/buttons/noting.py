"""The form behind *Note*: what somebody writes is kept with the incidents, or given back. Imported when it is used.

All that a form knows is in its `custom_id`, as with the buttons: discord.py remembers none, and one that is sent after
a restart is answered like any other.
"""

import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Final, Self

import discord

from bot.chat.buttons.press import GuardedForm, Pressed
from bot.chat.buttons.subject import ADDRESS, check_shown, subject_at
from bot.chat.desk import Desk, Need, UnclearError, answer, apologise, say, wait
from bot.chat.text import bare, plain, width
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.model import Severity
from bot.domain.notes import LONGEST

FORM: Final = re.compile(rf"incident:note:(?P<id>{ADDRESS})(:(?P<opened>[0-9]{{1,17}}))?")
"""The custom id of the form: what it is about, and of one that was picked from a list when that began, in microseconds.
"""
WORDS: Final = "words"

SHOWN_BACK: Final = 1500
"""How much of what could not be kept is shown; more comes as a file."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

GIVEN_BACK: Final = "Here is what you wrote:"
TEST: Final = "This is a test page: there is nothing to note."


class NoteForm(GuardedForm):
    """What somebody notes of the incidents at an address."""

    need: ClassVar = Need.OPERATE

    def __init__(self, custom_id: str) -> None:
        """Nothing waits for it: `sent` finds out by its custom id what it is about."""
        super().__init__(title="Note", custom_id=custom_id)
        self.words = discord.ui.TextInput[Self](
            label="For whoever has it next",
            custom_id=WORDS,
            style=discord.TextStyle.paragraph,
            placeholder="passed the check by phone",
            max_length=LONGEST,
        )
        self.add_item(self.words)
        self.stop()

    async def on_submit(self, interaction: Pressed, /) -> None:
        """Keep it."""
        await _keep(interaction, str(dict(interaction.data or {}).get("custom_id", "")), _written(interaction))


async def open_form(interaction: Pressed, address: str) -> None:
    """Show the form at once: Discord takes none after another answer. What it is about is looked at when it is sent."""
    picked = ""
    if "/" in address:
        (incident,) = (await subject_at(interaction, address)).incidents
        picked = f":{(incident.opened_at - _EPOCH) // _MICROSECOND}"
    await interaction.response.send_modal(NoteForm(f"incident:note:{address}{picked}"))


async def sent(interaction: Pressed) -> None:
    """Somebody sent such a form."""
    form = NoteForm(str(dict(interaction.data or {}).get("custom_id", "")))
    try:
        if await form.interaction_check(interaction):
            await form.on_submit(interaction)
    except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
        await apologise(interaction, error)


async def _keep(interaction: Pressed, custom_id: str, words: str) -> None:
    await wait(interaction)
    try:
        kept = await _kept(interaction, await _about(interaction, custom_id), words)
    except Exception as error:  # noqa: BLE001 - an edge, at which what was written is still there
        await apologise(interaction, error)
        await _give_back(interaction, words)
    else:
        await answer(interaction, _said(kept))


async def _kept(interaction: Pressed, about: tuple[Incident, ...], words: str) -> tuple[Incident, ...]:
    desk: Desk = interaction.client.desk
    try:
        return await desk.note(about, interaction.user.id, words if bare(words, LONGEST) else "")
    except ValueError as error:
        raise UnclearError(str(error)) from None


async def _about(interaction: Pressed, custom_id: str) -> tuple[Incident, ...]:
    """What the form is about. One that was picked from a list may be over by now, and is found where it is stored."""
    match = FORM.fullmatch(custom_id)
    assert match is not None  # noqa: S101 - or nobody would have come here
    if match["opened"] is not None:
        return (_picked(match["id"], int(match["opened"])),)
    subject = await subject_at(interaction, match["id"])
    check_shown(interaction, subject)
    if any(each.key.rule is Rule.TEST for each in subject.incidents):
        raise UnclearError(TEST)
    return subject.incidents


def _picked(address: str, opened: int) -> Incident:
    """As much of an incident as it takes to find it where it is stored."""
    rule, token, step = address.split("/")
    began = _EPOCH + opened * _MICROSECOND
    key = Key(Rule(rule), int(token) if token else None, step)
    return Incident(key, Severity.INFO, Stage.RESOLVED, began, began)


async def _give_back(interaction: Pressed, words: str) -> None:
    """Nothing that somebody wrote is lost."""
    if not bare(words, LONGEST):
        return
    shown = plain(words, 4 * len(words))
    if width(shown) <= SHOWN_BACK:
        await say(interaction, f"{GIVEN_BACK}\n> {shown}")
    else:
        file = discord.File(io.BytesIO(words.encode(errors="replace")), "note.txt")
        await interaction.followup.send(GIVEN_BACK, file=file, ephemeral=True)


def _said(kept: tuple[Incident, ...]) -> str:
    if not kept:
        return "That is noted already."
    if len(kept) > 1:
        return f"Noted with {len(kept)} incidents."
    return "Noted: it stands on the card, and on the next one if it happens again."


def _written(interaction: Pressed) -> str:
    """What was written, wherever Discord has it in what it sends."""

    def texts(node: Any) -> list[str]:  # noqa: ANN401 - JSON
        match node:
            case {"custom_id": "words", "value": str(value)}:
                return [value]
            case dict():
                return [text for each in node.values() for text in texts(each)]
            case list():
                return [text for each in node for text in texts(each)]
            case _:
                return []

    return next(iter(texts(dict(interaction.data or {}).get("components"))), "")
