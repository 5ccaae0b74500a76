"""`/notify`: direct messages of what somebody wishes to hear of. Each decides for themselves alone."""

from discord import app_commands

from bot.chat.commands.options import group_of, suggest_group, suggest_zone
from bot.chat.desk import Asked, Need


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "notify",
        "Direct messages for you, of what you choose",
        ("me", "Send me direct messages: of pages and my incidents, unless you say otherwise", Need.VIEW, _me),
        ("show", "What you get by direct message", Need.VIEW, _show),
        ("off", "No more direct messages for you", Need.VIEW, _off),
    )


@app_commands.describe(
    pages="Critical incidents that nobody has: when they fire, get worse, or are reminded of",
    mine="What others do to incidents that you have, their ends, and pages while you are on call",
    group="Whatever fires of this group's tokens, warnings too; or off",
    quiet="Hours without messages, such as 22:00-07:00; or off",
    zone="On whose clock, such as Europe/Berlin",
)
@app_commands.autocomplete(group=suggest_group, zone=suggest_zone)
async def _me(
    interaction: Asked,
    *,
    pages: bool | None = None,
    mine: bool | None = None,
    group: app_commands.Range[str, 1, 40] | None = None,
    quiet: app_commands.Range[str, 1, 40] | None = None,
    zone: app_commands.Range[str, 1, 60] | None = None,
) -> None:
    from bot.chat.commands import notifying  # noqa: PLC0415 - no start needs it

    await notifying.wish(interaction, notifying.Asks(pages, mine, group, quiet, zone))


async def _show(interaction: Asked) -> None:
    from bot.chat.commands import notifying  # noqa: PLC0415 - no start needs it

    await notifying.show(interaction)


async def _off(interaction: Asked) -> None:
    from bot.chat.commands import notifying  # noqa: PLC0415 - no start needs it

    await notifying.off(interaction)
