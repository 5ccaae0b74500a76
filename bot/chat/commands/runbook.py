"""`/runbook`: what the bot may do by itself, off by default, and what it would have done."""

from datetime import timedelta

from discord import app_commands

from bot.chat.buttons.confirm import confirm
from bot.chat.buttons.press import Pressed
from bot.chat.commands.options import group_of, length, picked
from bot.chat.desk import Asked, Need, UnclearError, answer, wait
from bot.chat.text import span
from bot.domain.runbooks import (
    AN_HOUR,
    AN_HOUR_AT_MOST,
    QUIET,
    QUIET_AT_LEAST,
    QUIET_AT_MOST,
    Book,
    Does,
    Runbook,
    name,
)
from bot.domain.value import replace

ENDPOINTS = ("QUEUE_PAUSE", "QUEUE_RESUME")
"""What pausing the queue needs, and ImaginePro does not publish."""

BOOKS = [app_commands.Choice(name=name(each), value=each.value) for each in Book]
LENGTHS = ("10m", "30m", "1h", "4h")


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "runbook",
        "What the bot may do by itself",
        ("list", "How each is set, and what the bot moved", Need.VIEW, _list),
        ("set", "Let the bot do it, say what it would do, or neither", Need.ACT, _set),
        ("try", "See what it would have done lately", Need.VIEW, _try),
    )


async def _suggest_length(_: Asked, typed: str) -> list[app_commands.Choice[str]]:
    return picked(typed, [(each, each) for each in LENGTHS])


async def _list(interaction: Asked) -> None:
    from bot.chat.cards.runbooks import runbooks_card  # noqa: PLC0415 - no start needs it

    desk, read_only = interaction.client.desk, interaction.client.access.read_only
    embed = runbooks_card(desk.known, desk.policy, desk.now, read_only=read_only)
    await interaction.response.send_message(embed=embed, ephemeral=True)


@app_commands.describe(
    runbook="Which one",
    does="Off, or a dry run that says what it would do, or on",
    quiet="How long all must be well before it takes back what it did: 30m",
    an_hour="How often it may act within an hour",
)
@app_commands.choices(
    runbook=BOOKS, does=[app_commands.Choice(name=each.replace("_", " "), value=each.value) for each in Does]
)
@app_commands.autocomplete(quiet=_suggest_length)
async def _set(
    interaction: Asked,
    *,
    runbook: str,
    does: str,
    quiet: str = "",
    an_hour: app_commands.Range[int, 1, AN_HOUR_AT_MOST] | None = None,
) -> None:
    """To let the bot act is asked first, with what it would have done; what is less than that is done at once."""
    await wait(interaction)
    new = _new(interaction, Book(runbook), Does(does), quiet, an_hour)
    if new.does is not Does.OFF:
        _check(interaction, new)
    if new.does is not Does.ON:
        await _decide(interaction, new)
        return
    from bot.chat.cards.runbooks import question, rehearsed  # noqa: PLC0415 - no start needs what judges once more
    from bot.chat.commands.rehearsal import over_two_weeks  # noqa: PLC0415

    try:
        embed = question(new, tuple(rehearsed(new, *await over_two_weeks(interaction.client.desk, new))))
    except UnclearError as untried:  # it can be set all the same
        embed = question(new, ["**What it would have done is not known.**", str(untried)])
    await confirm(interaction, embed, f"Let it {name(new.book)}", lambda press: _decide(press, new), danger=True)


@app_commands.describe(runbook="Which one", quiet="How long all must be well before it takes back what it did: 30m")
@app_commands.choices(runbook=BOOKS)
@app_commands.autocomplete(quiet=_suggest_length)
async def _try(interaction: Asked, *, runbook: str, quiet: str = "") -> None:
    await wait(interaction)
    from bot.chat.cards.runbooks import rehearsed  # noqa: PLC0415 - no start needs what judges once more
    from bot.chat.commands.rehearsal import over_two_weeks  # noqa: PLC0415

    new = _new(interaction, Book(runbook), Does.ON, quiet, None)
    would, back, caveats = await over_two_weeks(interaction.client.desk, new)
    lines = [*rehearsed(new, would, back, caveats), f"-# Tried, and not set: {name(new.book)}"]
    await answer(interaction, "\n".join(lines))


def _new(interaction: Asked, book: Book, does: Does, quiet: str, an_hour: int | None) -> Runbook:
    """What was asked for, and else as it is set.

    Raises:
        UnclearError: The time is none.
    """
    desk = interaction.client.desk
    new = Runbook(book, desk.now, interaction.user.id, does, QUIET, AN_HOUR)
    if (old := desk.known.decisions.runbooks.get(new.id)) is not None:
        new = replace(new, quiet=old.quiet, an_hour=old.an_hour)
    if quiet:
        new = replace(new, quiet=_quiet(quiet))
    return new if an_hour is None else replace(new, an_hour=an_hour)


def _quiet(text: str) -> timedelta:
    found = length(text, QUIET_AT_MOST)
    if found < QUIET_AT_LEAST:
        sentence = f"Quiet is at least {span(QUIET_AT_LEAST)}: else it would take back what it did again and again."
        raise UnclearError(sentence)
    return found


def _check(interaction: Asked, new: Runbook) -> None:
    """Refuse what could never do anything.

    Raises:
        UnclearError: With what to do about it.
    """
    from bot.chat.cards.runbooks import unseen  # noqa: PLC0415 - no start needs it

    if (blind := unseen(new.book, interaction.client.desk.policy)) is not None:
        sentence = f"*{name(new.book)}* would see nothing: {blind}. `/rules set` switches it on."
        raise UnclearError(sentence)
    if new.book is not Book.QUEUE:
        return
    endpoints = interaction.client.upstream.endpoints
    missing = [f"`{endpoints[each].variable}`" for each in ENDPOINTS if endpoints[each].path is None]
    if missing:
        sentence = (
            "ImaginePro does not publish where its queue is paused and resumed. Copy that from your documentation into"
            f" {' and '.join(missing)}; `/admin endpoints` shows all of them."
        )
        raise UnclearError(sentence)
    narrow = [f"`{endpoints[each].variable}`" for each in ENDPOINTS if endpoints[each].about_one]
    if narrow:
        sentence = f"This runbook pauses the whole queue, and {' and '.join(narrow)} names one {{token}}."
        raise UnclearError(sentence)


async def _decide(interaction: Asked | Pressed, new: Runbook) -> None:
    from bot.chat.cards.runbooks import line  # noqa: PLC0415 - no start needs it

    client = interaction.client
    desk = client.desk
    new = replace(new, at=desk.now)
    words = f"{new.does.replace('_', ' ')}, at most {new.an_hour} an hour, quiet {span(new.quiet)}"
    await desk.decide(new, "runbook set", interaction.user.id, words)
    await answer(interaction, f"Set. {line(new, desk.policy, read_only=client.access.read_only)}")
