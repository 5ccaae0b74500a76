"""Time that runs faster than in life, for waits that a test cannot sit out."""

import asyncio
import selectors


class HurriedLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock runs `scale` times as fast as the real one."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        super().__init__(_HurriedSelector(scale))

    def time(self) -> float:
        """Seconds, as the rest of asyncio and its users see them."""
        return super().time() * self._scale


class _HurriedSelector(selectors.DefaultSelector):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self._scale = scale

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Wait for a `scale`th of what was asked for."""
        return super().select(timeout and timeout / self._scale)
