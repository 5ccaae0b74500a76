"""`/rules`: how each rule is set, for the fleet or for one token, and how to set it otherwise."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from discord import app_commands

from bot.chat.alerts import WORDINGS
from bot.chat.alerts.billing import few_credits
from bot.chat.cards import BLUE, compose
from bot.chat.commands.options import RULES, check_token, group_of
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, DeskClient, Need, UnclearError, answer, wait
from bot.chat.text import level, percent, quoted, span
from bot.domain.incidents import AHEAD, Rule
from bot.domain.model import Severity
from bot.domain.naming import rule_name
from bot.domain.rules.policy import Policy, PoolLevels
from bot.domain.rules.settable import check, check_against
from bot.domain.rules.table import CRITICAL_AFTER
from bot.domain.steering import Setting
from bot.domain.value import replace

Callback = TypeVar("Callback", bound=Callable[..., Any])

USUALLY = {
    **dict.fromkeys(
        (Rule.UPSTREAM_DOWN, Rule.UPSTREAM_STALE, Rule.LIST_SHORT, Rule.VERIFYING),
        f"warning, critical after {span(CRITICAL_AFTER)}",
    ),
    **dict.fromkeys((Rule.DEGRADED, Rule.DOES_NOT_LAST, Rule.BURNING_FAST), "warning, critical without relax mode"),
    Rule.CREDITS_LOW: "warning, critical at 0",
    Rule.PLAN_EXPIRES: "warning, critical once it is over",
    Rule.FAST_TIME_GONE: "as the step before, critical without relax mode",
}
"""The severity of rules that find it out by themselves."""

SET_IN_CHAT = "set in chat"


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "rules",
        "What notifies, how severe it is, and from when on",
        ("list", "How each rule is set", Need.VIEW, _list),
        ("set", "Set a rule, for all or one token", Need.OPERATE, _set),
        ("try", "See what a change would have told lately", Need.VIEW, _try),
        ("reset", "Set a rule back to its default", Need.OPERATE, _reset),
    )


@app_commands.describe(token="How they are set for this token")  # noqa: S106 - a number
@app_commands.autocomplete(token=suggest)
async def _list(interaction: Asked, *, token: int | None = None) -> None:
    desk = interaction.client.desk
    check_token(interaction, None, token)
    own = [each for each in desk.known.decisions.settings.values() if each.token is not None and token is None]
    lines = [
        *(_explained(desk.policy, Rule(choice.value), token) for choice in RULES),
        *(f"↳ {_line(desk.policy, each.rule, each.token)}" for each in own),
    ]
    whose = "" if token is None else f" for token {token}"
    await interaction.response.send_message(embed=compose(f"How the rules are set{whose}", lines, BLUE), ephemeral=True)


def _explained(policy: Policy, rule: Rule, token: int | None) -> str:
    """`**banned**: critical: the account of a token is blocked`."""
    return f"{_line(policy, rule, token)} · *{WORDINGS[rule].explained}*"


def _line(policy: Policy, rule: Rule, token: int | None) -> str:
    """`**fast time low** of token 1900: warning · under 20 %, 30 min · after 2 readings · set in chat`."""
    whose = "" if token is None else f" of token {token}"
    return f"**{rule_name(rule)}**{whose}: {' · '.join(_parts(policy, rule, token))}"


def _parts(policy: Policy, rule: Rule, token: int | None) -> Iterator[str]:
    row = policy.row(rule, token)
    if not row.enabled:
        yield "off"
    steps = policy.steps(token) if rule is Rule.FAST_TIME_LOW else ()
    steps = tuple(sorted(steps, key=lambda step: -(step.ahead or 0)))  # a time ahead comes before any amount
    usually = f"{row.severity}, the last step critical" if len(steps) > 1 else USUALLY.get(rule, row.severity)
    yield row.chosen or usually
    if steps:
        yield f"under {', '.join(level(step.text) for step in steps)}"
    if rule in _LEVELS:
        yield _LEVELS[rule](policy, token)
    if row.readings > 1:
        yield f"after {row.readings} {'hours' if rule in AHEAD else 'readings'}"
    if row.for_:
        yield f"for {span(row.for_)}"
    if any((rule, whose) in policy.settings for whose in (None, token)):
        yield SET_IN_CHAT


_LEVELS: Mapping[Rule, Callable[[Policy, int | None], str]] = {
    Rule.DOES_NOT_LAST: lambda policy, token: f"a chance of {percent(policy.chance(token) * 100)} of running out",
    Rule.POOL: lambda policy, _: " or ".join(_pool(policy.pool)),
    Rule.LIST_SHORT: lambda policy, _: f"believed after {span(policy.believed_after)}",
    Rule.CREDITS_LOW: lambda policy, _: f"under {few_credits(policy.credits)}",
    Rule.PLAN_EXPIRES: lambda policy, _: f"{span(policy.ends_within)} before its end",
}
"""How the threshold of a rule is set, in words."""


def _pool(levels: PoolLevels) -> Iterator[str]:
    """`fewer than 3 tokens work`, `the tokens that work have less than 20 h of fast time`."""
    if levels.usable:
        yield "no token works" if levels.usable == 1 else f"fewer than {levels.usable} tokens work"
    if levels.text:
        yield f"the tokens that work have less than {level(levels.text)} of fast time"


def _options(callback: Callback) -> Callback:
    """What `set` and `try` take."""
    described = app_commands.describe(
        rule="Which rule",
        token="Only for this token; it wins over the fleet's",  # noqa: S106 - a number
        threshold="Fast time low: 20%,30m. Or eta 12h. Does not last: 85%. Pool: 3,20h. Credits: 10%. Others: 30m",
        severity="How severe, whatever the rule finds",
        readings="How many readings in a row must find it",
        enabled="Whether it notifies at all",
    )
    chosen = app_commands.choices(
        rule=RULES, severity=[app_commands.Choice(name=each.value, value=each.value) for each in Severity]
    )
    return app_commands.autocomplete(token=suggest)(chosen(described(callback)))


@_options
async def _set(
    interaction: Asked,
    *,
    rule: str,
    token: int | None = None,
    threshold: app_commands.Range[str, 1, 60] | None = None,
    severity: str | None = None,
    readings: app_commands.Range[int, 1, 10] | None = None,
    enabled: bool | None = None,
) -> None:
    await wait(interaction)
    desk = interaction.client.desk
    new = _new(interaction, rule, token, threshold, severity, readings, enabled=enabled)
    async with interaction.client.turn:
        setting = _over(new, desk.known.decisions.settings.get(new.id, new))
        _check(setting, new, interaction.client)
        await desk.decide(setting, "rules set", interaction.user.id, _words(new))
    await answer(interaction, f"Set. {_line(desk.policy, setting.rule, token)}")


@_options
async def _try(
    interaction: Asked,
    *,
    rule: str,
    token: int | None = None,
    threshold: app_commands.Range[str, 1, 60] | None = None,
    severity: str | None = None,
    readings: app_commands.Range[int, 1, 10] | None = None,
    enabled: bool | None = None,
) -> None:
    await wait(interaction)
    from bot.chat.commands.trial import attempt  # noqa: PLC0415 - no start needs what judges once more

    desk = interaction.client.desk
    new = _new(interaction, rule, token, threshold, severity, readings, enabled=enabled)
    setting = _over(new, desk.known.decisions.settings.get(new.id, new))
    _check(setting, new, interaction.client)
    settings = {(each.rule, each.token): each for each in (*desk.known.decisions.settings.values(), setting)}
    tried = replace(desk.policy, settings=settings)
    lines = await attempt(desk, setting, tried)
    line = _line(tried, setting.rule, token).removesuffix(f" · {SET_IN_CHAT}")
    await answer(interaction, "\n".join([*lines, f"-# Tried, and not set: {line}"]))


def _new(
    interaction: Asked,
    rule: str,
    token: int | None,
    threshold: str | None,
    severity: str | None,
    readings: int | None,
    *,
    enabled: bool | None,
) -> Setting:
    """What was asked for.

    Raises:
        UnclearError: Nothing was, or it is about a token that is not there.
    """
    check_token(interaction, Rule(rule), token)
    new = Setting(
        rule=Rule(rule),
        token=token,
        enabled=enabled,
        severity=None if severity is None else Severity(severity),
        threshold=None if threshold is None else ",".join(part.strip() for part in threshold.split(",")),
        readings=readings,
    )
    if new == Setting(new.rule, token):
        sentence = "Say what to set: a threshold, a severity, readings, or whether it is enabled."
        raise UnclearError(sentence)
    return new


def _check(setting: Setting, new: Setting, client: DeskClient) -> None:
    """Refuse what cannot work, and say what was written and what is set now."""
    desk, read = client.desk, client.billing and client.billing.last
    try:
        check(setting)
        check_against(setting, desk.fleet.tokens, read.account if read else None)
    except ValueError as error:
        written = quoted(new.threshold, 80) if new.threshold else "That"
        why = str(error).replace("_", " ")
        sentence = f"{written} cannot be set: {why}. Set now: {_line(desk.policy, setting.rule, setting.token)}"
        raise UnclearError(sentence) from None


def _over(new: Setting, old: Setting) -> Setting:
    """What was set before, and over it what is set now."""
    return Setting(
        rule=new.rule,
        token=new.token,
        enabled=old.enabled if new.enabled is None else new.enabled,
        severity=new.severity or old.severity,
        threshold=new.threshold or old.threshold,
        readings=new.readings or old.readings,
    )


def _words(new: Setting) -> str:
    """What was set, for the audit trail."""
    parts = [
        f"threshold {new.threshold}" if new.threshold else "",
        new.severity or "",
        f"{new.readings} readings" if new.readings else "",
        "" if new.enabled is None else "on" if new.enabled else "off",
    ]
    return ", ".join(filter(None, parts))


@app_commands.describe(rule="Which rule", token="Only what is set for this token")  # noqa: S106 - a number
@app_commands.choices(rule=RULES)
@app_commands.autocomplete(token=suggest)
async def _reset(interaction: Asked, *, rule: str, token: int | None = None) -> None:
    await wait(interaction)
    desk, chosen = interaction.client.desk, Rule(rule)
    setting = desk.known.decisions.settings.get(Setting(chosen, token).id)
    if setting is None or not await desk.undo(setting, "rules reset", interaction.user.id):
        sentence = "Nothing was set there. `/rules list` shows what was set in chat."
        raise UnclearError(sentence)
    await answer(interaction, f"Set back. {_line(desk.policy, chosen, token)}")
