"""What people read while the bot cannot save, and after it: the one message that is of no row in the database."""

import discord

from bot.chat.alerts.message import Alert, Roles
from bot.chat.text import quoted, span, stamp
from bot.saving import Trouble

REASON = 400
"""How much of what the database said is shown."""


def unsaved(trouble: Trouble, roles: Roles) -> Alert:
    """The message as it is to be shown now. It calls whom a critical incident calls: nothing else will be told."""
    if trouble.until is not None:
        headline = f"✅ **The bot saves again, after {span(trouble.until - trouble.since)}**"
        text = (
            f"Its database took no writes from {stamp(trouble.since, 'f')} on. What is wrong by now is posted now; "
            "what came and went in between is not. What you pressed meanwhile was done only where the bot said so."
        )
        return Alert(_joined(headline, text, mark=trouble.mark), (), discord.AllowedMentions.none())
    person = roles.on_call
    role = roles.alert if person is None else None
    mention = f"<@{person}> " if person is not None else "" if role is None else f"<@&{role}> "
    headline = f"{mention}🔴 **The bot cannot save: its database takes no writes**"
    text = (
        f"Since {stamp(trouble.since, 't')}. It still sees the tokens: `/tokens` and `/token` answer from memory. But "
        "**do not rely on alerts here**: what cannot be saved is not posted, nobody is reminded of it, and "
        "**Acknowledge** and silences work only where the bot says so."
    )
    reason = f"The database says: {quoted(trouble.reason, REASON)}"
    remedy = (
        "**What to do:** Check whether its disk or its plan is full, whether it is read-only or a standby, and what "
        "the bot's user may do there. Then this message changes by itself, and what is wrong is posted. A restart does "
        "not help, unless the database says so: the bot does not start with one that takes no writes."
    )
    allowed = discord.AllowedMentions(
        everyone=False,
        users=[discord.Object(person)] if person is not None else False,
        roles=[discord.Object(role)] if role is not None else False,
        replied_user=False,
    )
    return Alert(_joined(headline, text, reason, remedy, mark=trouble.mark), (), allowed)


def _joined(*lines: str, mark: str) -> str:
    return "\n".join([*lines, f"-# ref {mark}"])
