"""What holds for every text and card: it fits, and nothing in it works but what is ours."""

import re
from string import punctuation

import discord

from bot.chat.cards import GAP
from bot.chat.text import width

OURS = re.compile(
    r"\[(?:\d{15,20}|jump)\]\(https://discord\.com/channels(?:/\d{15,20}){2,3}\)"
    r"|<t:-?\d+:[Rtf]>|<@&?\d+>|\*\*"
    r"|`/[\w ]+`|`[A-Z_]+`|`[0-9a-f]{6}`|`[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}`|^-# "
    r"|(?<=Runbook )\*[a-z ]+\*",
    re.MULTILINE,
)
"""The markup that is ours."""


def unescaped(text: str) -> str:
    """What is left when everything that a backslash makes harmless is taken out."""
    left, signs = [], iter(text)
    for sign in signs:
        if sign == "\\":
            next(signs)
        else:
            left.append(sign)
    return "".join(left)


def texts(embed: discord.Embed) -> list[str]:
    """Every text of a card."""
    fields = [text for field in embed.fields for text in (field.name or "", field.value or "")]
    return [embed.title or "", embed.description or "", embed.footer.text or "", *fields]


def assert_fits(embed: discord.Embed) -> None:
    """Discord's limits, by the stricter of two ways to count."""
    assert width(embed.title or "") <= 256
    assert width(embed.description or "") <= 4096
    assert width(embed.footer.text or "") <= 2048
    assert all(0 < width(field.value or "") <= 1024 for field in embed.fields)
    assert sum(map(width, texts(embed))) <= 6000


def assert_harmless(text: str) -> None:
    """Beside our own markup, nothing is left that could start or end any."""
    left = unescaped(OURS.sub("", text).replace(GAP, ""))
    assert not set(left) & (set(punctuation) - set("%.,:;()/'-+?"))
    assert "://" not in left
    assert "](" not in left
    assert all(line.isprintable() for line in left.splitlines())
