"""What an incident foretells, as its texts show it: when a token runs dry, and what would help."""

from datetime import datetime, timedelta
from math import floor

from bot.chat.alerts.fleetwide import OfFleet
from bot.chat.cards import amount_of, brief, length, outlook, pace, when
from bot.chat.text import percent, stamp
from bot.domain.forecast import Forecast, Verdict
from bot.domain.model import Token

_DAY = timedelta(days=1)
_HOUR = 60
"""Minutes."""


class Foretold(OfFleet, kw_only=True):
    """The part of a story that is about what is to come. Its times are as of its card, which stays as it is."""

    token: Token | None
    """As of the incident, read; of one that is gone, as it was."""

    @property
    def said(self) -> Forecast | None:
        """The forecast that its card shows."""
        return self.incident.forecast

    @property
    def at(self) -> datetime:
        """As of when its card is."""
        return self.incident.read_at

    @property
    def lasts_not(self) -> str:
        """`does not last`, or `may not last` where that is less sure by now: a card has one verdict."""
        return (
            "may not last" if self.said is not None and self.said.verdict is Verdict.MAY_NOT_LAST else "does not last"
        )

    @property
    def runs_dry(self) -> str:
        """`does not last until its refill: empty around 14 Aug, 18 days before it`; once it is, that it is."""
        said, lasts = self.said, f"{self.lasts_not} until its refill"
        if said is None or said.dry_at is None or said.short is None or said.verdict is Verdict.MAY_NOT_LAST:
            return lasts
        if said.empty:
            return f"is out of fast time, {length(said.short)} before its refill"
        ahead = said.dry_at - self.at
        around = f"in about {length(ahead)}" if ahead < _DAY else f"around {when(said.dry_at, self.at, self.zone)}"
        return f"{lasts}: empty {around}, {length(said.short)} before it"

    @property
    def lasts_after_all(self) -> str:
        """`was refilled`, of which nobody knows yet whether that lasts; or `lasts until its refill after all`."""
        said, token, at = self.said, self.token, self.incident.resolved_at
        now = None if token is None or at is None else token.subscription.next_refill(at)
        left = None if token is None else token.fast_time.remaining
        if said is None or said.renews_at is None or said.left is None or now is None or left is None:
            return "lasts until its refill after all"
        refilled = now > said.renews_at and left > said.left
        return "was refilled" if refilled else "lasts until its refill after all"

    @property
    def dry_soon(self) -> str:
        """`dry around 14 Aug`, for a line of several."""
        return "" if self.said is None else brief(self.said, self.at, self.zone)

    @property
    def outlook(self) -> str:
        """The forecast in one line, as a sentence; empty where there is none."""
        line = "" if self.said is None else outlook(self.said, self.at, self.zone)
        return f"{line}. " if line else ""

    @property
    def slower(self) -> str:
        """`, keep it under 0.9 h a day`: what would make it last; empty where nobody knows."""
        said = self.said
        if said is None or said.left is None or said.renews_at is None or said.renews_at - self.at < _DAY or said.empty:
            return ""
        each_day = max(said.left, 0) / ((said.renews_at - self.at) / _DAY)
        if each_day < 1:
            return ""  # nobody keeps it under a minute a day
        return f", keep it under {pace(floor(each_day / 6) * 6 if each_day >= _HOUR else floor(each_day))}"

    @property
    def enough(self) -> str:
        """`about 9 h more` that would have to be bought; `time` where nobody knows how much."""
        lacks = None if self.said is None or self.said.spare is None else -self.said.spare
        return "time" if lacks is None or lacks <= 0 else f"about {amount_of(lacks)} more"

    @property
    def burnt(self) -> str:
        """`4.1 h of fast time (27 %)`."""
        burning = self.incident.burning
        return "fast time" if burning is None else f"{amount_of(burning.hour)} ({percent(burning.share * 100)})"

    @property
    def burns_out(self) -> str:
        """`empty in about 3 h`, as of its card: a locked phone shows no more than that line."""
        burning = self.incident.burning
        if burning is None:
            return "soon empty"
        ahead = burning.dry_at - self.at
        return f"empty in {f'about {length(ahead)}' if ahead >= _DAY / 24 else 'under 1 h'}"

    @property
    def burnt_by(self) -> str:
        """When it is empty if it goes on like that."""
        burning = self.incident.burning
        return "" if burning is None else f"If this goes on, it is empty around {stamp(burning.dry_at, 't')}. "
