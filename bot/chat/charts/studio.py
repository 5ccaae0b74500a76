"""Where pictures are made: by a process of its own for each, so that nobody waits for one who did not ask for it.

What draws holds the interpreter's lock for 60 to 170 ms a picture. In a thread that stopped the event loop for as long;
a process costs 20 ms more, stays out of the bot's memory, and ends with its picture.
"""

import asyncio
import logging
import sys
from collections import OrderedDict
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from bot.chat.charts import draw

logger = logging.getLogger(__name__)

WIDTH: Final = 1200
"""Pixels: a phone has three of them for each point, and shows a picture about 350 points wide."""

AT_ONCE: Final = 2
"""Pictures that are drawn at the same time; a third waits for one of them."""

PATIENCE: Final = timedelta(seconds=10)
"""How long a picture may take, the wait for others included."""

KEPT: Final = 4
"""Pictures that are kept for whoever asks the same again, of some 60 kB each."""


class DrawingError(Exception):
    """There is no picture. What it was to show is said in text beside it anyway."""


class Studio:
    """Draws; the same for all who ask for the same."""

    def __init__(self) -> None:
        """Nothing runs before somebody asks."""
        self._drawing: dict[str, asyncio.Task[bytes]] = {}
        self._drawn: OrderedDict[str, bytes] = OrderedDict()
        self._free = asyncio.Semaphore(AT_ONCE)

    async def picture(self, svg: str) -> bytes:
        """The PNG of an SVG.

        Raises:
            DrawingError: It could not be drawn, or not in time.
        """
        if svg in self._drawn:
            self._drawn.move_to_end(svg)
            return self._drawn[svg]
        task = self._drawing.get(svg)
        if task is None:
            task = self._drawing[svg] = asyncio.create_task(self._draw(svg), name="drawing")
            task.add_done_callback(lambda done: self._keep(svg, done))
        # One who no longer waits takes nothing from the others.
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End what is being drawn."""
        tasks = list(self._drawing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _keep(self, svg: str, done: asyncio.Task[bytes]) -> None:
        del self._drawing[svg]
        if not done.cancelled() and done.exception() is None:
            self._drawn[svg] = done.result()
            while len(self._drawn) > KEPT:
                self._drawn.popitem(last=False)

    async def _draw(self, svg: str) -> bytes:
        try:
            async with asyncio.timeout(PATIENCE.total_seconds()), self._free:
                return await _drawn_apart(svg)
        except Exception as error:  # an edge: out of threads or memory, it is said in text
            late = isinstance(error, TimeoutError)
            reason = f"it took longer than {PATIENCE.total_seconds():.0f} s" if late else str(error) or repr(error)
            logger.warning("a picture could not be drawn: %s", reason)
            raise DrawingError(reason) from error


async def _drawn_apart(svg: str) -> bytes:
    process = await asyncio.create_subprocess_exec(
        # -I, -S: it looks at no variable, and at no package but the one that draws; it starts in 15 ms.
        *(sys.executable, "-I", "-S", str(Path(draw.__file__)), _folder(), str(WIDTH)),
        env={},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        picture, complaint = await process.communicate(svg.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise DrawingError(lines[-1] if lines else f"it ended with {process.returncode}")
    return picture


def _folder() -> str:
    """Where the package is that draws. It is not imported here: what it takes, only pictures shall take."""
    found = find_spec("resvg_py")
    if found is None or found.origin is None:
        message = "the package resvg-py is not installed"
        raise DrawingError(message)
    return str(Path(found.origin).parent.parent)
