"""How an incident ends, and what is said then: only what was seen to be healthy is good news."""

import pytest

from bot.chat.alerts.phrases import sign_and_headline
from bot.chat.alerts.story import stories
from bot.chat.alerts.wording import MEND
from bot.domain.incidents import Incident, Key, Reason, Rule
from bot.domain.model import Record, Severity, Trouble
from bot.domain.rules.policy import Policy
from bot.domain.watch.known import Known
from tests.domain.fleets import at, record
from tests.domain.stories import EVERY_MINUTE, STEPS, Story, watching

NONE_LEFT = "0.00/15.0 hours (0.00%)"


def fleet(*others: Record, policy: Policy = EVERY_MINUTE) -> Story:
    """A story of tokens 1, 2 and 3 and nobody else, read once."""
    story = Story(policy, bystanders=())
    story.read(0, *(others or (record(1), record(2), record(3))))
    return story


def said(story: Story) -> list[str]:
    """The headlines of what changed last, with their signs."""
    changed = [each for each in story.changes.incidents if each.key in story.changes.notify]
    return [f"{sign[0]} {words}" for sign, words in map(sign_and_headline, stories(changed, story.known.fleet))]


def ended(story: Story) -> dict[Key, Reason | None]:
    """Why what ended last did."""
    return {each.key: each.end.reason if each.end else None for each in story.changes.incidents if each.resolved_at}


def all_clear(story: Story) -> list[str]:
    """What sounds as if something were well."""
    return [words for words in said(story) if "✅" in words or "again" in words]


def test_a_fleet_that_is_banned_and_switched_off_does_not_work_again() -> None:
    story = fleet()
    for minutes in range(1, 5):
        story.read(minutes, *(record(each, "BANNED") for each in (1, 2, 3)))
    story.silence(4.5, 5, name="s9")
    for minutes in range(5, 12):
        story.read(minutes, *(record(each, "BANNED", active=False) for each in (1, 2, 3)))
        assert all_clear(story) == []
        assert "resolved" not in " ".join(story.notices)
    assert {key.rule for key in story.known.incidents} == {Rule.INACTIVE}


def test_a_fleet_that_is_no_longer_listed_does_not_work_again() -> None:
    story = fleet()
    for minutes in range(1, 5):
        story.read(minutes, *(record(each, "VERIFYING") for each in (1, 2, 3)))
    assert story.incident(Rule.POOL, None, "usable").open
    for minutes in range(5, 20):
        story.read(minutes)
        assert all_clear(story) == []
    assert story.incident(Rule.POOL, None, "usable").open


def test_a_token_of_which_nothing_is_known_does_not_work_again() -> None:
    story = fleet(record(1, plan="Basic", fast="0.00/200.0 minutes (0.00%)"))
    for minutes in range(1, 4):
        story.read(minutes, Record(1, "FAST", active=True))
        assert said(story) == []


def test_an_upstream_that_refuses_the_key_cannot_be_read_again() -> None:
    story = fleet()
    for minutes in range(1, 4):
        story.fail(minutes)
    story.fail(4, Trouble.REFUSED)
    assert all_clear(story) == []
    assert ended(story) == {Key(Rule.UPSTREAM_DOWN): Reason.BECAME}


def test_a_poll_that_fails_at_last_is_no_reading() -> None:
    story = fleet()
    story.tick(4)
    assert story.incident(Rule.UPSTREAM_STALE, None).open
    for minutes in (5, 6, 7, 8):
        story.fail(minutes, Trouble.TIMED_OUT)
        assert all_clear(story) == []
    assert Key(Rule.UPSTREAM_STALE) not in story.known.incidents
    assert story.incident(Rule.UPSTREAM_DOWN, None).open


@pytest.mark.parametrize(
    "after",
    [
        record(1, "BANNED"),
        record(1, "BANNED", queued="0"),
        record(1, "VERIFYING"),
        record(1, active=False),
        Record(1, "FAST", active=True),
    ],
)
def test_a_queue_that_nobody_works_on_does_not_move_again(after: Record) -> None:
    story = fleet(record(1), record(2))
    for minutes in range(1, 23):
        story.read(minutes, record(1, queued="40"), record(2))
    assert story.incident(Rule.QUEUE_STUCK, 1).open
    story.read(23, after, record(2))
    assert all_clear(story) == []


@pytest.mark.parametrize("after", [record(1, "BANNED"), record(1, "RELAX"), record(1), Record(1, "FAST", active=True)])
def test_fast_time_that_did_not_move_does_not_move_again(after: Record) -> None:
    story = Story(EVERY_MINUTE)
    story.set(Rule.FROZEN, threshold="5m")
    for minutes in range(8):
        story.read(minutes, record(1, running="a job"))
    assert story.incident(Rule.FROZEN, 1).open
    story.read(8, after)
    assert all_clear(story) == []


def test_tokens_that_go_from_bad_to_worse_are_not_over() -> None:
    story = fleet()
    story.read(1, *(record(each, "VERIFYING") for each in (1, 2, 3)))
    story.read(2, *(record(each, "BANNED") for each in (1, 2, 3)))
    assert [words[0] for words in said(story) if "VERIFYING for" in words] == ["⚪"] * 3
    assert set(ended(story).values()) == {Reason.BECAME}
    assert not any(notice.startswith("resolved") for notice in story.notices)


def test_a_token_that_settles_as_banned_is_not_stable_again() -> None:
    story = watching()
    for minutes, status in enumerate(["VERIFYING", "FAST", "VERIFYING", "BANNED"], 1):
        story.read(minutes, record(status=status))
    for minutes in range(5, 36):
        story.read(minutes, record(status="BANNED"))
    assert Key(Rule.FLAPPING, 1900) not in story.known.incidents
    assert all_clear(story) == []


def test_an_end_is_no_all_clear_while_something_else_is_wrong_with_the_token() -> None:
    story = watching()
    story.read(1, record(status="VERIFYING", terms="Paused"))
    story.read(2, record(terms="Paused"))
    assert ended(story) == {Key(Rule.VERIFYING, 1900): Reason.BECAME}
    story.read(3, record())
    assert ended(story) == {Key(Rule.SUBSCRIPTION, 1900): Reason.WELL}
    assert all_clear(story) != []


# Causes and effects.


def test_a_ban_is_one_page_however_little_fast_time_there_is() -> None:
    story = watching()
    assert story.read(1, record(status="BANNED", fast="0.60/15.0 hours (4.00%)", terms="Paused", queued="4")) == [
        "banned 1900 critical BANNED"
    ]
    assert story.tick(16) == ["reminder: banned 1900"]
    assert set(story.read(20, record(fast="0.60/15.0 hours (4.00%)"))) >= {"fast_time_low 1900 critical FAST"}


def test_one_token_is_one_page_a_poll() -> None:
    story = watching()
    for minutes in range(1, 16):
        story.read(minutes, record(status="VERIFYING"))
    story.read(16, left(3, "VERIFYING"))
    assert story.notices == ["raised: verifying 1900"]
    assert story.changes.notify == {Key(Rule.VERIFYING, 1900)}
    assert "fast_time_low 1900 critical FAST" in story.read(20, left(3))


def test_a_token_that_is_off_is_never_critical_and_nobody_is_reminded_of_it() -> None:
    story = watching(record(plan="Basic"))
    story.read(1, record(plan="Basic", fast="0.00/200.0 minutes (0.00%)"))
    assert story.incident(Rule.FAST_TIME_LOW).severity is Severity.CRITICAL
    story.read(2, record(plan="Basic", fast="0.00/200.0 minutes (0.00%)", active=False))
    assert {key.rule for key in story.known.incidents} == {Rule.INACTIVE}
    for minutes in (16, 76, 136):
        assert story.tick(minutes) == []
    for status in ("VERIFYING", "BANNED", "RELAX"):
        heard = story.read(140, record(plan="Basic", status=status, active=False, terms="Paused"))
        assert set(heard) <= {f"inactive 1900 info {status}"}
    assert "banned 1900 critical BANNED" in story.read(150, record(plan="Basic", status="BANNED"))


def test_the_only_token_is_one_page_and_the_fleet_adds_nothing() -> None:
    story = fleet(record(1))
    heard = [each for minutes in range(1, 12) for each in story.read(minutes, record(1, "VERIFYING"))]
    assert heard == ["verifying 1 warning VERIFYING"]


def test_the_fleet_is_told_to_be_short_only_after_three_polls_that_no_page_explains() -> None:
    story = fleet()
    blank = [Record(each, "", active=True) for each in (1, 2, 3)]
    assert [story.read(minutes, *blank) for minutes in range(1, 6)] == [[]] * 5
    check = [record(each, "VERIFYING") for each in (1, 2, 3)]
    heard = [story.read(minutes, *check) for minutes in range(6, 9)]
    assert ["pool usable critical" in each for each in heard] == [False, False, True]


def test_bans_that_are_told_say_already_that_the_fleet_is_short() -> None:
    story = fleet()
    bans = [record(each, "BANNED") for each in (1, 2, 3)]
    heard = [each for minutes in range(1, 9) for each in story.read(minutes, *bans)]
    assert heard == [f"banned {each} critical BANNED" for each in (1, 2, 3)]


def test_upstream_trouble_becomes_critical_and_mutes_no_ban() -> None:
    story = fleet()
    story.read(1, record(1, "BANNED"), record(2), record(3))
    heard: list[str] = []
    for minutes in range(2, 80):
        story.fail(minutes)
        heard += [notice for notice in story.notices if "raised" in notice]
        heard += story.tick(minutes + 0.5)
    assert heard.count("reminder: banned 1") + heard.count("reminder!: banned 1") == 2
    assert "raised: upstream_down" in heard
    assert "reminder: upstream_down" in heard


def test_one_answer_between_failures_is_no_end_of_them() -> None:
    story = fleet()
    notices: list[str] = []
    for minutes in range(1, 121):
        if minutes % 4:
            story.fail(minutes)
        else:
            story.read(minutes, record(1), record(2), record(3))
        notices += story.notices
    assert [each for each in story.notified if each.key.rule is Rule.UPSTREAM_DOWN and each.resolved_at] == []
    assert notices == ["raised: upstream_down"]


def test_who_acknowledged_a_check_is_not_paged_because_time_passes() -> None:
    story = watching()
    story.read(1, record(status="VERIFYING"))
    story.acknowledge(3, Key(Rule.VERIFYING, 1900))
    for minutes in range(4, 100):
        story.read(minutes, record(status="VERIFYING"))
        assert story.notices == []
        assert story.tick(minutes + 0.5) == []
    assert story.incident(Rule.VERIFYING).acknowledged is not None
    assert story.incident(Rule.VERIFYING).severity is Severity.CRITICAL


# One incident of fast time.


def left(percent: float, status: str = "FAST") -> Record:
    """A record with so much of 15 h."""
    return record(status=status, fast=f"{15 * percent / 100:.2f}/15.0 hours ({percent:.2f}%)")


def test_a_token_that_runs_dry_is_one_card_and_three_sounds() -> None:
    story = watching(record())
    cards, notices = [], []
    course = [left(each) for each in (25, 19, 10, 4, 2, 0)] + [left(0, status="RELAX"), record()]
    for minutes, each in enumerate(course, 1):
        cards += story.read(minutes, each)
        notices += story.notices
    assert cards == [
        "fast_time_low 1900 warning FAST",
        "fast_time_low 1900 critical FAST",
        "fast_time_low 1900 critical FAST",
        "fast_time_low 1900 critical RELAX",
        "ended: fast_time_low 1900 critical FAST",
    ]
    assert notices == ["raised: fast_time_low 1900", "raised: fast_time_low 1900", "resolved: fast_time_low 1900"]


def test_who_took_a_level_hears_nothing_when_only_the_levels_are_set_otherwise() -> None:
    story = watching(policy=Policy(STEPS[:1]))
    story.read(1, left(15))
    story.acknowledge(2, Key(Rule.FAST_TIME_LOW, 1900))
    story.set(Rule.FAST_TIME_LOW, threshold="20%,18%")
    assert story.read(3, left(15)) == ["fast_time_low 1900 critical FAST"]
    assert story.notices == []
    assert story.incident(Rule.FAST_TIME_LOW).acknowledged
    story.read(4, left(0))
    assert story.notices == ["raised: fast_time_low 1900"]


def test_who_took_the_deepest_level_is_asked_no_more() -> None:
    story = watching()
    story.read(1, left(4))
    story.read(5, left(0))
    story.acknowledge(6, Key(Rule.FAST_TIME_LOW, 1900))
    assert [story.tick(minutes) for minutes in (16, 76, 136)] == [[], [], []]


@pytest.mark.parametrize(("rule", "setting"), [(Rule.FAST_TIME_LOW, "20%"), (Rule.FAST_TIME_GONE, None)])
def test_a_level_that_is_switched_off_leaves_the_shallower_one_speaking(rule: Rule, setting: str | None) -> None:
    story = watching()
    story.read(1, left(0 if setting is None else 3))
    story.set(rule, threshold=setting, on=None if setting else False)
    story.read(2, left(0 if setting is None else 3))
    incident = story.incident(Rule.FAST_TIME_LOW)
    assert (incident.open, incident.detail) == (True, "5%" if setting is None else "20%")
    assert not story.known.suppressed()(incident.key)


def test_a_little_bought_time_leaves_the_card_open_until_there_is_enough() -> None:
    story = watching(policy=Policy(STEPS[:1]))
    story.read(1, left(0))
    assert story.read(2, left(6)) == ["fast_time_low 1900 warning FAST"]
    assert all_clear(story) == []
    story.read(3, left(1))
    assert story.incident(Rule.FAST_TIME_LOW).open


def test_a_greater_plan_is_no_fall() -> None:
    story = watching(record(plan="Basic", fast="150.00/200.0 minutes (75.00%)"))
    assert story.read(1, record(fast="150.00/900.0 minutes (16.67%)")) == []
    assert story.read(2, record(fast="150.00/900.0 minutes (16.67%)")) == []
    assert story.read(3, record(fast="140.00/900.0 minutes (15.56%)")) == ["fast_time_low 1900 warning FAST"]


def test_a_trial_is_warned_before_nothing_is_left() -> None:
    story = watching(record(plan="Trial", fast="25.00 minutes"))
    assert story.read(1, record(plan="Trial", fast="4.00 minutes")) == ["fast_time_low 1900 warning FAST"]


# A list that cannot be true.


@pytest.mark.parametrize("listed", [[], [1], [1, 2], [1, 2, 3, 4]])
def test_a_list_that_lacks_most_tokens_is_trouble_of_the_upstream(listed: list[int]) -> None:
    everybody = range(1, 10)
    story = fleet(*map(record, everybody))
    story.read(1, record(1, "BANNED"), *map(record, range(2, 10)))
    story.acknowledge(2, Key(Rule.BANNED, 1))
    before = story.known.incidents
    some = [record(each, "BANNED" if each == 1 else "FAST") for each in listed]
    heard = [each for minutes in range(3, 60) for each in story.read(minutes, *some)]
    assert heard == ["list_short warning", "list_short critical"]
    assert set(story.known.fleet.tokens) == set(everybody)
    back = story.read(60, record(1, "BANNED"), *map(record, range(2, 10)))
    assert back == ["ended: list_short critical"]
    assert story.known.incidents == before


def test_one_odd_list_is_not_worth_a_word() -> None:
    story = fleet(*map(record, range(1, 10)))
    assert story.read(1) == []
    assert story.read(2, *map(record, range(1, 10))) == []


def test_a_short_list_is_believed_after_a_day() -> None:
    story = fleet(*map(record, range(1, 10)))
    heard = [each for minutes in range(1, 60 * 25) for each in story.read(minutes, record(1))]
    assert sum(each.startswith("ended: gone") for each in heard) == 8
    assert set(story.known.remembered) == {1}
    assert Key(Rule.LIST_SHORT) not in story.known.incidents


def test_a_key_without_tokens_waits_for_the_first_ones() -> None:
    story = Story(EVERY_MINUTE, bystanders=())
    assert [story.read(minutes) for minutes in range(3)] == [[], [], []]
    assert story.read(3, record(1), record(2, "BANNED")) == ["banned 2 critical BANNED", "ended: baseline info"]


def test_a_restart_that_reads_nothing_is_told() -> None:
    story = fleet()
    story.known = Known(began_at=at(0))
    story.tick(2)
    assert story.changes.nothing
    story.tick(4)
    assert story.changes.notify == {Key(Rule.UPSTREAM_STALE)}


def test_what_nobody_saw_for_long_does_not_count_as_seen() -> None:
    story = fleet(record(1))
    story.read(1, record(1, queued="4"))
    for minutes in range(2, 26):
        story.fail(minutes)
    assert "queue_stuck" not in " ".join(story.read(26, record(1, queued="4")))
    heard = [each for minutes in range(27, 47) for each in story.read(minutes, record(1, queued="4"))]
    assert "queue_stuck 1 warning FAST" in heard


def test_refreshing_a_token_three_times_is_no_three_readings() -> None:
    story = watching()
    story.set(Rule.BANNED, readings=3)
    story.read(1, record(status="BANNED"))
    for seconds in range(1, 7):
        assert story.read(1 + seconds / 60, record(status="BANNED"), whole=False) == []


def test_an_outage_is_told_in_minutes_however_rarely_it_polls() -> None:
    story = Story(Policy(STEPS, interval=EVERY_MINUTE.interval * 60))
    story.read(0, record())
    assert story.fail(60) == []
    assert story.fail(120) == ["upstream_down warning"]


def incident_words(incident: Incident, story: Story) -> str:
    """The headline of an incident as of now."""
    (one,) = stories([incident], story.known.fleet)
    return sign_and_headline(one)[1]


def test_the_page_for_a_ban_while_flapping_says_so() -> None:
    story = watching()
    for minutes, status in enumerate(["VERIFYING", "FAST", "VERIFYING", "BANNED"], 1):
        story.read(minutes, record(status=status))
    assert "🔴 Token 1900 is BANNED" in said(story)
    story.read(5, record(status="FAST"))
    story.read(6, record(status="BANNED"))
    assert [words for words in said(story) if words.endswith("is BANNED")] == []
    assert incident_words(story.incident(Rule.FLAPPING), story).startswith("Token 1900 is BANNED, and keeps changing")


def test_a_short_list_is_believed_when_somebody_says_so() -> None:
    story = fleet(*map(record, range(1, 10)))
    for minutes in range(1, 4):
        story.read(minutes, record(1))
    assert story.believe(4) == ["list_short warning"]
    story.read(5, record(1))
    assert ended(story) == {}
    story.read(6, record(1))
    assert ended(story)[Key(Rule.LIST_SHORT)] is Reason.BECAME
    assert all_clear(story) == []
    assert set(story.known.remembered) == {1}
    assert story.believe(7) == []


def test_a_token_that_was_missing_before_makes_a_short_list_no_truer() -> None:
    story = fleet(*map(record, range(1, 5)))
    story.read(1, *map(record, (1, 2, 3)))
    for minutes in range(2, 9):
        story.read(minutes, record(1))
    assert set(story.known.remembered) == {1, 2, 3, 4}
    assert story.incident(Rule.LIST_SHORT, None).open


def test_a_list_that_lacks_a_few_after_it_lacked_most_is_well_again() -> None:
    story = fleet(*map(record, range(1, 10)))
    for minutes in range(1, 4):
        story.read(minutes, record(1))
    story.read(4, *map(record, range(1, 9)))
    assert ended(story) == {Key(Rule.LIST_SHORT): Reason.WELL}


def test_what_waited_before_an_outage_is_stored_under_its_name_and_waits_anew() -> None:
    story = fleet(record(1))
    story.read(1, record(1, queued="4"))
    before = story.incident(Rule.QUEUE_STUCK, 1)
    story.read(30, record(1, queued="4"))
    after = story.incident(Rule.QUEUE_STUCK, 1)
    assert (after.opened_at, after.began_at) == (before.opened_at, at(30)), "one row, and not a second one"


def test_an_outage_that_turns_out_to_be_a_wrong_address_says_what_to_do_about_that() -> None:
    story = fleet()
    for minutes in range(1, 5):
        story.fail(minutes)
    assert story.fail(5, Trouble.NOT_FOUND) == ["upstream_down warning"]
    assert story.fail(6, Trouble.NOT_FOUND) == []
    (told,) = stories([story.incident(Rule.UPSTREAM_DOWN, None)], story.known.fleet)
    assert told.ask == MEND


def test_a_rule_that_is_switched_on_again_says_what_the_token_was_and_until_when() -> None:
    story = watching()
    story.set(Rule.BANNED, on=False)
    story.read(1, record(status="BANNED"))
    story.set(Rule.BANNED, on=True)
    assert story.read(10, record(status="BANNED")) == ["banned 1900 critical BANNED"]
    was = story.incident(Rule.BANNED).was
    assert was is not None
    assert (was.status, story.incident(Rule.BANNED).was_at) == ("FAST", at(1))


def test_a_refill_of_a_token_that_was_low_gone_and_slow_is_one_word() -> None:
    story = watching()
    for minutes, each in enumerate([left(19), left(4), left(0), left(0, "RELAX")], 1):
        story.read(minutes, each)
    story.read(5, record())
    assert story.notices == ["resolved: fast_time_low 1900"]
    assert len(said(story)) == 1
