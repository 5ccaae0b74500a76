"""What a board says of a fleet."""

from datetime import timedelta
from math import floor

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.board import Blind, Restart, Sheet, sheet
from bot.chat.cards import GAP, overview
from bot.domain.forecast import Forecast, Verdict
from bot.domain.incidents import Happening, Incident, Moment, Rule
from bot.domain.info import read
from bot.domain.model import Failure, Fleet, Record, Severity, Status, Token, Trouble
from bot.domain.value import replace
from bot.domain.watch.known import Known
from tests.chat.builders import NOON, fleet, incident, info_of, record, token
from tests.chat.checks import assert_fits, assert_harmless, texts

MINUTE = timedelta(minutes=1)
MARK = "k3f9-b6b2c3d4e-a1b2c3"


def left(number: int, percent: float, status: str = "FAST", days: int = 6, *, active: bool = True) -> Token:
    """A token with so much fast time, refilled in so many days."""
    refill = floor((NOON + timedelta(days=days)).timestamp())
    return token(
        number,
        status,
        active=active,
        fast_time_remaining=f"{percent * 0.15:.2f}/15.0 hours ({percent:.2f}%)",
        subscription=f"Standard (Active monthly, renews next on <t:{refill}>)",
    )


FLEET = fleet(
    left(1900, 88),
    left(1901, 12, days=9),
    left(1902, 0, "RELAX", days=2),
    left(1903, 88, "VERIFYING"),
    left(1904, 64, days=3),
    left(1906, 40, "BANNED"),
    left(1908, 97, active=False),
)
HEALTHY = fleet(left(1900, 88), left(1901, 64))


def about(rule: Rule, number: int, **more: object) -> Incident:
    """An open incident of a token of that fleet."""
    now = FLEET.tokens[number].record
    return replace(incident(rule, number, was=record(number), now=now), **more)  # type: ignore[arg-type]


BANNED = about(Rule.BANNED, 1906, severity=Severity.CRITICAL)
HELD = about(Rule.VERIFYING, 1903, acknowledged=Moment(NOON, Happening.ACKNOWLEDGED, 42))
LOW = incident(Rule.FAST_TIME_LOW, 1901, step="20%", was=record(1901), now=FLEET.tokens[1901].record)


def shown(known: Fleet, *incidents: Incident, now: timedelta = MINUTE, **more: object) -> Sheet:
    """The board a minute after noon, unless told otherwise."""
    of = Known(known, incidents={each.key: each for each in incidents})
    return sheet(overview(of, NOON + now, MINUTE), incidents, **more)  # type: ignore[arg-type]


def lines(of: Sheet) -> list[str]:
    """What it reads, line by line."""
    embed = of.embed(MARK)
    assert_fits(embed)
    return f"{embed.title}\n{embed.description}".replace(GAP, "").splitlines()


def test_a_fleet_in_trouble_reads_worst_first_by_what_it_needs() -> None:
    ahead = {
        1900: Forecast(Verdict.MAY_NOT_LAST, NOON, chance=0.6),
        1901: Forecast(Verdict.DOES_NOT_LAST, NOON, dry_at=NOON + timedelta(days=8)),
        1904: Forecast(Verdict.LASTS, NOON, chance=0.1),
    }
    assert lines(shown(FLEET, BANNED, HELD, LOW, forecasts=ahead)) == [
        "🔴 4 of 6 tokens work · 1 switched off",
        "▰▰▰▱▱▱▱▱ **24.6 h of fast time left**",
        "",
        "**Needs a person** · 2",
        "🔴 **1906** BANNED · **nobody has it** · 40 %",
        "🟠 **1903** VERIFYING · <@42> has it · 88 %",
        "",
        "**Open**",
        "🟠 **under 20 % fast time**: token 1901",
        "",
        "**Will not last**",
        f"🟠 **1901** ▰▱▱▱▱▱ 12 % · dry around 9 Jan · refills <t:{floor((NOON + timedelta(days=9)).timestamp())}:R>",
        "",
        "**Works slowly**",
        f"🟡 **1902** 0 % · refills <t:{floor((NOON + timedelta(days=2)).timestamp())}:R>",
        "",
        "**Works** · 2",
        "🟢 **1904** ▰▰▰▰▱▱ 64 %",
        "🟡 **1900** ▰▰▰▰▰▱ 88 % · may not last",
        "",
        "**Off** · 1908",
        "",
        "**Next refills** · "
        + ", ".join(
            f"{number} <t:{floor((NOON + timedelta(days=days)).timestamp())}:R>"
            for number, days in ((1902, 2), (1904, 3), (1900, 6), (1903, 6))
        ),
        "",
        f"Read <t:{floor(NOON.timestamp())}:R>, every minute.",
        "If that is over 15 min ago, the bot is not running or may not edit this: look at its host.",
    ]


def test_what_will_not_last_is_not_green_though_nothing_of_it_is_open() -> None:
    ahead = {1901: Forecast(Verdict.DOES_NOT_LAST, NOON, dry_at=NOON + timedelta(days=3))}
    said = lines(shown(HEALTHY, forecasts=ahead))
    assert any(line.startswith("🟠 **1901**") for line in said)
    assert "Nothing needs you." not in said


def test_who_has_what_will_not_last_is_said_in_its_row_and_not_twice() -> None:
    ahead = {1901: Forecast(Verdict.DOES_NOT_LAST, NOON, dry_at=NOON + timedelta(days=3))}
    open_ = about(Rule.DOES_NOT_LAST, 1901, acknowledged=Moment(NOON, Happening.ACKNOWLEDGED, 42))
    said = lines(shown(HEALTHY, open_, forecasts=ahead))
    assert "**Open**" not in said
    assert any(line.startswith("🟠 **1901**") and line.endswith(" · <@42> has it") for line in said)
    assert "**Open**" in lines(shown(HEALTHY, open_))  # while the forecast is another one by now


def test_what_somebody_silenced_is_not_without_an_owner() -> None:
    quiet = replace(HELD, acknowledged=None, silenced=Moment(NOON, Happening.SILENCED, 42))
    assert "🟠 **1903** VERIFYING · silenced by <@42> · 88 %" in lines(shown(FLEET, quiet))


def test_of_all_clear_it_says_so() -> None:
    said = lines(shown(HEALTHY))
    assert said[0] == "🟢 2 tokens work"
    assert "Nothing needs you." in said


def test_an_age_alone_is_no_change_and_anything_else_is() -> None:
    before = shown(HEALTHY)
    later = shown(replace(HEALTHY, read_at=NOON + 3 * MINUTE), now=4 * MINUTE)
    assert later.says == before.says
    assert later.at - before.at == 3 * MINUTE
    assert later.embed(MARK).description != before.embed(MARK).description
    taken = replace(BANNED, acknowledged=Moment(NOON, Happening.ACKNOWLEDGED, 42))
    sheets = [before, shown(FLEET), shown(FLEET, BANNED), shown(FLEET, taken)]
    assert len({each.says for each in sheets}) == len(sheets)


def test_old_numbers_are_called_old_and_the_age_is_that_of_the_board() -> None:
    failure = Failure(Trouble.TIMED_OUT, "no answer", NOON + 30 * MINUTE)
    board = shown(replace(HEALTHY, failure=failure), now=30 * MINUTE)
    said = lines(board)
    assert said[0].startswith("⚪")
    assert any(line.startswith("⚠️ **ImaginePro did not answer in time: these numbers are old**") for line in said)
    assert "Nothing needs you." not in said
    assert f"Looked <t:{floor((NOON + 30 * MINUTE).timestamp())}:R>, read nothing new." in said


def test_before_the_first_reading_it_says_why_there_is_none() -> None:
    assert "⚪ Nothing was read yet" in lines(shown(Fleet()))
    assert "The first reading is on its way." in lines(shown(Fleet()))


def test_many_that_need_a_person_are_told_by_what_is_open() -> None:
    many = fleet(*(left(number, 40, "BANNED") for number in range(1, 31)))
    bans = [incident(Rule.BANNED, n, severity=Severity.CRITICAL, was=record(n), now=record(n)) for n in many.tokens]
    said = lines(shown(many, *bans))
    assert "**Needs a person** · 30" in said
    assert "… and 20 more: `/tokens`" in said
    assert "🔴 **BANNED**: tokens 1, 2, 3, 4, 5, 6 and 24 more · **nobody has them all**" in said


def test_a_restart_that_left_a_gap_is_said_for_an_hour() -> None:
    blind = Blind(NOON - 3 * MINUTE, NOON - MINUTE)
    words = f"ℹ️ Restarted <t:{floor((NOON - MINUTE).timestamp())}:t>, blind for 2 min"  # noqa: RUF001 - a sign
    assert words in lines(shown(HEALTHY, blind=blind))
    fresh = replace(HEALTHY, read_at=NOON + 59 * MINUTE)
    assert words not in lines(shown(fresh, blind=blind, now=59 * MINUTE))


def test_what_a_restart_missed_is_counted_to_the_first_reading_after_it() -> None:
    known = Known(HEALTHY)
    for gap, said in ((timedelta(seconds=119), False), (timedelta(minutes=2), True)):
        restart = Restart(known, MINUTE)
        restart.polled(known)  # which failed
        assert restart.blind is None
        restart.polled(replace(known, fleet=replace(HEALTHY, read_at=NOON + gap)))
        restart.polled(replace(known, fleet=replace(HEALTHY, read_at=NOON + timedelta(hours=1))))
        assert restart.blind == (Blind(NOON, NOON + gap) if said else None)


def test_a_first_start_and_one_while_imaginepro_is_away_missed_nothing() -> None:
    after = Known(replace(HEALTHY, read_at=NOON + timedelta(hours=1)))
    down = incident(Rule.UPSTREAM_DOWN, None)
    for before in (Known(), Known(HEALTHY, incidents={down.key: down})):
        restart = Restart(before, MINUTE)
        restart.polled(after)
        assert restart.blind is None


def test_of_a_large_fleet_it_shows_the_worst_and_how_many_more() -> None:
    large = fleet(*(left(number, number % 90 + 10) for number in range(10_000)))
    said = lines(shown(large))
    assert "**Works** · 10,000" in said
    assert "… and 9,990 more: `/tokens`" in said


@given(
    st.lists(
        st.builds(
            record,
            st.integers(0, 40) | st.integers(0, 2**63 - 1),
            st.sampled_from([*Status, "", "a `weird` <@1> status" * 20]),
        ).flatmap(lambda of: info_of(st.text(max_size=600)).map(lambda info: replace(of, info=info))),
        max_size=40,
    ),
    st.sampled_from(list(Rule)),
    st.sampled_from([None, *Verdict]),
)
def test_a_board_fits_and_is_harmless_whatever_the_upstream_writes(
    records: list[Record], rule: Rule, verdict: Verdict | None
) -> None:
    known = fleet(*map(read, records))
    open_ = [incident(rule, each.id, now=each, was=each, severity=Severity.WARNING) for each in records]
    ahead = {each: Forecast(verdict, NOON, dry_at=NOON + MINUTE * each) for each in range(40)} if verdict else None
    board = shown(known, *open_, forecasts=ahead)
    embed = board.embed(MARK)
    assert_fits(embed)
    assert embed.description is not None
    assert embed.description.endswith(board.foot)
    for text in texts(embed)[:2]:
        assert_harmless(text)


def test_of_many_that_are_off_the_first_are_named() -> None:
    off = fleet(token(1900), *(token(number, active=False) for number in range(1901, 1916)))
    said = [line for line in lines(shown(off)) if line.startswith("**Off**")]
    assert said == [f"**Off** · {', '.join(map(str, range(1901, 1913)))} and 3 more"]
