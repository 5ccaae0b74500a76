"""The buttons under a card of the ops channel, the menus that they open, and the pages of what is open.

A card's buttons hold the id of its message, and count only on the message of Discord that shows it. What they open is
seen by one person; a press there is checked as if it were the first.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

import discord

from bot.chat.alerts import incident_list, row
from bot.chat.buttons import silence
from bot.chat.buttons.press import STALE, Pressed, admitted
from bot.chat.buttons.tokens import linked_card, token_view, viewed
from bot.chat.cards import Overview
from bot.chat.desk import Desk, UnclearError, answer, apologise, say, wait
from bot.chat.text import bare, listed, stamp
from bot.domain.incidents import Incident, Message, Rule
from bot.domain.model import Severity, Token
from bot.domain.steering import Scope

ALL = "all"
_SEVERITIES = "|".join([ALL, *Severity])
_RULES = "|".join(Rule)

OPTIONS = 25
"""Of a menu."""

UNKNOWN_MESSAGE = (
    "The bot knows nothing of this message any more, so nothing was done. `/incidents` shows what is open."
)
NOT_YET = "This message is only just being posted. Press again in a moment."
ALREADY_OVER = "It is over already."

Item = discord.ui.Item[discord.ui.View]


class Menu(NamedTuple):
    """What somebody chose in a message that only they see."""

    message: Message
    page: int = 0
    value: str = ""
    """The option, of a menu; empty for a button."""
    rule: Rule | None = None
    """What it is about, of the incidents of the message, when that was chosen before."""


class _OfIncidents(discord.ui.DynamicItem[Item], template="(?!)"):
    """What a press of any of these begins with. It has no custom id of its own."""

    def __init__(self, item: Item, match: re.Match[str]) -> None:
        """As pressed, or chosen from."""
        super().__init__(item)
        self._match = match

    @classmethod
    async def from_custom_id(cls, _interaction: Pressed, item: discord.ui.Item[Any], match: re.Match[str], /) -> Self:
        """As discord.py asks for it when it is used."""
        return cls(item, match)

    async def interaction_check(self, interaction: Pressed, /) -> bool:
        """Whoever may ask may press."""
        return await admitted(interaction)


class OnCard(_OfIncidents, template=r"incident:(?P<act>ack|silence|details|unfold):(?P<id>[0-9]{1,18})"):
    """A button under a card."""

    async def callback(self, interaction: Pressed) -> None:
        """Say that an answer will come, see whether the card is what it seems, and act."""
        try:
            await wait(interaction)
            message = await _message(interaction, int(self._match["id"]))
            _check_shown(interaction, message)
            await _ON_CARD[self._match["act"]](interaction, message)
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)


class OnMenu(
    _OfIncidents,
    template=(
        r"incident:menu:(?P<act>rule|quiet|token|details|unfold):(?P<id>[0-9]{1,18})"
        rf":(?P<page>[0-9]{{1,4}})(:(?P<rule>{_RULES}))?"
    ),
):
    """A menu or a page button in what a card's button opened."""

    async def callback(self, interaction: Pressed) -> None:
        """Act, and show what comes of it in place of the menu."""
        if interaction.message is None or not interaction.message.flags.ephemeral:
            await say(interaction, STALE)
            return
        try:
            await interaction.response.defer()
            message = await _message(interaction, int(self._match["id"]))
            chosen = self.item.values[0] if isinstance(self.item, discord.ui.Select) else ""
            rule = Rule(self._match["rule"]) if self._match["rule"] else None
            menu = Menu(message, int(self._match["page"]), chosen, rule)
            await _ON_MENU[self._match["act"]](interaction, menu)
        except Exception as error:  # noqa: BLE001 - an edge, as above
            await apologise(interaction, error)


class OnList(
    _OfIncidents,
    template=rf"incidents:page:(?P<page>[0-9]{{1,4}}):(?P<severity>{_SEVERITIES}):(?P<token>{ALL}|[0-9]{{1,19}})",
):
    """Shows a page of what is open in the same message."""

    async def callback(self, interaction: Pressed) -> None:
        """Read where the messages are, and show the page."""
        try:
            await interaction.response.defer()
            severity = None if self._match["severity"] == ALL else Severity(self._match["severity"])
            token = None if self._match["token"] == ALL else int(self._match["token"])
            embed, view = await open_page(interaction, int(self._match["page"]), severity, token)
            await answer(interaction, embed=embed, view=view)
        except Exception as error:  # noqa: BLE001 - an edge, as above
            await apologise(interaction, error)


async def open_page(
    interaction: Pressed, page: int, severity: Severity | None, token: int | None
) -> tuple[discord.Embed, discord.ui.View]:
    """A page of what is open, each with its link, and the buttons under it.

    Raises:
        StoreError: Where the messages are cannot be read.
    """
    desk: Desk = interaction.client.desk
    links = {key: interaction.client.place.link(message_id) for key, message_id in (await desk.links()).items()}
    found = [
        incident
        for incident in desk.known.incidents.values()
        if incident.open
        and incident.notifiable
        and severity in {None, incident.severity}
        and (token is None or incident.key.token == token)
    ]
    count = len(found) or "No"
    kind, about = f"{severity} " if severity else "", "" if token is None else f" about token {token}"
    plural = len(found) > 1
    heading = f"{count} {kind}incident{'s' * plural}{about} {'are' if plural else 'is'} open"
    embed, pages = incident_list(heading, found, desk.fleet, page, suppressed=desk.known.suppressed(), links=links)
    address = f"{severity or ALL}:{ALL if token is None else token}"
    turns = _turns(page, pages, lambda number: f"incidents:page:{number}:{address}")
    return embed, row(turns)


async def _message(interaction: Pressed, message_id: int) -> Message:
    """The message whose id a component carries."""
    message: Message | None = await interaction.client.desk.message(message_id)
    if message is None or message.notice is not None:
        raise UnclearError(UNKNOWN_MESSAGE)
    return message


def _check_shown(interaction: Pressed, message: Message) -> None:
    """A button counts on its own card only, not on a copy, and not on one that was posted anew since."""
    if message.discord_id is None:
        raise UnclearError(NOT_YET)
    if interaction.message is None or interaction.message.id != message.discord_id:
        link = interaction.client.place.link(message.discord_id)
        sentence = f"This is no longer the message of its incidents, so nothing was done. It is here now: {link}"
        raise UnclearError(sentence)


def _open(message: Message) -> list[Incident]:
    open_ = [incident for incident in message.incidents if incident.open]
    if not open_:
        raise UnclearError(ALREADY_OVER)
    return open_


# The buttons of a card.


async def _acknowledge(interaction: Pressed, message: Message) -> None:
    """Confirmed only when it is stored. Of two people at once, one has it and the other is told who."""
    desk: Desk = interaction.client.desk
    keys = [incident.key for incident in _open(message)]
    taken = {incident.key for incident in await desk.acknowledge(keys, interaction.user.id)}
    now_open = [incident for key in keys if (incident := desk.known.incidents.get(key)) and incident.open]
    others = [incident for incident in now_open if incident.key not in taken and incident.acknowledged]
    said = [_yours(len(taken))] if taken else []
    said += [_theirs(others, interaction.user.id)] if others else []
    await answer(interaction, " ".join(said) or ALREADY_OVER)


def _yours(count: int) -> str:
    what = "it" if count == 1 else f"{count} of them"
    return f"You have {what} now. There are no reminders until it gets worse."


def _theirs(others: Sequence[Incident], me: int) -> str:
    moments = [incident.acknowledged for incident in others if incident.acknowledged]
    people = sorted({moment.who or 0 for moment in moments})
    names = listed(["you" if who == me else f"<@{who}>" for who in people], 5)
    has = "have" if people == [me] or len(people) > 1 else "has"
    what = "it" if len(others) == 1 else f"{len(others)} of them"
    return (
        f"{names[0].upper()}{names[1:]} {has} {what} already, acknowledged {stamp(min(each.at for each in moments))}."
    )


async def _silence(interaction: Pressed, message: Message) -> None:
    """Ask for how long; of several rules first ask for which: the noise of one may drown the other."""
    rules = Counter(incident.key.rule for incident in _open(message))
    if len(rules) == 1:
        await _ask_length(interaction, message, *rules)
        return
    menu: discord.ui.Select[discord.ui.View] = discord.ui.Select(
        custom_id=f"incident:menu:rule:{message.id}:0",
        placeholder="Which rule?",
        options=[
            discord.SelectOption(label=f"{silence.rule_name(rule)} ({count})", value=rule)
            for rule, count in rules.items()
        ],
    )
    await answer(interaction, "Silence which of them?", view=row([menu]))


async def _ask_length(interaction: Pressed, message: Message, rule: Rule) -> None:
    scope = _scope(message, rule)
    menu: discord.ui.Select[discord.ui.View] = discord.ui.Select(
        custom_id=f"incident:menu:quiet:{message.id}:0:{rule}",
        placeholder="For how long?",
        options=[
            discord.SelectOption(label=label, value=value)
            for value, (label, _) in _lengths(interaction.client.desk, scope).items()
        ],
    )
    await answer(interaction, f"Silence {silence.scope_name(scope)}:", view=row([menu]))


def _scope(message: Message, rule: Rule) -> Scope:
    """Of a rule's one incident just that; of several the rule."""
    keys = [incident.key for incident in _open(message) if incident.key.rule is rule]
    if not keys:
        raise UnclearError(ALREADY_OVER)
    if len(keys) == 1:
        return Scope(rule, keys[0].token, keys[0].step if keys[0].token is not None else "")
    return Scope(rule)


def _lengths(desk: Desk, scope: Scope) -> Mapping[str, tuple[str, datetime | None]]:
    """How long a silence from the menu lasts, by its option's value: a label, and until when."""
    token = None if scope.token is None else desk.fleet.tokens.get(scope.token)
    refill = token.subscription.next_refill(desk.now) if token else None
    return {
        **{f"{hours}h": (f"{hours} h", desk.now + timedelta(hours=hours)) for hours in (1, 4, 24)},
        **({"renewal": ("until the refill", refill)} if refill else {}),
        **({"resolved": ("until it is resolved", None)} if silence.may_end_when_resolved(scope) else {}),
    }


async def _details(interaction: Pressed, message: Message) -> None:
    """The token's card; of several a menu of tokens."""
    tokens = _tokens(message)
    if len(tokens) == 1:
        token = _token(interaction.client.desk, tokens[0])
        await answer(interaction, embed=await linked_card(interaction, token), view=token_view(token))
    else:
        await _pick(interaction, Menu(message))


async def _unfold(interaction: Pressed, message: Message) -> None:
    await _unfolded(interaction, Menu(message))


_ON_CARD: Mapping[str, Callable[[Pressed, Message], Awaitable[None]]] = {
    "ack": _acknowledge,
    "silence": _silence,
    "details": _details,
    "unfold": _unfold,
}


# The menus.


async def _choose_rule(interaction: Pressed, menu: Menu) -> None:
    chosen = next((rule for rule in Rule if rule == menu.value), None)
    if chosen is None:
        raise UnclearError(STALE)
    await _ask_length(interaction, menu.message, chosen)


async def _begin_silence(interaction: Pressed, menu: Menu) -> None:
    if menu.rule is None:
        raise UnclearError(STALE)
    scope = _scope(menu.message, menu.rule)
    lengths = _lengths(interaction.client.desk, scope)
    if menu.value not in lengths:
        raise UnclearError(STALE)
    _, until = lengths[menu.value]
    await answer(interaction, await silence.begin(interaction.client, scope, until, interaction.user.id))


async def _pick(interaction: Pressed, menu: Menu) -> None:
    await answer(interaction, "Which token?", view=row(_choice(interaction.client.desk, menu)))


async def _show(interaction: Pressed, menu: Menu) -> None:
    """The card of the token that was chosen, with the menu still under it."""
    chosen = next((token for token in _tokens(menu.message) if str(token) == menu.value), None)
    if chosen is None:
        raise UnclearError(STALE)
    desk: Desk = interaction.client.desk
    embed = await linked_card(interaction, _token(desk, chosen))
    await answer(interaction, embed=embed, view=row(_choice(desk, menu)))


async def _unfolded(interaction: Pressed, menu: Menu) -> None:
    """Every incident of a summary, with its state."""
    desk: Desk = interaction.client.desk
    incidents = menu.message.incidents
    open_ = sum(incident.open for incident in incidents)
    heading = f"{len(incidents)} incidents, {open_} of them open"
    embed, pages = incident_list(heading, incidents, desk.fleet, menu.page, suppressed=desk.known.suppressed())
    turns = _turns(menu.page, pages, lambda number: f"incident:menu:unfold:{menu.message.id}:{number}")
    await answer(interaction, embed=embed, view=row(turns))


_ON_MENU: Mapping[str, Callable[[Pressed, Menu], Awaitable[None]]] = {
    "rule": _choose_rule,
    "quiet": _begin_silence,
    "token": _show,
    "details": _pick,
    "unfold": _unfolded,
}


def _tokens(message: Message) -> list[int]:
    """The tokens that a message is about, by id."""
    tokens = {incident.key.token for incident in message.incidents}
    found = sorted(token for token in tokens if token is not None)
    if not found:
        raise UnclearError(STALE)
    return found


def _choice(desk: Desk, menu: Menu) -> Iterable[Item]:
    """A menu of tokens, and the buttons to the other pages of it."""
    tokens, pages = _tokens(menu.message), -(-len(_tokens(menu.message)) // OPTIONS)
    page = min(menu.page, pages - 1)
    shown = tokens[page * OPTIONS : (page + 1) * OPTIONS]
    view = viewed(desk)
    options = [discord.SelectOption(label=_label(view, each), value=str(each)) for each in shown]
    address = f"{menu.message.id}:{page}"
    yield discord.ui.Select(custom_id=f"incident:menu:token:{address}", placeholder="Which token?", options=options)
    yield from _turns(page, pages, lambda number: f"incident:menu:details:{menu.message.id}:{number}")


def _label(view: Overview, token_id: int) -> str:
    token = view.fleet.tokens.get(token_id)
    if token is None:
        return f"{token_id}"
    return bare(f"{view.sign(token)[0]} {token_id} · {token.status_text or 'no status'}", 100)


def _token(desk: Desk, token_id: int) -> Token:
    token = desk.fleet.tokens.get(token_id)
    if token is None:
        sentence = f"Token {token_id} is not in ImaginePro's list any more."
        raise UnclearError(sentence)
    return token


def _turns(page: int, pages: int, address: Callable[[int], str]) -> Iterable[Item]:
    """Buttons to the page before, the same page as of now, and the next; none where there is but one page."""
    if pages == 1:
        return
    page = min(page, pages - 1)
    if page > 0:
        yield discord.ui.Button(label="◀ Back", custom_id=address(page - 1))
    yield discord.ui.Button(label=f"{page + 1} of {pages}", emoji="🔄", custom_id=address(page))
    if page < pages - 1:
        yield discord.ui.Button(label="More ▶", custom_id=address(page + 1))
