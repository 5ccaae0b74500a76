"""What is stored and told of acts: planned, begun, settled, and seen to have happened after all."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from bot.domain.acts import LATE, Act, State, happened, infinitive, remembered
from bot.domain.acts import noted as noted_as
from bot.domain.incidents import Happening, Incident, Key, Moment, noted
from bot.domain.messages import Notice, NoticeKind
from bot.domain.steering import Entry
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known, keep, revised

ABOUT_TO = "about to"
AFTER_ALL = "after all"
OUTCOMES = {State.DONE: "done", State.NOT_DONE: "not done", State.UNKNOWN: "not known"}
"""What the audit trail calls what became of an act."""


def planned(known: Known, acts: Sequence[Act], now: datetime) -> tuple[Changes, Known]:
    """Somebody confirmed these acts. The audit trail says so before anything is sent; of some, that they may not be."""
    entries = tuple(
        _outcome(each, now) if each.settled else Entry(now, each.by, ABOUT_TO, infinitive(each), _because(each))
        for each in acts
    )
    changes, after = begun(known, acts, now)
    return replace(changes, audit=entries), after


def begun(known: Known, acts: Sequence[Act], now: datetime) -> tuple[Changes, Known]:
    """These acts are as they are given: about to be sent, or followed."""
    kept = remembered({**known.acts, **{each.id: each for each in acts}}.values(), now)
    return Changes(known.fleet.read_at, acts=tuple(acts)), replace(known, acts=kept)


def settled(known: Known, acts: Sequence[Act], now: datetime) -> tuple[Changes, Known]:
    """What became of these acts is known: the audit trail, the channel and the cards of their incidents tell it.

    Of acts that were confirmed together the channel is told once, when the last of them is settled.
    """
    changes, after = _told(known, acts, now)
    return replace(changes, audit=tuple(_outcome(each, now) for each in acts)), after


def _outcome(act: Act, now: datetime) -> Entry:
    return Entry(now, act.by, OUTCOMES[act.told], infinitive(act), act.why)


def late(known: Known, now: datetime) -> tuple[Changes, Known]:
    """Say of acts of which nobody knew that a later reading shows that they have happened.

    What ImaginePro refused, or was never sent, certainly has not: there somebody did the same elsewhere.
    """
    seen = [replace(each, seen_at=now) for each in known.acts.values() if _happened_after_all(known, each, now)]
    if not seen:
        return Changes(known.fleet.read_at), known
    entries = tuple(Entry(now, each.by, AFTER_ALL, infinitive(each), "a later reading shows it") for each in seen)
    changes, after = _told(known, [replace(each, batch="") for each in seen], now)
    return replace(changes, acts=tuple(seen), audit=entries), after


def _happened_after_all(known: Known, act: Act, now: datetime) -> bool:
    if act.state is not State.UNKNOWN or act.begun_at is None or act.seen_at is not None:
        return False
    if act.batch and any(each.batch == act.batch and not each.settled for each in known.acts.values()):
        return False  # first it has to be told that nobody knows
    token, read_at = known.fleet.tokens.get(act.token or 0), known.fleet.age_of(act.token or 0)
    if token is None or read_at is None or act.settled_at is None or not act.settled_at < read_at <= now:
        return False
    newer = any(each.subject == act.subject and each.at > act.at for each in known.acts.values())
    return not newer and now - act.settled_at < LATE and bool(happened(act, token))


def _told(known: Known, acts: Sequence[Act], now: datetime) -> tuple[Changes, Known]:
    all_ = {**known.acts, **{each.id: each for each in acts}}
    changes, known = begun(known, acts, now)
    moved = revised(known, _with_moments(known, acts, now))
    incidents, after = keep(known, moved)
    notices = tuple(_notices(all_, acts, now))
    return replace(incidents, acts=changes.acts, notices=notices), after


def _notices(all_: Mapping[str, Act], acts: Iterable[Act], now: datetime) -> Iterator[Notice]:
    batches: dict[str, Act] = {each.batch or each.id: each for each in acts}
    for each in batches.values():
        about = [each] if not each.batch else [other for other in all_.values() if other.batch == each.batch]
        about.sort(key=lambda other: (other.at, other.token or 0))  # after a start they are in the order of their ids
        if all(other.settled for other in about):
            keys = tuple(dict.fromkeys(key for other in about for key in other.keys))
            yield Notice(NoticeKind.ACT, now, keys, acts=tuple(about))


def _with_moments(known: Known, acts: Iterable[Act], now: datetime) -> Iterator[Incident]:
    """The incidents of these acts, with one more entry in their timelines for each: open ones that have a card."""
    about: dict[Key, list[Act]] = defaultdict(list)
    for act in acts:
        for key, incident in known.incidents.items():
            of_it = key in act.keys or (act.token is not None and key.token == act.token)
            if of_it and incident.open and incident.has_card:
                about[key].append(act)
    for key, told in about.items():
        incident = known.incidents[key]
        for act in told:
            incident = noted(incident, Moment(now, Happening.ACTED, who=act.by or None, act=_in_a_timeline(act)))
        yield incident


def _in_a_timeline(act: Act) -> str:
    """What a timeline says before "by @ana": `switched off`, `not switched off, asked for`."""
    done = noted_as(act)
    if act.seen_at is not None:
        return f"{done} after all, asked for"
    return {State.DONE: done, State.NOT_DONE: f"not {done}, asked for"}.get(act.told, f"perhaps {done}, asked for")


def _because(act: Act) -> str:
    return " · ".join(filter(None, [act.runbook and f"runbook {act.runbook}", act.reason]))
