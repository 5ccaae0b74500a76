"""What became of acts: a line for the ops channel, which makes no sound."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from bot.chat import cards
from bot.chat.alerts.drafts import Draft
from bot.chat.alerts.story import Story
from bot.chat.text import capitalised, listed, plain, stamp
from bot.domain.acts import Act, State, it, participle, who
from bot.domain.messages import Notice

NAMED: Final = 12
"""Of what several acts are about, as many are named."""

WORDS: Final = 300
"""How much is shown of a reason, and of what ImaginePro said."""

_SIGNS: Final = {State.DONE: "🔧", State.NOT_DONE: "✖️", State.UNKNOWN: "❔"}
_GRAVEST: Final = (State.UNKNOWN, State.NOT_DONE, State.DONE)


def acted(notice: Notice, _: Sequence[Story]) -> Draft:
    """What became of the acts of a notice: a line, and of several one for each outcome, and person."""
    alike: dict[tuple[object, ...], list[Act]] = defaultdict(list)
    times = Counter[str]()
    for act in notice.acts:
        late = act.at if act.seen_at is not None else None
        # Off, on and off again are three lines, in their order.
        alike[act.told, participle(act), _why(act), act.by, late, times[act.subject]].append(act)
        times[act.subject] += 1
    gravest_first = sorted(alike.values(), key=lambda acts: _GRAVEST.index(_outcome(acts[0])))
    first, *rest = map(sentence, gravest_first) if alike else ["Something was done at ImaginePro"]
    return Draft((_sign(notice.acts), cards.GREY), first, [*rest])


def sentence(acts: Sequence[Act]) -> str:
    """`1900 and 1901 were switched off by @ana: banned`, of acts of one outcome; markup of Discord."""
    act = acts[0]
    about = listed([plain(it(each), 100) for each in acts], NAMED)
    was, done = "were" if len(acts) > 1 else "was", plain(participle(act), WORDS)
    why = plain(_why(act), WORDS)
    told = f": {why}" if why else ""
    if act.seen_at is not None:
        return (
            f"{capitalised(about)} {was} {done} after all: {who(act)} asked for it {stamp(act.at)}, "
            "and it seemed not to have happened"
        )
    match act.told:
        case State.DONE:
            return f"{capitalised(about)} {was} {done} by {who(act)}{told}"
        case State.NOT_DONE:
            return f"{capitalised(about)} could not be {done}, as {who(act)} asked{told}"
        case _:
            return f"It is not known whether {about} {was} {done}, as {who(act)} asked{told}"


def _why(act: Act) -> str:
    """Why it was done, and what is known of the outcome."""
    runbook = act.runbook and f"runbook {act.runbook}"
    return "; ".join(filter(None, [runbook, act.reason if act.told is State.DONE else "", act.why]))


def _outcome(act: Act) -> State:
    """As it is known by now; one that is not settled is no outcome yet, and so not known."""
    state = State.DONE if act.seen_at is not None else act.told
    return state if state in _SIGNS else State.UNKNOWN


def _sign(acts: Sequence[Act]) -> str:
    """As the gravest of the outcomes."""
    return _SIGNS[min(map(_outcome, acts), key=_GRAVEST.index, default=State.DONE)]
