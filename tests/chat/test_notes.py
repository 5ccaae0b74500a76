"""Notes as people write them, from the button on, and as cards, lists and notices show them."""

from datetime import timedelta

import discord
import pytest
import simcord
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.alerts import Roles, alert, incident_list, troubles_of_token
from bot.chat.alerts.notes import happened
from bot.chat.buttons.noting import GIVEN_BACK, SHOWN_BACK, TEST
from bot.chat.buttons.subject import ALREADY_OVER, NOT_YET, UNKNOWN_MESSAGE
from bot.chat.desk import UNSAVED, Access
from bot.chat.text import width
from bot.domain.incidents import Happening, Incident, Moment, Note, Rule, Stage
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.notes import LONGEST, MOST, Past
from bot.domain.value import replace
from bot.domain.watch.noting import EMPTY, FULL
from bot.storage.store import StoreUnavailableError
from tests.chat.builders import NOON, fleet, incident, message, record, token
from tests.chat.checks import assert_fits, assert_harmless, texts
from tests.chat.conftest import GUILD, World
from tests.chat.test_alerts import ANY_TEXT, FLEET, INCIDENTS, assert_good
from tests.chat.test_commands import said
from tests.chat.test_incident_buttons import BAN, check, labels, picked, posted

MINUTE = timedelta(minutes=1)
WORDS = "passed the check by phone"
SAID = Note(NOON + MINUTE, 41, WORDS)
OVER = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901), after=timedelta(hours=1))


async def form(world: World, card: discord.Message) -> simcord.InteractionResult:
    """What *Note* opens for the operator."""
    return await world.operator.click(card, label="Note")


async def note(world: World, card: discord.Message, words: str = WORDS) -> simcord.InteractionResult:
    """The operator writes that, and sends it."""
    return await world.operator.submit_modal(await form(world, card), {"words": words})


def noted(world: World, key: Incident = BAN) -> list[str]:
    """What is kept with it."""
    return [each.words for each in world.desk.known.incidents[key.key].notes]


def heard(result: simcord.InteractionResult) -> list[str]:
    """Everything that was said to the one who asked."""
    return [each.content for each in ([result.response] if result.response else []) + list(result.followups)]


async def test_a_note_is_kept_with_its_incident_and_stands_on_the_card(world: World) -> None:
    card = await world.post(BAN)
    result = await note(world, card)
    assert said(result) == "Noted: it stands on the card, and on the next one if it happens again."
    assert result.ephemeral
    assert noted(world) == [WORDS]
    assert [(entry.act, entry.by) for entry in world.desk.trail] == [("note", world.operator.id)]
    shown = await world.shown(57)
    assert f"📝 <@{world.operator.id}> <t:1767268860:R>: “{WORDS}”" in (shown.embeds[0].description or "")


async def test_of_a_summary_it_is_kept_with_each_that_is_open(world: World) -> None:
    over = replace(check(1904), stage=Stage.RESOLVED, resolved_at=NOON)
    card = await world.post(check(1900), check(1901), over)
    world.desk.known = replace(
        world.desk.known,
        incidents={key: each for key, each in world.desk.known.incidents.items() if key != over.key},
    )
    world.desk.ended[over.key] = over
    assert said(await note(world, card)) == "Noted with 2 incidents."
    assert noted(world, check(1900)) == noted(world, check(1901)) == [WORDS]
    assert world.desk.ended[over.key].notes == ()


async def test_what_is_over_takes_one_as_well(world: World) -> None:
    card = await world.post(BAN)
    world.desk.known = replace(world.desk.known, incidents={})
    world.desk.ended[BAN.key] = OVER
    over = await world.shown(57)
    assert labels(over) == ["Note"]
    assert card.id == over.id
    await note(world, over)
    assert [each.words for each in world.desk.ended[BAN.key].notes] == [WORDS]
    assert world.desk.known.incidents == {}


async def test_what_ends_while_somebody_writes_takes_it_all_the_same(world: World) -> None:
    await world.post(BAN)
    menu = await picked(world, "banned/1901/")
    opened = await world.operator.click(menu, label="Note")
    world.desk.known = replace(world.desk.known, incidents={})
    world.desk.ended[BAN.key] = OVER
    await world.operator.submit_modal(opened, {"words": WORDS})
    assert [each.words for each in world.desk.ended[BAN.key].notes] == [WORDS]


async def test_a_form_that_is_open_over_a_restart_is_answered_like_any_other(world: World) -> None:
    opened = await form(world, await world.post(BAN))
    await world.restart(world.role)
    await world.operator.submit_modal(opened, {"words": WORDS})
    assert noted(world) == [WORDS]


async def test_of_two_forms_that_are_open_both_are_kept(world: World) -> None:
    card = await world.post(BAN)
    first, second = await form(world, card), await world.other.click(card, label="Note")
    await world.operator.submit_modal(first, {"words": "one"})
    await world.other.submit_modal(second, {"words": "two"})
    assert noted(world) == ["one", "two"]


async def test_what_is_sent_twice_is_kept_once(world: World) -> None:
    card = await world.post(BAN)
    first, second = await form(world, card), await form(world, card)
    await world.operator.submit_modal(first, {"words": WORDS})
    assert said(await world.operator.submit_modal(second, {"words": WORDS})) == "That is noted already."
    assert noted(world) == [WORDS]
    assert len(world.desk.trail) == 1


@pytest.mark.parametrize("words", [" ", "\n\n", "\u200b\u2800"])
async def test_a_note_without_words_is_refused(world: World, words: str) -> None:
    result = await note(world, await world.post(BAN), words)
    assert heard(result) == [EMPTY]
    assert noted(world) == []


async def test_what_cannot_be_kept_is_given_back(world: World) -> None:
    full = replace(BAN, notes=tuple(Note(NOON, 41, f"{each}") for each in range(MOST)))
    result = await note(world, await world.post(full), f"*{WORDS}* @everyone")
    assert heard(result) == [FULL, f"{GIVEN_BACK}\n> \\*{WORDS}\\* \\@everyone"]
    assert result.ephemeral
    assert len(noted(world)) == MOST


async def test_what_cannot_be_stored_is_given_back_whatever_its_length(world: World) -> None:
    opened = await form(world, await world.post(BAN))
    world.desk.broken = StoreUnavailableError("the disk is full", unwritable=True)
    written = ("*" * LONGEST)[:LONGEST]
    assert width(written) * 2 < SHOWN_BACK
    result = await world.operator.submit_modal(opened, {"words": written})
    assert heard(result) == [UNSAVED, f"{GIVEN_BACK}\n> " + r"\*" * LONGEST]


async def test_a_form_for_what_is_not_known_gives_back_what_was_written(world: World) -> None:
    await world.post(BAN)
    opened = await world.operator.click(await posted(world, "incident:note:99"), label="0")
    assert heard(await world.operator.submit_modal(opened, {"words": "x"})) == [UNKNOWN_MESSAGE, f"{GIVEN_BACK}\n> x"]
    copy = await world.operator.click(await posted(world, "incident:note:57"), label="0")
    first, second = heard(await world.operator.submit_modal(copy, {"words": "x"}))
    assert "It is here now" in first
    assert second == f"{GIVEN_BACK}\n> x"
    world.desk.messages[57] = replace(world.desk.messages[57], discord_id=None)
    again = await world.operator.click(await posted(world, "incident:note:57"), label="0")
    assert heard(await world.operator.submit_modal(again, {"words": "x"}))[0] == NOT_YET


async def test_of_a_list_only_what_is_open_can_be_picked(world: World) -> None:
    await world.post(BAN)
    menu = await picked(world, "banned/1901/")
    world.desk.known = replace(world.desk.known, incidents={})
    assert said(await world.operator.click(menu, label="Note")) == ALREADY_OVER


async def test_whoever_lost_the_role_while_writing_is_refused(world: World) -> None:
    opened = await form(world, await world.post(BAN))
    client = world.env.bot
    client.access = Access(GUILD, operator_role_id=1)  # type: ignore[attr-defined] # our client
    assert said(await world.operator.submit_modal(opened, {"words": WORDS})) == (
        "Only members with the operator role can use this bot."
    )
    assert noted(world) == []


async def test_a_test_page_takes_none(world: World) -> None:
    await world.desk.test(7, "")
    (test,) = world.desk.known.incidents.values()
    card = await world.post(test)
    assert labels(card) == ["Acknowledge"]
    assert alert(message(replace(test, stage=Stage.RESOLVED, resolved_at=NOON)), FLEET, Roles()).view is None
    forged = await posted(world, "incident:note:57")
    world.desk.messages[57] = replace(world.desk.messages[57], discord_id=forged.id)
    opened = await world.operator.click(forged, label="0")
    assert heard(await world.operator.submit_modal(opened, {"words": "x"})) == [TEST, f"{GIVEN_BACK}\n> x"]


def lines(*about: Incident, past: Past | None = None) -> str:
    """What the card of these says."""
    shown = replace(message(*about), past=past)
    return alert(shown, FLEET, Roles()).embeds[0].description or ""


def test_a_card_shows_the_last_notes_and_how_many_there_were_before() -> None:
    notes = tuple(Note(NOON + each * MINUTE, 41, f"number {each}") for each in range(5))
    found = [line for line in lines(replace(BAN, notes=notes)).splitlines() if line.startswith("📝")]
    assert found == [
        "📝 2 earlier notes",
        *(f"📝 <@41> <t:{(NOON + each * MINUTE).timestamp():.0f}:R>: “number {each}”" for each in (2, 3, 4)),
    ]


def test_a_note_that_several_of_a_summary_share_is_shown_once() -> None:
    several = [replace(check(number), notes=(SAID,)) for number in (1, 2, 3)]
    assert lines(*several).count(WORDS) == 1


def test_the_timeline_says_who_noted_something_until_it_was_over() -> None:
    after = Note(NOON + timedelta(hours=2), 42, "later")
    moments = (Moment(NOON, Happening.FIRED), Moment(NOON + timedelta(hours=1), Happening.RESOLVED))
    *_, last = lines(replace(OVER, moments=moments, notes=(SAID, after))).splitlines()
    assert last == ("since <t:1767268800:t> · noted by <@41> <t:1767268860:t> · resolved <t:1767272400:t> after 1 h")
    *_, last = lines(replace(BAN, moments=moments[:1], notes=(SAID,))).splitlines()
    assert last == "since <t:1767268800:t> · noted by <@41> <t:1767268860:t>"


def test_the_list_of_what_is_open_has_the_last_note() -> None:
    embed, _ = incident_list("x", [replace(BAN, notes=(replace(SAID, words="older"), SAID))], FLEET, 0)
    assert (embed.description or "").endswith(f"📝 <@41>: “{WORDS}”")


def test_the_card_of_a_token_has_the_last_note_of_each_that_is_open() -> None:
    (line,) = troubles_of_token([replace(BAN, notes=(SAID,))], FLEET, NOON, suppressed=lambda _: "", links={})
    assert line.endswith(f"📝 <@41>: “{WORDS}”")


def test_the_message_that_it_is_over_has_the_notes() -> None:
    notice = Notice(NoticeKind.RESOLVED, NOON, (BAN.key,))
    shown = alert(replace(message(replace(OVER, notes=(SAID,))), notice=notice), FLEET, Roles())
    assert f"📝 <@41> <t:1767268860:R>: “{WORDS}”" in shown.content
    assert shown.allowed_mentions.users is False


@pytest.mark.parametrize(
    ("past", "said_of_it"),
    [
        (None, ""),
        (
            Past(2, 40 * MINUTE, SAID, latest=True),
            f"🔁 3rd time in 30 days, mostly over in 40 min. Last time (<t:1767268860:R>): <@41>: “{WORDS}”",
        ),
        (Past(1, 40 * MINUTE), "🔁 2nd time in 30 days, the one before was over in 40 min."),
        (
            Past(11, 40 * MINUTE, SAID),
            f"🔁 12th time in 30 days, mostly over in 40 min. An earlier time (<t:1767268860:R>): <@41>: “{WORDS}”",
        ),
        (Past(0, None, SAID, latest=True), f"🔁 Last time (<t:1767268860:R>): <@41>: “{WORDS}”"),
        (Past(100, 5 * MINUTE, more=True), "🔁 More than 100 times in 30 days, mostly over in 5 min."),
        (Past(20, MINUTE), "🔁 21st time in 30 days, mostly over in 1 min."),
        (Past(22, MINUTE), "🔁 23rd time in 30 days, mostly over in 1 min."),
        (Past(110, MINUTE), "🔁 111th time in 30 days, mostly over in 1 min."),
    ],
)
def test_a_new_card_says_what_was_before(past: Past | None, said_of_it: str) -> None:
    assert happened(past) == said_of_it
    assert said_of_it in lines(BAN, past=past)
    assert "🔁" not in lines(OVER, past=past)


NOTES = st.lists(
    st.builds(
        Note,
        st.sampled_from([NOON + each * MINUTE for each in range(200)]),
        st.just(41),
        ANY_TEXT.map(lambda text: text[:LONGEST]) | st.just("*" * LONGEST),
    ),
    max_size=MOST,
).map(tuple)
PASTS = st.builds(
    Past,
    st.integers(0, 200),
    st.timedeltas(timedelta(), timedelta(days=90)),
    NOTES.map(lambda notes: next(iter(notes), None)),
)


@given(INCIDENTS, NOTES, PASTS)
def test_every_card_fits_and_is_harmless_whatever_people_note(
    fired: Incident, notes: tuple[Note, ...], past: Past
) -> None:
    about = replace(message(replace(fired, notes=notes)), past=past)
    assert_good(alert(about, FLEET, Roles(42)))


@given(st.lists(INCIDENTS, min_size=1, max_size=12), NOTES)
def test_every_summary_and_list_fits_and_is_harmless_whatever_people_note(
    fired: list[Incident], notes: tuple[Note, ...]
) -> None:
    about = [replace(each, notes=notes) for each in fired]
    assert_good(alert(replace(message(*about), summary=True), FLEET, Roles(42)))
    embed, _ = incident_list("x", about, FLEET, 0)
    assert_fits(embed)
    for text in texts(embed):
        assert_harmless(text)
    said_of_end = alert(replace(message(*about), notice=Notice(NoticeKind.RESOLVED, NOON)), fleet(token(1900)), Roles())
    assert width(said_of_end.content) <= 2000
