"""Groups of tokens in chat: how they are made, what takes one, and what each wrong use is answered with."""

from datetime import timedelta
from typing import Any

import pytest

from bot.chat.buttons.silence import begin, silence_of
from bot.chat.client import ChatClient
from bot.chat.commands import grouping
from bot.domain.groups import MOST, Group
from bot.domain.incidents import ANYBODY, Key, Rule
from bot.domain.model import Severity
from bot.domain.naming import name_of
from bot.domain.steering import Scope, Setting
from bot.domain.value import replace
from bot.domain.wishes import Wish
from tests.chat.builders import fleet, incident, record, token
from tests.chat.conftest import World
from tests.chat.test_commands import said
from tests.chat.test_steering import refusal, use

BAN = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED"))
SLOW = incident(Rule.DEGRADED, 1950, now=record(1950, "RELAX"), was=record(1950))
STUDIO = Group("Studio", ((1900, 1902),), 7)


async def make(world: World, name: str = "Studio", tokens: str = "1900-1902") -> str:
    """An operator makes a group."""
    return said(await use(world, "group set", name=name, tokens=tokens)).strip()


async def test_a_group_is_made_and_changed_and_the_trail_says_by_whom(world: World) -> None:
    assert await make(world, tokens="1900 1901") == "Set. **Studio**: 1900\u20131901 · 2 tokens."
    assert await make(world, "studio ", "1950, 1900\u20141905") == (
        "Changed: it was 1900\u20131901. **Studio**: 1900\u20131905, 1950 · 7 tokens; "
        "4 of 7 are not in ImaginePro's list."
    )
    assert await make(world, "STUDIO", "1950,1900-1905") == "**Studio** is 1900\u20131905, 1950 already."
    (group,) = world.desk.known.decisions.groups.values()
    assert (group.name, group.by) == ("Studio", world.operator.id)
    assert [(each.act, each.what) for each in world.desk.trail] == [
        ("group set", "Studio: 1900\u20131901"),
        ("group set", "Studio: 1900\u20131905, 1950"),
    ]


@pytest.mark.parametrize(
    ("tokens", "words"),
    [
        ("7", "1 token, which is not in ImaginePro's list"),
        ("7-9", "3 tokens, none of which is in ImaginePro's list"),
        ("1901-1902", "2 tokens; 1 of 2 is not in ImaginePro's list"),
    ],
)
async def test_tokens_that_are_not_listed_may_be_in_a_group_and_that_is_said(
    world: World, tokens: str, words: str
) -> None:
    assert words in await make(world, tokens=tokens)


async def test_a_name_of_blanks_is_asked_for(world: World) -> None:
    assert await refusal(world, "tokens", group=" ") == (
        "Write the name of a group. `/group list` shows those that there are."
    )


async def test_tokens_of_a_group_may_be_written_by_their_names(world: World) -> None:
    await use(world, "name", token=1901, label="ana's Pro")
    assert "**Studio**: 1900\u20131901 · 2 tokens." in said(
        await use(world, "group set", name="Studio", tokens="1900, ana's pro")
    )


@pytest.mark.parametrize(
    ("name", "tokens", "words"),
    [
        ("Studio", "many", "That is not only tokens. Write which tokens: ids and ranges, such as 1900-1906, 1911."),
        ("Studio", "1906-1900", "goes backwards: write 1900-1906."),
        ("Studio", "9" * 600, "too long"),
        ("Studio", " ", "Write which tokens"),
        ("1900", "1900", "reads like a token"),
        ("None", "1900", "A group cannot be called None: that is how people say that they want none."),
        ("<@&1>", "1900", "letters, digits, blanks and hyphens"),
        ("x" * 40, "1900", "too long"),
    ],
)
async def test_what_is_no_group_is_answered_with_how_to_mend_it(
    world: World, name: str, tokens: str, words: str
) -> None:
    text = await refusal(world, "group set", name=name, tokens=tokens)
    assert words in text
    assert text.endswith("Nothing was set.")


async def test_there_are_no_more_groups_than_can_be_suggested(world: World) -> None:
    for number in range(MOST):
        await world.desk.decide(Group(f"group {number}", ((number, number),)), "group set", 7)
    assert "There are 25 groups already" in await refusal(world, "group set", name="one more", tokens="1")
    await make(world, "group 3", "4")


async def test_two_who_make_the_same_group_at_once_make_one(world: World) -> None:
    await make(world)
    await world.other.slash(world.channel, "group set", name="studio", tokens="1900-1902")
    assert len(world.desk.known.decisions.groups) == 1
    assert len(world.desk.trail) == 1


async def test_groups_are_listed_with_what_is_about_them_and_suggested(world: World) -> None:
    empty = said(await use(world, "group list"))
    assert "There is no group" in empty
    assert "`/group set name:studio tokens:1900-1906, 1911` makes one." in empty
    await make(world)
    await make(world, "night", "1950")
    await use(world, "silence add", group="studio", length="4h")
    await use(world, "rules set", group="Studio", rule="banned", enabled=False)
    text = said(await use(world, "group list"))
    (silence,) = world.desk.known.decisions.silences
    assert text.index("**night**") < text.index("**Studio**: 1900\u20131902 · 3 tokens; 1 of 3 is not in")
    assert f"↳ the silence of all alerts of Studio (`/silence end`, {silence})" in text
    assert "↳ the rule banned (`/rules reset`)" in text
    choices = await world.operator.autocomplete(world.channel, "tokens", "group", "STU")
    assert choices == [{"name": "Studio: 1900\u20131902", "value": "Studio"}]


async def test_a_group_that_something_is_about_cannot_be_removed_before_that_ends(world: World) -> None:
    await make(world)
    await use(world, "rules set", group="studio", rule="pool", threshold="1")
    kept = await refusal(world, "group remove", name="studio")
    assert kept == "**Studio** is still used, so it stays: the rule pool (`/rules reset`). End that first."
    await use(world, "rules reset", group="studio", rule="pool")
    removed = said(await use(world, "group remove", name="STUDIO")).strip()
    assert removed == "Removed: **Studio**, which was 1900\u20131902. Its tokens stay as they are."
    assert world.desk.trail[-1].act == "group remove"
    assert "There is no group “Studio”. `/group list` shows" in await refusal(world, "group remove", name="Studio")


async def test_who_gets_direct_messages_about_a_group_is_named_and_does_not_keep_it(world: World) -> None:
    """Only they can end these, and whoever removes the group may be somebody else."""
    await make(world)
    await world.desk.decide(Wish(world.guest.id, world.desk.now, group="studio"), "notify me", world.guest.id)
    assert f"↳ direct messages to <@{world.guest.id}>" in said(await use(world, "group list"))
    removed = said(await use(world, "group remove", name="studio"))
    assert f"No direct messages about it any more: <@{world.guest.id}>." in removed


async def test_a_group_that_went_between_two_people_is_not_removed_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever comes second hears that it is gone."""

    def named(*_: object) -> Group:
        return STUDIO

    monkeypatch.setattr(grouping, "group_named", named)
    assert "There is no group “Studio” any more" in await refusal(world, "group remove", name="Studio")


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("tokens", {}),
        ("silence add", {"length": "4h"}),
        ("rules list", {}),
        ("rules set", {"rule": "banned", "enabled": False}),
        ("rules try", {"rule": "banned", "enabled": False}),
        ("rules reset", {"rule": "banned"}),
    ],
)
async def test_a_group_that_is_not_there_is_answered_with_where_they_are(
    world: World, command: str, options: dict[str, Any]
) -> None:
    text = await refusal(world, command, group="*nobody*", **options)
    assert text == "There is no group “\\*nobody\\*”. `/group list` shows those that there are."


# Lists.


async def test_the_tokens_of_a_group_are_shown_alone(world: World) -> None:
    await make(world)
    world.desk.fire(BAN, SLOW)
    text = said(await use(world, "tokens", group="studio"))
    assert "Studio: 1 of 2 tokens works" in text
    assert "**BANNED**: token 1901" in text
    assert "1 of 3 is not in ImaginePro's list." in text
    assert "1950" not in text


async def test_a_page_of_a_group_is_turned_and_stays_of_the_group(world: World) -> None:
    world.desk.fleet = fleet(*(token(each) for each in range(1900, 1940)))
    await make(world, tokens="1900-1919")
    shown = await use(world, "tokens", group="studio", status="FAST")
    assert shown.response is not None
    turned = await world.operator.click(shown.response, label="More ▶")
    assert "page 2 of 2" in said(turned)
    assert "Studio: 20 tokens work" in said(turned)
    await use(world, "group remove", name="studio")
    gone = await world.operator.click(shown.response, label="◀ Back")
    assert "There is no group Studio any more. `/tokens` shows all tokens." in said(gone)


async def test_a_group_of_which_nothing_is_listed_shows_that(world: World) -> None:
    await make(world, tokens="7-9")
    text = said(await use(world, "tokens", group="studio"))
    assert "Studio: No token is listed" in text
    assert "3 of 3 are not in ImaginePro's list." in text


# Silences.


async def test_a_group_is_silenced_and_the_silence_says_so(world: World) -> None:
    await make(world)
    world.desk.fire(BAN, SLOW)
    text = said(await use(world, "silence add", group="studio", length="4h"))
    assert text.strip().startswith("Silenced: all alerts of Studio, until <t:")
    (silence,) = world.desk.known.decisions.silences.values()
    assert silence.scope == Scope(group=Group("Studio", ((1900, 1902),), world.operator.id))
    assert "**All alerts of Studio** until" in said(await use(world, "silence list"))
    again = said(await use(world, "silence add", token=1901, length="1h"))
    assert "has silenced all alerts of Studio already" in again


async def test_a_rule_of_a_group_is_silenced_until_it_is_resolved(world: World) -> None:
    await make(world)
    world.desk.fire(BAN, SLOW)
    await use(world, "silence add", group="studio", rule="banned", length="until resolved")
    (silence,) = world.desk.known.decisions.silences.values()
    assert [each.key for each in silence.covered] == [BAN.key]
    assert name_of(silence) == "the ban of token 1901"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"group": "studio", "token": 1900, "length": "4h"}, "Name a token or a group, not both."),
        ({"group": "studio"}, "Say for how long"),
        ({"group": "studio", "rule": "upstream_down", "length": "4h"}, "leave the group out"),
        ({"group": "studio", "length": "until resolved"}, "Nothing of that is open"),
        ({"group": "studio", "length": "until the refill"}, "When that is refilled is not known"),
    ],
)
async def test_a_silence_of_a_group_that_cannot_be_is_answered_with_how_to_mend_it(
    world: World, options: dict[str, Any], words: str
) -> None:
    await make(world)
    world.desk.fire(SLOW)
    assert words in await refusal(world, "silence add", **options)


async def test_a_group_that_was_removed_before_its_silence_began_is_not_silenced(world: World) -> None:
    """Somebody else was quicker, while Discord or the database let this one wait."""
    silence = silence_of(world.desk, Scope(group=STUDIO), None, 7)
    client = world.env.bot
    assert isinstance(client, ChatClient)
    assert await begin(client, silence) == "That group was removed just now, so nothing was silenced."
    assert not world.desk.known.decisions.silences


async def test_a_silence_begins_of_the_group_as_it_is_by_then(world: World) -> None:
    await make(world, tokens="1950")
    client = world.env.bot
    assert isinstance(client, ChatClient)
    await begin(client, silence_of(world.desk, Scope(group=STUDIO), world.desk.now + timedelta(hours=4), 7))
    (kept,) = world.desk.known.decisions.silences.values()
    assert kept.scope.group == Group("Studio", ((1950, 1950),), world.operator.id)


# Rules.


async def test_a_rule_is_set_for_a_group_and_the_answer_is_what_holds_now(world: World) -> None:
    await make(world)
    text = said(await use(world, "rules set", group="studio", rule="fast_time_low", threshold="10%")).strip()
    assert text == "Set. **fast time low** of Studio: warning · under 10 % · set in chat"
    assert world.desk.policy.threshold(Rule.FAST_TIME_LOW, 1900) == "10%"
    assert world.desk.policy.threshold(Rule.FAST_TIME_LOW, 1950) == ""
    listed = said(await use(world, "rules list"))
    assert "↳ **fast time low** of Studio: warning · under 10 % · set in chat" in listed
    assert "A token's own setting wins over a group's, and that over the fleet's." in listed
    assert "**fast time low** of token 1900: warning · under 10 % · set in chat for Studio" in said(
        await use(world, "rules list", token=1900)
    )
    of_group = said(await use(world, "rules list", group="studio"))
    assert "How the rules are set for Studio" in of_group
    assert "**fast time low** of Studio: warning · under 10 %" in of_group
    assert "**pool**" not in of_group


async def test_of_two_groups_that_set_a_rule_the_answer_says_which_wins(world: World) -> None:
    await make(world)
    await make(world, "pair", "1902-1903")
    await make(world, "apart", "1950")
    await use(world, "rules set", group="studio", rule="banned", severity="info")
    await use(world, "rules set", group="apart", rule="banned", severity="info")
    text = said(await use(world, "rules set", group="pair", rule="banned", severity="warning"))
    assert "Studio sets this rule too. For tokens in both, pair wins: it has fewer tokens" in text
    assert "apart sets" not in text
    assert world.desk.policy.row(Rule.BANNED, 1902).chosen is Severity.WARNING


async def test_what_a_group_must_have_is_set_as_the_pool_is(world: World) -> None:
    await make(world)
    text = said(await use(world, "rules set", group="studio", rule="pool", threshold="2,10h")).strip()
    assert "**pool** of Studio: critical · fewer than 2 tokens work or the tokens that work have less than 10 h" in text
    assert "**pool** of Studio" in said(await use(world, "rules list", group="studio"))
    reset = said(await use(world, "rules reset", group="studio", rule="pool")).strip()
    assert reset == "Set back. The group has no level of its own any more."
    assert "Nothing was set there." in await refusal(world, "rules reset", group="studio", rule="pool")


@pytest.mark.parametrize(
    ("command", "options", "words"),
    [
        ("rules set", {"rule": "banned", "token": 1900, "enabled": False}, "Name a token or a group, not both."),
        ("rules set", {"rule": "upstream_down", "enabled": False}, "leave out the group"),
        ("rules set", {"rule": "pool", "threshold": "5"}, "only 2 tokens of Studio are linked"),
        ("rules set", {"rule": "banned"}, "Say what to set"),
        ("rules list", {"token": 1900}, "Name a token or a group, not both."),
        ("rules reset", {"rule": "banned", "token": 1900}, "Name a token or a group, not both."),
    ],
)
async def test_a_rule_of_a_group_that_cannot_be_is_answered_with_how_to_mend_it(
    world: World, command: str, options: dict[str, Any], words: str
) -> None:
    await make(world)
    assert words in await refusal(world, command, group="studio", **options)


async def test_a_change_for_a_group_is_tried_on_its_tokens(world: World) -> None:
    """Of which nothing is kept here."""
    await make(world)
    text = await refusal(world, "rules try", group="studio", rule="pool", threshold="2")
    assert text == "Nothing is kept of that yet."


async def test_a_setting_moves_with_its_group(world: World) -> None:
    await make(world)
    await use(world, "rules set", group="studio", rule="banned", enabled=False)
    text = await make(world, tokens="1950")
    assert text.endswith("What is about it has moved with it: the rule banned (`/rules reset`).")
    assert not world.desk.policy.row(Rule.BANNED, 1950).enabled
    assert world.desk.policy.row(Rule.BANNED, 1900).enabled
    (setting,) = world.desk.known.decisions.settings.values()
    assert isinstance(setting, Setting)


async def test_an_incident_of_a_group_says_which(world: World) -> None:
    await make(world)
    key = Key(Rule.POOL, step=ANYBODY).of_group("Studio")
    short = incident(Rule.POOL, None, severity=Severity.CRITICAL, step=key.step, detail="1 of 2, 2")
    fleets = incident(Rule.POOL, None, severity=Severity.CRITICAL, step=ANYBODY, detail="1 of 3, 2")
    world.desk.fire(replace(short, about=(1901,)), fleets, BAN)
    text = said(await use(world, "tokens", group="studio"))
    assert "Studio: only 1 of 2 tokens works (you want 2)" in text
    assert "1 of 3 tokens" not in text
    assert "Studio: only 1 of 2 tokens works (you want 2)" in said(await use(world, "incidents"))
