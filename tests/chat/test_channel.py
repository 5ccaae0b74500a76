"""The ops channel, over real sockets: what is posted, edited and found, and what each refusal of Discord means."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from discord.http import Route

from bot.chat.alerts import Roles, alert
from bot.chat.attempt import ANSWER, one_try
from bot.chat.channel import OpsChannel
from bot.chat.client import ChatClient
from bot.delivery.outcome import (
    BlockedError,
    DeliveryError,
    LaterError,
    Posted,
    RefusedError,
    UncertainError,
    VanishedError,
)
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Fleet, Severity
from bot.domain.value import replace
from tests.chat.conftest import FakeDesk, World
from tests.chat.test_answers import BODIES, OWN
from tests.domain.fleets import START, record
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.waiting import until
from tests.wire.discord import Discord, Rate
from tests.wire.faults import HANG, RESET, Fault, error, rate_limited, said
from tests.wire.world import ANNOUNCEMENTS, CATEGORY, MEDIA, OPS, THREAD, Guild
from tests.wire.world import Channel as Place

MESSAGES = "/channels/*/messages"
PROXIES = (407, 408, 409, 410, 413, 421, 425, 451)
POSTED = Message(
    id=1,
    mark="abcd-1",
    incidents=(
        Incident(
            key=Key(Rule.BANNED, 1900),
            severity=Severity.CRITICAL,
            stage=Stage.FIRING,
            opened_at=START,
            read_at=START,
            was=record(),
            was_at=START,
            now=record(status="BANNED"),
        ),
    ),
    version=1,
)


@dataclass
class Line:
    """The ops channel as the bot has it, and Discord at the other end."""

    channel: OpsChannel
    fake: Discord
    client: ChatClient
    errors: Counter[str]


@asynccontextmanager
async def connected(
    monkeypatch: pytest.MonkeyPatch,
    *,
    answer: timedelta = ANSWER,
    errors: Counter[str] | None = None,
    place: Place = OPS,
    runbook: str | None = None,
) -> AsyncIterator[Line]:
    """A bot that may take so long for an answer, and a Discord without limits."""
    errors = Counter() if errors is None else errors
    async with Discord(Guild(channels=[place]), rate=None).serving() as fake:
        fake.channel_id = place.id
        monkeypatch.setattr(Route, "BASE", fake.api_base)
        async with ChatClient(
            FakeDesk(), guild_id=fake.guild_id, channel_id=fake.channel_id, http_trace=one_try(errors)
        ) as client:
            await client.login(fake.token)
            logged_in = asyncio.Event()
            logged_in.set()
            channel = OpsChannel(
                client,
                logged_in,
                channel_id=fake.channel_id,
                guild_id=fake.guild_id,
                render=lambda message: alert(message, Fleet(), Roles(fake.alert_role_id), runbook),
                answer=answer,
            )
            yield Line(channel, fake, client, errors)


@pytest.fixture
async def line(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    async with connected(monkeypatch) as line:
        yield line


@pytest.mark.parametrize("asked", ["post", "find"])
async def test_what_an_earlier_attempt_posted_is_told_apart_by_how_it_reads(line: Line, asked: str) -> None:
    """Discord answers a nonce that it knows with what it has, whatever it is sent with it."""
    warning = replace(POSTED, incidents=(replace(POSTED.incidents[0], severity=Severity.WARNING),))
    assert (await line.channel.post(warning)).up_to_date
    for message, reads in ((warning, True), (POSTED, False)):
        found = await (line.channel.post(message) if asked == "post" else line.channel.find(message, START))
        assert found == Posted(line.fake.messages()[0].id, reads)
    assert len(line.fake.messages()) == 1


async def test_a_critical_alert_mentions_its_role_and_carries_its_mark(line: Line) -> None:
    discord_id = (await line.channel.post(POSTED)).id
    (shown,) = line.fake.messages()
    assert shown.id == discord_id
    assert shown.now.mentioned_roles == [line.fake.alert_role_id]
    assert "1900 is BANNED" in shown.now.text
    assert "abcd-1" in shown.now.text


async def test_the_same_post_twice_is_one_message(line: Line) -> None:
    assert await line.channel.post(POSTED) == await line.channel.post(POSTED)
    assert len(line.fake.messages()) == 1


async def test_an_edit_shows_the_incident_as_it_is_now(line: Line) -> None:
    discord_id = (await line.channel.post(POSTED)).id
    over = replace(POSTED.incidents[0], stage=Stage.RESOLVED, resolved_at=START + timedelta(minutes=50), now=record())
    await line.channel.edit(replace(POSTED, discord_id=discord_id, incidents=(over,)))
    (shown,) = line.fake.messages()
    assert "FAST again after 50 min" in shown.now.text
    assert shown.now.mentioned_roles == []


async def test_a_message_is_found_by_its_mark_and_only_the_bots_own(line: Line) -> None:
    since = datetime.now(UTC)  # noqa: TID251 - Discord's ids are made by the wall clock
    line.fake.say("somebody quotes abcd-1")
    for number in (10, 1, 11):
        await line.channel.post(replace(POSTED, id=number, mark=f"abcd-{number}"))
    found = await line.channel.find(POSTED, since)
    assert found
    assert found.id == line.fake.messages()[2].id
    assert await line.channel.find(replace(POSTED, mark="abcd-2"), since) is None
    for ahead in (timedelta(hours=20), timedelta(hours=-20)):
        assert await line.channel.find(POSTED, since + ahead) == found, "the host's clock may be wrong"
    assert await line.channel.find(POSTED, since + timedelta(days=2)) is None, "not all of the history is read"


async def test_it_is_not_ready_before_the_login(line: Line) -> None:
    early = OpsChannel(
        line.client,
        asyncio.Event(),
        channel_id=line.fake.channel_id,
        guild_id=line.fake.guild_id,
        render=lambda message: alert(message, Fleet(), Roles()),
    )
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await early.ready()
    await line.channel.ready()


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        pytest.param(rate_limited(7), LaterError, id="429"),
        pytest.param(rate_limited(7, via=False), LaterError, id="429 of a proxy"),
        pytest.param(error(500), UncertainError, id="500"),
        pytest.param(error(502, html=True), UncertainError, id="502 with a page"),
        pytest.param(error(503), UncertainError, id="503"),
        pytest.param(HANG, UncertainError, id="no answer"),
        pytest.param(RESET, UncertainError, id="reset"),
        pytest.param(error(401), BlockedError, id="401"),
        pytest.param(error(403, 50001, "Missing Access"), BlockedError, id="missing access"),
        pytest.param(error(403, 50013, "Missing Permissions"), BlockedError, id="missing permissions"),
        pytest.param(error(404, 10003, "Unknown Channel"), BlockedError, id="unknown channel"),
        pytest.param(error(400, 50008, "Cannot send messages in a non-text channel"), BlockedError, id="forum"),
        pytest.param(error(400, 50083, "Thread is archived"), BlockedError, id="archived"),
        pytest.param(error(400, 50024), BlockedError, id="wrong type"),
        pytest.param(error(400, 160005, "Thread is locked"), BlockedError, id="locked"),
        pytest.param(error(400, 50006, "Cannot send an empty message"), RefusedError, id="empty"),
        pytest.param(error(413, 40005, "Request entity too large"), RefusedError, id="too large"),
        pytest.param(error(403, 40004, "Send messages has been temporarily disabled"), LaterError, id="switched off"),
        pytest.param(error(400, 40006), LaterError, id="feature switched off"),
        pytest.param(error(400, html=True), UncertainError, id="400 with a page"),
        pytest.param(error(403, html=True), UncertainError, id="403 with a page"),
        *[pytest.param(error(status, html=True), UncertainError, id=f"{status} of a proxy") for status in PROXIES],
    ],
)
async def test_each_refusal_of_a_post_is_one_request_and_one_error_of_ours(
    line: Line, fault: Fault, expected: type[DeliveryError]
) -> None:
    with line.fake.outage(fault, "POST", MESSAGES), pytest.raises(expected) as caught:
        await line.channel.post(POSTED)
    assert len(line.fake.posts) == 1, "the outbox alone decides when to try again"
    assert isinstance(caught.value, LaterError) == (expected is LaterError)
    assert line.fake.messages() == []


async def test_what_discord_took_is_not_doubted_while_its_rate_limit_is_waited_out(line: Line) -> None:
    line.fake.rate = Rate(limit=1, per=1)
    assert (await line.channel.post(POSTED)).id == line.fake.messages()[0].id


async def test_a_message_that_never_had_its_turn_was_surely_not_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(monkeypatch, answer=timedelta(minutes=1)) as line:
        line.fake.rate = Rate(limit=1, per=600)
        with pytest.raises(UncertainError):
            await line.channel.post(POSTED)
        with pytest.raises(LaterError, match="let no request through"):
            await line.channel.post(replace(POSTED, mark="abcd-2"))
        assert len(line.fake.posts) == 1


class CancelsWhoeverCounts(Counter[str]):
    """Cancels the task in which an error of Discord is counted, once that task has taken one more step."""

    def __setitem__(self, error: str, times: int) -> None:
        super().__setitem__(error, times)
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().call_soon(task.cancel)


async def test_a_channel_whose_rate_limit_discord_py_lost_stands_still_for_half_a_minute_and_not_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected(monkeypatch, errors=CancelsWhoeverCounts()) as line:
        with line.fake.outage(error(503), "POST", MESSAGES, times=1):
            post = asyncio.create_task(line.channel.post(POSTED))
            await asyncio.wait({post})
            assert post.cancelled()
        began = asyncio.get_running_loop().time()
        await line.channel.post(POSTED)
        assert asyncio.get_running_loop().time() - began > 29, "nothing was lost: this shows nothing"
        assert len(line.fake.messages()) == 1


async def test_a_rate_limit_on_everything_that_the_registration_meets_does_not_silence_the_channel_for_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected(monkeypatch, answer=timedelta(minutes=1)) as line:
        with line.fake.outage(rate_limited(100, everywhere=True), "PUT", "*/commands", times=1):
            registration = asyncio.create_task(line.client.on_connect())
            await until("a registration that is limited", lambda: line.errors["429"])
            with pytest.raises(LaterError, match="let no request through"):
                await line.channel.post(POSTED)
            await registration
        await line.channel.post(POSTED)
        assert line.fake.commands[line.fake.guild_id]


async def test_a_registration_that_is_turned_away_is_tried_again_when_discord_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected(monkeypatch) as line:
        with line.fake.outage(rate_limited(40, via=False), "PUT", "*/commands", times=1):
            began = asyncio.get_running_loop().time()
            await line.client.on_connect()
        assert asyncio.get_running_loop().time() - began == pytest.approx(40)
        assert line.fake.commands[line.fake.guild_id]


async def test_an_answer_to_a_card_is_said_by_itself_where_the_bot_may_not_reply(line: Line) -> None:
    notice = replace(POSTED, id=2, mark="abcd-2", notice=Notice(NoticeKind.RESOLVED, START), reply_to=4711)
    with line.fake.outage(error(403, 160002, "Cannot reply without permission"), "POST", MESSAGES, times=1):
        await line.channel.post(notice)
    refused, said = line.fake.posts
    assert "message_reference" in str(refused.body)
    assert "message_reference" not in str(said.body)
    assert len(line.fake.messages()) == 1


async def test_what_discord_asks_to_wait_is_passed_on(line: Line) -> None:
    with line.fake.outage(rate_limited(7.5), "POST", MESSAGES), pytest.raises(LaterError) as caught:
        await line.channel.post(POSTED)
    assert caught.value.after == timedelta(seconds=7.5)


@pytest.mark.parametrize("method", ["POST", "PATCH", "GET"])
@pytest.mark.parametrize("body", BODIES)
async def test_whatever_stands_between_is_one_request_and_never_an_error_of_another_kind(
    line: Line, body: str, method: str
) -> None:
    content, label = BODIES[body]
    discord_id = (await line.channel.post(POSTED)).id
    for status in (200, 201, 206, 300, 302, 304, *range(400, 432), 451, 499, 500, 502, 503, 504, 520, 524, 530, 599):
        before = len(line.fake.calls)
        fault = said(status, b"" if status == 304 else content, label, Location="/login", Via="1.1 google")
        asked: dict[str, Coroutine[object, object, object]] = {
            "POST": line.channel.post(replace(POSTED, mark="abcd-2")),
            "PATCH": line.channel.edit(replace(POSTED, discord_id=discord_id)),
            "GET": line.channel.find(POSTED, START),
        }
        with line.fake.outage(fault, method), pytest.raises(DeliveryError) as caught:
            await asked.pop(method)
        for other in asked.values():
            other.close()
        assert len(line.fake.calls) == before + 1, status
        if body not in OWN or not 400 <= status < 500:
            assert isinstance(caught.value, LaterError | UncertainError), status


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(error(404, 10008, "Unknown Message"), id="deleted"),
        pytest.param(error(403, 50005, "Cannot edit a message authored by another user"), id="another bot's"),
    ],
)
async def test_a_message_that_can_no_longer_be_edited_has_vanished(line: Line, fault: Fault) -> None:
    discord_id = (await line.channel.post(POSTED)).id
    with line.fake.outage(fault, "PATCH", MESSAGES + "/*"), pytest.raises(VanishedError):
        await line.channel.edit(replace(POSTED, discord_id=discord_id))


async def test_a_simulated_discord_is_understood_too(world: World) -> None:
    logged_in = asyncio.Event()
    logged_in.set()
    channel = OpsChannel(
        world.env.bot,
        logged_in,
        channel_id=world.channel.id,
        guild_id=world.channel.guild.id if world.channel.guild else 0,
        render=lambda message: alert(message, Fleet(), Roles()),
    )
    posted = (await channel.post(POSTED)).id
    await channel.edit(replace(POSTED, discord_id=posted))
    with pytest.raises(VanishedError, match="10008"):
        await channel.edit(replace(POSTED, discord_id=posted + 1))


@pytest.mark.parametrize(
    ("fault", "seconds"),
    [
        pytest.param(error(400, 30046, "Maximum number of edits reached"), 6, id="without a time"),
        pytest.param(error(429, 30046, "Maximum number of edits reached"), 6, id="as 429 without a time"),
        pytest.param(rate_limited(4.2, code=30046), 4.2, id="as 429"),
    ],
)
async def test_an_old_message_waits_for_the_next_window_of_edits(line: Line, fault: Fault, seconds: float) -> None:
    discord_id = (await line.channel.post(POSTED)).id
    with line.fake.outage(fault, "PATCH", MESSAGES + "/*"), pytest.raises(LaterError) as caught:
        await line.channel.edit(replace(POSTED, discord_id=discord_id))
    assert caught.value.after == timedelta(seconds=seconds)


async def test_a_discord_that_cannot_be_reached_has_surely_not_taken_the_message(
    line: Line, unused_tcp_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Route, "BASE", f"http://127.0.0.1:{unused_tcp_port}/api/v10")
    with pytest.raises(LaterError):
        await line.channel.post(POSTED)


async def test_a_history_that_cannot_be_read_is_an_error_and_not_an_absence(line: Line) -> None:
    with line.fake.outage(error(503), "GET", MESSAGES), pytest.raises(UncertainError):
        await line.channel.find(POSTED, START)


@pytest.mark.parametrize(
    ("fault", "counted"),
    [
        (error(403, 50013, "Missing Permissions"), "50013"),
        (error(502, html=True), "502"),
        (rate_limited(1), "429"),
        (RESET, "no answer"),
        (HANG, "no answer"),
    ],
)
async def test_each_error_of_discord_is_counted_once(line: Line, fault: Fault, counted: str) -> None:
    await line.channel.post(POSTED)
    assert not line.errors
    with line.fake.outage(fault, "POST", MESSAGES), pytest.raises(DeliveryError):
        await line.channel.post(replace(POSTED, mark="abcd-2"))
    assert line.errors == {counted: 1}


async def test_errors_that_no_document_names_are_counted_together_after_a_hundred_kinds(line: Line) -> None:
    line.errors.update(map(str, range(10000, 10100)))
    for code in (70001, 70002, 10099):
        with line.fake.outage(error(400, code), "POST", MESSAGES), pytest.raises(RefusedError):
            await line.channel.post(POSTED)
    assert line.errors["other"] == line.errors["10099"] == 2
    assert len(line.errors) == 101


async def test_a_link_that_discord_refuses_costs_the_button_and_not_the_alert(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected(monkeypatch, runbook="https://wiki/{rule}") as line:
        discord_id = (await line.channel.post(POSTED)).id
        (shown,) = line.fake.messages()
        assert shown.now.mentioned_roles == [line.fake.alert_role_id]
        assert [*shown.now.buttons] == ["Acknowledge", "Silence", "Details", "Note"]
        assert "message goes without a part" in caplog.text
        await line.channel.edit(replace(POSTED, discord_id=discord_id))
        assert len(shown.versions) == 2
        assert len(line.fake.refused) == 2, "one more request each"


HARMFUL = replace(
    POSTED, incidents=(), notice=Notice(NoticeKind.SILENCE_STARTED, START, words="see https://evil.example/x, soon")
)


@pytest.mark.parametrize(("message", "kept"), [(POSTED, "1900 is BANNED"), (HARMFUL, "soon")])
async def test_a_link_that_discord_blocks_is_left_out_wherever_it_is(
    monkeypatch: pytest.MonkeyPatch, message: Message, kept: str
) -> None:
    async with connected(monkeypatch, runbook="https://evil.example/{rule}") as line:
        line.fake.board.harmful = {"evil.example"}
        await line.channel.post(message)
        (shown,) = line.fake.messages()
        assert "evil" not in str(shown.now.body)
        assert kept in shown.now.text
        assert len(line.fake.posts) == 2


@pytest.mark.parametrize(
    ("errors", "left", "embeds"),
    [
        (
            {"components": {"0": {"components": {"1": {"emoji": {"_errors": []}}}}}},
            ["Acknowledge", "Details", "Note"],
            1,
        ),
        ({"components": {"_errors": []}}, [], 1),
        ({"embeds": {"0": {"description": {"_errors": []}}}}, ["Acknowledge", "Silence", "Details", "Note"], 0),
    ],
)
async def test_only_what_is_refused_is_left_out(
    line: Line, errors: dict[str, object], left: list[str], embeds: int
) -> None:
    with line.fake.outage(error(400, 50035, errors=errors), "POST", MESSAGES, times=1):
        discord_id = (await line.channel.post(POSTED)).id
    (shown,) = line.fake.messages()
    assert [*shown.now.buttons] == left
    assert len(shown.now.embeds) == embeds
    assert "1900 is BANNED" in shown.now.text
    found = await line.channel.find(POSTED, datetime.now(UTC))  # noqa: TID251 - as above
    assert found
    assert found.id == discord_id


async def test_buttons_that_are_refused_one_after_the_other_all_go(line: Line) -> None:
    refused = error(400, 50035, errors={"components": {"0": {"components": {"0": {"label": {"_errors": []}}}}}})
    with line.fake.outage(refused, "POST", MESSAGES, times=2):
        await line.channel.post(POSTED)
    (shown,) = line.fake.messages()
    assert [*shown.now.buttons] == ["Details", "Note"]


async def test_where_a_button_is_refused_that_is_not_there_all_go(line: Line) -> None:
    refused = error(400, 50035, errors={"components": {"4": {"components": {"4": {"label": {"_errors": []}}}}}})
    with line.fake.outage(refused, "POST", MESSAGES, times=1):
        await line.channel.post(POSTED)
    (shown,) = line.fake.messages()
    assert not shown.now.buttons
    assert "1900 is BANNED" in shown.now.text


async def test_what_is_refused_whatever_is_left_out_is_refused_in_the_end(line: Line) -> None:
    with line.fake.outage(error(400, 50035), "POST", MESSAGES), pytest.raises(RefusedError):
        await line.channel.post(POSTED)
    assert 2 <= len(line.fake.posts) <= 7, "each part is left out once"


ROOM = 1_100_000_000_000_000_777


@pytest.mark.parametrize("kind", [CATEGORY, MEDIA])
async def test_a_channel_that_takes_no_messages_waits_for_a_person(monkeypatch: pytest.MonkeyPatch, kind: int) -> None:
    async with connected(monkeypatch, place=Place(ROOM, "ops", kind)) as line:
        with pytest.raises(BlockedError, match="50008"):
            await line.channel.post(POSTED)


async def test_a_thread_that_was_archived_is_opened_again_for_an_edit(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(monkeypatch, place=Place(ROOM, "ops", THREAD)) as line:
        discord_id = (await line.channel.post(POSTED)).id
        line.fake.archived.add(ROOM)
        over = replace(POSTED.incidents[0], stage=Stage.RESOLVED, resolved_at=START, now=record())
        await line.channel.edit(replace(POSTED, discord_id=discord_id, incidents=(over,)))
        (shown,) = line.fake.messages()
        assert "FAST" in shown.now.text
        assert line.fake.archived == set()
        line.fake.archived.add(ROOM)
        await line.channel.post(replace(POSTED, mark="abcd-2"))
        assert line.fake.archived == set()


async def test_a_thread_that_is_locked_waits_for_a_person(monkeypatch: pytest.MonkeyPatch) -> None:
    async with connected(monkeypatch, place=Place(ROOM, "ops", THREAD)) as line:
        discord_id = (await line.channel.post(POSTED)).id
        line.fake.archived.add(ROOM)
        line.fake.locked.add(ROOM)
        with pytest.raises(BlockedError):
            await line.channel.post(replace(POSTED, mark="abcd-2"))
        with pytest.raises(BlockedError):
            await line.channel.edit(replace(POSTED, discord_id=discord_id))


async def test_a_channel_for_announcements_is_served_and_has_a_limit_for_edits_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with connected(monkeypatch, place=Place(ROOM, "ops", ANNOUNCEMENTS)) as line:
        line.fake.announcement_edits = Rate(0, 720)
        discord_id = (await line.channel.post(POSTED)).id
        with pytest.raises(LaterError, match="20028") as caught:
            await line.channel.edit(replace(POSTED, discord_id=discord_id))
        assert caught.value.after.total_seconds() == pytest.approx(720, abs=1)
        await line.channel.post(replace(POSTED, mark="abcd-2"))
