"""Cards and summaries: what they say, before it is known whom they ping."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bot.chat.alerts.groups import Line, fates, grouped, line, sign_of_ends
from bot.chat.alerts.notes import happened, noted
from bot.chat.alerts.phrases import SIGNS, TAKEN, Sign, had_been, sign, sign_and_headline, subject, waiting, was
from bot.chat.alerts.story import Story
from bot.chat.alerts.timeline import timeline
from bot.chat.cards import GAP, standing
from bot.chat.text import by_name, listed, quoted
from bot.domain.incidents import Rule
from bot.domain.model import Severity
from bot.domain.notes import Past
from bot.domain.rules.table import PLAN_RULES, UPSTREAM_RULES
from bot.storage.store import SUMMARY_SIZE

FAILURES = UPSTREAM_RULES - {Rule.LIST_SHORT}
"""Rules whose detail is the upstream's own words."""


class Draft(NamedTuple):
    """What a message says, before it is known whom it pings."""

    sign: Sign
    headline: str
    lines: Sequence[str | Line]
    remedies: Sequence[str] = ()

    def by_name(self, names: Mapping[int, str]) -> "Draft":
        """With what people call tokens, where a sentence says them by their ids alone."""
        if not names:
            return self
        lines = [
            by_name(each, names) if isinstance(each, str) else Line(*(by_name(form, names) for form in each))
            for each in self.lines
        ]
        return self._replace(headline=by_name(self.headline, names), lines=lines)


def card(story: Story, use: str = "", past: Past | None = None) -> Draft:
    """One incident: what it means and what to do, or how it ended, and what people noted of it.

    `use` is a line about its token, and `past` what was before it; both while it is open.
    """
    mark, headline = sign_and_headline(story)
    if story.ended:
        body = [had_been(story), "" if story.well else story.wording.why.format_map(story).strip()]
    else:
        wording, cause = story.wording, story.incident.detail if story.rule in FAILURES else ""
        body = [
            " ".join(filter(None, [was(story), wording.means.format_map(story).strip(), waiting(story)])),
            f"**Do:** {wording.do.format_map(story)}" if wording.do else "",
            f"Cause: {quoted(cause, 500)}" if cause else "",
        ]
    elsewhere = story.rule in {Rule.TEST, *PLAN_RULES} or (story.rule in UPSTREAM_RULES and not story.ended)
    where = "" if elsewhere or headline == standing(story.fleet) else f"{standing(story.fleet)}."
    about = subject(story, "\n".join([headline, *body]))
    before = "" if story.ended else happened(past)
    said = [each for each in (*body, about, where, before, *noted([story.incident])) if each]
    lines = [*said, *([GAP] if said else []), *([use] if use and not story.ended else []), timeline([story])]
    return _whose(Draft(mark, headline, lines), [story])


def summary(about: Sequence[Story]) -> Draft:
    """Every incident by name: what stands first, then what came and went. The very first begins with the fleet."""
    first, about = _first(about)
    if first and not about:
        return card(first)
    over = [story for story in about if story.ended]
    stands = [story for story in about if not story.ended]
    groups = grouped(stands)
    lines: list[str | Line] = [
        first.wording.means.format_map(first) if first else f"**{standing(about[0].fleet)}.**",
        GAP,
        *(line(label, group, len(about)) for label, group in [*groups.items(), *grouped(over).items()]),
        *noted(story.incident for story in about),
        GAP,
        timeline(about),
    ]
    remedies = [
        f"**{label}:** {group[0].wording.do.format_map(group[0])}"
        for label, group in groups.items()
        if group[0].wording.do and group[0].incident.severity is not Severity.INFO
    ]
    sign_now = sign_of(about)
    if first:
        wrong = sum(story.incident.severity is not Severity.INFO for story in stands)
        least = "at least " if len(about) + 1 >= SUMMARY_SIZE else ""  # the others are in the messages that follow
        problems = f": {least}{wrong} problem{'s' * (wrong != 1)}" if wrong else ""
        headline = f"{first.wording.headline.format_map(first)}{problems}"
        return _whose(Draft(sign_now, headline, lines, remedies), stands)
    return _whose(Draft(sign_now, several(about), lines, remedies), stands)


def _whose(draft: Draft, stands: Sequence[Story]) -> Draft:
    """Once somebody has all that is open, that comes first, and calmer: `✋ @ana · Token 1906 is BANNED`."""
    people = [story.incident.acknowledged for story in stands if not story.ended]
    if not people or None in people:
        return draft
    names = listed([f"<@{who}>" for who in dict.fromkeys(each.who for each in people if each)], 3)
    return draft._replace(sign=TAKEN, headline=f"{names} · {draft.headline}")


def _first(about: Sequence[Story]) -> tuple[Story | None, Sequence[Story]]:
    """The story of the first reading, and the others of its message."""
    first = next((story for story in about if story.rule is Rule.BASELINE), None)
    return first, [story for story in about if story is not first]


def sign_of(about: Sequence[Story]) -> Sign:
    """The gravest of what is open, a rule's own sign where there is but one rule; or whether all of it ended well."""
    stands = [story for story in about if not story.ended]
    if not stands:
        return sign_of_ends(about)
    return sign(stands[0]) if len({story.rule for story in stands}) == 1 else SIGNS[stands[0].incident.severity]


def several(about: Sequence[Story]) -> str:
    """`2 tokens are VERIFYING`, `2 tokens were VERIFYING: all resolved`, or of several rules `2 incidents at once`."""
    ends, tokens = fates(about), {story.incident.key.token for story in about}
    alike = len({story.rule for story in about}) == 1 and not (len(tokens) == 1 and about[0].token)
    wording = about[0].wording if alike else None
    many = (wording.many_were if ends and wording.many_were else wording.many) if wording else ""
    if many and any(story.incident.key.group for story in about):
        names = listed(list(dict.fromkeys(story.group for story in about)), 5)
        many = f"Short of tokens or of fast time: {names.replace('The fleet', 'the fleet')}"
    headline = many.replace("{many}", f"{len(tokens)} tokens") or f"{len(about)} incidents{'' if ends else ' at once'}"
    return f"{headline}: {ends}" if ends else headline
