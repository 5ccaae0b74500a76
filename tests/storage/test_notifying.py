"""Which messages a look makes: groups of incidents that fired together, and notices that answer their card once."""

import asyncio
import gc
import itertools
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.acts import Act, Kind
from bot.domain.incidents import Incident, Key, Rule, Stage
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.rota import Handover
from bot.domain.runbooks import Book, Remark, Why
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.storage.schema import messages
from bot.storage.store import Grouping, Store, open_store
from tests.storage.values import LEASE, NOW, claim, confirm, fold, incident, lone, minutes, next_due, notified

LATER = NOW + minutes(5)
MUCH_LATER = NOW + minutes(11)
"""When a card is out of sight."""


def ended(*incidents: Incident, at: datetime = LATER) -> list[Incident]:
    """They are over."""
    return [replace(one, stage=Stage.RESOLVED, resolved_at=at) for one in incidents]


def notices(kind: NoticeKind, *incidents: Incident, at: datetime = LATER, escalated: bool = False) -> Changes:
    """What a look says of each incident by itself; the channel decides what becomes one message."""
    said = tuple(Notice(kind, at, (one.key,), escalated=escalated) for one in incidents)
    return replace(notified(*incidents), notices=said)


def word(kind: NoticeKind, words: str, *keys: Key) -> Changes:
    """A notice by itself, about incidents that the look does not change."""
    return Changes(NOW, notices=(Notice(kind, NOW, keys, words=words),))


def tokens(message: Message) -> list[int | None]:
    """The tokens that a message names."""
    return [one.key.token for one in message.incidents]


async def deliver(store: Store, now: datetime = LATER) -> list[Message]:
    """Post and edit whatever is due, in its order."""
    shown: list[Message] = []
    while (message := await claim(store, now, LEASE)) is not None:
        shown.append(message)
        await confirm(store, message, message.discord_id or 1000 + message.id)
    return shown


async def on_the_channel(store: Store, *incidents: Incident, now: datetime = NOW) -> list[Message]:
    """Tell of these incidents, and post them."""
    await store.save(notified(*incidents), now)
    return await deliver(store, now)


# Groups


async def test_incidents_of_one_rule_that_fire_in_one_poll_share_a_message(store: Store) -> None:
    verifying = [incident(n, Rule.VERIFYING, severity=Severity.WARNING) for n in (5, 6, 7)]
    first, second = await on_the_channel(store, *verifying, incident(9))
    assert (tokens(first), first.summary) == ([9], False)
    assert (tokens(second), second.summary) == ([5, 6, 7], True)


async def test_a_group_takes_no_more_than_its_size(store: Store) -> None:
    await store.save(notified(*(incident(n) for n in range(7))), NOW, Grouping(size=3))
    shown = await deliver(store)
    assert [(tokens(message), message.summary) for message in shown] == [
        ([0, 1, 2], True),
        ([3, 4, 5], True),
        ([6], False),
    ]


@pytest.mark.parametrize("more", [130, 700])
async def test_the_first_summary_holds_the_gravest_of_what_is_wrong_however_much_that_is(
    store: Store, more: int
) -> None:
    first = replace(incident(None, Rule.BASELINE, severity=Severity.INFO), stage=Stage.RESOLVED, resolved_at=NOW)
    checks = [incident(n, Rule.VERIFYING, severity=Severity.WARNING) for n in range(more)]
    grave = [incident(2000, Rule.DEGRADED), incident(2001, Rule.VERIFYING), incident(2002, Rule.FAST_TIME_LOW)]
    await store.save(notified(first, *checks, *grave), NOW)
    summary, *others = await deliver(store)
    assert {first.key, *(each.key for each in grave)} < {each.key for each in summary.incidents}
    assert (len(summary.incidents), summary.summary) == (112, True)
    assert Counter(each for message in others for each in tokens(message)).total() == more + 4 - 112


@pytest.mark.parametrize(
    ("seconds", "messages"),
    [(0, [[1, 2]]), (20, [[1, 2]]), (20.001, [[1], [2]]), (3600, [[1], [2]])],
)
async def test_an_incident_joins_the_message_of_its_rule_for_20_seconds(
    store: Store, seconds: float, messages: list[list[int]]
) -> None:
    later = NOW + minutes(seconds / 60)
    await store.save(notified(incident(1)), NOW)
    await store.save(notified(incident(2)), later)
    shown = [(tokens(message), message.summary) for message in await deliver(store, later)]
    assert shown == [(named, len(named) > 1) for named in messages]


async def test_after_the_clock_was_set_back_an_incident_joins_none_of_the_messages_of_times_to_come(
    store: Store,
) -> None:
    await store.save(notified(incident(1)), NOW + minutes(180))
    await store.save(notified(incident(2)), NOW)
    assert [tokens(message) for message in await deliver(store)] == [[2]]


async def test_an_incident_that_joins_a_posted_message_is_shown_by_an_edit(store: Store) -> None:
    (card,) = await on_the_channel(store, incident(1))
    await store.save(notified(incident(2)), NOW + minutes(0.2))
    (edit,) = await deliver(store, NOW + minutes(0.2))
    assert (edit.id, edit.discord_id, edit.version, tokens(edit), edit.summary) == (
        card.id,
        1000 + card.id,
        2,
        [1, 2],
        True,
    )


BEFORE = incident(1, Rule.DEGRADED, severity=Severity.WARNING)


@pytest.mark.parametrize(
    ("meanwhile", "new", "messages"),
    [
        ([], incident(2, Rule.DEGRADED, severity=Severity.WARNING), [[1, 2]]),
        ([], incident(2, Rule.DEGRADED, severity=Severity.INFO), [[1, 2]]),
        ([], incident(2, Rule.DEGRADED, severity=Severity.CRITICAL), [[2]]),
        (ended(BEFORE), incident(2, Rule.DEGRADED, severity=Severity.WARNING), [[1], [2]]),
        (ended(BEFORE), replace(BEFORE, opened_at=LATER), [[1], [1]]),
        ([], replace(BEFORE, opened_at=LATER, severity=Severity.INFO), [[1]]),
    ],
    ids=["as severe", "less severe", "more severe", "after an end", "again", "again before the end was told"],
)
@pytest.mark.parametrize("polls", [1, 2])
async def test_what_an_edit_would_hide_is_posted_so_that_it_makes_its_sound(
    store: Store, meanwhile: list[Incident], new: Incident, messages: list[list[int]], polls: int
) -> None:
    (card,) = await on_the_channel(store, BEFORE)
    if polls == 1:
        await store.save(notified(*meanwhile, new), NOW + minutes(0.1))
    else:
        await store.save(notified(*meanwhile), NOW + minutes(0.1))
        await store.save(notified(new), NOW + minutes(0.2))
    shown = await deliver(store)
    assert sorted(map(tokens, shown)) == messages
    assert [message.discord_id is None for message in shown if new in message.incidents] == [[1, 2] not in messages]
    assert {message.id for message in shown if new not in message.incidents} <= {card.id}


async def test_an_incident_joins_a_message_that_is_not_posted_whatever_that_says(store: Store) -> None:
    await store.save(notified(BEFORE), NOW)
    await store.save(notified(*ended(BEFORE)), NOW)
    await store.save(notified(replace(BEFORE, opened_at=LATER, severity=Severity.CRITICAL)), NOW)
    (message,) = await deliver(store)
    assert (tokens(message), message.discord_id, message.summary) == ([1, 1], None, True)


async def test_a_message_whose_post_may_have_arrived_hides_nothing_either(store: Store) -> None:
    await store.save(notified(BEFORE), NOW)
    post = await claim(store, NOW, LEASE)
    assert post is not None
    await store.save(notified(incident(2, Rule.DEGRADED)), NOW)
    await store.retry(post.id, NOW, uncertain_since=NOW, uncertain_version=post.version)
    assert [tokens(message) for message in await deliver(store)] == [[1], [2]]


async def test_a_full_message_is_topped_up_and_the_rest_get_another(store: Store) -> None:
    pair = Grouping(size=2)
    for token in (1, 2, 3):
        await store.save(notified(incident(token)), NOW, pair)
    await store.save(notified(incident(4), incident(5)), NOW, pair)
    assert [tokens(message) for message in await deliver(store)] == [[1, 2], [3, 4], [5]]


async def test_an_incident_that_has_a_message_joins_no_other(store: Store) -> None:
    await on_the_channel(store, incident(1))
    await store.save(notified(incident(2)), LATER)
    await store.save(notified(incident(1), incident(2)), LATER)
    assert sorted(tokens(message) for message in await deliver(store)) == [[1], [2]]


async def test_a_notice_is_no_message_to_join(store: Store) -> None:
    await store.save(word(NoticeKind.MAINTENANCE_STARTED, "tonight"), NOW)
    assert [tokens(message) for message in await on_the_channel(store, incident(1))] == [[1], []]


@pytest.mark.parametrize("polls", [1, 4])
async def test_a_storm_of_one_rule_is_nine_messages_that_name_everyone(store: Store, polls: int) -> None:
    storm = [incident(n, severity=list(Severity)[n % 3]) for n in range(1000)]
    for start in range(0, 1000, 1000 // polls):
        await store.save(notified(*storm[start : start + 1000 // polls]), NOW)
    assert await fold(store, 5, 112, NOW) == 0
    shown = await deliver(store)
    assert len(shown) == 9
    assert Counter(token for message in shown for token in tokens(message)) == Counter(range(1000))


@pytest.fixture
def uncollected() -> Iterator[None]:
    """No garbage is looked for meanwhile: what all the other tests left behind is not the bot's."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
async def test_a_storm_and_its_end_leave_the_event_loop_its_turns(store: Store) -> None:
    """Of all that is computed, in whatever thread, no turn of the loop's thread is a large part."""
    longest, running = 0.0, True

    async def beat() -> None:
        nonlocal longest
        while running:
            begun = time.thread_time()
            await asyncio.sleep(0)
            longest = max(longest, time.thread_time() - begun)
            await asyncio.sleep(0.001)

    storm = [incident(n) for n in range(2000)]
    beating = asyncio.create_task(beat())
    begun = time.process_time()
    await on_the_channel(store, *storm)
    await store.save(notices(NoticeKind.RESOLVED, *ended(*storm)), LATER)
    assert len(await deliver(store)) == 18 + 1, "each card is edited, and one notice names whoever is out of sight"
    took = time.process_time() - begun
    running = False
    await beating
    assert longest < took / 4


days = itertools.count(1)
polls = st.lists(
    st.tuples(
        st.sampled_from([0, 5, 30]),
        st.sets(st.tuples(st.sampled_from([Rule.BANNED, Rule.VERIFYING, Rule.NEW]), st.integers(0, 5)), max_size=8),
        st.sampled_from(["poll", "deliver", "fold"]),
    ),
    max_size=6,
)


@settings(max_examples=settings().max_examples // 4, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(polls=polls)
async def test_whatever_fires_whenever_is_in_exactly_one_message(
    store: Store, polls: list[tuple[int, set[tuple[Rule, int]], str]]
) -> None:
    now = NOW + timedelta(days=next(days))
    fired: list[Incident] = []
    shown: dict[int, Message] = {}
    for seconds, keys, then in polls:
        now += timedelta(seconds=seconds, microseconds=1)
        batch = [incident(token, rule, opened_at=now) for rule, token in sorted(keys)]
        await store.save(notified(*batch), now, Grouping(size=4))
        fired += batch
        if then == "fold":
            await fold(store, 2, 5, now)
        if then == "deliver":
            shown |= {message.id: message for message in await deliver(store, now)}
    shown |= {message.id: message for message in await deliver(store, now)}
    shown_incidents = [one for message in shown.values() for one in message.incidents]
    assert Counter(map(repr, shown_incidents)) == Counter(map(repr, fired))
    assert all(len(message.incidents) == 1 or message.summary for message in shown.values())
    assert all(len(message.incidents) <= 5 for message in shown.values())


# Notices


@pytest.mark.parametrize("kind", [NoticeKind.RAISED, NoticeKind.REMINDER, NoticeKind.RESOLVED])
async def test_an_answer_comes_once_and_points_at_its_card(store: Store, kind: NoticeKind) -> None:
    one = incident()
    (card,) = await on_the_channel(store, one)
    changed = ended(one)[0] if kind is NoticeKind.RESOLVED else replace(one, reminders=1)
    await store.save(notices(kind, changed, escalated=True), MUCH_LATER)
    answer, edit = await deliver(store, MUCH_LATER)
    assert answer.notice == Notice(kind, LATER, (one.key,), escalated=True)
    assert (answer.reply_to, answer.discord_id, answer.summary) == (1000 + card.id, None, False)
    assert answer.incidents == edit.incidents == (changed,)
    assert edit.notice is None
    assert await next_due(store) is None


async def test_an_answer_shows_its_incident_as_it_is_when_it_is_posted(store: Store) -> None:
    one = incident()
    await on_the_channel(store, one)
    await store.save(notices(NoticeKind.REMINDER, one), LATER)
    await store.save(notified(*ended(one)), LATER)
    answer, _ = await deliver(store)
    assert answer.incidents == tuple(ended(one))


async def test_answers_of_one_kind_to_one_message_are_one(store: Store) -> None:
    group = [incident(n) for n in (1, 2, 3)]
    (card,) = await on_the_channel(store, *group)
    raised = notices(NoticeKind.RAISED, *group[:2])
    reminder = Notice(NoticeKind.REMINDER, LATER, (group[2].key,), escalated=True)
    await store.save(replace(raised, notices=(*raised.notices, reminder)), LATER)
    first, second, _ = await deliver(store)
    assert first.notice == Notice(NoticeKind.RAISED, LATER, tuple(one.key for one in group[:2]))
    assert second.notice == reminder
    assert first.reply_to == second.reply_to == 1000 + card.id


async def test_one_notice_about_two_cards_answers_both(store: Store) -> None:
    cards = await on_the_channel(store, lone(1), lone(2))
    both = Notice(NoticeKind.RAISED, LATER, (lone(1).key, lone(2).key))
    await store.save(replace(notified(lone(1), lone(2)), notices=(both,)), LATER)
    answers = [message for message in await deliver(store) if message.notice]
    assert [(answer.reply_to, tokens(answer)) for answer in answers] == [
        (1000 + cards[0].id, [1]),
        (1000 + cards[1].id, [2]),
    ]


async def test_the_end_of_a_group_is_posted_when_all_of_it_is_over(store: Store) -> None:
    group = [incident(n) for n in (1, 2, 3)]
    await on_the_channel(store, *group)
    await store.save(notices(NoticeKind.RESOLVED, *ended(*group[:2])), MUCH_LATER)
    assert [message.notice for message in await deliver(store, MUCH_LATER)] == [None]
    await store.save(notices(NoticeKind.RESOLVED, *ended(group[2])), MUCH_LATER)
    answer, _ = await deliver(store, MUCH_LATER)
    assert answer.notice == Notice(NoticeKind.RESOLVED, LATER, tuple(one.key for one in group))
    assert tokens(answer) == [1, 2, 3]


async def test_the_end_of_what_is_in_sight_is_an_edit_and_no_more(store: Store) -> None:
    one, two = lone(1), lone(2)
    await on_the_channel(store, one)
    await store.save(notices(NoticeKind.RESOLVED, *ended(one)), NOW + minutes(10))
    assert [message.notice for message in await deliver(store, NOW + minutes(10))] == [None]
    await on_the_channel(store, two, *(lone(number) for number in range(3, 8)), now=NOW + minutes(11))
    await store.save(notices(NoticeKind.RESOLVED, *ended(two)), NOW + minutes(12))
    assert [message.notice for message in await deliver(store, NOW + minutes(12))] == [None], "five are below it"
    last = lone(8)
    await on_the_channel(store, last, *(lone(number) for number in range(9, 15)), now=NOW + minutes(13))
    await store.save(notices(NoticeKind.RESOLVED, *ended(last)), NOW + minutes(14))
    assert [message.notice is None for message in await deliver(store, NOW + minutes(14))] == [False, True]


async def test_a_card_that_was_posted_anew_is_in_sight_where_it_stands_now(store: Store) -> None:
    one = lone(1)
    (card,) = await on_the_channel(store, one)
    await on_the_channel(store, *(lone(number) for number in range(2, 9)), now=NOW + minutes(1))
    await store.anew(card.id, NOW + minutes(2))  # somebody deleted it
    anew = await claim(store, NOW + minutes(2))
    assert anew is not None
    await confirm(store, anew, 9_999)
    await store.save(notices(NoticeKind.RESOLVED, *ended(one)), NOW + minutes(3))
    assert [message.notice for message in await deliver(store, NOW + minutes(3))] == [None]


async def test_all_ends_of_a_poll_are_one_notice_that_names_them(store: Store) -> None:
    several = [lone(number) for number in range(1, 4)]
    await on_the_channel(store, *several)
    await store.save(notices(NoticeKind.RESOLVED, *ended(*several)), MUCH_LATER)
    said = [message for message in await deliver(store, MUCH_LATER) if message.notice]
    assert [(tokens(message), message.reply_to) for message in said] == [([1, 2, 3], None)]


async def test_a_card_that_was_never_posted_is_answered_by_nothing(store: Store) -> None:
    await store.save(notified(incident()), NOW)
    await store.save(notices(NoticeKind.RAISED, incident()), LATER)
    (card,) = await deliver(store)
    assert (card.notice, card.version) == (None, 2)


async def test_an_incident_without_a_card_is_answered_by_nothing(store: Store) -> None:
    await store.save(replace(notices(NoticeKind.REMINDER, incident()), notify=frozenset()), NOW)
    await store.save(Changes(NOW, notices=(Notice(NoticeKind.REMINDER, NOW, (Key(Rule.POOL),)),)), NOW)
    assert await deliver(store) == []


async def a_rise_while_its_card_is_on_its_way(store: Store) -> Message:
    """The card's post was claimed before the incident rose."""
    await store.save(notified(incident()), NOW)
    card = await claim(store, NOW, LEASE)
    assert card is not None
    await store.save(notices(NoticeKind.RAISED, incident()), NOW + minutes(0.1))
    assert await claim(store, NOW + minutes(0.1), LEASE) is None
    return card


async def test_what_rises_while_its_card_is_on_its_way_is_said_after_it(store: Store) -> None:
    card = await a_rise_while_its_card_is_on_its_way(store)
    await confirm(store, card, 77)
    answer, edit = await deliver(store)
    assert (answer.notice is not None, answer.reply_to) == (True, 77)
    assert (edit.notice, edit.discord_id) == (None, 77)


async def test_what_rises_while_a_post_fails_is_shown_by_the_next_attempt(store: Store) -> None:
    card = await a_rise_while_its_card_is_on_its_way(store)
    await store.retry(card.id, NOW, None, None)
    assert [(message.notice, message.version) for message in await deliver(store)] == [(None, 2)]


async def test_an_answer_that_waits_for_its_card_wakes_nobody(store: Store) -> None:
    """Whoever is told that something is due, and then gets nothing, would ask again at once, for ever."""
    card = await a_rise_while_its_card_is_on_its_way(store)
    await store.park(card.id, "no", NOW)
    assert await next_due(store) is None
    assert await claim(store, LATER, LEASE) is None


async def test_a_card_that_is_posted_anew_shows_what_waited_to_answer_it(store: Store) -> None:
    (card,) = await on_the_channel(store, incident())
    await store.save(notices(NoticeKind.RAISED, incident()), LATER)
    await store.anew(card.id, LATER)
    await store.save(notices(NoticeKind.REMINDER, incident()), LATER)
    assert [(message.id, message.notice) for message in await deliver(store)] == [(card.id, None)]


def act(*about: Incident) -> Notice:
    """The outcome of an act that came from their cards."""
    keys = tuple(each.key for each in about)
    return Notice(NoticeKind.ACT, LATER, keys, acts=(Act("a1", Kind.TOGGLE, "off", LATER, 1900, keys=keys),))


GIVEN = Notice(NoticeKind.HANDED_OVER, LATER, (lone(0).key,), by=7, to=(8,))


@pytest.mark.parametrize("given", [GIVEN, act(lone(0))], ids=["handed over", "act"])
async def test_a_card_that_is_posted_anew_does_not_stand_for_what_it_does_not_say(store: Store, given: Notice) -> None:
    (card,) = await on_the_channel(store, lone(0))
    await store.save(replace(notified(lone(0)), notices=(given,)), LATER)
    await store.anew(card.id, LATER)
    anew, told = await deliver(store)
    assert (anew.id, anew.notice) == (card.id, None)
    assert (told.reply_to, told.notice) == (1000 + card.id, given)


async def test_the_outcome_of_acts_answers_the_one_card_that_they_came_from(store: Store) -> None:
    await on_the_channel(store, lone(1), lone(2))
    cards = await store.shown_at([lone(1).key, lone(2).key])
    waits = lone(3)
    await store.save(notified(waits), LATER)
    for about in ((lone(1),), (lone(1), lone(2)), (waits,), ()):
        await store.save(Changes(NOW, notices=(act(*about),)), LATER)
    told = [message.reply_to for message in await deliver(store) if message.notice]
    assert told == [cards[lone(1).key], None, None, None]


async def test_outcomes_that_waited_for_long_become_one_line_that_loses_none(store: Store) -> None:
    for _ in range(3):
        await store.save(Changes(NOW, notices=(act(),)), NOW)
    await fold(store, 1, 100, NOW)
    (merged,) = await deliver(store)
    assert merged.notice is not None
    assert (merged.notice.kind, len(merged.notice.acts)) == (NoticeKind.ACT, 3)


async def test_words_of_runbooks_that_waited_for_long_become_one_that_says_them_all(store: Store) -> None:
    remarks = [Remark(Book.SWITCH_OFF, Why.FLAPS, "off", token, 3) for token in (1900, 1901)]
    for each in remarks:
        await store.save(Changes(NOW, notices=(Notice(NoticeKind.RUNBOOK, NOW, remarks=(each,)),)), NOW)
    await fold(store, 1, 100, NOW)
    text = sa.type_coerce(messages.c.notice, sa.Text)
    (stored,) = await store.database.read(lambda connection: list(connection.scalars(sa.select(text))))
    assert f'"kind":"{NoticeKind.RESOLVED}"' in stored, "which an older version can read"
    (merged,) = await deliver(store)
    assert merged.notice == Notice(NoticeKind.RUNBOOK, NOW, remarks=tuple(remarks))


async def test_first_firings_go_before_answers_and_those_before_edits(store: Store) -> None:
    await on_the_channel(store, lone(1))
    await store.save(notices(NoticeKind.RESOLVED, *ended(lone(1))), MUCH_LATER)
    await store.save(notified(lone(2)), MUCH_LATER)
    assert [(tokens(message), message.notice is not None) for message in await deliver(store, MUCH_LATER)] == [
        ([2], False),
        ([1], True),
        ([1], False),
    ]


async def test_a_failed_answer_is_tried_again_with_its_mark(store: Store) -> None:
    await on_the_channel(store, incident())
    await store.save(notices(NoticeKind.RAISED, incident()), LATER)
    answer = await claim(store, LATER, LEASE)
    assert answer is not None
    await store.retry(answer.id, LATER, LATER, 1)
    again = await claim(store, LATER, LEASE)
    assert again == replace(answer, tries=1, uncertain_since=LATER, uncertain_version=1)


async def test_words_about_silences_and_windows_stand_alone(store: Store) -> None:
    await on_the_channel(store, lone(1), lone(2))
    await store.save(word(NoticeKind.MAINTENANCE_STARTED, "new hosts"), NOW)
    await store.save(word(NoticeKind.SILENCE_ENDED, "", lone(1).key, lone(2).key, lone(3).key), NOW)
    started, over = await deliver(store)
    assert (started.reply_to, started.incidents, started.notice) == (
        None,
        (),
        Notice(NoticeKind.MAINTENANCE_STARTED, NOW, words="new hosts"),
    )
    assert (over.reply_to, tokens(over)) == (None, [1, 2])


async def test_the_end_of_a_silence_names_what_ended_meanwhile(store: Store) -> None:
    """The newest incident of each key, whether it has a message or not."""
    old, new = incident(1), incident(1, opened_at=LATER)
    await store.save(replace(notified(*ended(old), *ended(new, incident(2))), notify=frozenset()), LATER)
    await store.save(word(NoticeKind.SILENCE_ENDED, "", old.key, incident(2).key), LATER)
    (over,) = await deliver(store)
    assert over.incidents == tuple(ended(new, incident(2)))


async def test_the_end_of_a_silence_names_nothing_that_never_fired(store: Store) -> None:
    """Such as a queue that began to stick again, and moved before anybody would have been told."""
    passed = ended(incident(1))[0]
    began = incident(1, stage=Stage.PENDING, opened_at=LATER)
    never = replace(incident(2), stage=Stage.RESOLVED, resolved_at=LATER, notifiable=False)
    await store.save(Changes(NOW, incidents=(passed, never)), NOW)
    ending = word(NoticeKind.SILENCE_ENDED, "", passed.key, never.key)
    await store.save(replace(ending, incidents=(began,)), LATER)
    (over,) = await deliver(store)
    assert over.incidents == (passed,)


# Whether the channel heard


async def test_a_card_or_a_notice_that_waits_is_undelivered_and_an_edit_that_waits_is_not(store: Store) -> None:
    cards = [lone(n) for n in range(4)]
    await on_the_channel(store, *cards[:3])
    await store.save(notices(NoticeKind.REMINDER, cards[0]), LATER)
    await store.save(notices(NoticeKind.RESOLVED, *ended(cards[1])), LATER)
    await store.save(notified(cards[2], cards[3]), LATER)
    keys = [one.key for one in cards]
    assert await store.undelivered(keys) == {cards[0].key, cards[3].key}
    assert await store.undelivered([]) == frozenset()
    await deliver(store)
    assert await store.undelivered(keys) == frozenset()


# Folding


async def test_waiting_notices_become_one_of_each_kind_that_says_it_all(store: Store) -> None:
    cards = [lone(n) for n in range(4)]
    await on_the_channel(store, *cards)
    await store.save(notices(NoticeKind.REMINDER, *cards), LATER)
    await store.save(notices(NoticeKind.REMINDER, cards[0], escalated=True, at=NOW), LATER)
    mine = Notice(NoticeKind.SILENCE_STARTED, NOW, about="banned", words="one", by=7, until=LATER)
    more = replace(mine, about="frozen", words="two", by=8, until=NOW)
    await store.save(Changes(NOW, notices=(mine,)), NOW)
    assert await fold(store, 6, 100, LATER) == 0
    await store.save(Changes(NOW, notices=(more,)), NOW)
    assert await fold(store, 6, 100, LATER) == 4
    assert await fold(store, 6, 100, LATER) == 0
    reminder, silence = [message for message in await deliver(store) if message.notice]
    assert reminder.notice == Notice(NoticeKind.REMINDER, NOW, tuple(one.key for one in cards), escalated=True)
    assert (reminder.reply_to, tokens(reminder)) == (None, [0, 1, 2, 3])
    assert silence.notice == replace(mine, about="banned, frozen", words="one\ntwo", by=None)


async def test_of_ends_that_become_one_the_last_says_what_is_still_quiet(store: Store) -> None:
    cards = [lone(n) for n in range(4)]
    await on_the_channel(store, *cards)
    one, two, three, four = (each.key for each in cards)
    first = Notice(NoticeKind.SILENCE_ENDED, NOW, (one, two, three), before=(one,), quiet=(two, three), about="a")
    then = Notice(NoticeKind.SILENCE_ENDED, LATER, (two, four), before=(two,), about="b")
    await store.save(Changes(NOW, notices=(first, then)), NOW)
    await fold(store, 1, 100, NOW)
    (over,) = [message.notice for message in await deliver(store) if message.notice]
    assert over == Notice(
        NoticeKind.SILENCE_ENDED, NOW, (one, two, three, four), before=(one, two), quiet=(three,), about="a, b"
    )


async def test_who_is_given_incidents_is_told_under_their_cards_or_else_beside_them(store: Store) -> None:
    """The first reading's summary shows what has no card of its own."""
    await on_the_channel(store, lone(1))
    bare = incident(2)
    await store.save(Changes(NOW, incidents=(bare,)), NOW)
    (card,) = (await store.shown_at([lone(1).key])).values()
    given = Notice(NoticeKind.HANDED_OVER, LATER, (lone(1).key, bare.key), by=7, to=(8,))
    await store.save(Changes(NOW, notices=(given,)), LATER)
    told = [(message.reply_to, tokens(message), message.notice) for message in await deliver(store) if message.notice]
    assert told == [
        (None, [2], replace(given, keys=(bare.key,))),
        (card, [1], replace(given, keys=(lone(1).key,))),
    ]


async def test_a_merged_notice_is_that_of_the_one_who_made_them_all(store: Store) -> None:
    mine = Notice(NoticeKind.SILENCE_STARTED, NOW, about="banned", words="move", by=7, until=LATER)
    await store.save(Changes(NOW, notices=(mine, replace(mine, about="frozen", until=None))), NOW)
    await fold(store, 1, 100, NOW)
    (merged,) = await deliver(store)
    assert merged.notice == replace(mine, about="banned, frozen", until=None)


async def test_notices_count_but_do_not_tear_groups_apart(store: Store) -> None:
    for rule in (Rule.BANNED, Rule.VERIFYING, Rule.DEGRADED):
        await store.save(notified(*(incident(n, rule) for n in range(3))), NOW)
    for words in ("one", "two", "three"):
        await store.save(word(NoticeKind.MAINTENANCE_STARTED, words), NOW)
    await fold(store, 5, 100, NOW)
    shown = await deliver(store)
    assert [len(message.incidents) for message in shown] == [3, 3, 3, 0]
    assert shown[-1].notice is not None
    assert shown[-1].notice.words == "one\ntwo\nthree"


async def test_what_waits_to_answer_a_card_on_its_way_is_not_folded_since_the_card_may_show_it(store: Store) -> None:
    others = [lone(n) for n in range(1, 7)]
    await on_the_channel(store, *others)
    card = await a_rise_while_its_card_is_on_its_way(store)
    await store.save(notices(NoticeKind.RAISED, *others), LATER)
    assert await fold(store, 5, 100, LATER) == 6
    await store.retry(card.id, LATER, None, None)
    said = [(message.notice is not None, tokens(message)) for message in await deliver(store) if not message.reply_to]
    assert said[:2] == [(False, [1900]), (True, [1, 2, 3, 4, 5, 6])]


@pytest.mark.parametrize(("each", "messages"), [(4, [4, 4, 4]), (17, [51])])
async def test_three_rules_stay_apart_on_a_small_evening_and_come_together_in_a_storm(
    store: Store, each: int, messages: list[int]
) -> None:
    rules = (Rule.BANNED, Rule.VERIFYING, Rule.DEGRADED)
    await store.save(notified(*(incident(n, rule) for rule in rules for n in range(each))), NOW)
    await fold(store, 5, 112, NOW)
    assert [len(message.incidents) for message in await deliver(store)] == messages


async def test_two_large_groups_stay_two_messages(store: Store) -> None:
    await store.save(notified(*(incident(n, rule) for rule in (Rule.BANNED, Rule.VERIFYING) for n in range(50))), NOW)
    assert await fold(store, 5, 112, NOW) == 0


async def test_full_groups_are_left_alone_when_folding_would_save_no_message(store: Store) -> None:
    """As when a whole fleet is banned, and the rule about the fleet fires too."""
    fleet = [incident(n) for n in range(18)]
    await store.save(notified(*fleet, incident(None, Rule.POOL)), NOW, Grouping(size=3))
    assert await fold(store, 5, 3, NOW) == 0
    assert sorted(len(message.incidents) for message in await deliver(store)) == [1, 3, 3, 3, 3, 3, 3]


async def test_folding_hurries_no_notice_that_has_to_wait(store: Store) -> None:
    for wait in range(6):
        await store.save(word(NoticeKind.SILENCE_STARTED, str(wait)), NOW)
        message = await claim(store, NOW, LEASE)
        assert message is not None
        await store.retry(message.id, NOW + minutes(10 + wait), None, None)
    await fold(store, 5, 100, NOW)
    assert await next_due(store) == NOW + minutes(10)
    (merged,) = await deliver(store, NOW + minutes(10))
    assert merged.tries == 1


async def test_answers_go_with_the_cards_that_are_folded_after_they_vanished(store: Store) -> None:
    cards = await on_the_channel(store, *(lone(n) for n in range(6)))
    await store.save(notices(NoticeKind.RAISED, lone(0)), LATER)
    for card in cards:
        await store.anew(card.id, LATER)
    assert await fold(store, 5, 100, LATER) > 0
    (summary,) = await deliver(store)
    assert (summary.notice, tokens(summary)) == (None, [0, 1, 2, 3, 4, 5])


@pytest.mark.parametrize("given", [GIVEN, act(lone(0))], ids=["handed over", "act"])
async def test_what_only_stands_under_a_card_that_is_folded_stands_beside_it_then(store: Store, given: Notice) -> None:
    cards = await on_the_channel(store, *(lone(n) for n in range(6)))
    await store.save(Changes(NOW, notices=(given,)), LATER)
    for card in cards:
        await store.anew(card.id, LATER)
    assert await fold(store, 5, 100, LATER) > 0
    summary, told = await deliver(store)
    assert (summary.notice, tokens(summary)) == (None, [0, 1, 2, 3, 4, 5])
    assert (told.reply_to, tokens(told), told.notice) == (None, [0], given)


async def test_one_rule_that_was_folded_is_joined_like_a_group(store: Store) -> None:
    for minute in range(6):
        await store.save(notified(incident(minute)), NOW + minutes(minute))
    await fold(store, 5, 100, LATER)
    await store.save(notified(incident(9)), LATER)
    assert [tokens(message) for message in await deliver(store)] == [[0, 1, 2, 3, 4, 5, 9]]


async def test_a_summary_of_several_rules_is_joined_by_nobody(store: Store) -> None:
    await store.save(notified(*(lone(n) for n in range(6))), NOW)
    await fold(store, 5, 100, NOW)
    await store.save(notified(lone(20)), NOW)
    assert [len(message.incidents) for message in await deliver(store)] == [6, 1]


# What buttons and commands ask


async def test_a_button_finds_its_message_with_all_its_incidents(database_url: str) -> None:
    async with open_store(database_url) as store:
        (card,) = await on_the_channel(store, incident(1), incident(2))
        await store.save(notified(*ended(incident(1))), LATER)
    async with open_store(database_url) as store:
        found = await store.message(card.id)
        assert found is not None
        assert (found.discord_id, found.summary) == (1000 + card.id, True)
        assert found.incidents == (*ended(incident(1)), incident(2))


@pytest.mark.parametrize("number", [-1, 0, 999, 2**63, 10**40])
async def test_a_forged_number_finds_no_message(store: Store, number: int) -> None:
    await on_the_channel(store, incident())
    assert await store.message(number) is None


async def test_open_incidents_are_found_in_the_channel(store: Store) -> None:
    low = incident(4, Rule.FAST_TIME_LOW, step="20%")
    pool, over, waiting = incident(None, Rule.POOL, step="fast time"), lone(3), lone(5)
    await on_the_channel(store, low, pool, over)
    await store.save(notified(*ended(over), waiting), LATER)
    shown = await store.shown_at([low.key, pool.key, over.key, waiting.key, lone(6).key])
    assert shown.keys() == {low.key, pool.key}
    assert len(set(shown.values())) == 2


# Forgetting


async def test_retention_deletes_old_notices_and_not_those_that_wait(store: Store) -> None:
    one = incident()
    (card,) = await on_the_channel(store, one)
    await store.save(notices(NoticeKind.REMINDER, one), LATER)
    answer, _ = await deliver(store)
    await store.save(word(NoticeKind.SILENCE_STARTED, "waits"), LATER)
    await store.prune(LATER)
    assert await store.message(answer.id) is not None
    await store.prune(LATER + minutes(1))
    assert await store.message(answer.id) is None
    assert await store.message(card.id) is not None
    assert [message.notice.words for message in await deliver(store) if message.notice] == ["waits"]


async def test_retention_deletes_a_card_with_its_answers(store: Store) -> None:
    one = incident()
    (card,) = await on_the_channel(store, one)
    await store.save(notices(NoticeKind.RESOLVED, *ended(one)), MUCH_LATER)
    answer, _ = await deliver(store, MUCH_LATER)
    assert await store.prune(LATER + minutes(0.5)) == 1
    assert (await store.message(card.id), await store.message(answer.id)) == (None, None)


@pytest.mark.parametrize("who", [9, None])
async def test_of_handovers_that_waited_together_the_newest_is_told(store: Store, who: int | None) -> None:
    """The one before holds no more; and one that says nobody's name would say that everybody has left."""
    for nth, change in enumerate([Handover(7), Handover(8, swap=True), Handover(who, left=8)]):
        at = NOW + minutes(nth)
        until = at + minutes(100 - nth) if change.who else None
        notice = Notice(NoticeKind.SHIFT, at, until=until, shift=change)
        await store.save(Changes(at, notices=(notice,)), at)
    await fold(store, 1, 100, LATER)
    until = NOW + minutes(100) if who else None
    (said,) = await deliver(store)
    assert said.notice == Notice(NoticeKind.SHIFT, NOW + minutes(2), until=until, shift=Handover(who, left=8))
