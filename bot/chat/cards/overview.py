"""What is known now, as whoever asks sees it: how grave it is, how old, and what is to come."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, tzinfo

from bot.chat.cards.embed import RED
from bot.chat.cards.outlook import brief, outlook
from bot.chat.cards.status import FAST, LOOKS, SIGNS, Sign, limit_of, look, why_failed, worst_first
from bot.chat.text import stamp
from bot.domain.forecast import Forecast, forecast
from bot.domain.incidents import Incident, Key, Rule
from bot.domain.ledger import Ledger
from bot.domain.model import Fleet, Severity, Threshold, Token
from bot.domain.rules.upstream import stale_after
from bot.domain.value import Value, field
from bot.domain.watch.known import Known


class Overview(Value):
    """What is known now, as far as those see it who ask."""

    fleet: Fleet
    now: datetime
    interval: timedelta = timedelta(minutes=1)
    """Between two polls."""
    worst: Mapping[int | None, Incident] = field(default_factory=dict)
    """The gravest open incident of each token that has one; under None that of the fleet and of ImaginePro."""
    troubled: frozenset[int | None] = frozenset()
    """The tokens with any open incident."""
    low: Mapping[int | None, Incident] = field(default_factory=dict)
    """The open incident about the fast time of each token that has one."""
    unread: Incident | None = None
    """The incident about readings that do not come, or not whole, while it is open."""
    ledgers: Mapping[int, Ledger] = field(default_factory=dict)
    """How tokens use their fast time, by id."""
    forecasts: Mapping[int, Forecast] = field(default_factory=dict)
    """Whether it lasts, by id, as of the last look ahead: for lists."""
    zone: tzinfo = UTC
    """Whose days those are told in."""

    def sign(self, token: Token) -> Sign:
        """Of a token: that of its gravest incident, since whoever looks comes from there; of none, how it stands."""
        seen, worst = look(token), self.worst.get(token.id)
        if worst is None or (worst.severity is Severity.INFO and seen is not FAST):
            return seen.mark, seen.colour
        return SIGNS[worst.severity]

    def outlook(self, token: Token) -> str:
        """Whether its fast time lasts, as of now, in a line; empty where nobody knows; in 0.1 ms."""
        ledger = self.ledgers.get(token.id)
        if ledger is None:
            return ""
        said = forecast(ledger, token, self.now, self.zone, self.fleet.age_of(token.id))
        return outlook(said.holding(self.forecasts.get(token.id)), self.now, self.zone)

    def ahead(self, token: Token) -> str:
        """The same in a word or two, for a list; empty where it lasts, or nobody knows."""
        said = self.forecasts.get(token.id)
        return "" if said is None else brief(said, self.now, self.zone)

    def limit(self, token: Token) -> Threshold | None:
        """What its fast time is compared with, while it is low."""
        low = self.low.get(token.id)
        return limit_of(low) if low else None

    def order(self, token: Token) -> tuple[int, int, float, int]:
        """Sort by this: how grave it is, by its incidents or by how it stands, and then as `worst_first`."""
        place, left, number_ = worst_first(token)
        seen, worst = LOOKS[place], self.worst.get(token.id)
        gravity = max(2 if seen.colour is RED else int(seen.urgent), worst.severity.rank if worst else 0)
        return -gravity, place, left, number_


def overview(known: Known, now: datetime, interval: timedelta, zone: tzinfo = UTC) -> Overview:
    """What is known now; in 2 ms for 10,000 open incidents."""
    worst: dict[int | None, Incident] = {}
    low: dict[int | None, Incident] = {}
    troubled: set[int | None] = set()
    for key, each in known.incidents.items():
        if each.open:
            troubled.add(key.token)
        if each.open and each.notifiable:
            before = worst.get(key.token)
            if before is None or each.severity.rank > before.severity.rank:
                worst[key.token] = each
            if key.rule is Rule.FAST_TIME_LOW:
                low[key.token] = each
    unread = [known.incidents.get(Key(rule)) for rule in (Rule.UPSTREAM_STALE, Rule.LIST_SHORT)]
    return Overview(
        known.fleet,
        now,
        interval,
        worst,
        frozenset(troubled),
        low,
        next((each for each in unread if each and each.open), None),
        known.ledgers,
        known.forecasts,
        zone,
    )


def too_old(view: Overview, at: datetime) -> bool:
    """Whether what was read then should have been read anew since."""
    return view.now - at > stale_after(view.interval)


def old_numbers(view: Overview, read_at: datetime | None) -> list[str]:
    """Says so when the numbers are older than they should be, whatever the cause; a token read since is not old."""
    failure, unread = view.fleet.failure, view.unread
    # What was read with all is from before the last failure, even where the clock was set back between the two.
    if failure is not None and (read_at is None or read_at == view.fleet.read_at or read_at <= failure.at):
        said = why_failed(failure)
    elif read_at is not None and (too_old(view, read_at) or (unread is not None and read_at <= unread.opened_at)):
        short = unread is not None and unread.key.rule is Rule.LIST_SHORT
        said = "ImaginePro does not list all tokens" if short else "No new reading came"
    else:
        return []
    return [f"⚠️ **{said}: these numbers are old**" + (f", from {stamp(read_at)}" if read_at else "")]
