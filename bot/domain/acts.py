"""Acts: what changes something at ImaginePro, or costs something there. What each is called, and when none may begin.

    planned (stored, nothing was sent) -> begun (stored right before the one request) -> done | not done | unknown

An act that began has happened once or not at all, and is never sent again: whoever does not know which reads it back.
Pure; `bot.domain.watch.acting` says what is stored and told of it, and `bot.acts` does it.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bot.domain.incidents import Key
from bot.domain.model import Mode, Status, Token
from bot.domain.value import Value

REMEMBERED: Final = timedelta(hours=2)
"""How long each act that is over is remembered; a person's keeps runbooks off for an hour."""

LAST_REMEMBERED: Final = timedelta(days=90)
"""The same of the last act of each subject, so that the bot knows what it switched off itself."""

LATE: Final = timedelta(hours=1)
"""How long after an act of which nobody knows a reading may show that it has happened."""


class Kind(StrEnum):
    """What is done."""

    TOGGLE = "toggle"
    """Switch a token on or off."""
    MODE = "mode"
    """Let a token's account work fast, relaxed or turbo."""
    REFRESH = "refresh"
    """Let Midjourney say anew what it says of an account: `/info`."""
    PROBE = "probe"
    """Let one image be made, to see whether jobs run."""
    CANCEL = "cancel"
    """Cancel a job."""
    QUEUE = "queue"
    """Pause, resume or reboot ImaginePro's queue."""
    BANWORDS = "banwords"
    """Change ImaginePro's list of banned words."""


class State(StrEnum):
    """How far an act is."""

    PLANNED = "planned"
    """Nothing was sent."""
    BEGUN = "begun"
    """It was sent, or is about to be."""
    DONE = "done"
    NOT_DONE = "not_done"
    """It certainly changed nothing: never sent, or refused in ImaginePro's own words."""
    UNKNOWN = "unknown"
    """Nobody knows, and reading it back did not tell."""


class Act(Value):
    """One of them, from the confirmation on."""

    id: str
    """Short and random."""
    kind: Kind
    wanted: str
    """`on`, `off`; `fast`, `relax`, `turbo`; `pause`, `resume`, `reboot`; `+word -word`; of a probe its prompt; else
    empty."""
    at: datetime
    """When it was confirmed, or a runbook asked for it."""
    token: int | None = None
    job: str = ""
    """The job that is to be cancelled."""
    by: int = 0
    """Discord's id of the person; 0 for the bot itself, by a runbook."""
    runbook: str = ""
    """Which runbook."""
    reason: str = ""
    """A person's own words, escaped by whoever shows them."""
    state: State = State.PLANNED
    begun_at: datetime | None = None
    settled_at: datetime | None = None
    why: str = ""
    """What is known of the outcome, in plain words; it may quote ImaginePro, and is escaped by whoever shows it."""
    keys: tuple[Key, ...] = ()
    """The incidents whose card it came from, which tells it; empty where it came from no card."""
    batch: str = ""
    """Of acts that were confirmed together, and are told together: the same for all. Empty of one by itself."""
    followed: str = ""
    """The job that ImaginePro made of it."""
    was: tuple[Mode, ...] = ()
    """Of a mode: in which ones the last reading before it left its token, as `modes` has it."""
    denied: bool = False
    """Whether nobody knows, but what was read at the end of half a minute was as before."""
    seen_at: datetime | None = None
    """When a reading showed that it has happened after all, though nobody knew."""

    @property
    def subject(self) -> str:
        """What only one act at a time may be about."""
        return f"{self.kind}:{self.job or ('' if self.token is None else self.token)}"

    @property
    def told(self) -> State:
        """What people are told of the outcome: what reads as before is not done, until a later reading shows it."""
        return State.NOT_DONE if self.denied else self.state

    @property
    def settled(self) -> bool:
        """Whether all is known of it that will be."""
        return self.state not in {State.PLANNED, State.BEGUN}


class _Words(Value):
    """How people call an act. `{token}`, `{job}`, `{wanted}` and `{queue}` are the act's own."""

    it: str
    """What it is about."""
    do: str
    """As in "about to …"."""
    done: str
    """As in "1900 was …"."""
    noted: str = ""
    """The same in the timeline of a token, where it is not said what it is about; empty where `done` is enough."""


_WORDS: Final[Mapping[tuple[Kind, str], _Words]] = {
    (Kind.TOGGLE, "on"): _Words("{token}", "switch {token} on", "switched on"),
    (Kind.TOGGLE, "off"): _Words("{token}", "switch {token} off", "switched off"),
    (Kind.MODE, ""): _Words("{token}", "switch {token} to {wanted}", "switched to {wanted}"),
    (Kind.REFRESH, ""): _Words("the info of {token}", "refresh the info of {token}", "refreshed", "info refreshed"),
    (Kind.PROBE, ""): _Words("a test job for {token}", "run a test job for {token}", "run", "test job run"),
    (Kind.CANCEL, ""): _Words("job {job}", "cancel job {job}", "cancelled"),
    (Kind.QUEUE, "pause"): _Words("{queue}", "pause {queue}", "paused"),
    (Kind.QUEUE, "resume"): _Words("{queue}", "resume {queue}", "resumed"),
    (Kind.QUEUE, "reboot"): _Words("{queue}", "reboot {queue}", "rebooted"),
    (Kind.BANWORDS, ""): _Words("the list of ban words", "change the ban words: {wanted}", "changed ({wanted})"),
}
"""By kind and by what is wanted; empty for whatever that is."""


def _said(act: Act, template: str) -> str:
    queue = "the queue" if act.token is None else f"the queue of {act.token}"
    return template.format(token=act.token, job=act.job, wanted=act.wanted, queue=queue)


def _words(act: Act) -> _Words:
    return _WORDS.get((act.kind, act.wanted)) or _WORDS.get((act.kind, "")) or _Words(act.kind, act.kind, "done")


def it(act: Act) -> str:
    """What it is about: `1900`, `job 3f2a`, `the queue`."""
    return _said(act, _words(act).it)


def infinitive(act: Act) -> str:
    """`switch 1900 off`."""
    return _said(act, _words(act).do)


def participle(act: Act) -> str:
    """`switched off`."""
    return _said(act, _words(act).done)


def noted(act: Act) -> str:
    """`switched off`, `test job run`: where its token is known, and nothing else."""
    words = _words(act)
    return _said(act, words.noted or words.done)


def who(act: Act) -> str:
    """`<@41>`, or `the bot`."""
    return f"<@{act.by}>" if act.by else "the bot"


_BY_STATUS: Final = {Status.FAST: (Mode.FAST, Mode.TURBO), Status.RELAX: (Mode.RELAX,)}
"""There is no status for turbo."""


def modes(token: Token) -> tuple[Mode, ...]:
    """In which modes a token may be, by what this reading says of it; empty where that does not tell.

    `jobMode` could tell fast from turbo, and is mostly empty. How old both are, ImaginePro does not say.
    """
    kept = token.record.kept
    found = () if "status" in kept else _BY_STATUS.get(token.status, ())
    if token.mode is None or "job_mode" in kept:
        return found
    return (token.mode,) if token.mode in found else ()


def shows(act: Act, token: Token) -> bool | None:
    """Whether this reading of its token shows what an act wants; None where it cannot tell."""
    if act.kind is Kind.TOGGLE:
        unread = token.active is None or "active" in token.record.kept
        return None if unread else token.active is (act.wanted == "on")
    found = modes(token) if act.kind is Kind.MODE else ()
    if act.wanted in found:
        return True if len(found) == 1 else None
    return False if found else None


def happened(act: Act, token: Token) -> bool | None:
    """Whether a reading after an act shows that it was done; None where it cannot tell.

    A mode that was read before as well proves nothing, as what is read may be old; a reading that moved does.
    """
    found = modes(token)
    if act.kind is not Kind.MODE or act.wanted not in found:
        return shows(act, token)
    moved = (act.was and set(act.was).isdisjoint(found)) or (len(found) == 1 and act.was != found)
    return True if moved else None


def may_begin(
    acts: Iterable[Act], act: Act, asked_at: datetime, now: datetime, token: Token | None = None
) -> str | None:
    """Why an act must not begin, in a sentence for people; None when it may.

    Args:
        acts: What is known of others, in any order.
        act: The one that is confirmed now.
        asked_at: When the question was shown that was confirmed.
        now: The time.
        token: Its token, as the last reading has it; None where that is not known, or not sure.
    """
    if now - asked_at >= REMEMBERED:  # what was done since may be forgotten
        return "This question is over. Ask again."
    same = [each for each in acts if each.subject == act.subject]
    for each in same:
        if each.id == act.id:
            return "This was confirmed already. Look at what became of it."
        if not each.settled:
            return f"{who(each)} is about to {infinitive(each)} right now. Wait for the outcome, then look again."
    for each in same:
        since, sure = each.seen_at or each.settled_at, each.state is State.DONE or each.seen_at is not None
        may_have = sure or (each.state is State.UNKNOWN and each.begun_at is not None)
        if may_have and since is not None and since >= asked_at:
            so = f"{it(each)} was {participle(each)} by {who(each)}" if sure else f"{who(each)} tried that"
            return f"{so} after you asked, <t:{int(since.timestamp())}:R>. Look again, and ask anew."
    # What is read of a mode may be old; whether a token is on is ImaginePro's own.
    if act.kind is Kind.TOGGLE and token is not None and shows(act, token):
        return f"{it(act)} is {act.wanted} already."
    return None


def switched_off(acts: Iterable[Act], now: datetime) -> frozenset[int | None]:
    """The tokens that an act of a moment ago wanted to be off, whatever is known of it by now."""
    toggles = (each for each in acts if each.kind is Kind.TOGGLE and each.begun_at and now - each.begun_at < LATE)
    last = {each.token: each.wanted for each in sorted(toggles, key=lambda each: each.at)}
    return frozenset(token for token, wanted in last.items() if wanted == "off")


def remembered(acts: Iterable[Act], now: datetime) -> Mapping[str, Act]:
    """The acts to keep in mind, by id: what is open, with its batch; the last of each subject; and those of late."""
    all_ = sorted(acts, key=lambda each: each.at)
    last = {each.subject: each.id for each in all_}
    open_ = {each.batch for each in all_ if not each.settled and each.batch}
    return {
        each.id: each
        for each in all_
        if not each.settled
        or each.batch in open_
        or now - each.at < (LAST_REMEMBERED if last[each.subject] == each.id else REMEMBERED)
    }
