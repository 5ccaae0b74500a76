"""Pictures come from a process of their own: alike everywhere, shared, bounded, and never in the way of the text."""

import asyncio
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot.chat.charts import draw, studio
from bot.chat.charts.studio import DrawingError, Studio
from bot.chat.charts.svg import document, label
from bot.chat.charts.token import token_chart
from tests.chat.charts.pictures import Pixels, chart, hourly, pixels, week

PATIENCE = 60.0
"""Seconds, hundreds of times what a picture takes: a guard against hanging."""


def bright(rows: Pixels) -> int:
    """How many pixels are as bright as letters are."""
    return sum(min(row[place : place + 3]) > 150 for row in rows for place in range(0, len(row), 4))


async def test_letters_are_drawn_where_the_system_has_no_font(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nothing = tmp_path / "fonts.conf"
    nothing.write_text("<fontconfig/>")
    monkeypatch.setenv("FONTCONFIG_FILE", str(nothing))
    rows = []
    for text in ("", "Token 1900, 7 days"):
        for bold in (False, True):
            svg = document(80, [label(20, 50, text, size=28, fill="#ffffff", bold=bold)])
            rows.append(bright(pixels(await Studio().picture(svg))))
    assert rows[:2] == [0, 0], "nothing but the letters is bright"
    assert min(rows[2:]) > 1000
    assert rows[3] > rows[2], "bold letters are another font"


def test_the_fonts_that_ship_serve_whatever_family_is_asked_for(tmp_path: Path) -> None:
    """As a program of its own, in an empty environment and optimised, from any folder."""
    package = studio._folder()
    for family in ("DejaVu Sans", "serif", "Comic Sans MS"):
        svg = document(80, [f'<g font-family="{family}">{label(20, 50, "1900", size=28, fill="#ffffff")}</g>'])
        command = [sys.executable, "-I", "-S", "-O", draw.__file__, package, "800"]
        made = subprocess.run(command, input=svg.encode(), capture_output=True, check=True, env={}, cwd=tmp_path)  # noqa: S603 - our own words
        assert bright(pixels(made.stdout)) > 200, family


async def test_a_picture_has_three_pixels_for_each_point_of_a_phone_and_is_clear_at_its_corners() -> None:
    rows = pixels(await Studio().picture(token_chart(chart(week(hourly(168, 0, 600, 1))))))
    assert len(rows[0]) == 4 * studio.WIDTH
    assert rows[0][3] == rows[-1][-1] == 0
    assert rows[len(rows) // 2][3 + 4 * 600] == 255


async def test_those_who_ask_for_the_same_share_one_picture_and_it_is_kept_for_the_next() -> None:
    room, svg = Studio(), document(80, [])
    first, second = await asyncio.gather(room.picture(svg), room.picture(svg))
    assert first is second
    assert await room.picture(svg) is first
    for index in range(studio.KEPT):
        await room.picture(document(80, [label(20, 50, str(index))]))
    assert await room.picture(svg) == first, "it is drawn anew, and alike"
    assert len(room._drawn) == studio.KEPT


async def test_one_who_no_longer_waits_takes_nothing_from_the_others() -> None:
    room, svg = Studio(), document(80, [])
    patient = asyncio.create_task(room.picture(svg))
    hasty = asyncio.create_task(room.picture(svg))
    await asyncio.sleep(0)
    hasty.cancel()
    assert (await asyncio.wait_for(patient, PATIENCE))[:4] == b"\x89PNG"


async def test_what_is_no_picture_is_an_error_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), pytest.raises(DrawingError):
        await Studio().picture("this is none")
    assert "a picture could not be drawn: ValueError" in caplog.text


async def test_what_takes_too_long_is_given_up_and_its_process_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(studio, "PATIENCE", studio.PATIENCE * 0)
    before = _children()
    with pytest.raises(DrawingError, match="took longer"):
        await Studio().picture(document(80, []))
    assert _children() <= before


async def test_where_no_process_can_be_started_it_is_an_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    with pytest.raises(DrawingError):
        await Studio().picture(document(80, []))


async def test_a_studio_that_closes_ends_what_is_being_drawn() -> None:
    room, before = Studio(), _children()
    task = asyncio.create_task(room.picture(document(80, [])))
    while not room._drawing or _children() <= before:
        if task.done():
            break  # it was faster than we looked
        await asyncio.sleep(0)
    await room.close()
    await asyncio.wait({task})
    assert not room._drawing
    assert _children() <= before


def _children() -> set[int]:
    """The processes that this one has started and that still run."""
    me = Path(f"/proc/{os.getpid()}/task")
    found = (each.joinpath("children").read_text().split() for each in me.iterdir())
    return {int(child) for children in found for child in children}
