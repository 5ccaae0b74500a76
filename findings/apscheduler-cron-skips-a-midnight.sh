#!/usr/bin/env bash
# APScheduler 3.11.3: on the day after the clocks go forward CronTrigger leaves out the run at midnight (and any at
# less than an hour past midnight): of a daily job that day has none, and nothing is logged, as no run was ever due. A
# run at 01:30 or noon comes every day. Whoever sends a daily report at 00:00 in local time sends none once a year.
#
# Seen with APScheduler 3.11.3, tzdata 2026.3 and CPython 3.11, Europe/Berlin, runs of 28 to 31 March 2026 (forward on
# the 29th):
#     00:00 on 28, 29, 31 - 00:30 on 28, 29, 31 - 01:30 on 28, 29, 30, 31 - 12:00 on 28, 29, 30, 31
#
# Ends with 1 when that has changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check 'apscheduler==3.11.3' 'tzdata==2026.3'
PYTHONTZPATH='' "$folder/venv/bin/python" - <<'PYTHON'
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import apscheduler
from apscheduler.triggers.cron import CronTrigger

BERLIN = ZoneInfo("Europe/Berlin")


def days(hour: int, minute: int) -> list[int]:
    """The days of that week in March on which a job of that time runs, asked as a scheduler asks: after each run."""
    trigger = CronTrigger(hour=hour, minute=minute, timezone=BERLIN)
    run, found = trigger.get_next_fire_time(None, datetime(2026, 3, 28, tzinfo=BERLIN)), []
    while run is not None and run < datetime(2026, 4, 1, tzinfo=BERLIN):
        found.append(run.day)
        run = trigger.get_next_fire_time(run, run + timedelta(microseconds=1))
    return found


found = {f"{hour:02}:{minute:02}": days(hour, minute) for hour, minute in ((0, 0), (0, 30), (1, 30), (12, 0))}
print("APScheduler", apscheduler.version, found)
whole, lacking = [28, 29, 30, 31], [28, 29, 31]
sys.exit(found != {"00:00": lacking, "00:30": lacking, "01:30": whole, "12:00": whole})
PYTHON
