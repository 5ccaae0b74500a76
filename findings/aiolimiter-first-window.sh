#!/usr/bin/env bash
# aiolimiter 1.3.0: AsyncLimiter(n, t) lets 2n - 1 calls through in the first window of t after it was idle, not n: n
# at once, as its bucket is empty, and n - 1 more as it leaks. Its docstring gives n as the most within t in a burst.
# An API that counts what comes in t refuses who goes by that after a quiet minute. AsyncLimiter(1, t / n) keeps n.
#
# Seen with aiolimiter 1.3.0 on CPython 3.11, 10 a second: 19 with AsyncLimiter(10, 1), 10 with AsyncLimiter(1, 0.1)
#
# Ends with 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'aiolimiter==1.3.0'
"$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import sys

from aiolimiter import AsyncLimiter


class Leaping(asyncio.SelectorEventLoop):
    """Its clock leaps to whatever is due next, so that nothing depends on this machine."""

    ahead = 0.0

    def time(self) -> float:
        return self.ahead

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self.ahead = max(self.ahead, self._scheduled[0]._when) + 1e-9
        super()._run_once()


def most_in_a_second(limiter: tuple[float, float]) -> int:
    async def calls() -> int:
        limit, loop, at = AsyncLimiter(*limiter), asyncio.get_running_loop(), []
        for _ in range(40):
            async with limit:
                at.append(round(loop.time(), 6))
        return max(sum(start <= each < start + 1 for each in at) for start in at)

    loop = Leaping()
    try:
        return loop.run_until_complete(calls())
    finally:
        loop.close()


found = {text: most_in_a_second(limiter) for text, limiter in (("10, 1", (10, 1)), ("1, 0.1", (1, 0.1)))}
print("aiolimiter, most calls in any second:", found)
sys.exit(found != {"10, 1": 19, "1, 0.1": 10})
PYTHON
