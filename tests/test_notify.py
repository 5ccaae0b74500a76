"""`/notify me`, by the bot as a process: it reaches whoever asked, and who refuses is said so once."""

from dataclasses import replace
from pathlib import Path

from tests.wire import world
from tests.wire.messages import Message
from tests.wire.town import Town, town

OLGA = world.OPERATOR
HELLO = "This is where you will hear of pages"
REFUSED = "takes no direct messages"


def heard(place: Town, person: world.Member = OLGA) -> list[str]:
    """What somebody was told by direct message."""
    return [each.now.content for each in place.discord.directs.messages(person.id)]


async def until_heard(place: Town, words: str, person: world.Member = OLGA) -> str:
    """Wait until they were told that, and give all of it."""
    await place.discord.until(lambda: any(words in each for each in heard(place, person)))
    return next(each for each in heard(place, person) if words in each)


async def banned(place: Town, token: int = 1900, status: str = "BANNED") -> Message:
    """The card of a ban, or of another status: of several alike there would be one card."""
    place.upstream.fleet[token]["status"] = status
    return await place.until_told(f"Token {token} is {status}")


async def test_a_first_message_shows_that_it_works_and_pages_follow_with_a_link(
    database_url: str, tmp_path: Path
) -> None:
    async with town(database_url, tmp_path) as place, place.settled_bot() as bot:
        answer = await place.discord.command("notify me")
        assert answer.shown.content.startswith("You will hear of pages and your incidents.")
        await until_heard(place, HELLO)
        card = await banned(place)
        page = await until_heard(place, "BANNED")
        home = f"https://discord.com/channels/{world.GUILD_ID}/{world.OPS.id}"
        assert page.splitlines()[0] in {  # its card may not be known to be there yet
            f"🔴 **Token 1900 is BANNED** · [jump]({home}/{card.id})",
            f"🔴 **Token 1900 is BANNED** · [jump]({home})",
        }
        sent = place.discord.directs.messages(OLGA.id)[-1].now
        assert not sent.buttons
        assert not sent.body.get("flags", 0) & 1 << 12, "a page makes a sound"
        await place.discord.press(card, "Acknowledge")
        await place.discord.until(lambda: "Release" in card.now.buttons)
        await place.discord.press(card, "Release", world.COLLEAGUE)
        released = await until_heard(place, "released this")
        assert released.startswith(
            f"👐 <@{world.COLLEAGUE.id}> released this, and nobody has it: 🔴 **Token 1900 is BANNED**"
        )
        await place.discord.command("notify off")
        await banned(place, 1901, "VERIFYING")
        await place.quiet_polls()
        assert len(heard(place)) == 3
        assert not bot.said(" ERROR ", "Traceback")


async def test_who_refuses_is_said_once_and_tried_again_only_when_they_ask_anew(
    database_url: str, tmp_path: Path
) -> None:
    async with town(database_url, tmp_path) as place:
        directs = place.discord.directs
        directs.refusing.add(OLGA.id)
        async with place.settled_bot():
            await place.discord.command("notify me")
            await place.discord.until(lambda: any(REFUSED in each for each in place.notices))
            (notice,) = (each for each in place.discord.messages() if REFUSED in each.now.content)
            assert f"<@{OLGA.id}>" in notice.now.content
            assert notice.now.body["flags"] & 1 << 12
            assert not notice.now.body.get("mentions")
            tried = len(place.discord.refused)
            await banned(place, 1900, "VERIFYING")
            await place.quiet_polls()
            shown = await place.discord.command("notify show")
            assert "Nothing is sent to you" in shown.shown.text
        directs.refusing.clear()
        async with place.bot() as bot:
            await bot.wait_ready()
            await banned(place, 1901, "RELAX")
            await place.quiet_polls()
            assert not heard(place)
            assert len(place.discord.refused) == tried
            await place.discord.command("notify me")
            await until_heard(place, HELLO)
            await banned(place, 1902)
            await until_heard(place, "1902")
        assert sum(REFUSED in each for each in place.notices) == 1


async def test_who_loses_the_role_hears_nothing_any_more(sqlite_url: str, tmp_path: Path) -> None:
    async with town(sqlite_url, tmp_path) as place, place.settled_bot():
        for each in (OLGA, world.COLLEAGUE):
            await place.discord.command("notify me", each)
            await until_heard(place, HELLO, each)
        guild = place.discord.guild
        members = [replace(each, roles=()) if each.id == OLGA.id else each for each in guild.members]
        place.discord.guild = replace(guild, members=members)
        await banned(place)
        await until_heard(place, "BANNED", world.COLLEAGUE)
        await place.quiet_polls()
        audit = await place.discord.command("admin audit", world.COLLEAGUE)
        await place.discord.until(lambda: "may not use the bot any more" in audit.shown.text)
        assert len(heard(place)) == 1
        assert not any(REFUSED in each for each in place.notices)


async def test_many_at_once_are_one_message(sqlite_url: str, tmp_path: Path) -> None:
    from bot.sandbox.imaginepro import token_record  # noqa: PLC0415

    tokens = range(1900, 2000)
    async with town(sqlite_url, tmp_path, map(token_record, tokens)) as place, place.settled_bot():
        await place.discord.command("notify me")
        await until_heard(place, HELLO)
        for each in tokens[1:]:
            place.upstream.fleet[each]["status"] = "BANNED"
        page = await until_heard(place, "BANNED")
        await place.quiet_polls()
        assert len(heard(place)) <= 4, "those that one poll did not see yet may follow"
        assert page.splitlines()[0].startswith("**")
