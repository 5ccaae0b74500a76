"""The cards of jobs: how far one is, which token ran it, what was made lately, and what came of a test job.

All of a job but its times and its progress is somebody else's text: escaped, and cut to what a card can hold.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import discord

from bot.billing import Statement
from bot.chat.cards.embed import BLUE, GREEN, GREY, ORANGE, PURPLE, RED, YELLOW, compose, sections
from bot.chat.cards.overview import Overview, old_numbers
from bot.chat.cards.status import Sign, status_word
from bot.chat.text import bar, bare, by_name, called, number, percent, plain, quoted, span, stamp, width
from bot.domain.job_ids import is_job_id
from bot.domain.jobs import Image, Job, JobStatus, Trace
from bot.domain.model import Status, Token
from bot.domain.overlay import laid_over
from bot.domain.value import Value

_BAR_CELLS: Final = 12
_NONE: Final[Mapping[int, str]] = {}
_PROMPT: Final = 700
_ERROR: Final = 500
_STATUS: Final = 60
_LISTED: Final = 120
"""How much of a prompt a line of the list has."""

_URL: Final = re.compile(r"https?://[0-9A-Za-z](?:[0-9A-Za-z.-]*[0-9A-Za-z])?(?::[0-9]{1,5})?(?:[/?][!-~]*)?")
_URL_LIMIT: Final = 2048
"""Of a picture: https://docs.discord.com/developers/resources/message#embed-object-embed-image-structure."""


class Said(Value):
    """How a job stands, in words."""

    mark: str
    colour: discord.Colour
    word: str
    """As in "Job 1f3e8a2b …"."""
    means: str = ""


_SAID: Final[Mapping[JobStatus, Said]] = {
    JobStatus.SUBMITTED: Said("🕓", GREY, "was taken", "ImaginePro has it, and has not put it in a queue yet."),
    JobStatus.QUEUED: Said("🕓", GREY, "waits", "It waits at ImaginePro until a token has room for it."),
    JobStatus.PROCESSING: Said("🔵", BLUE, "runs", "Midjourney works on it."),
    JobStatus.DONE: Said("🟢", GREEN, "is done"),
    JobStatus.FAIL: Said("🔴", RED, "failed"),
}


def said_of(job: Job) -> Said:
    """How a job stands; of a status that we do not know its own word, for which nothing is claimed."""
    known = _SAID.get(job.status)
    if known is not None:
        return known
    word = f"is {quoted(job.status_text, _STATUS)}" if job.status_text.strip() else "has no status"
    return Said("🟣", PURPLE, word, "This bot does not know that status.")


def short(job_id: str) -> str:
    """The beginning of an id, by which people tell jobs apart: `1f3e8a2b`."""
    return plain(job_id.partition("-")[0], 20) or "without an id"


def copied(job_id: str) -> str:
    """The whole id, to be copied."""
    return f"`{job_id}`" if is_job_id(job_id) else plain(job_id, 100)


def picture(job: Job) -> str:
    """The address of its picture, if Discord can show it."""
    return next((url for url in (job.uri, *job.images) if is_shown(url)), "")


def is_shown(url: str) -> bool:
    """Whether that is an address of the web, in the form in which Discord takes one."""
    return width(url) <= _URL_LIMIT and _URL.fullmatch(url) is not None


def job_card(job: Job, notes: Iterable[str] = ()) -> discord.Embed:
    """How far a job is. It is the same as long as the job is, whatever the time; `notes` stand at its foot."""
    said = said_of(job)
    embed = compose(
        f"{said.mark} Job {short(job.id)} {said.word}",
        sections(
            [*_failed(job), said.means, _progress(job)],
            [quoted(job.prompt, _PROMPT) if job.prompt.strip() else ""],
            [_times(job), copied(job.id)],
            notes,
        ),
        said.colour,
    )
    return _with_picture(embed, job)


def _with_picture(embed: discord.Embed, job: Job) -> discord.Embed:
    url = picture(job)
    return embed.set_image(url=url) if url else embed


def _failed(job: Job) -> list[str]:
    if job.status is not JobStatus.FAIL:
        return [f"It says: {quoted(job.error, _ERROR)}"] if job.error.strip() else []
    if not job.error.strip():
        return ["ImaginePro does not say why."]
    return [f"Midjourney said: {quoted(job.error, _ERROR)}"]


def _progress(job: Job) -> str:
    begun = bool(job.progress) or job.status is JobStatus.PROCESSING
    if job.progress is None or not begun or job.status is JobStatus.DONE:
        return ""
    return f"{bar(job.progress, _BAR_CELLS)} **{percent(job.progress)}**"


def _times(job: Job) -> str:
    """When it was asked for, which ages by itself; how long it took, once it is over."""
    begun, moved = job.created_at, job.updated_at
    took = span(moved - begun) if job.status.over and begun is not None and moved is not None and moved > begun else ""
    return " · ".join(filter(None, [f"asked for {stamp(begun)}" if begun else "", f"took {took}" if took else ""]))


def refreshing(until: datetime) -> str:
    """Said while somebody looks again and again."""
    return f"Looked at again every few seconds, until {stamp(until, 't')} at most."


def stopped(after: timedelta) -> str:
    """Said once nobody does any more."""
    return f"Not looked at any more, after {span(after)}. **Refresh** looks again."


CROWDED: Final = "Many jobs are followed just now, so this one is not. **Refresh** looks again."
FORGOTTEN: Final = "⚠️ **ImaginePro does not know this job any more**: this is how it was last."


def unread(sentence: str) -> str:
    """Said while ImaginePro cannot be asked; `sentence` is why."""
    return f"⚠️ **{sentence}: this is how it was last.**"


# Which token ran it.


class Ran(Value):
    """The answer to who ran a job, and the token as it is shown below it."""

    trace: Trace
    token: Token | None
    """As shown; None where nothing is known of it."""
    ours: bool
    """Whether it is in the fleet."""
    newer: bool
    """Whether it is shown as the trace has it, since what was read of it is old, or nothing was."""


def ran(trace: Trace, view: Overview) -> Ran:
    """The token that ran it: as last read, or as the trace has it where that is newer or all there is."""
    known = None if trace.token_id is None else view.fleet.tokens.get(trace.token_id)
    if known is None:
        return Ran(trace, trace.token, ours=False, newer=True)
    told = trace.token is not None and bool(trace.token.status_text.strip())
    read_at = view.fleet.age_of(known.id)
    if trace.token is None or not told or not old_numbers(view, read_at):
        return Ran(trace, known, ours=True, newer=False)
    return Ran(trace, laid_over(trace.token, known, read_at), ours=True, newer=True)


def trace_card(found: Ran, sign: Sign | None = None, names: Mapping[int, str] = _NONE) -> discord.Embed:
    """Which token ran a job and its state, words first; `sign` is that of the token's own card, if there is one."""
    trace, token = found.trace, found.token
    if trace.token_id is None:
        return compose(
            f"⚪ No token is named for job {short(trace.job)}",
            sections(
                ["ImaginePro knows the job, and names no token with it: none has it yet, or none ever had."],
                [_noticed(trace)],
                [copied(trace.job)],
            ),
            GREY,
        )
    mark, colour = sign or ("🟣", PURPLE)
    return compose(
        f"{mark} Job {short(trace.job)} ran on {called(trace.token_id, names)}{_which_is(token)}",
        sections(
            [*_differing(found), by_name(_strange(found), names), _noticed(trace)],
            [copied(trace.job)],
        ),
        colour,
    )


def _which_is(token: Token | None) -> str:
    if token is None or not token.status_text.strip():
        return ", of which no status is known"
    off = " and switched off" if token.active is False else ""
    return f", which is {status_word(token)}{off}"


def _differing(found: Ran) -> list[str]:
    """What the trace says of the token, where that is not what the card below says."""
    then, token = found.trace.token, found.token
    if found.newer or then is None or token is None or not then.status_text.strip():
        return []
    if then.status is token.status and (then.status is not Status.UNKNOWN or then.status_text == token.status_text):
        return []
    return [f"With the job, ImaginePro calls it {status_word(then)}; below is what was read of it last."]


def _strange(found: Ran) -> str:
    if not found.newer:
        return ""
    if found.ours:
        return "What was read of the token is old, so below is what ImaginePro says of it with the job."
    if found.token is None:
        return f"Token {found.trace.token_id} is not in the bot's list."
    return f"Token {found.trace.token_id} is not in the bot's list: below is what ImaginePro says of it with the job."


def _noticed(trace: Trace) -> str:
    return f"With it comes a message: {quoted(trace.message, _ERROR)}" if trace.message.strip() else ""


# What was made lately.


def images_card(images: Sequence[Image], page: int) -> discord.Embed:
    """A page of what was made in the last 24 hours; `page` is counted from 0."""
    note = "ImaginePro lists jobs of the last 24 hours, and no others."
    if not images:
        none = "Nothing was made in the last 24 hours" if not page else f"There is no page {page + 1} any more"
        return compose(none, [note], BLUE)
    lines = [line for each in images for line in _entry(each)]
    return compose(f"Jobs of the last 24 hours, page {page + 1}", sections(lines, [note]), BLUE)


def _entry(image: Image) -> Iterable[str]:
    kind = plain(" ".join(filter(None, [image.kind, image.button])), 60) or "job"
    parts = [f"**{kind}**", stamp(image.created_at) if image.created_at else "", quoted(image.prompt, _LISTED)]
    yield " · ".join(filter(None, parts if image.prompt.strip() else parts[:2]))
    yield copied(image.id)


def image_label(image: Image) -> str:
    """A job in a menu, where nothing is rendered."""
    return bare(image.prompt, 100) or short(image.id)


# A test job.


class Probe(Value):
    """What is known of a test job."""

    token: int
    """The one that was asked for."""
    sent_at: datetime
    started_at: datetime | None = None
    """When it was first seen to run; None while it was not, and where it was over before anyone looked."""
    over_at: datetime | None = None
    """When it was seen to be over."""

    def seen(self, job: Job, now: datetime) -> "Probe":
        """The same after another look."""
        runs = job.status is JobStatus.PROCESSING or (not job.status.over and bool(job.progress))
        return Probe(
            self.token,
            self.sent_at,
            self.started_at or (now if runs else None),
            self.over_at or (now if job.status.over else None),
        )


NOT_STARTED: Final = timedelta(minutes=5)
"""After this time a test job that has not begun is one that does not begin."""


_AIMLESS: Final = "ImaginePro chooses the token by itself; there is no public way to aim at"


def cancel_question(job: Job) -> discord.Embed:
    """Whether a job shall be stopped, and how far it is."""
    return compose(
        f"Stop job {short(job.id)}?",
        sections(
            [f"It {said_of(job).word}.", _progress(job)],
            [quoted(job.prompt, _PROMPT) if job.prompt.strip() else ""],
            ["Its picture is lost. Whether its fast time comes back, ImaginePro does not say.", copied(job.id)],
        ),
        ORANGE,
    )


def credits_line(statement: Statement | None) -> str:
    """What the account had left when it was read last; empty where that is not known."""
    if statement is None or statement.account.left is None:
        return ""
    return f"{number(statement.account.left)} credits were left {stamp(statement.at)}."


def probe_question(
    token: Token | None, number: int, prompt: str, credits_left: str = "", names: Mapping[int, str] = _NONE
) -> discord.Embed:
    """What a test job costs and what it can tell, before it is begun."""
    unlikely = ""
    if token is not None and not token.usable:
        is_so = f"{called(number, names, 'Token ')} is {status_word(token)}{_off(token)}"
        unlikely = f"⚠️ **{is_so}**, so ImaginePro may well choose another."
    return compose(
        "Make one image, to see whether jobs run?",
        sections(
            ["It costs the fast time of one image, and the credits that ImaginePro asks for one.", credits_left],
            [f"{_AIMLESS} {called(number, names)}. The answer says which one ran it.", unlikely],
            [quoted(prompt, _PROMPT)],
        ),
        BLUE,
    )


def _off(token: Token) -> str:
    return " and switched off" if token.active is False else ""


_STUCK: Final = (
    "**Do:** `/tokens` shows which ones work and what waits; switch those off that are stuck."
    " **Cancel** takes this job back."
)


def probe_card(probe: Probe, job: Job, now: datetime, notes: Iterable[str] = ()) -> discord.Embed:
    """A test job while it goes on."""
    said = said_of(job)
    late = probe.started_at is None and now - probe.sent_at >= NOT_STARTED
    title = f"{said.mark} Test job {short(job.id)} {said.word}"
    lines = [said.means, _progress(job)]
    colour = said.colour
    if late:
        title, colour = f"🟠 The test job has not started after {span(NOT_STARTED)}", ORANGE
        lines = [
            "Jobs wait at ImaginePro until a token has room: all may be busy, or none takes any.",
            _STUCK,
        ]
    waited = f"started after {_took(probe.started_at - probe.sent_at)}" if probe.started_at else ""
    return compose(title, sections(lines, [waited, f"asked for {stamp(probe.sent_at)}", copied(job.id)], notes), colour)


def _took(length: timedelta) -> str:
    return span(length) if length >= timedelta(seconds=1) else "under 1 s"


def probed_card(
    probe: Probe, job: Job, token: int | None, untraced: str = "", names: Mapping[int, str] = _NONE
) -> discord.Embed:
    """What came of a test job; `token` ran it, or `untraced` says why that is not known."""
    failed, on = job.status is JobStatus.FAIL, called(token or 0, names)
    mark, colour = ("🔴", RED) if failed else ("🟢", GREEN)
    if failed:
        title = f"The test job failed{f' on {on}' if token is not None else ''}"
    elif token is None:
        title, mark, colour = "Jobs run; on which token is not known", "🟡", YELLOW
    elif token == probe.token:
        title = f"Jobs run on {on}"
    else:
        title, mark, colour = f"Jobs run, but this one ran on {on}, not on {called(probe.token, names)}", "🟡", YELLOW
    embed = compose(
        f"{mark} {title}",
        sections(
            [*_failed(job), *_meaning(probe, token, names, failed=failed), untraced],
            _durations(probe),
            [copied(job.id)],
        ),
        colour,
    )
    return _with_picture(embed, job)


def _meaning(probe: Probe, token: int | None, names: Mapping[int, str], *, failed: bool) -> list[str]:
    if failed:
        look_at = "" if token is None else f"look at {called(token, names, 'token ')} below, and at "
        return [f"**Do:** {look_at or 'read '}what Midjourney said; then probe again."]
    if token is None or token == probe.token:
        return []
    again = f"probe again, or trace the next job that ran on {called(probe.token, names)}"
    return [f"That says nothing about {called(probe.token, names)}. ImaginePro chooses the token by itself: {again}."]


def _durations(probe: Probe) -> list[str]:
    if probe.over_at is None:
        return []
    if probe.started_at is None:
        return [f"**Took** {_took(probe.over_at - probe.sent_at)} in all; when it started was not seen"]
    waited, worked = probe.started_at - probe.sent_at, probe.over_at - probe.started_at
    return [f"**Waited** {_took(waited)} · **ran** {_took(worked)}, to a few seconds"]
