"""What ImaginePro says of the account whose key the bot has: its plan, and what it has left."""

import re
from datetime import datetime
from typing import Final

from bot.domain.value import Value

_ADDRESS: Final = re.compile(r"([\w.+-])[^@\s]*@([\w-]+(?:\.[\w-]+)+)")
_LONGEST: Final = 320
"""Characters of an address (RFC 3696, errata 1690)."""


class Account(Value):
    """The account. What is not known is None, or an empty text; the whole e-mail address is never kept."""

    plan: str = ""
    """As sent: `STARTER`, `DIY`."""
    quota: int | None = None
    """Credits of a period. What the fields are is inferred from their names: creditsQuota, credits, creditsExtra."""
    credits: int | None = None
    """Left of those."""
    extra: int | None = None
    """Bought on top."""
    expires_at: datetime | None = None
    """Aware. When the plan at ImaginePro ends; not Midjourney's."""
    email: str = ""
    """Masked: `a…@example.com`."""

    @property
    def left(self) -> int | None:
        """Credits that can be spent, bought ones included; None when neither is known."""
        known = [each for each in (self.credits, self.extra) if each is not None]
        return sum(known) if known else None


class Verdict(Value):
    """What the prompt check says."""

    ok: bool
    message: str = ""
    """Why not, in ImaginePro's words; may be empty."""


def masked(email: str) -> str:
    """An e-mail address of which just enough is left to tell two apart: its first letter, and its domain."""
    found = _ADDRESS.fullmatch(email.strip()[:_LONGEST])
    return f"{found[1]}…@{found[2]}" if found else ""
