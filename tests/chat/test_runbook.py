"""`/runbook`: what the bot may do by itself, asked for with what it would have done."""

from datetime import timedelta
from functools import partial

import pytest

from bot.chat.desk import DeskClient
from bot.domain.acts import Act, Kind, State
from bot.domain.runbooks import AN_HOUR, QUIET, Book, Does, Move, Runbook, Trail
from bot.domain.sample import Sample, sample_of
from bot.domain.value import replace
from bot.imaginepro.client import connected
from bot.imaginepro.endpoints import ENDPOINTS, placed
from tests.chat.builders import NOON, fleet, token
from tests.chat.conftest import World
from tests.chat.test_commands import said
from tests.chat.test_steering import refusal, use

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
OFF = "runbook-switch_off_when_banned"


def kept(number: int = 1900) -> list[Sample]:
    """What is kept of a token that was banned three times, for two hours."""
    read = [(NOON - 14 * DAY - HOUR, "FAST")]
    for ago in (9, 5, 2):
        read += [(NOON - ago * DAY, "BANNED"), (NOON - ago * DAY + 2 * HOUR, "FAST")]
    return [sample_of(token(number, status=status), at) for at, status in read]


@pytest.fixture
def told(world: World) -> World:
    """A world with a history."""
    world.desk.fleet = fleet(token())
    world.desk.samples = {1900: kept()}
    return world


async def test_by_default_the_bot_does_nothing_by_itself(told: World) -> None:
    text = said(await use(told, "runbook list"))
    assert text.count("⚪ **") == len(Book)
    assert "⚪ **switch off when banned**: off · *switches a token off when it is BANNED*" in text


async def test_before_it_is_on_the_question_says_what_it_would_have_done(told: World) -> None:
    before = told.desk.known
    result = await use(told, "runbook set", runbook="switch_off_when_banned", does="on")
    text = said(result)
    assert "Let the bot switch off when banned?" in text
    assert "**Would have, 3 times in 14 days**:" in text
    assert text.count("switch 1900 off") == 3
    assert "At most 6 times an hour; then it stops, and says so." in text
    assert told.desk.known is before, "nothing is set before it is confirmed"
    assert result.response is not None
    await told.operator.click(result.response.message, label="Let it switch off when banned")
    book = told.desk.known.decisions.runbooks[OFF]
    assert (book.does, book.by, book.quiet, book.an_hour) == (Does.ON, told.operator.id, QUIET, AN_HOUR)
    (entry,) = told.desk.trail
    assert (entry.act, entry.what) == ("runbook set", "switch off when banned")
    assert entry.reason == "on, at most 6 an hour, quiet 30 min"


async def test_what_cannot_be_tried_can_be_set_on_all_the_same(told: World) -> None:
    """Whoever installs the bot has no history yet, and a large fleet too much of it."""
    told.desk.samples = {}
    result = await use(told, "runbook set", runbook="switch_off_when_banned", does="on")
    assert "**What it would have done is not known.**" in said(result)
    assert result.response is not None
    await told.operator.click(result.response.message, label="Let it switch off when banned")
    assert told.desk.known.decisions.runbooks[OFF].does is Does.ON


async def test_a_question_that_is_cancelled_sets_nothing(told: World) -> None:
    result = await use(told, "runbook set", runbook="switch_off_when_banned", does="on")
    assert result.response is not None
    await told.operator.click(result.response.message, label="Cancel")
    assert not told.desk.known.decisions.runbooks


async def test_a_dry_run_and_off_are_set_at_once(told: World) -> None:
    text = said(await use(told, "runbook set", runbook="switch_on_again", does="dry_run", quiet="1h", an_hour=2))
    assert "Set. 🔵 **switch on again**: dry run · at most 2 an hour" in text
    assert "once it has worked for 1 h" in text
    text = said(await use(told, "runbook set", runbook="switch_on_again", does="off"))
    assert "Set. ⚪ **switch on again**: off" in text
    book = told.desk.known.decisions.runbooks["runbook-switch_on_again"]
    assert (book.quiet, book.an_hour) == (HOUR, 2), "how it was set is kept"


async def test_it_can_be_tried_without_being_set(told: World) -> None:
    before = told.desk.known
    text = said(await use(told, "runbook try", runbook="switch_on_again", quiet="30m"))
    assert "**Would have, 3 times in 14 days**:" in text
    assert text.count("switch 1900 on") == 3
    assert "-# Tried, and not set: switch on again" in text
    assert told.desk.known is before
    text = said(await use(told, "runbook try", runbook="relax_and_fast"))
    assert "**Would have, never in 14 days**" in text


async def test_what_would_have_stopped_it_is_said(told: World) -> None:
    told.desk.fleet = fleet(*(token(number) for number in range(1, 9)))
    told.desk.samples = {number: kept(number) for number in range(1, 9)}
    text = said(await use(told, "runbook set", runbook="switch_off_when_banned", does="on"))
    assert "**Would have, 24 times in 14 days**:" in text
    assert "It would have stopped " in text
    assert "that was more than 6 within an hour." in text


async def test_what_sees_nothing_cannot_be_set_on(told: World) -> None:
    await use(told, "rules set", rule="banned", enabled=False)
    text = await refusal(told, "runbook set", runbook="switch_off_when_banned", does="on")
    assert text == ("*switch off when banned* would see nothing: rule banned is off. `/rules set` switches it on.")


async def test_a_rule_that_is_switched_off_later_is_named_in_the_list(told: World) -> None:
    await use(told, "runbook set", runbook="switch_off_when_banned", does="dry_run")
    await use(told, "rules set", rule="banned", enabled=False)
    assert "**sees nothing: rule banned is off**" in said(await use(told, "runbook list"))


async def test_the_queue_needs_what_imaginepro_does_not_publish(told: World) -> None:
    client = told.env.bot
    assert isinstance(client, DeskClient)
    nowhere = partial(connected, url="http://127.0.0.1:1", api_key="key", rate=(1, HOUR), budget=HOUR)
    async with nowhere() as upstream:
        client.upstream = upstream
        text = await refusal(told, "runbook set", runbook="pause_the_queue", does="on")
    assert text.startswith("ImaginePro does not publish where its queue is paused and resumed. Copy that from your")
    assert "`IMAGINEPRO_ENDPOINT_QUEUE_PAUSE` and `IMAGINEPRO_ENDPOINT_QUEUE_RESUME`" in text
    found = {name: placed(ENDPOINTS[name], "POST /api/v1/q/{token}") for name in ("QUEUE_PAUSE", "QUEUE_RESUME")}
    async with nowhere(endpoints={**ENDPOINTS, **found}) as upstream:
        client.upstream = upstream
        text = await refusal(told, "runbook set", runbook="pause_the_queue", does="on")
    assert text.startswith("This runbook pauses the whole queue, and `IMAGINEPRO_ENDPOINT_QUEUE_PAUSE` and")
    found = {name: placed(ENDPOINTS[name], "POST /api/v1/q") for name in ("QUEUE_PAUSE", "QUEUE_RESUME")}
    async with nowhere(endpoints={**ENDPOINTS, **found}) as upstream:
        client.upstream = upstream
        text = said(await use(told, "runbook set", runbook="pause_the_queue", does="on"))
    assert "Let the bot pause the queue?" in text


@pytest.mark.parametrize(
    ("quiet", "words"),
    [("1m", "Quiet is at least 5 min"), ("2d", "too long"), ("soon", "is no length of time")],
)
async def test_a_time_that_cannot_work_is_refused(told: World, quiet: str, words: str) -> None:
    assert words in await refusal(told, "runbook set", runbook="switch_on_again", does="dry_run", quiet=quiet)


async def test_the_list_says_what_the_bot_moved_and_that_a_runbook_stopped(told: World) -> None:
    known = told.desk.known
    stopped = Runbook(Book.SWITCH_OFF, NOON, 7, Does.ON, stopped_at=NOON)
    move = Move(NOON, Book.SWITCH_OFF, "off", "a1")
    act = Act("a1", Kind.TOGGLE, "off", NOON, 1900, state=State.DONE, begun_at=NOON, settled_at=NOON)
    decisions = known.decisions.with_(stopped, Trail(Kind.TOGGLE, 1900, moves=(move,)))
    told.desk.known = replace(known, decisions=decisions, acts={"a1": act})
    text = said(await use(told, "runbook list"))
    assert "**stopped <t:" in text
    assert "**Switched off by the bot:** 1900" in text
