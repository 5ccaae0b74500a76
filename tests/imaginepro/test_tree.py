"""An answer of unknown shape: what people see of it, that it stays within its bounds, and that no secret is in it."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.imaginepro.complaint import harmless
from bot.imaginepro.errors import MalformedError
from bot.imaginepro.tree import DEPTH, ITEMS, KEPT, LONGEST, Grown, Tree, closed, grown

CANARY = "CANARYxTHATxSINGS"
KEY = "operators-own-key"


def clean(text: str, longest: int) -> str:
    """As the line to the API does it."""
    return harmless(text, api_key=KEY, longest=longest)


def tree(value: object) -> Tree:
    """The tree of an answer that is this JSON."""
    return grown(json.dumps(value).encode(), clean)


def arriving(body: bytes, chunk: int = 2**16) -> Tree:
    """The tree of an answer that arrives in chunks."""
    answer = Grown(clean)
    for start in range(0, len(body), chunk):
        answer.feed(body[start : start + chunk])
    answer.end()
    return answer.value()


def test_a_tree_is_read_line_by_line() -> None:
    answer = {
        "success": True,
        "queue": {"waiting": 3, "jobs": [{"id": "a", "progress": 45.50}, {"id": "b", "progress": None}], "empty": []},
        "note": "two\nlines",
        "nothing": {},
    }
    assert tree(answer).lines() == (
        "success: true",
        "queue:",
        "  waiting: 3",
        "  jobs:",
        "    - id: a",
        "      progress: 45.5",
        "    - id: b",
        "      progress: null",
        "  empty: (nothing)",
        "note: two lines",
        "nothing: (nothing)",
    )


@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", ("(an empty answer)",)),
        (b"OK", ("OK",)),
        (b'"OK"', ("OK",)),
        (b"\xef\xbb\xbf 12 ", ("12",)),
        (b"1e999", ("1e999",)),
        (b"[[1, 2], [3]]", ("- - 1", "  - 2", "- - 3")),
        (b'{"a": "\xff"}', ("a: \ufffd",)),
    ],
)
def test_what_is_hardly_a_tree_is_shown_as_it_is(body: bytes, lines: tuple[str, ...]) -> None:
    assert arriving(body).lines() == lines


@pytest.mark.parametrize(
    "body", [b"<html>", b"\n<?xml", b'{"a": ', b"[1,]", b'"open', b"\xff\xfe", b"two\nlines", b"x" * 999]
)
def test_what_is_no_json_is_no_tree(body: bytes) -> None:
    with pytest.raises(MalformedError):
        arriving(body)


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (["a", "b c", 7], ("a", "b c", "7")),
        ({"data": {"words": ["a"]}, "count": 1}, ("a",)),
        ([], ()),
        ({"words": []}, ()),
        ({"ours": ["a"], "theirs": ["b"]}, None),
        ([{"word": "a"}], None),
        ("a", None),
        ({"words": ["a", "sk-abcdefgh"]}, None),
        (["x" * (LONGEST + 1)], None),
        ({"words": ["a"], "total": 2}, None),
        ({"words": ["a"], "totalPages": 3, "page": 1}, None),
        ({"words": ["a"], "hasNext": True}, None),
        ({"words": ["a"], "next_cursor": "abc"}, None),
        ({"words": ["a"], "meta": {"count": "7"}}, None),
        ({"words": ["a"], "total": 1, "totalPages": 1, "hasNext": False, "next": None, "page": 1, "size": 50}, ("a",)),
    ],
)
def test_the_words_of_a_tree_are_those_of_the_one_list_in_it(answer: object, words: tuple[str, ...] | None) -> None:
    assert tree(answer).words() == words


def test_what_is_left_out_of_a_long_answer_is_counted() -> None:
    long = tree({"items": list(range(1000)), "last": 1})
    assert long.lines(each=3) == ("items:", "  - 0", "  - 1", "  - 2", "  … and 997 more", "last: 1")
    assert long.lines(most=3, each=3) == ("items:", "  - 0", "… and more")
    many = tree(list(range(ITEMS + 5)))
    assert (len(many.parts), many.more, many.words()) == (ITEMS, 5, None)


def test_a_deep_answer_is_shown_to_a_depth() -> None:
    deep: object = "bottom"
    for _ in range(DEPTH + 3):
        deep = {"in": deep}
    lines = tree(deep).lines()
    assert len(lines) == DEPTH
    assert lines[-1].strip() == "in: (more below)"


@pytest.mark.parametrize(
    "name",
    [
        "token",
        "discordToken",
        "API_KEY",
        "apiKey",
        "client-secret",
        "Password",
        "email",
        "cookie",
        "webhookOverride",
        "pwd",
    ],
)
@pytest.mark.parametrize("value", [CANARY, 12345, [CANARY], [[CANARY]]])
def test_what_is_called_a_secret_is_struck_out(name: str, value: object) -> None:
    shown = tree({name: value, "id": 1900})
    assert CANARY not in repr(shown)
    assert "12345" not in repr(shown)
    assert shown.lines()[-1] == "id: 1900"


@pytest.mark.parametrize("name", ["secret", "credentials", "authorization"])
def test_all_below_what_is_called_a_secret_is_struck_out(name: str) -> None:
    assert tree({name: {"value": CANARY, "more": [CANARY]}}).lines() == (f"{name}: [redacted]",)


@pytest.mark.parametrize(
    "secret",
    [
        "MTE2OTc1ODU2MTE2OTc1ODU2.GaBcDe.aaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "sk-abcdefghij",
        "eyJhbGciOi.eyJzdWIiOi.abcdefghijklmnop",
        "Bearer abc.def",
        "olga@example.com",
        KEY,
    ],
)
def test_what_looks_like_a_secret_is_struck_out_wherever_it_stands(secret: str) -> None:
    for answer in (secret, [secret], {"a": f"so: {secret}."}, {secret: 1}, {"a": {secret: [{"b": secret}]}}):
        assert secret not in repr(tree(answer))


def test_ids_states_and_numbers_of_tokens_are_no_secrets() -> None:
    answer = {"tokenId": 1900, "tokenStatus": "FAST", "tokens": 7, "list": [{"token": CANARY, "id": 1}]}
    assert tree(answer).lines() == (
        "tokenId: 1900",
        "tokenStatus: FAST",
        "tokens: 7",
        "list:",
        "  - token: [redacted]",
        "    id: 1",
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=30,
)


@given(JSON, st.integers(0, 400))
@example({"a": ['}]"', {"b": 'x"'}]}, 10)
def test_json_that_breaks_off_anywhere_is_closed_so_that_it_can_be_read(value: object, at: int) -> None:
    body = json.dumps(value).encode()
    if body[:1] in b"[{":
        assert isinstance(json.loads(closed(body[: max(at, 1)])), type(value))
        assert json.loads(closed(body)) == value


@given(JSON)
def test_any_answer_is_a_tree_within_its_bounds(value: object) -> None:
    shown = tree(value)
    lines = shown.lines(most=20)
    assert len(lines) <= 20
    assert all(line.isprintable() for line in lines)
    assert lines


@given(JSON, st.sampled_from(["token", "secret", "email"]))
def test_a_canary_in_any_place_is_not_in_the_tree(value: object, name: str) -> None:
    def sown(value: object) -> object:
        match value:
            case dict():
                return {name: CANARY, f"{CANARY}@example.com": 1} | {key: sown(each) for key, each in value.items()}
            case list():
                return [*map(sown, value), f"sk-{CANARY}"]
        return f"{value} {CANARY}@example.com"

    assert CANARY not in repr(tree(sown(value)))


LARGE = {
    "many": b"[" + b",".join(b'{"id":%d,"word":"word"}' % each for each in range(600_000)) + b"]",
    "numbers": b"[" + b"0," * 8_000_000 + b"0]",
    "lists": b"[" + b"[]," * 5_000_000 + b"[]]",
    "one text": b'["' + b"x" * (16 * 2**20 - 10) + b'"]',
    "one text in the end": b'{"a": 1, "b": "' + b"x@" * (8 * 2**20 - 20) + b'"}',
    "deep": b'{"a":' * 2_000_000 + b"1" + b"}" * 2_000_000,
    "fields": b"{" + b",".join(b'"%d":0' % each for each in range(1_500_000)) + b"}",
}


@pytest.mark.parametrize("name", LARGE)
def test_of_an_answer_of_16_mib_the_beginning_is_read_and_little_is_kept(name: str) -> None:
    body = LARGE[name]
    assert 10 * 2**20 < len(body) <= 16 * 2**20 + 2**17
    answer = Grown(clean)
    for start in range(0, len(body), 2**16):
        answer.feed(body[start : start + 2**16])
    assert len(answer.body) == KEPT
    if name == "deep":
        with pytest.raises(MalformedError, match="nested too deeply"):
            answer.value()
        return
    shown = answer.value()
    assert shown.cut
    assert shown.words() is None
    assert 1 <= len(shown.lines()) <= 40
    assert len(repr(shown)) < 16 * KEPT
