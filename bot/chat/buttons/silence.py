"""How a silence begins, whether by the menu under a card or by the command."""

from datetime import datetime

from bot.chat.desk import DeskClient
from bot.chat.text import stamp
from bot.domain.incidents import Rule
from bot.domain.rules.table import FLEET_RULES
from bot.domain.steering import Scope, Silence
from bot.telemetry import reference


async def begin(client: DeskClient, scope: Scope, until: datetime | None, by: int, reason: str = "") -> str:
    """Silence it, unless somebody has done so for as long; returns what to tell the person.

    Args:
        client: Whose desk decides.
        scope: What is to be suppressed.
        until: None for "until nothing of it is open".
        by: Discord's id of the person.
        reason: Theirs; any text.

    Raises:
        StoreError: It could not be stored, and did not happen.
    """
    desk = client.desk
    async with client.turn:
        silences = desk.known.decisions.silences.values()
        same = next((each for each in silences if each.scope == scope and _lasts(each, until)), None)
        if same is not None:
            return f"<@{same.by}> has silenced {scope_name(scope)} already, until {until_words(same.until)}."
        silence = Silence(reference(), scope, desk.now, until, by, reason)
        await desk.decide(silence, "silence add", by, reason)
    return (
        f"Silenced: {scope_name(scope)}, until {until_words(until)}. "
        f"What happens meanwhile is posted then; `/silence end` ends it earlier (`{silence.id}`)."
    )


def _lasts(silence: Silence, until: datetime | None) -> bool:
    """Whether it goes on for as long."""
    return silence.until == until or (silence.until is not None and until is not None and silence.until >= until)


def may_end_when_resolved(scope: Scope) -> bool:
    """Whether a silence of it may last until it is resolved: of one token, or of a rule that is about none.

    A rule over many tokens may never be without an incident, so such a silence would suppress each new one for good.
    """
    return scope.token is not None or scope.rule in FLEET_RULES


def rule_name(rule: Rule) -> str:
    """`fast time low`."""
    return rule.replace("_", " ")


def scope_name(scope: Scope) -> str:
    """`banned of token 1900`, `banned of every token`, `everything`. Steps are ours: digits, a unit or a percent."""
    if scope.rule is None:
        return "everything" if scope.token is None else f"everything of token {scope.token}"
    step = f" {scope.step}" if scope.step else ""
    return f"{rule_name(scope.rule)}{step} of {'every token' if scope.token is None else f'token {scope.token}'}"


def until_words(until: datetime | None) -> str:
    """Both the time and how long that is from now; or until when it is over."""
    return "it is resolved" if until is None else f"{stamp(until, 'f')} ({stamp(until)})"
