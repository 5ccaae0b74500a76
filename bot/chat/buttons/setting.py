"""What the form of `/admin setup` shows and does. Imported when somebody uses it."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

import discord

from bot.chat.alerts import row
from bot.chat.buttons.press import GuardedForm, Item, Pressed
from bot.chat.buttons.setup import CHOICES
from bot.chat.cards import BLUE, GAP, compose
from bot.chat.desk import Access, Need, UnclearError, answer
from bot.chat.premises import Ids, findings
from bot.chat.settable import Field
from bot.chat.survey import AwayError, survey
from bot.chat.text import bare, capitalised, plain
from bot.domain.value import replace

TITLES: Final = ("Setup, 1 of 3: where alerts go", "Setup, 2 of 3: who may use the bot", "Setup, 3 of 3: when")
PAGES: Final = (("channel", "alert", "escalation"), ("operator", "viewer"), ())
"""The menus of each page."""

WRITTEN: Final = {
    "FAST_TIME_THRESHOLD": ("Levels of fast time", "Warn under these levels of fast time"),
    "TIMEZONE": ("Time zone", "Time zone, as in Europe/Berlin"),
    "DIGEST_AT": ("Daily digest", "Daily digest at, as in 9:00; off for none"),
}
"""What is written: how it is called on the card, and in the form."""

CALLED: Final = {
    "OPS_CHANNEL_ID": "Ops channel",
    "ALERT_ROLE_ID": "Woken by critical alerts",
    "ESCALATION_ROLE_ID": "Woken, too, by the second reminder",
    "OPERATOR_ROLE_ID": "Operators",
    "VIEWER_ROLE_ID": "Viewers",
    **{name: called for name, (called, _) in WRITTEN.items()},
}

UNSET: Final = {
    "OPS_CHANNEL_ID": "not set: alerts wait",
    "ALERT_ROLE_ID": "nobody",
    "ESCALATION_ROLE_ID": "nobody more",
    "OPERATOR_ROLE_ID": "whoever may manage this server",
    "VIEWER_ROLE_ID": "nobody beside the operators",
}

LOCKED: Final = "🔒"
BY_THE_ENVIRONMENT: Final = "set by the environment"
KEPT: Final = "What you choose is kept at once, and counts once you press *Apply and test*, or after a restart."

PATIENCE: Final = 3.0
"""Seconds that what Discord shows of a choice is waited for."""

LONGEST_TEXT: Final = 60

OPEN: Final = 900.0
"""Seconds for which a form that is open is remembered: for longer Discord takes no answer to what opened it."""

CHANNELS: Final = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.forum,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
]


async def page_of(
    interaction: Pressed, page: int, problems: Iterable[str] = ()
) -> tuple[discord.Embed, discord.ui.View]:
    """A page of the form, as of now.

    Raises:
        StoreError: What is kept cannot be read.
    """
    fields = await interaction.client.setup().fields()
    wrong = [*problems, *(await _seen(interaction, fields))]
    lines = [
        *(f"⚠️ {plain(each, 400)}." for each in wrong),
        *([GAP] if wrong else []),
        *(_line(fields[name]) for name in CALLED),
        GAP,
        *([f"{LOCKED} {BY_THE_ENVIRONMENT}, which wins."] if any(each.given for each in fields.values()) else []),
        KEPT,
    ]
    return compose(TITLES[page], lines, BLUE), row(_items(fields, page))


def _line(field: Field) -> str:
    """`**Operators** · @ops`."""
    if not field.text:
        value = UNSET.get(field.name, field.default)
    elif field.name == "OPS_CHANNEL_ID":
        value = f"<#{field.text}>"
    elif field.name in CHOICES.values():
        value = f"<@&{field.text}>"
    else:
        value = plain(field.text, LONGEST_TEXT)
    return f"**{CALLED[field.name]}** · {value}{f' {LOCKED}' if field.given else ''}"


def _items(fields: Mapping[str, Field], page: int) -> Iterator[Item]:
    for word in PAGES[page]:
        yield _menu(word, fields[CHOICES[word]], page)
    if page == len(PAGES) - 1:
        free = any(not fields[name].given for name in WRITTEN)
        yield discord.ui.Button(
            label="Levels, zone, digest …", emoji="✏️", custom_id=f"setup:text:{page}", disabled=not free
        )
        yield discord.ui.Button(
            label="Apply and test", style=discord.ButtonStyle.primary, custom_id=f"setup:apply:{page}"
        )
    if page > 0:
        yield discord.ui.Button(label="◀ Back", custom_id=f"setup:page:{page - 1}")
    if page < len(PAGES) - 1:
        yield discord.ui.Button(label="Next ▶", custom_id=f"setup:page:{page + 1}")


def _menu(word: str, field: Field, page: int) -> Item:
    """A menu of channels or roles, with what is set chosen."""
    said = f"{CALLED[field.name]}: {BY_THE_ENVIRONMENT}" if field.given else f"{CALLED[field.name]}?"
    kind = discord.SelectDefaultValueType.channel if word == "channel" else discord.SelectDefaultValueType.role
    options: dict[str, Any] = {
        "custom_id": f"setup:{word}:{page}",
        "placeholder": said,
        "min_values": 0,
        "disabled": field.given,
        "default_values": [discord.SelectDefaultValue(id=int(field.text), type=kind)] if field.text else [],
    }
    if word == "channel":
        return discord.ui.ChannelSelect(channel_types=CHANNELS, **options)
    return discord.ui.RoleSelect(**options)


async def used(interaction: Pressed, act: str, page: int, item: discord.ui.Item[discord.ui.View]) -> None:
    """Somebody used a menu or a button of the form."""
    if act == "text":
        fields = await interaction.client.setup().fields()
        await interaction.response.send_modal(SetupForm(fields, page))
        return
    await interaction.response.defer()
    if act == "apply":
        await _apply(interaction)
        return
    problems: Iterable[str] = ()
    if act in CHOICES and isinstance(item, discord.ui.ChannelSelect | discord.ui.RoleSelect):
        chosen = str(item.values[0].id) if item.values else ""
        problems = _locked_out(interaction, act, chosen) or await _put(interaction, {CHOICES[act]: chosen})
    embed, view = await page_of(interaction, page, problems)
    await answer(interaction, embed=embed, view=view)


def _locked_out(interaction: Pressed, act: str, chosen: str) -> tuple[str, ...]:
    """Why somebody may not choose these operators: they would be none of them, and could not take it back."""
    if act != "operator":
        return ()
    after: Access = replace(interaction.client.access, operator_role_id=int(chosen) if chosen else None)
    if after.refusal(interaction) is None:
        return ()
    who = f"do not have the role <@&{chosen}>" if chosen else "may not manage this server"
    return (f"Not kept: you {who} yourself, so you could not use the bot any more",)


async def _put(interaction: Pressed, values: Mapping[str, str]) -> tuple[str, ...]:
    client = interaction.client
    async with client.turn:
        problems = await client.setup().put(values, interaction.user.id)
    return tuple(f"Not kept: {each}" for each in problems)


async def _seen(interaction: Pressed, fields: Mapping[str, Field]) -> tuple[str, ...]:
    """What is wrong with what is chosen, at Discord; nothing where that does not answer in time."""

    def of(name: str) -> int | None:
        return int(fields[name].text) if fields[name].text else None

    ids = Ids(
        interaction.client.access.guild_id,
        of("OPS_CHANNEL_ID") or 0,
        of("OPERATOR_ROLE_ID"),
        of("ALERT_ROLE_ID"),
        of("ESCALATION_ROLE_ID"),
        of("VIEWER_ROLE_ID"),
    )

    async def look() -> tuple[str, ...]:
        try:
            found = findings(ids, await survey(interaction.client, ids))
        except AwayError:
            return ()
        return tuple(capitalised(each.words) for each in found if not each.unnamed)

    # One that takes longer goes on: a request that is cancelled while Discord limits it would hold up all others.
    looking = asyncio.create_task(look(), name="look at what is chosen")
    await asyncio.wait({looking}, timeout=PATIENCE)
    return looking.result() if looking.done() else ()


async def _apply(interaction: Pressed) -> None:
    client = interaction.client
    setup = client.setup()
    channel = (await setup.fields())["OPS_CHANNEL_ID"].text
    if not channel:
        sentence = "Choose the ops channel first: without one, nobody is told of anything."
        raise UnclearError(sentence)
    await setup.ask_for_a_test(interaction.user.id)
    if setup.begins_anew:
        said = (
            "Kept. The bot begins anew with it now, which takes some seconds; then it posts a test page in "
            f"<#{channel}>, for whoever is on call to acknowledge. `/admin doctor` says whether all is well."
        )
    else:
        said = f"Kept. Start the bot again to use it; then it posts a test page in <#{channel}>."
    await answer(interaction, said)
    setup.begin_anew()


class SetupForm(GuardedForm):
    """What is written, and not chosen."""

    need: ClassVar = Need.OPERATE

    def __init__(self, fields: Mapping[str, Field], page: int) -> None:
        """With what is kept now; what the environment sets is left out."""
        super().__init__(title="Levels, zone and digest", timeout=OPEN)
        self._page = page
        self._inputs = {
            name: discord.ui.TextInput[SetupForm](
                label=bare(label, 45),
                default=fields[name].text or fields[name].default,
                placeholder=fields[name].default,
                required=False,
                max_length=LONGEST_TEXT,
            )
            for name, (_, label) in WRITTEN.items()
            if not fields[name].given
        }
        for each in self._inputs.values():
            self.add_item(each)

    async def on_submit(self, interaction: Pressed, /) -> None:
        """Keep what can be used, and say of the rest why not, with what was written."""
        await interaction.response.defer()
        problems: list[str] = []
        for name, each in self._inputs.items():
            said = await _put(interaction, {name: each.value})
            problems += (f"{why}. You wrote: {each.value}" for why in said)
        embed, view = await page_of(interaction, self._page, problems)
        await answer(interaction, embed=embed, view=view)
