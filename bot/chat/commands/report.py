"""`/report`: what a week or a month was like for whoever is on call, and how loud; now, or each time by itself."""

from zoneinfo import ZoneInfo

from discord import app_commands

from bot.chat.commands.options import group_named, group_of, picked, suggest_group
from bot.chat.desk import Asked, Need, answer, wait
from bot.domain.report import Every

NEVER = "never"

SUGGESTED = 12
"""Weeks back that are suggested; what is kept goes as far."""


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "report",
        "Incidents, how soon they were answered, and what was loud",
        ("week", "Of a week, with a CSV file: the last one by default", Need.VIEW, _week),
        ("month", "Of a month, with a CSV file: the last one by default", Need.VIEW, _month),
        ("schedule", "Post one in the ops channel each week or month", Need.OPERATE, _schedule),
    )


def _suggested(interaction: Asked, every: Every, typed: str) -> list[app_commands.Choice[str]]:
    from bot.chat.commands import reporting  # noqa: PLC0415 - no start needs it

    today = interaction.client.desk.now.astimezone(ZoneInfo(interaction.client.place.timezone)).date()
    return picked(typed, reporting.suggestions(every, today, SUGGESTED if every is Every.WEEK else 4))


async def _suggest_week(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    return _suggested(interaction, Every.WEEK, typed)


async def _suggest_month(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    return _suggested(interaction, Every.MONTH, typed)


@app_commands.rename(which="of")
@app_commands.describe(
    which="Another one: this, 2 weeks ago, or a day in it such as 2026-11-18",
    group="Only what is about the tokens of a group",
    share="Show it to everyone in this channel",
)
@app_commands.autocomplete(which=_suggest_week, group=suggest_group)
async def _week(
    interaction: Asked,
    *,
    which: app_commands.Range[str, 1, 40] | None = None,
    group: str | None = None,
    share: bool = False,
) -> None:
    await _report(interaction, Every.WEEK, which, group, share=share)


@app_commands.rename(which="of")
@app_commands.describe(
    which="Another one: this, 2 months ago, 2026-10, or a day in it",
    group="Only what is about the tokens of a group",
    share="Show it to everyone in this channel",
)
@app_commands.autocomplete(which=_suggest_month, group=suggest_group)
async def _month(
    interaction: Asked,
    *,
    which: app_commands.Range[str, 1, 40] | None = None,
    group: str | None = None,
    share: bool = False,
) -> None:
    await _report(interaction, Every.MONTH, which, group, share=share)


async def _report(interaction: Asked, every: Every, which: str | None, group: str | None, *, share: bool) -> None:
    await interaction.response.defer(ephemeral=not share, thinking=True)
    from bot.chat.commands import reporting  # noqa: PLC0415 - no start needs what does the work

    await reporting.tell(interaction, every, which, group_named(interaction, group))


@app_commands.describe(every="How often; never takes it back. Say nothing to see how it is set")
@app_commands.choices(every=[app_commands.Choice(name=each, value=each) for each in (*Every, NEVER)])
async def _schedule(interaction: Asked, *, every: str | None = None) -> None:
    await wait(interaction)
    from bot.chat.commands import reporting  # noqa: PLC0415 - as above

    await answer(interaction, await reporting.schedule(interaction, every, NEVER))
