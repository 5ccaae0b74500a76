"""`/queue` and `/banwords`, over HTTP: what ImaginePro does not describe is shown as it is, and changed once."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import discord
import pytest

from bot.acts import Acts
from bot.chat.cards.answered import answer_card, block
from bot.chat.commands.wordlist import LONGEST, MOST, words_in
from bot.chat.desk import UnclearError
from bot.domain.acts import Act, Kind, State
from bot.errands import words_of
from bot.imaginepro.endpoints import ENDPOINTS, Endpoint, placed
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import Fault, Upstream, serving
from tests.chat.builders import NOON
from tests.chat.checks import assert_fits
from tests.chat.conftest import World
from tests.chat.test_commands import said
from tests.chat.test_confirm import press
from tests.chat.test_steering import refusal
from tests.chat.test_toggle import AT_ONCE, Watched, closing
from tests.imaginepro.test_client import client_of, upstream_of

SET: Mapping[str, Endpoint] = {
    name: placed(each, sandbox.ENVIRONMENT[each.variable]) if each.variable in sandbox.ENVIRONMENT else each
    for name, each in ENDPOINTS.items()
}
"""Each of them as the simulation has it."""


@asynccontextmanager
async def asking(world: World, upstream: Upstream, endpoints: Mapping[str, Endpoint]) -> AsyncIterator[None]:
    """Let the bot ask, and act, at that upstream."""
    async with serving(upstream) as url, client_of(url, key=upstream.api_key, endpoints=endpoints) as api:
        upstream.fail(closing(Fault()))
        world.desk.passes = timedelta(milliseconds=1)
        world.acts = Acts(api, Watched(world.desk), lambda: world.desk.now, pace=AT_ONCE)
        client = await world.restart(world.role)
        client.upstream = api
        yield


@pytest.fixture
async def upstream(world: World) -> AsyncIterator[Upstream]:
    """ImaginePro, of which somebody set every path."""
    upstream = upstream_of(1900, 1901)
    async with asking(world, upstream, SET):
        yield upstream


async def asked(world: World, command: str, **options: Any) -> discord.Message:  # noqa: ANN401 - as simcord has them
    """The question."""
    result = await world.operator.slash(world.channel, command, **options)
    assert result.ephemeral
    assert result.response is not None
    return result.response.message


def shown(question: discord.Message) -> str:
    """What a question says."""
    (embed,) = question.embeds
    return f"{embed.title}\n{embed.description}"


def sent(upstream: Upstream) -> list[str]:
    """What was asked to be changed."""
    return [call.endpoint for call in upstream.calls if call.method != "GET"]


async def test_the_answer_is_shown_as_it_is_and_without_secrets(world: World, upstream: Upstream) -> None:
    text = said(await world.operator.slash(world.channel, "queue count"))
    assert text.startswith("\n🔢 Jobs in ImaginePro's queue\n```\nqueued: 0\nprocessing: 0\npaused: false\n")
    status = said(await world.operator.slash(world.channel, "queue status", token=1900))
    assert status.startswith("\n🚦 ImaginePro's queue of token 1900\n```\ntokenId: 1900\n")
    assert "ImaginePro's own words, read <t:" in status
    assert upstream.canary not in "".join(str(each.json) for each in world.env.http_requests)


@pytest.mark.parametrize(
    ("command", "options", "variable"),
    [
        ("queue count", {}, "QUEUE_COUNT"),
        ("queue status", {}, "QUEUE_STATUS"),
        ("queue pause", {}, "QUEUE_PAUSE"),
        ("queue resume", {}, "QUEUE_RESUME"),
        ("queue reboot", {}, "QUEUE_REBOOT"),
        ("banwords list", {}, "BANWORDS"),
        ("banwords add", {"words": "moon"}, "BANWORDS_UPDATE"),
        ("banwords remove", {"words": "moon"}, "BANWORDS_UPDATE"),
    ],
)
async def test_what_nobody_set_is_said_with_what_to_set_and_nothing_is_asked(
    world: World, command: str, options: Mapping[str, str], variable: str
) -> None:
    upstream = upstream_of(1900)
    async with asking(world, upstream, ENDPOINTS):
        assert await refusal(world, command, **options) == (
            "ImaginePro does not publish this path. Copy it from your documentation into"
            f" `IMAGINEPRO_ENDPOINT_{variable}`."
        )
    assert upstream.calls == []


async def test_a_path_that_names_a_token_wants_one_and_one_that_does_not_takes_none(
    world: World, upstream: Upstream
) -> None:
    assert await refusal(world, "queue status") == (
        "`IMAGINEPRO_ENDPOINT_QUEUE_STATUS` has {token} in it: say which token."
    )
    assert (await refusal(world, "queue pause", token=1900)).endswith(
        "it is about the whole account: leave the token out."
    )
    assert upstream.calls == []


@pytest.mark.parametrize(
    ("name", "title", "means"),
    [
        (
            "pause",
            "⏸️ Pause the queue of your ImaginePro account?",
            "This pauses ALL jobs of your ImaginePro account, of",
        ),
        (
            "resume",
            "▶️ Resume the queue of your ImaginePro account?",
            "This resumes ALL jobs of your ImaginePro account, of",
        ),
        (
            "reboot",
            "🔄 Reboot the queue of your ImaginePro account?",
            "This reboots the queue, for ALL jobs of your",
        ),
    ],
)
async def test_the_queue_is_changed_once_after_a_question_that_says_what_it_means(
    world: World, upstream: Upstream, name: str, title: str, means: str
) -> None:
    question = await asked(world, f"queue {name}", reason="mending")
    assert shown(question).startswith(f"{title}\n**{means}")
    assert "Reason: “mending”" in shown(question)
    assert sent(upstream) == []
    first = await press(world.operator, question)
    assert said(first).startswith(f"🔧 **The queue was {name}{'ed' if name == 'reboot' else 'd'} by")
    await press(world.operator, question)
    assert sent(upstream) == [f"QUEUE_{name.upper()}"]
    assert upstream.done(f"QUEUE_{name.upper()}") == 1
    assert [entry.act for entry in world.desk.trail] == ["about to", "done"]


async def test_cancelled_nothing_is_sent(world: World, upstream: Upstream) -> None:
    await press(world.operator, await asked(world, "queue pause"), "no")
    assert upstream.calls == []


@pytest.mark.parametrize("name", ["401", "403", "404", "429"])
async def test_what_is_refused_was_not_done_and_says_so(world: World, upstream: Upstream, name: str) -> None:
    question = await asked(world, "queue pause")
    upstream.fail(closing(sandbox.WRONG[name]), times=1, at="QUEUE_PAUSE")
    text = said(await press(world.operator, question))
    assert text.startswith("✖️ **The queue could not be paused, as <@")
    assert not upstream.paused
    assert [act.state for act in world.desk.known.acts.values()] == [State.NOT_DONE]


@pytest.mark.parametrize(
    "name", ["500", "500 after the effect", "a web page after the effect", "reset after the effect"]
)
async def test_what_nobody_knows_is_said_with_what_the_queue_says(world: World, upstream: Upstream, name: str) -> None:
    question = await asked(world, "queue pause")
    upstream.fail(closing(sandbox.WRONG[name]), times=1, at="QUEUE_PAUSE")
    text = said(await press(world.operator, question))
    assert text.startswith("❔ **It is not known whether the queue was paused, as <@")
    assert "🚦 ImaginePro's queue now\n```\nqueued: 0\n" in text
    assert f"paused: {'true' if 'after' in name else 'false'}" in text
    assert sent(upstream) == ["QUEUE_PAUSE"]


async def test_what_nobody_knows_and_nothing_tells_is_for_a_person_to_see(world: World) -> None:
    upstream = upstream_of(1900)
    async with asking(world, upstream, {**ENDPOINTS, "QUEUE_PAUSE": SET["QUEUE_PAUSE"]}):
        question = await asked(world, "queue pause")
        upstream.fail(closing(sandbox.SERVER_ERROR), times=1)
        text = said(await press(world.operator, question))
    assert text.endswith("Look in ImaginePro whether it happened, before you ask again.")


async def test_read_only_refuses_all_that_changes_something_and_answers_the_rest(
    world: World, upstream: Upstream
) -> None:
    client = await world.restart(world.role, read_only=True)
    async with serving(upstream) as url, client_of(url, key=upstream.api_key, endpoints=SET) as api:
        client.upstream = api
        for command in ("queue pause", "queue resume", "queue reboot"):
            assert "READ_ONLY" in said(await world.operator.slash(world.channel, command))
        assert "READ_ONLY" in said(await world.operator.slash(world.channel, "banwords add", words="moon"))
        assert "queued: 0" in said(await world.operator.slash(world.channel, "queue count"))
    assert sent(upstream) == []


async def test_the_words_are_listed(world: World, upstream: Upstream) -> None:
    upstream.ban_words = ["gore", "**bold** <@1>"]
    text = said(await world.operator.slash(world.channel, "banwords list"))
    assert text.startswith("\n🚫 2 ban words\ngore, \\*\\*bold\\*\\* \\<\\@1\\>\nread <t:")
    upstream.ban_words = []
    assert "🚫 0 ban words\nThe list is empty." in said(await world.operator.slash(world.channel, "banwords list"))


async def test_a_long_list_is_a_file(world: World, upstream: Upstream) -> None:
    upstream.ban_words = [f"word{number}" for number in range(500)]
    result = await world.operator.slash(world.channel, "banwords list")
    assert "🚫 500 ban words\nThey are in the file, one a line." in said(result)
    assert result.response is not None
    (file,) = result.response.message.attachments
    assert (await file.read()).decode().splitlines() == upstream.ban_words


@pytest.mark.parametrize("body", [b'{"a": 1, "apiKey": "sk-canary"}', b'["x", {"y": 1}]', b'"gore, nude"'])
async def test_what_is_no_list_of_words_is_shown_as_it_is(world: World, upstream: Upstream, body: bytes) -> None:
    upstream.fail(closing(Fault(body=body)), times=1)
    text = said(await world.operator.slash(world.channel, "banwords list"))
    assert "🚫 Ban words\nThe answer is no list of words, or not all of it, so it is shown as it is." in text
    assert "canary" not in text


async def test_words_are_added_after_what_changes_was_shown_and_the_list_is_read_back(
    world: World, upstream: Upstream
) -> None:
    question = await asked(world, "banwords add", words="moon,  Red  Sun\nGORE, moon")
    assert shown(question).startswith(
        "🚫 Add 2 words to the ban words?\n**Add** “moon”, “Red Sun”\n“gore” is in the list already.\n"
        "The list has 2 words now.\n"
    )
    text = said(await press(world.operator, question))
    assert text.startswith("🔧 **The list of ban words was changed \\(\\+moon \\+Red Sun\\) by <@")
    assert text.endswith("The list shows it: 4 words now.")
    assert upstream.ban_words == ["gore", "nude", "moon", "Red Sun"]
    assert upstream.done("BANWORDS_UPDATE") == 1


async def test_words_are_removed_as_the_list_has_them(world: World, upstream: Upstream) -> None:
    question = await asked(world, "banwords remove", words="NUDE; moon")
    assert shown(question).startswith(
        "🚫 Remove 1 word from the ban words?\n**Remove** “nude”\n“moon” is not in the list.\n"
    )
    assert said(await press(world.operator, question)).endswith("The list shows it: 1 word now.")
    assert upstream.ban_words == ["gore"]


async def test_what_is_so_already_is_not_asked(world: World, upstream: Upstream) -> None:
    assert await refusal(world, "banwords add", words="Gore, nude") == (
        "Nothing to change: “gore”, “nude” are in the list already."
    )
    assert await refusal(world, "banwords remove", words="moon") == "Nothing to change: “moon” is not in the list."
    assert sent(upstream) == []


async def test_a_list_that_cannot_be_read_is_said_before_it_is_changed_and_after(
    world: World, upstream: Upstream
) -> None:
    upstream.fail(closing(sandbox.FORBIDDEN), at="BANWORDS")
    question = await asked(world, "banwords add", words="gore")
    assert "⚠️ The list cannot be read, so which of them are in it already is not known." in shown(question)
    text = said(await press(world.operator, question))
    assert text.endswith("The list cannot be read back, so whether it shows this is not known.")


async def test_an_answer_that_is_well_and_changed_nothing_is_found_out(world: World, upstream: Upstream) -> None:
    question = await asked(world, "banwords add", words="moon")
    upstream.fail(closing(Fault(body=b'{"success": true}')), times=1, at="BANWORDS_UPDATE")
    assert said(await press(world.operator, question)).endswith(
        "⚠️ The list does not show it: “moon”. `/banwords list` reads it anew."
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Write the words"),
        (" ,;\n ", "Write the words"),
        (",".join(map(str, range(MOST + 1))), f"at most {MOST} at once"),
        ("x" * (LONGEST + 1), f"at most {LONGEST} characters"),
        ("-men", "may begin with + or -"),
        ("x -men", "may begin with + or -"),
        ("a\u202eb", "cannot be seen"),
    ],
)
def test_words_that_cannot_be_sent_are_refused(text: str, words: str) -> None:
    with pytest.raises(UnclearError, match=words.replace("+", r"\+")):
        words_in(text)


def test_the_words_of_an_act_are_those_that_were_confirmed() -> None:
    words = words_in("a cat, x-men; f*ck\nred  moon, 5+5")
    wanted = " ".join(f"+{word}" for word in words)
    assert words_of(wanted) == (("a cat", "x-men", "f*ck", "red moon", "5+5"), ())
    assert Act("a1", Kind.BANWORDS, wanted, NOON).subject == "banwords:"


@pytest.mark.parametrize(
    "lines",
    [["``` @everyone", "\u202ealas"], ["x" * 500] * 200, ["界" * 120] * 60, ["  deep: 1"], []],
)
def test_foreign_lines_fit_and_end_no_block(lines: list[str]) -> None:
    embed = answer_card("🚦 ImaginePro's queue", lines, NOON, ["Said."])
    assert_fits(embed)
    inner = block(lines).removeprefix("```\n").removesuffix("\n```")
    assert "`" not in inner
    assert not lines or "more lines" in inner or len(inner.splitlines()) == len(lines)
