"""What the ops channel shows of the tokens, set against what happened to them: nothing lost, nothing told twice.

Cards and groups tell what happened. Notices, which have no embed, are told beside them and counted apart.
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple, TypeAlias

from bot.domain.incidents import Rule
from bot.domain.steering import Setting
from bot.domain.watch.known import Changes
from tests.wire.discord import Discord
from tests.wire.messages import Message, Version
from tests.wire.town import BASELINE

GOOD = "FAST"
BYSTANDER = 1800
"""A token that always works: some always do, or else it would be news."""

EACH_FLIP_BY_ITSELF = Changes(None, decided=(Setting(Rule.FLAPPING, enabled=False),))
"""Stored before a story begins: tokens flip so often in these that they would soon be held as flapping."""

NEXT = {
    "FAST": ("BANNED", "VERIFYING", "RELAX"),
    "BANNED": ("FAST", "VERIFYING"),
    "VERIFYING": ("FAST", "BANNED"),
    "RELAX": ("FAST", "BANNED", "VERIFYING"),
}
"""Where a status may go next, in these stories. RELAX comes only after FAST, when it is always worth an alert."""


class Told(NamedTuple):
    """A token's time in a bad status, as a message tells it."""

    token: int
    status: str
    over: bool


Tally: TypeAlias = Counter[Told]

_CARD = re.compile(r"Token (?P<token>\d+) (?:is|has been) (?P<status>BANNED|VERIFYING|RELAX)(?! again)\b")
_CARD_OVER = re.compile(r"Token (?P<token>\d+)\b.*\n(?:.*\n)*?It was (?P<status>BANNED|VERIFYING|RELAX)\b")
_LINE = re.compile(r"\*\*(?P<was>was )?(?P<status>BANNED|VERIFYING|RELAX)\b[^*]*\*\* \(\d+\): (?P<tokens>.+)")
_LINE_TOKEN = re.compile(r"(?:^|, )(\d+)")
_SILENT = 1 << 12
"""The flag of a message that was posted without a notification; of the bot's, those that say that something is over."""


class Story:
    """What happened to one token, which began in FAST."""

    def __init__(self, token: int) -> None:
        self.token = token
        self.statuses = [GOOD]

    @property
    def status(self) -> str:
        """The newest."""
        return self.statuses[-1]

    @property
    def flips(self) -> int:
        """How often the status changed."""
        return len(self.statuses) - 1

    @property
    def expected(self) -> Tally:
        """What the channel must show: each time in a bad status once, and all but the present one as over."""
        times = [Told(self.token, status, over=True) for status in self.statuses[:-1] if status != GOOD]
        if self.status != GOOD:
            times.append(Told(self.token, self.status, over=False))
        return Counter(times)


class Ledger:
    """Reads the ops channel of a fake Discord. What was read of a message's version is kept.

    Args:
        discord: has the channel.
        stories: what happened.
        channel_id: of the channel; None for the one that alerts go to.
    """

    def __init__(self, discord: Discord, stories: Iterable[Story], channel_id: int | None = None) -> None:
        self.stories = tuple(stories)
        self._discord = discord
        self._channel_id = channel_id
        self._read: dict[tuple[int, int], Tally] = {}

    @property
    def all(self) -> list[Message]:
        """Everything in the channel, oldest first."""
        return self._discord.messages(self._channel_id)

    @property
    def messages(self) -> list[Message]:
        """Those that tell of tokens, oldest first."""
        return [message for message in self.all if self._now(message)]

    @property
    def summaries(self) -> list[Message]:
        """Those that tell of several changes."""
        return [message for message in self.messages if is_summary(message.now)]

    @property
    def notices(self) -> list[Message]:
        """Those that tell of a card, or of nothing that happened to a token."""
        return [message for message in self.all if is_notice(message.now)]

    @property
    def repeated(self) -> int:
        """Messages that were posted again: each has a mark of its own."""
        return len(self.all) - len({mark_of(message.now) for message in self.all})

    @property
    def chatter(self) -> int:
        """Notices that say that a message is over, beyond one for each time at which it can have been over anew.

        What tells of no token can be over once.
        """
        said = Counter(answered for message in self.notices if (answered := _said_over(message)) is not None)
        ends = {message.id: sum(n for told, n in self._now(message).items() if told.over) for message in self.messages}
        said.pop(self._channel_id or self._discord.channel_id, None)  # what stands there by itself is about no card
        return sum(max(n - ends.get(card, 1), 0) for card, n in said.items())

    @property
    def shown(self) -> Tally:
        """All that the channel shows now."""
        return _together(self._now(message) for message in self.all)

    @property
    def expected(self) -> Tally:
        """All that it should show."""
        return _together(story.expected for story in self.stories)

    def tells(self, story: Story) -> bool:
        """Whether the channel shows all of a story, and nothing else of its token."""
        return Counter({told: n for told, n in self.shown.items() if told.token == story.token}) == story.expected

    @property
    def lost(self) -> Tally:
        """What should be shown and is not."""
        return self.expected - self.shown

    @property
    def doubled(self) -> Tally:
        """What is shown and did not happen, or not so often. What is lost in one form may be here in the other."""
        return self.shown - self.expected

    @property
    def muddled(self) -> list[str]:
        """The messages that took back or changed the subject of what they had told before, as their texts."""
        return [
            f"{before.text}\n---\n{after.text}"
            for message in self.messages
            for (number, before), (_, after) in pairwise(enumerate(message.versions))
            if not _goes_on(self._at(message, number), self._at(message, number + 1))
        ]

    @property
    def figures(self) -> dict[str, int]:
        """What happened and was said, by the names that reports give it."""
        return {
            "flips": sum(story.flips for story in self.stories),
            "posts": len(self.all),
            "  groups and summaries among them": len(self.summaries),
            "  notices among them": len(self.notices),
            "edits": self.edits,
            "  that changed nothing": self.repeats,
        }

    @property
    def broken(self) -> dict[str, list[str]]:
        """Each time at which the channel broke a promise, by promise. The very first summary is told once, as well."""
        first = sum(any(BASELINE in version.text for version in message.versions) for message in self.all)
        return {
            "lost": [*map(str, self.lost.elements()), *["the first summary"] * (1 - first)],
            "doubled": [*map(str, self.doubled.elements()), *["the first summary"] * (first - 1)],
            "taken back": self.muddled,
            "notices doubled": ["a message that is there"] * self.repeated + ["the end of a card"] * self.chatter,
        }

    @property
    def repeats(self) -> int:
        """Edits that changed nothing: harmless, and unavoidable when the bot never heard that the first was taken."""
        return sum(
            before.text == after.text for message in self.messages for before, after in pairwise(message.versions)
        )

    @property
    def edits(self) -> int:
        """All edits."""
        return sum(len(message.versions) - 1 for message in self.messages)

    def tally(self, message: Message) -> Tally:
        """What a message tells now."""
        return self._now(message)

    def began_with(self, message: Message, told: Told) -> bool:
        """Whether a message told that from its first version on."""
        return self._at(message, 0)[told] > 0

    def _now(self, message: Message) -> Tally:
        return self._at(message, len(message.versions) - 1)

    def _at(self, message: Message, number: int) -> Tally:
        key = message.id, number
        if key not in self._read:
            self._read[key] = read(message.versions[number])
        return self._read[key]


def is_summary(version: Version) -> bool:
    """Whether it tells of several changes at once: of one rule, or of any."""
    return not is_notice(version) and _LINE.search(version.text) is not None


def is_notice(version: Version) -> bool:
    """Whether it is plain text, as cards and groups are not."""
    return not version.embeds


def mark_of(version: Version) -> str:
    """The word by which the bot finds its message again."""
    return version.text.split()[-1]


def read(version: Version) -> Tally:
    """What a version of a message tells of tokens."""
    text = version.text
    if is_notice(version):
        return Counter()
    if is_summary(version):
        return Counter(
            Told(int(token), line["status"], over=line["was"] is not None)
            for line in _LINE.finditer(text)
            for token in _LINE_TOKEN.findall(line["tokens"])
        )
    for pattern, over in ((_CARD_OVER, True), (_CARD, False)):
        if card := pattern.search(text):
            return Counter([Told(int(card["token"]), card["status"], over)])
    return Counter()


def _said_over(message: Message) -> int | None:
    """The message of which a notice says that it is over."""
    body = message.now.body
    if not body["flags"] & _SILENT:
        return None
    answered = body.get("message_reference")
    # In a forum it stands in the post of its card, which has the card's id.
    return int(answered["message_id"]) if answered else message.channel_id


def _goes_on(before: Tally, after: Tally) -> bool:
    """Whether the one may become the other: more may join, nothing leaves, and what is over stays over."""
    return _times(before) <= _times(after) and all(after[told] >= n for told, n in before.items() if told.over)


def _together(tallies: Iterable[Tally]) -> Tally:
    """Their sum, which `sum` would make anew for each of thousands."""
    total = Tally()
    for each in tallies:
        total.update(each)
    return total


def _times(tally: Tally) -> Counter[tuple[int, str]]:
    times: Counter[tuple[int, str]] = Counter()
    for told, n in tally.items():
        times[told.token, told.status] += n
    return times
