"""The short messages beside the cards: what got worse, what is still open, what is over, and what is quiet."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.alerts import Alert, Roles, alert
from bot.chat.alerts.notices import NOTICES
from bot.chat.text import width
from bot.domain.acts import Act, Kind, State
from bot.domain.incidents import End, Happening, Incident, Moment, Reason, Rule
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Fleet, Severity
from bot.domain.rules.table import STATUS_RULES
from bot.domain.runbooks import Book, Remark, Why
from bot.domain.value import replace
from tests.chat.builders import NOON, fleet, incident, message, record, token
from tests.chat.checks import assert_harmless
from tests.chat.test_alerts import FLEET, INCIDENTS

ROLES = Roles(alert=42, escalation=43)
HOUR = timedelta(hours=1)
BAN = incident(Rule.BANNED, severity=Severity.CRITICAL, was=record(), now=record(status="BANNED"))
BAN_OVER = incident(Rule.BANNED, severity=Severity.CRITICAL, was=record(), now=record(), after=HOUR)
CHECK_MOVED_ON = replace(
    incident(Rule.VERIFYING, was=record(), now=record(status="BANNED"), after=HOUR),
    end=End(Reason.BECAME, (Rule.BANNED,)),
)
CHECK = replace(
    incident(Rule.VERIFYING, 1905, severity=Severity.CRITICAL, now=record(1905, "VERIFYING")),
    moments=(Moment(NOON, Happening.FIRED), Moment(NOON + HOUR / 4, Happening.RAISED, severity=Severity.CRITICAL)),
)
TAKEN = replace(BAN, acknowledged=Moment(NOON, Happening.ACKNOWLEDGED, who=7))
BY = Notice(
    NoticeKind.SILENCE_STARTED, NOON, by=7, about="fast time under 20 % of token 1907", until=NOON + HOUR, words="*why*"
)


def notice(  # each argument is a part of the notice that some test varies
    kind: NoticeKind,
    *about: Incident,
    escalated: bool = False,
    known: Fleet = FLEET,
    before: Iterable[Incident] = (),
    quiet: Iterable[Incident] = (),
    to: tuple[int, ...] = (),
) -> Alert:
    keys, old, still = (tuple(each.key for each in some) for some in (about, before, quiet))
    word = replace(BY, kind=kind, keys=keys, before=old, quiet=still, to=to, escalated=escalated)
    return alert(replace(message(*about), notice=word), known, ROLES)


def lines(shown: Alert) -> list[str]:
    """What it says, less its mark."""
    *said, mark = (shown.content or "").splitlines()
    assert mark == "-# ref k3f9-57"
    assert not shown.embeds
    assert shown.view is None
    return said


def mentioned(shown: Alert) -> object:
    return dict(shown.allowed_mentions.to_dict()).get("roles", [])


def test_what_became_critical_mentions_the_role() -> None:
    shown = notice(NoticeKind.RAISED, CHECK)
    assert lines(shown) == ["<@&42> 🔴 **Critical now: Token 1905 has been VERIFYING for over 15 min**"]
    assert mentioned(shown) == [42]
    assert not shown.silent


def test_a_word_about_thousands_looks_at_the_gravest_and_first_at_what_is_open() -> None:
    over = [replace(BAN_OVER, key=replace(BAN_OVER.key, token=number)) for number in range(9_998)]
    shown = notice(NoticeKind.SILENCE_ENDED, *over, CHECK, replace(BAN, severity=Severity.WARNING))
    said = lines(shown)
    assert said[-1] == "These are the 1,000 gravest of 10,000 incidents."
    assert [each for each in said if "(1)" in each] == ["🔴 **VERIFYING** (1): 1905", "🟠 **BANNED** (1): 1900"]
    assert "and 968 more" in said[-2]


def test_several_that_are_still_open_long_after_are_not_said_to_be_so_at_once() -> None:
    assert "**Still open: 2 incidents**" in lines(notice(NoticeKind.REMINDER, BAN, CHECK))[0]


@pytest.mark.parametrize("rule", [Rule.BASELINE, Rule.NEW])
def test_what_only_told_something_is_not_said_to_be_open_once_the_others_of_its_card_are_over(rule: Rule) -> None:
    told = incident(
        rule,
        None if rule is Rule.BASELINE else 1911,
        severity=Severity.INFO,
        now=None if rule is Rule.BASELINE else record(1911),
        after=timedelta(),
    )
    check_over = incident(Rule.VERIFYING, 1905, was=record(1905), now=record(1905), after=HOUR)
    assert lines(notice(NoticeKind.RESOLVED, told, BAN_OVER)) == ["✅ **Token 1900 is FAST again after 1 h**"]
    assert lines(notice(NoticeKind.RESOLVED, told, BAN_OVER, check_over)) == [
        "✅ **2 incidents: all resolved**",
        "✅ **was BANNED, now FAST** (1): 1900 (1 h)",
        "✅ **was VERIFYING, now FAST** (1): 1905 (1 h)",
    ]
    card = alert(message(told, BAN_OVER, check_over), FLEET, ROLES)
    assert "still open" not in f"{card.content} {card.embeds[0].title} {card.embeds[0].description}"


def test_what_became_a_warning_pings_nobody() -> None:
    shown = notice(NoticeKind.RAISED, replace(BAN, severity=Severity.WARNING))
    assert lines(shown) == ["🟠 **Warning now: Token 1900 is BANNED**"]
    assert mentioned(shown) == []


def test_several_that_got_worse_are_named() -> None:
    shown = notice(NoticeKind.RAISED, CHECK, replace(CHECK, key=replace(CHECK.key, token=1906)))
    assert lines(shown) == ["<@&42> 🔴 **Critical now: 2 tokens are VERIFYING**", "🔴 **VERIFYING** (2): 1905, 1906"]


@pytest.mark.parametrize(
    ("about", "words"),
    [
        (BAN_OVER, "✅ **Got worse, now resolved: Token 1900 is FAST again after 1 h**"),
        (CHECK_MOVED_ON, "⚪ **Changed in the meantime: Token 1900: VERIFYING for 1 h, now BANNED**"),
    ],
)
def test_what_got_worse_and_was_over_before_it_was_delivered_pings_nobody(about: Incident, words: str) -> None:
    shown = notice(NoticeKind.RAISED, about)
    assert lines(shown) == [words]
    assert mentioned(shown) == []


def test_what_got_worse_and_was_critical_before_is_not_called_critical_now() -> None:
    life = (
        Moment(NOON, Happening.FIRED, severity=Severity.CRITICAL),
        Moment(NOON + HOUR, Happening.ACKNOWLEDGED, who=7),
        Moment(NOON + 2 * HOUR, Happening.RAISED, severity=Severity.CRITICAL),
    )
    assert lines(notice(NoticeKind.RAISED, replace(BAN, moments=life))) == [
        "<@&42> 🔴 **Worse now: Token 1900 is BANNED**"
    ]


@pytest.mark.parametrize(
    ("escalated", "roles", "words"),
    [(False, [42], "Nobody has it yet."), (True, [42, 43], "Not acknowledged; escalating.")],
)
def test_a_reminder_says_since_when_and_calls_the_second_line_in_time(
    roles: list[int], words: str, *, escalated: bool
) -> None:
    shown = notice(NoticeKind.REMINDER, BAN, escalated=escalated)
    mentions = "".join(f"<@&{role}> " for role in roles)
    assert lines(shown) == [
        f"{mentions}⏰ **Still open: Token 1900 is BANNED**",
        f"{words} It began <t:{int(NOON.timestamp())}:R>. **Acknowledge** stops the reminders.",
    ]
    assert mentioned(shown) == roles


def test_one_role_for_both_is_called_once() -> None:
    word = Notice(NoticeKind.REMINDER, NOON, (BAN.key,), escalated=True)
    shown = alert(replace(message(BAN), notice=word), FLEET, Roles(42, 42))
    assert (shown.content or "").count("<@&42>") == 1


def test_a_reminder_of_what_nobody_could_read_for_a_while_says_from_when_that_is() -> None:
    read_at = NOON - HOUR
    old = f"ImaginePro was last read <t:{int(read_at.timestamp())}:R>: this is as of then."
    assert old in lines(notice(NoticeKind.REMINDER, BAN, known=replace(FLEET, read_at=read_at)))
    away = incident(Rule.UPSTREAM_DOWN, None, severity=Severity.CRITICAL, detail="unreachable: no route")
    assert old not in lines(notice(NoticeKind.REMINDER, away, known=replace(FLEET, read_at=read_at)))


def test_a_reminder_names_only_what_nobody_has() -> None:
    shown = notice(NoticeKind.REMINDER, TAKEN, CHECK)
    assert lines(shown)[0] == "<@&42> ⏰ **Still open: Token 1905 has been VERIFYING for over 15 min**"


@pytest.mark.parametrize(
    ("about", "why"),
    [
        (TAKEN, "✋ **Acknowledged in the meantime: Token 1900 is BANNED**"),
        (BAN_OVER, "✅ **Resolved in the meantime: Token 1900 is FAST again after 1 h**"),
        (CHECK_MOVED_ON, "⚪ **Changed in the meantime: Token 1900: VERIFYING for 1 h, now BANNED**"),
    ],
)
def test_a_reminder_that_comes_too_late_pings_nobody_and_tells_no_good_news_that_is_none(
    about: Incident, why: str
) -> None:
    shown = notice(NoticeKind.REMINDER, about)
    assert lines(shown)[0] == why
    assert mentioned(shown) == []


def test_good_news_is_one_line_that_makes_no_sound() -> None:
    shown = notice(NoticeKind.RESOLVED, BAN_OVER)
    assert lines(shown) == ["✅ **Token 1900 is FAST again after 1 h**"]
    assert shown.silent
    assert mentioned(shown) == []


def test_the_end_of_a_group_says_what_became_of_them() -> None:
    over = [incident(Rule.VERIFYING, n, now=record(n), after=HOUR) for n in range(10)]
    banned = incident(Rule.VERIFYING, 99, now=record(99, "BANNED"), after=HOUR)
    assert lines(notice(NoticeKind.RESOLVED, *over, banned)) == [
        "⚪ **11 tokens were VERIFYING: 10 resolved and 1 now BANNED**",
        f"✅ **was VERIFYING, now FAST** (10): {', '.join(f'{n} (1 h)' for n in range(10))}",
        "⚪ **was VERIFYING, now BANNED** (1): 99 (1 h)",
    ]


def test_a_silence_says_what_it_covers_until_when_by_whom_and_why() -> None:
    until = int((NOON + HOUR).timestamp())
    low = incident(Rule.FAST_TIME_LOW, 1907, step="20%", now=record(1907, fast_time_remaining="18.00/100.0 minutes"))
    assert lines(notice(NoticeKind.SILENCE_STARTED, low)) == [
        "🔕 **Silenced**",
        f"**Fast time under 20 \\% of token 1907** until <t:{until}:f> · by <@7> · “\\*why\\*”",
        "Open, and silenced now:",
        "🟠 **under 20 % fast time** (1): 1907 (18 %)",
    ]


def test_a_silence_without_an_hour_ends_with_what_it_covers_and_says_so() -> None:
    word = Message(7, "k3f9-7", (), 1, notice=replace(BY, until=None, words=""))
    content = alert(word, FLEET, Roles()).content
    assert "until it is resolved · by <@7>" in str(content)


def test_the_end_of_a_silence_says_what_is_open_and_what_came_and_went() -> None:
    before, quiet, over = [
        replace(each, key=replace(BAN.key, token=n)) for n, each in ((5, BAN), (6, BAN), (7, BAN_OVER))
    ]
    shown = notice(NoticeKind.SILENCE_ENDED, BAN, before, quiet, over, before=[before], quiet=[quiet])
    assert lines(shown)[2:] == [
        "New, and open:",
        "🔴 **BANNED** (1): 1900",
        "Open since before:",
        "🔴 **BANNED** (1): 5",
        "Open, and still kept quiet:",
        "🔴 **BANNED** (1): 6",
        "Meanwhile:",
        "✅ **was BANNED, now FAST** (1): 7 (1 h)",
    ]
    for kind, words in [
        (NoticeKind.SILENCE_ENDED, "Nothing of it is left open."),
        (NoticeKind.MAINTENANCE_ENDED, "Nothing is left open."),
    ]:
        assert lines(notice(kind))[2:] == [words]
        assert words not in lines(notice(kind, quiet, quiet=[quiet]))


@pytest.mark.parametrize("kind", [NoticeKind.SILENCE_ENDED, NoticeKind.MAINTENANCE_ENDED])
def test_the_end_of_a_quiet_pages_only_for_what_is_critical_was_told_before_and_nobody_has(kind: NoticeKind) -> None:
    shown = notice(kind, BAN, before=[BAN])
    assert lines(shown)[0].startswith("<@&42> ")
    assert mentioned(shown) == [42]
    assert not shown.silent
    warning = replace(BAN, severity=Severity.WARNING)
    for calm in [
        notice(kind, BAN),
        notice(kind, BAN, quiet=[BAN]),
        notice(kind, TAKEN, before=[TAKEN]),
        notice(kind, BAN_OVER, before=[BAN_OVER]),
        notice(kind, warning, before=[warning]),
    ]:
        assert mentioned(calm) == []
        assert calm.silent


@pytest.mark.parametrize("kind", [NoticeKind.SILENCE_STARTED, NoticeKind.MAINTENANCE_STARTED])
def test_the_beginning_of_a_quiet_makes_no_sound(kind: NoticeKind) -> None:
    assert notice(kind, BAN).silent


def test_who_is_given_an_incident_is_called_by_name() -> None:
    given = replace(BAN, acknowledged=Moment(NOON, Happening.ACKNOWLEDGED, who=8, by=7))
    shown = notice(NoticeKind.HANDED_OVER, given, to=(8,))
    assert lines(shown) == [
        "<@8> 🤝 **Token 1900 is BANNED**",
        "Handed over to <@8> by <@7>. No reminders unless it gets worse.",
    ]
    assert dict(shown.allowed_mentions.to_dict())["users"] == [8]
    assert mentioned(shown) == []
    assert not shown.silent


@pytest.mark.parametrize("since", [TAKEN, BAN_OVER, BAN])
def test_who_has_it_no_more_when_the_word_comes_is_not_called(since: Incident) -> None:
    shown = notice(NoticeKind.HANDED_OVER, since, to=(8,))
    assert dict(shown.allowed_mentions.to_dict()).get("users", []) == []


def test_maintenance_says_that_it_begins_and_at_its_end_what_is_different() -> None:
    assert lines(notice(NoticeKind.MAINTENANCE_STARTED))[2:] == [
        "Polling goes on. Whatever has changed is posted when it ends."
    ]
    new = incident(Rule.NEW, 8, severity=Severity.INFO, now=record(8), after=timedelta())
    assert lines(notice(NoticeKind.MAINTENANCE_ENDED, BAN, new))[2:] == [
        "New, and open:",
        "🔴 **BANNED** (1): 1900",
        "Meanwhile:",
        "🆕 **new** (1): 8",
    ]


def test_what_became_of_acts_is_a_line_without_a_sound_that_calls_nobody() -> None:
    done = Act("a1", Kind.TOGGLE, "off", NOON, 1900, by=41, reason="*sold*", state=State.DONE)
    by_itself = replace(done, by=0, runbook="switch off when banned", reason="")
    refused = replace(done, id="a2", token=1901, reason="", state=State.NOT_DONE, why="ImaginePro refused it (403)")
    unknown = replace(
        done, token=1902, reason="", state=State.UNKNOWN, why="no answer, and 30 s later 1902 was still on"
    )
    late = replace(unknown, seen_at=NOON)
    for acts, said in (
        ((done,), [r"🔧 **1900 was switched off by <@41>: \*sold\***"]),
        ((by_itself,), ["🔧 **1900 was switched off by the bot: runbook switch off when banned**"]),
        (
            (unknown,),
            [
                (
                    r"❔ **It is not known whether 1902 was switched off, as <@41> asked: "
                    r"no answer\, and 30 s later 1902 was still on**"
                )
            ],
        ),
        (
            (late,),
            [
                (
                    "🔧 **1902 was switched off after all: <@41> asked for it <t:1767268800:R>, "
                    "and it seemed not to have happened**"
                )
            ],
        ),
        (
            (done, replace(done, id="a3", token=1903), refused),
            [
                r"✖️ **1901 could not be switched off, as <@41> asked: ImaginePro refused it \(403\)**",
                r"1900 and 1903 were switched off by <@41>: \*sold\*",
            ],
        ),
    ):
        word = Notice(NoticeKind.ACT, NOON, acts=acts)
        shown = alert(Message(57, "k3f9-57", (), 1, notice=word), FLEET, ROLES)
        assert lines(shown) == said
        assert shown.silent
        assert (shown.allowed_mentions.users, shown.allowed_mentions.roles) == (False, False)


def test_a_silence_of_nobody_and_without_a_reason_says_neither() -> None:
    word = Notice(NoticeKind.MAINTENANCE_STARTED, NOON)
    shown = alert(Message(57, "k3f9-57", (), 1, notice=word), FLEET, ROLES)
    assert lines(shown)[1:] == ["Polling goes on. Whatever has changed is posted when it ends."]


def test_a_thousand_that_are_open_are_counted_where_they_cannot_be_named() -> None:
    many = [incident(Rule.VERIFYING, n, now=record(n, "VERIFYING")) for n in range(1000)]
    shown = notice(NoticeKind.SILENCE_ENDED, *many, known=fleet(token()))
    assert "**VERIFYING** (1000): 0, 1, 2" in (shown.content or "")
    assert (shown.content or "").splitlines()[-2].endswith("28, 29 and 970 more")


def test_rules_that_cannot_all_be_named_are_all_counted() -> None:
    rules = [*sorted(STATUS_RULES), Rule.FAST_TIME_GONE, Rule.INACTIVE, Rule.SUBSCRIPTION]
    many = [incident(rule, 10**17 + n, now=record(10**17 + n)) for rule in rules for n in range(25)]
    assert len(rules) == 7
    shown = lines(notice(NoticeKind.SILENCE_ENDED, *many))[3:]
    assert len(shown) == len(rules)
    assert all(line.endswith("** (25)") for line in shown)


@given(
    st.sampled_from(list(NOTICES)), st.lists(INCIDENTS, max_size=20), st.text(), st.text(), st.none() | st.integers(1)
)
def test_every_notice_fits_and_is_harmless_whatever_anybody_writes(
    kind: NoticeKind, about: list[Incident], why: str, what: str, by: int | None
) -> None:
    acts = tuple(
        Act(f"a{place}", each, what, NOON, job=why, by=by or 0, reason=why, why=what, state=list(State)[place % 5])
        for place, each in enumerate(Kind)
    )
    remarks = (Remark(Book.SWITCH_OFF, Why.FAILED, "off", 1900, 2), Remark(Book.QUEUE, Why.STOPPED))[: by or 0]
    word = Notice(kind, NOON, words=why, about=what, by=by, escalated=True, acts=acts if by else (), remarks=remarks)
    shown = alert(replace(message(*about), notice=word), FLEET, ROLES)
    text = shown.content or ""
    assert width(text) <= 2000
    assert_harmless(text)
    assert text.endswith("-# ref k3f9-57")


def test_what_several_did_while_discord_was_away_is_told_of_each_in_the_order_of_time() -> None:
    asked = (("off", 7), ("on", 7), ("off", 8))
    acts = [
        Act(f"a{place}", Kind.TOGGLE, wanted, NOON, token=1900, by=by, state=State.DONE)
        for place, (wanted, by) in enumerate(asked)
    ]
    acts.append(replace(acts[0], id="a3", token=1901))
    assert lines(alert(replace(message(), notice=Notice(NoticeKind.ACT, NOON, acts=tuple(acts))), FLEET, ROLES)) == [
        "🔧 **1900 and 1901 were switched off by <@7>**",
        "1900 was switched on by <@7>",
        "1900 was switched off by <@8>",
    ]


def test_what_runbooks_left_to_people_while_discord_was_away_is_a_line_for_each() -> None:
    remarks = [Remark(Book.SWITCH_OFF, Why.FLAPS, "off", each, 3) for each in (1900, 1901)]
    assert lines(
        alert(replace(message(), notice=Notice(NoticeKind.RUNBOOK, NOON, remarks=(*remarks,))), FLEET, ROLES)
    ) == [
        "✋ **Runbooks need a person: `/runbook list`**",
        "Runbook *switch off when banned* leaves 1900 alone.",
        "Runbook *switch off when banned* leaves 1901 alone.",
    ]


@pytest.mark.parametrize(
    ("remark", "said"),
    [
        (
            Remark(Book.SWITCH_OFF, Why.STOPPED, "off", times=6),
            [
                "✋ **Runbook *switch off when banned* has stopped**",
                "It acted 6 times within an hour, which is all it may, and would have gone on.",
                "What it did, it still takes back. See what is wrong; then `/runbook set` lets it go on.",
            ],
        ),
        (
            Remark(Book.SPEED, Why.FLAPS, "relax", 1900, 3),
            [
                "✋ **Runbook *relax and fast* leaves 1900 alone**",
                "It would switch 1900 to relax once more, and did so 3 times within a day.",
                "Until that is a day ago, this is for you.",
            ],
        ),
        (
            Remark(Book.QUEUE, Why.FAILED, "resume", None, 2),
            [
                "✋ **The queue could not be resumed**",
                "Runbook *pause the queue* tried twice, and leaves it to you now.",
            ],
        ),
        (
            Remark(Book.SWITCH_ON, Why.FAILED, "on", 1900, 1, dry=True),
            [
                "✋ **1900 could not be switched on**",
                "Runbook *switch on again* tried once, and leaves it to you now.",
                "This was a dry run: nothing was sent.",
            ],
        ),
    ],
    ids=["stopped", "flaps", "failed", "dry"],
)
def test_a_runbook_says_aloud_what_it_leaves_to_people(remark: Remark, said: list[str]) -> None:
    shown = alert(replace(message(), notice=Notice(NoticeKind.RUNBOOK, NOON, remarks=(remark,))), FLEET, ROLES)
    assert lines(shown) == said
    assert not shown.silent
