"""A forum as the ops channel, at the wire: posts, their tags, and whether they are closed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from discord.http import Route

from bot.chat.alerts import Roles, alert, unsaved
from bot.chat.attempt import one_try
from bot.chat.channel import OpsChannel
from bot.chat.client import ChatClient
from bot.chat.forum.titles import title
from bot.delivery.outcome import (
    BlockedError,
    LaterError,
    Posted,
    RefusedError,
    UncertainError,
    UnfinishedError,
    VanishedError,
)
from bot.domain.incidents import Happening, Moment, Rule, Stage
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Fleet, Severity
from bot.domain.rota import Handover
from bot.domain.value import replace
from bot.saving import Trouble
from bot.storage.store import Card
from tests.chat.builders import incident
from tests.chat.conftest import FakeDesk
from tests.chat.test_channel import POSTED
from tests.domain.fleets import START, record
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module
from tests.wire.discord import Discord
from tests.wire.faults import HANG, Fault, error
from tests.wire.forum import PINNED, Post
from tests.wire.world import FORUM, OPERATOR, REQUIRE_TAG, Channel, Guild, Tag

ROOM = 1_100_000_000_000_000_777
NAMES = ("🔴 Critical!", "Warning", "info", "firing", "Acknowledged", "Silenced", "✅ resolved", "customer")
TAGS = tuple(Tag(number, name) for number, name in enumerate(NAMES, 501))
CUSTOMER = TAGS[-1].id
POSTS = f"/channels/{ROOM}/threads"
CHANGES = "/channels/*"

TROUBLE = Trouble("abcd-s1-1", "disk full", START)

(FIRING,) = POSTED.incidents
TAKEN = replace(FIRING, acknowledged=Moment(START, Happening.ACKNOWLEDGED, who=OPERATOR.id))
OVER = replace(FIRING, stage=Stage.RESOLVED, resolved_at=START, now=record())


@dataclass
class Rows:
    """What is stored of the posts."""

    cards: dict[int, Card] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)
    open: set[int] = field(default_factory=set)

    async def posted_since(self, discord_id: int) -> frozenset[int]:
        """Those that are known."""
        return frozenset(each for each in self.known if each >= discord_id)

    async def card_at(self, discord_id: int) -> Card | None:
        """The card there."""
        return self.cards.get(discord_id)

    async def open_posts(self) -> frozenset[int]:
        """Those of what is open."""
        return frozenset(self.open)


@dataclass
class Line:
    """The forum as the bot has it, and Discord at the other end."""

    channel: OpsChannel
    fake: Discord
    rows: Rows

    @property
    def posts(self) -> list[Post]:
        """What is in the forum, oldest first."""
        return self.fake.forums.of(ROOM)

    def tags(self, number: int = 0) -> list[str]:
        """What the tags of a post are called."""
        return self.fake.forums.tags(self.posts[number])

    async def posted(self, *incidents: object, **more: object) -> Message:
        """A card that is a post."""
        message = replace(POSTED, **{"incidents": incidents or (FIRING,)} | more)  # type: ignore[arg-type]
        return replace(message, discord_id=(await self.channel.post(message)).id)


@asynccontextmanager
async def a_forum(
    monkeypatch: pytest.MonkeyPatch, tags: Sequence[Tag] = TAGS, flags: int = 0, *, rows: bool = True
) -> AsyncIterator[Line]:
    """A bot at a forum with these tags."""
    async with Discord(
        Guild(channels=[Channel(ROOM, "ops", FORUM, tags=tags, flags=flags)]), rate=None
    ).serving() as fake:
        fake.channel_id = ROOM
        monkeypatch.setattr(Route, "BASE", fake.api_base)
        async with ChatClient(FakeDesk(), guild_id=fake.guild_id, channel_id=ROOM, http_trace=one_try()) as client:
            await client.login(fake.token)
            logged_in = asyncio.Event()
            logged_in.set()
            stored = Rows()
            channel = OpsChannel(
                client,
                logged_in,
                channel_id=ROOM,
                guild_id=fake.guild_id,
                render=lambda message: (
                    alert(message, Fleet(), Roles(fake.alert_role_id)) if message.id else unsaved(TROUBLE, Roles())
                ),
                rows=stored if rows else None,
            )
            yield Line(channel, fake, stored)


@pytest.fixture
async def line(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    async with a_forum(monkeypatch) as line:
        yield line


def now() -> datetime:
    return datetime.now(UTC)  # noqa: TID251 - Discord's ids are made by the wall clock


async def test_a_card_is_a_post_with_a_title_that_stays_true_its_tags_its_mention_and_its_buttons(line: Line) -> None:
    card = await line.posted()
    (post,) = line.posts
    (message,) = line.fake.messages()
    assert post.id == message.id == card.discord_id
    assert post.name == "1900 · ban"
    assert line.tags() == ["firing", "🔴 Critical!"]
    assert message.now.mentioned_roles == [line.fake.alert_role_id]
    assert "Acknowledge" in message.now.buttons
    assert not post.archived


async def test_its_tags_follow_it_those_of_people_stay_and_it_is_closed_once_it_is_over(line: Line) -> None:
    card = await line.posted()
    (post,) = line.posts
    post.tags.append(CUSTOMER)
    await line.channel.edit(replace(card, incidents=(TAKEN,)))
    assert line.tags() == ["Acknowledged", "customer", "🔴 Critical!"]
    await line.channel.edit(replace(card, incidents=(replace(FIRING, severity=Severity.WARNING),)))
    assert line.tags() == ["Warning", "customer", "firing"]
    before = post.changes
    await line.channel.edit(replace(card, incidents=(replace(FIRING, severity=Severity.WARNING),)))
    assert post.changes == before, "nothing is asked for that is so already"
    await line.channel.edit(replace(card, incidents=(OVER,)))
    assert line.tags() == ["customer", "✅ resolved", "🔴 Critical!"]
    assert post.archived
    assert "FAST" in line.fake.messages()[0].now.text


async def test_a_post_that_rests_is_opened_for_an_edit_and_closed_again_if_it_is_over(line: Line) -> None:
    card = await line.posted()
    (post,) = line.posts
    line.fake.forums.archive(post)
    await line.channel.edit(replace(card, incidents=(TAKEN,)))
    assert not post.archived
    await line.channel.edit(replace(card, incidents=(OVER,)))
    await line.channel.edit(replace(card, incidents=(OVER,)))
    assert post.archived
    assert len(line.posts) == 1


async def test_a_discussion_under_a_post_that_is_over_is_left_open(line: Line) -> None:
    card = await line.posted()
    (post,) = line.posts
    over = replace(card, incidents=(OVER,))
    await line.channel.edit(over)
    line.fake.forums.archive(post, archived=False)
    line.fake.say("what was that?", channel_id=post.id)
    await line.channel.edit(over)
    assert not post.archived


@pytest.mark.parametrize("what", ["post", "message"])
async def test_a_post_that_is_deleted_is_to_be_posted_anew(line: Line, what: str) -> None:
    card = await line.posted()
    if what == "post":
        line.fake.forums.remove(line.posts[0])
    else:
        line.fake.messages()[0].deleted = True
    with pytest.raises(VanishedError):
        await line.channel.edit(replace(card, incidents=(TAKEN,)))


async def test_what_stands_in_another_channel_from_before_is_posted_here(line: Line) -> None:
    elsewhere = 1_100_000_000_000_000_888
    with pytest.raises(VanishedError):
        await line.channel.edit(replace(POSTED, discord_id=elsewhere))
    notice = replace(POSTED, mark="abcd-2", reply_to=elsewhere, notice=Notice(NoticeKind.REMINDER, START))
    await line.channel.post(notice)
    assert line.posts[0].name == "Reminder · 1900 · ban"


async def test_what_is_told_of_a_card_is_told_in_its_post(line: Line) -> None:
    card = await line.posted()
    notice = replace(POSTED, id=2, mark="abcd-2", reply_to=card.discord_id, notice=Notice(NoticeKind.REMINDER, START))
    assert await line.channel.knows_nonces(notice)
    assert not await line.channel.knows_nonces(card)
    said = await line.channel.post(notice)
    assert await line.channel.post(notice) == said, "Discord knows its nonce"
    (post,) = line.posts
    assert [message.channel_id for message in line.fake.messages()] == [post.id, post.id]
    for number in range(400):
        line.fake.board.post(post.id, {"content": f"Did you see {number}?"}, OPERATOR)
    assert await line.channel.find(notice, now()) == said, "however many messages of people are below it"
    assert await line.channel.find(replace(notice, mark="abcd-3"), now()) is None


async def test_what_is_told_last_opens_a_post_that_is_closed_again(line: Line) -> None:
    over = await line.posted(OVER)
    (post,) = line.posts
    assert post.archived
    assert over.discord_id
    line.rows.cards[over.discord_id] = Card(over, due=False)
    notice = replace(over, id=2, mark="abcd-2", reply_to=over.discord_id, notice=Notice(NoticeKind.RESOLVED, START))
    with line.fake.outage(error(503), "PATCH", CHANGES), pytest.raises(UnfinishedError):
        await line.channel.post(notice)
    assert not post.archived
    assert await line.channel.find(notice, now()) is not None
    assert post.archived
    line.rows.cards[over.discord_id] = Card(over, due=True)
    await line.channel.post(replace(notice, mark="abcd-3"))
    assert not post.archived, "the edit that is due does that"


@pytest.mark.parametrize("gone", ["deleted", "locked"])
async def test_what_answers_a_post_that_takes_nothing_is_a_post_of_its_own(line: Line, gone: str) -> None:
    card = await line.posted()
    (post,) = line.posts
    if gone == "deleted":
        line.fake.forums.remove(post)
    else:
        post.locked = True
    notice = replace(POSTED, id=2, mark="abcd-2", reply_to=card.discord_id, notice=Notice(NoticeKind.REMINDER, START))
    said = await line.channel.post(notice)
    assert line.posts[-1].id == said.id
    assert line.posts[-1].name == "Reminder · 1900 · ban"
    again = replace(notice, uncertain_since=now())
    assert (await line.channel.post(again)).id == said.id, "an attempt before may have made it"
    assert (await line.channel.find(notice, now())) == said


async def test_a_notice_of_nothing_is_a_post_that_discord_closes_after_an_hour(line: Line) -> None:
    notice = Notice(NoticeKind.SILENCE_STARTED, START, about="all alerts")
    await line.channel.post(Message(3, "abcd-3", (), 1, notice=notice))
    (post,) = line.posts
    assert post.name == "Silence · all alerts"
    assert post.auto_archive == 60
    assert line.tags() == ["info"]


async def test_a_shift_is_a_post_about_nothing_that_is_open_and_no_page(line: Line) -> None:
    shift = Notice(NoticeKind.SHIFT, START, (FIRING.key,), until=START, shift=Handover(OPERATOR.id))
    await line.channel.post(Message(3, "abcd-3", (FIRING,), 1, notice=shift))
    (post,) = line.posts
    assert post.name == "On call"
    assert line.tags() == ["info"]


@pytest.mark.parametrize("fault", [HANG.after_accepting(), error(502).after_accepting()])
async def test_an_attempt_of_which_nobody_heard_is_found_open_or_closed_and_finished(line: Line, fault: Fault) -> None:
    for number in range(4):
        await line.posted(mark=f"abcd-1{number}")
    line.rows.known = {post.id for post in line.posts[:2]}
    since = now()
    with line.fake.outage(fault, "POST", POSTS), pytest.raises(UncertainError):
        await line.channel.post(replace(POSTED, incidents=(OVER,)))
    post = line.posts[-1]
    for closed in (False, True):
        line.fake.forums.archive(post, archived=closed)
        found = await line.channel.find(replace(POSTED, incidents=(OVER,)), since)
        assert found == Posted(post.id, up_to_date=True)
        assert post.archived
    assert await line.channel.find(POSTED, since, other_than=post.id) is None
    read = [call for call in line.fake.calls if call.method == "GET" and call.path.endswith("/messages")]
    assert not {str(each) for each in line.rows.known} & {call.path.split("/")[2] for call in read}


async def test_only_the_bots_own_posts_of_this_forum_are_looked_through_over_pages(line: Line) -> None:
    since = now()
    for number in range(105):
        await line.posted(mark=f"abcd-1{number:03}")
    for post in line.posts:
        line.fake.forums.archive(post)
    first = line.posts[0]
    line.fake.forums.start(ROOM, {"name": "mine", "message": {"content": "ref abcd-9"}}, OPERATOR)
    found = await line.channel.find(replace(POSTED, mark="abcd-1000"), since)
    assert found
    assert found.id == first.id
    asked = len(line.fake.calls)
    assert await line.channel.find(replace(POSTED, mark="abcd-9"), since) is None
    assert len(line.fake.calls) - asked < 10, "what was read once is known"


async def test_nothing_is_posted_while_the_posts_cannot_be_read(line: Line) -> None:
    await line.posted()
    with line.fake.outage(error(503), "GET", "/guilds/*"), pytest.raises(UncertainError):
        await line.channel.find(POSTED, now())


async def test_tags_are_found_by_their_words_and_a_forum_without_any_works(monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_forum(monkeypatch, ()) as line:
        card = await line.posted()
        await line.channel.edit(replace(card, incidents=(OVER,)))
        assert line.posts[0].archived
        assert line.tags() == []


@pytest.mark.parametrize("moderated", [False, True])
async def test_a_forum_that_wants_a_tag_gets_any_before_a_post_is_lost(
    monkeypatch: pytest.MonkeyPatch, *, moderated: bool
) -> None:
    tags = (Tag(1, "staff", moderated=moderated), Tag(2, "customer"))
    async with a_forum(monkeypatch, tags, REQUIRE_TAG) as line:
        card = await line.posted()
        assert line.tags() == ["customer" if moderated else "staff"]
        await line.channel.edit(replace(card, incidents=(TAKEN,)))
        assert len(line.posts[0].tags) == 1


async def test_tags_that_people_change_meanwhile_are_looked_at_again(line: Line) -> None:
    await line.posted()
    forum = replace_channel(line, tags=(Tag(601, "open"), Tag(602, "urgent", moderated=True)), flags=REQUIRE_TAG)
    await line.posted(mark="abcd-2")
    assert line.posts[1].tags == [601]
    line.fake.forums.may_manage = True
    replace_channel(line, tags=(Tag(701, "acked"), *forum.tags[1:]), flags=0)
    await line.channel.edit(await line.posted(TAKEN, mark="abcd-3"))
    assert line.posts[2].tags == [602, 701]


def replace_channel(line: Line, tags: Sequence[Tag], flags: int) -> Channel:
    """Let people set the forum up in another way."""
    forum = Channel(ROOM, "ops", FORUM, tags=tags, flags=flags)
    line.fake.guild = Guild(channels=[forum])
    return forum


async def test_tags_that_are_refused_keep_no_message_back(line: Line) -> None:
    card = await line.posted()
    with line.fake.outage(error(403, 50013), "PATCH", f"/channels/{card.discord_id}"):
        await line.channel.edit(replace(card, incidents=(TAKEN,)))
    assert line.tags() == ["firing", "🔴 Critical!"]
    assert f"<@{OPERATOR.id}>" in line.fake.messages()[0].now.text


async def test_a_change_of_a_post_that_fails_for_now_is_tried_again(line: Line) -> None:
    card = await line.posted()
    over = replace(card, incidents=(OVER,))
    with line.fake.outage(error(503), "PATCH", f"/channels/{card.discord_id}"), pytest.raises(UncertainError):
        await line.channel.edit(over)
    assert not line.posts[0].archived
    await line.channel.edit(over)
    assert line.posts[0].archived


async def test_a_locked_post_is_posted_anew_only_while_it_calls_for_something(line: Line) -> None:
    card = await line.posted()
    (post,) = line.posts
    line.fake.forums.archive(post)
    post.locked = True
    with pytest.raises(RefusedError, match="locked"):
        await line.channel.edit(replace(card, incidents=(TAKEN,)))
    await line.channel.edit(replace(card, incidents=(OVER,)))
    assert post.locked
    line.fake.forums.may_manage = True
    await line.channel.edit(replace(card, incidents=(OVER,)))
    assert "FAST" in line.fake.messages()[0].now.text


async def test_where_too_many_posts_are_open_those_that_are_over_are_closed(line: Line) -> None:
    for number in range(3):
        await line.posted(mark=f"abcd-1{number}")
    line.fake.forums.most_active = 3
    line.posts[1].flags = PINNED
    line.rows.open = {line.posts[0].id}
    with pytest.raises(LaterError, match="too many threads"):
        await line.channel.post(POSTED)
    assert [post.archived for post in line.posts] == [False, False, True]
    await line.channel.post(POSTED)
    line.rows.open |= {post.id for post in line.posts}
    with pytest.raises(BlockedError, match="close some"):
        await line.channel.post(replace(POSTED, mark="abcd-2"))
    for ask in (line.channel.edit, line.channel.post):
        rests = replace(POSTED, mark="abcd-4", discord_id=line.posts[2].id, reply_to=line.posts[2].id)
        with pytest.raises(BlockedError, match="close some"):
            await ask(rests)


async def test_without_a_database_no_post_is_closed_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """As what tells that nothing can be stored has none."""
    async with a_forum(monkeypatch, rows=False) as line:
        trouble = Message(0, TROUBLE.mark, (), 1)
        posted = await line.channel.post(trouble)
        assert line.posts[0].name == "The database takes no writes"
        assert await line.channel.find(trouble, now()) == posted
        line.fake.forums.most_active = 1
        with pytest.raises(BlockedError):
            await line.channel.post(replace(trouble, mark="abcd-s1-2"))


def test_a_post_is_called_by_the_name_of_its_token_beside_its_id() -> None:
    token = FIRING.key.token
    assert token is not None
    assert title(Message(1, "a-1", (FIRING,), 1), {token: "ana's Pro"}) == f"ana's Pro ({token}) · ban"
    assert title(Message(1, "a-1", (FIRING,), 1), {}) == f"{token} · ban"
    assert len(title(Message(1, "a-1", (FIRING,), 1), {token: "x" * 200})) <= 100


def test_that_a_group_is_short_is_not_said_of_the_fleet() -> None:
    fleet, studio, attic, hours = (
        incident(Rule.POOL, None, step=step)
        for step in ("usable", "usable of Studio", "usable of attic", "fast time of Studio")
    )
    assert title(Message(1, "a-1", (fleet,), 1), {}) == "The fleet is short"
    assert (
        title(Message(1, "a-1", (studio,), 1), {})
        == title(Message(1, "a-1", (studio, hours), 1), {})
        == "Studio is short"
    )
    assert title(Message(1, "a-1", (studio, attic), 1), {}) == "2 groups are short"
    assert title(Message(1, "a-1", (fleet, studio), 1), {}) == "2 incidents"


async def test_a_title_is_cut_to_what_discord_takes(line: Line) -> None:
    notice = Notice(NoticeKind.SILENCE_STARTED, START, about="🙂" * 99)
    await line.channel.post(Message(3, "abcd-3", (), 1, notice=notice))
    assert line.posts[0].name.endswith("…")


async def test_what_the_channel_is_is_asked_once_and_again_until_it_is_known(line: Line) -> None:
    with line.fake.outage(error(503), "GET", f"/channels/{ROOM}"):
        for _ in range(2):
            with pytest.raises(UncertainError):
                await line.channel.post(POSTED)
    await line.posted()
    await line.posted(mark="abcd-2")
    assert sum(call.path == f"/channels/{ROOM}" and call.accepted for call in line.fake.calls) == 1
