"""*Discuss* and direct messages, by the bot as a process: said once, in order, whoever refuses, and however it ends."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from bot.domain.asides import Aside, Place, What
from bot.domain.incidents import Key, Rule
from bot.domain.watch.known import Changes
from bot.storage.store import open_store
from tests.wire import world
from tests.wire.faults import HANG
from tests.wire.messages import Message
from tests.wire.town import Town, town

CARD = "Token 1900 is BANNED"


def now() -> datetime:
    """As the bot of a town has it."""
    return datetime.now(UTC)  # noqa: TID251 - the bot of this town lives by it too


async def banned(place: Town) -> Message:
    """The card of a ban."""
    place.upstream.fleet[1900]["status"] = "BANNED"
    card = await place.until_told(CARD)
    await place.quiet_polls()  # the bot may not yet have stored that it is there
    return card


def said(place: Town, thread: int) -> list[str]:
    """What the bot said in a thread, without the line that is its mark."""
    return [each.now.content.rpartition("\n")[0] for each in place.discord.messages(thread)]


async def until_said(place: Town, thread: int, words: str) -> None:
    """Wait until it did."""
    await place.discord.until(lambda: any(words in each for each in said(place, thread)))


async def test_what_becomes_of_an_incident_is_said_in_its_thread_silently_and_once(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with town(sqlite_url, tmp_path) as place, place.settled_bot() as bot:
        card = await banned(place)
        at_once = (place.discord.press(card, "Discuss", by) for by in (world.OPERATOR, world.COLLEAGUE))
        answers = await asyncio.gather(*at_once)
        assert {each.shown.content for each in answers} == {
            f"Go on in <#{card.id}>. What becomes of this is said there, too."
        }
        (thread,) = place.discord.directs.threads
        assert (thread.id, thread.name) == (card.id, CARD)
        await place.discord.until(lambda: "Discuss" not in card.now.buttons)
        await place.discord.press(card, "Acknowledge")
        await until_said(place, thread.id, "has it")
        place.upstream.fleet[1900]["status"] = "FAST"
        await until_said(place, thread.id, "again")
        assert said(place, thread.id)[0] == f"✋ <@{world.OPERATOR.id}> has it."
        assert said(place, thread.id)[1].startswith("✅ **Token 1900 is FAST again")
        assert len(said(place, thread.id)) == 2
        assert all(each.now.body["flags"] & 1 << 12 for each in place.discord.messages(thread.id))
        assert not bot.said(" ERROR ", "Traceback")


async def test_what_joins_a_card_later_joins_its_thread(sqlite_url: str, tmp_path: Path) -> None:
    async with town(sqlite_url, tmp_path) as place, place.settled_bot(FAKE_GROUPING="600") as bot:
        card = await banned(place)
        await place.discord.press(card, "Discuss")
        place.upstream.fleet[1901]["status"] = "BANNED"
        await until_said(place, card.id, "Token 1901 is BANNED")
        await place.discord.until(lambda: "1901" in card.now.text)
        await place.discord.until(lambda: "Discuss" not in card.now.buttons)
        await place.discord.press(card, "Acknowledge")
        await until_said(place, card.id, f"<@{world.OPERATOR.id}> has it (tokens 1900 and 1901)")
        assert len(said(place, card.id)) == 2
        assert not bot.said(" ERROR ", "Traceback")


async def test_a_thread_that_was_deleted_is_forgotten_and_another_may_be_opened(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with town(sqlite_url, tmp_path) as place, place.settled_bot():
        card = await banned(place)
        await place.discord.press(card, "Discuss")
        await place.discord.until(lambda: "Discuss" not in card.now.buttons)
        place.discord.directs.delete(card.id)
        await place.discord.press(card, "Acknowledge")
        await place.discord.until(lambda: "Discuss" in card.now.buttons)
        await place.discord.press(card, "Discuss")
        await place.discord.press(card, "Release")
        await until_said(place, card.id, "Released")


async def test_a_thread_that_discord_opened_for_a_bot_that_died_is_found_by_the_next_press(
    sqlite_url: str, tmp_path: Path
) -> None:
    async with town(sqlite_url, tmp_path) as place, place.settled_bot():
        card = await banned(place)
        place.discord.directs.start(card, {"name": "of a bot that died"})
        answer = await place.discord.press(card, "Discuss")
        assert answer.shown.content == f"Go on in <#{card.id}>. What becomes of this is said there, too."
        assert len(place.discord.directs.threads) == 1


async def test_what_was_said_is_found_below_hundreds_of_messages_and_not_said_again(
    sqlite_url: str, tmp_path: Path
) -> None:
    """While the bot is dead people go on in the thread, and Discord forgets what it was sent."""
    async with town(sqlite_url, tmp_path) as place:
        place.environment["FAKE_NONCE_MEMORY"] = "0"
        async with place.settled_bot() as bot:
            card = await banned(place)
            await place.discord.press(card, "Discuss")
            await place.discord.until(lambda: "Discuss" not in card.now.buttons)
            with place.discord.outage(HANG.after_accepting(), "POST", f"/channels/{card.id}/messages", times=1):
                await place.discord.press(card, "Acknowledge")
                await until_said(place, card.id, "has it")
                await bot.kill()
        place.discord.board.forget_nonces()
        for number in range(400):
            place.discord.board.post(card.id, {"content": f"Did you see {number}?"}, world.VISITOR)
        async with place.settled_bot():
            await place.discord.until(lambda: "Release" in card.now.buttons)
            await place.discord.press(card, "Release")
            await until_said(place, card.id, "Released")
        assert sum("> has it." in each for each in said(place, card.id)) == 1


async def test_who_may_open_no_thread_is_told_what_to_allow(sqlite_url: str, tmp_path: Path) -> None:
    async with town(sqlite_url, tmp_path) as place, place.settled_bot() as bot:
        card = await banned(place)
        place.discord.directs.may_open_threads = False
        answer = await place.discord.press(card, "Discuss")
        assert "Create Public Threads" in answer.shown.content
        assert "Discuss" in card.now.buttons
        assert not bot.said("Traceback")


async def test_who_refuses_direct_messages_keeps_them_from_nobody_else(database_url: str, tmp_path: Path) -> None:
    key, people = Key(Rule.BANNED, 1900), (world.OPERATOR, world.VISITOR, world.COLLEAGUE)
    async with town(database_url, tmp_path) as place:
        async with open_store(database_url) as store:
            await store.save(
                Changes(
                    None,
                    asides=tuple(Aside(each.id, Place.PERSON, now(), What.PAGE, (key,)) for each in people),
                ),
                now(),
            )
        directs = place.discord.directs
        directs.refusing.add(world.VISITOR.id)
        place.upstream.fleet[1900]["status"] = "BANNED"
        async with place.settled_bot():
            for each in (world.OPERATOR, world.COLLEAGUE):
                await place.discord.until(lambda each=each: bool(directs.messages(each.id)))  # type: ignore[misc]
            await place.quiet_polls()
        assert not directs.messages(world.VISITOR.id)
        async with open_store(database_url) as store:
            assert await store.asides_waiting() == 0
