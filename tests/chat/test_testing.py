"""`/admin test`: what is said of a test to whoever asks, in the channel, and to whoever answers."""

from collections.abc import Collection
from datetime import timedelta

import discord
import pytest

from bot.chat.alerts import Roles, alert
from bot.domain.incidents import TEST, Key, Rule
from bot.domain.messages import Message, NoticeKind
from bot.domain.model import Severity
from bot.domain.rules.policy import Policy
from bot.domain.steering import TEST_LASTS, Scope, Silence, Window
from bot.domain.value import replace
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.response import acknowledge
from bot.domain.watch.schedule import tick
from bot.domain.watch.testing import begin
from tests.chat.builders import NOON, fleet, incident, record, token
from tests.chat.checks import texts
from tests.chat.conftest import World
from tests.chat.test_commands import buttons, said
from tests.chat.test_steering import use

ANA = 41
ON_CALL, LEADS = 8, 9
BOTH = Roles(ON_CALL, LEADS)
BAN = incident(Rule.BANNED, 1901, severity=Severity.CRITICAL, now=record(1901, "BANNED"))
FLEET = fleet(token(1900), token(1901, "BANNED"))


def shown(changes: Changes, roles: Roles = BOTH) -> list[str]:
    """The test's card, line by line."""
    tests = tuple(each for each in changes.incidents if each.key == TEST)
    return lines(Message(57, "k3f9-57", tests, 1), roles)


def lines(message: Message, roles: Roles = BOTH) -> list[str]:
    """A message, line by line."""
    now = alert(message, FLEET, roles)
    return [now.content, *(now.embeds[0].description or "").splitlines()] if now.embeds else now.content.splitlines()


def asked(trouble: str = "") -> tuple[Changes, Known]:
    return begin(Known(FLEET), ANA, NOON, trouble)


def test_the_push_on_a_phone_says_that_it_is_a_test_and_calls_whom_a_page_calls() -> None:
    changes, _ = asked()
    card = alert(Message(57, "k3f9-57", changes.incidents, 1), FLEET, BOTH, "https://x.example/{rule}")
    assert card.content == f"<@&{ON_CALL}> **🧪 Test page: acknowledge it within 5 min**"
    assert dict(card.allowed_mentions.to_dict()) == {"parse": [], "roles": [ON_CALL]}
    assert not card.silent
    assert card.view is not None
    assert [getattr(each, "label", "") for each in card.view.children] == ["Acknowledge"]
    assert "tokens work" not in str(texts(card.embeds[0])), "it is about no token"


def test_a_test_that_was_answered_says_by_whom_and_after_how_long() -> None:
    _, known = asked()
    changes, _ = acknowledge(known, [TEST], 7, NOON + timedelta(seconds=42))
    first, *rest = shown(changes)
    assert first == "**✅ Test: <@7> answered after 42 s**"
    noon = int(NOON.timestamp())
    then = f"<t:{noon + 42}:t>"
    assert rest[-1] == f"asked for by <@41> <t:{noon}:t> · acknowledged by <@7> {then} · resolved {then} after 42 s"
    (notice,) = changes.notices
    (said_of, *_) = lines(Message(58, "m", changes.incidents, 1, notice=notice))
    assert said_of == "✅ **Test: <@7> answered after 42 s**"


def over(trouble: str = "", undelivered: Collection[Key] = ()) -> list[str]:
    """The card of one whose time is over."""
    _, known = asked(trouble)
    return shown(tick(known, NOON + TEST_LASTS, Policy(), undelivered)[0])


def test_a_test_that_nobody_answered_says_what_to_look_at() -> None:
    first, *rest = over()
    assert first == "**❌ Test: nobody answered within 5 min**"
    for word in ("Do Not Disturb", "notifications", "role", "computer", "docs/phone.md"):
        assert word in rest[0]


def test_a_test_that_could_not_be_posted_in_time_blames_nobody() -> None:
    first, *rest = over(undelivered={TEST})
    assert first == "**❌ Test: it could not be posted within 5 min**"
    assert "Do Not Disturb" not in "".join(rest)
    assert "log" in rest[0]


def test_at_half_time_it_calls_the_second_line_as_well() -> None:
    _, known = asked()
    changes, _ = tick(known, NOON + TEST_LASTS / 2, Policy())
    (notice,) = changes.notices
    assert notice.kind is NoticeKind.REMINDER
    reminder = Message(58, "m", changes.incidents, 1, notice=notice, reply_to=4)
    first, *_ = lines(reminder)
    assert first == f"<@&{ON_CALL}> <@&{LEADS}> 🧪 **Test page: still not acknowledged**"
    answered, _ = acknowledge(known, [TEST], 7, NOON + TEST_LASTS / 2)
    late = replace(reminder, incidents=answered.incidents)
    assert lines(late)[0].startswith("✅ **Resolved in the meantime: Test: <@7>")


@pytest.mark.parametrize("roles", [Roles(), Roles(ON_CALL)])
def test_why_it_mentions_nobody_is_on_its_card_from_first_to_last(roles: Roles) -> None:
    trouble = "ALERT_ROLE_ID: the bot may not mention @on_call\nESCALATION_ROLE_ID: no such role"
    changes, _ = asked(trouble)
    assert r"**ALERT\_ROLE\_ID\: the bot may not mention \@on\_call.**" in "\n".join(shown(changes, roles))
    assert r"**ESCALATION\_ROLE\_ID\: no such role.**" in "\n".join(over(trouble))


# By command.


async def asks(world: World) -> str:
    """Somebody asks for a test; returns the answer, which only they see."""
    return said(await use(world, "admin test")).strip()


async def test_asked_for_it_says_where_and_how_long_and_whoever_presses_ends_it(world: World) -> None:
    world.roles = Roles(world.role)
    await world.restart(world.role)
    assert await asks(world) == (
        f"A test page is on its way to <#{world.channel.id}>. Whoever is on call has 5 min to acknowledge it; its "
        "message says who did, and how soon."
    )
    card = await world.post(world.desk.known.incidents[TEST])
    assert card.content == f"<@&{world.role}> **🧪 Test page: acknowledge it within 5 min**"
    world.desk.now += timedelta(seconds=42)
    pressed = await world.other.click(card, label="Acknowledge")
    assert said(pressed) == "The page reached you: you answered after 42 s. It was a test, and is over."
    assert pressed.ephemeral
    assert said(await world.operator.click(card, label="Acknowledge")) == "It is over already."
    assert (await world.shown(57)).content == f"**✅ Test: <@{world.other.id}> answered after 42 s**"
    trail = said(await use(world, "admin audit"))
    assert f"<@{world.other.id}> **acknowledge** test" in trail
    assert f"<@{world.operator.id}> **test** a page to whoever is on call" in trail


async def test_asked_for_twice_the_second_is_told_who_asked_and_where_it_is(world: World) -> None:
    world.desk.fire(BAN)
    await asks(world)
    card = await world.post(world.desk.known.incidents[TEST])
    began = int(world.desk.now.timestamp())
    world.desk.now += timedelta(minutes=1)
    again = said(await world.other.slash(world.channel, "admin test")).strip()
    link = f"https://discord.com/channels/500/{world.channel.id}/{card.id}"
    asked_for = f"asked for by <@{world.operator.id}> <t:{began}:R>"
    assert again == f"A test is open already, {asked_for}: {link}. It ends at <t:{began + 300}:t>."
    assert len([each for each in world.desk.trail if each.act == "test"]) == 1


async def test_it_is_among_what_is_open_and_can_be_answered_there_and_nothing_else(world: World) -> None:
    world.desk.fire(BAN)
    await asks(world)
    listed = await use(world, "incidents")
    assert said(listed).splitlines()[1] == "2 incidents are open"
    assert "🧪 **Test page: acknowledge it within 5 min** · since <t:" in said(listed)
    assert said(listed).index("1901 is BANNED") < said(listed).index("Test page")
    assert listed.response is not None
    picked = await world.operator.select(listed.response.message, ["test//"])
    assert [each.split(":")[2] for each in buttons(picked) if "do-" in each] == ["do-ack"]
    answered = await world.operator.click(picked.response.message, label="Acknowledge")  # type: ignore[union-attr]
    assert "The page reached you" in said(answered)
    assert TEST not in world.desk.known.incidents


async def test_no_total_of_what_is_wrong_has_it(world: World) -> None:
    before = said(await use(world, "tokens"))
    await asks(world)
    assert said(await use(world, "tokens")) == before


async def test_without_a_role_the_asker_hears_that_critical_alerts_mention_nobody(world: World) -> None:
    first, second = (await asks(world)).splitlines()
    assert first.startswith("A test page is on its way to <#")
    assert second == r"⚠️ **Critical alerts mention nobody\: set ALERT\_ROLE\_ID to the role of those on call.**"
    assert world.desk.known.incidents[TEST].detail.startswith("Critical alerts mention nobody: set ALERT_ROLE_ID")


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        (False, "the bot may not mention @on call: in that role's settings allow anyone"),
        (True, "has no role 7, so nobody"),
    ],
)
async def test_a_role_that_is_gone_or_may_not_be_mentioned_is_said_with_what_to_allow(
    world: World, *, gone: bool, sentence: str
) -> None:
    guild = world.operator.guild
    assert world.env.bot.user is not None
    nobody = discord.PermissionOverwrite(mention_everyone=False)
    world.channel = guild.create_text_channel("calm", overwrites={world.env.bot.user: nobody})
    world.roles = Roles(7 if gone else guild.create_role("on call").id)
    await world.restart(world.role)
    assert sentence in (await asks(world)).replace("\\", "")
    assert sentence in world.desk.known.incidents[TEST].detail


async def test_that_nothing_may_be_posted_is_said_at_once_and_not_by_a_page_that_never_comes(world: World) -> None:
    guild = world.operator.guild
    assert world.env.bot.user is not None
    silent = discord.PermissionOverwrite(send_messages=False)
    world.channel = guild.create_text_channel("calm", overwrites={world.env.bot.user: silent})
    world.roles = Roles(guild.create_role("on call", mentionable=True).id)
    await world.restart(world.role)
    first, second = (await asks(world)).replace("\\", "").splitlines()
    assert first.startswith("A test page is on its way")
    assert second.startswith("⚠️ **the bot may not Send Messages in #calm: allow it in that channel")
    assert not world.desk.known.incidents[TEST].detail, "its card says whom it mentions"


async def test_a_role_that_may_be_mentioned_is_no_trouble(world: World) -> None:
    world.roles = Roles(world.operator.guild.create_role("on call", mentionable=True).id)
    await world.restart(world.role)
    assert len((await asks(world)).splitlines()) == 1
    assert not world.desk.known.incidents[TEST].detail


@pytest.mark.parametrize(
    "quiet",
    [
        Silence("s1", Scope(), NOON, None, 7),
        Window("w1", NOON, timedelta(hours=1), weekly=False, zone="UTC", by=7),
    ],
)
async def test_it_sounds_while_all_is_silenced_and_says_that_a_page_would_not(
    world: World, quiet: Silence | Window
) -> None:
    world.desk.fire(BAN)
    await world.desk.decide(quiet, "by command", 7)
    assert "🔕 All alerts are kept quiet now. A test sounds all the same; a real page would not." in await asks(world)
    assert "kept quiet" not in said(await use(world, "incidents")).splitlines()[-1]


async def test_a_silence_of_one_token_is_no_word_worth(world: World) -> None:
    await world.desk.decide(Silence("s1", Scope(token=1901), NOON, NOON + timedelta(hours=9), 7), "by command", 7)
    assert "kept quiet" not in await asks(world)
