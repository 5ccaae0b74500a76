"""What a change calls for beside the ops channel."""

from datetime import UTC, datetime, timedelta

from bot.domain.asides import Aside, Place, What
from bot.domain.incidents import Happening, Incident, Key, Moment, Note, Rule, Stage
from bot.domain.model import Severity
from bot.domain.value import replace
from bot.domain.watch.beside import beside
from bot.domain.watch.known import Changes, Known

NOW = datetime(2026, 12, 1, 3, tzinfo=UTC)
FIRED = Moment(NOW - timedelta(hours=1), Happening.FIRED)
TAKEN = Moment(NOW, Happening.ACKNOWLEDGED, who=7)
THREAD = 4711


def opened(token: int, thread: int | None = THREAD) -> Incident:
    """A ban of that token, with a thread under its card."""
    return Incident(
        Key(Rule.BANNED, token), Severity.CRITICAL, Stage.FIRING, FIRED.at, FIRED.at, moments=(FIRED,), thread=thread
    )


def told(*after: Incident, before: tuple[Incident, ...] = ()) -> tuple[Aside, ...]:
    """What is said when these were otherwise before."""
    return beside(Known(incidents={each.key: each for each in before}), Changes(NOW, incidents=after), NOW)


def test_a_thread_is_told_once_what_is_alike_of_several_incidents() -> None:
    before = opened(1), opened(2), opened(3, thread=None)
    after = [replace(each, moments=(FIRED, TAKEN), acknowledged=TAKEN) for each in before]
    keys = tuple(each.key for each in before[:2])
    assert told(*after, before=before) == (Aside(THREAD, Place.THREAD, NOW, What.CHANGED, keys, (TAKEN,)),)


def test_a_thread_is_told_how_its_incident_ended_and_what_somebody_noted() -> None:
    over = Moment(NOW, Happening.RESOLVED)
    ended = replace(opened(1), stage=Stage.RESOLVED, resolved_at=NOW, moments=(FIRED, over))
    note = Note(NOW, 7, "passed the check by phone")
    assert told(ended, before=(opened(1),)) == (Aside(THREAD, Place.THREAD, NOW, What.ENDED, (ended.key,), (over,)),)
    assert told(replace(opened(1), notes=(note,)), before=(opened(1),)) == (
        Aside(THREAD, Place.THREAD, NOW, What.NOTE, (ended.key,), notes=(note,)),
    )


def test_a_thread_is_told_nothing_where_nothing_happened() -> None:
    reminded = replace(opened(1), moments=(FIRED, Moment(NOW, Happening.REMINDED)), reminders=1)
    assert told(opened(1), before=(opened(1, thread=None),)) == ()
    assert told(reminded, before=(opened(1),)) == ()


def test_an_incident_that_is_another_of_the_same_key_is_told_from_its_beginning() -> None:
    again = Moment(NOW, Happening.FIRED)
    after = replace(opened(1), opened_at=NOW, moments=(again,))
    assert [each.moments for each in told(after, before=(opened(1),))] == [(again,)]


def test_a_page_is_stale_after_an_hour_and_the_rest_after_a_day() -> None:
    page = Aside(7, Place.PERSON, NOW, What.PAGE)
    assert page.stale_at == NOW + timedelta(hours=1)
    assert replace(page, what=What.ENDED).stale_at == NOW + timedelta(days=1)
