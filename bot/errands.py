"""What each kind of act asks of ImaginePro, and how it is read back whether it happened: two tables."""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Final, Literal

from bot.domain.acts import Act, Kind, State, happened, it, participle, shows
from bot.domain.jobs import Job, JobStatus
from bot.domain.model import Token
from bot.domain.value import Value, replace
from bot.imaginepro.errors import NotFoundError, UpstreamError
from bot.needs import Acting

LASTS: Final = "14 min"
"""How long a job is followed, for people."""

_NOWHERE: Final = 12
"""Looks in a row that find no such job, after which nobody looks any more: a minute. At first it may not be listed."""

_SHOWN: Final = 300
"""Characters of a foreign text that are kept."""


class Outcome(Value):
    """What is known of an act that was sent."""

    state: State | None = None
    """None while nobody knows."""
    why: str = ""
    token: Token | None = None
    """Its token, as it was read."""
    followed: str = ""
    """The job that ImaginePro made of it."""
    denied: bool = False
    """Whether what was read shows that it has not happened by then."""


async def send(upstream: Acting, act: Act) -> Outcome:
    """Make the one request of an act."""
    try:
        return await _SENT[act.kind](upstream, act)
    except UpstreamError as error:
        if error.certain:
            return Outcome(State.NOT_DONE, error.detail)
        return Outcome(None, error.detail)


async def follow(
    upstream: Acting, act: Act, every: timedelta, for_: timedelta, moved: Callable[[Job], Awaitable[None]]
) -> Outcome:
    """Ask how far the job is that ImaginePro made of an act, until it is over, or nobody waits any longer.

    Args:
        upstream: Whom to ask.
        act: It names the job.
        every: How often to ask.
        for_: How long; it is asked once in any case.
        moved: Hears how far it is.
    """
    clock = asyncio.get_running_loop().time
    until, nowhere = clock() + for_.total_seconds(), 0
    while True:
        try:
            job = await upstream.progress(act.followed)
        except UpstreamError as error:
            why = f"how far its job is cannot be read: {error.detail}"
            nowhere = nowhere + 1 if isinstance(error, NotFoundError) else 0
        else:
            nowhere = 0
            await moved(job)
            if job.status.over:
                return await _ended(upstream, act, job)
            why = f"its job was not over after {LASTS}"
        if clock() >= until or nowhere >= _NOWHERE:
            return Outcome(why=why, followed=act.followed)
        await asyncio.sleep(every.total_seconds())


async def _ended(upstream: Acting, act: Act, job: Job) -> Outcome:
    """What became of an act whose job is over; an image that failed was asked for, too."""
    if job.status is JobStatus.FAIL:
        why = f"its job failed: {job.error[:_SHOWN]}" if job.error else "its job failed"
        return Outcome(State.DONE if act.kind is Kind.PROBE else State.NOT_DONE, why, followed=act.followed)
    token: Token | None = None
    if act.token is not None and act.kind is not Kind.PROBE:
        with contextlib.suppress(UpstreamError):  # the next poll reads it as well
            token = await upstream.token(act.token)
    return Outcome(State.DONE, token=token, followed=act.followed)


async def read_back(
    upstream: Acting, act: Act, outcome: Outcome, sent_at: float, looks: Sequence[timedelta]
) -> Outcome:
    """See whether an act happened of which nobody knows, at once and again until some 30 s after it was sent.

    Args:
        upstream: Whom to ask.
        act: Which.
        outcome: What is known of it: why nobody knows.
        sent_at: When, by the loop's clock.
        looks: How long after that.
    """
    look = _READ_BACK.get(act.kind)
    if look is None:  # nothing tells
        return replace(outcome, state=State.UNKNOWN)
    clock, seen, denied = asyncio.get_running_loop().time, "", False
    passed = clock() - sent_at
    # Of those whose time is over, as after a job was followed, one is enough.
    over = sum(after.total_seconds() <= passed for after in looks)
    for after in looks[max(over - 1, 0) :]:
        await asyncio.sleep(max(sent_at + after.total_seconds() - clock(), 0))
        try:
            found = await look(upstream, act)
        except UpstreamError as error:
            seen, denied = f"it could not be read back: {error.detail}", False
            continue
        if found.state is not None:
            return replace(found, why=f"{outcome.why}, {'but' if found.state is State.DONE else 'and'} {found.why}")
        seen, denied, outcome = found.why, found.denied, replace(outcome, token=found.token)
    later = "after that" if over == len(looks) else f"{looks[-1].total_seconds():.0f} s later"
    why = f"{outcome.why}, and {later} {seen}"
    return replace(outcome, state=State.UNKNOWN, why=why, denied=denied)


_COMMANDS: Final[Mapping[str, Literal["fast", "relax", "turbo", "info"]]] = {
    "fast": "fast",
    "relax": "relax",
    "turbo": "turbo",
    "": "info",
}
_QUEUES: Final[Mapping[str, Literal["PAUSE", "RESUME", "REBOOT"]]] = {
    "pause": "PAUSE",
    "resume": "RESUME",
    "reboot": "REBOOT",
}


async def _toggle(upstream: Acting, act: Act) -> Outcome:
    assert act.token is not None  # noqa: S101 - it is about one
    token = await upstream.toggle(act.token, active=act.wanted == "on")
    if token is not None and shows(act, token):
        return Outcome(State.DONE, token=token)
    return Outcome(None, "ImaginePro's answer does not say so")


async def _command(upstream: Acting, act: Act) -> Outcome:
    assert act.token is not None  # noqa: S101 - as above
    job = await upstream.command(act.token, _COMMANDS[act.wanted])
    return Outcome(None, "" if job else "ImaginePro took it and named no job that could be followed", followed=job)


async def _imagine(upstream: Acting, act: Act) -> Outcome:
    job = await upstream.imagine(act.wanted)
    return Outcome(None, "" if job else "ImaginePro took it and named no job that could be followed", followed=job)


async def _cancel(upstream: Acting, act: Act) -> Outcome:
    await upstream.cancel(act.job)
    return Outcome(State.DONE)


async def _queue(upstream: Acting, act: Act) -> Outcome:
    answer = await upstream.queue(_QUEUES[act.wanted], act.token)
    return Outcome(State.DONE, " · ".join(answer.lines())[:_SHOWN])


async def _ban_words(upstream: Acting, act: Act) -> Outcome:
    add, remove = words_of(act.wanted)
    await upstream.change_ban_words(add, remove)
    return Outcome(State.DONE)


_SENT: Final[Mapping[Kind, Callable[[Acting, Act], Awaitable[Outcome]]]] = {
    Kind.TOGGLE: _toggle,
    Kind.MODE: _command,
    Kind.REFRESH: _command,
    Kind.PROBE: _imagine,
    Kind.CANCEL: _cancel,
    Kind.QUEUE: _queue,
    Kind.BANWORDS: _ban_words,
}


def words_of(wanted: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Which words are to be added and removed: of `+red moon -blue` `red moon`, and `blue`."""
    found = re.findall(r"(?:^|\s)([+-])(.*?)(?=\s[+-]|$)", wanted, re.DOTALL)
    return tuple(word for sign, word in found if sign == "+"), tuple(word for sign, word in found if sign == "-")


async def _token(upstream: Acting, act: Act) -> Outcome:
    assert act.token is not None  # noqa: S101 - it is about one
    token = await upstream.token(act.token)
    found = happened(act, token)
    if found:
        return Outcome(State.DONE, f"{it(act)} is {act.wanted}", token)
    if act.kind is Kind.TOGGLE:
        if token.active is None:
            return Outcome(None, f"ImaginePro did not say whether {it(act)} is on", token)
        return Outcome(None, f"{it(act)} was still {'on' if token.active else 'off'}", token, denied=True)
    # A status is as old as what Midjourney said last, so of a mode it denies nothing.
    said = token.status_text or "no status"
    why = f"ImaginePro still said {said}" if found is False else f"ImaginePro said {said}, which does not tell"
    return Outcome(None, why, token)


async def _job(upstream: Acting, act: Act) -> Outcome:
    try:
        job = await upstream.progress(act.job)
    except NotFoundError:
        return Outcome(State.DONE, "there is no such job any more")
    if job.status is JobStatus.FAIL:
        return Outcome(State.DONE, f"it ended: {job.error[:_SHOWN] or 'as one that failed'}")
    if job.status is JobStatus.DONE:
        return Outcome(State.NOT_DONE, "it was finished")
    if job.status is JobStatus.UNKNOWN:
        return Outcome(None, "nobody knows how far it was")
    return Outcome(None, "it was still running", denied=True)


async def _image(upstream: Acting, act: Act) -> Outcome:
    """The prompt of a probe has a seed like no other, and names it."""
    for image in await upstream.images(1, 100):
        if image.prompt.strip() == act.wanted.strip():
            return Outcome(State.DONE, "there is an image of it", followed=image.id)
    return Outcome(None, "there was no image of it")  # one that is being made need not be listed


async def _listed(upstream: Acting, act: Act) -> Outcome:
    add, remove = words_of(act.wanted)
    words = (await upstream.ban_words()).words()
    if words is None:
        return Outcome(None, "the list could not be read to the letter")
    there = {word.casefold() for word in words}
    so = there.issuperset(map(str.casefold, add)) and there.isdisjoint(map(str.casefold, remove))
    if so:
        return Outcome(State.DONE, f"{it(act)} shows it")
    return Outcome(None, f"{it(act)} was not {participle(act)}", denied=True)


_READ_BACK: Final[Mapping[Kind, Callable[[Acting, Act], Awaitable[Outcome]]]] = {
    Kind.TOGGLE: _token,
    Kind.MODE: _token,
    Kind.CANCEL: _job,
    Kind.PROBE: _image,
    Kind.BANWORDS: _listed,
}
"""Of the others nothing tells."""
