"""What an incident says of the plan at ImaginePro, as its texts show it."""

from datetime import UTC, datetime, tzinfo

from bot.chat.text import dated, level, number, percent, plain, stamp
from bot.domain.incidents import Incident
from bot.domain.rules.policy import CreditsLevel, credits_of
from bot.domain.value import Value

_COUNTED = 500
"""Characters of a detail that are looked at."""


class OfPlan(Value, kw_only=True):
    """The part of a story that is about the plan. Its details are as `bot.domain.rules.account` writes them."""

    incident: Incident
    zone: tzinfo = UTC
    """Whose days are meant."""

    @property
    def credits_left(self) -> str:
        """`Only 120 of 1,600 ImaginePro credits are left (7 %)`, or `No ImaginePro credits are left`."""
        left, quota, _, _ = self._credits
        if left is None:
            return "ImaginePro credits run low"
        if left <= 0:
            return "No ImaginePro credits are left"
        of = f" of {number(quota)}" if quota and left <= quota else ""
        share = f" ({percent(100 * left / quota, _limit(self._level))})" if of and quota else ""
        return f"Only {number(left)}{of} ImaginePro credit{'s are' if left != 1 or of else ' is'} left{share}"

    @property
    def credits_level(self) -> str:
        """`under 10 % of the ImaginePro credits`, or `no ImaginePro credits left`."""
        left, _, _, level_ = self._credits
        if left == 0 or level_ is None:
            return "no ImaginePro credits left"
        return f"under {few_credits(level_)} at ImaginePro"

    @property
    def credits_means(self) -> str:
        """What it means for jobs."""
        left, _, extra, level_ = self._credits
        if left is not None and left <= 0:
            unknown = "" if extra is not None else "Whether extra ones are left, ImaginePro did not say. "
            return f"{unknown}Jobs that take credits fail, and ImaginePro may refuse the bot as well."
        under = "" if level_ is None else f"That is under {few_credits(level_)}. "
        bought = f"{number(extra)} of them {'is' if extra == 1 else 'are'} extra. " if extra else ""
        return f"{under}{bought}At 0, jobs that take credits fail."

    @property
    def plan_end(self) -> str:
        """`ends on 7 Dec`, or `ended on 7 Dec`: it stands for days, and must not count on by itself."""
        at = self._ends_at
        if at is None:
            return "is about to end"
        return f"{'ended' if at <= self.incident.read_at else 'ends'} on {dated(at.astimezone(self.zone).date())}"

    @property
    def plan_end_means(self) -> str:
        """When exactly, and what then."""
        at = self._ends_at
        if at is None:
            return "Without a plan, ImaginePro refuses your jobs, and this bot."
        when = f"{stamp(at, 'f')}, {stamp(at)}"
        if at <= self.incident.read_at:
            return f"By ImaginePro's own words it ended {when}. Without a plan, it may refuse your jobs and this bot."
        return f"It ends {when}. Without a plan, ImaginePro may refuse your jobs and this bot."

    @property
    def _level(self) -> CreditsLevel | None:
        return self._credits[3]

    @property
    def _credits(self) -> tuple[int | None, int | None, int | None, CreditsLevel | None]:
        """Left, quota, extra, and the level under which that is; None for what is not known."""
        said, _, rest = self.incident.detail[:_COUNTED].partition(" of ")
        quota, _, rest = rest.partition(", ")
        extra, _, text = rest.partition(" extra, ")
        try:
            found = credits_of(text)
        except ValueError:
            found = None
        return _whole(said), _whole(quota), _whole(extra), found

    @property
    def _ends_at(self) -> datetime | None:
        try:
            at = datetime.fromisoformat(self.incident.detail)
        except ValueError:
            return None
        return at if at.tzinfo is not None else None


def few_credits(few: CreditsLevel) -> str:
    """`10 % of the credits`, or `500 credits`."""
    return f"{level(few.text)} of the credits" if few.credits is None else f"{number(few.credits)} credits"


def _limit(few: CreditsLevel | None) -> float | None:
    return None if few is None else few.percent


def _whole(text: str) -> int | None:
    try:
        return int(plain(text, 20).replace("\\", ""))
    except ValueError:
        return None
