"""What is served over HTTP, to whom, and that a large fleet does not hold anybody up."""

import asyncio
import gc
import platform
import re
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
import pytest
from prometheus_client import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.parser import text_string_to_metric_families

from bot import __version__
from bot.delivery.outcome import BlockedError
from bot.domain.model import Trouble
from bot.domain.value import replace
from bot.jobs import Job
from bot.observe import web
from bot.observe.health import CAUSES
from bot.observe.metrics import PREFIX, Moment, exposition, moment
from bot.observe.web import serving
from bot.storage.store import StoreUnavailableError
from tests.domain.fleets import START, record
from tests.observe.conftest import Patient

OBSERVING = (Path(__file__).parents[2] / "docs/observing.md").read_text(encoding="utf-8")
TOKEN = "a-token-for-figures"
LOCAL = "127.0.0.1"


@asynccontextmanager
async def visiting(patient: Patient, token: str | None = None) -> AsyncIterator[aiohttp.ClientSession]:
    """Somebody who asks."""
    async with (
        serving(patient.pulse, LOCAL, 0, token) as port,
        aiohttp.ClientSession(f"http://{LOCAL}:{port}") as session,
    ):
        yield session


async def get(session: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, str]:
    """Ask for it: the status and the body."""
    async with session.get(path, headers=headers) as response:
        assert response.headers["Cache-Control"] == "no-store"
        assert "aiohttp" not in response.headers["Server"]
        return response.status, await response.text()


async def health(session: aiohttp.ClientSession, path: str = "/health") -> tuple[int, dict[str, Any]]:
    """Ask how it is."""
    async with session.get(path) as response:
        return response.status, await response.json()


def figures(body: str) -> dict[str, float]:
    """Each sample, by its name and labels as they are written, without the common beginning of the names."""
    return {
        sample.name.removeprefix(PREFIX) + "".join(f"[{value}]" for value in sample.labels.values()): sample.value
        for family in text_string_to_metric_families(body)
        for sample in family.samples
    }


async def test_health_is_200_while_all_is_well_and_503_with_the_reasons_while_it_is_not(patient: Patient) -> None:
    async with visiting(patient, TOKEN) as session:
        assert await health(session) == (200, {"status": "ok", "role": "standby", "reasons": []})
        patient.ends.refusal = BlockedError("Discord answered 403, code 50013")
        with patient.leading():
            await patient.poll()
            await patient.outbox.deliver()
            status, body = await health(session)
            assert await health(session, "/live") == (200, {"status": "ok", "role": "leading", "reasons": []})
    (blocked,) = (cause for cause in CAUSES if cause.word == "blocked")
    assert status == 503
    assert body == {
        "status": "failing",
        "role": "leading",
        "reasons": [{"reason": "blocked", "text": blocked.text}],
    }


async def test_live_is_red_for_what_a_new_start_would_mend(patient: Patient) -> None:
    async with visiting(patient) as session:
        with patient.leading():
            await patient.live(20, late=1)
            patient.client.online = False
            await patient.live(65, late=1)
            (_, all_of_it), (status, body) = await health(session), await health(session, "/live")
    assert [reason["reason"] for reason in all_of_it["reasons"]] == ["gateway", "loop"]
    assert (status, [reason["reason"] for reason in body["reasons"]]) == (503, ["loop"])


@pytest.mark.parametrize(
    ("given", "status"),
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"BEARER   {TOKEN}", 200),
        ("", 401),
        ("Bearer ", 401),
        (f"Bearer {TOKEN[:-1]}", 401),
        (f"Bearer {TOKEN}x", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        (f"Bearer{TOKEN}", 401),
        (f" {TOKEN}", 401),
        (f"Bearer {TOKEN.upper()}", 401),
        (f"Bearer {TOKEN}\u00ff", 401),
    ],
)
async def test_figures_are_for_whoever_has_the_token(patient: Patient, given: str, status: int) -> None:
    async with visiting(patient, TOKEN) as session:
        got, body = await get(session, "/metrics", Authorization=given)
    assert got == status
    assert bool(body) == (status == 200)


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip", True),
        ("gzip, deflate, br", True),
        ("deflate, GZip;q=0.5", True),
        ("x-gzip", True),
        ("*", True),
        ("gzip;q=0.001", True),
        ("identity", False),
        ("", False),
        ("deflate, br, zstd", False),
        ("gzip;q=0", False),
        ("gzip; Q=0.000, *", False),
        ("*;q=0", False),
        ("notgzip", False),
    ],
)
async def test_figures_are_packed_for_whoever_takes_that(patient: Patient, accepted: str, *, packed: bool) -> None:
    headers = {"Accept-Encoding": accepted, "Authorization": f"Bearer {TOKEN}"}
    with patient.leading():
        async with visiting(patient, TOKEN) as session, session.get("/metrics", headers=headers) as response:
            body = await response.text()
    assert response.headers.get("Content-Encoding") == ("gzip" if packed else None)
    assert response.headers["Vary"] == "Accept-Encoding"
    assert response.headers["Content-Type"] == CONTENT_TYPE_PLAIN_0_0_4
    assert figures(body)["leading"] == 1


async def test_packed_figures_of_a_large_fleet_are_a_fifth_of_the_bytes_at_most(patient: Patient) -> None:
    sizes = []
    with patient.leading():
        await patient.poll(*(record(number) for number in range(1, 1_001)))
        async with visiting(patient) as session:
            for accepted in ("gzip", "identity"):
                async with session.get("/metrics", headers={"Accept-Encoding": accepted}) as response:
                    sizes.append(int(response.headers["Content-Length"]))
    assert 5 * sizes[0] < sizes[1]


async def test_figures_are_for_everybody_where_no_token_is_set(patient: Patient) -> None:
    async with visiting(patient) as session:
        assert (await get(session, "/metrics"))[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("POST", "/health", 405), ("GET", "/x", 404)]
)
async def test_nothing_else_is_served(patient: Patient, method: str, path: str, status: int) -> None:
    async with visiting(patient) as session, session.request(method, path) as response:
        assert response.status == status


async def test_the_figures_are_those_of_the_bot(patient: Patient) -> None:
    fast = record(1900, fast="1.00/15.0 hours (6.67%)")
    banned, unheard = record(1901, "BANNED"), record(1902, "SLEEPING", fast="a lot")
    with patient.leading():
        await patient.poll(record(1900), record(1901), unheard)
        await patient.poll(fast, banned, unheard)
        patient.ends.fleet_now = None
        await patient.poll()
        await patient.live(1, late=0.3)
        patient.ends.now += patient.pulse._interval
        patient.discord_errors.update(["50013", "503", "503"])
        async with visiting(patient) as session:
            waiting = figures((await get(session, "/metrics"))[1])
            await patient.outbox.deliver()
            await patient.live(1)
            told = figures((await get(session, "/metrics"))[1])
    for name, value in {
        "leading": 1,
        "unhealthy[poll]": 0,
        "outbox_waiting": 3,
        "outbox_oldest_seconds": 61,
        "outbox_parked": 0,
        "reading_age_seconds": 61,
        "poll_interval_seconds": 60,
        "last_write_age_seconds": 0,
        "poll_seconds_count": 3,
        "poll_seconds_bucket[+Inf]": 3,
        "upstream_errors_total[server error]": 1,
        "upstream_errors_total[refused]": 0,
        "discord_errors_total[503]": 2,
        "discord_errors_total[50013]": 1,
        "tokens[FAST]": 1,
        "tokens[BANNED]": 1,
        "tokens[UNKNOWN]": 1,
        "tokens[RELAX]": 0,
        "tokens_usable": 1,
        "fast_time_seconds[1900]": 3600,
        "incidents[fast_time_low][warning]": 1,
        "incidents[banned][critical]": 1,
        "dwell_seconds_count": 0,
        "loop_lag_seconds_bucket[0.25]": 0,
        "loop_lag_seconds_bucket[0.5]": 1,
        "loop_lag_seconds_sum": 0.3,
    }.items():
        assert waiting.get(name) == pytest.approx(value), name
    assert "fast_time_seconds[1902]" not in waiting
    assert waiting["process_resident_memory_bytes"] > 2**20
    assert waiting[f"info[{platform.python_version()}][{__version__}]"] == 1
    assert told["outbox_waiting"] == told["outbox_oldest_seconds"] == 0
    assert told["dwell_seconds_count"] == len(patient.ends.posted)
    assert told["dwell_seconds_bucket[60.0]"] == 0
    assert told["dwell_seconds_bucket[300.0]"] == len(patient.ends.posted)


async def test_who_runs_dry_is_among_the_figures_with_how_sure_and_when(patient: Patient) -> None:
    renews = f"Active monthly, renews next on <t:{int((START + timedelta(days=30)).timestamp())}>"
    with patient.leading():
        for hours in range(0, 6 * 24, 4):
            patient.ends.now = START + timedelta(hours=hours)
            left = 900 - 4 * hours
            dry = record(1900, fast=f"{left / 60:.2f}/15.0 hours ({left / 9:.2f}%)", terms=renews)
            await patient.poll(dry, record(1901, terms=renews))
        await patient.monitor.look_ahead()
        async with visiting(patient) as session:
            told = figures((await get(session, "/metrics"))[1])
    assert 0.8 <= told["fast_time_dry_ratio[1900]"] <= 1
    assert told["fast_time_dry_ratio[1901]"] < 0.4
    assert timedelta(days=2).total_seconds() < told["fast_time_dry_seconds[1900]"] < timedelta(days=8).total_seconds()
    assert "fast_time_dry_seconds[1901]" not in told


async def test_the_documented_figures_are_the_figures(patient: Patient) -> None:
    with patient.leading():
        patient.pulse.watched(Job("poll", timedelta(minutes=1), patient.monitor.poll))
        await patient.poll(record(status="BANNED"))
        patient.discord_errors["503"] += 1
        served = list(text_string_to_metric_families(exposition(moment(patient.pulse)).decode()))
    ours = [family for family in served if family.name.startswith(PREFIX)]
    table = re.findall(r"^\| `(\w+)` \| (gauge|counter|histogram) \|", OBSERVING, re.MULTILINE)
    assert sorted((name.removesuffix("_total"), kind) for name, kind in table) == sorted(
        (family.name.removeprefix(PREFIX), family.type) for family in ours
    )
    used = re.findall(rf"{PREFIX}\w+|process_\w+", OBSERVING)
    assert {name for name in used if name != PREFIX} <= {sample.name for family in served for sample in family.samples}


async def test_what_can_be_foreseen_to_go_wrong_is_counted_from_zero_on(patient: Patient) -> None:
    """A series that begins with its first error shows no increase."""
    patient.pulse.watched(Job("poll", timedelta(minutes=1), patient.monitor.poll))
    with patient.leading():
        fresh = figures(exposition(moment(patient.pulse)).decode())
        patient.discord_errors.update(["no answer", "50001", "40333"])
        later = figures(exposition(moment(patient.pulse)).decode())
    errors = {name: value for name, value in fresh.items() if "_errors_total" in name}
    assert set(errors.values()) == {0}
    assert {f"discord_errors_total[{code}]" for code in ("no answer", "503", "50013", "other")} <= errors.keys()
    assert {f"upstream_errors_total[{kind}]" for kind in Trouble} <= errors.keys()
    assert "job_errors_total[poll]" in errors
    assert [later[f"discord_errors_total[{code}]"] for code in ("no answer", "50001", "50013", "40333")] == [1, 1, 0, 1]


async def test_the_age_of_the_last_write_grows_while_nothing_is_stored_and_a_quiet_night_keeps_it_low(
    patient: Patient,
) -> None:
    def age() -> float:
        return figures(exposition(moment(patient.pulse)).decode())["last_write_age_seconds"]

    with patient.leading():
        await patient.poll()
        await patient.live(1)
        assert age() == 0
        await patient.live(40)
        assert age() == 40
        await patient.store.prove()
        await patient.live(1)
        assert age() == 0
        patient.store.refusals.note(StoreUnavailableError("the disk is full", unwritable=True))
        await patient.store.prove()
        await patient.live(10)
        assert age() == 10, "one thing was stored, and another refused"
        patient.store.refusals.over()
        await patient.poll(record(1900, "BANNED"))
        await patient.live(1)
        assert age() == 0


async def test_a_copy_that_waits_has_figures_of_itself_alone(patient: Patient) -> None:
    await patient.live(1)
    alone = figures(exposition(moment(patient.pulse)).decode())
    assert alone["leading"] == 0
    assert alone["loop_lag_seconds_count"] == 1
    assert not [name for name in alone if name.startswith(("tokens", "poll", "reading", "discord"))]


async def test_no_label_holds_what_others_wrote(patient: Patient) -> None:
    odd = 'WORD"} 1\n# HELP'
    with patient.leading():
        await patient.poll(record(1900, odd, fast=odd, plan=odd, running=odd))
        body = exposition(moment(patient.pulse)).decode()
    assert "WORD" not in body
    assert figures(body)["tokens[UNKNOWN]"] == 1


async def test_what_people_call_tokens_is_a_label_where_that_is_asked_for(patient: Patient) -> None:
    with patient.leading():
        await patient.poll(record(1900), record(1901))
        taken = moment(patient.pulse, named=True)
        assert taken.leader is not None
        assert taken.leader.names == {}
        named = replace(taken, leader=replace(taken.leader, names={1900: 'a\\b "c"'}))
        served = figures(exposition(named).decode())
        assert 'fast_time_seconds[a\\b "c"][1900]' in served
        assert "fast_time_seconds[][1901]" in served


@pytest.fixture
def frozen() -> Iterator[Callable[[], None]]:
    """What is there is no matter for the garbage collector, as in the bot once it has started."""
    gc.collect()
    yield gc.freeze
    gc.unfreeze()


async def test_a_scrape_of_ten_thousand_tokens_leaves_the_event_loop_alone(
    patient: Patient, frozen: Callable[[], None]
) -> None:
    """No turn of the loop's thread computes for long; the bound is ten times what it is in life."""
    with patient.leading():
        await patient.poll(*(record(number) for number in range(1, 10_001)))
        frozen()
        async with visiting(patient) as session:
            longest = 0.0
            done = asyncio.ensure_future(get(session, "/metrics"))
            while not done.done():
                computed = time.thread_time()
                await asyncio.sleep(0.001)
                longest = max(longest, time.thread_time() - computed)
    assert sum(name.startswith("fast_time_seconds[") for name in figures((await done)[1])) == 10_000
    assert longest < 0.5


async def test_what_is_scraped_is_rendered_in_a_thread(patient: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    turned = threading.Event()

    def render(taken: Moment) -> bytes:
        assert turned.wait(60), "a guard: the loop turns meanwhile, or nobody could set this"
        return exposition(taken)

    monkeypatch.setattr(web, "exposition", render)
    with patient.leading():
        async with visiting(patient) as session:
            done = asyncio.ensure_future(get(session, "/metrics"))
            for _ in range(3):
                await asyncio.sleep(0.01)
            assert not done.done()
            turned.set()
            assert figures((await done)[1])["leading"] == 1


async def test_what_is_taken_of_a_large_fleet_on_the_loop_costs_no_more_than_of_a_small_one(patient: Patient) -> None:
    with patient.leading():
        await patient.poll(record(1))
        steps = steps_of(lambda: moment(patient.pulse))
        await patient.poll(*(record(number) for number in range(1, 1001)))
        assert steps_of(lambda: moment(patient.pulse)) == steps


def steps_of(work: Callable[[], object]) -> int:
    """How many functions are called, Python's own included."""
    calls = 0

    def count(_frame: FrameType, event: str, _arg: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return calls


async def test_a_port_that_is_taken_is_an_error_that_says_so(patient: Patient) -> None:
    async with serving(patient.pulse, LOCAL, 0, None) as port:
        with pytest.raises(OSError, match="address already in use"):
            async with serving(patient.pulse, LOCAL, port, None):
                pass
