"""A day in which every rule fires and clears reads as it was reviewed: see `tests/domain/day.py`."""

import re
from pathlib import Path

from bot.domain.incidents import Rule
from bot.domain.messages import NoticeKind
from tests.domain.day import played

REVIEWED = Path(__file__).with_name("day.txt")


async def test_the_day_reads_as_it_was_reviewed() -> None:
    day = await played()
    assert day.lines == REVIEWED.read_text("utf-8").splitlines()


async def test_every_rule_fires_and_resolves_in_that_day_and_every_notice_is_posted() -> None:
    day = await played()
    shown = [incident for message, _ in day.posted for incident in message.incidents]
    rules = set(Rule) - {Rule.FAST_TIME_GONE}  # a level of another
    assert {incident.key.rule for incident in shown} == rules
    assert {incident.key.rule for incident in shown if incident.resolved_at} == rules
    # Nobody there wishes for direct messages, and there is no rota.
    of_people = {NoticeKind.UNREACHABLE, NoticeKind.SHIFT}
    assert {message.notice.kind for message, _ in day.posted if message.notice} == set(NoticeKind) - of_people
    assert not day.cards


OURS = re.compile(
    r"\b(?:account \d|baseline|fired|finding|flap\w*|heard|inhibited|lease|looks? at ImaginePro|mended|nonce|notifiable"
    r"|outbox|pending|step|swept|term|unnotified)\b|all of them over| got [A-Z]| went [A-Z]"
)
"""Words that we use among ourselves, and what no native speaker on call would say."""


async def test_the_channel_is_told_in_its_own_words_and_with_times_that_do_not_count_on() -> None:
    day = await played()
    for line in day.lines:
        assert OURS.search(line) is None, line
    for message, shown in day.posted:
        for embed in shown.embeds:
            if message.notice is not None:  # the digest, which is never edited
                assert ":R>" not in (embed.description or "")
                continue
            *_, timeline = (embed.description or "").splitlines()
            assert timeline.startswith(("since <t:", "asked for by <@"))
            assert ":R>" not in timeline


async def test_every_message_of_that_day_fits_into_discord() -> None:
    day = await played()
    for _, alert in day.posted:
        assert len(alert.content or "") <= 2000
        assert sum(len(embed) for embed in alert.embeds) <= 6000
        for embed in alert.embeds:
            assert len(embed.title or "") <= 256
            assert len(embed.description or "") <= 4096
            assert all(len(each.value or "") <= 1024 for each in embed.fields)
