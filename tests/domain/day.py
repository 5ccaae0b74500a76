"""A day of a small fleet in which every rule fires and clears, as the channel reads it.

After a change that is meant, write the picture of it anew and review what became of it:

    python -m tests.domain.day > tests/domain/day.txt
"""

import asyncio
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.chat.alerts.message import Alert, Roles, alert
from bot.domain import runbooks, sums
from bot.domain.account import Account
from bot.domain.acts import Act, Kind, State, infinitive
from bot.domain.digest import Told, cover, tally
from bot.domain.incidents import Incident, Key, Rule
from bot.domain.info import threshold
from bot.domain.messages import Message, Notice, NoticeKind
from bot.domain.model import Failure, Reading, Record, Trouble
from bot.domain.naming import name_of
from bot.domain.report import Every, period
from bot.domain.rules.policy import Policy
from bot.domain.runbooks import Book, Does, Runbook
from bot.domain.steering import Entry, Scope, Setting, Silence, Window
from bot.domain.value import replace
from bot.domain.watch import account as accounts
from bot.domain.watch import ahead, daily, testing
from bot.domain.watch.acting import planned, settled
from bot.domain.watch.known import Changes, Known
from bot.domain.watch.poll import advance_failure
from bot.domain.watch.response import acknowledge, decide, hand_back, hand_over, undo
from bot.domain.watch.running import run
from bot.domain.watch.schedule import tick
from tests.domain.fleets import record, taken, tokens

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)
ANA, BEN = 41, 42
PEOPLE = {ANA: "ana", BEN: "ben", 7: "operators", 8: "second-line"}
POLICY = Policy((threshold("20%"), threshold("5%")), interval=timedelta(minutes=1))
FULL = "15.00/15.0 hours (100.00%)"
USUAL = "Active monthly, renews next on <t:1797000000>"
FLEET = range(1900, 1906)


def share(percent: float) -> str:
    """Fast time as Midjourney prints it."""
    return f"{15 * percent / 100:.2f}/15.0 hours ({percent:.2f}%)"


def clock(text: str) -> datetime:
    """`14:30`, on that day."""
    hours, minutes = text.split(":")
    return MIDNIGHT + timedelta(hours=int(hours), minutes=int(minutes))


@dataclass
class Day:
    """The world outside, what the bot knows of it, and what stands in the channel."""

    now: datetime = MIDNIGHT
    fleet: dict[int, Record] = field(default_factory=dict)
    listed: frozenset[int] | None = None
    """The only ones that the list names; None for all."""
    trouble: Trouble | None = None
    hangs: bool = False
    """Looks do not end."""
    known: Known = field(default_factory=Known)
    cards: dict[Key, Message] = field(default_factory=dict)
    latest: dict[Key, Incident] = field(default_factory=dict)
    """Of each key, as it was last."""
    posted: list[tuple[Message, Alert]] = field(default_factory=list)
    """Every message as it was posted or edited."""
    new: list[tuple[int, datetime]] = field(default_factory=list)
    """The number and the time of each that was posted."""
    lines: list[str] = field(default_factory=list)
    read: list[datetime] = field(default_factory=list)
    """When the fleet was read."""

    def token(self, *ids: int, status: str = "FAST", fast: str = FULL, terms: str = USUAL, **more: str) -> None:
        """These accounts are like this from now on."""
        plan = {1905: "Basic"}
        for each in ids:
            self.fleet[each] = record(each, status, fast, plan.get(each, "Standard"), terms=terms, **more)  # type: ignore[arg-type] # the rest are texts

    def off(self, token_id: int) -> None:
        """This account is switched off."""
        self.fleet[token_id] = record(token_id, fast=FULL, active=False)

    def unlink(self, token_id: int) -> None:
        """This account is taken from the list."""
        del self.fleet[token_id]

    def lists(self, *ids: int) -> None:
        """The list names only these from now on; without any, all of them."""
        self.listed = frozenset(ids) or None

    def upstream(self, trouble: Trouble | None = None, *, hangs: bool = False) -> None:
        """How ImaginePro answers from now on."""
        self.trouble, self.hangs = trouble, hangs

    def plan(self, credits_: int, ends: str) -> None:
        """The account at ImaginePro is read, and says this."""
        account = Account("DIY", 1600, credits_, 0, datetime.fromisoformat(f"{ends}T12:00:00Z"))
        self.hear(*accounts.settle(self.known, account, self.now, POLICY))

    def acknowledge(self, rule: Rule, token: int | None, by: int = ANA) -> None:
        """Somebody presses the button."""
        self._does(by, f"acknowledges {name(Key(rule, token))}")
        self.hear(*acknowledge(self.known, [Key(rule, token)], by, self.now))

    def test(self, by: int) -> None:
        """Somebody wants to know whether a page reaches anybody."""
        self._does(by, "asks for a test page")
        self.hear(*testing.begin(self.known, by, self.now))

    def hand_over(self, rule: Rule, token: int | None, by: int, to: int) -> None:
        """Somebody gives an incident to another."""
        self._does(by, f"hands {name(Key(rule, token))} over to {PEOPLE[to]}")
        self.hear(*hand_over(self.known, [Key(rule, token)], to, by, self.now))

    def release(self, rule: Rule, token: int | None, by: int) -> None:
        """Somebody takes an acknowledgement back."""
        self._does(by, f"releases {name(Key(rule, token))}")
        self.hear(*hand_back(self.known, [Key(rule, token)], by, self.now))

    def act(self, kind: Kind, wanted: str, token: int, rule: Rule, state: State, why: str = "") -> None:
        """Somebody does something at ImaginePro from a card, or tries."""
        act = Act("a1", kind, wanted, self.now, token, by=ANA, keys=(Key(rule, token),))
        self._does(ANA, f"is about to {infinitive(act)}")
        self.hear(*planned(self.known, [act], self.now))
        self.hear(*settled(self.known, [replace(act, state=state, why=why)], self.now))

    def runbook(self, book: Book, does: Does, an_hour: int = 1) -> None:
        """Somebody sets what the bot may do by itself."""
        self._does(ANA, f"sets runbook {runbooks.name(book)}: {does}")
        setting = Runbook(book, self.now, ANA, does, timedelta(minutes=10), an_hour)
        self.hear(*decide(self.known, setting, self._entry(name_of(setting))))

    def work(self) -> None:
        """The bot does what it may by itself, and ImaginePro does as it is told."""
        changes, after, acts = run(self.known, self.now, POLICY, lambda: f"a{self.now:%H%M}")
        self.hear(changes, after)
        for act in acts:
            self.lines.append(f"{self.now:%H:%M} the bot is about to {infinitive(act)}")
            begun = replace(act, state=State.BEGUN, begun_at=self.now)
            self.hear(*planned(self.known, [begun], self.now))
            self.hear(*settled(self.known, [replace(begun, state=State.DONE, settled_at=self.now)], self.now))
            assert act.token is not None
            self.fleet[act.token] = replace(self.fleet[act.token], active=act.wanted == "on")

    def silence(self, scope: Scope, until: str | None, why: str = "") -> None:
        """Somebody silences something."""
        silence = Silence("s1", scope, self.now, clock(until) if until else None, ANA, why)
        self._does(ANA, f"silences {name_of(silence)} until {until or 'it is over'}")
        self.hear(*decide(self.known, silence, self._entry(name_of(silence))))

    def maintenance(self, start: str, hours: float) -> None:
        """Somebody plans a window."""
        window = Window(
            "w1", clock(start), timedelta(hours=hours), weekly=False, zone="UTC", by=BEN, reason="new proxies"
        )
        self._does(BEN, f"plans maintenance at {start} for {hours} h")
        self.hear(*decide(self.known, window, self._entry("w1")))

    def set(self, rule: Rule, token: int | None = None, *, on: bool | None = None, level: str | None = None) -> None:
        """Somebody sets a rule."""
        what = "off" if on is False else "on" if on else level
        self._does(ANA, f"sets {name(Key(rule, token))}: {what}")
        self.hear(*decide(self.known, Setting(rule, token, enabled=on, threshold=level), self._entry(rule)))

    def reset(self, rule: Rule, token: int | None = None) -> None:
        """Somebody takes a setting back."""
        self._does(ANA, f"resets {name(Key(rule, token))}")
        self.hear(*undo(self.known, Setting(rule, token), self._entry(rule)))

    def minute(self) -> None:
        """The time goes on, and the bot looks."""
        self.now += timedelta(minutes=1)
        self.hear(*tick(self.known, self.now, POLICY))

    def poll(self) -> None:
        """The bot reads the fleet, unless that hangs."""
        if self.trouble is not None:
            self.hear(*advance_failure(self.known, Failure(self.trouble, "as seen from here", self.now), POLICY))
        elif not self.hangs:
            sent = [each for each in self.fleet.values() if self.listed is None or each.id in self.listed]
            self.hear(*taken(self.known, Reading(tokens(sent), self.now), POLICY))
            self.read.append(self.now)

    def look(self) -> None:
        """The bot looks ahead."""
        looked = ahead.due(self.known, self.now, POLICY)
        found = ahead.seen(self.known, looked.all, looked.fresh, self.now, POLICY)
        self.hear(*ahead.settle(self.known, looked, found, self.now, POLICY))

    def digest(self) -> None:
        """The time of the daily digest comes."""
        today = self.now.date()
        about = cover(today, self.now.time(), UTC, Told(today - timedelta(days=1)), 35)
        self.hear(*daily.tell(self.known, about, self.now, tally(self.latest.values()), self.read))

    def report(self) -> None:
        """The time of the report comes: of the week so far, as that is all there is."""
        facts = [found for each in self.latest.values() if (found := sums.fact_of(each, None))]
        made = sums.report(facts, period(Every.WEEK, self.now.date(), UTC, self.now), self.now, UTC)
        word = Notice(NoticeKind.REPORT, self.now, report=sums.brief(made))
        self.hear(Changes(None, notices=(word,)), self.known)

    def hear(self, changes: Changes, after: Known) -> None:
        """Post and edit as the outbox does: incidents of one rule that fire at once share a message."""
        self.known = after
        self.latest |= {incident.key: incident for incident in changes.incidents}
        news: dict[Rule, list[Incident]] = defaultdict(list)
        edited: dict[int, Message] = {}
        before = self.cards
        for incident in changes.incidents:
            if incident.key not in changes.notify:
                continue
            card = before.get(incident.key)
            if card is None:
                news[incident.key.rule].append(incident)
            else:
                shown = edited.get(card.id, card)
                others = tuple(incident if each.key == incident.key else each for each in shown.incidents)
                edited[card.id] = self._message(card.id, others)
        if Rule.BASELINE in news:  # the first summary is made of all that it sums up
            news = {Rule.BASELINE: [each for fired in news.values() for each in fired]}
        for fired in news.values():
            self._post("posts", self._message(len(self.posted) + 1, tuple(fired)))
        for message in edited.values():
            self._post("edits", message)
        for notice in self._in_one(answers(changes.notices, edited.values()), before):
            incidents = tuple(self.latest[key] for key in notice.keys)
            self._post("says", Message(0, "m", incidents, 1, notice=notice))

    def _in_one(self, notices: Iterable[Notice], cards: Mapping[Key, Message]) -> Iterator[Notice]:
        """All ends are one notice, which leaves out the cards that are in sight; then come the others."""
        ends: list[Key] = []
        for notice in notices:
            if notice.kind is not NoticeKind.RESOLVED:
                yield notice
            elif self._is_far(cards[notice.keys[0]]):
                ends += notice.keys
        if ends:
            yield Notice(NoticeKind.RESOLVED, self.now, tuple(ends))

    def _is_far(self, card: Message) -> bool:
        """Whether it was posted more than 10 minutes ago, or more than five others since."""
        below = [number for number, _ in self.new if number > card.id]
        posted = next(at for number, at in self.new if number == card.id)
        return self.now - posted > timedelta(minutes=10) or len(below) > 5

    def _message(self, number: int, incidents: tuple[Incident, ...]) -> Message:
        return Message(number, "m", incidents, 1, summary=len(incidents) > 1)

    def _post(self, how: str, message: Message) -> None:
        shown = alert(message, self.known.fleet, Roles(7, 8), troubled=self.known.troubled)
        if how != "edits":
            self.new.append((message.id or len(self.posted) + 1, self.now))
        self.posted.append((message, shown))
        if message.notice is None:
            self.cards |= {each.key: message for each in message.incidents}
            self.cards = {key: card for key, card in self.cards.items() if key in self.known.incidents}
        quiet = " silently" if shown.silent and how != "edits" else ""
        first, *rest = read_aloud(shown)
        if how == "edits":  # what stands between the headline and the timeline was there before
            rest = rest[-1:]
        self.lines += [f"{self.now:%H:%M} {how + quiet:<14} {first}", *(f"{'':21}{each}" for each in rest)]

    def _does(self, who: int, what: str) -> None:
        self.lines.append(f"{self.now:%H:%M} @{PEOPLE[who]} {what}")

    def _entry(self, what: str) -> Entry:
        return Entry(self.now, ANA, "by command", what)


def answers(notices: Iterable[Notice], cards: Iterable[Message]) -> list[Notice]:
    """One answer for all incidents of a card; to their end only when all of it is over."""
    said = {notice.keys: notice for notice in notices}
    for card in (each for each in cards if each.summary):
        keys = tuple(each.key for each in card.incidents)
        alone = [notice for key in keys if (notice := said.pop((key,), None))]
        if alone and (alone[0].kind is not NoticeKind.RESOLVED or not any(each.open for each in card.incidents)):
            over = alone[0].kind is NoticeKind.RESOLVED
            said[keys] = replace(alone[0], keys=keys if over else tuple(key for each in alone for key in each.keys))
    return list(said.values())


def name(key: Key) -> str:
    """A key in a few words."""
    return " ".join(filter(None, [key.rule.replace("_", " "), "" if key.token is None else str(key.token)]))


def read_aloud(shown: Alert) -> Iterator[str]:
    """A message, line by line, with its times and people as the reader's Discord shows them."""
    texts = [shown.content, *(text for embed in shown.embeds for text in (embed.title, embed.description))]
    for text in texts:
        for line in (text or "").splitlines():
            if line.strip("\u200b \u3164") and not line.startswith("-# "):
                yield re.sub(r"<@&?(\d+)>", _person, re.sub(r"<t:(\d+)(?::\w)?>", _time, line))


def _time(match: re.Match[str]) -> str:
    at = datetime.fromtimestamp(int(match[1]), UTC)
    return f"{at:%H:%M}" if at.date() == MIDNIGHT.date() else f"{at:%Y-%m-%d}"


def _person(match: re.Match[str]) -> str:
    return f"@{PEOPLE[int(match[1])]}"


def used(token: int, left: float) -> Callable[[Day], None]:
    """So many percent are left of a token's fast time."""
    return lambda day: day.token(token, fast=share(left))


def script() -> dict[str, Callable[[Day], None]]:
    """What happens, by the time of the day."""
    due = f"Active monthly, renews next on <t:{clock('00:10').timestamp():.0f}>"
    return {
        # All of its fast time will be used in one morning.
        "00:10": lambda day: day.set(Rule.DOES_NOT_LAST, 1902, on=False),
        "00:30": lambda day: day.token(1900, status="BANNED"),
        "00:50": lambda day: day.acknowledge(Rule.BANNED, 1900),
        "00:55": lambda day: day.hand_over(Rule.BANNED, 1900, ANA, BEN),
        "01:30": lambda day: day.release(Rule.BANNED, 1900, BEN),
        "01:40": lambda day: day.token(1900),
        "02:00": lambda day: day.token(1901, status="VERIFYING"),
        "02:20": lambda day: day.token(1901),
        "02:40": lambda day: day.token(1902, status="RELAX"),
        "02:50": lambda day: day.token(1902),
        "03:00": lambda day: day.token(1905, status="RELAX"),
        "03:10": lambda day: day.token(1905),
        "03:20": lambda day: day.token(1903, status="PONDERING", terms=due),
        "03:30": lambda day: day.token(1903, terms=due),
        # Fast time trembles around a step, falls under the next, is gone, and comes back.
        "03:40": lambda day: day.token(1902, fast=share(19.9)),
        "03:41": lambda day: day.token(1902, fast=share(20.1)),
        "03:42": lambda day: day.token(1902, fast=share(19.8)),
        "03:43": lambda day: day.token(1902, fast=share(20.2)),
        "04:00": lambda day: day.token(1902, fast=share(4)),
        "04:10": lambda day: day.token(1902, fast=share(0)),
        "04:14": lambda day: day.acknowledge(Rule.FAST_TIME_LOW, 1902),
        "04:16": lambda day: day.act(
            Kind.MODE, "relax", 1902, Rule.FAST_TIME_LOW, State.NOT_DONE, "ImaginePro refused it (403: not your token)"
        ),
        "04:19": lambda day: day.act(Kind.MODE, "relax", 1902, Rule.FAST_TIME_LOW, State.DONE),
        "04:20": lambda day: day.token(1902, fast=share(0), status="RELAX"),
        "05:00": lambda day: day.token(1902),
        "05:10": lambda day: day.token(1905, fast=share(0)),
        "05:20": lambda day: day.token(1905),
        "05:30": lambda day: day.token(1904, terms="Paused"),
        "05:40": lambda day: day.token(1904),
        "06:20": lambda day: day.token(1903),
        "07:00": lambda day: day.token(1900, queued="12"),
        "07:01": lambda day: day.token(1904, running="one job"),
        "07:30": lambda day: day.token(1900),
        "08:00": lambda day: day.off(1903),
        "08:10": lambda day: day.token(1903),
        "08:20": lambda day: day.token(1907),
        "08:30": lambda day: day.unlink(1907),
        "08:40": lambda day: day.token(1906),
        "09:00": lambda day: day.token(*FLEET, 1906, status="VERIFYING"),
        "09:10": lambda day: day.token(*FLEET, 1906),
        "09:11": lambda day: day.token(1904, running="one job"),
        "09:20": lambda day: day.set(Rule.POOL, level="3,90h"),
        "09:21": lambda day: day.token(1900, 1901, fast=share(40)),
        "09:30": lambda day: day.token(1900, 1901),
        "09:40": lambda day: day.reset(Rule.POOL),
        "10:00": lambda day: day.upstream(Trouble.UNREACHABLE),
        "10:10": lambda day: day.upstream(),
        "10:20": lambda day: day.upstream(Trouble.REFUSED),
        "10:40": lambda day: day.upstream(),
        "10:50": lambda day: day.upstream(hangs=True),
        "11:00": lambda day: day.upstream(),
        "11:10": lambda day: day.token(1901, status="VERIFYING"),
        "11:12": lambda day: day.token(1901),
        "11:14": lambda day: day.token(1901, status="VERIFYING"),
        "11:16": lambda day: day.token(1901, status="BANNED"),
        "11:18": lambda day: day.token(1901, status="RELAX"),
        "12:00": lambda day: day.silence(Scope(token=1902), "13:00", "its owner is at it"),
        "12:10": lambda day: day.token(1902, status="BANNED"),
        "13:20": lambda day: day.token(1902),
        "13:30": lambda day: day.token(1901),
        "14:00": lambda day: day.maintenance("15:00", 1),
        "14:30": lambda day: day.token(1900, status="BANNED"),
        "15:10": lambda day: day.token(1900),
        "15:20": lambda day: day.token(1901, status="VERIFYING"),
        "15:30": lambda day: day.token(1902, status="VERIFYING"),
        "15:40": lambda day: day.token(1902),
        "15:50": lambda day: day.token(1908),
        "16:00": lambda day: day.token(1901, status="BANNED"),
        # Credits run low, are gone, and are bought; the plan is about to end, and is renewed.
        "16:20": lambda day: day.plan(120, "2026-12-20"),
        "16:30": lambda day: day.plan(0, "2026-12-20"),
        "16:40": lambda day: day.plan(1600, "2026-11-27"),
        "16:50": lambda day: day.plan(1600, "2026-12-27"),
        "17:30": lambda day: day.silence(Scope(Rule.BANNED, 1901), None),
        "18:30": lambda day: day.token(1901),
        "18:40": lambda day: day.lists(1900, 1901),
        "18:50": lambda day: day.lists(),
        "19:00": lambda day: day.off(1908),
        "19:10": lambda day: day.set(Rule.INACTIVE, 1908, on=False),
        "19:30": lambda day: day.token(1904),
        # The bot itself switches a token off, and on again. It may do so once an hour: the next one is for people.
        "19:31": lambda day: day.runbook(Book.SWITCH_OFF, Does.ON),
        "19:32": lambda day: day.runbook(Book.SWITCH_ON, Does.ON),
        "19:33": lambda day: day.token(1903, status="BANNED"),
        "19:35": lambda day: day.token(1900, status="BANNED"),
        "19:40": lambda day: day.off(1903),
        "19:42": lambda day: day.token(1900),
        "19:55": lambda day: day.runbook(Book.SWITCH_OFF, Does.OFF),
        # The second test finds nobody awake.
        "20:00": lambda day: day.test(ANA),
        "20:01": lambda day: day.acknowledge(Rule.TEST, None, BEN),
        "20:10": lambda day: day.test(ANA),
        # One was used so much since its refill that it will not last, and is refilled early; another is used in a rush.
        "20:20": lambda day: day.token(1909, fast=share(25)),
        "22:45": lambda day: day.token(1909, terms="Active monthly, renews next on <t:1799600000>"),
        **{f"{20 + at // 60}:{at % 60:02}": used(1906, 100 - 0.6 * (at - 30)) for at in range(30, 105, 5)},
        "21:55": lambda day: day.token(1906),
        "23:30": lambda day: day.token(1905, status="BANNED"),
        "23:31": lambda day: day.acknowledge(Rule.BANNED, 1905, BEN),
        "23:35": lambda day: day.digest(),
        "23:50": lambda day: day.report(),
        "23:40": lambda day: day.token(1905),
    }


async def played() -> Day:
    """The whole day, minute by minute."""
    day, acts = Day(), script()
    day.token(*FLEET)
    day.token(1903, terms=f"Active monthly, renews next on <t:{clock('00:10').timestamp():.0f}>")
    day.token(1906, status="RELAX")
    for _ in range(24 * 60 - 1):
        day.poll()
        day.work()
        day.minute()
        if day.now.minute % 5 == 0:
            day.look()
        if act := acts.get(f"{day.now:%H:%M}"):
            act(day)
    return day


if __name__ == "__main__":
    sys.stdout.write("\n".join(asyncio.run(played()).lines) + "\n")
