"""What has to be so at Discord: each thing that can be wrong has a sentence, and what is right has none."""

import dataclasses
from datetime import timedelta

import discord
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import survey
from bot.chat.premises import (
    LONGEST_NAME,
    SERVED,
    Channel,
    Found,
    Ids,
    Overwrite,
    Role,
    Server,
    announcement,
    discussed,
    findings,
    lacking,
    permissions,
    told,
)
from bot.chat.tags import WORDS, Tag
from bot.domain.value import replace
from tests.wire import world

BOT, HOME, OPS, ELSEWHERE, OPERATORS, ON_CALL, LEADS, OWN = range(1, 9)
IDS = Ids(HOME, OPS, OPERATORS, ON_CALL, LEADS)
VIEW, SEND, EMBED, HISTORY, IN_THREADS, MENTION, ADMINISTRATOR, MANAGE_THREADS = (
    discord.Permissions(**{name: True}).value
    for name in (
        "view_channel",
        "send_messages",
        "embed_links",
        "read_message_history",
        "send_messages_in_threads",
        "mention_everyone",
        "administrator",
        "manage_threads",
    )
)
NEEDED = VIEW | SEND | EMBED | HISTORY
SERVER = Server(
    HOME,
    "studio",
    {
        HOME: Role("@everyone", NEEDED),
        OPERATORS: Role("operators"),
        ON_CALL: Role("on call", mentionable=True),
        LEADS: Role("leads", mentionable=True),
        OWN: Role("tokens", of_bot=True),
    },
)
TEXT = Channel(OPS, 0, "ops", HOME)
THREAD = replace(TEXT, kind=11)
POSTS = replace(TEXT, kind=15)
FOUND = Found(BOT, "https://invite", SERVER, frozenset({OWN}), channel=TEXT)
NOWHERE = replace(FOUND, server=None, channel=None, own_roles=frozenset())


def wrong(found: Found, ids: Ids = IDS) -> list[str]:
    """What is said of it."""
    return [each.words for each in findings(ids, found)]


def with_roles(**roles: Role) -> Found:
    """The same, but these roles are otherwise."""
    names = {"everyone": HOME, "operators": OPERATORS, "on_call": ON_CALL, "leads": LEADS, "own": OWN}
    return replace(FOUND, server=replace(SERVER, roles={**SERVER.roles, **{names[n]: r for n, r in roles.items()}}))


def may(allowed: int, channel: Channel = TEXT) -> Found:
    """The same, but everyone has these permissions alone."""
    return replace(with_roles(everyone=Role("@everyone", allowed)), channel=channel)


@pytest.mark.parametrize("kind", SERVED)
def test_where_all_is_right_nothing_is_said(kind: int) -> None:
    assert wrong(may(NEEDED | IN_THREADS, replace(TEXT, kind=kind))) == []


OTHER_KINDS = {
    2: "#ops is a voice channel;",
    4: "#ops is a category;",
    13: "#ops is a stage;",
    14: "#ops is a directory;",
    16: "#ops is a media channel;",
    99: "#ops is of a type that this bot does not know (99);",
}

ONE = {
    "swapped": (
        replace(NOWHERE, guild_id_is=replace(TEXT, id=HOME), channel_id_is=replace(SERVER, id=OPS)),
        "DISCORD_GUILD_ID and OPS_CHANNEL_ID are swapped: 2 is the channel #ops, and 3 is the server studio",
    ),
    "not in the server": (
        replace(NOWHERE, hidden=True),
        "the bot is not in server 2, or there is none: add it with https://invite",
    ),
    "the server of the channel is another": (
        replace(NOWHERE, channel=replace(TEXT, guild_id=ELSEWHERE)),
        "add it with https://invite. If DISCORD_GUILD_ID is to be the server of #ops, set it to 4",
    ),
    "a channel for the server": (
        replace(NOWHERE, channel=TEXT, guild_id_is=replace(TEXT, name="lounge")),
        "DISCORD_GUILD_ID is the channel #lounge, which is in server 2: right-click the server for Copy Server ID",
    ),
    "a time-out": (replace(FOUND, timed_out=True), "the bot is in a time-out"),
    "a server for the channel": (
        replace(FOUND, channel=None, channel_id_is=SERVER),
        "OPS_CHANNEL_ID is the server studio: right-click the channel for Copy Channel ID",
    ),
    "no channel": (replace(FOUND, channel=None), "OPS_CHANNEL_ID: there is no channel 3: right-click the channel"),
    "a hidden channel": (
        replace(FOUND, channel=None, hidden=True),
        "OPS_CHANNEL_ID: the bot may not see channel 3: add the bot, or its role, to the channel",
    ),
    "a direct message": (replace(FOUND, channel=replace(TEXT, kind=1, guild_id=None)), "is a direct message"),
    "a channel of another server": (
        replace(FOUND, channel=replace(TEXT, guild_id=ELSEWHERE)),
        "OPS_CHANNEL_ID: #ops is in server 4, and DISCORD_GUILD_ID is studio: one of the two is wrong",
    ),
    **{
        f"type {kind}": (replace(FOUND, channel=replace(TEXT, kind=kind)), f"OPS_CHANNEL_ID: {words} alerts need a")
        for kind, words in OTHER_KINDS.items()
    },
    "no View": (may(NEEDED & ~VIEW), "the bot may not View Channel in #ops: allow it in that channel's settings"),
    "no Send": (may(NEEDED & ~SEND), "the bot may not Send Messages in #ops"),
    "no Embed": (may(NEEDED & ~EMBED), "the bot may not Embed Links in #ops"),
    "no History": (may(NEEDED & ~HISTORY), "the bot may not Read Message History in #ops"),
    "no Send in a thread": (
        may(NEEDED, THREAD),
        "the bot may not Send Messages in Threads in the channel that #ops is in",
    ),
    "no Embed in a thread": (may((NEEDED | IN_THREADS) & ~EMBED, THREAD), "may not Embed Links in the channel that"),
    "no Create Posts in a forum": (may((NEEDED | IN_THREADS) & ~SEND, POSTS), "the bot may not Create Posts in #ops"),
    "no answers in a forum": (may(NEEDED, POSTS), "the bot may not Send Messages in Threads in #ops"),
    "a forum that wants a tag and has none": (
        may(NEEDED | IN_THREADS, replace(POSTS, tag_required=True)),
        "the forum #ops wants a tag on each post and has none: in the forum's settings make the tags critical,",
    ),
    "a locked thread": (may(NEEDED | IN_THREADS, replace(THREAD, locked=True)), "the thread #ops is locked: unlock it"),
    "a locked and closed thread": (
        may(NEEDED | IN_THREADS, replace(THREAD, locked=True, archived=True)),
        "the thread #ops is locked: unlock it",
    ),
    "a closed thread": (
        may(NEEDED | IN_THREADS, replace(THREAD, archived=True)),
        "the thread #ops is closed: write in",
    ),
    "a role that cannot be mentioned": (
        with_roles(on_call=Role("on call")),
        "ALERT_ROLE_ID: the bot may not mention @on call: in that role's settings allow anyone to mention it",
    ),
    "a second role that cannot": (
        with_roles(leads=Role("leads")),
        "ESCALATION_ROLE_ID: the bot may not mention @leads",
    ),
    "a role of a bot": (
        with_roles(operators=Role("robo", of_bot=True)),
        "OPERATOR_ROLE_ID: @robo is the role of a bot, so nobody may use the bot: take a role that people have",
    ),
    "a role of a bot to mention": (
        with_roles(on_call=Role("robo", of_bot=True, mentionable=True)),
        "ALERT_ROLE_ID: @robo is the role of a bot, so nobody is mentioned",
    ),
}


@pytest.mark.parametrize(("found", "words"), ONE.values(), ids=ONE)
def test_each_thing_that_is_wrong_is_one_sentence(found: Found, words: str) -> None:
    (said,) = wrong(found)

    assert words in said


@pytest.mark.parametrize(
    ("ids", "found", "words"),
    [
        (replace(IDS, guild_id=BOT), replace(NOWHERE, hidden=True), "DISCORD_GUILD_ID is the bot's own id"),
        (replace(IDS, channel_id=BOT), replace(FOUND, channel=None), "OPS_CHANNEL_ID is the bot's own id"),
        (replace(IDS, channel_id=LEADS), replace(FOUND, channel=None), "OPS_CHANNEL_ID is the role @leads"),
        (
            replace(IDS, operator_role_id=99),
            FOUND,
            "OPERATOR_ROLE_ID: studio has no role 99, so nobody may use the bot",
        ),
        (replace(IDS, alert_role_id=99), FOUND, "ALERT_ROLE_ID: studio has no role 99, so nobody is mentioned: right-"),
        (replace(IDS, escalation_role_id=99), FOUND, "ESCALATION_ROLE_ID: studio has no role 99, so nobody is mention"),
    ],
)
def test_an_id_that_is_something_else_is_named_as_what_it_is(ids: Ids, found: Found, words: str) -> None:
    (said,) = wrong(found, ids)

    assert said.startswith(words)


HOPELESS = {"swapped", "a server for the channel", "no channel", "type 4", "type 14", "type 15", "type 16"}


@pytest.mark.parametrize("name", ONE)
def test_only_what_no_act_at_discord_can_mend_is_hopeless(name: str) -> None:
    (finding,) = findings(IDS, ONE[name][0])

    assert finding.hopeless == (name in HOPELESS)


def test_a_channel_of_which_nothing_is_known_is_not_hopeless_before_the_bot_is_invited() -> None:
    assert [each.hopeless for each in findings(IDS, NOWHERE)] == [False, False]


def test_several_are_told_at_once_the_place_before_the_roles() -> None:
    said = wrong(replace(may(0, THREAD), timed_out=True), replace(IDS, alert_role_id=99, operator_role_id=98))

    assert [each.split(":")[0] for each in said] == [
        "the bot is in a time-out, which takes away all that it may do",
        "the bot may not View Channel in the channel that #ops is in",
        "the bot may not Send Messages in Threads in the channel that #ops is in",
        "the bot may not Embed Links in the channel that #ops is in",
        "the bot may not Read Message History in the channel that #ops is in",
        "OPERATOR_ROLE_ID",
        "ALERT_ROLE_ID",
    ]


def test_who_may_mention_everyone_may_mention_any_role() -> None:
    unmentionable = with_roles(on_call=Role("on call"), everyone=Role("@everyone", NEEDED | MENTION))

    assert wrong(unmentionable) == []
    here = replace(TEXT, overwrites=(Overwrite(BOT, deny=MENTION),))
    assert "may not mention @on call" in wrong(replace(unmentionable, channel=here))[0]


def test_an_administrator_may_do_all_whatever_the_channel_says() -> None:
    here = replace(THREAD, locked=True, overwrites=(Overwrite(BOT, deny=NEEDED),))

    assert wrong(replace(with_roles(own=Role("tokens", ADMINISTRATOR), on_call=Role("on call")), channel=here)) == []


BITS = st.integers(0, 2**20 - 1) | st.sampled_from([NEEDED, ADMINISTRATOR, 0])
OVERWRITTEN = [world.GUILD_ID, world.OPERATORS.id, world.ON_CALL.id, world.MANAGERS.id, world.BOT.id, world.OPERATOR.id]


@given(
    st.lists(BITS, min_size=4, max_size=4),
    st.sets(st.sampled_from(OVERWRITTEN[1:4])),
    st.lists(st.tuples(st.sampled_from(OVERWRITTEN), BITS, BITS), unique_by=lambda each: each[0]),
)
def test_what_the_bot_may_do_is_what_discord_py_works_out(
    of_roles: list[int], mine: set[int], overwrites: list[tuple[int, int, int]]
) -> None:
    people = {world.BOT.id, world.OPERATOR.id}
    channel = dataclasses.replace(
        world.OPS, overwrites=[world.Overwrite(whose, yes, no, whose in people) for whose, yes, no in overwrites]
    )
    guild = world.Guild(
        channels=[channel],
        roles=[
            dataclasses.replace(role, permissions=bits)
            for role, bits in zip(world.Guild().roles, of_roles, strict=True)
        ],
    )
    state = discord.Client(intents=discord.Intents.none())._connection
    server = discord.Guild(data=guild.create_event(), state=state)  # type: ignore[arg-type] # as it comes over the wire
    bot = dataclasses.replace(world.BOT, roles=tuple(mine))
    member = discord.Member(data=bot.payload(), guild=server, state=state)  # type: ignore[arg-type] # as above
    place = discord.TextChannel(state=state, guild=server, data=channel.payload(guild.id))  # type: ignore[arg-type] # as above

    ours = permissions(
        bot.id, frozenset(mine), survey._server(guild.payload()), survey._channel_of(channel.payload(guild.id))
    )

    assert ours == discord.abc.GuildChannel.permissions_for(place, member)


@pytest.mark.parametrize(
    ("tokens", "interval", "ids", "found", "line"),
    [
        (9, 60, IDS, FOUND, "watching 9 tokens every 60 s, telling #ops, paging @on call, and @leads from the second"),
        (1, 3, Ids(HOME, OPS), FOUND, "watching 1 token every 3 s, telling #ops, paging nobody: set ALERT_ROLE_ID"),
        (
            9,
            60,
            Ids(HOME, OPS, escalation_role_id=LEADS),
            FOUND,
            "watching 9 tokens every 60 s, telling #ops, paging @leads from the second reminder on, and nobody before:",
        ),
        (0, 0.5, Ids(HOME, OPS), FOUND, "watching 0 tokens every 0.5 s, telling #ops, paging nobody"),
        (
            None,
            7200,
            IDS,
            FOUND,
            "watching ImaginePro, which cannot be read yet, every 2 h, telling #ops, paging @on c",
        ),
        (9, 60, IDS, NOWHERE, "watching 9 tokens every 60 s, telling channel 3, paging role 6, and role 7 from the"),
    ],
)
def test_a_start_is_one_line_that_a_person_understands(
    tokens: int | None, interval: float, ids: Ids, found: Found, line: str
) -> None:
    assert announcement(tokens, timedelta(seconds=interval), ids, found).startswith(line)


def test_with_a_rota_whoever_is_on_call_is_paged_before_a_role() -> None:
    line = "telling #ops, paging whoever is on call"
    assert told(IDS, FOUND, on_call=True) == f"{line}, and @leads if nobody answers"
    assert told(replace(IDS, escalation_role_id=None), FOUND, on_call=True) == line


def test_a_role_that_is_paged_first_is_not_named_as_the_second() -> None:
    assert told(Ids(HOME, OPS, alert_role_id=ON_CALL, escalation_role_id=ON_CALL), FOUND) == (
        "telling #ops, paging @on call"
    )


@given(st.text())
def test_a_name_is_one_short_line_whatever_somebody_called_it(name: str) -> None:
    odd = with_roles(on_call=Role(name, mentionable=True), leads=Role(name), operators=Role(name, of_bot=True))
    found = replace(odd, channel=replace(TEXT, name=name), server=replace(odd.server or SERVER, name=name))

    for line in [told(IDS, found), *wrong(found), *wrong(replace(found, channel=replace(TEXT, kind=4)))]:
        assert line.isprintable()
        assert len(line) < 300 + 2 * LONGEST_NAME


TAGGED = replace(POSTS, tags=(Tag(1, "🔥 Urgent!"),), tag_required=True)
WHOLE = replace(TAGGED, tags=tuple(Tag(number, words[0]) for number, words in enumerate(WORDS.values(), 1)))
OTHERS = replace(TAGGED, tags=(Tag(1, "art"),))


@pytest.mark.parametrize(
    ("channel", "allowed", "words"),
    [
        (WHOLE, MANAGE_THREADS, []),
        (WHOLE, 0, ["may not Manage Threads in #ops, so no board is pinned, and tags that only moderators"]),
        (TAGGED, MANAGE_THREADS, ["no tag of #ops says warning, info, firing, acknowledged, silenced or resolved, so"]),
        (replace(WHOLE, tags=WHOLE.tags[1:]), MANAGE_THREADS, ["no tag of #ops says critical, so no post shows that"]),
        (
            replace(TAGGED, tags=(Tag(1, "art"),)),
            MANAGE_THREADS,
            ["none of the tags of #ops fits, so each post has any"],
        ),
        (replace(OTHERS, tag_required=False), MANAGE_THREADS, ["no tag of #ops says critical, warning, info,"]),
        (replace(TAGGED, tags=(), tag_required=False), MANAGE_THREADS, []),
    ],
)
def test_what_a_forum_lacks_is_said(channel: Channel, allowed: int, words: list[str]) -> None:
    files = discord.Permissions(attach_files=True).value
    said = lacking(may(NEEDED | IN_THREADS | files | allowed, channel))
    assert len(said) == len(words)
    assert all(each in whole for each, whole in zip(words, said, strict=True))


def test_what_threads_under_cards_lack_is_said_where_there_can_be_any() -> None:
    rest = NEEDED | discord.Permissions(attach_files=True, pin_messages=True, send_messages_in_threads=True).value
    words = ["the bot may not Create Public Threads in #ops, so Discuss opens no thread there: allow it there"]
    assert [*lacking(may(rest))] == words
    (_, silent) = lacking(may(rest & ~IN_THREADS))
    assert "Send Messages in Threads in #ops, so nothing is said in the threads under its cards" in silent
    assert not lacking(may(rest, THREAD))


@pytest.mark.parametrize(
    ("channel", "where"),
    [(None, HOME), (TEXT, HOME), (replace(TEXT, kind=5), HOME), (THREAD, None), (POSTS, None)],
)
def test_cards_offer_a_thread_unless_there_surely_can_be_none(channel: Channel | None, where: int | None) -> None:
    assert discussed(IDS, replace(FOUND, channel=channel)) == where
    assert discussed(IDS, None) == HOME
