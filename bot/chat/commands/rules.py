"""`/rules`: how each rule is set, for the fleet or for one token, and how to set it otherwise."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from discord import app_commands

from bot.chat.alerts import WORDINGS
from bot.chat.alerts.billing import few_credits
from bot.chat.cards import BLUE, compose
from bot.chat.commands.options import RULES, check_token, group_named, group_of, suggest_group
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Desk, DeskClient, Need, UnclearError, answer, wait
from bot.chat.text import by_name, called, level, percent, quoted, span
from bot.domain.groups import Group
from bot.domain.incidents import AHEAD, Rule
from bot.domain.model import Severity
from bot.domain.naming import rule_name
from bot.domain.rules.policy import Policy, PoolLevels, ranked
from bot.domain.rules.settable import check, check_against
from bot.domain.rules.table import CRITICAL_AFTER, FLEET_RULES
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

ONE_OF_THEM = "Name a token or a group, not both."

_NO_LEVEL = "The group has no level of its own any more."

PRECEDENCE = (
    "A token's own setting wins over a group's, and that over the fleet's. Of two groups that one wins which has fewer"
    " tokens; of two as large, the one whose name comes first."
)


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "rules",
        "What notifies, how severe it is, and from when on",
        ("list", "How each rule is set", Need.VIEW, _list),
        ("set", "Set a rule, for all, a group or one token", Need.OPERATE, _set),
        ("try", "See what a change would have told lately", Need.VIEW, _try),
        ("reset", "Set a rule back to its default", Need.OPERATE, _reset),
    )


@app_commands.describe(token="How they are set for this token", group="How they are set for this group")  # noqa: S106 - a number
@app_commands.autocomplete(token=suggest)
@app_commands.autocomplete(group=suggest_group)
async def _list(interaction: Asked, *, token: int | None = None, group: str | None = None) -> None:
    desk = interaction.client.desk
    policy, chosen = desk.policy, group_named(interaction, group)
    if token is not None and chosen is not None:
        raise UnclearError(ONE_OF_THEM)
    check_token(interaction, None, token)
    rules = [rule for choice in RULES if _has(policy, rule := Rule(choice.value), chosen)]
    lines = [
        *(_explained(policy, rule, token, chosen) for rule in rules),
        *(_own(desk) if token is None and chosen is None else ()),
    ]
    lines = [by_name(each, desk.fleet.names) for each in lines]
    whose = (
        f" for {chosen.name}"
        if chosen
        else ""
        if token is None
        else f" for {called(token, desk.fleet.names, 'token ')}"
    )
    await interaction.response.send_message(embed=compose(f"How the rules are set{whose}", lines, BLUE), ephemeral=True)


def _has(policy: Policy, rule: Rule, group: Group | None) -> bool:
    """Whether a rule is about a group, too: what it must have together only where somebody said so."""
    return group is None or rule not in FLEET_RULES or (rule is Rule.POOL and group.name in policy.pools)


def _own(desk: Desk) -> Iterator[str]:
    """What is set for groups and for tokens, and what wins."""
    groups = [each for those in desk.policy.of_groups.values() for each in reversed(those)]
    yield from (f"↳ {_line(desk.policy, each.rule, None, each.group)}" for each in groups)
    tokens = (each for each in desk.known.decisions.settings.values() if each.token is not None)
    yield from (f"↳ {_line(desk.policy, each.rule, each.token)}" for each in tokens)
    if groups:
        yield f"-# {PRECEDENCE}"


def _explained(policy: Policy, rule: Rule, token: int | None, group: Group | None) -> str:
    """`**banned**: critical: the account of a token is blocked`."""
    return f"{_line(policy, rule, token, group)} · *{WORDINGS[rule].explained}*"


def _line(policy: Policy, rule: Rule, token: int | None, group: Group | None = None) -> str:
    """`**fast time low** of token 1900: warning · under 20 %, 30 min · after 2 readings · set in chat`."""
    whose = f" of {group.name}" if group else "" if token is None else f" of token {token}"
    policy = policy if group is None else policy.as_for(group)
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
    by_group = policy.by_group(rule, token)
    if by_group is not None and by_group.group is not None and (rule, token) not in policy.settings:
        yield f"{SET_IN_CHAT} for {by_group.group.name}"
    elif any((rule, whose) in policy.settings for whose in (None, token)):
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
        token="Only for this token; it wins over a group's and the fleet's",  # noqa: S106 - a number
        group="Only for this group of tokens; it wins over the fleet's",
        threshold="Fast time low: 20%,30m. Or eta 12h. Does not last: 85%. Pool: 3,20h. Credits: 10%. Others: 30m",
        severity="How severe, whatever the rule finds",
        readings="How many readings in a row must find it",
        enabled="Whether it notifies at all",
    )
    chosen = app_commands.choices(
        rule=RULES, severity=[app_commands.Choice(name=each.value, value=each.value) for each in Severity]
    )
    suggested = app_commands.autocomplete(group=suggest_group)(chosen(described(callback)))
    return app_commands.autocomplete(token=suggest)(suggested)


@_options
async def _set(
    interaction: Asked,
    *,
    rule: str,
    token: int | None = None,
    group: str | None = None,
    threshold: app_commands.Range[str, 1, 60] | None = None,
    severity: str | None = None,
    readings: app_commands.Range[int, 1, 10] | None = None,
    enabled: bool | None = None,
) -> None:
    await wait(interaction)
    desk = interaction.client.desk
    if token is not None and group is not None:
        raise UnclearError(ONE_OF_THEM)
    new = _new(interaction, rule, token, threshold, severity, readings, enabled=enabled, group=group)
    async with interaction.client.turn:
        new = replace(new, group=group_named(interaction, group))  # it may have changed meanwhile
        setting = _over(new, desk.known.decisions.settings.get(new.id, new))
        _check(setting, new, interaction.client)
        await desk.decide(setting, "rules set", interaction.user.id, _words(new))
    said = [f"Set. {_line(desk.policy, setting.rule, token, setting.group)}", *_others(desk.policy, setting)]
    await answer(interaction, "\n".join(said))


def _others(policy: Policy, setting: Setting) -> Iterator[str]:
    """Which other groups set the same rule of some of the same tokens, and which of them wins."""
    ours = setting.group
    if ours is None or setting.rule is Rule.POOL:
        return
    for each in policy.of_groups.get(setting.rule, ()):
        if each.group is not None and each.group.id != ours.id and each.group.meets(ours):
            *_, first = ranked([setting, each])
            wins = first.group.name if first.group else ""
            also = f"{each.group.name} sets this rule too. For tokens in both, {wins} wins"
            yield f"-# {also}: it has fewer tokens, or as many and the first name."


@_options
async def _try(
    interaction: Asked,
    *,
    rule: str,
    token: int | None = None,
    group: str | None = None,
    threshold: app_commands.Range[str, 1, 60] | None = None,
    severity: str | None = None,
    readings: app_commands.Range[int, 1, 10] | None = None,
    enabled: bool | None = None,
) -> None:
    await wait(interaction)
    from bot.chat.commands.trial import attempt  # noqa: PLC0415 - no start needs what judges once more

    desk = interaction.client.desk
    new = _new(interaction, rule, token, threshold, severity, readings, enabled=enabled, group=group)
    setting = _over(new, desk.known.decisions.settings.get(new.id, new))
    _check(setting, new, interaction.client)
    tried = desk.policy.with_(setting)
    lines = await attempt(desk, setting, tried)
    line = _line(tried, setting.rule, token, setting.group).removesuffix(f" · {SET_IN_CHAT}")
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
    group: str | None,
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
        group=group_named(interaction, group),
    )
    if new == Setting(new.rule, token, group=new.group):
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
        sentence = (
            f"{written} cannot be set: {why}. Set now: {_line(desk.policy, setting.rule, setting.token, setting.group)}"
        )
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
        group=new.group,
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


@app_commands.describe(
    rule="Which rule",
    token="Only what is set for this token",  # noqa: S106 - a number
    group="Only what is set for this group",
)
@app_commands.choices(rule=RULES)
@app_commands.autocomplete(token=suggest)
@app_commands.autocomplete(group=suggest_group)
async def _reset(interaction: Asked, *, rule: str, token: int | None = None, group: str | None = None) -> None:
    await wait(interaction)
    desk, chosen, whose = interaction.client.desk, Rule(rule), group_named(interaction, group)
    if token is not None and whose is not None:
        raise UnclearError(ONE_OF_THEM)
    setting = desk.known.decisions.settings.get(Setting(chosen, token, group=whose).id)
    if setting is None or not await desk.undo(setting, "rules reset", interaction.user.id):
        sentence = "Nothing was set there. `/rules list` shows what was set in chat."
        raise UnclearError(sentence)
    now = _line(desk.policy, chosen, token, whose) if _has(desk.policy, chosen, whose) else ""
    await answer(interaction, f"Set back. {now or _NO_LEVEL}")
