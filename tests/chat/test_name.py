"""`/name`: what people call tokens, and that it is said wherever a token is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import text
from bot.chat.alerts import Roles, alert
from bot.chat.cards import Overview, fleet_card, token_card
from bot.domain.groups import Group
from bot.domain.incidents import Rule
from bot.domain.labels import Name
from bot.domain.model import Severity
from bot.domain.steering import Entry
from bot.domain.value import replace
from tests.chat.builders import NOON, fleet, incident, message, token
from tests.chat.checks import assert_fits, assert_harmless
from tests.chat.conftest import World
from tests.chat.test_cards import ANY_TEXT
from tests.chat.test_commands import said

ANA = "ana's Pro"


async def called(world: World, label: str, number: int = 1900) -> str:
    return said(await world.operator.slash(world.channel, "name", token=number, label=label))


async def refused(world: World, label: str, number: int = 1900) -> str:
    """The sentence that says why not."""
    sentence = await called(world, label, number)
    assert world.env.errors  # simcord asks whether the test knows that the command was broken off
    return sentence


async def test_a_token_has_a_name_until_it_is_taken_away(world: World) -> None:
    assert await called(world, " ana's  Pro ") == "Named: ana's Pro (1900)."
    assert world.desk.known.names == {1900: ANA}
    assert "ana's Pro (1900)" in said(await world.operator.slash(world.channel, "token", id=1900))
    assert "**ana's Pro (1900)**" in said(await world.operator.slash(world.channel, "tokens"))
    assert "is called ana's Pro (1900) already" in await refused(world, ANA)
    assert "Named: Bo (1900); it was “ana" in await called(world, "Bo")
    gone = said(await world.operator.slash(world.channel, "name", token=1900))
    assert "has no name any more; it was “Bo”" in gone
    assert world.desk.known.names == {}
    assert [each.act for each in world.desk.trail] == ["name", "name", "name end"]
    assert world.desk.trail[0].what == "name of 1900: ana's Pro"


async def test_suggestions_find_a_token_by_its_name_and_show_it(world: World) -> None:
    await called(world, ANA, 1950)
    (choice,) = await world.operator.autocomplete(world.channel, "token", "id", "ana")
    assert choice["value"] == 1950
    assert "ana's Pro (1950)" in choice["name"]


@pytest.mark.parametrize(
    ("label", "number", "sentence"),
    [
        ("x" * 33, 1900, "at most 32"),
        ("a\u202eb", 1900, "signs that nobody sees"),
        ("1901", 1900, "id of a token"),
        ("1900-1906", 1900, "id of a token"),
        ("my token 1901", 1900, "id of a token"),
        ("BO", 1900, "Bo (1901) has that name already"),
        ("Cy", 42, "There is no token 42"),
        ("", 1900, "has no name, so nothing"),
    ],
)
async def test_what_cannot_be_a_name_is_refused_with_what_to_write(
    world: World, label: str, number: int, sentence: str
) -> None:
    await called(world, "Bo", 1901)
    assert sentence in await refused(world, label, number)
    assert world.desk.known.names == {1901: "Bo"}


async def test_several_tokens_can_be_named_by_their_names(world: World) -> None:
    await called(world, ANA, 1900)
    await called(world, "Bo", 1901)
    answer = said(await world.operator.slash(world.channel, "history", tokens="ana's pro, 1901"))
    assert "ana's Pro (1900)" in answer
    assert "Bo (1901)" in answer


async def test_a_number_in_a_name_is_no_token_in_the_audit_trail(world: World) -> None:
    for number, label in ((1900, "ana 1901"), (1901, "ben")):
        await world.desk.decide(Name(number, label, 1), "name", 1)
    group = Group("batch-2 1901", ((1, 5),))
    await world.desk.decide(group, "group set", 1)
    world.desk.trail.extend(
        Entry(NOON, 1, "silence add", what)
        for what in ("all alerts of batch-2 1901", "all alerts of token 1900", "banned 1900", "banned, check 1901")
    )
    audit = said(await world.operator.slash(world.channel, "admin audit")).replace("\\", "")
    assert "batch-2 1901: 1\u20135" in audit
    assert "all alerts of batch-2 1901\n" in audit
    assert "all alerts of ana 1901 (1900)\n" in audit
    assert "banned ana 1901 (1900)\n" in audit
    assert "banned, check ben (1901)" in audit


async def test_silences_and_the_audit_trail_say_the_name(world: World) -> None:
    await called(world, ANA)
    begun = said(await world.operator.slash(world.channel, "silence add", token=1900, length="4h"))
    assert "all alerts of ana's Pro (1900)" in begun
    assert "All alerts of ana's Pro (1900)" in said(await world.operator.slash(world.channel, "silence list"))
    world.desk.trail.append(Entry(NOON, 7, "acknowledge", "banned 1900, 1901"))
    audit = said(await world.operator.slash(world.channel, "admin audit"))
    assert "banned ana's Pro (1900)" in audit
    assert "name of 1900: ana" in audit.replace("\\", "")


def test_the_first_line_of_an_alert_has_the_name() -> None:
    known = replace(fleet(token(1900, "BANNED")), names={1900: ANA})
    shown = alert(message(incident(Rule.BANNED, severity=Severity.CRITICAL)), known, Roles())
    assert shown.content.startswith("**🔴 ana's Pro (1900) is BANNED")


@given(ANY_TEXT, st.lists(st.integers(1, 99), min_size=1, max_size=40, unique=True))
def test_whatever_tokens_are_called_cards_fit_and_nothing_works_in_them(label: str, ids: list[int]) -> None:
    known = replace(fleet(*(token(each, "RELAX") for each in ids)), names=dict.fromkeys(ids, label))
    view = Overview(known, NOON)
    for embed in (token_card(known.tokens[ids[0]], view), fleet_card(view, 0, None)[0]):
        assert_fits(embed)
        assert_harmless(f"{embed.title}{embed.description}")


@given(ANY_TEXT)
def test_a_name_is_harmless_in_a_sentence(label: str) -> None:
    sentence = text.by_name("the check of tokens 1, 2 and 3; token 4", {2: label, 4: label})
    assert_harmless(sentence)
    assert sentence.startswith("the check of tokens 1, ")


def test_a_sentence_about_one_token_says_its_name_instead() -> None:
    names = {1900: ANA}
    assert text.by_name("all alerts of token 1900", names) == "all alerts of ana's Pro (1900)"
    assert text.by_name("tokens 1900 and 1901", names) == "tokens ana's Pro (1900) and 1901"
    assert text.by_name("token 19000", names) == "token 19000"
    assert Name(1900, ANA, 7).id == "name-1900"
