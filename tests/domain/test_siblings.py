"""Siblings of the cases that were told wrongly: what is alike, and nobody listed."""

import pytest

from bot.domain.incidents import ANYBODY, End, Key, Reason, Rule
from bot.domain.model import Record, Severity, Trouble
from tests.domain.fleets import at, record
from tests.domain.stories import EVERY_MINUTE, Story, watching

QUEUE, FROZEN, LOW = (Key(rule, 1900) for rule in (Rule.QUEUE_STUCK, Rule.FROZEN, Rule.FAST_TIME_LOW))
DOWN, STALE, SHORT = (Key(rule) for rule in (Rule.UPSTREAM_DOWN, Rule.UPSTREAM_STALE, Rule.LIST_SHORT))


def three() -> Story:
    """A story of tokens 1, 2 and 3 and nobody else, read once."""
    story = Story(EVERY_MINUTE, bystanders=())
    story.read(0, record(1), record(2), record(3))
    return story


def ended(story: Story) -> dict[Key, End | None]:
    """How what ended last did."""
    return {each.key: each.end for each in story.changes.incidents if each.resolved_at}


def test_a_queue_whose_length_cannot_be_read_does_not_move_again() -> None:
    story = watching(policy=EVERY_MINUTE)
    for minutes in range(1, 23):
        story.read(minutes, record(queued="40"))
    assert story.incident(Rule.QUEUE_STUCK).open
    assert story.read(23, record(queued="many")) == []
    assert story.read(24, record()) == ["ended: queue_stuck 1900 warning FAST"]


def test_jobs_that_waited_for_a_ban_to_end_are_no_stuck_queue_when_it_does() -> None:
    story = watching(policy=EVERY_MINUTE)
    story.read(1, record(queued="4"))
    for minutes in range(2, 30):
        story.read(minutes, record(status="BANNED", queued="4"))
    story.read(30, record(queued="4"))
    assert not story.incident(Rule.QUEUE_STUCK).open
    for minutes in range(31, 51):
        story.read(minutes, record(queued="4"))
    assert story.incident(Rule.QUEUE_STUCK).open


@pytest.mark.parametrize("texts", [["n/a", "13.47/15.0 hours (89.78%)"], ["13.47/15.0 hours"], ["13.47 hours"]])
def test_fast_time_that_is_only_written_otherwise_does_not_move_again(texts: list[str]) -> None:
    story = watching(policy=EVERY_MINUTE)
    for minutes in range(1, 363):
        story.read(minutes, record(running="1"))
    assert story.incident(Rule.FROZEN).open
    for minutes, text in enumerate(texts, 363):
        assert story.read(minutes, record(running="1", fast=text)) == []
    assert story.read(370, record(running="1", fast="13.40/15.0 hours")) == ["ended: frozen 1900 info FAST"]


def test_who_is_fast_again_has_no_stuck_queue_because_jobs_wait_in_that_moment() -> None:
    story = watching(policy=EVERY_MINUTE)
    story.read(1, record(status="BANNED", queued="4"))
    assert story.read(2, record(queued="4")) == ["ended: banned 1900 critical FAST"]
    assert ended(story) == {Key(Rule.BANNED, 1900): End(Reason.WELL)}


def test_who_is_fast_again_with_a_queue_that_is_stuck_for_long_is_not_well() -> None:
    story = watching(policy=EVERY_MINUTE)
    for minutes in range(1, 23):
        story.read(minutes, record(queued="4"))
    story.read(23, record(status="BANNED", queued="4"))
    story.read(24, record(queued="4"))
    assert ended(story) == {Key(Rule.BANNED, 1900): End(Reason.BECAME, (Rule.QUEUE_STUCK,))}


@pytest.mark.parametrize("severity", Severity)
def test_that_a_token_works_again_is_nothing_wrong_however_grave_it_is_set(severity: Severity) -> None:
    story = watching(policy=EVERY_MINUTE)
    story.set(Rule.RESTORED, severity=severity)
    story.read(1, record(status="RELAX", active=False))
    assert "restored 1900" in " ".join(story.read(2, record()))
    assert ended(story)[Key(Rule.INACTIVE, 1900)] == End(Reason.WELL)


def test_a_token_that_flaps_works_again_in_no_words_however_grave_that_is_set() -> None:
    story = watching(policy=EVERY_MINUTE)
    story.set(Rule.RESTORED, severity=Severity.WARNING)
    for minutes, status in ((1, "VERIFYING"), (2, "VERIFYING")):
        story.read(minutes, record(status=status))
    for minutes in (3, 4):
        story.read(minutes, record(status="RELAX", active=False))
    told = story.read(5, record())
    assert story.incident(Rule.FLAPPING).open
    assert ended(story)[Key(Rule.INACTIVE, 1900)] == End(Reason.BECAME, (Rule.FLAPPING,))
    assert not [each for each in told if "restored" in each]


@pytest.mark.parametrize("meanwhile", [[], [record(2)]])
def test_what_was_read_of_another_token_does_not_count_as_seen(meanwhile: list[Record]) -> None:
    """Neither when that one was refreshed while ImaginePro was away, nor when a short list named it alone."""
    story = Story(EVERY_MINUTE, bystanders=())
    for minutes in range(2):
        story.read(minutes, record(1, queued="4" * minutes), record(2), record(3), record(4))
    for minutes in range(2, 25):
        if meanwhile:
            story.read(minutes, *meanwhile)
        else:
            story.fail(minutes)
            story.read(minutes + 0.5, record(2), whole=False)
    story.read(25, record(1, queued="4"), record(2), record(3), record(4))
    assert not story.incident(Rule.QUEUE_STUCK, 1).open


def test_two_odd_readings_with_a_night_between_them_are_no_three_in_a_row() -> None:
    story = three()
    out = [record(each, "VERIFYING") for each in (1, 2, 3)]
    story.read(1, *out)
    story.read(600, *out)
    assert not story.incident(Rule.POOL, None, ANYBODY).open


# Lists that cannot be true.


@pytest.mark.parametrize("trouble", [Trouble.UNREACHABLE, Trouble.REFUSED, None])
def test_an_answer_that_cannot_be_true_is_an_answer(trouble: Trouble | None) -> None:
    """It is told as what it is, and nobody is reminded that none comes; but nothing is called well by it."""
    story = three()
    for minutes in range(1, 6):
        if trouble is None:
            story.tick(minutes)
        else:
            story.fail(minutes, trouble)
    (key,) = story.known.incidents
    story.read(6)
    story.read(7)
    assert ended(story) == {}
    story.read(8)
    assert ended(story) == {key: End(Reason.BECAME, (Rule.LIST_SHORT,))}
    assert story.changes.notices == ()
    assert story.known.incidents.keys() == {SHORT}


def test_one_odd_list_before_an_outage_and_one_after_it_are_not_believed() -> None:
    story = three()
    story.read(1)
    for minutes in range(2, 1700, 10):
        story.fail(minutes)
    for minutes in range(1700, 1703):
        story.read(minutes)
    assert story.incident(Rule.LIST_SHORT, None).open
    assert set(story.known.remembered) == {1, 2, 3}


def test_a_list_is_true_where_nobody_asks_whether_it_can_be() -> None:
    """Else it would be doubted for good, and the bot would say that it reads nothing."""
    story = three()
    story.set(Rule.LIST_SHORT, on=False)
    for minutes in range(1, 9):
        story.read(minutes)
        story.tick(minutes + 0.5)
    assert [each.key.rule for each in story.notified] == [Rule.BASELINE, *[Rule.GONE] * 3]


# Fast time, and RELAX.


def share(percent: float, status: str = "FAST", plan: str = "Standard") -> Record:
    """A token with so much fast time left."""
    return record(1900, status, f"{15 * percent / 100:.2f}/15.0 hours ({percent}%)", plan)


def test_a_token_that_stops_before_its_fast_time_is_gone_is_a_page() -> None:
    """Basic has no relax mode, so RELAX is no slower work; a warning about 15 % does not say that."""
    story = watching(share(25, plan="Basic"), policy=EVERY_MINUTE)
    assert story.read(1, share(15, plan="Basic")) == ["fast_time_low 1900 warning FAST"]
    heard = story.read(2, share(15, "RELAX", "Basic"))
    assert "degraded 1900 critical RELAX" in heard


def test_a_page_for_relax_is_not_over_because_a_lesser_level_is_crossed() -> None:
    story = watching(share(25, plan="Basic"), policy=EVERY_MINUTE)
    assert story.read(1, share(25, "RELAX", "Basic")) == ["degraded 1900 critical RELAX"]
    assert story.read(2, share(15, "RELAX", "Basic")) == ["fast_time_low 1900 warning RELAX"]
    assert story.incident(Rule.DEGRADED).open
    story.read(3, share(4, "RELAX", "Basic"))
    assert ended(story) == {Key(Rule.DEGRADED, 1900): End(Reason.BECAME, (Rule.FAST_TIME_LOW,))}


@pytest.mark.parametrize("severity", [Severity.INFO, Severity.WARNING])
def test_relax_that_comes_of_fast_time_is_not_over(severity: Severity) -> None:
    story = watching(share(25), policy=EVERY_MINUTE)
    story.set(Rule.FAST_TIME_LOW, severity=severity)
    story.set(Rule.FAST_TIME_GONE, severity=severity)
    story.read(1, share(25, "RELAX"))
    story.read(2, share(0, "RELAX"))
    assert ended(story) == {Key(Rule.DEGRADED, 1900): End(Reason.BECAME, (Rule.FAST_TIME_LOW,))}
    assert story.read(3, record(status="RELAX", fast="n/a")) == [], "what is told explains it still"


def test_a_greater_plan_ends_nothing_and_is_no_fall_of_what_is_low() -> None:
    story = watching(record(fast="100.0/200.0 minutes (50%)"), policy=EVERY_MINUTE)
    assert story.read(1, record(fast="30.0/200.0 minutes (15%)")) == ["fast_time_low 1900 warning FAST"]
    assert story.read(2, record(fast="30.0/900.0 minutes (3.33%)")) == []
    assert story.read(3, record(fast="30.0/900.0 minutes (3.33%)")) == []
    assert story.incident(Rule.FAST_TIME_LOW).severity is Severity.WARNING
    assert story.read(4, record(fast="29.0/900.0 minutes (3.22%)")) == ["fast_time_low 1900 critical FAST"]


def test_who_got_a_greater_plan_with_little_in_it_has_one_card() -> None:
    story = watching(record(fast="100.0/200.0 minutes (50%)"), policy=EVERY_MINUTE)
    story.read(1, record(fast="0.0/200.0 minutes (0%)"))
    assert story.read(2, record(fast="150.0/900.0 minutes (16.67%)")) == ["fast_time_low 1900 warning FAST"]
    assert story.read(3, record(fast="149.0/900.0 minutes (16.56%)")) == []
    assert story.read(4, record(fast="800.0/900.0 minutes (88.89%)")) == ["ended: fast_time_low 1900 warning FAST"]


LATE, AHEAD, ANCIENT = (int(at(60 * 24 * days).timestamp()) for days in (-3, 20, -400))


@pytest.mark.parametrize(
    ("trouble", "terms"),
    [
        ("Paused", f"renews next on <t:{ANCIENT}>"),
        (f"Active monthly, renews next on <t:{LATE}>", f"Active monthly, renews next on <t:{ANCIENT}>"),
        (f"Active monthly, renews next on <t:{LATE}>", f"Active monthly, cancels on <t:{ANCIENT}>"),
    ],
)
def test_a_plan_is_not_in_order_again_because_its_date_cannot_be_believed(trouble: str, terms: str) -> None:
    story = watching(record(terms=f"Active monthly, renews next on <t:{AHEAD}>"))
    assert story.read(1, record(terms=trouble)) == ["subscription 1900 warning FAST"]
    assert story.read(2, record(terms=terms)) == []
    assert story.incident(Rule.SUBSCRIPTION).open
    restored = record(terms=f"Active monthly, renews next on <t:{AHEAD}>")
    assert story.read(3, restored) == ["ended: subscription 1900 warning FAST"]


@pytest.mark.parametrize(
    ("trouble", "after"),
    [
        ("Paused", record(terms="Active monthly")),
        ("Paused", record(terms=f"Active monthly, renews next on <t:{ANCIENT}>")),
        (f"Active monthly, renews next on <t:{LATE}>", record(plan="Pro", terms="Active yearly")),
        (f"Active monthly, renews next on <t:{LATE}>", record(terms=f"Active monthly, cancels on <t:{AHEAD}>")),
    ],
)
def test_a_plan_that_says_so_is_in_order_again(trouble: str, after: Record) -> None:
    story = watching(record(terms=f"Active monthly, renews next on <t:{AHEAD}>"))
    story.read(1, record(terms=trouble))
    assert story.read(2, after) == ["ended: subscription 1900 warning FAST"]


@pytest.mark.parametrize("asked", ["1,10h", "10h"])
def test_a_fleet_of_which_none_works_is_not_told_to_have_little_fast_time_too(asked: str) -> None:
    story = Story(EVERY_MINUTE, bystanders=())
    story.read(0, record())
    story.set(Rule.POOL, threshold=asked)
    heard = [each for minutes in range(1, 9) for each in story.read(minutes, record(status="BANNED"))]
    assert heard == ["banned 1900 critical BANNED"]


def test_a_clock_that_is_set_back_puts_nothing_off_by_a_day() -> None:
    """What becomes critical because it lasts does so after its time, counted anew."""
    check, away = watching(policy=EVERY_MINUTE), watching(policy=EVERY_MINUTE)
    check.read(1, record(status="VERIFYING"))
    for minutes in range(1, 4):
        away.fail(minutes)
    for minutes in range(-1440, -1420):
        check.read(minutes, record(status="VERIFYING"))
        away.fail(minutes)
    assert check.incident(Rule.VERIFYING).severity is Severity.CRITICAL
    assert away.incident(Rule.UPSTREAM_DOWN, None).severity is Severity.CRITICAL


def test_nobody_is_fast_again_by_a_list_that_cannot_be_true() -> None:
    story = Story(EVERY_MINUTE, bystanders=())
    story.read(0, record(1, "RELAX"), *map(record, range(2, 6)))
    assert story.read(1, record(1)) == []
    assert story.read(2, *map(record, range(1, 6))) == []


@pytest.mark.parametrize("tokens", [1, 2, 3])
def test_a_fleet_whose_bans_are_over_is_no_page_in_that_moment(tokens: int) -> None:
    """That no token works was told by the bans; once they are over, it is no longer so, and needs no word."""
    story = Story(EVERY_MINUTE, bystanders=())
    story.read(0, *map(record, range(tokens)))
    for minutes in range(1, 7):
        story.read(minutes, *(record(each, "BANNED") for each in range(tokens)))
    assert story.incident(Rule.POOL, None, ANYBODY).open
    heard = [each for minutes in range(7, 12) for each in story.read(minutes, *map(record, range(tokens)))]
    assert heard == [f"ended: banned {each} critical FAST" for each in range(tokens)]
    assert not story.known.incidents


def test_what_works_in_part_again_is_told_once_it_does_not() -> None:
    story = three()
    for minutes in range(1, 7):
        story.read(minutes, *(record(each, "BANNED") for each in (1, 2, 3)))
    story.read(7, record(1), record(2, "BANNED"), record(3, "BANNED"))
    assert "pool usable critical" in story.read(8, *(record(each, "VERIFYING") for each in (1, 2, 3)))


def test_an_outage_that_is_ending_is_not_told_when_a_window_ends() -> None:
    story = three()
    story.window(0, 1, 30)
    story.tick(1)
    for minutes in range(2, 29):
        story.fail(minutes)
    for minutes in (29, 30):
        story.read(minutes, record(1), record(2), record(3))
    story.tick(31)
    assert DOWN not in story.changes.notify
