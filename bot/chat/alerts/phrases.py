"""What is said of one incident: its sign and headline, how it ended, and the lines below."""

from collections.abc import Mapping

from bot.chat import cards
from bot.chat.alerts.story import Story, queued_jobs
from bot.chat.alerts.wording import MOMENTARY, WORDINGS
from bot.chat.cards import plan_word, refilled, status_word
from bot.chat.text import capitalised, instant, listed, number
from bot.domain.incidents import Reason, Rule
from bot.domain.info import read
from bot.domain.model import Status
from bot.domain.rules.table import FAST_TIME_RULES, STATUS_RULES

Sign = cards.Sign
SIGNS = cards.SIGNS

_NAMED = {status.value for status in Status} - {Status.UNKNOWN.value}

OVER: Sign = ("✅", cards.GREY)
MOVED_ON: Sign = ("⚪", cards.GREY)
FAILED: Sign = ("❌", cards.RED)
TAKEN: Sign = ("✋", cards.CALM)


def sign(story: Story) -> Sign:
    """What stands before it while it is open."""
    return story.wording.sign or SIGNS[story.incident.severity]


def sign_and_headline(story: Story) -> tuple[Sign, str]:
    """What its card begins with, as of its stage."""
    return _end(story) if story.ended else (sign(story), story.wording.headline.format_map(story))


def _end(story: Story) -> tuple[Sign, str]:
    """How it ended: only where all is well does it say so."""
    if story.well:
        return OVER, _well(story)
    if story.wording.failed:
        return FAILED, story.wording.failed.format_map(story)
    short = story.short
    what = capitalised(short) if story.incident.key.token is None else f"{story.name}: {short}"
    return MOVED_ON, f"{what} for {story.span}, {aftermath(story)}"


def _well(story: Story) -> str:
    token = story.token
    if token is None or story.rule not in STATUS_RULES:
        return story.wording.over.format_map(story)
    if token.status is Status.FAST or story.incident.origin == token.status:
        return f"{story.name} is {story.status} again after {story.span}"
    return f"{story.name} works again after {story.span}, in {story.status}"


_AFTERMATHS: Mapping[Reason, str] = {
    Reason.UNTOLD: "outcome unknown",
    Reason.OFF: "then switched off",
    Reason.GONE: "then gone from the list",
    Reason.UNWATCHED: "no longer watched",
}


def aftermath(story: Story) -> str:
    """What became of it, where that is no good news: `now BANNED`, or `then gone from the list`."""
    end = story.incident.end
    if end is None and not story.lost and not story.incident.unwatched:
        return f"now {story.status}"
    if story.lost or end is None:
        return _AFTERMATHS[Reason.GONE if story.lost else Reason.UNWATCHED]
    if end.reason is not Reason.BECAME:
        return _AFTERMATHS[end.reason]
    words = (story.status if rule in STATUS_RULES else WORDINGS[rule].short for rule in end.became)
    return f"now {listed(list(dict.fromkeys(words)), 3)}"


def subject(story: Story, said: str) -> str:
    """The token in a line, less what its card has said above.

    Args:
        story: What the card is about.
        said: The headline, and the lines above.
    """
    token, rule = story.token, story.rule
    if token is None:
        return ""
    status, refill = status_word(token), refilled(token.subscription, story.incident.read_at)
    named = rule in STATUS_RULES | MOMENTARY | {Rule.FLAPPING} or f"is {status}" in said
    measured = rule in FAST_TIME_RULES or (rule is Rule.FROZEN and not story.ended)
    parts = [
        "" if named else f"Status {status}",
        "switched off" if token.active is False and rule is not Rule.INACTIVE else "",
        f"{plan_word(token)} plan" if plan_word(token) else "",
        story.left if token.fast_time.known and not measured else "",
        "" if refill in said else refill,
    ]
    return " · ".join(filter(None, parts))


def was(story: Story) -> str:
    """`Was BANNED until 3:11, and FAST before that.`, where the status is what changed."""
    before, at, origin = story.incident.was, story.incident.was_at, story.incident.origin
    if before is None or story.rule not in STATUS_RULES | {Rule.RESTORED, Rule.GONE} or not before.status.strip():
        return ""
    if story.incident.now is not None and before.status == story.incident.now.status:
        return ""  # its rule was off when it changed
    until = f" until {instant(at, story.incident.read_at)}" if at else ""
    earlier = f", and {origin} before that" if origin in _NAMED and origin != read(before).status else ""
    return f"Was {status_word(read(before))}{until}{earlier}."


def had_been(story: Story) -> str:
    """`It was BANNED, and FAST before that.`, of a status that has ended; of anything else the headline says it."""
    if story.rule not in STATUS_RULES:
        return ""
    before = story.incident.was
    earlier = f", and {status_word(read(before))} before that" if before and before.status.strip() else ""
    return f"It was {story.wording.state.format_map(story)}{earlier}."


def waiting(story: Story) -> str:
    """How many jobs sit in the queues of a token that does not work."""
    token = story.token
    jobs = 0 if token is None or token.status.works else queued_jobs(token)
    return f"{number(jobs)} {'job is' if jobs == 1 else 'jobs are'} waiting on it." if jobs else ""
