"""make has a .venv of the Python that is meant, and makes it anew when that Python is gone."""

import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAKE = shutil.which("make") or "make"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """What make needs of the project, with a .venv in which everything is installed."""
    for name in ("Makefile", "pyproject.toml", "uv.lock"):
        shutil.copy(ROOT / name, tmp_path)
    venv.create(tmp_path / ".venv", symlinks=True)
    for command in ("run", "demo", "dev"):
        (tmp_path / ".venv" / command).touch()
    return tmp_path


def plan(project: Path, *arguments: str) -> str:
    """What make would do."""
    command = [MAKE, "--dry-run", "--no-print-directory", *arguments]
    environment = {"PATH": f"{project}:/usr/bin:/bin"}
    return subprocess.run(command, cwd=project, env=environment, check=True, capture_output=True, text=True).stdout  # noqa: S603 - our own words


def another_python(project: Path) -> Path:
    """One of another version, as far as it is asked."""
    path = project / "python9.9"
    path.write_text("#!/bin/sh\necho Python 9.9.9\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("command", ["run", "check", "demo", "lint", "types", "unit"])
def test_what_is_installed_is_used_until_its_python_is_gone(project: Path, command: str) -> None:
    assert " sync " not in plan(project, command)
    assert " sync " not in plan(project, command, f"PYTHON={sys.executable}")
    (project / ".venv" / "bin" / "python").unlink()
    (project / ".venv" / "bin" / "python").symlink_to("/opt/gone/python3")
    assert " sync " in plan(project, command)


def test_packages_are_installed_for_the_python_to_which_the_system_moved_on(project: Path) -> None:
    (project / ".venv" / "bin" / "python").unlink()
    (project / ".venv" / "bin" / "python").symlink_to(another_python(project))
    assert " sync " in plan(project, "run")


def test_a_python_that_is_named_is_the_one_that_is_used(project: Path) -> None:
    another = another_python(project)
    for name in (str(another), "python9.9", "/opt/gone/python3"):
        assert " sync " in plan(project, "check", f"PYTHON={name}")
