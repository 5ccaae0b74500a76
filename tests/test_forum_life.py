"""The bot as a process whose ops channel is a forum: its board, a card that somebody takes, and where links lead."""

from pathlib import Path

from tests.kill import make_forum
from tests.wire.interactions import Act, command_data
from tests.wire.town import BOARD, town


async def test_people_live_with_a_forum(sqlite_url: str, tmp_path: Path) -> None:
    async with town(sqlite_url, tmp_path) as place:
        make_forum(place)
        discord, posts = place.discord, place.discord.forums.posts
        async with place.settled_bot():
            await discord.until(lambda: any(post.name == BOARD and post.pinned for post in posts.values()))
            place.upstream.fleet[1900]["status"] = "BANNED"
            card = await place.until_told("1900 is BANNED")
            post = posts[card.id]
            assert post.name == "1900 · ban"
            await discord.press(card, "Acknowledge")
            await discord.until(lambda: "acknowledged" in discord.forums.tags(post))
            listed = await discord.command("incidents")
            assert listed.message
            assert f"/channels/{discord.guild_id}/{card.id})" in listed.message.now.text

            board = next(each for each in posts.values() if each.name == BOARD)
            here = command_data(discord.commands[discord.guild_id], "board here", {})
            said = await discord.interact(Act.COMMAND, here, on=card)
            assert said.message
            link = f"https://discord.com/channels/{discord.guild_id}/{board.id}"
            assert said.message.now.content == f"There is a board here already: {link}."

            place.upstream.fleet[1900]["status"] = "FAST"
            await discord.until(lambda: post.archived)
            assert "resolved" in discord.forums.tags(post)
