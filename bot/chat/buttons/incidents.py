"""The buttons under a card of the ops channel, and the menus that they open.

A card's buttons hold the id of its message, and count only on the message of Discord that shows it. What they open is
seen by one person; a press there is checked as if it were the first.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar

import discord

from bot.chat.alerts import incident_list, row
from bot.chat.alerts.switches import SWITCHES
from bot.chat.buttons import response, silence
from bot.chat.buttons.listing import pages_of
from bot.chat.buttons.press import STALE, IncidentItem, Item, Pressed
from bot.chat.buttons.subject import ADDRESS, ALREADY_OVER, Menu, Subject, check_shown, subject_at
from bot.chat.buttons.switching import chosen, switch
from bot.chat.buttons.tokens import linked_card, token_view, viewed
from bot.chat.cards import Overview
from bot.chat.desk import Desk, Need, UnclearError, answer, apologise, say, wait
from bot.chat.text import bare, called, called_bare, capitalised
from bot.domain.incidents import Incident, Rule
from bot.domain.model import Token
from bot.domain.naming import NOUNS, name_of
from bot.domain.rules.table import FLEET_RULES
from bot.domain.steering import Scope
from bot.storage.store import StoreError

_RULES = "|".join(Rule)

OPTIONS = 25
"""Of a menu."""

TIMED = {"1h": 1, "4h": 4, "24h": 24}
"""Lengths of a silence, in hours, by the value of their option."""
ALL_TOKENS = "all:"
"""Before them, for a silence of a rule whatever comes."""

NEEDS: Mapping[str, Need] = {
    **dict.fromkeys(("details", "unfold"), Need.VIEW),
    **dict.fromkeys(("ack", "release", "handover", "silence", "unsilence", "discuss", "gone", "note"), Need.OPERATE),
    **dict.fromkeys(SWITCHES, Need.ACT),
}
"""What each button under a card needs."""


class OnCard(
    IncidentItem,
    template=(
        r"incident:(?P<act>ack|release|handover|silence|unsilence|details|unfold|discuss|note|gone|off|on|relax):(?P<id>[0-9]{1,18})"
    ),
):
    """A button under a card."""

    needs: ClassVar = NEEDS

    async def callback(self, interaction: Pressed) -> None:
        """Say that an answer will come, see whether the card is what it seems, and act."""
        try:
            if (form := _FORMS.get(self._match["act"])) is not None:
                await form(interaction, self._match["id"])
                return
            await wait(interaction)
            subject = await subject_at(interaction, self._match["id"])
            check_shown(interaction, subject)
            await _ON_CARD[self._match["act"]](interaction, Menu(subject))
        except Exception as error:  # noqa: BLE001 - an edge: discord.py would log it and leave the person without a word
            await apologise(interaction, error)


class OnMenu(
    IncidentItem,
    template=(
        r"incident:menu:(?P<act>give|rule|quiet|token|details|unfold"
        r"|do-(?:ack|release|handover|silence|unsilence|note|details|gone|off|on|relax)|to-(?:off|on|relax))"
        rf":(?P<id>{ADDRESS}):(?P<page>[0-9]{{1,4}})(:(?P<rule>{_RULES}))?"
    ),
):
    """A menu or a page button in what a card's button opened."""

    needs: ClassVar = {
        **dict.fromkeys(("token", "details", "unfold"), Need.VIEW),
        **dict.fromkeys(("give", "rule", "quiet"), Need.OPERATE),
        **{f"do-{act}": need for act, need in NEEDS.items() if act not in {"unfold", "discuss"}},
        **{f"to-{act}": NEEDS[act] for act in SWITCHES},
    }

    async def callback(self, interaction: Pressed) -> None:
        """Act, and show what comes of it in place of the menu."""
        if interaction.message is None or not interaction.message.flags.ephemeral:
            await say(interaction, STALE)
            return
        try:
            if (form := _FORMS.get(self._match["act"].removeprefix("do-"))) is not None:
                await form(interaction, self._match["id"])
                return
            await interaction.response.defer()
            subject = await subject_at(interaction, self._match["id"])
            values = tuple(self.item.values) if isinstance(self.item, discord.ui.Select) else ()
            person = self.item.values[0] if isinstance(self.item, discord.ui.UserSelect) else None
            rule = Rule(self._match["rule"]) if self._match["rule"] else None
            menu = Menu(subject, int(self._match["page"]), values, rule, person)
            await _ON_MENU[self._match["act"]](interaction, menu)
        except Exception as error:  # noqa: BLE001 - an edge, as above
            await apologise(interaction, error)


# What is opened.


async def _silence(interaction: Pressed, menu: Menu) -> None:
    """Ask for how long; of several rules first ask for which: the noise of one may drown the other."""
    rules = Counter(incident.key.rule for incident in menu.subject.open)
    if len(rules) == 1:
        await _ask_length(interaction, menu.subject, *rules)
        return
    select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
        custom_id=f"incident:menu:rule:{menu.subject.address}:0",
        placeholder="Which rule?",
        options=[
            discord.SelectOption(label=capitalised(f"{NOUNS[rule]} ({count})"), value=rule)
            for rule, count in rules.items()
        ],
    )
    await answer(interaction, "Silence which of them?", view=row([select]))


async def _ask_length(interaction: Pressed, subject: Subject, rule: Rule) -> None:
    desk: Desk = interaction.client.desk
    these = _these(subject, rule)
    select: discord.ui.Select[discord.ui.View] = discord.ui.Select(
        custom_id=f"incident:menu:quiet:{subject.address}:0:{rule}",
        placeholder="For how long?",
        options=list(_options(desk, these, rule)),
    )
    about = silence.silence_of_these(desk, these, None, interaction.user.id)
    await answer(interaction, f"Silence {name_of(about)}:", view=row([select]))


def _these(subject: Subject, rule: Rule) -> list[Incident]:
    these = [incident for incident in subject.open if incident.key.rule is rule]
    if not these:
        raise UnclearError(ALREADY_OVER)
    return these


def _options(desk: Desk, these: Sequence[Incident], rule: Rule) -> Iterable[discord.SelectOption]:
    """What the menu offers; of a group first just these, then its rule for all tokens."""
    lengths = _lengths(desk, _scope(these, rule))
    if len(these) == 1:
        yield from (discord.SelectOption(label=label, value=value) for value, (label, _) in lengths.items())
        return
    now = sum(each.open and each.notifiable and key.rule is rule for key, each in desk.known.incidents.items())
    for value, (label, _) in lengths.items():
        how_long = label.replace("it is", "they are") if label.startswith("until") else f"for {label}"
        yield discord.SelectOption(
            label=f"these {len(these)} {how_long}", value=value, description="New ones are still told."
        )
    for value in TIMED if rule not in FLEET_RULES else ():
        label, _ = lengths[value]
        yield discord.SelectOption(
            label=f"any {NOUNS[rule]} of any token ({now} now), for {label}",
            value=f"{ALL_TOKENS}{value}",
            description="New ones are not told until then.",
        )


def _scope(these: Sequence[Incident], rule: Rule) -> Scope:
    tokens = {each.key.token for each in these}
    return Scope(rule, tokens.pop() if len(tokens) == 1 else None)


def _lengths(desk: Desk, scope: Scope) -> Mapping[str, tuple[str, datetime | None]]:
    """How long a silence from the menu lasts, by its option's value: a label, and until when."""
    token = None if scope.token is None else desk.fleet.tokens.get(scope.token)
    refill = token.subscription.next_refill(desk.now) if token else None
    return {
        **{value: (f"{hours} h", desk.now + timedelta(hours=hours)) for value, hours in TIMED.items()},
        **({"renewal": ("until the refill", refill)} if refill else {}),
        "resolved": ("until it is resolved", None),
    }


async def _unsilence(interaction: Pressed, menu: Menu) -> None:
    about = [interaction.client.desk.known.incidents.get(each.key, each) for each in menu.subject.open]
    await answer(interaction, await silence.unsilence(interaction.client, about, interaction.user.id))


async def _details(interaction: Pressed, menu: Menu) -> None:
    """The token's card; of several a menu of tokens."""
    tokens = menu.subject.tokens
    if len(tokens) == 1:
        token = _token(interaction.client.desk, tokens[0])
        await _show_card(interaction, menu.subject, token, token_view(interaction.client.access, token))
    else:
        await _pick(interaction, menu)


async def _discuss(interaction: Pressed, menu: Menu) -> None:
    from bot.chat.buttons import discussing  # noqa: PLC0415 - no start needs it

    await discussing.open_thread(interaction, menu)


# The menus.


async def _choose_rule(interaction: Pressed, menu: Menu) -> None:
    chosen = next((rule for rule in Rule if rule == menu.value), None)
    if chosen is None:
        raise UnclearError(STALE)
    await _ask_length(interaction, menu.subject, chosen)


async def _begin_silence(interaction: Pressed, menu: Menu) -> None:
    if menu.rule is None:
        raise UnclearError(STALE)
    desk: Desk = interaction.client.desk
    these = _these(menu.subject, menu.rule)
    by, value = interaction.user.id, menu.value.removeprefix(ALL_TOKENS)
    everywhere = value != menu.value
    lengths = _lengths(desk, _scope(these, menu.rule))
    if value not in (TIMED if everywhere else lengths):
        raise UnclearError(STALE)
    _, until = lengths[value]
    if everywhere:
        decision = silence.silence_of(desk, Scope(menu.rule), until, by)
    else:
        decision = silence.silence_of_these(desk, these, until, by)
    await answer(interaction, await silence.begin(interaction.client, decision))


async def _pick(interaction: Pressed, menu: Menu) -> None:
    await answer(interaction, "Which token?", view=row(_choice(interaction.client.desk, menu)))


async def _show(interaction: Pressed, menu: Menu) -> None:
    """The card of the token that was chosen, with the menu still under it."""
    chosen = next((token for token in menu.subject.tokens if str(token) == menu.value), None)
    if chosen is None:
        raise UnclearError(STALE)
    desk: Desk = interaction.client.desk
    await _show_card(interaction, menu.subject, _token(desk, chosen), row(_choice(desk, menu)))


async def _show_card(interaction: Pressed, subject: Subject, token: Token, view: discord.ui.View) -> None:
    """The card of a token, with a chart of the day around what the message is about."""
    from bot.chat.buttons import past, pictured  # noqa: PLC0415 - no start needs what draws

    embed = await linked_card(interaction, token)
    about = [each for each in subject.incidents if each.key.token == token.id]
    try:
        pictured_card = await past.around(interaction.client, token.id, about, embed, view)
    except StoreError:  # polls say so in the log, and the card is one without its past
        await answer(interaction, embed=embed, view=view)
    else:
        await pictured.illustrate(interaction, pictured_card)


async def _unfolded(interaction: Pressed, menu: Menu) -> None:
    """Every incident of a summary, with its state."""
    desk: Desk = interaction.client.desk
    incidents = menu.subject.incidents
    open_ = sum(incident.open for incident in incidents)
    heading = f"{len(incidents)} incidents, {open_} of them open"
    embed, pages = incident_list(heading, incidents, desk.fleet, menu.page, suppressed=silence.quiet_by(desk.known))
    turns = pages_of(menu.page, pages, lambda number: f"incident:menu:unfold:{menu.subject.address}:{number}")
    await answer(interaction, embed=embed, view=row(turns))


async def _note(interaction: Pressed, address: str) -> None:
    """Ask for what is to be noted."""
    from bot.chat.buttons import noting  # noqa: PLC0415 - no start needs it

    await noting.open_form(interaction, address)


_FORMS: Mapping[str, Callable[[Pressed, str], Awaitable[None]]] = {"note": _note}
"""What opens a form, which Discord takes as the first answer alone: what it is about is looked at when it is sent."""

_ON_CARD: Mapping[str, Callable[[Pressed, Menu], Awaitable[None]]] = {
    "ack": response.acknowledge,
    "release": response.release,
    "handover": response.ask_whom,
    "silence": _silence,
    "unsilence": _unsilence,
    "details": _details,
    "unfold": _unfolded,
    "discuss": _discuss,
    "gone": response.believe,
    **{act: switch(act) for act in SWITCHES},
}

_ON_MENU: Mapping[str, Callable[[Pressed, Menu], Awaitable[None]]] = {
    "give": response.hand_over,
    "rule": _choose_rule,
    "quiet": _begin_silence,
    "token": _show,
    "details": _pick,
    "unfold": _unfolded,
    **{f"do-{act}": doing for act, doing in _ON_CARD.items() if f"do-{act}" in OnMenu.needs or act == "unfold"},
    **{f"to-{act}": chosen(act) for act in SWITCHES},
}


def _choice(desk: Desk, menu: Menu) -> Iterable[Item]:
    """A menu of tokens, and the buttons to the other pages of it."""
    tokens, pages = menu.subject.tokens, -(-len(menu.subject.tokens) // OPTIONS)
    page = min(menu.page, pages - 1)
    shown = tokens[page * OPTIONS : (page + 1) * OPTIONS]
    view = viewed(desk)
    options = [discord.SelectOption(label=_label(view, each), value=str(each)) for each in shown]
    address = f"{menu.subject.address}:{page}"
    yield discord.ui.Select(custom_id=f"incident:menu:token:{address}", placeholder="Which token?", options=options)
    yield from pages_of(page, pages, lambda number: f"incident:menu:details:{menu.subject.address}:{number}")


def _label(view: Overview, token_id: int) -> str:
    token = view.fleet.tokens.get(token_id)
    if token is None:
        return called_bare(token_id, view.fleet.names)
    return bare(
        f"{view.sign(token)[0]} {called_bare(token_id, view.fleet.names)} · {token.status_text or 'no status'}", 100
    )


def _token(desk: Desk, token_id: int) -> Token:
    token = desk.fleet.tokens.get(token_id)
    if token is None:
        sentence = f"{called(token_id, desk.fleet.names, 'Token ')} is not in ImaginePro's list any more."
        raise UnclearError(sentence)
    return token
