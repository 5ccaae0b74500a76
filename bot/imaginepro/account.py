"""The calls about the account whose key it is, and about prompts.

Shapes: docs.imaginepro.ai/api-240330451 (account), docs.imaginepro.ai/project-5160896/api-232398062 (prompt check).
"""

import math
import re
from typing import Final

import msgspec

from bot.domain.account import Account, Verdict, masked
from bot.imaginepro.errors import MalformedError
from bot.imaginepro.http import Line
from bot.imaginepro.jobs import Clean
from bot.imaginepro.loose import INT64, Buffer, Loose, integer, text_of
from bot.imaginepro.plain import Plain, instant, objects

_FRACTION: Final = re.compile(r"-?[0-9]{1,15}\.[0-9]{1,20}")
_OK: Final = {"success": True, "fail": False}


class _Account(msgspec.Struct, gc=False, rename="camel"):
    type: Loose = None
    credits_quota: Loose = None
    credits: Loose = None
    credits_extra: Loose = None
    expired_at: Loose = None
    email: Loose = None


class _Verdict(msgspec.Struct, gc=False, rename="camel"):
    status: Loose = None
    message: Loose = None


async def account(line: Line) -> Account:
    """See `ImaginePro.account`."""
    return await line.call("ACCOUNT", lambda: Plain(lambda body: _account(body, line.clean)))


async def prompt_check(line: Line, text: str) -> Verdict:
    """See `ImaginePro.prompt_check`."""
    return await line.call("PROMPT_CHECK", lambda: Plain(lambda body: _verdict(body, line.clean)), {"prompt": text})


def _account(body: Buffer, clean: Clean) -> Account:
    for row in objects(_Account, body)[:1]:
        found = Account(
            plan=clean(text_of(row.type)),
            quota=_given(row.credits_quota),
            credits=_whole(row.credits),
            extra=_given(row.credits_extra),
            expires_at=instant(row.expired_at),
            email=masked(text_of(row.email)),
        )
        if found != Account():
            return found
    message = "the answer says nothing of an account"
    raise MalformedError(message)


def _whole(value: Loose) -> int | None:
    """So many credits; of a fraction the next whole number, so that none are called left only where none are."""
    text = text_of(value).strip()
    return math.ceil(float(text)) if _FRACTION.fullmatch(text) else integer(value, INT64)


def _given(value: Loose) -> int | None:
    """The same of what nobody can have less than none of: one may owe credits, but not be given less than 0."""
    found = _whole(value)
    return None if found is None or found < 0 else found


def _verdict(body: Buffer, clean: Clean) -> Verdict:
    for row in objects(_Verdict, body)[:1]:
        ok = _OK.get(text_of(row.status).strip().lower())
        if ok is not None:
            return Verdict(ok=ok, message=clean(text_of(row.message)))
    message = "the answer does not say whether the prompt is fine"
    raise MalformedError(message)
