"""What people set in chat by `/admin setup`: kept in the database, checked as the environment is, told by the audit.

It counts from the next term on, which the environment's own settings, laid over it, always do, too. So nothing that is
at work changes under anybody's hands, and a kill in the midst leaves what was kept.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from bot.chat.settable import Field
from bot.domain.steering import Entry
from bot.settings import Settings
from bot.settings.overlay import SETTABLE, laid_over, written_as
from bot.storage.setup import TEST
from bot.storage.store import Store


class Setup:
    """As `bot.chat.settable.Setup`."""

    def __init__(
        self, settings: Settings, store: Store, clock: Callable[[], datetime], anew: Callable[[], None] | None
    ) -> None:
        """
        Args:
            settings: What the environment says alone.
            store: Where it is kept.
            clock: The time, aware.
            anew: Ends this term, so that another follows; None where none would.
        """  # noqa: D205, D212 - the class says what it is for
        self._settings = settings
        self._store = store
        self._clock = clock
        self._anew = anew
        self.begins_anew = anew is not None

    async def fields(self) -> Mapping[str, Field]:
        """All of it, by name."""
        written = await self._store.setup()
        merged, _ = laid_over(self._settings, written)
        return {
            each.name: Field(
                each.name,
                each.meaning,
                written_as(merged, each),
                each.default or "",
                each.name in self._settings.given,
            )
            for each in SETTABLE
        }

    async def put(self, values: Mapping[str, str], by: int) -> tuple[str, ...]:
        """Keep these texts, empty ones for none; returns a sentence for each that cannot be used, which is not kept."""
        kept = dict(await self._store.setup())
        before = dict(kept)
        problems: list[str] = []
        for name, text in values.items():
            if name in self._settings.given:
                problems.append(f"{name} is set by the environment, which wins")
                continue
            new = {**kept, name: text.strip()}
            wrong = set(laid_over(self._settings, new)[1]) - set(laid_over(self._settings, kept)[1])
            if wrong:
                problems += sorted(wrong)
            else:
                kept = new
        changed = {name: text for name, text in kept.items() if before.get(name, "") != text}
        if changed:
            now = self._clock()
            await self._store.write_setup(
                changed, tuple(Entry(now, by, "setup", f"{name}: {text or 'none'}") for name, text in changed.items())
            )
        return tuple(problems)

    async def ask_for_a_test(self, by: int) -> None:
        """Let the next term begin with a test page, for whoever asked."""
        await self._store.write_setup({TEST: "asked for"}, (Entry(self._clock(), by, "setup", "begin anew with it"),))

    def begin_anew(self) -> None:
        """End this term, so that another begins with what is kept."""
        if self._anew is not None:
            self._anew()
