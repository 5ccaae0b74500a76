"""The daily digest as the channel reads it."""

from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bot.chat.alerts import Alert, Roles, alert
from bot.chat.cards.outlook import outlook
from bot.domain.digest import Ahead, Digest, Gap, Last, Tally, tally
from bot.domain.forecast import Forecast, Verdict
from bot.domain.incidents import Happening, Incident, Moment, Note, Rule
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Severity
from bot.domain.value import replace
from tests.chat.builders import NOON, incident, message, record
from tests.chat.checks import assert_harmless
from tests.chat.test_alerts import FLEET

HOUR, MINUTE, DAY = timedelta(hours=1), timedelta(minutes=1), timedelta(days=1)
TODAY = NOON.date()
CALM = Digest(
    TODAY,
    NOON - DAY,
    NOON,
    NOON,
    (TODAY - DAY, TODAY - DAY),
    linked=9,
    usable=9,
    left=5460,
    read_at=NOON,
    used=720,
    most=((1904, 306), (1903, 180), (1900, 132), (1901, 50), (1902, 30)),
    users=7,
)


def posted(about: Digest) -> Alert:
    """The digest as it is posted."""
    word = Notice(NoticeKind.DIGEST, about.made_at, digest=about)
    return alert(replace(message(), notice=word), FLEET, Roles(alert=42, escalation=43))


def lines(about: Digest) -> list[str]:
    """What it says: the headline, and the lines below, less the gaps between them."""
    shown = posted(about)
    (embed,) = shown.embeds
    assert embed.footer.text == "ref k3f9-57"
    return [shown.content, *(each for each in (embed.description or "").splitlines() if each != "\u200b")]


def ban(token: int, *, severity: Severity = Severity.CRITICAL, who: int | None = None) -> Incident:
    """An open ban, which somebody may have."""
    taken = None if who is None else Moment(NOON, Happening.ACKNOWLEDGED, who=who)
    return replace(
        incident(Rule.BANNED, token, severity=severity, was=record(token), now=record(token, "BANNED")),
        acknowledged=taken,
    )


def over(token: int, lasted: timedelta, answered: timedelta | None = None) -> Incident:
    """A ban that ended, and that somebody may have acknowledged."""
    began = NOON - 3 * HOUR
    moments = [Moment(began, Happening.FIRED)]
    if answered is not None:
        moments.append(Moment(began + answered, Happening.ACKNOWLEDGED, who=7))
    ended = incident(Rule.BANNED, token, severity=Severity.CRITICAL, was=record(token), now=record(token), after=HOUR)
    return replace(ended, opened_at=began, resolved_at=began + lasted, moments=tuple(moments))


def test_a_calm_day_is_said_in_the_first_line() -> None:
    """Who reads no more than the notification knows that nothing is to be done."""
    assert lines(CALM) == [
        "✅ **All clear: 9 of 9 tokens work and 12 h used yesterday**",
        "**Used yesterday**: 1904 5.1 h, 1903 3 h, 1900 2.2 h, 1901 50 min, 1902 30 min and 2 more 22 min, 12 h in all",
        f"Digest of {TODAY:%a} {TODAY.day} {TODAY:%b}, as of <t:{NOON.timestamp():.0f}:t>",
    ]


def test_it_makes_no_sound_and_mentions_nobody_who_is_called() -> None:
    """However grave what is open is: its own alert calls."""
    shown = posted(replace(CALM, stands=(ban(1900),), open=1, usable=8))
    assert shown.silent
    assert dict(shown.allowed_mentions.to_dict()) == {"parse": []}


def test_what_is_open_comes_first_and_who_has_it() -> None:
    """The headline counts it; a line a rule names the tokens."""
    said = lines(replace(CALM, usable=7, open=2, stands=(ban(1900, who=7), ban(1906, who=7)), used=None, most=()))
    assert said[:3] == [
        "✋ **Daily digest: 7 of 9 tokens work and 2 incidents are open**",
        "**Open** (2)",
        "🔴 **BANNED**: tokens 1900 and 1906 · <@7> has them",
    ]


def test_it_says_what_was_noted_of_what_is_open_or_the_last_time_and_of_what_ended() -> None:
    phone = Note(NOON - DAY, 41, "passed the check by phone")
    ended = replace(over(1903, HOUR), notes=(phone, replace(phone, words="*new* card")))
    stands = (replace(ban(1900), notes=(phone,)), ban(1901))
    said = lines(
        replace(
            CALM, usable=7, open=2, stands=stands, last=(Last(1901, phone),), ended=tally([ended]), used=None, most=()
        )
    )
    assert [line for line in said if line.startswith("📝")] == [
        "📝 1900: <@41>: “passed the check by phone”",
        f"📝 1901, last time (<t:{(NOON - DAY).timestamp():.0f}:R>): <@41>: “passed the check by phone”",
        r"📝 1903: <@41>: “\*new\* card”",
    ]


def test_of_a_storm_it_names_the_gravest_and_counts_the_rest() -> None:
    """What does not fit is told by its number."""
    stands = tuple(ban(token) for token in range(1, 13))
    said = lines(replace(CALM, linked=10_000, usable=100, open=9_900, stands=stands))
    assert said[0] == "🔴 **Daily digest: 100 of 10000 tokens work, 9,900 incidents are open and 12 h used yesterday**"
    assert "… and 9,888 more: `/incidents`" in said


def test_what_ended_is_told_with_the_times_that_it_took() -> None:
    """To acknowledge and to resolve, each from when it fired."""
    one = lines(replace(CALM, ended=tally([over(1900, HOUR, 4 * MINUTE)])))
    assert one[1:3] == [
        "**1 incident ended**, after 1 h · acknowledged after 4 min",
        "✅ **was BANNED, now FAST** (1): 1900 (1 h)",
    ]
    several = [over(1900, HOUR, 4 * MINUTE), over(1901, 2 * HOUR), over(1902, 3 * HOUR, 6 * MINUTE)]
    said = lines(replace(CALM, ended=tally(several)))
    assert said[1] == "**3 incidents ended**, after 2 h in the median · 2 acknowledged after 4 min in the median"
    unanswered = lines(replace(CALM, ended=tally([over(1900, HOUR), over(1901, HOUR)])))
    assert unanswered[1] == "**2 incidents ended**, after 1 h in the median · none acknowledged"


def test_hours_in_which_nothing_was_read_are_named() -> None:
    """Honest where there are no data; and then it is no clear day."""
    night = Gap(NOON - 9 * HOUR, NOON - 4 * HOUR)
    said = lines(replace(CALM, gaps=(night,), blind=5 * HOUR))
    since, until = (f"<t:{each.timestamp():.0f}:f>" for each in (night.since, night.until))
    assert said[0].startswith("⚪ **Daily digest: 9 tokens work")
    assert said[1] == f"⚠️ **Nothing was read** from {since} to {until}: what came and went in that time, nobody saw."


def test_a_bot_that_was_installed_in_between_says_since_when_it_watches() -> None:
    """That is no outage."""
    said = lines(replace(CALM, gaps=(Gap(NOON - DAY, NOON - 2 * HOUR, first=True),)))
    assert said[1] == f"Watching since <t:{(NOON - 2 * HOUR).timestamp():.0f}:f>."


def test_while_imaginepro_is_away_it_says_how_old_the_numbers_are() -> None:
    """And before anything was read, that nothing was."""
    said = lines(replace(CALM, failing=True, read_at=NOON - 2 * HOUR))
    assert said[0] == "⚪ **Daily digest: ImaginePro cannot be read, 9 tokens work and 12 h used yesterday**"
    assert said[1].startswith("⚠️ ImaginePro was last read at <t:")
    nothing = Digest(TODAY, NOON - DAY, NOON, NOON, (TODAY - DAY, TODAY - DAY), failing=True)
    assert lines(nothing)[0] == "⚪ **Daily digest: no token could be read yet**"


def test_one_that_is_late_says_so_and_one_that_covers_days_names_the_first() -> None:
    """After an outage over a weekend."""
    friday = date(2026, 11, 27)
    said = lines(replace(CALM, made_at=NOON + HOUR, days=(friday, TODAY - DAY)))
    assert "12 h used since Fri 27 Nov" in said[0]
    assert said[-1].endswith(f"it was due at <t:{NOON.timestamp():.0f}:t>, while the bot was away")


def test_a_fleet_of_one_reads_like_one() -> None:
    """No list of one, and no sums."""
    said = lines(replace(CALM, linked=1, usable=1, used=40, most=((1900, 40),), users=1, refills=(1900,), refilling=1))
    assert said[:3] == [
        "✅ **All clear: the only token works and 40 min used yesterday**",
        "**Refills today:** 1900",
        "**Used yesterday**: 1900 40 min",
    ]


def test_one_of_several_that_are_switched_off_is_not_the_only_one() -> None:
    """Two are linked, and one is off."""
    assert "All clear: 1 of 1 token works" in lines(replace(CALM, linked=2, off=1, usable=1))[0]


def ahead(token: int, *, dry: timedelta | None = None, spare: float = 0, renews: timedelta = 5 * DAY) -> Ahead:
    """A token whose fast time runs dry in a while, or leaves so many minutes."""
    lasts = Forecast(Verdict.LASTS, NOON, 600, 60, 0.02, renews_at=NOON + renews, spare=spare)
    if dry is None:
        return Ahead(token, lasts)
    end, early, late = (NOON + each * dry for each in (1, 0.9, 1.1))
    ends = Forecast(Verdict.DOES_NOT_LAST, NOON, 600, 114, 0.9, end, early, late, NOON + renews, -90, renews - dry)
    return Ahead(token, ends)


def test_what_will_not_last_is_said_as_on_the_cards_and_who_has_it() -> None:
    """In the words of the forecast, and of its dates in the operator's zone."""
    dry = ahead(1901, dry=2 * DAY)
    said = lines(replace(CALM, short=(dry, replace(ahead(1903, dry=3 * DAY), who=7)), shorts=2))
    zone = ZoneInfo("UTC")
    assert said[:4] == [
        "🟠 **Daily digest: 9 tokens work, 2 tokens do not last until their refill and 12 h used yesterday**",
        "**Will not last** (2)",
        f"1901: {outlook(dry.said, NOON, zone)}",
        f"1903: {outlook(ahead(1903, dry=3 * DAY).said, NOON, zone)} · <@7> has it",
    ]


def test_what_lapses_is_told_with_who_could_use_it() -> None:
    """`use it or lose it`: about the refill of the one, and the end of the other."""
    said = lines(
        replace(
            CALM, short=(ahead(1901, dry=2 * DAY),), shorts=1, lapse=(ahead(1904, spare=540, renews=2 * DAY),), lapses=1
        )
    )
    at = NOON + 2 * DAY
    assert (
        f"**Use it or lose it:** about 9 h of 1904 will lapse on {at:%a} {at.day} {at:%b}. Move work there from 1901."
        in said
    )
    soon, later = ahead(1904, spare=540, renews=HOUR), ahead(1902, spare=50, renews=2 * DAY)
    said = lines(replace(CALM, lapse=(soon,), lapses=1))
    assert said[0].startswith("✅ **All clear"), "it is a hint, and no trouble"
    assert f"**Use it or lose it:** about 9 h of 1904 will lapse at <t:{(NOON + HOUR).timestamp():.0f}:t>." in said
    many = lines(replace(CALM, lapse=(soon, later), lapses=4))
    assert any("9 h of 1904 (<t:" in each and each.endswith("and some of 2 more will lapse.") for each in many)


def test_the_first_line_says_whether_all_last() -> None:
    """And of how many nobody knows; what may not last makes no green."""
    assert lines(replace(CALM, lasting=9))[0].endswith("12 h used yesterday and all last until their refill**")
    some = "8 last until the refill, of the others nobody knows yet**"
    assert lines(replace(CALM, lasting=8))[0].endswith(some)
    unsure = lines(replace(CALM, lasting=7, unsure=(1902, 1903), unsures=2))
    assert unsure[:2] == [
        "🟡 **Daily digest: 9 tokens work, 2 tokens may not last until their refill and 12 h used yesterday**",
        "**May not last:** 1902 and 1903",
    ]


def test_at_its_longest_it_fits_and_harms_nobody() -> None:
    """Every list full, of tokens with the longest ids there are."""
    ids = tuple(range(2**63 - 20, 2**63 - 8))
    stands = tuple(replace(ban(each), detail="@everyone **x**" * 100) for each in ids)
    note = Note(NOON, 2**63 - 1, "*" * 500)
    ended = tuple(replace(over(each, 99 * DAY), notes=(note,)) for each in ids)
    full = replace(
        CALM,
        linked=10**6,
        open=10**6,
        stands=stands,
        last=tuple(Last(each, note) for each in ids),
        ended=Tally(10**6, 10**6, 99 * DAY, 99 * DAY, ended),
        most=tuple((each, 1e9) for each in ids),
        users=10**6,
        refills=ids,
        refilling=10**6,
        failing=True,
        gaps=tuple(Gap(NOON - DAY, NOON) for _ in range(5)),
        short=tuple(replace(ahead(each, dry=2 * DAY), who=2**63 - 1) for each in ids[:5]),
        shorts=10**6,
        unsure=ids[:5],
        unsures=10**6,
        lapse=tuple(ahead(each, spare=1e9) for each in ids[:5]),
        lapses=10**6,
    )
    shown = posted(full)
    assert len(shown.content) <= 2000
    (embed,) = shown.embeds
    assert len(embed.description or "") <= 4096
    assert_harmless(shown.content)
    assert_harmless(embed.description or "")
