"""What is said of one incident: its sign and headline, how it ended, and the lines below."""

from bot.chat import cards
from bot.chat.alerts.story import Story, queued_jobs
from bot.chat.alerts.wording import MOMENTARY
from bot.chat.cards import plan_word, status_word
from bot.chat.text import instant, number, stamp
from bot.domain.incidents import Rule
from bot.domain.info import read
from bot.domain.model import Status
from bot.domain.rules.table import FAST_TIME_RULES, STATUS_RULES

Sign = cards.Sign
SIGNS = cards.SIGNS

_NAMED = {status.value for status in Status} - {Status.UNKNOWN.value}

OVER: Sign = ("✅", cards.GREY)
MOVED_ON: Sign = ("⚪", cards.GREY)
TAKEN: Sign = ("✋", cards.CALM)


def sign(story: Story) -> Sign:
    """What stands before it while it is open."""
    return story.wording.sign or SIGNS[story.incident.severity]


def sign_and_headline(story: Story) -> tuple[Sign, str]:
    """What its card begins with, as of its stage."""
    return _end(story) if story.ended else (sign(story), story.wording.headline.format_map(story))


def _end(story: Story) -> tuple[Sign, str]:
    """How it ended: well, by turning into something else, or because its rule was switched off."""
    token, origin, state = story.token, story.incident.origin, story.wording.state.format_map(story)
    if story.lost:
        return MOVED_ON, f"{story.name} is no longer {state}: gone from the list, after {story.span}"
    if story.incident.unwatched:
        what = story.wording.group.format_map(story) if story.incident.key.token is None else f"{story.name} {state}"
        return MOVED_ON, f"No longer watched, after {story.span}: {what}"
    if token is None or story.rule not in STATUS_RULES:
        return OVER, story.wording.over.format_map(story)
    if not token.usable:
        off = ", switched off" if token.active is False else ""
        return MOVED_ON, f"{story.name} is no longer {state}: now {story.status}{off}, after {story.span}"
    if token.status is Status.FAST or origin == token.status:
        return OVER, f"{story.name} is {story.status} again after {story.span}"
    return OVER, f"{story.name} works again after {story.span}, in {story.status}"


def subject(story: Story) -> str:
    """The token in a line, less what the headline says: where that is not the status, the status stands here."""
    token, rule = story.token, story.rule
    if token is None:
        return ""
    refill = story.refill
    parts = [
        "" if rule in STATUS_RULES | MOMENTARY | {Rule.FLAPPING} else f"Status {status_word(token)}",
        "switched off" if token.active is False and rule is not Rule.INACTIVE else "",
        f"{plan_word(token)} plan" if plan_word(token) else "",
        story.left if token.fast_time.known and rule not in FAST_TIME_RULES else "",
        f"refills {stamp(refill)}" if refill else "",
    ]
    return " · ".join(filter(None, parts))


def was(story: Story) -> str:
    """`Was BANNED until 3:11, and FAST before that.`, where the status is what changed."""
    before, at, origin = story.incident.was, story.incident.was_at, story.incident.origin
    if before is None or story.rule not in STATUS_RULES | {Rule.RESTORED, Rule.GONE}:
        return ""
    until = f" until {instant(at, story.incident.read_at)}" if at else ""
    earlier = f", and {origin} before that" if origin in _NAMED and origin != read(before).status else ""
    return f"Was {status_word(read(before))}{until}{earlier}."


def had_been(story: Story) -> str:
    """`It was BANNED, and FAST before that.`, of a status that has ended; of anything else the headline says it."""
    if story.rule not in STATUS_RULES:
        return ""
    before = story.incident.was
    earlier = f", and {status_word(read(before))} before that" if before else ""
    return f"It was {story.wording.state.format_map(story)}{earlier}."


def waiting(story: Story) -> str:
    """How many jobs sit in the queues of a token that does not work."""
    token = story.token
    jobs = 0 if token is None or token.status.works else queued_jobs(token)
    return f"{number(jobs)} {'job is' if jobs == 1 else 'jobs are'} waiting on it." if jobs else ""
