"""What was tried, as a card: the worst first, each with what to do about it."""

from collections.abc import Sequence

import discord

from bot.chat.cards.embed import GREEN, ORANGE, RED, compose
from bot.chat.checkup import Check, Verdict
from bot.chat.text import capitalised, plain

SIGNS = {Verdict.WRONG: "🔴", Verdict.AWAY: "🟠", Verdict.LESS: "🟡", Verdict.GOOD: "🟢", Verdict.TRYING: "⏳"}
COLOURS = {Verdict.WRONG: RED, Verdict.AWAY: ORANGE}

LONGEST = 400
"""Of a line."""


def checkup(checks: Sequence[Check]) -> discord.Embed:
    """The card; there is at least one check."""
    ordered = sorted(checks, key=lambda check: list(Verdict).index(check.verdict))
    worst = ordered[0].verdict
    return compose(_title(ordered), map(_line, ordered), COLOURS.get(worst, GREEN))


def _title(checks: Sequence[Check]) -> str:
    wrong = sum(check.verdict is Verdict.WRONG for check in checks)
    away = sum(check.verdict is Verdict.AWAY for check in checks)
    if wrong:
        return f"{SIGNS[Verdict.WRONG]} {wrong} thing{'s' * (wrong > 1)} to mend"
    if away:
        return f"{SIGNS[Verdict.AWAY]} Nothing to mend, but {away} thing{'s' * (away > 1)} to wait for"
    return f"{SIGNS[Verdict.GOOD]} Nothing to mend"


def _line(check: Check) -> str:
    return f"{SIGNS[check.verdict]} **{check.what}** · {plain(capitalised(check.words), LONGEST)}."
