"""How a message is sent: without the parts of it that Discord does not take, and read again as it stands there."""

import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import discord

from bot.chat.answers import About, Answer, Part, about, named_buttons, parts
from bot.chat.attempt import AnsweredError
from bot.chat.form import Form, reads_like, without
from bot.delivery.outcome import Posted
from bot.telemetry import event

T = TypeVar("T")

logger = logging.getLogger(__name__)


async def taken(form: Form, mark: str, send: Callable[[Form], Awaitable[T]], *, posting: bool) -> T:
    """Send it; without the parts of it that are refused, one after the other, as long as they are only parts."""
    while True:
        try:
            return await send(form)
        except AnsweredError as error:
            answer = error.answer
            part, form = _lesser(form, answer, posting=posting)
            if part is None:
                raise
            event(logger, logging.WARNING, "message goes without a part", mark=mark, part=part, error=answer)


async def deliver(channel: discord.PartialMessageable, form: Form, mark: str) -> Posted:
    """Post it there with its mark as nonce; what is there may be what was posted with it before."""
    shown = form.shown
    posted = await channel.send(
        shown.content,
        embeds=shown.embeds,
        allowed_mentions=shown.allowed_mentions,
        nonce=mark,
        silent=shown.silent,
        **_extras(channel, form),
    )
    return Posted(posted.id, reads_like(posted.content, posted.embeds, shown))


def _extras(channel: discord.PartialMessageable, form: Form) -> dict[str, Any]:
    """Buttons, and the card that it answers; discord.py tells "none" from "not given"."""
    extras: dict[str, Any] = {}
    if form.shown.view is not None:
        extras["view"] = form.shown.view
    if form.reply_to is not None:
        # The card may have been deleted by somebody; the answer must be read all the same.
        extras["reference"] = discord.MessageReference(
            message_id=form.reply_to, channel_id=channel.id, fail_if_not_exists=False
        )
    return extras


def _lesser(form: Form, answer: Answer, *, posting: bool) -> tuple[Part | None, Form]:
    """What to leave out next, and the message without it; None and the same where that would not help."""
    if about(answer, posting=posting) is About.PART:
        for part in parts(answer):
            less = without(form, part, named_buttons(answer)) or without(form, part)
            if less is not None:
                return part, less
    return None, form
