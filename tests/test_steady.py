"""The proof that the suite is steady counts the runs, shows what was red, and leaves nothing running."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import steady

SECOND_FAILS = """
import pathlib, sys
seen = pathlib.Path(sys.argv[1])
seen.write_text(seen.read_text() + "." if seen.exists() else ".")
print("this was run", len(seen.read_text()))
sys.exit(len(seen.read_text()) == 2)
"""


def test_each_run_is_counted_and_a_red_one_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [sys.executable, "-c", SECOND_FAILS, str(tmp_path / "seen")]
    monkeypatch.setattr(sys, "argv", ["steady", "--runs", "3", "--beside", "2", "--", *command])
    assert steady.main() == 1
    first, second, shown, third, together = capsys.readouterr().out.splitlines()
    assert ["green" in each for each in (first, second, third)] == [True, False, True]
    assert "RED" in second
    assert shown.strip() == "this was run 2"
    assert together.startswith("3 runs beside 2 busy programs: 1 red")


def test_it_is_steady_if_nothing_was_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["steady", "--runs", "2", "--beside", "0", "--", sys.executable, "-c", ""])
    assert steady.main() == 0


def test_the_busy_programs_compute_as_long_as_they_are_wanted_and_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    class Noted(subprocess.Popen[bytes]):
        def __init__(self, command: list[str]) -> None:
            super().__init__(command)
            started.append(self)

    monkeypatch.setattr(subprocess, "Popen", Noted)
    with steady.busy(2):
        assert [each.poll() for each in started] == [None, None]
    assert [each.returncode for each in started] == [-9, -9]
