"""The notices, which are posted beside the cards: what each kind says."""

from collections.abc import Sequence
from datetime import timedelta

from bot.chat import cards
from bot.chat.alerts.drafts import Draft, several
from bot.chat.alerts.groups import Line, grouped, line, sign_of_ends
from bot.chat.alerts.notes import noted
from bot.chat.alerts.phrases import OVER, SIGNS, TAKEN, sign, sign_and_headline
from bot.chat.alerts.remarks import remarked
from bot.chat.alerts.story import Story
from bot.chat.text import capitalised, listed, plain, quoted, stamp
from bot.domain.incidents import Rule
from bot.domain.messages import Notice, NoticeKind
from bot.domain.rules.table import PLAN_RULES, UPSTREAM_RULES

OLD = timedelta(minutes=5)
"""How old a reading is that a reminder names the age of."""

REASON = 300
"""How much of a reason that somebody gave is shown."""


def _of(about: Sequence[Story]) -> str:
    """What a notice is about, as a headline."""
    if len(about) == 1:
        return sign_and_headline(about[0])[1]
    return several(about).removesuffix(" at once") if about else "something that is over by now"


def _names(about: Sequence[Story]) -> list[Line]:
    """Of one its headline says who it is; of several, a line a rule."""
    return [line(label, group) for label, group in grouped(about).items()] if len(about) > 1 else []


def _raised(_: Notice, about: Sequence[Story]) -> Draft:
    open_ = [story for story in about if not story.ended]
    if not open_:
        return _by_now(about, "Got worse, now resolved")
    worst = open_[0].incident.severity
    word = "Worse" if all(story.only_worse for story in open_) else worst.capitalize()
    return Draft(SIGNS[worst], f"{word} now: {_of(open_)}", _names(open_))


def _by_now(about: Sequence[Story], well: str) -> Draft:
    """What a notice says that comes too late: only where all is well does it say so."""
    mark = sign_of_ends(about)
    return Draft(mark, f"{well if mark == OVER else 'Changed in the meantime'}: {_of(about)}", _names(about))


def _reminder(notice: Notice, about: Sequence[Story]) -> Draft:
    left = [story for story in about if not story.ended and not story.incident.acknowledged]
    if not left:
        if all(story.ended for story in about):
            return _by_now(about, "Resolved in the meantime")
        return Draft(TAKEN, f"Acknowledged in the meantime: {_of(about)}", _names(about))
    if all(story.rule is Rule.TEST for story in left):
        said = "Nobody has answered yet: press **Acknowledge** on the message above."
        return Draft(sign(left[0]), "Test page: still not acknowledged", [said])
    since = min(story.incident.began_at for story in left)
    who = "Not acknowledged; escalating." if notice.escalated else "Nobody has it yet."
    return Draft(
        ("⏰", cards.RED),
        f"Still open: {_of(left)}",
        [f"{who} It began {stamp(since)}. **Acknowledge** stops the reminders.", *_age(notice, left), *_names(left)],
    )


def _age(notice: Notice, about: Sequence[Story]) -> list[str]:
    """From when that is, where nobody could read it for a while: what is reminded of may be over by now."""
    read_at = about[0].fleet.read_at
    seen = (
        read_at is None
        or notice.at - read_at < OLD
        or all(story.rule in UPSTREAM_RULES | PLAN_RULES for story in about)
    )
    return [] if seen or read_at is None else [f"ImaginePro was last read {stamp(read_at)}: this is as of then."]


def _resolved(_: Notice, about: Sequence[Story]) -> Draft:
    ended = [story for story in about if story.ended]  # and not what is momentary, as the first reading
    if len(ended) == 1:
        return Draft(*sign_and_headline(ended[0]), noted([ended[0].incident]))
    return Draft(sign_of_ends(ended), several(ended), _names(ended))


def _handed_over(notice: Notice, about: Sequence[Story]) -> Draft:
    open_ = [story for story in about if not story.ended]
    if not open_:
        return _by_now(about, "Resolved in the meantime")
    to = listed([f"<@{person}>" for person in notice.to], 3)
    by = f" by <@{notice.by}>" if notice.by is not None else ""
    said = f"Handed over to {to}{by}. No reminders unless it gets worse."
    return Draft(("🤝", cards.BLUE), _of(open_), [said, *_names(open_)])


def _silence_started(notice: Notice, about: Sequence[Story]) -> Draft:
    return Draft(("🔕", cards.GREY), "Silenced", [_by(notice), *_listed("Open, and silenced now:", _open(about))])


def _silence_ended(notice: Notice, about: Sequence[Story]) -> Draft:
    return Draft(("🔔", cards.BLUE), "A silence is over", [_by(notice), *_left(notice, about)])


def _maintenance_started(notice: Notice, _: Sequence[Story]) -> Draft:
    lines = [_by(notice), "Polling goes on. Whatever has changed is posted when it ends."]
    return Draft(("🛠️", cards.GREY), "Maintenance has begun", lines)


def _maintenance_ended(notice: Notice, about: Sequence[Story]) -> Draft:
    return Draft(("🛠️", cards.BLUE), "Maintenance is over", [_by(notice), *_left(notice, about)])


def _acted(notice: Notice, about: Sequence[Story]) -> Draft:
    from bot.chat.alerts.acted import acted  # noqa: PLC0415 - a start has nothing to say of acts

    return acted(notice, about)


def _unreachable(notice: Notice, _: Sequence[Story]) -> Draft:
    """The person is named, and not called: messages do not reach them, and this is no page."""
    who = listed([f"<@{person}>" for person in notice.to], 3)
    said = f"{who} takes no direct messages from this server, or has left it, so nothing more is sent there."
    mend = "To get them, allow direct messages under the server's Privacy Settings, then use `/notify me` again."
    return Draft(("📪", cards.GREY), "Direct messages were refused", [said, mend])


def _shift(notice: Notice, about: Sequence[Story]) -> Draft:
    """Who is on call from now on, and what they take over."""
    from bot.chat.alerts.shift import shift  # noqa: PLC0415 - no start needs what is said of a rota

    mark, headline, lines = shift(notice)
    return Draft((mark, cards.BLUE), headline, [*lines, *_listed("Open now:", _open(about))])


def _open(about: Sequence[Story]) -> list[Story]:
    return [story for story in about if story.incident.open]


def _left(notice: Notice, about: Sequence[Story]) -> list[str | Line]:
    """What is open at the end of a silence or window, and what came and went in it."""
    before, quiet = set(notice.before), set(notice.quiet)
    passed = [story for story in about if not story.incident.open]
    sets = {
        "New, and open:": [each for each in _open(about) if each.incident.key not in before | quiet],
        "Open since before:": [each for each in _open(about) if each.incident.key in before],
        "Open, and still kept quiet:": [each for each in _open(about) if each.incident.key in quiet],
    }
    stands = [said for heading, stories in sets.items() for said in _listed(heading, stories)]
    nothing = "Nothing of it is left open." if notice.kind is NoticeKind.SILENCE_ENDED else "Nothing is left open."
    return [*(stands or [nothing]), *_listed("Meanwhile:", passed)]


def _listed(heading: str, about: Sequence[Story]) -> list[str | Line]:
    return [heading, *(line(label, group) for label, group in grouped(about).items())] if about else []


NOTICES = {
    NoticeKind.RAISED: _raised,
    NoticeKind.REMINDER: _reminder,
    NoticeKind.RESOLVED: _resolved,
    NoticeKind.HANDED_OVER: _handed_over,
    NoticeKind.SILENCE_STARTED: _silence_started,
    NoticeKind.SILENCE_ENDED: _silence_ended,
    NoticeKind.MAINTENANCE_STARTED: _maintenance_started,
    NoticeKind.MAINTENANCE_ENDED: _maintenance_ended,
    NoticeKind.ACT: _acted,
    NoticeKind.RUNBOOK: remarked,
    NoticeKind.UNREACHABLE: _unreachable,
    NoticeKind.SHIFT: _shift,
}


def _by(notice: Notice) -> str:
    """Whose decision it was, what it suppresses, until when, and why, with nothing in it that works but the mention."""
    until = _until(notice)
    parts = [
        f"**{plain(capitalised(notice.about.replace('_', ' ')), 100)}**{until}" if notice.about else until.strip(),
        f"by <@{notice.by}>" if notice.by is not None else "",
        quoted(notice.words, REASON) if notice.words.strip() else "",
    ]
    return " · ".join(filter(None, parts))


def _until(notice: Notice) -> str:
    if notice.until is not None:
        return f" until {stamp(notice.until, 'f')}"
    return " until it is resolved" if notice.kind is NoticeKind.SILENCE_STARTED else ""
