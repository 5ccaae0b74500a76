"""`/job` and what it shows, as people use it, with an ImaginePro that answers over HTTP, and badly at times."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import discord
import pytest
import simcord

from bot.acts import Acts
from bot.chat.buttons.showing import EVERY, LASTS
from bot.chat.cards.job import NOT_STARTED
from bot.chat.client import ChatClient
from bot.chat.following import MOST
from bot.domain.model import Token
from bot.domain.value import replace
from bot.imaginepro.client import ImaginePro, connected
from bot.sandbox import imaginepro as sandbox
from bot.sandbox.imaginepro import SimulatedJob, Upstream, serving, token_record
from tests.chat.checks import assert_fits
from tests.chat.conftest import FakeDesk, World
from tests.chat.test_commands import buttons, said
from tests.leap import leaping  # noqa: F401 - time leaps in all tests of this module

ID = "1f3e8a2b-9c4d-4e5f-8a6b-7c8d9e0f1a2b"
OTHER = "00000000-0000-4000-8000-000000000000"


class Moving(FakeDesk):
    """A desk that takes in what an act has read."""

    async def read(self, token: Token, _: datetime) -> None:
        """A token was read."""
        self.fleet = replace(self.fleet, tokens={**self.fleet.tokens, token.id: token})


@pytest.fixture
def desk() -> Moving:
    """A fleet of three."""
    return Moving()


@pytest.fixture
async def site() -> Upstream:
    """An ImaginePro with one job, which runs on token 1900; token 77 is not in the bot's list."""
    site = Upstream([token_record(1900), token_record(1901), token_record(77, status="BANNED")])
    begin(site)
    return site


def begin(site: Upstream, identity: str = ID, **fields: Any) -> SimulatedJob:  # noqa: ANN401 - whatever a job has
    """A job that runs until a test says otherwise."""
    job = site.begun("a *cat*", 1900)
    del site.jobs[job.id]
    job.id, job.status, job.progress = identity, "PROCESSING", 20
    for name, value in fields.items():
        setattr(job, name, value)
    site.jobs[identity] = job
    return job


def looks(site: Upstream) -> int:
    """How often it was asked how far a job is."""
    return sum(call.endpoint == "PROGRESS" for call in site.calls)


@pytest.fixture(autouse=True)
async def upstream(world: World, desk: Moving, site: Upstream) -> AsyncIterator[ImaginePro]:
    """The bot asks it. What waits longer than an action of simcord takes, waits until the test lets time pass."""
    world.env.settle_timeout = 4
    async with (
        serving(site) as url,
        connected(
            url=url, api_key=site.api_key, rate=(10**9, timedelta(seconds=1)), budget=timedelta(seconds=30)
        ) as upstream,
    ):
        world.upstream, world.acts = upstream, Acts(upstream, desk, lambda: desk.now)
        await world.restart(world.role)
        yield upstream


def client_of(world: World) -> ChatClient:
    """The bot that runs now."""
    assert isinstance(world.env.bot, ChatClient)
    return world.env.bot


async def later(world: World, length: timedelta) -> None:
    """Let time pass: for the desk, for what waits in the simulated Discord, and for connections."""
    for _ in range(round(length / EVERY)):
        world.desk.now += EVERY
        await asyncio.sleep(EVERY.total_seconds())
        await world.env.advance_time(EVERY.total_seconds())


async def use(world: World, command: str, **options: Any) -> simcord.InteractionResult:  # noqa: ANN401 - as simcord has them
    """Use a command as an operator; the answer is for their eyes only."""
    result = await world.operator.slash(world.channel, command, **options)
    assert result.ephemeral
    return result


def shown(result: simcord.InteractionResult) -> str:
    """What an answer says by now."""
    assert result.response is not None
    for embed in result.response.embeds:
        assert_fits(embed)
    return said(result).strip()


def edits(world: World) -> int:
    """How often answers were given and edited."""
    return sum("PATCH /webhooks" in line for line in str(world.env.transcript()).splitlines())


# Who ran it.


@pytest.mark.parametrize("text", [f" {ID} ", f"`{ID}`", f"https://api.example/message/{ID}", ID.replace("-", " - ")])
async def test_a_trace_answers_first_which_token_it_was_and_shows_that(world: World, text: str) -> None:
    result = await use(world, "job trace", message_id=text)
    assert shown(result).startswith("🟢 Job 1f3e8a2b ran on 1900, which is FAST\n")
    assert "🟢 Token 1900 · working, FAST" in shown(result)
    assert buttons(result) == [f"job:show:{ID}"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1900", "“1900” is no id of a job. It is the messageId"),
        ("**", "“\\*\\*” is no id of a job."),
        (f"{ID} {OTHER}", "There are 2 ids in that: ask for one at a time."),
        (OTHER, f"ImaginePro knows no job {OTHER.replace('-', chr(92) + '-')}."),
    ],
)
async def test_what_is_no_id_and_what_is_none_of_a_job_get_a_sentence(world: World, text: str, words: str) -> None:
    for command in ("job trace", "job show"):
        assert shown(await use(world, command, message_id=text)).startswith(words)
    assert world.env.errors


async def test_a_token_that_is_not_listed_is_shown_as_the_trace_has_it(world: World, site: Upstream) -> None:
    site.jobs[ID].token, site.notices[77] = 77, "Blocked"
    text = shown(await use(world, "job trace", message_id=ID))
    assert text.startswith("🔴 Job 1f3e8a2b ran on 77, which is BANNED\nToken 77 is not in the bot's list")
    assert "With it comes a message: “Blocked”" in text
    assert "🔴 Token 77 · not working, BANNED" in text


async def test_a_token_that_was_not_read_for_long_is_shown_as_the_trace_has_it(world: World, site: Upstream) -> None:
    world.desk.now += timedelta(minutes=30)
    site.fleet[1900]["status"] = "RELAX"
    text = shown(await use(world, "job trace", message_id=ID))
    assert text.startswith("🟡 Job 1f3e8a2b ran on 1900, which is RELAX\nWhat was read of the token is old")
    assert "🟡 Token 1900 · working slowly, RELAX" in text
    assert "these numbers are old" not in text


FAULTS = [
    (sandbox.UNAUTHORIZED, "refuses the API key, or its credits are used up. **Do:** check"),
    (sandbox.FORBIDDEN, "forbids this call: the plan may not be DIY. **Do:** check"),
    (sandbox.INVALID, r"does not accept this call \(400\: id must be an integer"),
    (sandbox.rate_limited("60"), "asks to be left alone until"),
    (sandbox.SERVER_ERROR, "answered with an error of its own. Try again in a minute."),
    (sandbox.BAD_GATEWAY, "answered with an error of its own. Try again in a minute."),
    (sandbox.WEB_PAGE, "answer could not be understood. Try again in a minute."),
    (sandbox.RESET, "cannot be reached. Try again in a minute."),
]


@pytest.mark.parametrize(("fault", "words"), FAULTS)
@pytest.mark.parametrize("command", ["job trace", "job show", "job list"])
async def test_whatever_is_wrong_at_imaginepro_is_told_in_a_sentence(
    world: World, site: Upstream, command: str, fault: sandbox.Fault, words: str
) -> None:
    site.fail(fault)
    result = await use(world, command, **({} if command == "job list" else {"message_id": ID}))
    await later(world, timedelta(minutes=1))
    text = " ".join([shown(result), *(each.content for each in result.followups)])
    assert words in text
    assert "inside the bot" not in text
    assert world.env.errors


async def test_a_plan_without_the_list_of_jobs_is_not_told_of_a_list_of_tokens(world: World, site: Upstream) -> None:
    site.fail(sandbox.NOT_FOUND)
    result = await use(world, "job list")
    await later(world, timedelta(minutes=1))
    text = " ".join([shown(result), *(each.content for each in result.followups)])
    assert "ImaginePro has nothing at the address of this call, or not for your plan." in text
    assert world.env.errors


# From the menu of a message.


async def chosen(world: World, content: str = "", embed: discord.Embed | None = None) -> simcord.InteractionResult:
    """What comes of the menu of such a message."""
    channel = world.env.bot.get_channel(world.channel.id)
    assert isinstance(channel, discord.TextChannel)
    message = await channel.send(content, embed=embed) if embed else await world.guest.send(world.channel, content)
    return await world.operator.context_menu(world.channel, "Trace job", message)


@pytest.mark.parametrize("where", ["description", "title", "footer", "field", "author", "url"])
async def test_the_job_of_a_message_is_found_wherever_it_stands(world: World, where: str) -> None:
    assert shown(await chosen(world, f"it hangs: {ID.upper()}")).startswith("🟢 Job 1f3e8a2b ran on 1900")
    embed = discord.Embed(title=ID if where == "title" else "x", description=ID if where == "description" else "y")
    embed.set_footer(text=ID if where == "footer" else "z").set_author(name=ID if where == "author" else "a")
    embed.add_field(name="n", value=ID if where == "field" else "v")
    embed.url = f"https://x.example/{ID}" if where == "url" else None
    assert shown(await chosen(world, embed=embed)).startswith("🟢 Job 1f3e8a2b ran on 1900")


async def test_of_several_jobs_one_is_chosen_and_of_none_it_is_said(world: World) -> None:
    assert shown(await chosen(world, "nothing")).startswith("There is no id of a job in that message.")
    several = await chosen(world, f"{OTHER} {ID}")
    assert shown(several) == "There are 2 ids in that message. Which job?"
    assert several.response is not None
    picked = await world.operator.select(several.response.message, [ID])
    assert picked.ephemeral
    assert shown(picked).startswith("🟢 Job 1f3e8a2b ran on 1900")
    many = await chosen(world, " ".join(f"{number:08}{ID[8:]}" for number in range(30)))
    assert shown(many) == "There are 30 ids in that message; these are the first 25. Which job?"
    assert world.env.errors


# How far it is.


async def test_a_job_is_followed_until_it_is_over_and_edited_only_when_something_changed(
    world: World, site: Upstream
) -> None:
    result = await use(world, "job show", message_id=ID)
    assert shown(result).startswith("🔵 Job 1f3e8a2b runs\n")
    assert "▰▰▱▱▱▱▱▱▱▱▱▱ **20 %**" in shown(result)
    assert buttons(result) == [f"job:again:{ID}", f"job:trace:{ID}", f"job:cancel:{ID}"]
    before, asked = edits(world), looks(site)
    await later(world, 6 * EVERY)
    assert (edits(world) - before, looks(site) - asked) == (0, 6)
    site.jobs[ID].progress = 70
    await later(world, EVERY)
    assert "**70 %**" in shown(result)
    site.jobs[ID].status = "DONE"
    await later(world, EVERY)
    assert shown(result).startswith("🟢 Job 1f3e8a2b is done\n")
    assert result.response is not None
    assert (result.response.embeds[0].image.url or "").endswith(f"/picture/{ID}.png")
    assert buttons(result) == [f"job:trace:{ID}"]
    assert edits(world) - before == 2
    asked = looks(site)
    await later(world, 6 * EVERY)
    assert looks(site) == asked


async def test_a_job_that_failed_is_not_followed_and_says_why(world: World, site: Upstream) -> None:
    begin(site, status="FAIL", error="Queue full")
    result = await use(world, "job show", message_id=ID)
    assert shown(result).startswith("🔴 Job 1f3e8a2b failed\nMidjourney said: “Queue full”")
    assert len(client_of(world).following) == 0


async def test_after_a_quarter_of_an_hour_nobody_looks_any_more_until_somebody_asks_again(
    world: World, site: Upstream
) -> None:
    result = await use(world, "job show", message_id=ID)
    await later(world, LASTS)
    assert shown(result).endswith("Not looked at any more, after 14 min. **Refresh** looks again.")
    asked = looks(site)
    await later(world, 2 * EVERY)
    assert looks(site) == asked
    assert result.response is not None
    await world.operator.click(result.response.message, custom_id=f"job:again:{ID}")
    site.jobs[ID].progress = 55
    await later(world, EVERY)
    assert "**55 %**" in shown(result)
    assert len(client_of(world).following) == 1


async def test_nobody_looks_for_an_answer_that_is_gone(world: World, site: Upstream) -> None:
    await use(world, "job show", message_id=ID)
    world.env.inject_error("PATCH", "/webhooks/*", status=404, code=10008)
    site.jobs[ID].progress = 21
    await later(world, EVERY)
    asked = looks(site)
    await later(world, 3 * EVERY)
    assert looks(site) == asked


async def test_while_imaginepro_is_away_the_answer_says_so_and_goes_on(world: World, site: Upstream) -> None:
    result = await use(world, "job show", message_id=ID)
    site.fail(sandbox.SERVER_ERROR)
    await later(world, timedelta(minutes=1))
    assert "⚠️ **ImaginePro answered with an error of its own: this is how it was last.**" in shown(result)
    site.heal()
    await later(world, timedelta(minutes=1))
    assert "⚠️" not in shown(result)
    del site.jobs[ID]
    await later(world, timedelta(minutes=1))
    assert "⚠️ **ImaginePro does not know this job any more**: this is how it was last." in shown(result)
    assert len(client_of(world).following) == 0


async def test_what_discord_does_not_take_now_it_is_sent_again(world: World, site: Upstream) -> None:
    result = await use(world, "job show", message_id=ID)
    world.env.inject_error("PATCH", "/webhooks/*", status=400, code=50001)
    site.jobs[ID].progress = 80
    await later(world, EVERY)
    assert "**20 %**" in shown(result)
    await later(world, EVERY)
    assert "**80 %**" in shown(result)


async def test_a_picture_that_discord_refuses_costs_no_answer(world: World, site: Upstream) -> None:
    site.jobs[ID].status = "DONE"
    world.env.inject_error("PATCH", "/webhooks/*", status=400, code=50035)
    result = await use(world, "job show", message_id=ID)
    assert shown(result).startswith("🟢 Job 1f3e8a2b is done")
    assert result.response is not None
    assert result.response.embeds[0].image.url is None


async def test_no_more_answers_are_followed_than_may_be(world: World) -> None:
    for _ in range(MOST):
        await use(world, "job show", message_id=ID)
    result = await use(world, "job show", message_id=ID)
    assert "so this one is not. **Refresh** looks again." in shown(result)
    assert len(client_of(world).following) == MOST


async def test_after_a_restart_refresh_goes_on(world: World, site: Upstream) -> None:
    result = await use(world, "job show", message_id=ID)
    await world.restart(world.role)
    assert result.response is not None
    await world.operator.click(result.response.message, custom_id=f"job:again:{ID}")
    site.jobs[ID].status = "DONE"
    await later(world, EVERY)
    assert shown(result).startswith("🟢 Job 1f3e8a2b is done")


# What was made lately.


async def test_the_jobs_of_a_day_are_turned_page_by_page_and_one_is_shown(world: World, site: Upstream) -> None:
    for number in range(14):
        begin(site, f"{number:08}{ID[8:]}", status="DONE", prompt=f"cat {number}")
    first = await use(world, "job list")
    assert shown(first).startswith("Jobs of the last 24 hours, page 1\n")
    assert shown(first).endswith("ImaginePro lists jobs of the last 24 hours, and no others.")
    assert shown(first).count("`") == 20
    assert first.response is not None
    await world.operator.click(first.response.message, label="More ▶")
    assert shown(first).startswith("Jobs of the last 24 hours, page 2\n")
    assert [label for label in ("◀ Back", "More ▶") if label in str(first.response.components)] == ["◀ Back"]
    picked = await world.operator.select(first.response.message, [f"00000001{ID[8:]}"])
    assert shown(picked).startswith("🟢 Job 00000001 is done")


# A test job.


async def confirmed(world: World, label: str = "Make one image") -> simcord.InteractionResult:
    """Ask for a test job for 1900, and confirm it; gives the answer, which shows how it goes."""
    asked = await use(world, "job probe", token=1900)
    assert "Make one image, to see whether jobs run?" in shown(asked)
    assert asked.response is not None
    await world.operator.click(asked.response.message, label=label)
    return asked


async def test_a_test_job_is_followed_and_says_how_long_it_took_and_that_it_ran_where_it_should(
    world: World, site: Upstream
) -> None:
    site.fleet[1901]["isActive"] = False
    asked = await confirmed(world)
    (made,) = [each.what for each in site.effects if each.endpoint == "IMAGINE"]
    assert shown(asked).startswith(f"🕓 Test job {made[:8]} waits\n")
    assert re.search(r" --seed \d+$", site.jobs[made].prompt)
    await later(world, EVERY)
    assert shown(asked).startswith(f"🔵 Test job {made[:8]} runs\n")
    assert "▰▰▰▰▰▱▱▱▱▱▱▱ **3" in shown(asked)
    await later(world, 2 * EVERY)
    assert shown(asked).startswith("🟢 Jobs run on 1900\n")
    assert re.search(r"\*\*Waited\*\* \d+ s · \*\*ran\*\* \d+ s, to a few seconds", shown(asked))
    assert "🟢 Token 1900 · working, FAST" in shown(asked)
    assert asked.response is not None
    assert (asked.response.embeds[0].image.url or "").endswith(f"/picture/{made}.png")
    assert site.done("IMAGINE") == 1
    assert [entry.act for entry in world.desk.trail] == ["about to", "done"]
    assert len(client_of(world).following) == 0


async def test_a_test_job_that_ran_elsewhere_says_so_and_what_that_means(world: World, site: Upstream) -> None:
    site.fleet[1900]["isActive"] = False
    asked = await confirmed(world)
    await later(world, 3 * EVERY)
    assert shown(asked).startswith("🟡 Jobs run, but this one ran on 1901, not on 1900\nThat says nothing about 1900.")
    assert "🔴 Token 1901 · not working, BANNED" in shown(asked)


async def test_a_test_job_that_never_starts_says_so_and_can_be_cancelled(world: World, site: Upstream) -> None:
    site.paused = True
    asked = await confirmed(world)
    await later(world, NOT_STARTED)
    assert shown(asked).startswith("🟠 The test job has not started after 5 min\nJobs wait at ImaginePro until")
    assert buttons(asked)[-1].startswith("job:cancel:")
    await later(world, LASTS)
    assert "Not looked at any more, after 14 min. **Refresh** looks again." in shown(asked)
    assert site.done("IMAGINE") == 1


async def test_a_test_job_that_fails_says_why(world: World, site: Upstream) -> None:
    for each in (1900, 1901):
        site.fleet[each]["isActive"] = False
    asked = await confirmed(world)
    await later(world, 3 * EVERY)
    assert shown(asked).splitlines()[:3] == [
        "🔴 The test job failed",
        "Midjourney said: “No available account”",
        "**Do:** read what Midjourney said; then probe again.",
    ]
    assert "Which token ran it could not be read: ImaginePro names none." in shown(asked)


@pytest.mark.parametrize(
    ("fault", "words", "made"),
    [
        (sandbox.FORBIDDEN, "A test job for 1900 could not be run, as <@", 0),
        (sandbox.RESET, "It is not known whether a test job for 1900 was run, as <@", 0),
        (sandbox.RESET_AFTER, "🟢 Jobs run on 1900", 1),
        (sandbox.after(sandbox.SERVER_ERROR), "🟢 Jobs run on 1900", 1),
    ],
)
async def test_a_test_job_is_sent_once_and_the_truth_is_told(
    world: World, site: Upstream, fault: sandbox.Fault, words: str, made: int
) -> None:
    site.fleet[1901]["isActive"] = False
    site.waits = site.runs = 0
    site.fail(fault, times=1, at="IMAGINE")
    asked = await confirmed(world)
    await later(world, timedelta(minutes=1))
    assert shown(asked).startswith(words)
    assert (site.done("IMAGINE"), sum(call.endpoint == "IMAGINE" for call in site.calls)) == (made, 1)


async def test_a_test_job_that_is_not_confirmed_or_of_no_token_costs_nothing(world: World, site: Upstream) -> None:
    await confirmed(world, "Cancel")
    unknown = await use(world, "job probe", token=5)
    assert shown(unknown).startswith("There is no token 5.")
    assert site.done("IMAGINE") == 0
    assert world.env.errors


async def test_no_test_job_is_begun_that_nobody_could_follow(world: World, site: Upstream) -> None:
    asked = await use(world, "job probe", token=1900)
    for _ in range(MOST):
        await use(world, "job show", message_id=ID)
    assert asked.response is not None
    pressed = await world.operator.click(asked.response.message, label="Make one image")
    assert pressed.followups[0].content.startswith("Many jobs are followed just now, so no test job was begun")
    assert site.done("IMAGINE") == 0


# The end of a job before its time.


async def cancelling(world: World) -> tuple[simcord.InteractionResult, simcord.InteractionResult]:
    """A job that is shown, and the question whether it shall be cancelled."""
    job = await use(world, "job show", message_id=ID)
    assert job.response is not None
    return job, await world.operator.click(job.response.message, label="Cancel the job")


async def test_a_job_is_cancelled_once_it_was_confirmed_and_its_card_shows_it(world: World, site: Upstream) -> None:
    job, question = await cancelling(world)
    assert question.ephemeral
    assert shown(question).splitlines()[1:3] == ["Stop job 1f3e8a2b?", "It runs."]
    assert site.done("BUTTON") == 0
    assert question.response is not None
    await world.operator.click(question.response.message, label="Stop the job")
    assert site.done("BUTTON", ID) == 1
    assert shown(question).startswith(f"Job {ID.replace('-', chr(92) + '-')} was cancelled by <@{world.operator.id}>")
    await later(world, EVERY)
    assert shown(job).startswith("🔴 Job 1f3e8a2b failed\nMidjourney said: “Job cancelled”")


async def test_a_job_that_is_over_is_not_cancelled(world: World, site: Upstream) -> None:
    _, question = await cancelling(world)
    site.jobs[ID].status = "DONE"
    assert question.response is not None
    pressed = await world.operator.click(question.response.message, label="Stop the job")
    over = "Job 1f3e8a2b is done already: there is nothing to cancel."
    assert [each.content for each in pressed.followups] == [over]
    assert site.done("BUTTON") == 0


async def test_who_may_not_cancel_is_not_offered_to(world: World, site: Upstream) -> None:
    await world.restart(world.role, read_only=True)
    result = await use(world, "job show", message_id=ID)
    assert buttons(result) == [f"job:again:{ID}", f"job:trace:{ID}"]
    assert site.effects == []
