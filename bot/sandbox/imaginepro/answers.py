"""What each endpoint of the simulated ImaginePro does, and answers: JSON, or a fault."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from typing import Final, NamedTuple

from bot.sandbox.imaginepro.faults import NO_JOB, NO_TOKEN, problem
from bot.sandbox.imaginepro.jobs import SimulatedJob, iso
from bot.sandbox.imaginepro.paths import PICTURE
from bot.sandbox.imaginepro.records import TokenRecord
from bot.sandbox.imaginepro.upstream import Shape, Upstream

_MODES: Final = {"fast": "FAST", "relax": "RELAX", "turbo": "FAST"}
_PRICE: Final = 10
"""Credits that an image costs."""


class Asked(NamedTuple):
    """What a request says."""

    values: Mapping[str, str]
    query: Mapping[str, str]
    body: object
    origin: str
    """Of this server, as the caller knows it."""


def _listed(upstream: Upstream, _: Asked) -> Sequence[object]:
    return upstream.shown()


def _single(upstream: Upstream, asked: Asked) -> object:
    found = upstream.known(asked.values["token"])
    if found is None:
        return NO_TOKEN
    match upstream.shape:
        case Shape.ARRAY:
            return [upstream.with_secret(found)]
        case Shape.BARE:
            return upstream.with_secret(found)
        case Shape.ALL:
            return upstream.shown()


def _toggled(upstream: Upstream, asked: Asked) -> object:
    found = upstream.known(asked.values["token"])
    if found is None:
        return NO_TOKEN
    match asked.body:
        case {"isActive": bool(active)}:
            found["isActive"] = active
            upstream.note("TOGGLE", f"{found['id']} {'on' if active else 'off'}")
            return [upstream.with_secret(found)]
        case _:
            return problem(400, ["isActive must be a boolean value"])


def _commanded(upstream: Upstream, asked: Asked) -> object:
    body = asked.body if isinstance(asked.body, dict) else {}
    found, command = upstream.known(str(body.get(upstream.token_field, ""))), body.get("cmd")
    if upstream.token_field not in body:
        return problem(400, [f"{upstream.token_field} should not be empty"])
    if found is None:
        return NO_TOKEN
    if command not in {*_MODES, "info"}:
        return problem(400, ["cmd must be one of the following values: fast, relax, turbo, info"])
    upstream.note("COMMANDS", f"{found['id']} {command}")
    job = upstream.begun(f"/{command}", found["id"], lists=False)
    job.ends = partial(_obeyed, upstream, found, command)
    return _accepted(job)


def _obeyed(upstream: Upstream, record: TokenRecord, command: str) -> None:
    if command == "info":
        record["info"] = {**record["info"], **upstream.fresh.get(record["id"], {})}
        return
    if "jobMode" in upstream.tells:
        record["info"] = {**record["info"], "jobMode": command.title()}
    if "status" in upstream.tells and record["status"] in _MODES.values():
        record["status"] = _MODES[command]


def _traced(upstream: Upstream, asked: Asked) -> object:
    job = upstream.jobs.get(asked.values["job"])
    if job is None or job.token not in upstream.fleet:
        return NO_JOB
    record = upstream.fleet[job.token]
    return {
        "messageId": job.id,
        "tokenId": record["id"],
        "discordChannelId": record["channelId"],
        "tokenStatus": record["status"],
        "tokenInfo": {**record["info"], "message": upstream.notices.get(record["id"], "")},
    }


def _progressed(upstream: Upstream, asked: Asked) -> object:
    job = upstream.jobs.get(asked.values["job"])
    return NO_JOB if job is None else job.shown(upstream.now(), _picture_of(job, asked))


def _images(upstream: Upstream, asked: Asked) -> object:
    since = upstream.clock() - timedelta(hours=24)
    recent = [job for job in reversed(upstream.jobs.values()) if job.lists and job.created >= since]
    page, size = (int(asked.query.get(name, default)) for name, default in (("page", "1"), ("size", "10")))
    return {
        "images": [
            {
                "id": job.id,
                "type": "imagine",
                "button": "",
                "prompt": job.prompt,
                "uri": _picture_of(job, asked) if job.at(upstream.now())[0] == "DONE" else "",
                "createdAt": iso(job.created),
            }
            for job in recent[(page - 1) * size : page * size]
        ]
    }


def _imagined(upstream: Upstream, asked: Asked) -> object:
    match asked.body:
        case {"prompt": str(prompt)} if prompt.strip():
            pass
        case _:
            return problem(400, "Prompt is required.")
    if not upstream.account["credits"] and not upstream.account["creditsExtra"]:
        return problem(401, "Insufficient credits")
    kind = "credits" if upstream.account["credits"] else "creditsExtra"
    upstream.account[kind] = max(upstream.account[kind] - _PRICE, 0)
    works = [each["id"] for each in upstream.fleet.values() if each["isActive"] and each["status"] in {"FAST", "RELAX"}]
    job = upstream.begun(prompt, works[len(upstream.jobs) % len(works)] if works else None)
    if found := upstream.banned(prompt):
        job.error = f"Banned prompt detected: {found}"
    elif not works:
        job.error = "No available account"
    upstream.note("IMAGINE", job.id)
    return _accepted(job)


def _pressed(upstream: Upstream, asked: Asked) -> object:
    body = asked.body if isinstance(asked.body, dict) else {}
    job = upstream.jobs.get(str(body.get("messageId")))
    if job is None:
        return NO_JOB
    if body.get("button") != "Cancel Job":
        return problem(400, "Button is not valid.")
    status, progress = job.at(upstream.now())
    if status in {"DONE", "FAIL"}:
        return problem(400, "The job is finished already.")
    job.status, job.progress, job.error = "FAIL", progress, "Job cancelled"
    upstream.note("BUTTON", job.id)
    return {"success": True, "createdAt": iso(upstream.clock())}


def _accounted(upstream: Upstream, _: Asked) -> object:
    return {**upstream.account, "email": f"FAKE.{upstream.canary}@example.com"}


def _checked(upstream: Upstream, asked: Asked) -> object:
    match asked.body:
        case {"prompt": str(prompt)} if prompt:
            found = upstream.banned(prompt)
            return {"status": "FAIL", "message": f"Banned word: {found}"} if found else {"status": "SUCCESS"}
        case _:
            return problem(400, "Prompt is required.")


def _counted(upstream: Upstream, _: Asked) -> object:
    statuses = [job.at(upstream.now())[0] for job in upstream.jobs.values()]
    return {
        "queued": statuses.count("QUEUED"),
        "processing": statuses.count("PROCESSING"),
        "paused": upstream.paused,
        "apiKey": f"sk-{upstream.canary}",
    }


def _paused(upstream: Upstream, _: Asked) -> object:
    upstream.note("QUEUE_PAUSE", "pause")
    upstream.paused = True
    for job in upstream.jobs.values():
        job.held = job.held or job.at(upstream.now())[0] == "QUEUED"
    return {"success": True, "paused": True}


def _resumed(upstream: Upstream, _: Asked) -> object:
    upstream.note("QUEUE_RESUME", "resume")
    upstream.paused = False
    for job in upstream.jobs.values():
        if job.held:
            job.held, job.queued = False, upstream.now()
    return {"success": True, "paused": False}


def _rebooted(upstream: Upstream, _: Asked) -> object:
    upstream.note("QUEUE_REBOOT", "reboot")
    return {"success": True}


def _queue_of(upstream: Upstream, asked: Asked) -> object:
    found = upstream.known(asked.values["token"])
    if found is None:
        return NO_TOKEN
    statuses = [job.at(upstream.now())[0] for job in upstream.jobs.values() if job.token == found["id"]]
    return {
        "tokenId": found["id"],
        "token": upstream.with_secret(found)["token"],
        "concurrency": found["concurrency"],
        "jobs": {"queued": statuses.count("QUEUED"), "processing": statuses.count("PROCESSING")},
    }


def _linked(upstream: Upstream, _: Asked) -> object:
    return {"accounts": upstream.shown(), "total": len(upstream.fleet)}


def _words(upstream: Upstream, _: Asked) -> object:
    return {"words": upstream.ban_words}


def _reworded(upstream: Upstream, asked: Asked) -> object:
    match asked.body:
        case {"add": list(add), "remove": list(remove)}:
            kept = [each for each in upstream.ban_words if each not in remove]
            upstream.ban_words = [*kept, *(each for each in add if each not in kept)]
            changes = [*(f"+{each}" for each in add), *(f"-{each}" for each in remove)]
            upstream.note("BANWORDS_UPDATE", " ".join(changes))
            return _words(upstream, asked)
        case _:
            return problem(400, ["add must be an array", "remove must be an array"])


def _picture_of(job: SimulatedJob, asked: Asked) -> str:
    return asked.origin + PICTURE.format(job=job.id)


def _accepted(job: SimulatedJob) -> object:
    return {"success": True, "messageId": job.id, "createdAt": iso(job.created)}


ANSWERS: Final[Mapping[str, Callable[[Upstream, Asked], object]]] = {
    "LIST": _listed,
    "TOKEN": _single,
    "TOGGLE": _toggled,
    "COMMANDS": _commanded,
    "TRACE": _traced,
    "PROGRESS": _progressed,
    "IMAGES": _images,
    "IMAGINE": _imagined,
    "BUTTON": _pressed,
    "ACCOUNT": _accounted,
    "PROMPT_CHECK": _checked,
    "QUEUE_COUNT": _counted,
    "QUEUE_PAUSE": _paused,
    "QUEUE_RESUME": _resumed,
    "QUEUE_REBOOT": _rebooted,
    "QUEUE_STATUS": _queue_of,
    "LINKED_ACCOUNTS": _linked,
    "BANWORDS": _words,
    "BANWORDS_UPDATE": _reworded,
}
"""By the name of the endpoint."""
