"""Groups of tokens on a real database, over restarts, and where nothing can be stored."""

from datetime import timedelta

import pytest

from bot.domain.groups import Group, OneGroup
from bot.domain.incidents import ANYBODY, Key, Rule
from bot.domain.model import Severity
from bot.domain.steering import Scope, Setting, Silence
from bot.storage.store import StoreUnavailableError
from tests.domain.fleets import START, record
from tests.test_monitor import Watch, watching
from tests.test_monitor import watch as watch  # noqa: PLC0414 - the same fixture

STUDIO, WIDER = Group("Studio", ((1900, 1901),), 7), Group("Studio", ((1901, 1905),), 8)
SHORT = Key(Rule.POOL, step=ANYBODY).of_group("Studio")
BAN = Key(Rule.BANNED, 1900)


async def about_studio(watch: Watch) -> None:
    """There is a group, which is silenced for rule *banned*, and must have two tokens that work."""
    decide = watch.monitor.decide
    await decide(STUDIO, "group set", 7)
    scope = Scope(Rule.BANNED, group=STUDIO)
    await decide(Silence("s1", scope, watch.now, START + timedelta(days=2), 7), "silence add", 7)
    await decide(Setting(Rule.POOL, threshold="2", readings=1, group=STUDIO), "rules set", 7)


async def test_a_group_and_what_is_about_it_outlive_the_process(database_url: str) -> None:
    async with watching(database_url) as first:
        await first.look(record(1900), record(1901), record(1902))
        await about_studio(first)
        await first.monitor.decide(OneGroup(555, "Studio", 7), "board here", 7)
        await first.look(record(1900), record(1901, "VERIFYING"), record(1902))
        known = first.monitor.known
    async with watching(database_url, first.now) as second:
        assert second.monitor.known.decisions == known.decisions
        short = second.monitor.known.incidents[SHORT]
        assert (short, short.severity) == (known.incidents[SHORT], Severity.CRITICAL)
        for _ in range(3):
            await second.look(record(1900), record(1901), record(1902))
        assert SHORT not in second.monitor.known.incidents


async def test_a_group_moves_with_all_that_is_about_it_or_not_at_all(watch: Watch) -> None:
    await watch.look(record(1900), record(1901), record(1902))
    await about_studio(watch)
    await watch.look(record(1900, "BANNED"), record(1901), record(1902))
    assert watch.monitor.known.incidents[BAN].notified_as is None
    before = watch.monitor.known.decisions
    watch.disk.full = True
    with pytest.raises(StoreUnavailableError):
        await watch.monitor.decide(WIDER, "group set", 8)
    watch.disk.full = False
    assert watch.monitor.known.decisions == before
    await watch.monitor.decide(WIDER, "group set", 8)
    stored = {each.id: each for each in (await watch.store.load()).decisions}
    assert stored == {each.id: each for kind in watch.monitor.known.decisions.kept.values() for each in kind.values()}
    silence, setting = stored["s1"], stored["pool:group-studio"]
    assert isinstance(silence, Silence)
    assert isinstance(setting, Setting)
    assert silence.scope.group == setting.group == stored["group-studio"] == WIDER
    assert watch.monitor.known.incidents[BAN].notified_as is Severity.CRITICAL, "it is in the group no more"
    assert [(each.act, each.what) for each in await watch.store.audit(1)] == [("group set", "Studio: 1901\u20131905")]


async def test_a_commit_whose_answer_was_lost_is_one_group(watch: Watch) -> None:
    """Who tries again makes no other."""
    await watch.look(record(1900), record(1901))
    watch.disk.loses_answers = True
    with pytest.raises(StoreUnavailableError):
        await watch.monitor.decide(STUDIO, "group set", 7)
    watch.disk.loses_answers = False
    await watch.monitor.decide(STUDIO, "group set", 7)
    assert list((await watch.store.load()).decisions) == [STUDIO]
