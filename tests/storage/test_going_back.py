"""What an older version finds in a database, which a deploy may leave in the lead, or to which somebody goes back.

It can read no rule and no level of fast time that it does not know; and what it cannot read would end it.
"""

import re
from typing import Final

import msgspec
import sqlalchemy as sa

from bot.chat.alerts.story import stories
from bot.domain.acts import Act, Kind, State
from bot.domain.decisions import Decision
from bot.domain.groups import Group, OneGroup
from bot.domain.incidents import AHEAD, ANYBODY, Happening, Incident, Key, Moment, Rule, Stage, noted
from bot.domain.messages import Notice, NoticeKind
from bot.domain.model import Fleet, Severity
from bot.domain.refusal import REFUSALS
from bot.domain.rules.account import CREDITS, PLAN
from bot.domain.rules.table import PLAN_RULES
from bot.domain.runbooks import Book, Does, Move, Remark, Runbook, Trail, Why
from bot.domain.steering import Covered, Scope, Setting, Silence, Window
from bot.domain.value import replace
from bot.domain.watch.known import Changes
from bot.storage.schema import decisions, incidents, messages
from bot.storage.store import Store
from tests.domain.test_ahead import sprint, watched
from tests.storage.test_testing import BEFORE as RULES
from tests.storage.values import NOW, claim, incident, minutes

KINDS: Final = ("silence", "window", "setting")
"""Of decisions; it passes over any other."""
BEFORE: Final = (*KINDS, *(f"later {kind}" for kind in KINDS))
"""Those that the version right before this one reads, which knows what is to come."""

LEVEL: Final = re.compile(r"gone|\d{1,3}(?:\.\d{1,6})?%|\d{1,6}(?:ms|s|m|h|d)", re.ASCII)
"""A level of fast time."""

ACT: Final = Act(
    "a1", Kind.TOGGLE, "off", NOW, token=1900, by=41, state=State.DONE, keys=(Key(Rule.DOES_NOT_LAST, 1900),)
)
OTHER_STEPS: Final = {"credits", "plan"}
"""Of the keys by which it knows what is about the plan."""

REMARK: Final = Remark(Book.SWITCH_OFF, Why.STOPPED, "off", times=3)
STUDIO, OF_STUDIO = Group("studio", ((1900, 1906),), 7), Key(Rule.POOL, step=ANYBODY).of_group("studio")
DRY, BURNING, LOW = Key(Rule.DOES_NOT_LAST, 1900), Key(Rule.BURNING_FAST, 1901), Key(Rule.FAST_TIME_LOW, 1902)


def found(key: Key, detail: str = "", stage: Stage = Stage.FIRING) -> Incident:
    """An incident of a token."""
    made = incident(key.token, key.rule, severity=Severity.WARNING, stage=stage)
    return replace(made, key=key, detail=detail, now=made.was)


def placed(incident: Incident) -> tuple[int, Rule]:
    """Sort by this."""
    return incident.key.token or 0, incident.key.rule


async def everything(store: Store) -> tuple[tuple[Incident, ...], tuple[Decision, ...]]:
    """Store something of each kind that names what came later."""
    found_ = (
        noted(found(DRY), Moment(NOW, Happening.ACTED, who=41, act="switched off")),
        found(BURNING),
        found(LOW, "eta 12h"),
        found(Key(Rule.FAST_TIME_LOW, 1903), "eta 90m"),
        found(Key(Rule.FAST_TIME_LOW, 1904), "20%"),
        found(Key(Rule.DOES_NOT_LAST, 1905), stage=Stage.PENDING),
        found(CREDITS, "120 of 1600, 0 extra, 10%"),
        found(PLAN, "2026-12-07T14:30:00+00:00"),
        replace(found(OF_STUDIO, "1 of 3, 2"), severity=Severity.CRITICAL),
    )
    decided: tuple[Decision, ...] = (
        Setting(Rule.BANNED, enabled=False),
        Setting(Rule.DOES_NOT_LAST, threshold="90%"),
        Setting(Rule.BURNING_FAST, 1901, enabled=False),
        Setting(Rule.CREDITS_LOW, threshold="500"),
        Setting(Rule.FAST_TIME_LOW, 1902, threshold="20%,eta 12h"),
        Setting(Rule.FAST_TIME_LOW, threshold="20%"),
        Silence("s1", Scope(Rule.DOES_NOT_LAST), NOW, None, by=7),
        Silence("s4", Scope(Rule.PLAN_EXPIRES), NOW, None, by=7),
        Silence("s2", Scope(token=1900), NOW, None, by=7, covered=(*map(Covered.of, found_),)),
        Silence("s3", Scope(), NOW, NOW + minutes(60), by=7, suppressed=(DRY, Key(Rule.BANNED, 1))),
        Window("w1", NOW, minutes(60), weekly=False, zone="UTC", by=7, suppressed=(BURNING,)),
        Runbook(Book.SWITCH_OFF, NOW, 7, Does.ON, minutes(10), 3, stopped_at=NOW),
        Trail(Kind.TOGGLE, 1900, NOW, (Move(NOW, Book.SWITCH_OFF, "off", "a1"),), NOW, Why.FAILED),
        Trail(Kind.QUEUE, moves=(Move(NOW, Book.QUEUE, "pause"),)),
        STUDIO,
        OneGroup(555, "studio", 7),
        Silence("s5", Scope(group=STUDIO), NOW, NOW + minutes(60), by=7),
        Setting(Rule.POOL, threshold="2", group=STUDIO),
    )
    keys = tuple(each.key for each in found_)
    notices = (
        Notice(NoticeKind.RAISED, NOW, (DRY,)),
        Notice(NoticeKind.SILENCE_ENDED, NOW, keys, before=(DRY,), quiet=(BURNING,)),
        Notice(NoticeKind.ACT, NOW, (DRY,), acts=(ACT,)),
        Notice(NoticeKind.RUNBOOK, NOW, (DRY,), remarks=(REMARK,)),
    )
    told = frozenset(each.key for each in found_ if each.open)
    changes = Changes(NOW, incidents=found_, notify=told, notices=notices, decided=decided, acts=(ACT,))
    await store.save(changes, NOW)
    return found_, decided


async def test_everything_comes_back_as_it_was(store: Store) -> None:
    found_, decided = await everything(store)
    memory = await store.load()
    assert sorted(memory.incidents.values(), key=placed) == sorted(found_, key=placed)
    assert sorted(memory.decisions, key=lambda each: each.id) == sorted(decided, key=lambda each: each.id)
    shown = []
    while (message := await claim(store, NOW)) is not None:
        shown.append(message)
    assert {each.key for message in shown for each in message.incidents} == {each.key for each in found_ if each.open}
    (ended,) = (each.notice for each in shown if each.notice and each.notice.kind is NoticeKind.SILENCE_ENDED)
    assert (ended.before, ended.quiet) == ((DRY,), (BURNING,))
    (acted,) = (each.notice for each in shown if each.notice and each.notice.acts)
    assert (acted.kind, acted.keys, acted.acts, memory.acts) == (NoticeKind.ACT, (DRY,), (ACT,), (ACT,))
    (said,) = (each.notice for each in shown if each.notice and each.notice.remarks)
    assert (said.kind, said.keys, said.remarks) == (NoticeKind.RUNBOOK, (DRY,), (REMARK,))


async def test_an_older_version_can_read_all_of_it_that_it_looks_at(store: Store) -> None:
    await everything(store)

    def texts(connection: sa.Connection) -> tuple[list[str], list[str]]:
        def raw(column: sa.Column[object]) -> sa.TypeCoerce[str]:
            return sa.type_coerce(column, sa.Text)

        rows = [
            *connection.scalars(sa.select(raw(incidents.c.incident))),
            *connection.scalars(sa.select(raw(messages.c.notice)).where(messages.c.notice.is_not(None))),
            *connection.scalars(sa.select(raw(decisions.c.decision)).where(decisions.c.kind.in_(KINDS))),
        ]
        return rows, list(connection.scalars(sa.select(incidents.c.id)))

    rows, ids = await store.database.read(texts)
    named = [rule for row in rows for rule in re.findall(r'"rule":"(\w+)"', row)]
    named += [each.partition(":")[0] for each in ids]
    assert len(named) > len(ids)
    assert set(named) <= set(RULES)
    kinds = {kind for row in rows for kind in re.findall(r'^{"kind":"(\w+)"', row)}
    assert kinds == {"silence_ended", "resolved"}
    happenings = {what for row in rows for what in re.findall(r'"what":"(\w+)"', row)}
    assert happenings == {"fired"}
    levels = [
        level
        for row in rows
        if '"rule":"fast_time_low"' in row
        for level in re.findall(r'"(?:detail|step|level|threshold)":"([^"]+)"', row)
        if level not in {"as seen", OF_STUDIO.step, *OTHER_STEPS}
    ]
    assert len(levels) >= 6
    for level in levels:
        assert all(LEVEL.fullmatch(part) for part in level.split(",")), level


async def test_it_passes_over_no_decision_that_it_could_read(store: Store) -> None:
    _, decided = await everything(store)
    kinds = sa.select(decisions.c.id, decisions.c.kind)
    rows = dict(await store.database.read(lambda connection: [(row.id, row.kind) for row in connection.execute(kinds)]))
    later = {name for name, kind in rows.items() if kind not in KINDS}
    assert rows.keys() == {each.id for each in decided}
    runbooks = {"runbook-switch_off_when_banned", "trail-toggle-1900", "trail-queue"}
    for_before = {name for name, kind in rows.items() if kind not in BEFORE}
    groups = {"group-studio", "board-555", "s5", "pool:group-studio"}
    assert for_before == runbooks | groups | {"s4", "credits_low:"}
    assert later == runbooks | groups | {
        "s1",
        "s4",
        "does_not_last:",
        "burning_fast:1901",
        "fast_time_low:1902",
        "credits_low:",
    }


async def test_a_decision_that_names_it_no_more_can_be_read_again(store: Store) -> None:
    await everything(store)
    plain = Setting(Rule.FAST_TIME_LOW, 1902, threshold="20%")
    await store.save(Changes(NOW, decided=(plain,)), NOW)
    kind = sa.select(decisions.c.kind).where(decisions.c.id == plain.id)
    assert await store.database.read(lambda connection: connection.scalar(kind)) == "setting"


async def test_of_credits_and_the_plan_it_says_that_imaginepro_asks_for_payment(store: Store) -> None:
    """So much is true of both; and no answer of ImaginePro's, which it takes for the end of a refusal, ends them."""
    await everything(store)
    refused = sa.select(sa.type_coerce(incidents.c.incident, sa.Text)).where(
        incidents.c.id.startswith("upstream_refused:")
    )
    rows = await store.database.read(lambda connection: list(connection.scalars(refused)))
    stored = [msgspec.json.decode(row, type=Incident) for row in rows]
    assert {each.key.step for each in stored} == {"credits", "plan"}
    for each in stored:
        (shown,) = stories([each], Fleet())
        assert shown.refused == REFUSALS[402].headline


def test_what_is_to_come_has_no_detail_which_an_older_version_would_read_as_a_level() -> None:
    sky = watched()
    sky.live(3 * 24, 100)
    sprint(sky, 80, 20)
    details = {each.key.rule: each.detail for each in sky.known.incidents.values()}
    assert [details[rule] for rule in sorted(AHEAD)] == ["", ""]


def test_the_rules_that_came_later_are_those_that_no_older_version_has() -> None:
    assert set(RULES) | AHEAD | PLAN_RULES | {Rule.TEST} == set(Rule)


async def test_an_older_version_reminds_nobody_of_a_group_that_is_short(store: Store) -> None:
    """No poll of its own ends what it knows nothing of: so that is a warning there, and as grave as it was here."""
    await everything(store)
    raw = sa.select(sa.type_coerce(incidents.c.incident, sa.Text)).where(incidents.c.id.startswith("pool:"))
    (text,) = await store.database.read(lambda connection: list(connection.scalars(raw)))
    assert '"severity":"warning"' in text
    assert '"step":"usable of studio"' in text
    known = (await store.load()).incidents[OF_STUDIO]
    assert (known.severity, known.origin) == (Severity.CRITICAL, "")
