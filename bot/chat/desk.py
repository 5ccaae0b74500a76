"""What answers are made of and who gets them: the port to the fleet, the one check, and how failures are worded."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, Protocol

import aiohttp
import discord
from discord import app_commands

from bot.acts import Acts
from bot.billing import Billing
from bot.chat.board import Boards
from bot.chat.cards import why
from bot.chat.charts.studio import Studio
from bot.chat.following import Following
from bot.chat.premises import Found, Ids
from bot.chat.questions import Questions
from bot.chat.text import by_name
from bot.domain.decisions import Decision
from bot.domain.incidents import Incident, Key
from bot.domain.messages import Message
from bot.domain.model import Fleet, Token
from bot.domain.rules.policy import Policy
from bot.domain.sample import Sample
from bot.domain.steering import Entry
from bot.domain.value import Value
from bot.domain.watch.known import Changes, Known
from bot.imaginepro.client import ImaginePro, UpstreamError
from bot.storage.store import FencedError, StoreError
from bot.telemetry import reference

if TYPE_CHECKING:
    from bot.chat.checkup import Doctor
    from bot.chat.settable import Setup
    from bot.domain.sums import Fact

logger = logging.getLogger(__name__)


UNSAVED = "This could not be saved, so it was not done: the bot's database takes no writes. Try it again once it does."
"""Nothing is logged of it: `bot.saving` does that, once."""

TOO_LATE = {10062, 40060}
"""Unknown interaction: its 3 s are over; already acknowledged. There is no way left to answer."""


class Desk(Protocol):
    """Where commands and buttons ask. The properties answer from memory; what is awaited may raise `StoreError`."""

    @property
    def fleet(self) -> Fleet:
        """The last reading."""

    @property
    def known(self) -> Known:
        """Everything that is known now: the fleet, its incidents, and what people decided."""

    @property
    def policy(self) -> Policy:
        """How the rules are set now."""

    @property
    def now(self) -> datetime:
        """The time."""

    async def refresh(self, token_id: int) -> Token:
        """Read one token upstream; raises `UpstreamError`."""

    async def move(self, doing: Callable[[Known, datetime], tuple[Changes, Known]]) -> Changes:
        """Let what is known move as that says, whole or not at all; returns what that changed."""

    async def acknowledge(self, keys: Iterable[Key], by: int) -> tuple[Incident, ...]:
        """Somebody acknowledges these incidents; returns those that nobody had before."""

    async def hand_back(self, keys: Iterable[Key], by: int) -> tuple[Incident, ...]:
        """Somebody takes back that these are acknowledged; returns those that somebody had."""

    async def hand_over(self, keys: Iterable[Key], to: int, by: int) -> tuple[Incident, ...]:
        """Somebody gives these incidents to another; returns those that the other did not have before."""

    async def believe(self, by: int) -> bool:
        """Somebody says that a short list is true; False when none is in doubt, or somebody said so before."""

    async def note(self, about: Iterable[Incident], by: int, words: str) -> tuple[Incident, ...]:
        """Somebody notes something of these incidents, over or not; returns those that it is kept with from now on.

        Raises `ValueError` where it cannot be kept, with a sentence that says why.
        """

    async def test(self, by: int, trouble: str) -> bool:
        """Somebody asks for a test page, which mentions nobody because of `trouble`; False while one is open."""

    async def decide(self, decision: Decision, act: str, by: int, reason: str = "") -> None:
        """Somebody decided something that holds from now on."""

    async def undo(self, decision: Decision, act: str, by: int) -> bool:
        """Somebody took a decision back; False when it did not hold any more."""

    async def message(self, message_id: int) -> Message | None:
        """A message of the ops channel, with all its incidents; None when there is none of that id."""

    async def links(self) -> Mapping[Key, int]:
        """Discord's id of the message of each open incident that has one."""

    async def audit(self, limit: int) -> tuple[Entry, ...]:
        """What people did last, newest first."""

    async def history(
        self, tokens: Collection[int], since: datetime, until: datetime
    ) -> Mapping[int, tuple[Sample, ...]]:
        """What was read of each of these tokens, ascending; the last sample before `since` is the first."""

    async def facts(self, since: datetime) -> "tuple[Sequence[Fact], datetime | None]":
        """What reports count, of the incidents that were open from then on; and since when anything was read."""


class Need(Enum):
    """What somebody must be allowed to do, who uses a command, a button, a menu or a form.

    Each says so: a command and a context menu by `extras=Need.VIEW.extras`, a button, a menu and a form by `needs` or
    `need` of its class in `bot.chat.buttons.press`. What says nothing needs `OPERATE`.
    """

    VIEW = auto()
    """Ask for what the bot knows, or what can be read at ImaginePro."""
    OPERATE = auto()
    """Decide what holds in the bot: acknowledge, silence, set."""
    ACT = auto()
    """Change something at ImaginePro, or spend something there."""

    @property
    def extras(self) -> dict[Any, Any]:
        """How a command says it."""
        return {Need: self}


def need_of(command: object) -> Need:
    """What a command, or a context menu, needs; of one that is not known any more the usual."""
    extras = getattr(command, "extras", {})
    return extras.get(Need, Need.OPERATE) if isinstance(extras, dict) else Need.OPERATE


READS_ONLY = "This bot only watches (`READ_ONLY=true`): it changes nothing at ImaginePro, and nothing was done."


class Access(Value):
    """Who may use the bot: in one server, those with the operator role, or else those who manage the server.

    Those with the viewer role may ask, too. All is read from what Discord sent with the interaction, and from nothing
    that is remembered.
    """

    guild_id: int
    operator_role_id: int | None = None
    viewer_role_id: int | None = None
    """The role that may ask, and decide nothing; None for nobody beside the operators."""
    read_only: bool = False
    """Whether nobody may change anything at ImaginePro, and no button offers to."""

    def refusal(self, interaction: discord.Interaction[Any], need: Need = Need.OPERATE) -> str | None:
        """Why this member may not, in a sentence; None when they may."""
        member = interaction.user
        if interaction.guild_id != self.guild_id or not isinstance(member, discord.Member):
            return "This bot answers only in the server that it was set up for."
        if not self._operates(interaction, member):
            return self._refusal_of_others(member, need)
        return READS_ONLY if need is Need.ACT and self.read_only else None

    def _operates(self, interaction: discord.Interaction[Any], member: discord.Member) -> bool:
        if self.operator_role_id is None:
            return interaction.permissions.manage_guild
        return _has_role(member, self.operator_role_id)

    def _refusal_of_others(self, member: discord.Member, need: Need) -> str | None:
        """What somebody hears who is no operator."""
        operators = "who may manage this server" if self.operator_role_id is None else "with the operator role"
        if self.viewer_role_id is None:
            return f"Only members {operators} can use this bot."
        if not _has_role(member, self.viewer_role_id):
            return f"Only members with the viewer role, or {operators}, can use this bot."
        return None if need is Need.VIEW else f"You may look at everything. Only members {operators} can do this."

    def hears(self, member: discord.Member) -> bool:
        """Whether a member may look, of whom Discord says what roles they have."""
        roles = [each for each in (self.operator_role_id, self.viewer_role_id) if each is not None]
        if any(_has_role(member, each) for each in roles):
            return True
        return self.operator_role_id is None and member.guild_permissions.manage_guild

    def admits(self, chosen: discord.Member | discord.User) -> bool:
        """Whether somebody whom a member chose may use the bot too, as far as Discord says with the choice."""
        if not isinstance(chosen, discord.Member) or chosen.bot:
            return False
        if self.operator_role_id is not None:
            return _has_role(chosen, self.operator_role_id)
        return chosen.resolved_permissions is not None and chosen.resolved_permissions.manage_guild


def _has_role(member: discord.Member, role_id: int) -> bool:
    """Whether Discord said, with what a member did, that they have a role.

    What discord.py 2.7 offers in public, `get_role` and `roles`, leaves out every role that it does not have in memory:
    all of them until the server has arrived after READY, and while it is unavailable.
    """
    return bool(member._roles.has(role_id))  # noqa: SLF001 - see above


class Place(Value):
    """Where the ops channel is, and how its people live."""

    guild_id: int
    channel_id: int
    timezone: str
    """IANA name of the zone in which people write times."""
    forum: bool = False
    """Whether its messages are posts of a forum."""

    @property
    def home(self) -> str:
        """Where the ops channel is."""
        return f"https://discord.com/channels/{self.guild_id}/{self.channel_id}"

    def link(self, message_id: int) -> str:
        """Where a card of the ops channel is."""
        if self.forum:  # a post and its first message have one id
            return f"https://discord.com/channels/{self.guild_id}/{message_id}"
        return f"https://discord.com/channels/{self.guild_id}/{self.channel_id}/{message_id}"


class DeskClient(discord.Client):
    """A client whose commands and buttons find the desk, who may stand at it, and where they are."""

    desk: Desk
    acts: Acts
    """What does things at ImaginePro."""
    access: Access
    place: Place
    boards: Boards | None = None
    """The live boards; None before this copy of the bot leads."""
    ids: Ids
    found: Found | None
    stands: Callable[[], Awaitable[bool]]
    """Whether this copy of the bot is the one that answers. Another one may have taken over while it was held up."""
    studio: Studio
    """Where pictures are made."""
    setup: "Callable[[], Setup]"
    """What may be set in chat."""
    doctor: "Doctor"
    """Tries everything that the bot needs."""
    questions: Questions
    """Those that wait for Confirm or Cancel."""
    refresh_cooldown: timedelta
    """How long nobody can refresh a token again."""
    turn: asyncio.Lock
    """Held from looking at what is decided until it is decided otherwise: two people at once make one decision."""
    upstream: ImaginePro
    """Where it is asked what nobody has to remember. What changes something there is an act."""
    billing: Billing | None = None
    """Where the account at ImaginePro is read, and how it was last read; None before this copy of the bot leads."""
    following: Following
    """What edits answers while something goes on."""
    tree: app_commands.CommandTree[Any]
    """The commands that there are."""

    async def unmentioned(self) -> str:
        """Why a critical alert would mention nobody, as of now if Discord says so in time; empty where it would."""
        raise NotImplementedError


Asked = discord.Interaction[DeskClient]
"""A command, as it arrives."""


class UnclearError(Exception):
    """What somebody asked for cannot be done. Its text is a sentence for them that says how to mend it."""


async def say(interaction: discord.Interaction[Any], text: str) -> None:
    """Tell only the person who asked, whether or not they were answered already. A lost connection is not an error."""
    try:
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)
    except (discord.HTTPException, aiohttp.ClientError, OSError) as error:
        logger.warning("could not answer an interaction: %s", error)


async def wait(interaction: discord.Interaction[Any]) -> None:
    """Tell Discord that an answer to the one who asked will come: it gives 3 s, and a database may take longer."""
    await interaction.response.defer(ephemeral=True, thinking=True)


async def answer(
    interaction: discord.Interaction[Any],
    text: str | None = None,
    embed: discord.Embed | None = None,
    view: discord.ui.View | None = None,
) -> None:
    """Give the answer that was waited for; instead of a menu, when it was one that was used, and of its picture.

    Sentences may say tokens by their ids.
    """
    embeds = [embed] if embed else []
    text = text and by_name(text, interaction.client.desk.fleet.names)
    await interaction.edit_original_response(content=text, embeds=embeds, view=view, attachments=[])


async def apologise(interaction: discord.Interaction[Any], error: Exception) -> None:
    """Word a failure: what is to be expected in plain words, anything else with a reference that the log has too."""
    if isinstance(error, UnclearError):
        await say(interaction, by_name(str(error), interaction.client.desk.fleet.names))
        return
    if isinstance(error, UpstreamError):
        from bot.chat.refusals import refused  # noqa: PLC0415 - no start needs it

        await say(interaction, refused(error, interaction.client.desk.now))
        return
    if isinstance(error, FencedError):
        await say(interaction, "Another copy of the bot has taken over just now, so this was not done. Try it again.")
        return
    if isinstance(error, StoreError) and error.unwritable:
        await say(interaction, UNSAVED)
        return
    if isinstance(error, discord.HTTPException) and error.code in TOO_LATE:
        logger.warning("an interaction was not answered in time, or by another copy of the bot: %s", error)
        return
    mark = reference()
    if isinstance(error, StoreError):
        logger.error("interaction failed, reference %s: %s", mark, error)
        sentence = "The database does not answer, so this was not done. Try again in a minute; the log says more"
    else:
        logger.error("interaction failed, reference %s", mark, exc_info=error)
        sentence = "Something went wrong inside the bot. Its log says more"
    await say(interaction, f"{sentence} under `{mark}`.")


def upstream_sentence(error: UpstreamError, now: datetime) -> str:
    """Why a token could not be read, in a sentence of ours, where what was read before is shown as well."""
    until = now + error.retry_after if error.retry_after else None
    again = "until then, nobody can read it anew" if until else "try again in a minute"
    return f"{why(error.trouble, error.status, until)}. What was read last stays as it is; {again}."
