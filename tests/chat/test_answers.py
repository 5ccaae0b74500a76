"""What each answer of Discord is about: all its codes, all statuses, and whatever a proxy may say in its place."""

import itertools
import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.answers import CODES, About, Answer, Part, about, asked_wait, named_buttons, parts, read
from bot.delivery.retry_after import LONGEST
from tests.chat.codes import PUBLISHED

OTHER_THINGS = frozenset(
    {
        *range(10001, 10002),
        *range(10005, 10008),
        *(10009, 10010, 10012),
        *range(10015, 10130),
        20031,
        *range(30001, 30015),
        *range(30016, 30046),
        *range(30047, 30062),
        *(40009, 40018, 40019, 40032, 40033, 40041, 40043, 40060, 40061, 40066, 40074, 40094),
        *(50004, 50011, 50012, 50015, 50016, 50017, 50019, 50020, 50027, 50034, 50036, 50039, 50054, 50057, 50067),
        *(50070, 50073, 50074, 50084, 50085, 50086, 50091, 50131, 50132, 50144, 50145, 50163, 50167),
        *(80004, 90001, 90002, 150006, 160004, 160014, *range(170001, 170008), 180000, 180002),
        *(340015, 350000, 350001, 500000, 520000, 520001, 520006, 530000, 530001, 530002, 530003, 530004, 530007),
    }
)
"""Codes about bans, invites, emojis, events and the like, which the bot has nothing to do with: its status speaks."""


def discords(status: int, code: int, **more: object) -> Answer:
    """What is read of Discord's own answer."""
    return read(status, {}, json.dumps({"message": "words", "code": code, **more}).encode())


def test_none_of_the_codes_that_discord_publishes_is_left_to_chance() -> None:
    assert CODES.keys() <= PUBLISHED.keys()
    assert not CODES.keys() & OTHER_THINGS
    assert PUBLISHED.keys() - CODES.keys() - OTHER_THINGS == {0}, "0 is no code: the status says what it is about"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, About.MESSAGE),
        (401, About.CHANNEL),
        (403, About.CHANNEL),
        (404, About.CHANNEL),
        (409, About.NOTHING),
        (413, About.MESSAGE),
        (429, About.NOTHING),
        (500, About.NOTHING),
    ],
)
def test_what_no_code_says_the_status_says(status: int, expected: About) -> None:
    for code in {0, 77_777} | (PUBLISHED.keys() & OTHER_THINGS):
        for posting in (True, False):
            assert about(discords(status, code), posting=posting) is expected, code


@pytest.mark.parametrize("code", [50001, 50013, 10003, 10004, 50008, 50083, 50024, 160005, 40058, 40001, 50014])
def test_what_a_person_must_mend_is_about_the_channel(code: int) -> None:
    for status, posting in itertools.product([400, 401, 403, 404], [True, False]):
        assert about(discords(status, code), posting=posting) is About.CHANNEL


@pytest.mark.parametrize("code", [20016, 20022, 20028, 20029, 30046, 40004, 40006, 40062, 40333, 130000])
def test_limits_and_troubles_of_discord_are_about_nothing_of_ours(code: int) -> None:
    for status, posting in itertools.product([400, 403, 429, 503], [True, False]):
        assert about(discords(status, code), posting=posting) is About.NOTHING


@pytest.mark.parametrize("code", [10008, 50005])
def test_only_a_message_that_is_to_be_edited_can_be_gone(code: int) -> None:
    assert about(discords(404, code), posting=False) is About.GONE
    assert about(discords(404, code), posting=True) in {About.PART, About.MESSAGE}


BODIES: dict[str, tuple[bytes, str]] = {
    "Discord's": (b'{"message": "Missing Permissions", "code": 50013}', "application/json"),
    "Discord's without a code of its own": (b'{"message": "401: Unauthorized", "code": 0}', "application/json"),
    "Discord's, labelled otherwise": (b'{"message": "Missing Permissions", "code": 50013}', "text/html"),
    "a proxy's JSON": (b'{"error": "forbidden"}', "application/json"),
    "a proxy's JSON in the same shape": (b'{"message": "Forbidden", "code": 403}', "application/json"),
    "a proxy's with a code in words": (b'{"message": "Forbidden", "code": "E50013"}', "application/json"),
    "a problem+json": (b'{"type": "about:blank", "title": "Forbidden", "status": 403}', "application/problem+json"),
    "a list": (b"[50013]", "application/json"),
    "a number": (b"50013", "application/json"),
    "true": (b'{"message": "no", "code": true}', "application/json"),
    "a page": (b"<html>error code: 1010</html>", "text/html"),
    "plain words": (b"error code: 1010", "text/plain"),
    "nothing": (b"", ""),
    "broken JSON": (b'{"message": "Missing', "application/json"),
    "deep JSON": (b"[" * 100_000, "application/json"),
    "other bytes": (b"\xff\xfe\x00", "application/json"),
    "a huge number": (b'{"message": "no", "code": ' + b"9" * 5000 + b"}", "application/json"),
}
SPEAKING = {*range(400, 407), 410, 411, 413, 414, 415, 417, 422, 431, 451}
"""Statuses that say by themselves what Discord's JSON is about."""
OWN = {"Discord's", "Discord's without a code of its own", "Discord's, labelled otherwise"}


@pytest.mark.parametrize("posting", [True, False])
@pytest.mark.parametrize("body", BODIES)
def test_over_all_statuses_only_discords_own_json_says_anything_about_us(body: str, posting: bool) -> None:  # noqa: FBT001 - a parameter of the test
    content, label = BODIES[body]
    for status in range(200, 600):
        answer = read(status, {"Content-Type": label}, content)
        found = about(answer, posting=posting)
        if body not in OWN or status == 429 or not 400 <= status < 500:
            assert found is About.NOTHING, (status, answer)
        elif answer.code == 50013:
            assert found is About.CHANNEL, (status, answer)
        else:
            assert (found is About.NOTHING) == (
                status not in {*range(400, 407), 410, 411, 413, 414, 415, 417, 422, 431, 451}
            )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=9), below, max_size=3),
    max_leaves=9,
)
FIELDS = st.sampled_from(
    ["message", "code", "errors", "retry_after", "global", "components", "_errors", "embeds", "url"]
)
SAID = st.dictionaries(FIELDS | st.text(max_size=5), JSON | st.sampled_from([*CODES]), max_size=6)


@given(
    st.integers(100, 599), SAID | JSON, st.dictionaries(st.sampled_from(["Retry-After", "Date"]), st.text(max_size=9))
)
def test_whatever_comes_is_read_and_told_without_an_error(status: int, said: object, headers: dict[str, str]) -> None:
    answer = read(status, headers, json.dumps(said).encode())
    for posting in (True, False):
        about(answer, posting=posting)
    assert set(parts(answer)) <= set(Part)
    assert all(place >= 0 for place in named_buttons(answer))
    assert timedelta() <= answer.after <= LONGEST
    assert str(answer).startswith("Discord answered")


LINK = {"components": {"0": {"components": {"3": {"url": {"_errors": [{"code": "URL_TYPE_INVALID_URL"}]}}}}}}
EMOJI = {"components": {"1": {"components": {"2": {"emoji": {"name": {"_errors": [{"code": "BUTTON_EMOJI"}]}}}}}}}
FIELD = {"embeds": {"0": {"fields": {"1": {"name": {"_errors": [{"code": "BASE_TYPE_REQUIRED"}]}}}}}}
REPLY = {"message_reference": {"_errors": [{"code": "REPLIES_UNKNOWN_MESSAGE"}]}}
WORDS = {"content": {"_errors": [{"code": "BASE_TYPE_MAX_LENGTH"}]}}
AT_LARGE = {"_errors": [{"code": "UNION_TYPE_CHOICES"}]}


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        (LINK, [Part.LINK]),
        (EMOJI, [Part.BUTTONS]),
        (FIELD, [Part.EMBED]),
        (REPLY, [Part.REPLY]),
        (LINK | FIELD, [Part.LINK, Part.EMBED]),
        (WORDS, []),
        (WORDS | FIELD, []),
        ({}, [Part.LINK, Part.REPLY, Part.SILENCE, Part.FILE, Part.BUTTONS, Part.EMBED]),
        (AT_LARGE, [Part.LINK, Part.REPLY, Part.SILENCE, Part.FILE, Part.BUTTONS, Part.EMBED]),
    ],
)
def test_what_is_left_out_is_what_discord_names_and_else_the_simplest_first(
    errors: dict[str, Any], expected: list[Part]
) -> None:
    answer = discords(400, 50035, errors=errors)
    assert about(answer, posting=True) is About.PART
    assert [*parts(answer)] == expected


def test_buttons_that_are_refused_are_counted_through_all_rows() -> None:
    assert named_buttons(discords(400, 50035, errors=EMOJI)) == {7}
    assert named_buttons(discords(400, 50035, errors=AT_LARGE)) == frozenset()


NOON = "Mon, 30 Nov 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("header", "body", "seconds"),
    [
        ("7", {}, 7),
        ("7", {"retry_after": 6.457}, 6.457),
        ("7", {"retry_after": None}, 7),
        ("7", {"retry_after": "soon"}, 7),
        ("7", {"retry_after": []}, 7),
        ("7", {"retry_after": True}, 7),
        ("7", {"retry_after": float("nan")}, 7),
        ("7", {"retry_after": float("inf")}, 3600),
        ("7", {"retry_after": -3}, 0),
        (None, {"retry_after": 1e12}, 3600),
        (None, {"retry_after": 6457}, 3600),
        ("99999999999999999999", {}, 3600),
        ("Mon, 30 Nov 2026 12:01:30 GMT", {}, 90),
        ("Mon, 30 Nov 2026 11:00:00 GMT", {}, 0),
        ("Mon, 30 Nov 9999 12:01:30 GMT", {}, 3600),
        ("Mon, 30 Nov 2026 12:01:30", {}, 90),
        ("0 Jan 0:0 3000000000", {}, 11),
        ("Mon, 30 Nov 2026 12:01:30 +99999999999999999999", {}, 11),
        ("[7]", {}, 11),
        (None, {}, 11),
    ],
)
def test_how_long_to_wait_is_read_in_every_form_and_an_hour_at_most(
    header: str | None, body: dict[str, object], seconds: float
) -> None:
    headers = {"Date": NOON} | ({} if header is None else {"Retry-After": header})
    assert asked_wait(headers, body, timedelta(seconds=11)) == timedelta(seconds=seconds)


def test_a_limit_that_is_on_everything_says_so() -> None:
    assert discords(429, 0, retry_after=1, **{"global": True}).everywhere
    assert read(429, {"X-RateLimit-Scope": "global"}, b"").everywhere
    assert read(429, {"X-RateLimit-Global": "true"}, b"").everywhere
    assert not discords(429, 0, retry_after=1, **{"global": False}).everywhere
    assert not read(429, {"X-RateLimit-Scope": "shared"}, b"").everywhere
