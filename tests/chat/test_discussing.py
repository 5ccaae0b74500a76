"""*Discuss* as people press it, and what is said in threads and to people."""

from datetime import timedelta

import discord
import pytest

from bot.chat.alerts import Roles, alert
from bot.chat.alerts.asides import aside, thread_name
from bot.domain.asides import Aside, Bundle, Place, What
from bot.domain.incidents import Happening, Incident, Key, Moment, Note, Rule
from bot.domain.model import Severity
from bot.domain.value import replace
from tests.chat.builders import NOON, fleet, incident, message, record, token
from tests.chat.conftest import GUILD, World
from tests.chat.test_commands import said

BAN = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED"))
OTHER = incident(Rule.BANNED, 1902, severity=Severity.CRITICAL, now=record(1902, "BANNED"))


async def posted(world: World, *incidents: Incident) -> discord.Message:
    """A card with its button."""
    return await world.post(*incidents, discussed=GUILD)


def shown(*incidents: Incident) -> dict[str, str]:
    """The buttons of a card by their label: a custom id, or a URL."""
    view = alert(message(*incidents), fleet(), Roles(), discussed=GUILD).view
    items = view.children if view else ()
    buttons = [each for each in items if isinstance(each, discord.ui.Button)]
    return {str(each.label): each.url or str(each.custom_id) for each in buttons}


async def test_discuss_opens_one_thread_whoever_presses_and_the_card_leads_to_it(world: World) -> None:
    card = await posted(world, BAN)
    for who in (world.operator, world.other):
        assert said(await who.click(card, label="Discuss")).startswith(f"Go on in <#{card.id}>.")
    assert [(each.id, each.name) for each in world.channel.threads] == [(card.id, "Token 1901 is BANNED")]
    assert world.desk.known.incidents[BAN.key].thread == card.id
    assert [(each.act, each.what) for each in world.desk.trail] == [("discuss", "banned 1901")]
    now = shown(world.desk.known.incidents[BAN.key])
    assert "Discuss" not in now
    assert now["Thread"] == f"https://discord.com/channels/{GUILD}/{card.id}"


async def test_a_summary_has_one_thread_for_all_that_it_shows(world: World) -> None:
    card = await posted(world, BAN, OTHER)
    await world.operator.click(card, label="Discuss")
    assert {each.thread for each in world.desk.known.incidents.values()} == {card.id}
    assert [each.name for each in world.channel.threads] == ["Token 1901 is BANNED and 1 more"]


async def test_only_operators_discuss(world: World) -> None:
    card = await posted(world, BAN)
    assert "operator role" in said(await world.guest.click(card, label="Discuss"))
    assert not world.channel.threads


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (50013, "Create Public Threads"),
        (160006, "as many open threads"),
        (10008, "This message is gone"),
        (0, "Something went wrong"),
    ],
)
async def test_what_keeps_a_thread_from_being_opened_is_said(world: World, code: int, words: str) -> None:
    card = await posted(world, BAN)
    world.env.inject_error("POST", "/channels/*/messages/*/threads", status=403, code=code)
    assert words in said(await world.operator.click(card, label="Discuss"))
    assert world.desk.known.incidents[BAN.key].thread is None


def test_where_no_thread_can_be_opened_there_is_no_button() -> None:
    assert "Discuss" not in {each.label for each in _buttons(discussed=None)}
    assert "Discuss" in {each.label for each in _buttons(discussed=GUILD)}
    test = incident(Rule.TEST, None)
    assert "Discuss" not in shown(test)


def _buttons(discussed: int | None) -> list[discord.ui.Button[discord.ui.View]]:
    view = alert(message(BAN), fleet(), Roles(), discussed=discussed).view
    return [each for each in (view.children if view else ()) if isinstance(each, discord.ui.Button)]


ANA, BEN = 7, 8


def words(*moments: Moment, place: Place = Place.THREAD, about: tuple[Incident, ...] = (BAN,), **more: object) -> str:
    """What is said of these, without the line of its mark."""
    keys = tuple(each.key for each in about)
    asides = (Aside(1, place, NOON, What.CHANGED, keys, moments, **more),)  # type: ignore[arg-type] # its fields
    text = aside(Bundle(5, "k3f9-a5", 1, place, asides, about), fleet()).content
    said, _, mark = text.rpartition("\n")
    assert mark == "-# ref k3f9-a5"
    return said


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (Moment(NOON, Happening.ACKNOWLEDGED, who=ANA), "✋ <@7> has it."),
        (Moment(NOON, Happening.ACKNOWLEDGED, by=ANA), "👐 Released by <@7>: nobody has it."),
        (Moment(NOON, Happening.ACKNOWLEDGED, who=BEN, by=ANA), "🤝 <@7> handed it to <@8>."),
        (Moment(NOON, Happening.RAISED, severity=Severity.CRITICAL), "🔺 Now critical."),
        (Moment(NOON, Happening.LOWERED, severity=Severity.INFO), "🔻 Down to info."),
        (Moment(NOON, Happening.SILENCED, who=ANA), "🔕 Silenced by <@7> until it is resolved."),
        (Moment(NOON, Happening.ACTED, who=ANA, act="switched off"), "🔧 Switched off by <@7>."),
        (Moment(NOON, Happening.ACTED, act="switched off"), "🔧 Switched off by the bot (runbook)."),
    ],
)
def test_what_happened_is_said_in_a_line(moment: Moment, said: str) -> None:
    assert words(moment) == said


def test_how_it_ended_is_said_as_its_card_has_it() -> None:
    over = incident(Rule.BANNED, 1900, severity=Severity.CRITICAL, now=record(1900), after=timedelta(minutes=12))
    assert words(Moment(NOON, Happening.RESOLVED), about=(over,)).startswith("✅ **Token 1900 is FAST again after")


def test_of_several_each_is_named_and_foreign_words_are_quoted() -> None:
    taken = Moment(NOON, Happening.ACKNOWLEDGED, who=ANA)
    assert words(taken, about=(BAN, OTHER)) == "✋ <@7> has it (tokens 1901 and 1902)."
    assert words(taken, place=Place.PERSON) == "✋ <@7> has it (token 1901)."
    short = tuple(incident(Rule.POOL, None, step=f"usable{of}") for of in (" of Studio", " of attic", ""))
    assert words(taken, about=short) == "✋ <@7> has it (Studio, attic and pool)."
    note = Note(NOON, BEN, "**see** @everyone")
    said = words(notes=(note,))
    assert said.startswith("📝 <@8>: ")
    assert r"\@everyone" in said
    assert words(about=(BAN, OTHER)).count("\n") == 0


def test_only_a_page_to_a_person_makes_a_sound() -> None:
    for place in Place:
        for what in What:
            bundle = Bundle(5, "k3f9-a5", 1, place, (Aside(1, place, NOON, what, (BAN.key,)),), (BAN,))
            assert aside(bundle, fleet()).silent is not (place is Place.PERSON and what is What.PAGE)


def test_a_thread_has_a_name_that_discord_takes() -> None:
    many = [replace(BAN, key=Key(Rule.BANNED, each)) for each in range(1000)]
    assert thread_name(many, fleet()).endswith("and 999 more")
    assert len(thread_name(many, fleet())) <= 100
    odd = replace(BAN, key=Key(Rule.UNKNOWN_STATUS, 1901), now=record(1901, "ODD_ONE"))
    assert "\\" not in thread_name([odd], fleet(token(1901, "ODD_ONE")))
