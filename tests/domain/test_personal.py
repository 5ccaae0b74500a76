"""What people hear of by direct message: each thing once, nothing in quiet hours, and what is open at their end."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.asides import Aside, Place, What
from bot.domain.groups import Group
from bot.domain.incidents import ANYBODY, TEST, Key, Rule
from bot.domain.messages import NoticeKind
from bot.domain.model import Record, Severity
from bot.domain.naming import name_of
from bot.domain.rota import Rota, Swap
from bot.domain.steering import Entry, Scope, Setting, Silence
from bot.domain.value import replace
from bot.domain.watch import testing
from bot.domain.watch.beside import beside
from bot.domain.watch.hearing import lost, refused
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.personal import personal
from bot.domain.watch.response import acknowledge, decide, hand_back, hand_over, undo
from bot.domain.watch.schedule import tick
from bot.domain.wishes import Quiet, Wish
from tests.domain.fleets import START, at, reading, record, taken
from tests.domain.stories import BYSTANDER, POLICY

ANA, BEN, CHRIS = 41, 42, 43
BAN, OTHER = Key(Rule.BANNED, 1900), Key(Rule.BANNED, 1901)
NIGHT = Quiet(time(22), time(7), "UTC")
"""`START` is 3 AM, so it ends four hours after that."""


class Ops:
    """A fleet, and what is said to people beside the ops channel."""

    def __init__(self, *wishes: Wish | Group | Rota | Swap | Setting) -> None:
        self.known = Known(decisions=Known().decisions.with_(*wishes))
        self.changes = Changes(None)
        self.read(0, record(1900), record(1901))

    def do(self, minutes: float, moved: tuple[Changes, Known]) -> list[Aside]:
        """Something moves what is known; returns what is said."""
        changes, after = moved
        asides = beside(self.known, changes, at(minutes))
        self.changes, self.known = replace(changes, asides=(*changes.asides, *asides)), after
        return list(self.changes.asides)

    def read(self, minutes: float, *records: Record) -> list[Aside]:
        """A poll."""
        return self.do(minutes, taken(self.known, reading(minutes, *records, BYSTANDER), POLICY))

    def ban(self, minutes: float) -> list[Aside]:
        """A poll finds token 1900 banned."""
        return self.read(minutes, record(1900, "BANNED"), record(1901))

    def tick(self, minutes: float) -> list[Aside]:
        """The time does its part."""
        return self.do(minutes, tick(self.known, at(minutes), POLICY))

    def acknowledge(self, minutes: float, by: int) -> list[Aside]:
        """Somebody acknowledges the ban."""
        return self.do(minutes, acknowledge(self.known, [BAN], by, at(minutes)))

    def release(self, minutes: float, by: int) -> list[Aside]:
        """Somebody takes that back."""
        return self.do(minutes, hand_back(self.known, [BAN], by, at(minutes)))

    def hand_over(self, minutes: float, to: int, by: int) -> list[Aside]:
        """Somebody gives the ban to another."""
        return self.do(minutes, hand_over(self.known, [BAN], to, by, at(minutes)))

    def wish(self, minutes: float, wish: Wish) -> list[Aside]:
        """Somebody says what they wish to hear of."""
        entry = Entry(at(minutes), wish.by, "notify me", name_of(wish))
        return self.do(minutes, decide(self.known, wish, entry))

    def silence(self, minutes: float, silence: Silence) -> list[Aside]:
        """Somebody silences something."""
        return self.do(minutes, decide(self.known, silence, Entry(at(minutes), silence.by, "silence add", "")))

    def end(self, minutes: float, silence: Silence, by: int) -> list[Aside]:
        """Somebody ends it."""
        return self.do(minutes, undo(self.known, silence, Entry(at(minutes), by, "silence end", "")))


def pages(by: int = ANA, quiet: Quiet | None = None) -> Wish:
    """Somebody wishes to hear of pages."""
    return Wish(by, START - timedelta(days=1), pages=True, quiet=quiet)


def mine(by: int = ANA, quiet: Quiet | None = None) -> Wish:
    """Somebody wishes to hear of their own incidents."""
    return Wish(by, START - timedelta(days=1), mine=True, quiet=quiet)


def said(asides: list[Aside]) -> list[tuple[int, What, tuple[Key, ...]]]:
    """To whom, why and about what."""
    assert all(each.place is Place.PERSON for each in asides)
    return [(each.to, each.what, each.keys) for each in asides]


def test_a_page_is_told_when_it_fires_and_when_it_is_reminded_of_until_somebody_has_it() -> None:
    ops = Ops(pages(ANA), pages(BEN))
    assert said(ops.ban(1)) == [(ANA, What.PAGE, (BAN,)), (BEN, What.PAGE, (BAN,))]
    assert said(ops.ban(2)) == []
    assert said(ops.tick(17)) == [(ANA, What.PAGE, (BAN,)), (BEN, What.PAGE, (BAN,))]
    assert said(ops.acknowledge(18, ANA)) == []
    assert said(ops.tick(200)) == []


def test_whoever_is_on_call_is_paged_in_their_quiet_hours_too_and_hears_of_it_once() -> None:
    rota = Rota((ANA,), 0, time(9), "UTC", date(2026, 11, 16), by=ANA)
    ops = Ops(mine(ANA, NIGHT), mine(BEN, NIGHT), rota)
    assert said(ops.ban(1)) == [(ANA, What.PAGE, (BAN,))]
    assert said(ops.tick(240)) == [(ANA, What.PAGE, (BAN,))], "it is reminded of, as in the channel"
    assert said(ops.tick(241)) == []
    awake = Ops(pages(ANA, NIGHT), rota)
    awake.ban(235)
    assert said(awake.tick(240)) == []


def test_a_page_while_somebody_stood_in_is_said_at_the_end_of_quiet_hours() -> None:
    rota = Rota((ANA,), 0, time(9), "UTC", date(2026, 11, 16), by=ANA)
    stands_in = Swap("s1", BEN, START, at(60), by=BEN)
    ops = Ops(pages(ANA, NIGHT), pages(BEN), rota, stands_in)
    assert said(ops.ban(1)) == [(BEN, What.PAGE, (BAN,))]
    assert said(ops.acknowledge(2, BEN)) == []
    assert said(ops.tick(61)) == []
    assert said(ops.tick(240)) == [(ANA, What.MORNING, (BAN,))]


def test_whatever_fires_of_a_group_is_told_once_and_nothing_of_other_tokens() -> None:
    wish = replace(pages(), group="Studio")
    ops = Ops(wish, replace(wish, by=BEN, pages=False), Group("studio", ((1900, 1900),)))
    slow, banned = record(1900, "RELAX"), record(1901, "BANNED")
    read = [each for minutes in (1, 2, 3) for each in ops.read(minutes, slow, banned)]
    degraded = Key(Rule.DEGRADED, 1900)
    assert sorted(said(read)) == sorted(
        [(ANA, What.PAGE, (OTHER,)), (ANA, What.FIRED, (degraded,)), (BEN, What.FIRED, (degraded,))]
    )


def test_that_a_group_is_short_is_told_to_who_wants_to_hear_of_it() -> None:
    """As it is about no single token of it."""
    wish, group = replace(pages(), pages=False, group="studio"), Group("studio", ((1900, 1901),))
    ops = Ops(wish, group, Setting(Rule.POOL, threshold="2", readings=1, severity=Severity.WARNING, group=group))
    read = [each for minutes in (1, 2) for each in ops.read(minutes, record(1900), record(1901, "VERIFYING"))]
    short = Key(Rule.POOL, step=ANYBODY).of_group("studio")
    assert {key for _, _, keys in said(read) for key in keys} == {short, Key(Rule.VERIFYING, 1901)}


def test_quiet_hours_keep_what_fires_of_a_group_as_well() -> None:
    wish = replace(pages(quiet=NIGHT), pages=False, group="studio")
    ops = Ops(wish, Group("studio", ((1900, 1900),)))
    ops.ban(1)
    ops.read(2, record(1900, "BANNED"), record(1901, "BANNED"))
    assert said(ops.tick(240)) == [(ANA, What.MORNING, (BAN,))]
    assert said(ops.tick(26 * 60)) == []
    assert said(ops.tick(29 * 60)) == []


def test_what_fires_together_is_told_together() -> None:
    ops = Ops(pages())
    banned = [record(1900 + number, "BANNED") for number in range(100)]
    (one,) = ops.read(1, *banned)
    assert len(one.keys) == len(set(one.keys)) == 100


def test_whoever_has_an_incident_hears_what_others_do_to_it_and_how_it_ends() -> None:
    ops = Ops(mine(ANA), mine(BEN))
    assert said(ops.ban(1)) == []
    assert said(ops.hand_over(2, ANA, by=CHRIS)) == [(ANA, What.TAKEN, (BAN,))]
    assert said(ops.hand_over(3, BEN, by=CHRIS)) == [(ANA, What.CHANGED, (BAN,)), (BEN, What.TAKEN, (BAN,))]
    (released,) = ops.release(4, by=CHRIS)
    assert said([released]) == [(BEN, What.CHANGED, (BAN,))]
    assert released.moments[-1].by == CHRIS
    assert said(ops.hand_over(5, ANA, by=BEN)) == [(ANA, What.TAKEN, (BAN,))]


def test_an_end_is_told_whoever_has_it_once() -> None:
    ops = Ops(mine(ANA), mine(BEN), pages(CHRIS))
    ops.ban(1)
    ops.acknowledge(2, ANA)
    ended = [each for minutes in range(3, 9) for each in ops.read(minutes, record(1900), record(1901))]
    assert said(ended) == [(ANA, What.ENDED, (BAN,))]


def test_nobody_is_told_what_they_did_themselves_but_for_a_test_that_they_asked_for() -> None:
    ops = Ops(replace(mine(), pages=True))
    ops.ban(1)
    assert said(ops.acknowledge(2, ANA)) == []
    assert said(ops.release(3, by=ANA)) == []
    assert said(ops.hand_over(4, ANA, by=ANA)) == []
    assert said(ops.hand_over(5, BEN, by=ANA)) == []
    silence = Silence("s1", Scope(token=1900), at(6), at(600), ANA)
    ops.release(6, by=BEN)
    assert said(ops.silence(7, silence)) == []
    assert said(ops.end(8, silence, by=ANA)) == []
    assert said(ops.do(9, testing.begin(ops.known, ANA, at(9)))) == [(ANA, What.PAGE, (TEST,))]


def test_the_end_of_a_silence_calls_for_what_was_open_before() -> None:
    ops = Ops(pages())
    ops.ban(1)
    silence = Silence("s1", Scope(token=1900), at(2), at(600), BEN)
    assert said(ops.silence(2, silence)) == []
    assert said(ops.tick(60)) == []
    assert said(ops.end(61, silence, by=BEN)) == [(ANA, What.PAGE, (BAN,))]


def test_what_is_silenced_is_not_told_and_is_once_it_is_not_any_more() -> None:
    ops = Ops(replace(mine(), pages=True))
    silence = Silence("s1", Scope(token=1900), at(0), at(600), BEN)
    ops.silence(0, silence)
    assert said(ops.ban(1)) == []
    assert said(ops.end(2, silence, by=BEN)) == [(ANA, What.PAGE, (BAN,))]


def test_a_wish_is_answered_with_a_message_and_a_refusal_ends_that_until_it_is_made_again() -> None:
    ops = Ops()
    wish = Wish(ANA, at(1), pages=True)
    assert said(ops.wish(1, wish)) == [(ANA, What.WELCOME, ())]
    assert said(ops.do(2, refused(ops.known, ANA, at(2)))) == []
    (notice,) = ops.changes.notices
    assert (notice.kind, notice.to) == (NoticeKind.UNREACHABLE, (ANA,))
    assert refused(ops.known, ANA, at(3))[0].nothing
    assert refused(ops.known, BEN, at(3))[0].nothing
    assert said(ops.ban(3)) == []
    assert said(ops.wish(4, replace(wish, at=at(4)))) == [(ANA, What.WELCOME, ())]
    assert said(ops.tick(19)) == [(ANA, What.PAGE, (BAN,))]


def test_who_may_not_use_the_bot_any_more_is_forgotten_and_the_audit_trail_says_so() -> None:
    ops = Ops(pages())
    assert said(ops.do(1, lost(ops.known, ANA, at(1)))) == []
    assert [(each.by, each.act, each.reason) for each in ops.changes.audit] == [
        (ANA, "notify off", "may not use the bot any more")
    ]
    assert lost(ops.known, ANA, at(2))[0].nothing
    assert said(ops.ban(2)) == []


def test_quiet_hours_keep_everything_back_and_their_end_says_what_is_open_of_it() -> None:
    ops = Ops(pages(quiet=NIGHT))
    assert said(ops.ban(1)) == []
    assert said(ops.tick(17)) == []
    assert said(ops.tick(239)) == []
    assert said(ops.tick(240)) == [(ANA, What.MORNING, (BAN,))]
    assert said(ops.tick(241)) == []


@pytest.mark.parametrize("quiet", [NIGHT, None])
def test_who_wishes_anew_in_quiet_hours_is_told_what_they_kept_back_so_far(quiet: Quiet | None) -> None:
    group = Group("studio", ((1900, 1900),))
    wish = replace(pages(quiet=NIGHT), pages=False, group="studio")
    ops = Ops(wish, group)
    for minutes in (1, 2, 3):
        assert said(ops.read(minutes, record(1900, "RELAX"), record(1901, "BANNED"))) == []
    anew = replace(wish, at=at(10), mine=True, quiet=quiet)
    assert said(ops.wish(10, anew)) == [(ANA, What.WELCOME, ()), (ANA, What.MORNING, (Key(Rule.DEGRADED, 1900),))]
    assert said(ops.wish(11, replace(anew, at=at(11)))) == [(ANA, What.WELCOME, ())]
    assert said(ops.tick(240)) == []


def test_the_end_of_quiet_hours_says_nothing_where_nothing_is_open() -> None:
    ops = Ops(pages(quiet=NIGHT))
    ops.ban(1)
    for minutes in range(2, 8):
        ops.read(minutes, record(1900), record(1901))
    assert said(ops.tick(240)) == []
    assert ops.known.decisions.wishes["notify-41"].woken_at == at(240)


def test_the_morning_comes_late_where_the_bot_was_away_and_not_in_the_next_quiet_hours() -> None:
    ops = Ops(pages(quiet=NIGHT))
    ops.ban(1)
    assert said(ops.tick(20 * 60)) == []
    assert said(ops.tick(29 * 60)) == [(ANA, What.MORNING, (BAN,))]


def test_what_is_said_in_the_morning_is_not_reminded_of_in_the_same_moment() -> None:
    ops = Ops(pages(quiet=NIGHT))
    ops.ban(230)
    assert said(ops.tick(246)) == [(ANA, What.MORNING, (BAN,))]
    assert NoticeKind.REMINDER in [each.kind for each in ops.changes.notices]


HOURS = st.builds(lambda minutes: time(minutes // 60, minutes % 60), st.integers(0, 24 * 60 - 1))
ZONES = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"])
INSTANTS = st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - the zone is beside


@given(HOURS, HOURS, ZONES, INSTANTS)
@example(time(1), time(2, 30), "Europe/Berlin", datetime(2026, 3, 29, 0, 45, tzinfo=UTC))
@example(time(2, 30), time(7), "Europe/Berlin", datetime(2026, 3, 29, 1, 15, tzinfo=UTC))
@example(time(1), time(2, 30), "Europe/Berlin", datetime(2026, 10, 25, 1, 15, tzinfo=UTC))
def test_hours_are_quiet_whenever_the_clock_says_so_and_end_at_an_instant(
    begin: time, end: time, zone: str, now: datetime
) -> None:
    quiet = Quiet(begin, end, zone)
    here = now.astimezone(ZoneInfo(zone)).time()
    if begin != end and (begin <= here < end if begin < end else not end <= here < begin):
        assert quiet.holds(now)
    ended = quiet.ended(now)
    assert (ended is None) is quiet.holds(now)
    if ended is not None:
        assert ended <= now
        assert quiet.holds(ended - timedelta(seconds=1))
        assert not quiet.holds(ended)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 28), 8), (date(2026, 10, 24), 10), (date(2026, 12, 1), 9)])
def test_a_night_is_as_long_as_its_clock_shows(day: date, hours: int) -> None:
    quiet = Quiet(time(22), time(7), "Europe/Berlin")
    first = datetime.combine(day, time(12), ZoneInfo("Europe/Berlin")).astimezone(UTC)
    minutes = sum(quiet.holds(first + timedelta(minutes=minute)) for minute in range(24 * 60))
    assert minutes == hours * 60
    assert quiet.text == "22:00-07:00"


class Acts:
    """What may happen, each at a time of its own."""

    KINDS = st.sampled_from(["ban", "well", "both", "take", "give", "release", "silence", "end", "tick"])
    PEOPLE = st.sampled_from([ANA, BEN])


@given(
    st.booleans(),
    st.booleans(),
    st.lists(st.tuples(st.integers(1, 90), Acts.KINDS, Acts.PEOPLE), max_size=40),
)
def test_each_thing_is_told_once_nothing_in_quiet_hours_and_all_that_is_open_at_their_end(  # noqa: C901, PLR0912
    all_pages: bool,  # noqa: FBT001 - drawn
    own: bool,  # noqa: FBT001 - drawn
    script: list[tuple[int, str, int]],
) -> None:
    wish = Wish(ANA, START - timedelta(days=1), pages=all_pages, mine=own, quiet=NIGHT)
    awake = replace(wish, quiet=None)
    ops, minutes, held = Ops(wish), 0, dict[Key, datetime]()
    silence = Silence("s1", Scope(rule=Rule.BANNED), at(0), at(10**5), BEN)
    for pause, kind, who in script:
        minutes += pause
        before, now = ops.known, at(minutes)
        match kind:
            case "ban":
                asides = ops.ban(minutes)
            case "both":
                asides = ops.read(minutes, record(1900, "BANNED"), record(1901, "BANNED"))
            case "well":
                asides = ops.read(minutes, record(1900), record(1901))
            case "take":
                asides = ops.acknowledge(minutes, who)
            case "give":
                asides = ops.hand_over(minutes, who, by=BEN if who == ANA else ANA)
            case "release":
                asides = ops.release(minutes, who)
            case "silence":
                asides = ops.silence(minutes, replace(silence, since=now))
            case "end":
                asides = ops.end(minutes, silence, by=BEN) if before.decisions.silences else []
            case _:
                asides = ops.tick(minutes)
        told = [key for each in asides for key in each.keys]
        assert len(told) == len(set(told))
        suppressed = before.suppressed()
        for each in asides:
            assert not NIGHT.holds(now)
            if each.what is What.MORNING:
                due = {key for key, opened in held.items() if _is_open(before, key, opened) and not suppressed(key)}
                assert due <= set(each.keys)
                assert all(before.incidents[key].open and not suppressed(key) for key in each.keys)
        woken = ops.known.decisions.wishes[wish.id].woken_at
        if woken == now:
            if not any(each.what is What.MORNING for each in asides):
                assert not any(_is_open(before, key, opened) and not suppressed(key) for key, opened in held.items())
            held.clear()
        if NIGHT.holds(now):
            there = replace(before, decisions=before.decisions.with_(awake))
            changes = replace(ops.changes, asides=(), decided=tuple(d for d in ops.changes.decided if d.id != wish.id))
            for each in personal(there, changes, now):
                held |= {key: ops.known.incidents[key].opened_at for key in each.keys if key in ops.known.incidents}


def _is_open(known: Known, key: Key, opened: datetime) -> bool:
    found = known.incidents.get(key)
    return found is not None and found.open and found.opened_at == opened
