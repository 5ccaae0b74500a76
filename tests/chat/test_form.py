"""A message without a part of it says the rest as before, and is found by its mark."""

from collections.abc import Collection

import discord
import pytest

from bot.chat.alerts import Alert, row
from bot.chat.answers import Part
from bot.chat.form import NO_URL, Form, without

LINK = discord.ui.Button[discord.ui.View](label="Runbook", url="https://wiki.example.com/banned")
ACK = discord.ui.Button[discord.ui.View](label="Acknowledge", custom_id="incident:ack:1")
DETAILS = discord.ui.Button[discord.ui.View](label="Details", custom_id="incident:details:1")


def whole() -> Form:
    """A message that has each part but a file."""
    embed = discord.Embed(title="1900 is BANNED", description="see https://evil.example/a, then act", url="https://a.b")
    embed.add_field(name="What to do", value=r"look at https\:\/\/evil\.example\/b")
    embed.set_footer(text="ref abcd-1")
    roles = discord.AllowedMentions(everyone=False, users=False, roles=[discord.Object(7)])
    shown = Alert("<@&7> **BANNED**", (embed,), roles, row([ACK, LINK, DETAILS]), silent=True)
    return Form(shown, reply_to=4711)


def told(form: Form) -> str:
    """All that is said."""
    return f"{form.shown.content} {[embed.to_dict() for embed in form.shown.embeds]}"


def labels(form: Form) -> list[str | None]:
    """Its buttons."""
    children = form.shown.view.children if form.shown.view else []
    return [each.label for each in children if isinstance(each, discord.ui.Button)]


@pytest.mark.parametrize(
    ("part", "named", "left"),
    [
        (Part.LINK, (), ["Acknowledge", "Details"]),
        (Part.BUTTONS, (0,), ["Runbook", "Details"]),
        (Part.BUTTONS, (), []),
        (Part.REPLY, (), ["Acknowledge", "Runbook", "Details"]),
    ],
)
def test_only_the_buttons_that_are_refused_go(part: Part, named: Collection[int], left: list[str]) -> None:
    less = without(whole(), part, named)
    assert less is not None
    assert labels(less) == left
    assert told(less) == told(whole())
    assert (less.reply_to is None) == (part is Part.REPLY)


def test_an_embed_is_said_as_text_that_ends_with_its_mark() -> None:
    less = without(whole(), Part.EMBED)
    assert less is not None
    assert not less.shown.embeds
    assert less.shown.content is not None
    for words in ("**BANNED**", "1900 is BANNED", "then act", "What to do"):
        assert words in less.shown.content
    assert less.shown.content.endswith("ref abcd-1")


def test_an_embed_that_is_too_long_for_a_text_is_cut_and_keeps_its_mark() -> None:
    embed = discord.Embed(description="\n".join(["a line of many words"] * 190)).set_footer(text="ref abcd-1")
    less = without(Form(Alert("", (embed,), discord.AllowedMentions.none())), Part.EMBED)
    assert less is not None
    assert less.shown.content is not None
    assert len(less.shown.content) <= 2000
    assert less.shown.content.endswith("ref abcd-1")


def test_links_in_texts_go_and_the_words_around_them_stay() -> None:
    less = without(whole(), Part.URLS)
    assert less is not None
    assert "evil" not in told(less)
    assert f"see {NO_URL}" in told(less)
    assert "ref abcd-1" in told(less)
    assert "https" not in told(less)
    assert less.shown.embeds[0].url is None
    assert labels(less) == labels(whole())


def test_a_field_that_is_nothing_but_a_link_still_has_a_value_since_discord_wants_one() -> None:
    link = "https://evil.example/a"
    embed = discord.Embed(title=link).add_field(name=link, value=link).set_footer(text=link).set_author(name=link)
    less = without(Form(Alert(link, (embed,), discord.AllowedMentions.none())), Part.URLS)
    assert less is not None
    (shown,) = less.shown.embeds
    assert [(each.name, each.value) for each in shown.fields] == [(NO_URL, NO_URL)]
    assert (shown.title, shown.footer.text, shown.author.name) == (NO_URL, NO_URL, NO_URL)
    assert "evil" not in told(less)


def test_mentions_and_silence_go_without_a_word() -> None:
    silent, unheard = without(whole(), Part.SILENCE), without(whole(), Part.MENTIONS)
    assert silent is not None
    assert not silent.shown.silent
    assert unheard is not None
    assert unheard.shown.allowed_mentions.to_dict() == discord.AllowedMentions.none().to_dict()
    assert told(silent) == told(unheard) == told(whole())


@pytest.mark.parametrize("part", Part)
def test_what_has_no_such_part_is_not_sent_again(part: Part) -> None:
    assert without(Form(Alert("words", (), discord.AllowedMentions.none())), part) is None
