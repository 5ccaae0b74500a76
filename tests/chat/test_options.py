"""What people write into options is read as they mean it, or refused with how to write it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.commands.options import length, several
from bot.chat.desk import UnclearError

KNOWN = (1, 1900, 1901, 1904, 1911, 2000)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("1900", (1900,)),
        ("1900-1906, 1911", (1900, 1901, 1904, 1911)),
        ("1911 1900", (1900, 1911)),
        (" 1900 - 1901 ;1911,", (1900, 1901, 1911)),
        ("1900\u20131901", (1900, 1901)),
        ("1900,1900-1901", (1900, 1901)),
        ("0-99999", KNOWN),
    ],
)
def test_tokens_are_named_by_ids_and_ranges_of_those_that_there_are(text: str, tokens: tuple[int, ...]) -> None:
    assert several(text, KNOWN) == tokens


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "Write which tokens"),
        (" , ", "Write which tokens"),
        ("all", "“all” is no token"),
        ("1900, -3", "is no token"),
        ("1900-", "is no token"),
        ("1905", "There is no token 1905."),
        ("1905-1910", "There is no token from 1905 to 1910."),
        ("1901-1900", "There is no token from 1901 to 1900."),
        ("@everyone", "is no token"),
    ],
)
def test_what_is_none_is_refused_with_how_to_write_it(text: str, part: str) -> None:
    with pytest.raises(UnclearError, match=part):
        several(text, KNOWN)


@pytest.mark.parametrize("text", ["4h", "4 h", "4 hours", " 4H ", "240m", "240 min", "240 minutes"])
def test_a_length_is_read_as_the_bot_says_it_and_as_people_do(text: str) -> None:
    assert length(text, timedelta(days=1)) == timedelta(hours=4)


@pytest.mark.parametrize("text", ["", "4", "4 months", "4hm", "1.5 h", "1,5h", "-4 h", "h", "four hours", "0000004h"])
def test_what_is_no_length_is_refused_with_how_to_write_one(text: str) -> None:
    with pytest.raises(UnclearError, match="write a whole number and a unit, such as 30m, 4h or 2d"):
        length(text, timedelta(days=1))


@given(st.text(max_size=40))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    try:
        found = several(text, KNOWN)
    except UnclearError:
        return
    assert found
    assert set(found) <= set(KNOWN)
