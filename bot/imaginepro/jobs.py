"""The calls about jobs: who ran one, how far one is, the last ones, a new one, and the end of one.

Shapes: docs.imaginepro.ai/api-236382162 (trace), docs.imaginepro.ai/project-5160896/api-215981214 (progress),
docs.imaginepro.ai/project-5160896/api-215995453 (the last ones), imaginepro.ai/docs/imagine, and
imaginepro.ai/docs/button/cancel. They contradict themselves: an id is a text or a number, `progress` as well.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypeVar
from urllib.parse import urlsplit

import msgspec

from bot.domain import info
from bot.domain.jobs import Image, Job, JobStatus, Trace
from bot.domain.model import Record, Token
from bot.imaginepro.errors import MalformedError, NotFoundError
from bot.imaginepro.http import Line
from bot.imaginepro.loose import INT64, Buffer, Ignored, Loose, integer, loosely, text_of
from bot.imaginepro.plain import Plain, instant, objects
from bot.imaginepro.wire import Info, info_text

_PERCENT: Final = range(101)
_ID: Final = re.compile(r"[\w-]{1,100}", re.ASCII)
_LONGEST_ADDRESS: Final = 2000
_LISTED: Final = 50
"""Pictures and buttons of a job that are read. It has four, and some twenty."""
_JOBS: Final = 1000
"""Jobs that are read of a list, should it be no page but all of them."""
_STATUSES: Final = {each.value.lower(): each for each in JobStatus if each is not JobStatus.UNKNOWN}

T = TypeVar("T")
Clean = Callable[[str], str]
"""Takes out of a text what looks like a secret."""


class _TokenInfo(Info):
    message: Loose = None


class _Trace(msgspec.Struct, gc=False, rename="camel"):
    message_id: Loose = None
    token_id: Loose = None
    discord_channel_id: Loose = None
    token_status: Loose = None
    token_info: _TokenInfo | str | int | float | bool | list[msgspec.Raw] | None = None


class _Job(msgspec.Struct, gc=False, rename="camel"):
    message_id: Loose = None
    status: Loose = None
    progress: Loose = None
    prompt: Loose = None
    uri: Loose = None
    images: Loose = None
    error: Loose = None
    created_at: Loose = None
    updated_at: Loose = None
    buttons: Loose = None


class _Image(msgspec.Struct, gc=False, rename="camel"):
    id: Loose = None
    type: Loose = None
    button: Loose = None
    prompt: Loose = None
    uri: Loose = None
    created_at: Loose = None


class _Images(msgspec.Struct, gc=False, rename="camel"):
    images: Loose = None


class _Submitted(msgspec.Struct, gc=False, rename="camel"):
    success: Loose = None
    message_id: Loose = None
    error: Loose = None
    message: Loose = None


async def trace(line: Line, job: str) -> Trace:
    """See `ImaginePro.trace`."""
    return await line.call("TRACE", lambda: Plain(lambda body: _trace(body, job, line.clean)), {"job": _sane(job)})


async def progress(line: Line, job: str) -> Job:
    """See `ImaginePro.progress`."""
    return await line.call("PROGRESS", lambda: Plain(lambda body: _job(body, job, line.clean)), {"job": _sane(job)})


async def images(line: Line, page: int, size: int) -> tuple[Image, ...]:
    """See `ImaginePro.images`."""
    return await line.call(
        "IMAGES", lambda: Plain(lambda body: _images(body, line.clean)), {"page": page, "size": size}
    )


async def imagine(line: Line, prompt: str) -> str:
    """See `ImaginePro.imagine`."""
    return await line.call("IMAGINE", lambda: submitted(line.clean), {"prompt": prompt})


async def cancel(line: Line, job: str) -> None:
    """See `ImaginePro.cancel`."""
    await line.call("BUTTON", lambda: submitted(line.clean), {"job": _sane(job)})


def submitted(clean: Clean) -> Plain[str]:
    """Reads the answer to what was asked for: the id of the job that it became, empty where it names none."""
    return Plain(lambda body: _submitted(body, clean))


def _submitted(body: Buffer, clean: Clean) -> str:
    found = objects(_Submitted, body)[:1]
    for each in found:
        identity = text_of(each.message_id)
        said = clean(text_of(each.error) or text_of(each.message))
        no = each.success is False or text_of(each.success).lower() == "false"
        if no or (said and not identity and each.success is None):
            why = f" ({said})" if said else ""
            message = f"ImaginePro does not accept this call{why}"
            # Only a `success` that says no is the API's own word that nothing was done.
            raise MalformedError(message, certain=no)
        if identity or each.success:
            return identity if _is_id(identity, clean) else ""
    message = "the answer does not say whether it was accepted"
    raise MalformedError(message)


def _is_id(text: str, clean: Clean) -> bool:
    """Whether it may be the id of a job, which is stored and shown, and stands in paths."""
    return _ID.fullmatch(text) is not None and clean(text) == text


def _sane(job: str) -> str:
    """The id, which stands in a path.

    Raises:
        NotFoundError: It is none.
    """
    if not _ID.fullmatch(job):
        message = "that is not the id of a job"
        raise NotFoundError(message, certain=True)
    return job


def _trace(body: Buffer, job: str, clean: Clean) -> Trace:
    found = _about(job, {text_of(each.message_id): each for each in objects(_Trace, body, token_info=_TokenInfo)})
    told = found.token_info if isinstance(found.token_info, _TokenInfo) else None
    identity, status = integer(found.token_id, INT64), clean(text_of(found.token_status))
    if identity is None and not status and told is None and not text_of(found.message_id):
        message = "the answer does not say which token it is about"
        raise MalformedError(message)
    channel = clean(text_of(found.discord_channel_id))
    return Trace(
        job=job,
        token_id=identity,
        channel_id=channel,
        status=status,
        token=None if identity is None else _token(identity, status, channel, told),
        message=clean(text_of(told.message)) if told else "",
    )


def _token(identity: int, status: str, channel: str, told: _TokenInfo | None) -> Token:
    record = Record(id=identity, status=status, channel_id=channel)
    if told:
        record = Record(id=identity, status=status, channel_id=channel, info=info_text(told))
    return info.read(record)


def _job(body: Buffer, job: str, clean: Clean) -> Job:
    found = _about(job, {text_of(each.message_id): each for each in objects(_Job, body)})
    status = text_of(found.status)
    percent = _percent(found.progress)
    if not status and percent is None:
        message = "the answer does not say how far the job is"
        raise MalformedError(message)
    return Job(
        id=job,
        status=_STATUSES.get(status.strip().lower(), JobStatus.UNKNOWN),
        status_text=clean(status),
        progress=percent,
        prompt=clean(text_of(found.prompt)),
        uri=_address(found.uri),
        images=tuple(filter(None, map(_address, _listed(found.images)))),
        error=clean(text_of(found.error)),
        created_at=instant(found.created_at),
        updated_at=instant(found.updated_at),
        buttons=tuple(clean(text) for each in _listed(found.buttons) if (text := text_of(each))),
    )


def _images(body: Buffer, clean: Clean) -> tuple[Image, ...]:
    shape = loosely(body)
    if isinstance(shape, Ignored):
        listed = objects(_Images, body)[0].images
        if not isinstance(listed, list):
            message = "the answer has no list of jobs"
            raise MalformedError(message)
        texts: list[Buffer] = [*listed]
    elif isinstance(shape, list):
        texts = [*shape]
    else:
        message = "the answer is JSON of another form than the API documents"
        raise MalformedError(message)
    rows = [objects(_Image, text)[0] for text in texts[:_JOBS] if isinstance(loosely(text), Ignored)]
    return tuple(
        Image(
            id=text_of(each.id),
            kind=clean(text_of(each.type)),
            button=clean(text_of(each.button)),
            prompt=clean(text_of(each.prompt)),
            uri=_address(each.uri),
            created_at=instant(each.created_at),
        )
        for each in rows
        if _is_id(text_of(each.id), clean)
    )


def _about(job: str, found: Mapping[str, T]) -> T:
    """Which of these is about the job: the one with its id, or one without any.

    Raises:
        NotFoundError: All are about others, or there is none.
    """
    for identity, each in found.items():
        if not identity or identity.lower() == job.lower():
            return each
    message = "ImaginePro's answer is not about this job"
    raise NotFoundError(message)


def _listed(value: Loose) -> list[Loose]:
    return [loosely(each) for each in value[:_LISTED]] if isinstance(value, list) else []


def _percent(value: Loose) -> int | None:
    if isinstance(value, float):
        value = int(value) if 0 <= value <= _PERCENT[-1] else None
    return integer(value.strip().removesuffix("%") if isinstance(value, str) else value, _PERCENT)


def _address(value: Loose) -> str:
    """An address of the web that somebody may follow, without a user in it; else empty."""
    text = text_of(value).strip()
    if len(text) > _LONGEST_ADDRESS or not re.fullmatch(r"https?://[!-~]+", text):
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    return "" if "@" in parts.netloc or not parts.hostname else text
