"""What an incident says of the fleet as a whole, as its texts show it."""

from collections import Counter

from bot.chat import cards
from bot.chat.alerts.billing import OfPlan
from bot.chat.cards import needs_person
from bot.chat.text import listed, number, plain
from bot.domain.incidents import FAST_HOURS
from bot.domain.model import Fleet, Status

_MINUTES = {"h": 60, "min": 1}


class OfFleet(OfPlan, kw_only=True):
    """The part of a story that is about the fleet."""

    fleet: Fleet

    @property
    def pool(self) -> str:
        """`Only 1 of 9 tokens works (you want 3)`, or `Fast time of the fleet: 87 h left (limit 90 h)`."""
        said, wanted = (plain(part, 20) for part in self.incident.detail.partition(", ")[::2])
        group = plain(self.incident.key.group, 40)
        if self.incident.key.part == FAST_HOURS:
            limit = f" left (limit {wanted})" if wanted else ""
            return f"Fast time of {group or 'the fleet'}: {self._fleet_left or said}{limit}"
        few, _, all_ = said.partition(" of ")
        one = few == "1"
        how_many = f"{few} token{'s' * (not one)}" if few == all_ else f"{said} tokens"
        only = "No token works" if few == "0" else f"Only {how_many} work{'s' * one}"
        if group:
            only = f"{group}: {only[0].lower()}{only[1:]}"
        return only if wanted in {"", "1"} else f"{only} (you want {wanted})"

    @property
    def group(self) -> str:
        """The name of the group that it is about, or `The fleet`."""
        return plain(self.incident.key.group, 40) or "The fleet"

    @property
    def _fleet_left(self) -> str:
        """What the fleet has left now, in the unit of the limit; its incident tells what it was when it fired."""
        wanted, _, unit = self.incident.detail.partition(", ")[2].partition(" ")
        left = [token.fast_time.remaining for token in self.fleet.usable]
        known = [max(0.0, minutes) for minutes in left if minutes is not None]
        # Which tokens are in a group is not known here: what it has left is as of the reading that its incident has.
        if self.incident.key.group or not self.incident.open or unit not in _MINUTES or len(known) < len(left):
            return ""
        return f"{number(sum(known) / _MINUTES[unit], float(wanted))} {unit}"

    @property
    def pool_means(self) -> str:
        """What it means for the fleet."""
        if self.incident.key.part == FAST_HOURS:
            return "Only tokens that work now are counted."
        return "Jobs wait or fail until more tokens work."

    @property
    def pool_over(self) -> str:
        """What is well again."""
        if self.incident.key.part == FAST_HOURS:
            return f"{self.group} has enough fast time"
        return f"{self.group}: enough tokens work" if self.incident.key.group else "Enough tokens work"

    @property
    def count(self) -> str:
        """`9 tokens`."""
        total = len(self.fleet.tokens)
        return f"{total} token{'s' * (total != 1)}"

    @property
    def overview(self) -> str:
        """How many tokens are in each status, and who needs a person."""
        tokens = self.fleet.tokens.values()
        counts = Counter("switched off" if token.active is False else token.status.value for token in tokens)
        said = [f"{counts[each]} {each}" for each in [*Status, "switched off"] if counts[each]]
        if not said:
            return "No token is linked yet."
        waiting = needs_person(cards.urgent(self.fleet), self.fleet.names, 10)
        return f"{listed(said, len(said))}." + (f" {waiting}." if waiting else "")
