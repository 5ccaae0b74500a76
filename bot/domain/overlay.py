"""A reading is laid over what is remembered, before anything judges or shows it.

The upstream leaves out what it does not have at the moment: a status, the whole `info`. What a record leaves out was
not read, and stays as it was, with its age. So no rule has to ask whether a text is missing, and none can take that for
news. A field of a type that says nothing, as `null` or `true` for a text, is left out too: `bot.imaginepro.wire`.
"""

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from msgspec.structs import astuple

from bot.domain import info
from bot.domain.model import History, InfoText, Status, Token
from bot.domain.value import replace

_OF_RECORD: Final = ("status", "active", "channel_id", "server_id", "concurrency")
_OF_INFO: Final = InfoText.__struct_fields__

_fields: Final = attrgetter(*_OF_RECORD)


def laid_over(token: Token, before: Token | None, read_at: datetime | None) -> Token:
    """The token as read, with what its record leaves out as it was before; `before` itself when that is the same.

    Args:
        token: As read.
        before: As remembered; None when it was not seen before.
        read_at: When `before` was read.
    """
    if before is None or token is before:
        return token
    record, known = token.record, before.record
    fields = _gaps(_OF_RECORD, _fields(record), _fields(known))
    texts = {} if record.info == known.info else _gaps(_OF_INFO, astuple(record.info), astuple(known.info))
    if fields or texts:
        since = {} if read_at is None else dict.fromkeys((*fields, *texts), read_at)
        kept = {name: known.kept.get(name, at) for name, at in since.items()}
        record = replace(record, **fields, info=replace(record.info, **texts), kept=kept)
    if record == known:
        return before
    return token if record is token.record else info.read(record)


def _gaps(names: tuple[str, ...], read: tuple[object, ...], known: tuple[object, ...]) -> dict[str, Any]:
    """What was left out, as it was known."""
    both = zip(names, read, known, strict=True)
    return {name: was for name, now, was in both if now != was and _says_nothing(now) and not _says_nothing(was)}


def _says_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def turned(
    histories: Mapping[int, History], at: datetime, changed: Mapping[int, Token], remembered: Mapping[int, Token]
) -> Mapping[int, History]:
    """The histories after a reading in which those tokens are otherwise than they were, or new."""
    new = {
        token_id: _turn(histories.get(token_id), before, token, at)
        for token_id, token in changed.items()
        if (before := remembered.get(token_id)) is not None and differ(before, token)
    }
    return {**histories, **new} if new else histories


def differ(one: Token, other: Token) -> bool:
    """Whether two statuses are known, and not the same; of those that we do not know, the words are compared."""
    if not one.status_text.strip() or not other.status_text.strip():
        return False
    return one.status is not other.status or (one.status is Status.UNKNOWN and one.status_text != other.status_text)


def _turn(history: History | None, before: Token, now: Token, at: datetime) -> History:
    """FAST is no trouble, and neither is what it was in before all trouble."""
    origin = (history.origin if history else "") or before.status.value
    well = now.status is Status.FAST or now.status.value == origin
    return History(at, before.status_text, "" if well else origin)
