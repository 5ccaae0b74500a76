"""`/history`: what was, of one token, of several, or of the fleet; with a chart."""

from datetime import timedelta
from typing import Any

from discord import app_commands

from bot.chat import text
from bot.chat.cards.status import unknown
from bot.chat.commands.options import command_of, several
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, UnclearError

CYCLE = "cycle"

SPANS = {
    "24h": ("the last 24 hours", timedelta(hours=24)),
    "7d": ("the last 7 days", timedelta(days=7)),
    "30d": ("the last 30 days", timedelta(days=30)),
}
"""What can be asked for beside a cycle: how it is called, and how long it is."""

TITLES = {"24h": "24 hours", "7d": "7 days", "30d": "30 days", CYCLE: "this cycle"}


def command() -> app_commands.Command[Any, ..., None]:
    """A new instance, for one client."""
    return command_of("history", "What was used, what is left and whether it lasts, with a chart", Need.VIEW, _history)


@app_commands.rename(span="range")
@app_commands.describe(
    token="One token",  # noqa: S106 - a number
    tokens="Several: ids and ranges, such as 1900-1906, 1911. Neither: the whole fleet",
    span="How far back; cycle: since the last refill. 7 days by default",
    share="Show it to everyone in this channel",
)
@app_commands.choices(
    span=[app_commands.Choice(name=TITLES[each] if each == CYCLE else each, value=each) for each in (*SPANS, CYCLE)]
)
@app_commands.autocomplete(token=suggest)
async def _history(
    interaction: Asked,
    *,
    token: app_commands.Range[int, 0] | None = None,
    tokens: app_commands.Range[str, 1, 200] | None = None,
    span: str = "7d",
    share: bool = False,
) -> None:
    await interaction.response.defer(ephemeral=not share, thinking=True)
    if token is not None and tokens is not None:
        sentence = "Choose one token, or write several: not both."
        raise UnclearError(sentence)
    fleet = interaction.client.desk.fleet
    chosen = tuple(fleet.tokens) if tokens is None else several(tokens, fleet.tokens, fleet.names)
    if token is not None:
        await _one(interaction, token, span)
    elif len(chosen) == 1:
        await _one(interaction, chosen[0], span)
    else:
        await _several(interaction, chosen, span, everything=tokens is None)


async def _one(interaction: Asked, number: int, span: str) -> None:
    from bot.chat.buttons import past, pictured  # noqa: PLC0415 - no start needs what draws

    desk = interaction.client.desk
    now, token = desk.now, desk.fleet.tokens.get(number)
    if span == CYCLE:
        since = token.subscription.last_refill(now) if token is not None else None
        if since is None:
            words = text.called(number, desk.fleet.names, "token ")
            sentence = f"It is not known when {words} was refilled last: choose 24h, 7d or 30d."
            raise UnclearError(sentence)
        called = "this cycle"
    else:
        called, length = SPANS[span]
        since = now - length
    found = await past.past_of(interaction.client, number, since, None, called, whole=span == CYCLE)
    if token is None and not found.trace.held:
        raise UnclearError(unknown(desk.fleet, number))
    title = f"{text.called_bare(number, desk.fleet.names, 'Token ')}, {TITLES[span]}"
    await pictured.illustrate(interaction, past.illustrated(interaction.client, found, title))


async def _several(interaction: Asked, numbers: tuple[int, ...], span: str, *, everything: bool) -> None:
    from bot.chat.buttons import past, pictured  # noqa: PLC0415 - as above
    from bot.chat.charts.fleet import MOST  # noqa: PLC0415 - as above

    desk = interaction.client.desk
    if not numbers:
        sentence = "There is no token yet whose history could be shown."
        raise UnclearError(sentence)
    if span == CYCLE:
        sentence = "Each token has a cycle of its own: for several choose 24h, 7d or 30d."
        raise UnclearError(sentence)
    called, length = SPANS[span]
    days = max(2, length.days)
    many = len(numbers)
    which = f"{many} tokens" if many <= MOST else f"Worst {MOST} of {many:,}"
    title = f"{which}, {TITLES[span]}"
    answer = await past.past_of_several(
        interaction.client, numbers, days, desk.now - length, title, f"{called}{', the worst first' * everything}"
    )
    await pictured.illustrate(interaction, answer)
