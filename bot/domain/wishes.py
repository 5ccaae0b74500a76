"""What one person wishes to hear of by direct message, and the hours in which they wish to hear nothing. Pure."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from bot.domain.value import Value

DAY = timedelta(days=1)


class Quiet(Value):
    """Hours of each day on the clock of a zone, over midnight where they end before they begin.

    In the nights in which the clock changes, they last as long as that clock shows a quiet time: from the earlier of
    two instants that show their beginning, until the later of two that show their end.
    """

    begin: time
    end: time
    zone: str
    """IANA name."""

    @property
    def text(self) -> str:
        """`22:00-07:00`."""
        return f"{self.begin:%H:%M}-{self.end:%H:%M}"

    def holds(self, at: datetime) -> bool:
        """Whether nothing is sent then."""
        return any(begin <= at < end for begin, end in self._nights(at))

    def ended(self, at: datetime) -> datetime | None:
        """When they ended last, at that time or before; None while they last."""
        nights = tuple(self._nights(at))
        if any(begin <= at < end for begin, end in nights):
            return None
        return max(end for _, end in nights if end <= at)

    def _nights(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Those around a time: their beginnings and ends."""
        zone = ZoneInfo(self.zone)
        today = at.astimezone(zone).date()
        over = DAY if self.end <= self.begin else timedelta()
        for day in (today - 2 * DAY, today - DAY, today):
            yield min(_instants(day, self.begin, zone)), max(_instants(day + over, self.end, zone))


def _instants(day: date, hour: time, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """When the clock shows that: two instants where it is set back; around the gap where it is set forward."""
    here = datetime.combine(day, hour, zone)
    return here.replace(fold=0).astimezone(UTC), here.replace(fold=1).astimezone(UTC)


class Wish(Value):
    """What one person wishes to hear of. One thing is said once to them, whatever of these it matches."""

    by: int
    """Discord's id of the person."""
    at: datetime
    """When they said so last."""
    pages: bool = False
    """Critical incidents, while nobody has them: when they fire, when they get worse, and when they are reminded of."""
    mine: bool = False
    """What others and the time do to incidents that they have; and pages, while they are on call."""
    group: str = ""
    """Whatever fires of the tokens of that group; empty for none."""
    quiet: Quiet | None = None
    """When nothing is sent but pages while they are on call."""
    woken_at: datetime | None = None
    """When it was last said what quiet hours had kept back; None for `at`."""
    refused_at: datetime | None = None
    """When Discord refused to take a message to them; nothing is tried from then on, until they say it anew."""

    @property
    def id(self) -> str:
        """There is one of each person."""
        return wish_id(self.by)

    @property
    def told_until(self) -> datetime:
        """Up to when nothing is kept back for them."""
        return max(self.at, self.woken_at or self.at)


def wish_id(person: int) -> str:
    """The id of the decision that a wish of that person is."""
    return f"notify-{person}"
