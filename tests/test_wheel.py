"""What `uv build --wheel` makes is the whole bot, which runs wherever it is installed, and for anybody."""

import asyncio
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from bot import __version__
from bot.sandbox.imaginepro import serving
from tests.imaginepro.test_client import upstream_of

ROOT = Path(__file__).parent.parent
PATIENCE = 120.0
"""Seconds, dozens of times what a process takes to start: a guard against hanging."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603 - our own words
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The command of an installation that nobody may write, with the packages that the tests run with."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True, with_pip=True)
    python = folder / "bin" / "python"
    install = [str(python), "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--no-compile", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)  # noqa: S603 - as above
    (site,) = folder.glob("lib/python*/site-packages")
    # A folder that a file names is searched last, and a file in there that names another, as ours, is not read.
    (site / "packages.pth").write_text(sysconfig.get_path("purelib"))
    code = [site / "bot", *(each for each in (site / "bot").rglob("*") if each.is_dir())]
    for each in code:
        each.chmod(0o555)
    yield folder / "bin" / "imaginepro-bot"
    for each in code:
        each.chmod(0o755)


async def started(command: Path, *arguments: str, folder: Path, **environment: str) -> asyncio.subprocess.Process:
    """The command in another folder, without a home or anything else that a shell has."""
    return await asyncio.create_subprocess_exec(
        str(command),
        *arguments,
        cwd=folder,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def said(command: Path, *arguments: str, folder: Path, **environment: str) -> tuple[int | None, str, str]:
    """How it ended, and its two outputs."""
    process = await started(command, *arguments, folder=folder, **environment)
    output, complaint = await asyncio.wait_for(process.communicate(), PATIENCE)
    return process.returncode, output.decode(), complaint.decode()


def test_it_holds_the_bot_and_nothing_else(wheel: Path) -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "bot"]
    ours = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout.split("\0")  # noqa: S603 - our own words
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == {name for name in ours if name and (ROOT / name).exists()}


@pytest.mark.long
async def test_it_is_called_by_its_name_and_does_what_a_clone_does(installed: Path, tmp_path: Path) -> None:
    code, output, _ = await said(installed, "--help", folder=tmp_path)
    assert (code, output.partition(" [")[0]) == (0, "usage: imaginepro-bot")
    assert await said(installed, "--version", folder=tmp_path) == (0, f"imaginepro-bot {__version__}\n", "")
    for arguments in ((), ("run",), ("check",)):
        code, output, complaint = await said(installed, *arguments, folder=tmp_path)
        assert (code, output) == (78, "")
        assert "DISCORD_TOKEN is missing: " in complaint
        assert "Traceback" not in complaint
    await _it_draws_with_the_fonts_that_came_along(installed, tmp_path)
    await _its_check_checks(installed, tmp_path)
    await _its_demo_serves_its_page(installed, tmp_path)


async def _it_draws_with_the_fonts_that_came_along(installed: Path, folder: Path) -> None:
    words = (
        "import asyncio, sys",
        "from bot.chat.charts.studio import Studio",
        "from bot.chat.charts.svg import document, label",
        "sizes = [len(asyncio.run(Studio().picture(document(90, [label(9, 50, each)])))) for each in ('', 'Token')]",
        "sys.exit(not 0 < sizes[0] < sizes[1] - 500)",
    )
    python = installed.with_name("python")
    assert await said(python, "-O", "-c", "\n".join(words), folder=folder) == (0, "", "")


async def _its_check_checks(installed: Path, folder: Path) -> None:
    upstream = upstream_of(1900)
    async with serving(upstream) as url:
        code, output, complaint = await said(
            installed,
            "check",
            folder=folder,
            DISCORD_TOKEN="MTQ1NjA3NDQ0Mzk4MDgwMDAwMA.AAAAAA." + "b" * 38,
            DISCORD_GUILD_ID="1100000000000000100",
            OPS_CHANNEL_ID="1100000000000000201",
            OPERATOR_ROLE_ID="1100000000000000301",
            IMAGINEPRO_API_KEY=upstream.api_key,
            IMAGINEPRO_API_URL=url,
            HTTPS_PROXY="http://127.0.0.1:9",  # where nothing answers: nobody is asked who is not here
        )
    assert sorted(re.findall(r"^ok +(\w+):", output, re.MULTILINE)) == ["ImaginePro", "database", "settings"], output
    assert (code, complaint) == (75, "")
    assert (folder / "data" / "bot.db").exists()


async def _its_demo_serves_its_page(installed: Path, folder: Path) -> None:
    process = await started(installed, "demo", "--port=0", folder=folder)
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE), aiohttp.ClientSession() as session:
        while (address := re.search(rb"http://127\.0\.0\.1:\d+", await process.stdout.readline())) is None:
            assert not process.stdout.at_eof()
        async with session.get(address[0].decode()) as response:
            assert response.status == 200
        process.terminate()
        await process.communicate()
    assert process.returncode == 0
