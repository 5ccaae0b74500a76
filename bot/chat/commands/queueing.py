"""What `/queue` does: ask, and show the answer as it is; or propose an act, and show what became of it."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

import aiohttp
import discord

from bot.acts import new_id
from bot.chat.alerts.acted import acted
from bot.chat.buttons.acting import perform
from bot.chat.buttons.confirm import confirm
from bot.chat.buttons.press import Pressed
from bot.chat.cards import ORANGE, compose
from bot.chat.cards.answered import answer_card
from bot.chat.desk import Asked, UnclearError, answer
from bot.chat.refusals import refused
from bot.chat.text import by_name, called, plain, quoted
from bot.domain.acts import Act, Kind, State
from bot.domain.messages import Notice, NoticeKind
from bot.domain.value import Value
from bot.imaginepro.endpoints import Endpoint
from bot.imaginepro.errors import UpstreamError

Name = Literal["COUNT", "PAUSE", "RESUME", "REBOOT", "STATUS"]

_TITLES: Final[Mapping[str, str]] = {
    "COUNT": "🔢 Jobs in ImaginePro's queue",
    "STATUS": "🚦 ImaginePro's queue",
}


class _Question(Value):
    """How an act is asked for."""

    title: str
    means: str
    more: str
    label: str
    danger: bool = False


_QUESTIONS: Final[Mapping[str, _Question]] = {
    "PAUSE": _Question(
        "⏸️ Pause {whose}?",
        "This pauses {all_}.",
        "Jobs that are sent meanwhile wait, or are refused, until `/queue resume`.",
        "Pause {short}",
        danger=True,
    ),
    "RESUME": _Question(
        "▶️ Resume {whose}?",
        "This resumes {all_}.",
        "That includes what somebody paused on purpose.",
        "Resume {short}",
    ),
    "REBOOT": _Question(
        "🔄 Reboot {whose}?",
        "This reboots the queue, for {all_}.",
        "Those that wait or run may be lost for good.",
        "Reboot {short}",
        danger=True,
    ),
}

_UNDESCRIBED: Final = "ImaginePro does not publish what exactly this does."


async def ask(interaction: Asked, name: Name, token: int | None) -> None:
    """Show what ImaginePro says of its queue.

    Raises:
        UnclearError: It says nothing, or nobody set where to ask.
    """
    client = interaction.client
    _check(client.upstream.endpoints[f"QUEUE_{name}"], token)
    try:
        said = await client.upstream.queue(name, token)
    except UpstreamError as error:
        raise UnclearError(refused(error, client.desk.now)) from None
    of = "" if token is None else f" of {called(token, client.desk.fleet.names, 'token ')}"
    await answer(interaction, embed=answer_card(_TITLES[name] + of, said.lines(), client.desk.now))


async def propose(interaction: Asked, name: Name, token: int | None, reason: str) -> None:
    """Ask whether ImaginePro's queue shall be paused, resumed or rebooted.

    Raises:
        UnclearError: Nobody set where to ask for it.
    """
    client = interaction.client
    endpoint = client.upstream.endpoints[f"QUEUE_{name}"]
    _check(endpoint, token)
    question, asked_at = _QUESTIONS[name], client.desk.now
    words = {
        "whose": "the queue of your ImaginePro account" if token is None else f"the queue of token {token}",
        "all_": "ALL jobs of your ImaginePro account, of every token"
        if token is None
        else f"all jobs of token {token}",
        "short": "everything" if token is None else f"token {token}",
    }
    means = question.means.format_map(words)
    lines = [
        f"**{means[:1].upper()}{means[1:]}**",
        f"{question.more} {_UNDESCRIBED}",
        f"Sent once: {plain(f'{endpoint.method} {endpoint.path}', 300)}",
        f"Reason: {quoted(reason, 300)}" if reason else "",
    ]
    names = client.desk.fleet.names
    lines[0] = by_name(lines[0], names)
    embed = compose(by_name(question.title.format_map(words), names), filter(None, lines), ORANGE)
    act = Act(new_id(), Kind.QUEUE, name.lower(), asked_at, token, by=interaction.user.id, reason=reason)

    async def doing(pressed: Pressed) -> None:
        await perform(pressed, [act], asked_at, _end)

    await confirm(interaction, embed, question.label.format_map(words), doing, danger=question.danger)


def _check(endpoint: Endpoint, token: int | None) -> None:
    """Refuse what cannot be sent, and what would be about more than was asked for."""
    sentence = endpoint.unset
    if not sentence and token is not None and not endpoint.about_one:
        sentence = (
            f"`{endpoint.variable}` has no {{token}} in it, so it is about the whole account: leave the token out."
        )
    if not sentence and token is None and endpoint.about_one:
        sentence = f"`{endpoint.variable}` has {{token}} in it: say which token."
    if sentence:
        raise UnclearError(sentence)


async def _end(pressed: Pressed, acts: Sequence[Act]) -> None:
    """What became of it; where nobody knows, with what ImaginePro says of its queue, if it can be asked."""
    client = pressed.client
    (act,) = acts
    told = acted(Notice(NoticeKind.ACT, client.desk.now, (), acts=(act,)), ())
    embed = await _status(client, act) if act.state is State.UNKNOWN else None
    tells = (
        ""
        if embed or act.state is not State.UNKNOWN
        else "Look in ImaginePro whether it happened, before you ask again."
    )
    said = "\n".join(filter(None, [f"{told.sign[0]} **{told.headline}**", *map(str, told.lines), tells]))
    with contextlib.suppress(discord.HTTPException, aiohttp.ClientError, OSError):  # the ops channel tells of it, too
        await answer(pressed, said, embed)


async def _status(client: Any, act: Act) -> discord.Embed | None:  # noqa: ANN401 - a client of either kind
    """What ImaginePro says of its queue now, by whichever of the two calls can be made."""
    names: tuple[Name, ...] = ("STATUS", "COUNT")
    for name in names:
        with contextlib.suppress(UnclearError, UpstreamError):
            _check(client.upstream.endpoints[f"QUEUE_{name}"], act.token)
            said = await client.upstream.queue(name, act.token)
            return answer_card("🚦 ImaginePro's queue now", said.lines(), client.desk.now)
    return None
