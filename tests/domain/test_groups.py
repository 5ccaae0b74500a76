"""Groups of tokens: how they are written and read, and what follows them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.groups import LAST_ID, LONGEST_NAME, MOST_RANGES, Group, group_id, joined, name_of, parse, text

IDS = st.integers(0, 60) | st.integers(0, LAST_ID)
RANGES = st.lists(st.tuples(IDS, IDS).map(lambda pair: (min(pair), max(pair))), min_size=1, max_size=12)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("1900\u20131906, 1911", "1900\u20131906, 1911"),
        ("1911 1900-1902,1903", "1900\u20131903, 1911"),
        (" 1900 - 1906 ;1911,, ", "1900\u20131906, 1911"),
        ("1900\u20141901", "1900\u20131901"),
        ("7", "7"),
        ("5-9, 1-6, 7", "1\u20139"),
        ("007", "7"),
    ],
)
def test_ids_and_ranges_are_read_however_people_write_them(written: str, said: str) -> None:
    """By any dash, in any order, with commas or blanks; what touches is one range."""
    assert text(parse(written)) == said


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "Write which tokens"),
        (" , ; ", "Write which tokens"),
        ("studio", "not only tokens"),
        ("1900-", "not only tokens"),
        ("1-2-3", "not only tokens"),
        ("-5", "not only tokens"),
        ("\u0663", "not only tokens"),
        ("99999999999999999999", "not only tokens"),
        ("1906-1900", "The range 1906-1900 goes backwards: write 1900-1906."),
        (str(LAST_ID + 1), "ids go up to"),
        ("1" * 501, "too long"),
        (",".join(str(2 * each) for each in range(MOST_RANGES + 1)), "Make two groups"),
    ],
)
def test_what_is_no_set_of_tokens_gets_a_sentence_that_says_how_to_mend_it(written: str, says: str) -> None:
    """And none of the text itself, which may be anything."""
    with pytest.raises(ValueError, match=says) as error:
        parse(written)
    assert str(error.value).endswith(".")
    assert written.isdecimal() or "studio" not in str(error.value)


@given(RANGES)
def test_the_text_of_a_group_reads_as_the_same_group(ranges: list[tuple[int, int]]) -> None:
    """And so does the text of what was read, which has as few ranges as can be."""
    found = joined(ranges)
    assert parse(text(found)) == found
    assert joined(found) == found
    assert all(last + 1 < first for (_, last), (first, _) in pairwise(found))


@given(RANGES, IDS)
def test_a_group_holds_what_one_of_its_ranges_holds_and_nothing_else(ranges: list[tuple[int, int]], token: int) -> None:
    """However the ranges overlap."""
    group = Group("studio", joined(ranges))
    assert group.holds(token) == any(first <= token <= last for first, last in ranges)
    assert not group.holds(None)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 9)), min_size=1), st.sets(st.integers(0, 70)))
def test_what_is_among_tokens_is_the_same_for_small_and_large_groups(
    ranges: list[tuple[int, int]], tokens: set[int]
) -> None:
    """It is looked for from the smaller side."""
    group = Group("studio", joined((first, first + more) for first, more in ranges))
    listed = dict.fromkeys(tokens, "token")
    assert set(group.among(listed)) == {each for each in tokens if group.holds(each)}


@pytest.mark.parametrize(
    ("written", "name"),
    [("studio", "studio"), ("  Ana's x", None), (" night  shift ", "night shift"), ("Büro-2", "Büro-2")],
)
def test_a_name_is_short_and_in_one_line(written: str, name: str | None) -> None:
    """With nothing in it that Discord could take for markdown."""
    if name is None:
        with pytest.raises(ValueError, match="letters, digits, blanks and hyphens"):
            name_of(written)
    else:
        assert name_of(written) == name


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ("", "needs a name"),
        (" \n ", "needs a name"),
        ("1900", "reads like a token"),
        ("1900-1906", "reads like a token"),
        ("token 1900", "reads like a token"),
        ("Tokens 1900-1906", "reads like a token"),
        ("-studio", "begins with a letter"),
        ("a:b", "letters, digits"),
        ("*studio*", "letters, digits"),
        ("a" * (LONGEST_NAME + 1), "too long"),
    ],
)
def test_what_is_no_name_gets_a_sentence(written: str, says: str) -> None:
    """A colon would be a setting's id, and a number a token."""
    with pytest.raises(ValueError, match=says):
        name_of(written)


def test_a_name_is_the_same_however_it_is_written() -> None:
    """So that nobody has a Studio beside a studio."""
    assert group_id("Studio ") == group_id("STUDIO") == Group("studio", ((1, 2),)).id
