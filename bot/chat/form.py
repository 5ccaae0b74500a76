"""A message as it is handed to Discord, and the same without a part that Discord does not take."""

import re
from collections.abc import Collection, Iterable

import discord

from bot.chat.alerts import Alert, row
from bot.chat.answers import Part
from bot.chat.text import within
from bot.domain.value import Value, replace

TEXT_LIMIT = 2000
"""Of a message's text."""

URL = re.compile(r"\b(?:https?|discord)\\?:(?:\\?/){2}[^\s<>)\]]+", re.IGNORECASE)
"""Also where each sign has a backslash before it, as in all foreign text."""
_LINKS = frozenset({"url", "icon_url", "image", "thumbnail", "video"})
"""What of an embed is nothing but a link."""
NO_URL = "(a link that Discord does not take)"


class Form(Value):
    """What is sent."""

    shown: Alert
    reply_to: int | None = None
    """Discord's id of the card that it answers."""


def without(form: Form, part: Part, named: Collection[int] = ()) -> Form | None:
    """The message without that part; None where it has none. `named` are the buttons, in their order; empty for all."""
    shown = form.shown
    match part:
        case Part.REPLY:
            less = form if form.reply_to is None else replace(form, reply_to=None)
        case Part.LINK | Part.BUTTONS:
            less = replace(form, shown=_with_fewer_buttons(shown, part, named))
        case Part.SILENCE:
            less = replace(form, shown=replace(shown, silent=False))
        case Part.MENTIONS:
            less = replace(form, shown=replace(shown, allowed_mentions=discord.AllowedMentions.none()))
        case Part.EMBED:
            less = replace(form, shown=_as_text(shown)) if shown.embeds else form
        case Part.URLS:
            less = replace(form, shown=_without_urls(shown))
        case _:
            less = form  # no message has a file
    return None if _same(less, form) else less


def reads_like(content: str, embeds: Iterable[discord.Embed], shown: Alert) -> bool:
    """Whether a message of the channel reads as this one does; what Discord adds to one is not compared.

    Discord takes blanks away at the ends of texts.
    """
    return _read(content, embeds) == _read(shown.content, shown.embeds)


def _read(content: str | None, embeds: Iterable[discord.Embed]) -> list[list[str]]:
    texts = [content]
    for embed in embeds:
        texts += [embed.title, embed.description, embed.footer.text]
        texts += [text for field in embed.fields for text in (field.name, field.value)]
    return [text.split() for text in texts if text]


def _same(one: Form, other: Form) -> bool:
    """Whether both are sent alike."""
    return one.reply_to == other.reply_to and _payload(one.shown) == _payload(other.shown)


def _payload(shown: Alert) -> tuple[object, ...]:
    return (
        shown.content,
        [embed.to_dict() for embed in shown.embeds],
        shown.allowed_mentions.to_dict(),
        shown.view and shown.view.to_components(),
        shown.silent,
    )


def _with_fewer_buttons(shown: Alert, part: Part, named: Collection[int]) -> Alert:
    if shown.view is None:
        return shown
    kept = [
        item
        for place, item in enumerate(shown.view.children)
        if not (_is_link(item) if part is Part.LINK else not named or place in named)
    ]
    return replace(shown, view=row(kept) if kept else None)


def _is_link(item: discord.ui.Item[discord.ui.View]) -> bool:
    return isinstance(item, discord.ui.Button) and item.url is not None


def _as_text(shown: Alert) -> Alert:
    """The words of the embeds below the content, and last the mark by which the message is found again."""
    words = [shown.content, *(text for embed in shown.embeds for text in (embed.title, embed.description))]
    words += [f"**{each.name}**\n{each.value}" for embed in shown.embeds for each in embed.fields]
    mark = "\n".join(f"-# {embed.footer.text}" for embed in shown.embeds if embed.footer.text)
    text = within("\n".join(filter(None, words)).splitlines(), TEXT_LIMIT - len(mark) - 1)
    return replace(shown, content=f"{text}\n{mark}", embeds=())


def _without_urls(shown: Alert) -> Alert:
    content = shown.content and URL.sub(NO_URL, shown.content)
    embeds = tuple(discord.Embed.from_dict(_unlinked(embed.to_dict())) for embed in shown.embeds)  # type: ignore[arg-type] # of the same shape
    return replace(shown, content=content, embeds=embeds)


def _unlinked(value: object) -> object:
    """The same JSON with no address in any of its texts, and without what is nothing but one.

    What must be there is never left out, such as the value of a field.
    """
    match value:
        case str():
            return URL.sub(NO_URL, value)
        case list():
            return [_unlinked(each) for each in value]
        case dict():
            return {key: _unlinked(each) for key, each in value.items() if key not in _LINKS}
        case _:
            return value
