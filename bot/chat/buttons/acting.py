"""Acts on tokens, as commands and buttons ask for them: the question first, and once confirmed what becomes of it."""

import contextlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import aiohttp
import discord

from bot.acts import ActRefused, new_id
from bot.chat.alerts.acted import acted
from bot.chat.alerts.groups import fitted
from bot.chat.alerts.message import TEXT_LIMIT
from bot.chat.buttons.confirm import confirm
from bot.chat.buttons.press import Pressed
from bot.chat.buttons.tokens import linked_card, reread, token_view, viewed
from bot.chat.cards.acting import Proposal, refreshing, resting, switching, toggling
from bot.chat.cards.status import status_word, unknown
from bot.chat.desk import Desk, UnclearError, answer, apologise, upstream_sentence
from bot.chat.text import by_name, capitalised, plain, within
from bot.domain.acts import Act, Kind, State, infinitive, shows, who
from bot.domain.incidents import Key
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Mode, Token
from bot.imaginepro.errors import UpstreamError

Asking = discord.Interaction[Any]
"""A command, or a button."""

MOST = 100
"""Tokens that are switched together: so many take five minutes, and Discord takes the outcome for fifteen."""


async def ask_toggle(
    interaction: Asking, tokens: Sequence[int], *, on: bool, reason: str = "", keys: Sequence[Key] = ()
) -> None:
    """Ask whether these tokens, which are known, shall be switched on or off.

    Raises:
        UnclearError: They are so already, or too many.
    """
    if len(tokens) > MOST:
        sentence = (
            f"That is {len(tokens)} tokens. At most {MOST} can be switched at once: name fewer in `/toggle`, such as "
            "1900-1999."
        )
        raise UnclearError(sentence)
    proposal = toggling(viewed(interaction.client.desk), tokens, on=on, reason=reason)
    await _ask(interaction, proposal, Kind.TOGGLE, "on" if on else "off", reason, keys)


async def ask_mode(
    interaction: Asking, token_id: int, mode: Mode, *, reason: str = "", keys: Sequence[Key] = ()
) -> None:
    """Ask whether a token's account shall work in that mode.

    Raises:
        UnclearError: There is no such token.
    """
    desk: Desk = interaction.client.desk
    token = known_token(desk, token_id)
    wanted = Act("", Kind.MODE, mode, desk.now, token_id)
    proposal = switching(viewed(desk), token, mode, so=shows(wanted, token), reason=reason)
    await _ask(interaction, proposal, Kind.MODE, mode, reason, keys)


async def ask_refresh(interaction: Asking, token_id: int) -> None:
    """Ask whether Midjourney shall say anew what it says of a token's account.

    Raises:
        UnclearError: Somebody had it do so not long ago, or there is no such token.
    """
    client = interaction.client
    token = known_token(client.desk, token_id)
    _check_rested(interaction, token_id)
    await _ask(
        interaction, refreshing(token, client.refresh_cooldown, client.desk.fleet.names), Kind.REFRESH, "", "", ()
    )


def known_token(desk: Desk, token_id: int) -> Token:
    """A token of the last reading.

    Raises:
        UnclearError: There is none of that id.
    """
    token = desk.fleet.tokens.get(token_id)
    if token is None:
        raise UnclearError(unknown(desk.fleet, token_id))
    return token


def _check_rested(interaction: Asking, token_id: int) -> None:
    client = interaction.client
    subject = Act("", Kind.REFRESH, "", client.desk.now, token_id).subject
    for each in client.desk.known.acts.values():
        # What ImaginePro refused was never at Midjourney. What Midjourney failed at was.
        sent = each.begun_at is not None and (each.state is not State.NOT_DONE or each.followed)
        if each.subject == subject and sent and client.desk.now - each.begun_at < client.refresh_cooldown:
            raise UnclearError(resting(token_id, who(each), each.begun_at, client.refresh_cooldown))


async def _ask(
    interaction: Asking, proposal: Proposal | str, kind: Kind, wanted: str, reason: str, keys: Sequence[Key]
) -> None:
    if isinstance(proposal, str):
        raise UnclearError(proposal)
    asked_at, by = interaction.client.desk.now, interaction.user.id
    batch = new_id() if len(proposal.tokens) > 1 else ""
    acts = [
        Act(new_id(), kind, wanted, asked_at, token, by=by, reason=reason, keys=_about(keys, token), batch=batch)
        for token in proposal.tokens
    ]

    async def doing(pressed: Pressed) -> None:
        if kind is Kind.REFRESH:
            _check_rested(pressed, proposal.tokens[0])
        await perform(pressed, acts, asked_at, _end)

    await confirm(interaction, proposal.embed, proposal.label, doing, danger=proposal.danger)


def _about(keys: Iterable[Key], token: int) -> tuple[Key, ...]:
    return tuple(key for key in keys if key.token in {token, None})


async def perform(
    pressed: Pressed, acts: Sequence[Act], asked_at: datetime, end: Callable[[Pressed, Sequence[Act]], Awaitable[None]]
) -> None:
    """Do what was confirmed, and show how it goes where the question was. It is done though nobody can be shown.

    Args:
        pressed: The press that confirmed it.
        acts: New ones, of one kind.
        asked_at: When the question was shown.
        end: Shows what became of them.
    """

    async def work() -> None:
        try:
            await _performed(pressed, acts, asked_at, end)
        except ActRefused as error:
            await _show(pressed, by_name(str(error), pressed.client.desk.fleet.names))
        except Exception as error:  # noqa: BLE001 - an edge: nobody waits for it
            await apologise(pressed, error)

    message = pressed.message
    if message is None or not pressed.client.following.begin(message.id, work):
        await work()


async def _performed(
    pressed: Pressed, acts: Sequence[Act], asked_at: datetime, end: Callable[[Pressed, Sequence[Act]], Awaitable[None]]
) -> None:
    over, shown = set[str](), ""

    async def tell(act: Act) -> None:
        over.update([act.id] if act.settled else [])
        following = next((each for each in acts if each.id not in over), act)
        if following.id not in over:
            await show(act if act.followed and not act.settled else following)

    async def show(act: Act) -> None:
        nonlocal shown
        before, shown = shown, _going_on(act, acts, pressed.client.desk.fleet.names)
        if shown != before:
            await _show(pressed, shown)

    await show(acts[0])
    await end(pressed, await pressed.client.acts.do(*acts, asked_at=asked_at, tell=tell))


def _going_on(act: Act, acts: Sequence[Act], names: Mapping[int, str]) -> str:
    """`Switching 1901 off… (2 of 3)`, and which job ImaginePro made of it."""
    verb, _, rest = infinitive(act).partition(" ")
    place = next((number for number, each in enumerate(acts, 1) if each.id == act.id), 0)
    count = f" ({place} of {len(acts)})" if len(acts) > 1 else ""
    job = f" Midjourney has it, as job {plain(act.followed, 80)}." if act.followed else ""
    return f"{capitalised(verb.removesuffix('e'))}ing {by_name(plain(rest, 200), names)}…{count}{job}"


async def _show(
    pressed: Pressed, text: str, embed: discord.Embed | None = None, view: discord.ui.View | None = None
) -> None:
    """Show it where the question was. Where that fails, the ops channel and the audit trail tell of the act."""
    with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):
        await answer(pressed, text, embed, view)


async def _end(pressed: Pressed, acts: Sequence[Act]) -> None:
    """What became of them; of one token with its card, which has what can be done now."""
    desk: Desk = pressed.client.desk
    told = acted(Notice(NoticeKind.ACT, desk.now, (), acts=tuple(acts)), ()).by_name(desk.fleet.names)
    said = fitted([f"{told.sign[0]} **{told.headline}**", *told.lines], TEXT_LIMIT)
    first = acts[0]
    if len(acts) > 1 or first.token is None:
        await _show(pressed, within(said, TEXT_LIMIT))
        return
    token = desk.fleet.tokens.get(first.token)
    if first.kind is Kind.REFRESH and first.state is not State.NOT_DONE:
        try:
            _, token = await reread(pressed, first.token)
        except UpstreamError as error:
            said = [*said, upstream_sentence(error, desk.now)]
    if token is None:
        await _show(pressed, within(said, TEXT_LIMIT))
    else:
        if first.kind is Kind.MODE and first.state is State.DONE and shows(first, token) is False:
            said = [*said, f"ImaginePro still lists it as {status_word(token)}, which may be old: look again later."]
        view = token_view(pressed.client.access, token)
        await _show(pressed, within(said, TEXT_LIMIT), await linked_card(pressed, token), view)
