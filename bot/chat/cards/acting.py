"""What an act on tokens will do, before it is confirmed: in numbers, with what speaks against it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

import discord

from bot.chat.cards.embed import GREY, ORANGE, compose, sections
from bot.chat.cards.overview import Overview, old_numbers
from bot.chat.cards.status import (
    BANNED,
    VERIFYING,
    Look,
    amount,
    look,
    plan_word,
    refilled,
    standing,
    status_word,
)
from bot.chat.text import all_called, called, called_bare, capitalised, listed, quoted, span, stamp
from bot.chat.text import amount as minutes_of
from bot.domain.info import read
from bot.domain.model import Fleet, Mode, Status, Token
from bot.domain.value import Value, replace

NAMED = 5
"""Tokens that a heading names."""

SLOW = 5
"""From more tokens than this on it is said how long it takes."""

APART = timedelta(seconds=3)
"""Between two requests that ImaginePro takes: its documented limit."""


class Proposal(Value):
    """What is asked before an act, and about which tokens it is: those where it changes something."""

    tokens: tuple[int, ...]
    heading: str
    """`Switch 1900 off?`"""
    lines: tuple[str, ...]
    label: str
    """Of the button that confirms it."""
    danger: bool

    @property
    def embed(self) -> discord.Embed:
        """As it is shown."""
        return compose(self.heading, self.lines, ORANGE if self.danger else GREY)


def toggling(view: Overview, tokens: Sequence[int], *, on: bool, reason: str = "") -> Proposal | str:
    """Switching tokens on or off; where all are so already, that in a sentence.

    Args:
        view: What is known.
        tokens: Ids of tokens that are known, ascending.
        on: Or else off.
        reason: In somebody's own words.
    """
    word, before = "on" if on else "off", view.fleet
    labels = before.names
    so = [each for each in tokens if _known(before, each).active is on and _is_read(before, each)]
    todo = tuple(each for each in tokens if each not in set(so))
    if not todo:
        is_, seen = "is" if len(so) == 1 else "are", f" (read {stamp(before.read_at)})" if before.read_at else ""
        first = called(so[0], labels, "Token ") if len(so) == 1 else capitalised(_titled(so, labels))
        return f"{first} {is_} {word} already{seen}, so nothing was sent."
    after = replace(before, tokens={**before.tokens, **{each: _switched(before, each, on=on) for each in todo}})
    gone = {each.id for each in before.usable} - {each.id for each in after.usable}
    bad = _in_trouble(after, todo) if on else {}
    lines = sections(
        old_numbers(view, before.read_at),
        [f"**Tokens** {ranges(todo)}" if len(todo) > NAMED else ""],
        [
            f"**Now** {standing(before)}",
            f"**Then** {standing(after)}",
            "⚠️ **No other token works:** jobs sent to ImaginePro then wait, or fail." if _last(before, after) else "",
        ],
        [
            *(f"⚠️ **{_heading(ids, seen, labels)}.** {seen.means}" for seen, ids in bad.items()),
            "Whether ImaginePro takes such a token back now, it does not say." if bad else "",
            "" if on else _running([_known(before, each) for each in todo], labels),
        ],
        [
            f"{names(so, before.names)} {'is' if len(so) == 1 else 'are'} {word} already, and left alone."
            if so
            else "",
            f"This takes {span(APART * len(todo))}: ImaginePro takes one change every {span(APART)}."
            if len(todo) > SLOW
            else "",
            f"Reason: {quoted(reason, 250)}" if reason else "",
        ],
    )
    one = called_bare(todo[0], labels)
    label = f"Switch {word} {one if len(todo) == 1 else f'{len(todo)} tokens'}"
    return Proposal(todo, f"Switch {_titled(todo, labels)} {word}?", tuple(lines), label, danger=bool(gone or bad))


def switching(view: Overview, token: Token, mode: Mode, *, so: bool | None, reason: str = "") -> Proposal:
    """Switching a token's account to a speed mode; also to one that ImaginePro names already, as that may be old.

    Args:
        view: What is known.
        token: As the last reading has it.
        mode: What is wanted.
        so: Whether that reading shows it already; None where no reading can tell.
        reason: In somebody's own words.
    """
    left = f"{amount(token.fast_time)} fast time left" if token.fast_time.known else "fast time not known"
    now = ", ".join(filter(None, [token.mode and f"{token.mode} mode", status_word(token)]))
    against = [*_against(token, mode, view), *_deaf(token)]
    lines = sections(
        old_numbers(view, view.fleet.age_of(token.id)),
        [
            f"**Now** {now} · {left}",
            f"ImaginePro lists it so already. How old that is, it does not say: `/{mode}` can be sent all the same."
            if so
            else "That may be turbo mode: ImaginePro calls both FAST."
            if so is None and token.status is Status.FAST
            else "",
            f"**Then** {_MEANS[mode]}",
        ],
        [f"⚠️ {each}" for each in against],
        ["It is sent to Midjourney as a command, and may take minutes. You see here how it ends."],
        [f"Reason: {quoted(reason, 250)}" if reason else ""],
    )
    danger = bool(against) or mode is Mode.TURBO
    return Proposal(
        (token.id,),
        f"Switch {called(token.id, view.fleet.names, 'token ')} to {mode} mode?",
        tuple(lines),
        f"Switch to {mode}",
        danger=danger,
    )


_MEANS = {
    Mode.FAST: "jobs use fast time, and wait the least",
    Mode.RELAX: "jobs wait longer, and use no fast time",
    Mode.TURBO: "jobs use fast time at twice the rate",
}


def _against(token: Token, mode: Mode, view: Overview) -> Iterable[str]:
    """What speaks against a mode."""
    plan, fast_time = token.subscription, token.fast_time
    if mode is Mode.RELAX:
        if plan.has_relax is False:
            yield f"**{plan_word(token) or 'Its plan'} has no relax mode:** Midjourney refuses, or the token stops."
        elif plan.has_relax is None:
            yield "**Whether its plan has a relax mode is not known.** Without one, Midjourney refuses."
        return
    if fast_time.gone:
        refill = refilled(plan, view.now)
        yield f"**No fast time is left:** its jobs stop{f' until it {refill}' if refill.startswith('refills') else ''}."
    elif mode is Mode.TURBO:
        yield (
            f"**{minutes_of(fast_time.remaining)} of it are used up by {minutes_of(fast_time.remaining / 2)} of work.**"
            if fast_time.remaining is not None
            else "**How much of it is left is not known.**"
        )


def _deaf(token: Token) -> Iterable[str]:
    """Why a command may not arrive."""
    if not token.status.works:
        yield f"**It is {status_word(token)}:** the command may not get through."
    elif token.active is False:
        yield "**It is switched off:** ImaginePro may not pass the command on."


def refreshing(token: Token, rest: timedelta, labels: Mapping[int, str]) -> Proposal:
    """Having Midjourney say anew what it says of an account.

    Args:
        token: As the last reading has it.
        rest: How long nobody can do so again.
        labels: What people call tokens.
    """
    lines = sections(
        [
            (
                "⚠️ **This sends `/info` to Midjourney. Frequent use gets accounts banned,** so it can be done "
                f"once in {span(rest)} for each token."
            ),
        ],
        [
            "Use it where ImaginePro's numbers are wrong or old: how old they are, it does not say.",
            "What ImaginePro says now is read by `/token` with its option refresh, which costs nothing.",
        ],
        [f"⚠️ {each}" for each in _deaf(token)],
    )
    return Proposal(
        (token.id,),
        f"Refresh the info of {called(token.id, labels, 'token ')}?",
        tuple(lines),
        f"Send /info for {called_bare(token.id, labels)}",
        danger=True,
    )


def resting(token: int, by: str, since: datetime, rest: timedelta) -> str:
    """Why a token is not refreshed now; `by` is who did it last."""
    return (
        f"{by} did that for {token} {stamp(since)}. It can be done again {stamp(since + rest)}: once in "
        f"{span(rest)}, as frequent use gets accounts banned. What ImaginePro says now is "
        "read by `/token` with its option refresh."
    )


def names(tokens: Sequence[int], labels: Mapping[int, str]) -> str:
    """`1900`, `1900, 1901 and 1904`, `1900, 1901, 1902, 1903, 1904 and 4 more`."""
    return listed([called(each, labels) for each in tokens], NAMED)


def ranges(tokens: Iterable[int]) -> str:
    """`1900-1906, 1911`, of ascending ids."""
    runs: list[list[int]] = []
    for each in tokens:
        if runs and each == runs[-1][-1] + 1:
            runs[-1].append(each)
        else:
            runs.append([each])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


def _titled(tokens: Sequence[int], labels: Mapping[int, str]) -> str:
    return all_called(tokens, labels, NAMED)


def _known(fleet: Fleet, token: int) -> Token:
    return fleet.tokens[token]


def _is_read(fleet: Fleet, token: int) -> bool:
    """Whether the last try to read said whether it is on: what is old refuses nothing."""
    return fleet.failure is None and "active" not in _known(fleet, token).record.kept


def _switched(fleet: Fleet, token: int, *, on: bool) -> Token:
    return read(replace(_known(fleet, token).record, active=on))


def _last(before: Fleet, after: Fleet) -> bool:
    """Whether the last token that works is switched off."""
    return bool(before.usable) and not after.usable


def _in_trouble(after: Fleet, tokens: Iterable[int]) -> dict[Look, list[int]]:
    """Those that will not work though they are on, by how they stand."""
    found: dict[Look, list[int]] = defaultdict(list)
    for each in tokens:
        if (seen := look(_known(after, each))).urgent:
            found[seen].append(each)
    return found


def _heading(tokens: Sequence[int], seen: Look, labels: Mapping[int, str]) -> str:
    word = {BANNED: "BANNED", VERIFYING: "VERIFYING"}.get(seen, f"still {seen.word}")
    return f"{names(tokens, labels)} {'is' if len(tokens) == 1 else 'are'} {word}"


def _running(tokens: Sequence[Token], labels: Mapping[int, str]) -> str:
    """What is known of jobs that run on tokens which are to be switched off."""
    busy = [each.id for each in tokens if each.running.value or (each.running.value is None and each.running.raw)]
    if busy:
        return f"Jobs run on {names(busy, labels)}: whether they go on, ImaginePro does not say."
    return "Whether jobs that run go on, ImaginePro does not say." if any(each.usable for each in tokens) else ""
