"""The same benchmark in another checkout of the project, in turns with this one.

    git worktree add ../before c821346 && make -C ../before .venv/dev
    python -m bench --beside ../before

Each run is a process of its own in its own folder with its own packages, so both are measured in the same way. What is
read of it is the table that the command prints.
"""

import asyncio
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parents[1]


def name_of(checkout: Path) -> str:
    """What to call it: its commit, where git knows one, or else its folder."""
    head = checkout / ".git"
    if head.is_file():  # of a worktree
        head = Path(head.read_text().removeprefix("gitdir: ").strip())
    commit = head / "HEAD"
    said = commit.read_text().strip() if commit.is_file() else ""
    return checkout.name if not said or said.startswith("ref:") else said[:7]


async def figures(checkout: Path, *command: str) -> Mapping[str, list[float]]:
    """Run `python -m …` there; returns the numbers of each row of its tables, by the row's first cell.

    Raises:
        RuntimeError: it failed; says what it wrote.
    """
    python = checkout / ".venv/bin/python"
    process = await asyncio.create_subprocess_exec(
        *(str(python if python.exists() else sys.executable), "-m", *command),
        cwd=checkout,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, errors = await process.communicate()
    if process.returncode:
        message = f"{checkout}: {' '.join(command)} failed:\n{errors.decode()[-2000:]}"
        raise RuntimeError(message)
    return dict(_rows(out.decode()))


def _rows(text: str) -> list[tuple[str, list[float]]]:
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")
    ]
    return [(row[0], list(map(_number, row[1:]))) for row in cells if any(_is_number(cell) for cell in row[1:])]


def _is_number(cell: str) -> bool:
    return cell.replace(",", "").replace(".", "", 1).removeprefix("-").isdecimal()


def _number(cell: str) -> float:
    return float(cell.replace(",", "")) if _is_number(cell) else float("nan")
