"""Nothing that is a secret, or looks like one, is in a redacted text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.redaction import REDACTED, redact

DISCORD_TOKEN = "MTE2OTc1ODU2MDAwMDAwMDAwMA.GaBcDe.Zx9_yW-8vU7tS6rQ5pO4nM3lK2jI1hG0fE9dC8"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxOTAwIn0.c2lnbmF0dXJl_-A"


@pytest.mark.parametrize(
    ("text", "redacted"),
    [
        (f"login with {DISCORD_TOKEN} failed", "login with [redacted] failed"),
        (f"token={DISCORD_TOKEN}", "token=[redacted]"),
        (r"'first\nsk-0123456789abcdef'", r"'first\n[redacted]'"),
        ("mfa." + "aB3_" * 20, "[redacted]"),
        (f"key {JWT}.", "key [redacted]."),
        ("used sk-proj-0123456789abcdef, twice", "used [redacted], twice"),
        ("'bearer abc'", "'bearer [redacted]'"),
        ("Authorization: Bot abc.def", "Authorization: [redacted]"),
        ("{'Authorization': 'Basic abc', 'Accept': '*/*'}", "{'Authorization': '[redacted]', 'Accept': '*/*'}"),
        ('[{"id": 198, "token": "whatever it is", "x": 1}]', '[{"id": 198, "token": "[redacted]", "x": 1}]'),
        (r'"{\"token\":\"abc\"}"', r'"{\"token\":\"[redacted]"}"'),
        ("ask user.name+tag@mail.example.com: now", "ask [redacted]: now"),
        ('"token": "cut off', '"token": "[redacted]'),
        ("postgres://bot:p@ss:w0rd@db.example:5432/x", "postgres://[redacted]@db.example:5432/x"),
        ("postgresql:///x?user=bot&password=abc&sslmode=require", "postgresql:///x?user=bot&password=[redacted]&sslmode=require"),
        ("POST https://discord.com/api/v10/interactions/1/aW50ZXJhY3Rpb24/callback", "POST https://discord.com/api/v10/interactions/1/[redacted]/callback"),
        ("PATCH /webhooks/12/aW50/messages/@original", "PATCH /webhooks/12/[redacted]/messages/@original"),
    ],
)  # fmt: skip
def test_what_looks_like_a_secret_goes_and_the_rest_stays(text: str, redacted: str) -> None:
    assert redact(text) == redacted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fleet read tokens=9 took=0.31",
        "199.00/200.0 minutes (99.50%)",
        "Basic (Active monthly, renews next on <t:1709417882>)",
        "GET https://api.imaginepro.ai/api/v1/discord/tokens answered 503",
        "the risk-management task-list of bot.chat.commands.check",
        "https://discord.com/channels/100000000000000001/100000000000000002",
        "everyone@work, @here and <@123>",
        "2026-11-22T10:00:00.123456Z",
    ],
)
def test_a_text_without_secrets_is_left_alone(text: str) -> None:
    assert redact(text) == text


def test_a_known_secret_goes_whatever_it_looks_like() -> None:
    assert redact("the horse said horse-battery!", ["horse-battery"]) == f"the horse said {REDACTED}!"


def test_a_secret_that_contains_another_goes_whole() -> None:
    assert redact("abc123xyz", ["abc", "abc123xyz"]) == REDACTED


def test_a_short_secret_goes_where_it_stands_by_itself_and_spells_itself_in_no_other_word() -> None:
    assert redact('Discord does not answer: password "s" of u:s@h', ["s"]) == (
        f'Discord does not answer: password "{REDACTED}" of u:{REDACTED}@h'
    )


def test_an_empty_secret_hides_nothing() -> None:
    assert redact("text", ["", "unseen"]) == "text"


@given(st.text(), st.text(), st.text(alphabet="abcdefgh0123456789_-", min_size=8))
def test_a_known_secret_is_never_in_the_result(before: str, after: str, secret: str) -> None:
    assert secret not in redact(f"{before}{secret}{after}", [secret])
