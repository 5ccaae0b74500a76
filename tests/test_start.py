"""What a start leaves out: modules that are imported where they are used, inside a function, stay away until then."""

import ast
from collections.abc import Iterator
from pathlib import Path

import bot
from tests.wire.process import BotProcess
from tests.wire.town import town

ROOT = Path(bot.__file__).parent

USED_SOON = {"alembic", "apscheduler", "tzdata"}
"""What a start uses as well: only not at once, or not as a module."""

BROUGHT_BY_NOBODY = {"argparse", "multiprocessing"}
"""What no function of ours imports, and a library or a parser would bring."""


def imported_late() -> Iterator[str]:
    """Each module that a function in `bot/` imports."""
    for file in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for each in ast.walk(node):
                    if isinstance(each, ast.Import):
                        yield from (alias.name for alias in each.names)
                    elif isinstance(each, ast.ImportFrom) and each.module is not None:
                        yield from (_module(each.module, alias.name) for alias in each.names)


def _module(package: str, name: str) -> str:
    """What `from package import name` loads last."""
    folder = ROOT.parent.joinpath(*package.split("."))
    is_one = folder.joinpath(f"{name}.py").exists() or folder.joinpath(name).is_dir()
    return f"{package}.{name}" if is_one else package


async def test_a_start_loads_nothing_that_is_imported_where_it_is_used(sqlite_url: str, tmp_path: Path) -> None:
    late = {each for each in imported_late() if each.partition(".")[0] not in USED_SOON} | BROUGHT_BY_NOBODY
    modules = tmp_path / "modules"
    async with town(sqlite_url, tmp_path) as home:
        with BotProcess.from_nothing():
            # Without the measuring of coverage, which brings modules of its own.
            unmeasured = {"COVERAGE_PROCESS_START": "", "COVERAGE_PROCESS_CONFIG": ""}
            async with home.settled_bot(FAKE_MODULES=str(modules), **unmeasured) as process:
                await process.terminate()
    loaded = set(modules.read_text().splitlines())
    assert "bot.chat.tree" in loaded
    assert "coverage" not in loaded
    assert late & loaded == set()
