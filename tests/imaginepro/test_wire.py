"""What the bot reads in the upstream's JSON."""

import contextlib
import json
import pickle
import traceback
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import InfoText, Record, Token
from bot.imaginepro.client import MalformedError
from bot.imaginepro.complaint import complaint
from bot.imaginepro.wire import NOTHING, Reader
from tests.imaginepro.answers import TOO_DEEP, tokens

PAYLOADS = Path(__file__).parent.parent / "payloads"
OF_TOKENS = ["details", "details_by_schema", "list", "toggle"]
"""The documented answers that list tokens."""
SECRET = "FAKE-DISCORD-TOKEN"
DOCUMENTED = Record(
    id=198,
    status="FAST",
    active=True,
    channel_id="100000000000000001",
    server_id="100000000000000002",
    concurrency=2,
    info=InfoText(
        subscription="Basic (Active monthly, renews next on <t:1709417882>)",
        visibility_mode="Public",
        fast_time_remaining="199.00/200.0 minutes (99.50%)",
        lifetime_usage="674 images",
        relaxed_usage="0 images",
        queued_jobs_fast="0",
        queued_jobs_relax="0",
        running_jobs="None",
    ),
)


def payload(name: str) -> bytes:
    """A documented answer."""
    return (PAYLOADS / f"{name}.json").read_bytes()


def records(body: bytes, reader: Reader | None = None, known: Mapping[int, Token] = NOTHING) -> tuple[Record, ...]:
    """The records of an answer."""
    return tuple(token.record for token in tokens(body, reader, known).values())


def one(**fields: object) -> Record:
    """What is read of an answer with one record of these fields."""
    (record,) = records(json.dumps([{"id": 1, **fields}]).encode())
    return record


def test_the_documented_list_is_read_whole() -> None:
    assert records(payload("list")) == (DOCUMENTED,)


def test_an_account_may_be_switched_off_and_fast_and_without_info() -> None:
    (record,) = records(payload("toggle"))
    assert (record.active, record.status, record.concurrency, record.info) == (False, "FAST", 3, InfoText())


@pytest.mark.parametrize("name", ["details", "details_by_schema"])
def test_relaxed_usage_is_read_under_both_of_its_spellings(name: str) -> None:
    (record,) = records(payload(name))
    assert record.info.relaxed_usage == "999 images"


def test_the_right_spelling_of_relaxed_usage_wins() -> None:
    assert one(info={"relaxedUsuage": "1 images", "relaxedUsage": "2 images"}).info.relaxed_usage == "2 images"


def test_a_bare_object_reads_as_an_array_of_one() -> None:
    assert records(json.dumps(json.loads(payload("list"))[0]).encode()) == (DOCUMENTED,)


def test_an_account_without_tokens_has_an_empty_fleet() -> None:
    assert records(b"[]") == ()


@pytest.mark.parametrize(
    ("identity", "read"),
    [
        (7, 7),
        ("7", 7),
        ("007", 7),
        (0, 0),
        (-0.0, 0),
        (1900.0, 1900),
        (2.0**53 - 1, 2**53 - 1),
        (2**63 - 1, 2**63 - 1),
        (str(-(2**63)), -(2**63)),
    ],
)
def test_an_id_is_a_number_or_a_text_that_is_one(identity: object, read: int) -> None:
    assert records(json.dumps([{"id": identity}]).encode())[0].id == read


@pytest.mark.parametrize(
    "identity",
    [
        None,
        True,
        1.5,
        "",
        "x",
        " 7",
        "1_0",
        "٣",
        "1.0",
        [],
        ["7"],
        {},
        {"id": 7},
        2.0**53,  # as what 2^53 + 1 reads as well
        2**63,
        -(2**63) - 1,
        str(2**63),
        "9" * 50,
    ],
)
def test_any_other_id_is_malformed_and_the_error_says_where(identity: object) -> None:
    with pytest.raises(MalformedError) as caught:
        records(json.dumps([{"id": 1}, {"id": 2}, {"id": 3}, {"id": identity, "token": SECRET}]).encode())
    assert caught.value.path == "$[3].id"
    assert "$[3].id" in caught.value.detail


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (b'[{"id": 1}, {}]', "$[1].id"),
        (b"{}", "$.id"),
        (b'{"message": "hello"}', "$.id"),
        (b"[[]]", "$[0]"),
        (b'[{"id": 1}, 5]', "$[1]"),
        (b'[{"id": 1}, null]', "$[1]"),
        (b"null", "$"),
        (b'"FAKE-DISCORD-TOKEN"', "$"),
        (b"5", "$"),
        (b'[{"id": 1e999}]', "$[0].id"),
        (b'[{"id": 1, "concurrency": 1e999}, {"id": ' + b"9" * 4301 + b"}]", "$[1].id"),
        (b"", ""),
        (b"<html>FAKE-DISCORD-TOKEN</html>", ""),
        (b'[{"id": 1, "token": "FAKE-DISCORD-TOKEN", "sta', ""),
        (b'[{"id": 1}] FAKE-DISCORD-TOKEN', ""),
        (b'[{"id": 1, "status": "FAKE-DISCORD-TOKEN\n"}]', ""),
        pytest.param(TOO_DEEP, "", id="nested too deeply"),
    ],
)
def test_what_is_no_list_of_records_is_malformed_and_shows_nothing_of_itself(body: bytes, path: str) -> None:
    with pytest.raises(MalformedError) as caught:
        records(body)
    assert caught.value.path == path
    assert SECRET not in repr(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


@pytest.mark.parametrize("levels", [500, 5_000, 50_000, 500_000])
def test_an_answer_is_read_if_it_is_not_nested_too_deeply_for_this_python(levels: int) -> None:
    deep = json.dumps([{"id": 1, "token": SECRET, "more": "it"}]).replace('"it"', "[" * levels + "]" * levels)
    with contextlib.ExitStack() as stack:
        if levels > 500:
            stack.enter_context(contextlib.suppress(MalformedError))
        assert [each.id for each in records(deep.encode())] == [1]


@pytest.mark.parametrize("info", [None, {}, [], "", "text", 5, 1.5, True, [1, "x", {}]])
def test_an_info_that_says_nothing_is_empty(info: object) -> None:
    assert one(info=info).info == InfoText()


@pytest.mark.parametrize(
    ("value", "read"),
    [
        ("2", "2"),
        (2, "2"),
        (2.5, "2.5"),
        (2.0, "2"),
        (-0.0, "0"),
        (1e30, "1e+30"),
        (True, ""),
        (False, ""),
        (None, ""),
        ([], ""),
        (["2"], ""),
        ({}, ""),
        ({"text": "2"}, ""),
        ("a\0b", "ab"),
        ("a\n`b` <@1> 😀", "a\n`b` <@1> 😀"),
        ("x" * 100_000, "x" * 100_000),
    ],
)
def test_a_text_of_another_type_is_read_as_its_words_or_as_absent(value: object, read: str) -> None:
    record = one(status=value, channelId=value, serverId=value, info={"queuedJobsFast": value, "relaxedUsage": value})
    assert (record.status, record.channel_id, record.server_id) == (read, read, read)
    assert (record.info.queued_jobs_fast, record.info.relaxed_usage) == (read, read)


@pytest.mark.parametrize(("value", "read"), [(True, True), (False, False), (None, None), ("true", None), (1, None)])
def test_active_is_known_only_when_it_is_a_boolean(value: object, read: bool | None) -> None:  # noqa: FBT001  # a row
    assert one(isActive=value).active is read


@pytest.mark.parametrize(
    ("value", "read"),
    [
        (3, 3),
        ("3", 3),
        (3.0, 3),
        (-0.0, 0),
        (1e30, None),
        (0, 0),
        (None, None),
        ("many", None),
        (True, None),
        (2.5, None),
        ([], None),
        (2**31, None),
    ],
)
def test_concurrency_is_a_number_or_a_text_that_is_one(value: object, read: int | None) -> None:
    assert one(concurrency=value).concurrency == read


def test_a_record_of_nothing_but_an_id_is_a_record() -> None:
    assert one() == Record(id=1, status="")


def test_an_unknown_status_is_kept_with_its_words() -> None:
    assert one(status="Under Review!").status == "Under Review!"


def test_unknown_keys_are_passed_over_wherever_they_are() -> None:
    assert one(extra={"id": 5}, info={"message": "hello", "runningJobs": "None"}).info == InfoText(running_jobs="None")


def test_of_two_records_with_one_id_the_later_is_kept() -> None:
    found = records(b'[{"id": 1, "status": "FAST"}, {"id": 2}, {"id": "1", "status": "BANNED"}]')
    assert [(record.id, record.status) for record in found] == [(1, "BANNED"), (2, "")]


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (rb"a\ud800b", "a�b"),
        (rb"a\uDC00", "a�"),
        (rb"\ud83d\ude00\ude00", "😀�"),
        (rb"\\ud800\ud800", r"\ud800�"),
        (b"a\xffb", "a�b"),
        (rb"\u0041\u0000\n", "A\n"),
    ],
)
def test_characters_that_no_database_takes_are_replaced(text: bytes, read: str) -> None:
    (record,) = records(b'[{"id": 1, "token": "' + text + b'", "status": "' + text + b'"}]')
    assert record.status == read


OUT_OF_RANGE = [
    "1e400",
    "-1e400",
    "9" * 25,
    "9" * 400,
    "9" * 4301,
    "-" + "9" * 5000,
    "1" + "0" * 400 + "e-400",
    "-0",
    "1e-400",
]


@pytest.mark.parametrize("number", OUT_OF_RANGE[:2] + OUT_OF_RANGE[3:6])
@pytest.mark.parametrize(
    "field",
    ["status", "isActive", "channelId", "serverId", "concurrency", "info", "subscription", "relaxedUsage", "more"],
)
def test_a_number_out_of_range_is_an_unknown_field_and_the_rest_is_read(field: str, number: str) -> None:
    plain = {"status": "FAST", "isActive": True, "channelId": "5", "serverId": "6", "concurrency": 3}
    texts = {"subscription": "Basic", "relaxedUsage": "2 images"}
    record = {"id": 1, **plain, "info": texts, "more": 1}
    (texts if field in texts else record)[field] = "PLACE"
    body = json.dumps([record, {"id": 2, "status": "RELAX"}]).replace('"PLACE"', number).encode()
    less = {name: text for name, text in texts.items() if name != field}
    expected = one(
        **{name: value for name, value in plain.items() if name != field}, info={} if field == "info" else less
    )
    assert records(body) == (expected, Record(id=2, status="RELAX"))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
names = st.sampled_from(
    ["token", "status", "isActive", "channelId", "serverId", "concurrency", "info", "relaxedUsage", "fastTimeRemaining"]
)


def filled(values: st.SearchStrategy[object], most: int | None = None) -> st.SearchStrategy[list[dict[str, object]]]:
    """Records that hold up to five such values, in any fields, again and again: to draw each takes most of a test."""
    places = st.lists(st.dictionaries(names, st.integers(0, 4)), max_size=most)
    return st.builds(
        lambda drawn, records: [{name: drawn[at % len(drawn)] for name, at in each.items()} for each in records],
        st.lists(values, min_size=1, max_size=5),
        places,
    )


@given(st.dictionaries(names, st.sampled_from(OUT_OF_RANGE)), st.dictionaries(names, st.sampled_from(OUT_OF_RANGE)))
def test_whatever_numbers_the_fields_hold_each_record_is_read(outer: dict[str, str], inner: dict[str, str]) -> None:
    def written(fields: Mapping[str, str]) -> str:
        return ", ".join(f'"{name}": {value}' for name, value in fields.items())

    body = f'[{{"id": 1, {written({"info": f"{{{written(inner)}}}", **outer})}}}, {{"id": 2, "status": "FAST"}}]'
    found = records(body.encode())
    assert [record.id for record in found] == [1, 2]
    assert found[1] == Record(id=2, status="FAST")


@given(filled(json_values | st.dictionaries(names, json_values), most=4))
def test_whatever_the_fields_hold_each_record_is_read(fields: list[dict[str, object]]) -> None:
    """Hypothesis sends any JSON in any field; texts come out fit for UTF-8 and without NUL."""
    found = records(json.dumps([{**each, "id": index} for index, each in enumerate(fields)]).encode())
    assert [record.id for record in found] == list(range(len(fields)))
    for record in found:
        assert "\0" not in f"{record.status}{record.channel_id}{record.info.fast_time_remaining}"
        repr(record).encode()


@given(st.binary())
def test_any_bytes_are_records_or_malformed(body: bytes) -> None:
    try:
        found = records(body)
    except MalformedError as error:
        assert error.detail  # noqa: PT017  # either outcome is right
    else:
        assert isinstance(found, tuple)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A documented answer of which pieces were cut, doubled or overwritten, as often as not within a text."""
    body = payload(draw(st.sampled_from(OF_TOKENS)))
    signs = st.binary(max_size=4) | st.sampled_from(
        [b'"', b"\\", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"null"]
    )
    for _ in range(draw(st.integers(1, 4))):
        start, end = sorted(draw(st.tuples(st.integers(0, len(body)), st.integers(0, len(body)))))
        piece = draw(signs | st.just(body[start:end]) | st.just(body[start:end] * 2))
        body = body[:start] + piece + body[draw(st.sampled_from([start, end])) :]
    return body


def outcome(body: bytes, piece: int, chunk: int) -> object:
    """What comes of reading a body that arrives in chunks of one size in pieces of another."""
    try:
        return tokens(body, Reader(piece), chunk=chunk)
    except MalformedError:
        return MalformedError


@given(
    filled(json_values | st.just('"},{"') | st.lists(st.just({"a": "},{"}), max_size=3)),
    st.sampled_from([(",", ":"), (", ", ": "), (" ,\n ", ":"), (f"{' ' * 120},", ":")]),
    st.integers(1, 300),
    st.integers(1, 300),
)
def test_an_answer_that_is_cut_into_pieces_reads_as_it_does_whole(
    fields: list[dict[str, object]], separators: tuple[str, str], piece: int, chunk: int
) -> None:
    answer = [{"id": index, **each} for index, each in enumerate(fields)]
    for whole in (answer, {"id": 7, "info": answer}, [answer], [[answer, answer]]):
        body = json.dumps(whole, separators=separators).encode()
        assert outcome(body, piece, chunk) == outcome(body, len(body), len(body))


@given(spoilt(), st.integers(1, 300), st.integers(1, 300))
def test_a_spoilt_answer_that_is_cut_into_pieces_reads_as_it_does_whole(body: bytes, piece: int, chunk: int) -> None:
    assert outcome(body, piece, chunk) == outcome(body, len(body) + 1, len(body) + 1)


@given(st.lists(spoilt(), min_size=1, max_size=3))
def test_answers_that_were_spoilt_are_records_or_malformed_and_never_show_a_secret(bodies: list[bytes]) -> None:
    reader = Reader()
    for body in bodies:
        try:
            found = records(body, reader)
        except MalformedError as error:
            said = f"{error!r} {error.detail} {error.path} {''.join(traceback.format_exception(error))}"
            assert SECRET not in said  # either outcome is right
            assert error.__cause__ is error.__context__ is None  # noqa: PT017
        else:
            assert all(-(2**63) <= record.id < 2**63 for record in found)
            for record in found:
                repr(record).encode()


@given(st.binary() | spoilt(), st.text(min_size=1, max_size=40))
def test_any_error_answer_is_quoted_in_a_short_line_without_the_key(body: bytes, key: str) -> None:
    said = complaint(body, api_key=key)
    assert len(said) <= 200
    assert said.isprintable()
    assert key not in said.replace("[redacted]", "")


def test_nothing_of_a_record_holds_the_accounts_secret() -> None:
    for name in OF_TOKENS:
        body = payload(name)
        assert SECRET.encode() in body
        found = records(body)
        assert SECRET not in repr(found)
        assert SECRET.encode() not in pickle.dumps(found)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "Prompt is required.", "error": "Bad Request", "statusCode": 400}', "Prompt is required."),
        (
            b'{"message": ["id must be an integer", "id must be positive"]}',
            "id must be an integer; id must be positive",
        ),
        (b'{"message": "Unauthorized", "statusCode": 401}', "Unauthorized"),
        (b'{"error": "Forbidden"}', "Forbidden"),
        (b'{"message": "", "error": "Forbidden"}', "Forbidden"),
        (b'{"message": null, "error": {"code": 5}}', ""),
        (b'{"message": 5}', "5"),
        (b'{"message": "a\\u0000\\u001b[31m\\u202e  b\\n\\tc"}', "a[31m b c"),
        (b"{}", ""),
        (b"[]", ""),
        (b'"text"', ""),
        (b"", ""),
        (b"<html>Bad Gateway</html>", ""),
        (b'{"message": "\xff"}', "\ufffd"),
        (b'\xef\xbb\xbf{"message": "No"}', "No"),
        (b'{"message": [{"property": "id"}, 1e999, "No"], "error": 1e999}', "No"),
    ],
)
def test_an_error_answer_is_quoted_by_its_own_message_alone(body: bytes, said: str) -> None:
    assert complaint(body, api_key="") == said


def test_a_long_complaint_is_cut() -> None:
    said = complaint(json.dumps({"message": "word " * 100}).encode(), api_key="key")
    assert len(said) == 200
    assert said.endswith("…")


@pytest.mark.parametrize(
    "secret",
    [
        "the-very-key",
        "sk-FAKE0123456789",
        "SK-FAKE0123456789",
        "Bearer FAKE",
        "bearer  FAKE.FAKE",
        "FAKEheaderFAKEheader.FAKEpayloadFAKE.FAKEsignatureFAKEsignature",
        "FAKEFAKEFAKEFAKEFAKEFAKE.FAKE00.FAKEFAKEFAKEFAKEFAKEFAKEFAK",
        "mfa.FAKEFAKEFAKEFAKEFAKE",
        "FAKE@example.com",
        "https://FAKEuser:FAKEword@proxy/",
        "password=FAKE",
        '"token": "FAKE"',
    ],
)
@pytest.mark.parametrize("around", ["{}", "key {} is wrong", "'{}', sorry", "x" * 180 + " {}"])
def test_a_complaint_never_repeats_a_secret(secret: str, around: str) -> None:
    said = complaint(json.dumps({"message": around.format(secret)}).encode(), api_key="the-very-key")
    assert "FAKE" not in said
    assert "the-very" not in said
    assert "[redacted"[:5] in said


def test_a_record_that_reads_as_before_is_the_same_object() -> None:
    body = json.dumps([{"id": 1, "status": "FAST"}, {"id": 2, "status": "FAST"}]).encode()
    before = tokens(body)

    after = tokens(body.replace(b'2, "status": "FAST"', b'2, "status": "BANNED"'), known=before)

    assert after[1] is before[1]
    assert after[2].status == "BANNED"


listed = st.fixed_dictionaries(
    {"id": st.integers(0, 3), "status": st.sampled_from(["FAST", "BANNED"]), "token": st.sampled_from(["a", "b"])}
)


@given(st.lists(st.lists(listed, max_size=5), max_size=4))
def test_answers_read_one_after_another_read_as_if_each_were_the_first(answers: list[list[dict[str, object]]]) -> None:
    reader = Reader()
    for answer in answers:
        body = json.dumps(answer).encode()
        assert records(body, reader) == records(body)


def test_a_record_that_is_sent_as_before_is_not_decoded_again() -> None:
    reader = Reader()
    first = records(b'[{"id": 1, "status": "FAST"}, {"id": 2, "status": "FAST"}]', reader)
    second = records(b'[{"id": 2, "status": "RELAX"}, {"id": 1, "status": "FAST"}]', reader)
    assert second[1] is first[0]
    assert second[0].status == "RELAX"


def test_it_pauses_where_much_is_new_and_only_there() -> None:
    reader = Reader()

    def pauses(*statuses: str) -> int:
        body = json.dumps([{"id": place, "status": status} for place, status in enumerate(statuses)]).encode()
        answer = reader.answer()
        count = sum(1 for _ in answer.feed(body)) + sum(1 for _ in answer.end())
        assert len(answer.value()) == len(statuses)
        return count

    assert pauses(*["FAST"] * 1000) == 1000 // 32, "the last are fewer than many"
    assert pauses(*["FAST"] * 1000) == 0
    assert pauses("RELAX", *["FAST"] * 999) == 0
    assert pauses(*["RELAX"] * 500, *["FAST"] * 500) == 500 // 32 + 1


def test_a_reader_between_two_answers_holds_no_secret() -> None:
    reader = Reader()
    records(payload("list"), reader)
    assert SECRET.encode() not in pickle.dumps(reader)


def test_what_is_malformed_leaves_the_reader_as_it_was() -> None:
    reader = Reader()
    (first,) = records(b'[{"id": 1, "status": "FAST"}]', reader)
    with pytest.raises(MalformedError):
        records(b'[{"id": 1, "status": "FAST"}, 5]', reader)
    assert records(b'[{"id": 1, "status": "FAST"}]', reader)[0] is first
