"""Everything that people decided and that still holds, by kind. Pure."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from bot.domain.groups import Group, OneGroup, group_id
from bot.domain.incidents import Incident, Key, Rule
from bot.domain.labels import Name
from bot.domain.report import Schedule
from bot.domain.rota import ROTA, Rota, Shift, Swap, on_call
from bot.domain.runbooks import Runbook, Trail
from bot.domain.steering import Covered, Setting, Silence, Window
from bot.domain.value import Value, field
from bot.domain.wishes import Wish

Decision = Silence | Window | Setting | Runbook | Trail | Name | Group | OneGroup | Wish | Schedule | Rota | Swap
"""What is kept until somebody takes it back or its time is over; of a runbook, what it did in somebody's name, too."""

OfKind = TypeVar("OfKind", Silence, Window, Setting, Runbook, Trail, Name, Group, OneGroup, Wish, Schedule, Rota, Swap)


class Decisions(Value):
    """Everything that people decided and that still holds."""

    kept: Mapping[type, Mapping[str, Any]] = field(default_factory=dict)
    """By kind, and by id: that is one's own over all kinds."""

    @classmethod
    def of(cls, decisions: Iterable[Decision]) -> "Decisions":
        """Sort them by kind."""
        return cls().with_(*decisions)

    def of_kind(self, kind: type[OfKind]) -> Mapping[str, OfKind]:
        """Those of one kind, by id."""
        return self.kept.get(kind, {})

    def with_(self, *decisions: Decision, without: Iterable[str] = ()) -> "Decisions":
        """These and more, less those with the ids in `without`."""
        gone = set(without)
        kept = {
            kind: {key: each for key, each in those.items() if key not in gone} if gone else dict(those)
            for kind, those in self.kept.items()
        }
        for each in decisions:
            kept.setdefault(type(each), {})[each.id] = each
        return Decisions({kind: those for kind, those in kept.items() if those})

    def holds(self, decision_id: str) -> bool:
        """Whether the decision of that id still holds."""
        return self.get(decision_id) is not None

    def get(self, decision_id: str) -> Decision | None:
        """The decision of that id, while it holds."""
        return next((found for each in self.kept.values() if (found := each.get(decision_id)) is not None), None)

    @property
    def silences(self) -> Mapping[str, Silence]:
        """By id."""
        return self.of_kind(Silence)

    @property
    def windows(self) -> Mapping[str, Window]:
        """By id."""
        return self.of_kind(Window)

    @property
    def settings(self) -> Mapping[str, Setting]:
        """By id."""
        return self.of_kind(Setting)

    @property
    def runbooks(self) -> Mapping[str, Runbook]:
        """By id."""
        return self.of_kind(Runbook)

    @property
    def trails(self) -> Mapping[str, Trail]:
        """By id."""
        return self.of_kind(Trail)

    @property
    def names(self) -> Mapping[str, Name]:
        """By id."""
        return self.of_kind(Name)

    @property
    def wishes(self) -> Mapping[str, Wish]:
        """By id."""
        return self.of_kind(Wish)

    @property
    def groups(self) -> Mapping[str, Group]:
        """By id."""
        return self.of_kind(Group)

    def group(self, name: str) -> Group | None:
        """The group of that name, however it is written; None where there is none."""
        return self.groups.get(group_id(name)) if self.groups else None

    @property
    def one_group(self) -> Mapping[str, OneGroup]:
        """The channels whose board shows one group, by id."""
        return self.of_kind(OneGroup)

    @property
    def schedules(self) -> Mapping[str, Schedule]:
        """By id: there is one at most."""
        return self.of_kind(Schedule)

    @property
    def rota(self) -> Rota | None:
        """Who is on call in which week; None where nobody set that."""
        return self.of_kind(Rota).get(ROTA)

    @property
    def swaps(self) -> Mapping[str, Swap]:
        """By id."""
        return self.of_kind(Swap)

    def on_call(self, now: datetime) -> Shift | None:
        """Who is on call; None without a rota, and when all of it have left."""
        return on_call(self.rota, self.swaps.values(), now)

    @property
    def suppressing(self) -> tuple[Silence | Window, ...]:
        """What suppresses something now."""
        return (*self.silences.values(), *(window for window in self.windows.values() if window.announced))

    def suppressor(self) -> Callable[[Incident], Silence | Window | None]:
        """What suppresses an incident; None when nothing does."""
        window = next((window for window in self.windows.values() if window.announced), None)
        scopes = tuple(silence for silence in self.silences.values() if not silence.covered)
        covering: dict[Key, list[tuple[Covered, Silence]]] = defaultdict(list)
        for silence in self.silences.values():
            for each in silence.covered:
                covering[each.key].append((each, silence))

        def suppressing(incident: Incident) -> Silence | Window | None:
            if incident.key.rule is Rule.TEST:
                return None
            if window is not None:
                return window
            matching = (silence for silence in scopes if silence.scope.matches(incident.key))
            holding = (silence for each, silence in covering.get(incident.key, ()) if each.holds(incident))
            return next(matching, None) or next(holding, None)

        return suppressing
