"""The rows of the outbox: what waits is delivered in order, by one claimant at a time, and nothing of it is lost."""

import asyncio
from datetime import datetime

import pytest

from bot.domain.incidents import Incident, Stage
from bot.domain.messages import Message
from bot.domain.model import Severity
from bot.domain.value import replace
from bot.storage.store import Backlog, Store, open_store
from tests.storage.values import LEASE, NOW, claim, confirm, fold, incident, lone, minutes, next_due, notified


async def claimed(store: Store, now: datetime = NOW) -> Message:
    """The next due message, which must be there."""
    message = await claim(store, now, LEASE)
    assert message is not None
    return message


async def posted(store: Store, discord_id: int, now: datetime = NOW) -> Message:
    """The next due message, posted."""
    message = await claimed(store, now)
    await confirm(store, message, discord_id)
    return message


async def test_an_incident_that_notifies_gets_a_message(store: Store) -> None:
    await store.save(notified(incident()), NOW)
    assert await next_due(store) == NOW
    message = await claimed(store)
    assert message == Message(
        id=message.id, mark=f"{store.installation}-{message.id}", incidents=(incident(),), version=1, made_at=NOW
    )
    assert len(message.mark) <= 25


async def test_what_was_posted_in_another_channel_is_not_shown_in_this_one(store: Store) -> None:
    await store.move_to(1)
    await store.save(notified(lone(1)), NOW)
    await posted(store, 77)
    await store.move_to(1)
    assert await store.shown_at([lone(1).key]) == {lone(1).key: 77}
    await store.move_to(2)
    assert await store.shown_at([lone(1).key]) == {}
    await store.save(notified(lone(2)), NOW)
    await posted(store, 78)
    assert await store.shown_at([lone(1).key, lone(2).key]) == {lone(2).key: 78}
    await store.move_to(1)
    assert await store.shown_at([lone(1).key, lone(2).key]) == {}


async def test_an_incident_that_does_not_notify_has_no_message(store: Store) -> None:
    await store.save(replace(notified(incident(1900), incident(1901)), notify=frozenset({incident(1901).key})), NOW)
    assert (await claimed(store)).incidents == (incident(1901),)
    assert await claim(store, NOW, LEASE) is None


async def test_the_gravest_incident_of_a_poll_is_posted_first(store: Store) -> None:
    low = lone(1, severity=Severity.WARNING)
    await store.save(notified(lone(2, severity=Severity.INFO), low, lone(4), lone(3)), NOW)
    order = [await posted(store, number) for number in range(4)]
    assert [message.incidents[0].key.token for message in order] == [3, 4, 1, 2]


async def test_a_confirmed_message_waits_no_more_until_its_incident_changes(store: Store) -> None:
    first = incident()
    await store.save(notified(first), NOW)
    await posted(store, 77)
    assert await store.waiting() == 0
    assert await next_due(store) is None
    resolved = replace(first, stage=Stage.RESOLVED, resolved_at=NOW + minutes(5))
    await store.save(notified(resolved), NOW + minutes(5))
    assert await next_due(store) == NOW + minutes(5)
    edit = await claimed(store, NOW + minutes(5))
    assert (edit.discord_id, edit.version, edit.incidents) == (77, 2, (resolved,))
    assert edit.uncertain_since is None


async def test_posts_go_before_edits(store: Store) -> None:
    await store.save(notified(lone(1)), NOW)
    await posted(store, 77)
    await store.save(notified(lone(1)), NOW)
    await store.save(notified(lone(2)), NOW)
    assert [(await claimed(store)).incidents[0].key.token for _ in range(2)] == [2, 1]


async def test_a_change_during_the_delivery_is_shown_by_an_edit(store: Store) -> None:
    await store.save(notified(incident()), NOW)
    message = await claimed(store)
    await store.save(notified(incident()), NOW + minutes(0.1))
    assert await claim(store, NOW + minutes(0.1), LEASE) is None
    await confirm(store, message, 77)
    assert await next_due(store) == NOW
    edit = await claimed(store, NOW + minutes(0.1))
    assert (edit.discord_id, edit.version) == (77, 2)


async def test_a_claim_keeps_others_away_until_it_is_over(store: Store) -> None:
    await store.save(notified(incident()), NOW)
    message = await claimed(store)
    assert await claim(store, NOW + LEASE / 2, LEASE) is None
    assert await next_due(store) == NOW + LEASE
    again = await claimed(store, NOW + LEASE)
    assert again.id == message.id


async def test_two_claimants_never_get_the_same_message(database_url: str) -> None:
    async with open_store(database_url) as one, open_store(database_url) as other:
        await one.save(notified(*(lone(token) for token in range(10))), NOW)
        claims = await asyncio.gather(*(claim(store, NOW, LEASE) for store in (one, other) for _ in range(7)))
        ids = [message.id for message in claims if message is not None]
        assert len(ids) == len(set(ids)) == 10


async def test_a_post_whose_outcome_nobody_knows_is_remembered_as_such(store: Store) -> None:
    """The first claim is fresh; whoever claims after a crash learns when the first attempt was, and what it showed."""
    await store.save(notified(incident()), NOW)
    message = await claimed(store)
    assert message.uncertain_since is None
    await store.save(notified(incident()), NOW + minutes(1))
    await store.reopen(NOW + minutes(2), LEASE)
    for at in (NOW + minutes(2), NOW + minutes(4)):
        again = await claimed(store, at)
        assert (again.version, again.uncertain_since, again.uncertain_version) == (2, NOW, 1)
    await confirm(store, message, 77, 1)
    assert (await claimed(store, NOW + minutes(4))).uncertain_since is None


async def test_what_a_dead_process_had_claimed_is_due_at_once(store: Store) -> None:
    await store.save(notified(incident()), NOW)
    await claimed(store)
    await store.reopen(NOW + minutes(0.1), LEASE)
    assert await next_due(store) == NOW + minutes(0.1)


async def test_what_a_clock_put_off_that_was_hours_ahead_is_due_at_once_and_the_rest_when_it_was(store: Store) -> None:
    await store.save(notified(lone(1)), NOW + minutes(1))
    await store.save(notified(lone(2)), NOW + minutes(180))
    await store.reopen(NOW, LEASE)
    assert [incident.key.token for incident in (await claimed(store)).incidents] == [2]
    assert await claim(store, NOW, LEASE) is None
    assert [incident.key.token for incident in (await claimed(store, NOW + minutes(1))).incidents] == [1]


@pytest.mark.parametrize(("since", "version"), [(None, None), (NOW, 1)])
async def test_a_failed_attempt_waits_for_its_next_time(
    store: Store, since: datetime | None, version: int | None
) -> None:
    await store.save(notified(incident()), NOW)
    message = await claimed(store)
    await store.retry(message.id, NOW + minutes(3), since, version)
    assert await next_due(store) == NOW + minutes(3)
    assert await claim(store, NOW + minutes(2), LEASE) is None
    again = await claimed(store, NOW + minutes(3))
    assert (again.tries, again.uncertain_since, again.uncertain_version) == (1, since, version)


async def test_a_change_does_not_hurry_a_message_that_waits(store: Store) -> None:
    await store.save(notified(incident()), NOW)
    message = await claimed(store)
    await store.retry(message.id, NOW + minutes(3), None, None)
    await store.save(notified(incident()), NOW + minutes(1))
    assert await next_due(store) == NOW + minutes(3)
    again = await claimed(store, NOW + minutes(3))
    assert (again.version, again.tries) == (2, 1)


async def test_a_message_that_vanished_is_posted_anew(store: Store) -> None:
    await store.save(notified(incident()), NOW)
    await posted(store, 77)
    await store.save(notified(incident()), NOW)
    edit = await claimed(store)
    await store.anew(edit.id, NOW + minutes(1))
    again = await claimed(store, NOW + minutes(1))
    assert (again.id, again.discord_id, again.uncertain_since, again.tries) == (edit.id, None, None, 0)


async def test_a_parked_message_is_left_alone_and_listed(store: Store) -> None:
    await store.save(notified(lone(1), lone(2)), NOW)
    first, second = await claimed(store), await claimed(store)
    await store.park(first.id, "Discord says no (50035)", NOW + minutes(1))
    await store.park(second.id, "Discord says no again", NOW + minutes(2))
    assert await store.waiting() == 0
    assert await next_due(store) is None
    assert await claim(store, NOW + minutes(60), LEASE) is None
    parked = await store.parked()
    assert [(one.message.incidents, one.reason, one.at) for one in parked] == [
        ((lone(1),), "Discord says no (50035)", NOW + minutes(1)),
        ((lone(2),), "Discord says no again", NOW + minutes(2)),
    ]


async def test_a_parked_message_is_tried_again_when_its_incident_changes(store: Store) -> None:
    await store.save(notified(incident()), NOW)
    message = await claimed(store)
    await store.retry(message.id, NOW, None, None)
    await claimed(store)
    await store.park(message.id, "too long", NOW)
    await store.save(notified(incident()), NOW + minutes(9))
    assert await store.parked() == ()
    assert await next_due(store) == NOW + minutes(9)
    assert (await claimed(store, NOW + minutes(9))).tries == 0


async def test_the_backlog_is_what_could_come_and_since_when_and_what_was_parked_lately(store: Store) -> None:
    assert await store.backlog(NOW) == Backlog()
    await store.save(notified(lone(0)), NOW)
    await store.save(notified(lone(1)), NOW + minutes(1))
    first = await claimed(store, NOW + minutes(1))
    await store.retry(first.id, NOW + minutes(9), None, None)
    assert await store.backlog(NOW) == Backlog(2, NOW), "it waits since it was made, however often it was tried"
    await store.park(first.id, "no", NOW + minutes(2))
    assert await store.backlog(NOW + minutes(2)) == Backlog(1, NOW + minutes(1), 1)
    assert await store.backlog(NOW + minutes(3)) == Backlog(1, NOW + minutes(1))
    second = await posted(store, 77, NOW + minutes(3))
    assert await store.backlog(NOW + minutes(3)) == Backlog()
    await store.save(notified(lone(1)), NOW + minutes(4))
    assert await store.backlog(NOW + minutes(4)) == Backlog(1), "an edit says nothing new"
    await store.anew(second.id, NOW + minutes(5))
    assert await store.backlog(NOW + minutes(5)) == Backlog(1, NOW + minutes(5)), "what was deleted is made anew"


def a_storm(size: int) -> list[Incident]:
    """Incidents of two severities and of as many rules, the mild ones first."""
    mild = [lone(10 + n, severity=Severity.INFO) for n in range(size // 2)]
    return [*mild, *(lone(n) for n in range(size - len(mild)))]


async def test_few_messages_are_not_folded(store: Store) -> None:
    await store.save(notified(*a_storm(5)), NOW)
    assert await fold(store, 5, 100, NOW) == 0
    assert await store.waiting() == 5


async def test_a_storm_becomes_summaries_with_the_gravest_first(store: Store) -> None:
    await store.save(notified(*a_storm(7)), NOW)
    assert await fold(store, 5, 4, NOW) == 7
    assert await store.waiting() == 2
    first, second = await posted(store, 1), await posted(store, 2)
    assert first.summary
    assert second.summary
    assert [one.key.token for one in first.incidents] == [0, 1, 2, 3]
    assert {one.severity for one in first.incidents} == {Severity.CRITICAL}
    assert [one.key.token for one in second.incidents] == [10, 11, 12]


async def test_summaries_alone_are_not_folded_again(store: Store) -> None:
    await store.save(notified(*a_storm(7)), NOW)
    await fold(store, 5, 1, NOW)
    assert await store.waiting() == 7
    assert await fold(store, 5, 1, NOW) == 0


async def test_what_comes_to_a_waiting_summary_is_folded_into_one(store: Store) -> None:
    await store.save(notified(*a_storm(7)), NOW)
    await fold(store, 5, 100, NOW)
    await store.save(notified(*(lone(n) for n in range(100, 105))), NOW + minutes(1))
    assert await fold(store, 5, 100, NOW + minutes(1)) == 12
    assert await store.waiting() == 1
    assert len((await claimed(store, NOW + minutes(1))).incidents) == 12


async def test_only_messages_that_cannot_be_in_the_channel_are_folded(store: Store) -> None:
    """Of ten, one was posted and changed, one is parked, one is on its way, one may have arrived: six are folded."""
    await store.save(notified(*(lone(n) for n in range(10))), NOW)
    await posted(store, 77)
    parked, uncertain, on_its_way = await claimed(store), await claimed(store), await claimed(store)
    await store.park(parked.id, "no", NOW)
    await store.retry(uncertain.id, NOW, NOW, 1)
    await store.save(notified(lone(0)), NOW)
    assert await fold(store, 5, 100, NOW) == 6
    await store.reopen(NOW, LEASE)
    after = [await claimed(store) for _ in range(await store.waiting())]
    assert [(message.summary, len(message.incidents)) for message in after] == [
        (False, 1),
        (False, 1),
        (True, 6),
        (False, 1),
    ]
    assert [message.id for message in after[:2]] == [uncertain.id, on_its_way.id]


async def test_folding_hurries_nothing_that_has_to_wait(store: Store) -> None:
    await store.save(notified(*a_storm(6)), NOW)
    for wait in range(6):
        message = await claimed(store)
        await store.retry(message.id, NOW + minutes(10 + wait), None, None)
    assert await fold(store, 5, 100, NOW) == 6
    assert await next_due(store) == NOW + minutes(10)
    assert (await claimed(store, NOW + minutes(10))).tries == 1


async def test_a_changed_incident_of_a_summary_edits_the_summary(store: Store) -> None:
    storm = a_storm(6)
    await store.save(notified(*storm), NOW)
    await fold(store, 5, 100, NOW)
    summary = await posted(store, 77)
    resolved = replace(storm[0], stage=Stage.RESOLVED, resolved_at=NOW)
    await store.save(notified(resolved, *storm[1:]), NOW)
    edit = await claimed(store)
    assert (edit.id, edit.version, len(edit.incidents)) == (summary.id, 2, 6)
    assert resolved in edit.incidents


async def test_retention_deletes_old_incidents_with_their_messages(store: Store) -> None:
    old, untold = lone(1), replace(lone(2), stage=Stage.RESOLVED, resolved_at=NOW)
    young, waiting, open_ = lone(3), lone(4), lone(5)
    await store.save(notified(old, young, open_), NOW)
    for discord_id in range(3):
        await posted(store, discord_id)
    await store.save(
        replace(
            notified(
                replace(old, stage=Stage.RESOLVED, resolved_at=NOW),
                replace(young, stage=Stage.RESOLVED, resolved_at=NOW + minutes(10)),
            ),
            notify=frozenset(),
        ),
        NOW,
    )
    await store.save(replace(notified(untold), notify=frozenset()), NOW)
    await store.save(notified(replace(waiting, stage=Stage.RESOLVED, resolved_at=NOW)), NOW)
    assert await store.prune(NOW + minutes(10)) == 2
    assert await store.prune(NOW + minutes(10)) == 0
    assert (await posted(store, 4)).incidents[0].key.token == 4
    assert await store.prune(NOW + minutes(11)) == 2
    assert list((await store.load()).incidents) == [open_.key]


async def test_retention_deletes_a_summary_whole(store: Store) -> None:
    storm = a_storm(6)
    await store.save(notified(*storm), NOW)
    await fold(store, 5, 100, NOW)
    await posted(store, 77)
    ended = [replace(one, stage=Stage.RESOLVED, resolved_at=NOW) for one in storm]
    await store.save(replace(notified(*ended[1:]), notify=frozenset()), NOW)
    assert await store.prune(NOW + minutes(1)) == 0
    await store.save(replace(notified(ended[0]), notify=frozenset()), NOW)
    assert await store.prune(NOW + minutes(1)) == 6


async def test_the_mark_of_a_deleted_message_is_never_used_again(store: Store) -> None:
    await store.save(notified(incident(stage=Stage.RESOLVED, resolved_at=NOW)), NOW)
    first = await posted(store, 77)
    await store.prune(NOW + minutes(1))
    await store.save(notified(incident(opened_at=NOW + minutes(2))), NOW)
    assert (await claimed(store)).mark > first.mark
