"""The held demo, which also shows what is beside the channel: `python -m tests.sandbox.elsewhere [forum]`.

simcord has a page for one place at a time. At SIGUSR2 this prints the addresses of more: of the newest thread and the
operator's direct messages; with a forum, of the post of the ban. It knows no pinned posts, of which the bot complains.
"""

import asyncio
import io
import signal
import sys
from contextlib import AsyncExitStack
from typing import Any, Final

import simcord
from simcord.builders import ChannelHandle

from bot.sandbox import page
from tests.sandbox import held_demo

TAGS: Final = ("critical", "warning", "info", "firing", "acknowledged", "silenced", "resolved")


async def main(*, forum: bool) -> None:
    """Serve it until SIGINT."""
    begun: list[tuple[simcord.Env, Any, dict[str, Any]]] = []
    preview = simcord.Env.preview

    def noted(env: simcord.Env, channel: ChannelHandle, **more: Any) -> simcord.Preview:  # noqa: ANN401
        begun.append((env, channel, more))
        return preview(env, channel, **more)

    def in_a_forum(guild: simcord.GuildHandle, name: str, **_: str) -> ChannelHandle:
        made = guild.create_forum_channel(name)
        made._channel.available_tags = [
            {"id": str(n), "name": each, "moderated": False, "emoji_id": None, "emoji_name": None}
            for n, each in enumerate(TAGS, 501)
        ]
        return made

    simcord.Env.preview = noted  # type: ignore[method-assign,assignment]
    if forum:
        sys.stderr = io.StringIO()
        simcord.GuildHandle.create_text_channel = in_a_forum  # type: ignore[method-assign,assignment]
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR2, asked.set)
    async with AsyncExitStack() as stack:

        async def look() -> None:
            await asked.wait()
            env, ops, more = begun[0]
            threads = [each for each in env.backend.channels.values() if each.is_thread and each.parent_id == ops.id]
            person = more["viewers"][0]
            named = {each.name or "": ChannelHandle(env, ops.guild, each) for each in threads}
            if forum:
                places = [next(each for name, each in named.items() if "ban" in name)]
            else:
                places = [*list(named.values())[-1:], person.user.dm_channel]
            for each in places:
                viewers = [person if each.guild else person.user]
                env._preview = None
                shown = await stack.enter_async_context(preview(env, each, viewers=viewers, layout="channel"))
                door = await stack.enter_async_context(page.opened(shown.url, asyncio.Lock(), 0))
                sys.stdout.write(f"{door.url}\n")
                sys.stdout.flush()

        looking = asyncio.create_task(look())
        await held_demo.main()
        looking.cancel()


if __name__ == "__main__":
    asyncio.run(main(forum=sys.argv[1:] == ["forum"]))
