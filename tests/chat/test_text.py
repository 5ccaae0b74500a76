"""What stands on a card: foreign text is harmless, and numbers read well."""

from datetime import UTC, datetime, timedelta
from string import punctuation

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.text import bare, listed, number, percent, plain, quoted, span, stamp, width, within
from tests.chat.checks import unescaped

FOREIGN = [
    "@everyone",
    "<@1234567890>",
    "<@&1234567890>",
    "<#1234567890>",
    "<t:1709417882:R>",
    "<:smile:1234567890>",
    "</token:1234567890>",
    "**bold** __under__ ~~gone~~ ||spoiler||",
    "`code` ```block```",
    "[click](https://example.com)",
    "https://discord.gg/abc",
    "# heading",
    "> quote",
    "- list",
    "1. list",
    "mail@example.com",
    "back\\slash",
]


@pytest.mark.parametrize("text", FOREIGN)
def test_every_sign_of_markup_is_escaped_and_the_words_stay(text: str) -> None:
    shown = plain(text, 200)
    assert not set(unescaped(shown)) & set(punctuation)
    assert "".join(sign for sign in shown if sign.isalnum()) == "".join(sign for sign in text if sign.isalnum())


@given(st.text(), st.integers(3, 60))
def test_foreign_text_is_harmless_whole_and_within_its_limit_for_any_text(text: str, limit: int) -> None:
    shown = plain(text, limit)
    assert width(shown) <= limit
    assert not set(unescaped(shown)) & set(punctuation)
    assert shown.isprintable()
    assert width(bare(text, limit)) <= limit
    assert width(quoted(text, limit)) <= limit


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\u202eDENNAB\u202c", "DENNAB"),
        ("FA\u200bST", "FAST"),
        ("a\nb\t c\r\n", "a b c"),
        ("Z\u0336\u0353a\u0317lgo", "Zalgo"),
        ("cafe\u0301", "café"),
        ("\u3164\u2800", ""),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("2023年5月", "2023年5月"),
    ],
)
def test_what_nobody_sees_is_taken_out(text: str, shown: str) -> None:
    assert plain(text, 50) == shown == bare(text, 50)


def test_a_cut_never_parts_an_escape_from_its_sign() -> None:
    assert [plain("a*b", limit) for limit in (1, 2, 3, 4)] == ["…", "a…", "a…", "a\\*b"]


def test_lines_that_do_not_fit_are_counted() -> None:
    assert within(["a" * 30] * 10, 100) == "\n".join(["a" * 30] * 2 + ["… and 8 more lines"])


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (13.3, "13.3"),
        (15.0, "15"),
        (0, "0"),
        (-0.01, "0"),
        (0.04, "under 0.1"),
        (107.72, "108"),
        (11170, "11,170"),
        (-3.5, "-3.5"),
        (1e300, "1.0e+300"),
        (float("nan"), "nan"),
        (10**400, "1.0e+400"),
        (-(10**9), "-1.0e+9"),
    ],
)
def test_numbers_have_as_many_digits_as_matter(value: float, shown: str) -> None:
    assert number(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (88.67, "88 %"),
        (19.99, "19 %"),
        (100 * 0.29, "29 %"),
        (0, "0 %"),
        (0.4, "under 1 %"),
        (-2, "-2 %"),
        (133.3, "133 %"),
        (float("inf"), "infinity %"),
    ],
)
def test_percents_are_rounded_down_so_that_none_looks_above_its_threshold(value: float, shown: str) -> None:
    assert percent(value) == shown


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        (19.99, 20, "19.9 %"),
        (19.2, 20, "19.2 %"),
        (18.9, 20, "18 %"),
        (20, 20, "20.0 %"),
        (20.04, 20, "20.0 %"),
        (20.5, 20, "20.5 %"),
        (21.5, 20, "21 %"),
        (4.95, 5, "4.9 %"),
        (0.4, 1, "0.4 %"),
        (0.04, 1, "under 0.1 %"),
        (19.99, None, "19 %"),
        (float("inf"), 20, "infinity %"),
    ],
)
def test_a_percentage_near_a_limit_has_one_more_digit(value: float, limit: float | None, shown: str) -> None:
    assert percent(value, limit) == shown


@pytest.mark.parametrize(
    ("value", "limit", "shown"),
    [
        (2.985, 3, "2.98"),
        (0.497, 0.5, "0.49"),
        (0.5, 0.5, "0.50"),
        (89.97, 90, "89.97"),
        (89.8, 90, "89.8"),
        (119.7, 120, "119.7"),
        (118.7, 120, "119"),
        (1199.99, 1200, "1,199.9"),
        (2.985, None, "3"),
        (0.001, 0.1, "under 0.01"),
        (1e300, 20, "1.0e+300"),
    ],
)
def test_a_number_near_a_limit_has_one_more_digit(value: float, limit: float | None, shown: str) -> None:
    assert number(value, limit) == shown


@given(st.floats(0, 1e8), st.integers(1, 1000).map(lambda tenths: tenths / 10))
def test_what_is_under_a_limit_never_looks_as_if_it_were_not(value: float, limit: float) -> None:
    shown = number(value, limit)
    if value < limit - 1e-5 and "under" not in shown:
        assert float(shown.replace(",", "")) < limit
    if value < limit - 1e-5 and "under" not in percent(value, limit):
        assert float(percent(value, limit).removesuffix(" %").replace(",", "")) < limit


@pytest.mark.parametrize(
    ("length", "shown"),
    [
        (timedelta(seconds=40), "40 s"),
        (timedelta(minutes=50), "50 min"),
        (timedelta(hours=2, minutes=5, seconds=9), "2 h 5 min"),
        (timedelta(hours=2), "2 h"),
        (timedelta(days=3, hours=4, minutes=5), "3 d 4 h"),
        (timedelta(days=3, minutes=5), "3 d"),
        (timedelta(seconds=-1), "0 s"),
    ],
)
def test_spans_of_time_are_told_in_their_two_largest_units(length: timedelta, shown: str) -> None:
    assert span(length) == shown


def test_instants_are_left_to_each_readers_clock() -> None:
    assert stamp(datetime(2026, 1, 1, tzinfo=UTC)) == "<t:1767225600:R>"


@pytest.mark.parametrize(
    ("items", "shown"),
    [
        ([], ""),
        (["1"], "1"),
        (["1", "2"], "1 and 2"),
        (["1", "2", "3"], "1, 2 and 3"),
        (list("12345"), "1, 2, 3 and 2 more"),
    ],
)
def test_lists_read_as_a_sentence(items: list[str], shown: str) -> None:
    assert listed(items, 3) == shown
