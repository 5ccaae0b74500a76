"""How silences begin and end, whether by the buttons under a card, by the list of what is open, or by the command."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from bot.chat.desk import Desk, DeskClient
from bot.chat.text import by_name, capitalised, listed, stamp
from bot.domain.incidents import Incident, Key
from bot.domain.naming import name_of
from bot.domain.steering import Covered, Scope, Silence, Window, pinned
from bot.domain.value import replace
from bot.domain.watch.known import Known, is_aimed
from bot.telemetry import reference


async def begin(client: DeskClient, silence: Silence) -> str:
    """Silence it, unless somebody has done so for as long; returns what to tell the person.

    Raises:
        StoreError: It could not be stored, and did not happen.
    """
    desk = client.desk
    async with client.turn:
        if (group := silence.scope.group) is not None:  # it may have changed, or gone, since somebody named it
            if (group := desk.known.decisions.group(group.name)) is None:
                return "That group was removed just now, so nothing was silenced."
            silence = replace(silence, scope=replace(silence.scope, group=group))
        silence = pinned(silence, desk.known.incidents)
        silences = desk.known.decisions.silences.values()
        same = next((each for each in silences if each.includes(silence) and _lasts(each, silence.until)), None)
        if same is not None:
            return f"<@{same.by}> has silenced {name_of(same)} already, until {until_words(same.until)}."
        await desk.decide(silence, "silence add", silence.by, silence.reason)
    meanwhile = (
        "What comes later or gets worse is told all the same" if silence.covered else "What happens is posted then"
    )
    return (
        f"Silenced: {name_of(silence)}, until {until_words(silence.until)}. "
        f"{meanwhile}; `/silence end` ends it earlier (`{silence.id}`)."
    )


def silence_of(desk: Desk, scope: Scope, until: datetime | None, by: int, reason: str = "") -> Silence:
    """A silence of all that the scope matches, now and later; `until` None is for what is open now, until resolved."""
    return Silence(reference(), scope, desk.now, until, by, reason)


def silence_of_these(desk: Desk, incidents: Iterable[Incident], until: datetime | None, by: int) -> Silence:
    """A silence of just these incidents, as severe as they are now."""
    covered = tuple(Covered.of(desk.known.incidents.get(each.key, each)) for each in incidents)
    rules, tokens = {each.key.rule for each in covered}, {each.key.token for each in covered}
    scope = Scope(rules.pop() if len(rules) == 1 else None, tokens.pop() if len(tokens) == 1 else None)
    return replace(silence_of(desk, scope, until, by), covered=covered)


async def unsilence(client: DeskClient, incidents: Iterable[Incident], by: int) -> str:
    """End every silence of these incidents that was not one of a whole rule; returns what to tell the person.

    Raises:
        StoreError: It could not be stored, and did not happen.
    """
    desk = client.desk
    about = tuple(incidents)
    silences = [each for each in desk.known.decisions.silences.values() if is_aimed(each)]
    ended = [
        each
        for each in silences
        if any(each.suppresses(one) for one in about) and await desk.undo(each, "silence end", by)
    ]
    if not ended:
        return "It is not silenced any more."
    return f"Ended: the silence of {listed([name_of(each) for each in ended], 5)}. {after(desk, ended)}"


def after(desk: Desk, ended: Iterable[Silence | Window]) -> str:
    """What comes of it that these have ended."""
    going_on = desk.known.decisions.suppressing
    if all(any(other.includes(each) for other in going_on) for each in ended):
        return "Another silence or maintenance window still keeps it quiet."
    return "What is still open is posted now."


def quiet_by(known: Known) -> Callable[[Key], str]:
    """By what an open incident of a key is suppressed, in words; nothing where it is not."""
    suppressor, suppressed = known.decisions.suppressor(), known.suppressed()

    def words(key: Key) -> str:
        incident = known.incidents.get(key)
        if incident is None or not suppressed(key):
            return ""
        match suppressor(incident):
            case Silence(by=by, until=until):
                return f"silenced by <@{by}> until {'it is resolved' if until is None else stamp(until, 'f')}"
            case Window():
                return "kept quiet by maintenance"
        return "told by another alert"

    return words


def _lasts(silence: Silence, until: datetime | None) -> bool:
    """Whether it goes on for as long."""
    return silence.until is None or (until is not None and silence.until >= until)


def title_of(silence: Silence, names: Mapping[int, str]) -> str:
    """`All alerts of token 1900`, as it begins a line. Steps are ours: digits, a unit or a percent."""
    return capitalised(by_name(name_of(silence), names))


def until_words(until: datetime | None) -> str:
    """Both the time and how long that is from now; or until when it is over."""
    return "it is resolved" if until is None else f"{stamp(until, 'f')} ({stamp(until)})"
