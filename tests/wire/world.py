"""The server that the fake Discord has: its channels, roles and members, in the shapes of Discord's API."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.wire.limits import Json

APPLICATION_ID = 1_100_000_000_000_000_001
"""Also the bot's user id, as for every application made since 2016."""

VIEW_CHANNEL = 1 << 10
SEND_MESSAGES = 1 << 11
EMBED_LINKS = 1 << 14
ATTACH_FILES = 1 << 15
READ_MESSAGE_HISTORY = 1 << 16
USE_APPLICATION_COMMANDS = 1 << 31
MANAGE_GUILD = 1 << 5
MENTION_EVERYONE = 1 << 17
SEND_MESSAGES_IN_THREADS = 1 << 38

_TALK = VIEW_CHANNEL | SEND_MESSAGES | EMBED_LINKS | ATTACH_FILES | READ_MESSAGE_HISTORY | USE_APPLICATION_COMMANDS


@dataclass(frozen=True, slots=True)
class Role:
    """A role of the server."""

    id: int
    name: str
    permissions: int = 0
    mentionable: bool = False
    tags: Json = field(default_factory=dict)

    def payload(self) -> Json:
        """As Discord sends it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "position": 0,
            "permissions": str(self.permissions),
            "managed": False,
            "mentionable": self.mentionable,
            "flags": 0,
            "tags": self.tags,
        }


@dataclass(frozen=True, slots=True)
class Member:
    """A person in the server, or the bot."""

    id: int
    name: str
    roles: tuple[int, ...] = ()
    bot: bool = False

    def user(self) -> Json:
        """The account, as Discord sends it."""
        return {
            "id": str(self.id),
            "username": self.name,
            "discriminator": "0",
            "global_name": None,
            "avatar": None,
            "bot": self.bot,
        }

    def payload(self) -> Json:
        """The member, as Discord sends it."""
        return {
            "user": self.user(),
            "nick": None,
            "avatar": None,
            "roles": [str(role) for role in self.roles],
            "joined_at": "2026-01-01T00:00:00+00:00",
            "deaf": False,
            "mute": False,
            "flags": 0,
        }


TEXT, CATEGORY, ANNOUNCEMENTS, THREAD, FORUM, MEDIA = 0, 4, 5, 11, 15, 16
THREADS = {10, THREAD, 12}
REQUIRE_TAG = 1 << 4
"""Types of channels: https://docs.discord.com/developers/resources/channel#channel-object-channel-types."""


@dataclass(frozen=True, slots=True)
class Overwrite:
    """What a channel allows and denies to a role, or to a member."""

    id: int
    allow: int = 0
    deny: int = 0
    of_member: bool = False

    def payload(self) -> Json:
        """As Discord sends it."""
        return {"id": str(self.id), "type": int(self.of_member), "allow": str(self.allow), "deny": str(self.deny)}


@dataclass(frozen=True, slots=True)
class Tag:
    """A tag that the posts of a forum can have."""

    id: int
    name: str
    moderated: bool = False
    """Whether it takes MANAGE_THREADS."""

    def payload(self) -> Json:
        """As Discord sends it."""
        known = {"id": str(self.id), "name": self.name, "moderated": self.moderated}
        return known | {"emoji_id": None, "emoji_name": None}


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of the server, or a thread in its first channel, unless told otherwise."""

    id: int
    name: str
    type: int = TEXT
    overwrites: Sequence[Overwrite] = ()
    parent_id: int | None = None
    """The channel that a thread is in, if that is not the first one."""
    elsewhere: int | None = None
    """The server that it is in, if that is another one."""
    visible: bool = True
    """Whether the bot may see it."""
    tags: Sequence[Tag] = ()
    """Of a forum."""
    flags: int = 0

    @property
    def is_thread(self) -> bool:
        """Whether it can be archived and locked."""
        return self.type in THREADS

    def payload(self, guild_id: int, *, archived: bool = False, locked: bool = False) -> Json:
        """As Discord sends it."""
        if self.is_thread:
            return {
                "id": str(self.id),
                "type": self.type,
                "guild_id": str(self.elsewhere or guild_id),
                "parent_id": str(self.parent_id or OPS.id),
                "owner_id": str(OPERATOR.id),
                "name": self.name,
                "last_message_id": None,
                "rate_limit_per_user": 0,
                "message_count": 1,
                "member_count": 1,
                "total_message_sent": 1,
                "flags": 0,
                "thread_metadata": {
                    "archived": archived,
                    "auto_archive_duration": 1440,
                    "archive_timestamp": "2026-01-01T00:00:00+00:00",
                    "locked": locked,
                },
            }
        return {
            "id": str(self.id),
            "type": self.type,
            "guild_id": str(self.elsewhere or guild_id),
            "name": self.name,
            "position": 0,
            "permission_overwrites": [each.payload() for each in self.overwrites],
            "parent_id": None,
            "topic": None,
            "nsfw": False,
            "rate_limit_per_user": 0,
            "last_message_id": None,
            "flags": self.flags,
            **({"available_tags": [each.payload() for each in self.tags]} if self.type in {FORUM, MEDIA} else {}),
        }


GUILD_ID = 1_100_000_000_000_000_100
OPS = Channel(1_100_000_000_000_000_201, "ops")
LOUNGE = Channel(1_100_000_000_000_000_202, "lounge")
EVERYONE = Role(GUILD_ID, "@everyone", _TALK)
OPERATORS = Role(1_100_000_000_000_000_301, "operators")
ON_CALL = Role(1_100_000_000_000_000_302, "on call", mentionable=True)
MANAGERS = Role(1_100_000_000_000_000_303, "managers", MANAGE_GUILD)
BOT = Member(APPLICATION_ID, "tokens", bot=True)
OPERATOR = Member(1_100_000_000_000_000_401, "olga", (OPERATORS.id,))
COLLEAGUE = Member(1_100_000_000_000_000_404, "cleo", (OPERATORS.id,))
MANAGER = Member(1_100_000_000_000_000_402, "mina", (MANAGERS.id,))
VISITOR = Member(1_100_000_000_000_000_403, "vito")
APPLICATION: Json = {
    "id": str(APPLICATION_ID),
    "name": "tokens",
    "icon": None,
    "description": "",
    "bot_public": False,
    "bot_require_code_grant": False,
    "owner": OPERATOR.user(),
    "team": None,
    "verify_key": "0" * 64,
    "flags": 0,
    "summary": "",
}


@dataclass(frozen=True, slots=True)
class Guild:
    """A server. The first role is everyone's, and has the server's own id, as Discord has it."""

    id: int = GUILD_ID
    name: str = "studio"
    channels: Sequence[Channel] = (OPS, LOUNGE)
    roles: Sequence[Role] = (EVERYONE, OPERATORS, ON_CALL, MANAGERS)
    members: Sequence[Member] = field(default=(BOT, OPERATOR, COLLEAGUE, MANAGER, VISITOR))

    def payload(self) -> Json:
        """As REST sends it."""
        return {
            "id": str(self.id),
            "name": self.name,
            "owner_id": "1",
            "roles": [role.payload() for role in self.roles],
            "emojis": [],
            "stickers": [],
            "features": [],
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "system_channel_flags": 0,
            "preferred_locale": "en-US",
        }

    def create_event(self) -> Json:
        """As the gateway sends it to a bot that has only the intent for servers: the bot is the one member in it."""
        return self.payload() | {
            "channels": [channel.payload(self.id) for channel in self.channels],
            "members": [BOT.payload()],
            "member_count": len(self.members),
            "joined_at": "2026-01-01T00:00:00+00:00",
            "large": False,
            "unavailable": False,
            "threads": [],
            "voice_states": [],
            "presences": [],
            "stage_instances": [],
            "guild_scheduled_events": [],
            "soundboard_sounds": [],
        }

    def permissions(self, member: Member) -> int:
        """What a member may do anywhere in the server: everyone's permissions, and those of the roles."""
        allowed = 0
        for role in self.roles:
            if role.id == self.id or role.id in member.roles:
                allowed |= role.permissions
        return allowed
