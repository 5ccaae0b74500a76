"""What `/notify` does: it reads what somebody wishes to hear of, keeps that, and says how it is."""

import re
from datetime import time
from typing import Final

from bot.chat.alerts.personal import kept_quiet, wished
from bot.chat.cards import BLUE, GREY, compose
from bot.chat.commands.options import group_named, zone_named
from bot.chat.desk import Asked, UnclearError, answer, wait
from bot.chat.text import plain, quoted, stamp
from bot.domain.groups import NO_GROUP
from bot.domain.value import Value, replace
from bot.domain.wishes import Quiet, Wish, wish_id

_HOURS: Final = re.compile(
    r"(?P<begin>[0-9]{1,2})(?::(?P<first>[0-9]{2}))?\s*(?:[-\u2010-\u2015\u2212]|to)\s*"
    r"(?P<end>[0-9]{1,2})(?::(?P<last>[0-9]{2}))?",
    re.ASCII,
)
"""Phones make a longer dash of it."""

WRITE: Final = "Write quiet hours as 22:00-07:00, or off."
UNCHANGED: Final = "Nothing was changed."


class Asks(Value):
    """What somebody wrote; None leaves it as it is."""

    pages: bool | None = None
    mine: bool | None = None
    group: str | None = None
    quiet: str | None = None
    zone: str | None = None


async def wish(interaction: Asked, asks: Asks) -> None:
    """Keep what somebody wishes to hear of; what they did not say stays as it was. A message shows that it works."""
    await wait(interaction)
    client, desk, me = interaction.client, interaction.client.desk, interaction.user.id
    async with client.turn:
        before = desk.known.decisions.wishes.get(wish_id(me))
        try:
            group = _group(interaction, asks, before)
            asked = _asked(asks, before or Wish(me, desk.now), group, client.place.timezone, new=before is None)
        except UnclearError as error:
            sentence = f"{error} {UNCHANGED}"
            raise UnclearError(sentence) from None
        await desk.decide(replace(asked, at=desk.now, woken_at=None, refused_at=None), "notify me", me)
    said = [
        f"You will hear of {wished(asked)}.",
        kept_quiet(asked),
        "A direct message that says so is on its way. If none comes, this channel will say why.",
    ]
    await answer(interaction, "\n".join(filter(None, said)))


def _asked(asks: Asks, wish: Wish, group: str, zone: str, *, new: bool) -> Wish:
    """The wish as it is to be. Who never said what, and says no more than that, gets pages and what is theirs.

    Raises:
        UnclearError: With all that cannot be, and how to write it.
    """
    usual = new and asks.pages is None and asks.mine is None and asks.group is None
    wish = replace(
        wish,
        pages=usual or (wish.pages if asks.pages is None else asks.pages),
        mine=usual or (wish.mine if asks.mine is None else asks.mine),
        group=group,
        quiet=_quiet(asks, wish.quiet, zone),
    )
    if not (wish.pages or wish.mine or wish.group):
        sentence = "That is nothing to hear of. Choose `pages`, `mine` or a `group`; `/notify off` ends the messages."
        raise UnclearError(sentence)
    return wish


def _group(interaction: Asked, asks: Asks, before: Wish | None) -> str:
    """Which one, by its name; empty for none."""
    if asks.group is None:
        return before.group if before else ""
    if asks.group.strip().casefold() in NO_GROUP:
        return ""
    found = group_named(interaction, asks.group)
    return found.name if found else ""


def _quiet(asks: Asks, before: Quiet | None, zone: str) -> Quiet | None:
    if asks.quiet is not None and asks.quiet.strip().casefold() in NO_GROUP:
        return None
    wrong: list[str] = []
    hours = None if before is None else (before.begin, before.end)
    here = zone if before is None else before.zone
    try:
        hours = hours if asks.quiet is None else _hours(asks.quiet)
    except UnclearError as error:
        wrong.append(str(error))
    try:
        here = here if asks.zone is None else zone_named(asks.zone, zone)
    except UnclearError as error:
        wrong.append(str(error))
    if not wrong and hours is None and asks.zone is not None:
        wrong.append(f"A zone is that of quiet hours, and you have none. {WRITE}")
    if wrong:
        raise UnclearError(" ".join(wrong))
    return None if hours is None else Quiet(*hours, here)


def _hours(text: str) -> tuple[time, time]:
    found = _HOURS.fullmatch(text.strip().casefold())
    try:
        if found is None:
            raise ValueError  # noqa: TRY301 - one sentence for all that is no time
        begin = time(int(found["begin"]), int(found["first"] or 0))
        end = time(int(found["end"]) % 24, int(found["last"] or 0)) if found["end"] != "24" else time(0)
    except ValueError:
        sentence = f"{quoted(text, 40)} is no span of hours. {WRITE}"
        raise UnclearError(sentence) from None
    if begin == end:
        sentence = "Those hours begin when they end. To hear of nothing all day, use `/notify off`."
        raise UnclearError(sentence)
    return begin, end


async def show(interaction: Asked) -> None:
    """What they get, and whether it reaches them."""
    decisions = interaction.client.desk.known.decisions
    wish = decisions.wishes.get(wish_id(interaction.user.id))
    if wish is None:
        lines = ["`/notify me` sends you pages, and what becomes of your incidents."]
        embed = compose("📪 You get no direct messages", lines, GREY)
    elif wish.refused_at is not None:
        refused = f"Discord refused to take messages to you {stamp(wish.refused_at)}. You had chosen {wished(wish)}."
        mend = "Allow direct messages under this server's Privacy Settings, then use `/notify me` again: that stays."
        embed = compose("📪 Nothing is sent to you", [refused, mend], GREY)
    else:
        lost = bool(wish.group) and decisions.group(wish.group) is None
        gone = f"There is no group {plain(wish.group, 60)} any more: nothing comes of that." if lost else ""
        embed = compose(
            "📬 What you get by direct message",
            filter(None, [f"You hear of {wished(wish)}.", kept_quiet(wish), gone]),
            BLUE,
        )
    await interaction.response.send_message(embed=embed, ephemeral=True)


async def off(interaction: Asked) -> None:
    """End it."""
    await wait(interaction)
    client, me = interaction.client, interaction.user.id
    async with client.turn:
        found = client.desk.known.decisions.wishes.get(wish_id(me))
        if found is None or not await client.desk.undo(found, "notify off", me):
            sentence = "You get no direct messages as it is. `/notify me` sends you some."
            raise UnclearError(sentence)
    await answer(interaction, "No more direct messages for you. What is on its way already may still come.")
