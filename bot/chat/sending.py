"""How a message is sent: without the parts of it that Discord does not take, and read again as it stands there."""

import logging
from collections.abc import Awaitable, Callable
from typing import TypeVar

from bot.chat.answers import About, Answer, Part, about, named_buttons, parts
from bot.chat.attempt import AnsweredError
from bot.chat.form import Form, without
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


def _lesser(form: Form, answer: Answer, *, posting: bool) -> tuple[Part | None, Form]:
    """What to leave out next, and the message without it; None and the same where that would not help."""
    if about(answer, posting=posting) is About.PART:
        for part in parts(answer):
            less = without(form, part, named_buttons(answer)) or without(form, part)
            if less is not None:
                return part, less
    return None, form
