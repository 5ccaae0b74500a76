"""How often something has to be read before it counts."""

from datetime import timedelta

OFTEN_ENOUGH = timedelta(minutes=5)
"""What was found, or missed, in two readings so far apart need not be so in more of them."""


def counted(so_far: int, needed: int, lasts: timedelta, *, again: bool = True, apart: timedelta = timedelta()) -> int:
    """How many readings in a row, of those that are needed, with this one.

    Args:
        so_far: As many were before it.
        needed: It need not be more.
        lasts: How long ago the first of them was made.
        again: Whether this one counts after others: who refreshes a token three times does not see three readings.
        apart: How far apart each is that counts, where it takes that many; else two that are far apart are enough.
    """
    if so_far and not again:
        return so_far
    if apart:
        return min(so_far + 1, needed) if lasts >= so_far * apart else so_far
    return needed if so_far and lasts >= OFTEN_ENOUGH else min(so_far + 1, needed)
