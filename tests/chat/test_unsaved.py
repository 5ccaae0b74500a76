"""The one message that is of no row: that the bot cannot save, and that it can again."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from bot.chat.alerts import Roles, unsaved
from bot.chat.text import width
from bot.saving import Trouble
from tests.chat.builders import NOON
from tests.chat.checks import assert_harmless

REASON = "the server's disk, or the plan, is full (53100: could not extend file)"


def test_it_calls_the_role_and_says_what_works_what_does_not_and_what_to_do() -> None:
    shown = unsaved(Trouble("k3f9-s3-1", REASON, NOON), Roles(alert=42, escalation=43))
    assert shown.content is not None
    assert shown.content.startswith("<@&42> 🔴 **The bot cannot save")
    assert dict(shown.allowed_mentions.to_dict()) == {"parse": [], "roles": [42]}
    for words in ("answer from memory", "do not rely on alerts", "silences work only where", "53100"):
        assert words in shown.content
    assert "**What to do:**" in shown.content
    assert "k3f9-s3-1" in shown.content.split(), "or it is not found again"
    assert not shown.silent


def test_without_a_role_it_calls_nobody() -> None:
    shown = unsaved(Trouble("k3f9-s3-1", REASON, NOON), Roles())
    assert "<@" not in (shown.content or "")
    assert dict(shown.allowed_mentions.to_dict()) == {"parse": []}


def test_its_end_says_how_long_it_lasted_and_calls_nobody() -> None:
    trouble = Trouble("k3f9-s3-1", REASON, NOON, NOON + timedelta(minutes=14))
    shown = unsaved(trouble, Roles(alert=42))
    assert shown.content is not None
    assert shown.content.startswith("✅ **The bot saves again, after 14 min**")
    assert "<@" not in shown.content
    assert "k3f9-s3-1" in shown.content.split()


@given(st.text(), st.none() | st.timedeltas(timedelta(-1), timedelta(400)))
def test_whatever_the_database_says_it_fits_and_does_nothing(reason: str, lasted: timedelta | None) -> None:
    shown = unsaved(Trouble("k3f9-s3-1", reason, NOON, None if lasted is None else NOON + lasted), Roles())
    assert_harmless(shown.content or "")
    assert width(shown.content or "") <= 2000
