"""The short form of `python -m tests.chaos`: whatever goes wrong at once, the channel tells each flip exactly once."""

from collections import Counter
from signal import SIGKILL, SIGTERM, Signals

import pytest

from tests.chaos import AWAY, ENGINES, Pace, Plan, Trouble, chaos, ended_by_itself, file_locked
from tests.report import table


@pytest.mark.parametrize(
    ("codes", "signals", "unexplained"),
    [
        ([0, -9, -15], [SIGTERM, SIGKILL, SIGTERM], []),
        ([0, 0], [SIGTERM], [0]),
        ([-9], [], [-9]),
        ([1, 78, 75], [SIGTERM], [1, 78, 75]),
    ],
)
def test_a_copy_that_ends_for_no_reason_is_noticed_whatever_its_exit_code(
    codes: list[int], signals: list[Signals], unexplained: list[int]
) -> None:
    assert ended_by_itself(codes, Counter(signals), [], "sqlite") == unexplained
    away = Plan(1, (Trouble(0, 1, file_locked, ""),), {}, (), {})
    but_away = [code for code in unexplained if code != AWAY]
    assert ended_by_itself(codes, Counter(signals), [away], "sqlite") == but_away


@pytest.mark.long
async def test_whatever_goes_wrong_at_once_everything_is_told_once_and_nobody_is_forgotten() -> None:
    # A busy machine may need seconds from the bot's decision to rely on a nonce to Discord's to know it.
    pace = Pace(nonces_kept=30, answer_within=6, settings={"POLL_INTERVAL": "2s", "FAKE_POLL": "0.4"})
    reports = await chaos(ENGINES, copies=2, seeds=range(1, 11), episodes=5, pace=pace)
    assert all(report.good for report in reports), table(*reports)
    assert all(report.figures["seeds"] == 10 for report in reports)
    assert all(report.figures["flips"] > 10 for report in reports)
    assert all(report.figures["acknowledgements confirmed"] > 0 for report in reports)
    assert all(report.figures["troubles"] > 10 for report in reports)
