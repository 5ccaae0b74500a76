"""The buttons under a card. They are only a row of custom ids here: who answers a press is in `bot.chat.buttons`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

import discord

from bot.chat.alerts.switches import SWITCHES, tokens_for
from bot.domain.incidents import Incident, Rule
from bot.domain.messages import Message
from bot.domain.model import Fleet

URL_LIMIT = 512
"""Of a button that is a link: https://docs.discord.com/developers/components/reference#button-button-structure."""


def buttons(
    message: Message, runbook: str | None, fleet: Fleet | None, discussed: int | None = None
) -> discord.ui.View | None:
    """What can be done about what is open; of what is over, what was switched off for it; and a note on any.

    Args:
        message: A card, a summary or a notice.
        runbook: The URL of one, with `{rule}` and `{token}`.
        fleet: How the tokens stand now; None where nothing may be changed at ImaginePro.
        discussed: The server in whose ops channel a thread can be opened under a card; None where none can.
    """
    open_ = [incident for incident in message.incidents if incident.open]
    looks = {} if message.notice is not None else offered(message.incidents, fleet, summary=message.summary)
    if not looks:
        return None
    rules = {incident.key.rule for incident in open_}
    items: list[discord.ui.Item[discord.ui.View]] = [
        discord.ui.Button(label=label, emoji=emoji, style=style, custom_id=f"incident:{act}:{message.id}")
        for act, (label, emoji, style) in looks.items()
    ]
    if discussed is not None and open_ and Rule.TEST not in rules:
        items.append(_discussion(message.id, next(filter(None, (each.thread for each in open_)), None), discussed))
    link = _filled(runbook, open_) if runbook and len(rules) == 1 and Rule.TEST not in rules else ""
    if link and len(link) <= URL_LIMIT:
        items.append(discord.ui.Button(label="Runbook", emoji="📖", url=link))
    return row(items)


def _discussion(message_id: int, thread: int | None, server: int) -> discord.ui.Button[discord.ui.View]:
    """Opens the thread under the card, or leads to the one that is there."""
    if thread is not None:
        return discord.ui.Button(label="Thread", emoji="💬", url=f"https://discord.com/channels/{server}/{thread}")
    return discord.ui.Button(label="Discuss", emoji="💬", custom_id=f"incident:discuss:{message_id}")


Look = tuple[str, str, discord.ButtonStyle]
"""The label, emoji and style of a button."""


def offered(incidents: Sequence[Incident], fleet: Fleet | None, *, summary: bool = False) -> Mapping[str, Look]:
    """What can be done about incidents, by the word for it in custom ids.

    What was done is not offered again, but its opposite. A test is answered, and nothing else.

    Args:
        incidents: Those of a message, or one.
        fleet: As in `buttons`.
        summary: Whether they are shown together.
    """
    open_ = [incident for incident in incidents if incident.open]
    if any(each.key.rule is Rule.TEST for each in incidents):
        return {"ack": _LABELS["ack"]} if open_ else {}
    switches = {act: fleet is not None and bool(tokens_for(act, incidents, fleet)) for act in SWITCHES}
    if not open_:
        return {act: look for act, look in _LABELS.items() if act == "note" or switches.get(act)}
    in_doubt = any(each.key.rule is Rule.LIST_SHORT and each.believed is None for each in open_)
    taken, silenced = all(each.acknowledged for each in open_), all(each.is_silenced for each in open_)
    possible = {
        "gone": in_doubt,
        "ack": not taken,
        "release": taken,
        "handover": taken,
        "silence": not silenced,
        "unsilence": silenced,
        "details": any(incident.key.token is not None for incident in incidents),
        "unfold": summary,
        "note": True,
        **switches,
    }
    return {act: look for act, look in _LABELS.items() if possible[act]}


_LABELS: Mapping[str, Look] = {
    "gone": ("They are gone", "👋", discord.ButtonStyle.danger),
    "ack": ("Acknowledge", "✋", discord.ButtonStyle.primary),
    "release": ("Release", "👐", discord.ButtonStyle.secondary),
    "handover": ("Hand over", "🤝", discord.ButtonStyle.secondary),
    "silence": ("Silence", "🔕", discord.ButtonStyle.secondary),
    "unsilence": ("Unsilence", "🔔", discord.ButtonStyle.secondary),
    "details": ("Details", "🔍", discord.ButtonStyle.secondary),
    "unfold": ("Unfold", "📂", discord.ButtonStyle.secondary),
    "note": ("Note", "📝", discord.ButtonStyle.secondary),
    "off": ("Switch off", "⏹️", discord.ButtonStyle.secondary),
    "on": ("Switch on", "▶️", discord.ButtonStyle.secondary),
    "relax": ("Switch to relax", "🐢", discord.ButtonStyle.secondary),
}


def row(items: Iterable[discord.ui.Item[Any]]) -> discord.ui.View:
    """Components that nobody waits for: presses are answered by their custom id, after restarts as well.

    discord.py would otherwise remember the view of each message for good.
    """
    view = discord.ui.View(timeout=None)
    for item in items:
        view.add_item(item)
    view.stop()
    return view


def _filled(runbook: str, open_: Sequence[Incident]) -> str:
    """The runbook's URL, for the rule and, when there is but one, its token."""
    tokens = {incident.key.token for incident in open_}
    (token,) = tokens if len(tokens) == 1 else (None,)
    return runbook.replace("{rule}", quote(open_[0].key.rule, safe="")).replace(
        "{token}", "" if token is None else str(token)
    )
