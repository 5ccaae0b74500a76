"""The log: one line an event, readable by people or machines, and without secrets."""

import importlib
import io
import json
import logging
import re
import sys
import threading
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.telemetry import catch_strays, configure, event, reference

LOGGER = logging.getLogger("bot.monitor")
SECRET = "correct horse battery"


@pytest.fixture(scope="module", autouse=True)
def _the_log_of_the_tests_comes_back() -> Iterator[None]:
    root, own = logging.getLogger(), logging.getLogger("bot")
    handlers, levels = root.handlers[:], (root.level, own.level)
    root.handlers = []
    yield
    root.handlers = handlers
    root.setLevel(levels[0])
    own.setLevel(levels[1])


def start(level: str = "info", form: str = "text") -> io.StringIO:
    """Set up the log as the bot does."""
    stream = io.StringIO()
    configure(level, form, [SECRET], stream)
    return stream


def refuse() -> None:
    """Fail with a secret in the text of an error."""
    message = f"refused {SECRET}"
    raise OSError(message)


def fail() -> None:
    """Fail with a secret in the text of an error, and in that of its cause."""
    try:
        refuse()
    except OSError as error:
        message = f"postgres://bot:{SECRET}@db is away"
        raise RuntimeError(message) from error


def test_an_event_is_a_line_of_text_with_its_fields() -> None:
    stream = start()

    event(LOGGER, logging.INFO, "fleet read", tokens=9, took=0.31, failed=None, note="two words", empty="")

    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO bot\.monitor fleet read "
        r'tokens=9 took=0\.31 note="two words" empty=""\n',
        stream.getvalue(),
    )


def test_an_event_is_an_object_of_json_with_its_fields() -> None:
    stream = start(form="json")

    event(LOGGER, logging.WARNING, "message waits", pause=1.5, tries=3, whole=True, mark="k3f9-57", share=float("nan"))

    line = json.loads(stream.getvalue())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", line.pop("time"))
    assert line == {
        "level": "WARNING",
        "logger": "bot.monitor",
        "message": "message waits",
        "pause": 1.5,
        "tries": 3,
        "whole": True,
        "mark": "k3f9-57",
        "share": "nan",
    }


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_secret_is_in_a_line_wherever_it_was_put(form: str) -> None:
    stream = start(form=form)

    LOGGER.info("message %s", SECRET)
    LOGGER.info("arguments %(secret)s", {"secret": SECRET})
    event(LOGGER, logging.INFO, "field", text=SECRET, nested={"deep": [SECRET]}, error=ValueError(SECRET))
    logging.getLogger("discord.http").warning("foreign Bearer abc, sk-0123456789 and %r", [SECRET])
    try:
        fail()
    except RuntimeError:
        LOGGER.exception("traceback")

    text = stream.getvalue()
    assert [text.count(word) for word in ("message", "arguments", "field", "foreign", "traceback")] >= [1] * 5
    assert not [word for word in ("horse", "abc", "0123456789") if word in text]
    assert text.count("[redacted]") >= 8


@pytest.mark.parametrize("form", ["text", "json"])
def test_an_error_is_one_line_with_its_whole_traceback(form: str) -> None:
    stream = start(form=form)

    try:
        fail()
    except RuntimeError:
        LOGGER.exception("look failed")

    (line,) = stream.getvalue().splitlines()
    for part in ("look failed", "OSError: refused", "direct cause", "RuntimeError: postgres", "in fail", r"\n"):
        assert part in line


@pytest.mark.parametrize("form", ["text", "json"])
@given(text=st.text(), level=st.sampled_from([logging.INFO, logging.ERROR]))
def test_an_event_is_one_line_whatever_its_texts(form: str, text: str, level: int) -> None:
    stream = start(form=form)

    event(LOGGER, level, "said", text=text)
    LOGGER.log(level, "said %s", text)

    assert len(stream.getvalue().splitlines()) == 2
    assert stream.getvalue().encode("utf-8")


def test_a_line_break_in_a_text_shows_as_such() -> None:
    stream = start()

    LOGGER.info("first\nsecond\u202e")
    event(LOGGER, logging.INFO, "field", text='say "a=b"\r\n')

    first, second = stream.getvalue().splitlines()
    assert first.endswith(r"first\nsecond\u202e")
    assert second.endswith(r'text="say \"a=b\"\r\n"')


@pytest.mark.parametrize(
    ("level", "own", "foreign"),
    [
        ("debug", logging.DEBUG, logging.INFO),
        ("info", logging.INFO, logging.WARNING),
        ("warning", logging.WARNING, logging.WARNING),
        ("error", logging.ERROR, logging.ERROR),
    ],
)
def test_foreign_libraries_are_heard_less(level: str, own: int, foreign: int) -> None:
    importlib.import_module("sqlalchemy")
    start(level)

    assert logging.getLogger("bot.outbox").getEffectiveLevel() == own
    for name in ("discord.gateway", "aiohttp.access", "sqlalchemy.engine"):
        assert logging.getLogger(name).getEffectiveLevel() == foreign
    assert logging.getLogger("apscheduler.scheduler").getEffectiveLevel() == logging.ERROR


def test_setting_up_again_replaces_what_was_set_up() -> None:
    before, after = start(), start()

    LOGGER.info("once")

    assert before.getvalue() == ""
    assert after.getvalue().count("once") == 1


def test_a_line_that_cannot_be_made_is_missed_without_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    stream = start()

    LOGGER.info("%d tokens", SECRET)

    assert re.fullmatch(r"a line of the log was lost: .*test_telemetry\.py:\d+\n", stream.getvalue())
    assert capsys.readouterr() == ("", "")


def test_a_stream_that_is_gone_stops_nothing() -> None:
    start().close()

    LOGGER.info("nobody reads this")


def test_a_reference_is_six_characters_and_another_each_time() -> None:
    marks = {reference() for _ in range(20)}

    assert all(re.fullmatch(r"[0-9a-f]{6}", mark) for mark in marks)
    assert len(marks) > 1


class Grave:
    """An object whose end is an error."""

    def __del__(self) -> None:
        fail()


def test_errors_that_nobody_takes_are_lines_of_the_log_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for owner, hook in ((threading, "excepthook"), (sys, "unraisablehook")):
        monkeypatch.setattr(owner, hook, getattr(owner, hook))
    stream = start()
    catch_strays()

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    Grave()

    of_thread, of_nobody = stream.getvalue().splitlines()
    assert "a thread ended by an error" in of_thread
    assert "nobody could take it" in of_nobody
    assert "in fail" in of_thread
    assert SECRET not in stream.getvalue()
