"""`/admin`: who did what with this bot, how it is, and whether a page reaches whoever is on call."""

import re
from collections.abc import Collection, Mapping

from discord import app_commands

from bot.chat.cards import BLUE, compose
from bot.chat.commands.options import group_of
from bot.chat.desk import Asked, Need, answer, wait
from bot.chat.premises import barred
from bot.chat.text import called, plain, quoted, span, stamp
from bot.domain.incidents import TEST, Incident
from bot.domain.labels import trail_by_name
from bot.domain.steering import TEST_LASTS, Entry, Scope, Window

SHOWN = 20
WHAT = 160
"""How much of what it was about is shown, escapes included."""


def command() -> app_commands.Group:
    """A new instance, for one client."""
    return group_of(
        "admin",
        "What people did with this bot, how it is, and a test page",
        ("audit", "Who acknowledged, silenced or set what; when; why", Need.OPERATE, _audit),
        ("doctor", "What is wrong with the bot, and how to mend it", Need.OPERATE, _doctor),
        ("endpoints", "Where each endpoint of ImaginePro is, and which are not known", Need.OPERATE, _endpoints),
        ("setup", "Choose where alerts go, whom they wake, and who may use the bot", Need.OPERATE, _setup),
        ("test", "Page whoever is on call, and see how soon they answer", Need.OPERATE, _test),
    )


async def _audit(interaction: Asked) -> None:
    await wait(interaction)
    entries = await interaction.client.desk.audit(SHOWN)
    names = interaction.client.desk.fleet.names
    groups = [plain(each.name, WHAT) for each in interaction.client.desk.known.decisions.groups.values()]
    title = "Nobody has done anything yet"
    if entries:
        title = f"Last {len(entries)} actions" if len(entries) > 1 else "Last action"
    await answer(interaction, embed=compose(title, [_line(each, names, groups) for each in entries], BLUE))


async def _doctor(interaction: Asked) -> None:
    """Everything that the bot needs is tried, which takes some seconds at most."""
    await wait(interaction)
    from bot.chat.cards.checkup import checkup  # noqa: PLC0415 - no start needs it

    await answer(interaction, embed=checkup(await interaction.client.doctor()))


async def _setup(interaction: Asked) -> None:
    await wait(interaction)
    from bot.chat.buttons.setting import page_of  # noqa: PLC0415 - no start needs it

    embed, view = await page_of(interaction, 0)
    await answer(interaction, embed=embed, view=view)


async def _endpoints(interaction: Asked) -> None:
    from bot.chat.cards.endpoints import endpoints_card  # noqa: PLC0415 - no start needs it

    upstream = interaction.client.upstream
    embed = endpoints_card(upstream.endpoints, upstream.answered)
    await interaction.response.send_message(embed=embed, ephemeral=True)


async def _test(interaction: Asked) -> None:
    """Posted as any page is, by the outbox; so where it is, is known for sure only of one that was open before."""
    await wait(interaction)
    client = interaction.client
    desk, place = client.desk, client.place
    trouble = await client.unmentioned()
    begun = await desk.test(interaction.user.id, trouble)
    test, link = desk.known.incidents.get(TEST), (await desk.links()).get(TEST)
    where = (f"<#{place.channel_id}>" if place.channel_id else "nobody yet") if link is None else place.link(link)
    if not begun and test is not None:
        asked = f", asked for by <@{test.moments[0].who}> {stamp(test.opened_at)}" if test.moments else ""
        await answer(interaction, f"A test is open already{asked}: {where}. It ends at {_end(test)}.")
        return
    begins = f"A test page is on its way to {where}. Whoever is on call has {span(TEST_LASTS)} to acknowledge it"
    said = [
        f"{begins}; its message says who did, and how soon.",
        *(f"⚠️ **{plain(each, 400)}.**" for each in (*barred(client.ids, client.found), *trouble.splitlines())),
    ]
    if any(isinstance(each, Window) or each.scope == Scope() for each in desk.known.decisions.suppressing):
        said.append("🔕 All alerts are kept quiet now. A test sounds all the same; a real page would not.")
    await answer(interaction, "\n".join(said))


def _end(test: Incident) -> str:
    return stamp(test.opened_at + TEST_LASTS, "t")


_PERSON = re.compile(r"\b[0-9]{15,20}\b")
"""Discord's id of somebody, as the trail keeps it."""


def _line(entry: Entry, names: Mapping[int, str], groups: Collection[str] = ()) -> str:
    people = entry.act.startswith(("oncall", "notify"))
    why = f" · {quoted(entry.reason, 400 if people else 120)}" if entry.reason else ""
    what = plain(entry.what.replace("_", " "), WHAT)
    if entry.act == "hand over":
        what = re.sub(r"^to (\d+)", r"to <@\1>", what)
    if entry.act.startswith("board"):
        what = re.sub(r"^in (\d+)", r"in <#\1>", what)
    if entry.act not in {"name", "name end"}:
        what = trail_by_name(what, names, lambda token_id: called(token_id, names), groups)
    if people:
        what, why = (_PERSON.sub(r"<@\g<0>>", each) for each in (what, why))
    by = f"<@{entry.by}>" if entry.by else "the bot"
    return f"{stamp(entry.at, 'f')} {by} **{plain(entry.act, 40)}** {what}{why}"
