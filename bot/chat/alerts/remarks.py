"""What a runbook says to people: that it stopped, or leaves something to them. It sounds, as a person is needed."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final

from bot.chat import cards
from bot.chat.alerts.drafts import Draft
from bot.chat.alerts.story import Story
from bot.chat.text import capitalised
from bot.domain.acts import Act, infinitive, it, participle
from bot.domain.messages import Notice
from bot.domain.runbooks import BOOKS, Remark, Why, name

MANY: Final = "Runbooks need a person: `/runbook list`"


def remarked(notice: Notice, _: Sequence[Story]) -> Draft:
    """What it is, and what is left to people; where several wait for long, a line for each."""
    said = [_said(each, notice.at) for each in notice.remarks]
    headline, *lines = said[0] if len(said) == 1 else (MANY, *(f"{first}." for first, *_ in said))
    return Draft(("✋", cards.ORANGE), headline, lines)


def _said(remark: Remark, at: datetime) -> list[str]:
    book = f"Runbook *{name(remark.book)}*"
    act = Act("", BOOKS[remark.book].kind, remark.wanted, at, remark.token)
    headline, *lines = _SAID[remark.why](remark, act, book)
    return [headline, *lines, *(["This was a dry run: nothing was sent."] if remark.dry else [])]


def _stopped(remark: Remark, _: Act, book: str) -> Sequence[str]:
    return (
        f"{book} has stopped",
        f"It acted {_times(remark.times)} within an hour, which is all it may, and would have gone on.",
        "What it did, it still takes back. See what is wrong; then `/runbook set` lets it go on.",
    )


def _flaps(remark: Remark, act: Act, book: str) -> Sequence[str]:
    return (
        f"{book} leaves {it(act)} alone",
        f"It would {infinitive(act)} once more, and did so {_times(remark.times)} within a day.",
        "Until that is a day ago, this is for you.",
    )


def _failed(remark: Remark, act: Act, book: str) -> Sequence[str]:
    return (
        f"{capitalised(it(act))} could not be {participle(act)}",
        f"{book} tried {_times(remark.times)}, and leaves it to you now.",
    )


_SAID: Final[Mapping[Why, Callable[[Remark, Act, str], Sequence[str]]]] = {
    Why.STOPPED: _stopped,
    Why.FLAPS: _flaps,
    Why.FAILED: _failed,
}


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
