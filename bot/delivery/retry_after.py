"""How long a server asks to be left alone, in whichever form it says so: RFC 9110, 10.2.3, and Discord's own."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

LONGEST: Final = timedelta(hours=1)
"""Nobody is left alone for longer without being tried: a slip in a header would blind the bot, and a wait was once read
in the wrong unit, for two hours (https://github.com/allianceauth/allianceauth/issues/874)."""


def asked_for(said: object, date: str) -> timedelta | None:
    """The wait that is asked for, an hour at most; None where nothing is, or it cannot be read.

    Args:
        said: Seconds, with decimals or not, or a date of HTTP; the value of `Retry-After`, or of a field of JSON.
        date: When the answer was sent by its own header `Date`, from which a date counts.
    """
    if said is None or isinstance(said, bool):
        return None
    try:
        seconds = float(str(said))
    except ValueError:
        try:
            seconds = (_date(str(said)) - _date(date)).total_seconds()
        except (TypeError, ValueError, OverflowError):
            return None
    if math.isnan(seconds):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST.total_seconds()))


def _date(text: str) -> datetime:
    """A date of HTTP, in any of its three forms (RFC 9110, 5.6.7); it is in GMT even where it does not say so."""
    found = parsedate_to_datetime(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
