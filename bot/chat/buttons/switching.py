"""Acts by the buttons under cards: of an incident, of several, or of a token. They ask as the commands do."""

import re
from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, Self

import discord

from bot.chat.alerts import row
from bot.chat.alerts.switches import may_relax, tokens_for
from bot.chat.buttons.press import Guarded, Pressed
from bot.chat.buttons.subject import Menu
from bot.chat.desk import Access, Desk, Need, UnclearError, answer, apologise, wait
from bot.domain.model import Mode, Status, Token
from bot.domain.naming import NOUNS

ALL = "all"
OPTIONS = 25
"""Of a menu."""

LOOKS = {
    "off": ("Switch off", "⏹️"),
    "on": ("Switch on", "▶️"),
    "relax": ("Switch to relax", "🐢"),
    "fast": ("Switch to fast", "🐇"),
}

MODES = frozenset(Mode)
"""Acts by which a token is set to one; each such command is followed to its end, so they are asked for one by one."""

NOTHING = {
    "off": "None of its tokens is on and in trouble any more, so there is nothing to switch off.",
    "on": "Its tokens are on already.",
    "relax": "None of its tokens works fast and could go on in relax mode.",
}


def switch(act: str) -> Callable[[Pressed, Menu], Awaitable[None]]:
    """What a button under a card does; of several tokens a menu asks first which."""

    async def pressed(interaction: Pressed, menu: Menu) -> None:
        tokens = _tokens(interaction, act, menu)
        if len(tokens) == 1:
            await _ask(interaction, act, menu, tokens)
        else:
            await answer(interaction, _which(act, len(tokens)), view=_menu(act, menu, tokens))

    return pressed


def chosen(act: str) -> Callable[[Pressed, Menu], Awaitable[None]]:
    """What that menu does."""

    async def picked(interaction: Pressed, menu: Menu) -> None:
        tokens = _tokens(interaction, act, menu)
        wanted = tokens if ALL in menu.values else [each for each in tokens if str(each) in menu.values]
        if not wanted:
            raise UnclearError(NOTHING[act])
        await _ask(interaction, act, menu, wanted)

    return picked


def _tokens(interaction: Pressed, act: str, menu: Menu) -> list[int]:
    """Those for which the act is offered still."""
    tokens = tokens_for(act, menu.subject.incidents, interaction.client.desk.fleet)
    if not tokens:
        raise UnclearError(NOTHING[act])
    return tokens


def _all_fit(act: str, count: int) -> bool:
    """Whether all may be chosen at once."""
    from bot.chat.buttons import acting  # noqa: PLC0415 - no start needs what acts

    return act not in MODES and count <= acting.MOST


def _which(act: str, count: int) -> str:
    """What is asked above the menu, and how to name those that do not fit into it."""
    several = act not in MODES
    fit = OPTIONS - _all_fit(act, count)
    command = f"`/toggle` with to:{act}" if several else f"`/mode` with to:{act}"
    more = f" These are the first {fit} of {count}; {command} takes any." if count > fit else ""
    return f"{LOOKS[act][0]} which?{more}"


def _menu(act: str, menu: Menu, tokens: list[int]) -> discord.ui.View:
    """Several may be chosen, but of a mode."""
    several = act not in MODES
    options = [discord.SelectOption(label=f"All {len(tokens)}", value=ALL)] if _all_fit(act, len(tokens)) else []
    options += [discord.SelectOption(label=str(each), value=str(each)) for each in tokens[: OPTIONS - len(options)]]
    select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
        custom_id=f"incident:menu:to-{act}:{menu.subject.address}:0",
        placeholder=f"{LOOKS[act][0]}…",
        options=options,
        max_values=len(options) if several else 1,
    )
    return row([select])


async def _ask(interaction: Pressed, act: str, menu: Menu, tokens: list[int]) -> None:
    from bot.chat.buttons import acting  # noqa: PLC0415 - no start needs what acts

    about = [each for each in menu.subject.incidents if each.key.token in tokens]
    keys = [each.key for each in about]
    reason = ", ".join(dict.fromkeys(NOUNS[each.key.rule] for each in about))
    if act == "relax":
        await acting.ask_mode(interaction, tokens[0], Mode.RELAX, reason=reason, keys=keys)
    else:
        await acting.ask_toggle(interaction, tokens, on=act == "on", reason=reason if act == "off" else "", keys=keys)


class OnToken(Guarded, template=r"token:(?P<act>off|on|relax|fast):(?P<id>[0-9]{1,19})"):
    """An act, under the card of a token."""

    needs: ClassVar = dict.fromkeys(LOOKS, Need.ACT)

    def __init__(self, act: str, token_id: int) -> None:
        """`token_id` is not negative, and has at most 19 digits."""
        label, emoji = LOOKS[act]
        super().__init__(discord.ui.Button(label=label, emoji=emoji, custom_id=f"token:{act}:{token_id}"))
        self._act = act
        self._token_id = token_id

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, _item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when the button is pressed."""
        return cls(match["act"], int(match["id"]))

    async def callback(self, interaction: Pressed) -> None:
        """Ask, in an answer of its own: the card stays."""
        from bot.chat.buttons import acting  # noqa: PLC0415 - as above

        try:
            await wait(interaction)
            desk: Desk = interaction.client.desk
            token = acting.known_token(desk, self._token_id)
            if self._act in {"on", "off"}:
                await acting.ask_toggle(interaction, [token.id], on=self._act == "on")
            else:
                await acting.ask_mode(interaction, token.id, Mode(self._act))
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)


def switches(token: Token, access: Access) -> list[discord.ui.Item[Any]]:
    """The acts that are offered under the card of a token."""
    if access.read_only:
        return []
    acts = {
        "off": token.active is True,
        "on": token.active is False,
        "relax": may_relax(token),
        "fast": token.status is Status.RELAX and token.active is not False and not token.fast_time.gone,
    }
    return [OnToken(act, token.id) for act, offered in acts.items() if offered]
