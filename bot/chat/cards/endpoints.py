"""Where each endpoint of ImaginePro is, what is known of that, and what came of the last call."""

from collections.abc import Mapping

import discord

from bot.chat.cards.embed import BLUE, GAP, compose
from bot.chat.text import plain
from bot.imaginepro.endpoints import Confidence, Endpoint
from bot.imaginepro.http import WELL

UNSET, YOURS, SURE, UNSURE = "⚪", "🔧", "🟢", "🟡"

LONGEST = 120
"""Of a path, with what is put into it."""


def endpoints_card(endpoints: Mapping[str, Endpoint], answered: Mapping[str, str]) -> discord.Embed:
    """A line or two an endpoint; what cannot be called comes last.

    Args:
        endpoints: All of them, by name.
        answered: What came of the last call of each in this run, by name.
    """
    rows = sorted(endpoints.values(), key=lambda endpoint: endpoint.path is None)
    able = sum(endpoint.path is not None for endpoint in rows)
    lines = [
        *(_line(endpoint, answered.get(endpoint.name, "")) for endpoint in rows),
        GAP,
        f"{SURE} documented · {UNSURE} documented in more than one way · {YOURS} set by you · {UNSET} not published",
        *(
            f"Copy the path from your documentation: `{endpoint.variable}=POST /api/v1/…`."
            for endpoint in [each for each in rows if each.path is None][:1]
        ),
    ]
    return compose(f"{able} of {len(rows)} endpoints can be called", lines, BLUE)


def _sign(endpoint: Endpoint) -> str:
    if endpoint.yours:
        return YOURS
    if endpoint.path is None:
        return UNSET
    return SURE if endpoint.confidence is Confidence.DOCUMENTED else UNSURE


def _line(endpoint: Endpoint, last: str) -> str:
    where = "" if endpoint.path is None else f"\n`{_code(f'{endpoint.method} {endpoint.path}')}`"
    came = "" if last in {"", WELL} else f" · **last: {plain(last.replace('_', ' '), 40)}**"
    return f"{_sign(endpoint)} **{endpoint.name}** · {plain(endpoint.what, 80)}{came}{where}"


def _code(text: str) -> str:
    """As code, in which nothing works but its end."""
    return text.replace("`", "'")[:LONGEST]
