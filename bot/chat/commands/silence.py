"""`/silence`: what notifies nobody for a while. Polling goes on, and what happened is posted when the silence ends."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from discord import app_commands

from bot.chat.buttons import silence
from bot.chat.buttons.silence import title_of, until_words
from bot.chat.cards import GREY, compose
from bot.chat.commands.options import RULES, Reason, check_token, group_named, group_of, length, picked, suggest_group
from bot.chat.commands.token import suggest
from bot.chat.desk import Asked, Need, UnclearError, answer, wait
from bot.chat.text import quoted
from bot.domain.incidents import Rule
from bot.domain.naming import name_of
from bot.domain.rules.table import FLEET_RULES
from bot.domain.steering import Scope, Silence

LONGEST = timedelta(days=90)

EVERYTHING = "everything"
UNTIL_RESOLVED = "until resolved"
UNTIL_REFILL = "until the refill"
ALSO_UNTIL_REFILL = {UNTIL_REFILL, "until refill", "until renewal"}
LENGTHS = ("30m", "1h", "4h", "24h", "2d", "7d", UNTIL_RESOLVED, UNTIL_REFILL)
"""Suggested; any other length may be written."""


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "silence",
        "Keep incidents from notifying anybody for a while",
        ("add", "Silence a token, a group, a rule, or all", Need.OPERATE, _add),
        ("list", "What is silenced, and until when", Need.VIEW, _list),
        ("end", "End a silence before its time", Need.OPERATE, _end),
    )


async def _suggest_length(_: Asked, typed: str) -> list[app_commands.Choice[str]]:
    return picked(typed, [(each, each) for each in LENGTHS])


@app_commands.rename(long="length")
@app_commands.describe(
    token="This token; say a token, a group or a rule",  # noqa: S106 - a number
    group="This group of tokens; the silence follows it as it changes",
    rule="This rule; everything for all rules and tokens",
    long="Needed as well: 30m, 4h, 2d, until resolved, or until the refill",
    reason="Why, for the others",
)
@app_commands.choices(rule=[*RULES, app_commands.Choice(name=EVERYTHING, value=EVERYTHING)])
@app_commands.autocomplete(token=suggest)
@app_commands.autocomplete(group=suggest_group)
@app_commands.autocomplete(long=_suggest_length)
async def _add(
    interaction: Asked,
    *,
    token: int | None = None,
    group: str | None = None,
    rule: str | None = None,
    long: str = "",
    reason: Reason = "",
) -> None:
    """The length is needed, too; but Discord asks for what is needed first, and what to silence comes before."""
    await wait(interaction)
    wrong = [*_no_target(token, rule, group), *_no_length(long)]
    if wrong:
        raise UnclearError(" ".join([*wrong, "Nothing was silenced."]))
    scope = Scope(None if rule in {None, EVERYTHING} else Rule(str(rule)), token, group=group_named(interaction, group))
    check_token(interaction, scope.rule, token)
    if scope.group is not None and scope.rule in FLEET_RULES - {Rule.POOL}:
        sentence = "That rule is about no single token: leave the group out."
        raise UnclearError(sentence)
    until = _until(interaction, scope, long)
    asked = silence.silence_of(interaction.client.desk, scope, until, interaction.user.id, reason)
    await answer(interaction, await silence.begin(interaction.client, asked))


def _no_target(token: int | None, rule: str | None, group: str | None) -> Iterator[str]:
    if token is None and rule is None and group is None:
        yield (
            "Say what to silence: a token such as `token:1900`, a group such as `group:studio`, a rule such as "
            "`rule:banned`, or a rule of either; `rule:everything` silences all."
        )
    if token is not None and group is not None:
        yield "Name a token or a group, not both."


def _no_length(text: str) -> Iterator[str]:
    words = " ".join(text.casefold().split())
    if not words:
        yield "Say for how long, such as `length:4h`, `length:2d` or `length:until resolved`."
    elif words not in {UNTIL_RESOLVED, *ALSO_UNTIL_REFILL}:
        try:
            length(words, LONGEST)
        except UnclearError as error:
            yield f"{error} Or write `until resolved` or `until the refill`."


def _until(interaction: Asked, scope: Scope, text: str) -> datetime | None:
    """When the silence ends by itself; None for "until it is resolved"."""
    desk = interaction.client.desk
    words = " ".join(text.casefold().split())
    if words == UNTIL_RESOLVED:
        if any(scope.matches(key) and incident.open for key, incident in desk.known.incidents.items()):
            return None
        sentence = "Nothing of that is open, so the silence would be over at once. Write a length, such as 4h."
        raise UnclearError(sentence)
    if words in ALSO_UNTIL_REFILL:
        token = None if scope.token is None else desk.known.remembered[scope.token]
        refill = token.subscription.next_refill(desk.now) if token else None
        if refill is not None:
            return refill
        sentence = "When that is refilled is not known. Name a token whose card says so, or write a length, such as 2d."
        raise UnclearError(sentence)
    return desk.now + length(words, LONGEST)


async def _list(interaction: Asked) -> None:
    silences = interaction.client.desk.known.decisions.silences.values()
    names = interaction.client.desk.fleet.names
    title = "🔕 Silenced now" if silences else "🔔 Nothing is silenced"
    await interaction.response.send_message(
        embed=compose(title, [_line(each, names) for each in silences], GREY), ephemeral=True
    )


def _line(each: Silence, names: Mapping[int, str]) -> str:
    why = f" · {quoted(each.reason, 200)}" if each.reason else ""
    return f"**{title_of(each, names)}** until {until_words(each.until)} · by <@{each.by}>{why} · `{each.id}`"


async def _suggest_silence(interaction: Asked, typed: str) -> list[app_commands.Choice[str]]:
    silences = interaction.client.desk.known.decisions.silences.values()
    names = interaction.client.desk.fleet.names
    return picked(typed, [(f"{title_of(each, names)} · {each.id}", each.id) for each in silences])


@app_commands.rename(name="id")
@app_commands.describe(name="Which one, as /silence list shows it")
@app_commands.autocomplete(name=_suggest_silence)
async def _end(interaction: Asked, *, name: str) -> None:
    await wait(interaction)
    desk = interaction.client.desk
    found = desk.known.decisions.silences.get(name.strip())
    if found is None or not await desk.undo(found, "silence end", interaction.user.id):
        sentence = "There is no such silence, or it is over already. `/silence list` shows those that there are."
        raise UnclearError(sentence)
    await answer(
        interaction,
        f"Ended: the silence of {name_of(found)}. {silence.after(desk, [found])}",
    )
