"""Why ImaginePro did not answer what somebody asked it, in a sentence for them.

Its own words are in it where it does not accept what was sent: then they alone say what to mend.
"""

from datetime import datetime

from bot.chat.cards import why
from bot.chat.text import capitalised, plain
from bot.domain.model import Trouble
from bot.domain.refusal import refusal
from bot.imaginepro.errors import UnpublishedError, UpstreamError

_WORDS = 400


def refused(error: UpstreamError, now: datetime) -> str:
    """`ImaginePro forbids this call: the plan may not be DIY. **Do:** …`; of a path that is not set, how to set it."""
    if isinstance(error, UnpublishedError):
        return error.detail
    until = now + error.retry_after if error.retry_after else None
    if error.trouble is Trouble.REFUSED and until is None:
        said = refusal(error.status)
        return f"{said.meaning}. **Do:** {said.do}"
    if error.trouble is Trouble.NOT_FOUND and error.status is None and error.certain:  # as a value that is missing
        return f"{capitalised(error.detail)}."
    if error.trouble is Trouble.MALFORMED and error.certain and until is None:
        return f"{capitalised(plain(error.detail, _WORDS))}."
    if error.trouble is Trouble.NOT_FOUND:
        return "ImaginePro has nothing at the address of this call, or not for your plan."
    return f"{why(error.trouble, error.status, until)}. Try again {'then' if until else 'in a minute'}."
