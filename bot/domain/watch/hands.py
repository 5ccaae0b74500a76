"""What people did at ImaginePro itself: tokens that read switched on or off, where the bot had not done that."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from bot.domain.acts import LATE, Act, Kind, State
from bot.domain.model import Token
from bot.domain.runbooks import Trail, trail_id
from bot.domain.value import replace
from bot.domain.watch.known import Known


def hands(known: Known, changed: Mapping[int, Token], at: datetime) -> Iterator[Trail]:
    """The trails of the tokens that somebody switched since they were read before.

    Args:
        known: What was known before the reading.
        changed: The tokens of the reading that read otherwise.
        at: When it was made.
    """
    switched = [
        token
        for token_id, token in changed.items()
        if (before := known.remembered.get(token_id)) is not None
        and before.active is not token.active
        and before.active is not None
        and token.active is not None
    ]
    if not switched:
        return
    last = last_of_each(known.acts.values())
    for token in switched:
        trail = known.decisions.trails.get(trail_id(Kind.TOGGLE, token.id)) or Trail(Kind.TOGGLE, token.id)
        act = last.get((Kind.TOGGLE, token.id))
        if act is None or not _comes_of(act, trail, token, at):
            yield replace(trail, hand_at=at)


def last_of_each(acts: Iterable[Act]) -> Mapping[tuple[Kind, int | None], Act]:
    """The last act of each kind and token."""
    found: dict[tuple[Kind, int | None], Act] = {}
    for each in acts:
        other = found.get((each.kind, each.token))
        if other is None or each.at >= other.at:
            found[each.kind, each.token] = each
    return found


def _comes_of(act: Act, trail: Trail, token: Token, at: datetime) -> bool:
    """Whether it reads otherwise because of an act. Only the first change after it can be that."""
    if act.begun_at is None or act.state is State.NOT_DONE or act.wanted != ("on" if token.active else "off"):
        return False
    seen = trail.hand_at is not None and trail.hand_at >= act.begun_at
    return not seen and act.begun_at <= at and (act.settled_at is None or at - act.settled_at < LATE)
