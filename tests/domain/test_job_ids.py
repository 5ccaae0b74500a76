"""Which jobs a text speaks of."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.job_ids import is_job_id, job_ids, typed

ONE = "1f3e8a2b-9c4d-4e5f-8a6b-7c8d9e0f1a2b"
OTHER = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    "text",
    [
        ONE,
        f"  {ONE}\n",
        f"`{ONE}`",
        f"```\n{ONE}\n```",
        ONE.upper(),
        f"https://api.imaginepro.ai/api/v1/message/fetch/{ONE}?a=1",
        f"[job](https://example.com/{ONE}/{ONE}.png)",
        f'{{"success": true, "messageId": "{ONE}"}}',
        ONE.replace("-", "\u2013"),
        ONE.replace("-", " - "),
        ONE.replace("-", ""),
        ONE.replace("-", " "),
        f"1f3e8a2b-9c4d\n{ONE[13:]}",
    ],
)
def test_an_id_is_read_however_it_was_pasted(text: str) -> None:
    assert typed(text) == (ONE,)


@pytest.mark.parametrize(
    "text", ["", "1900", "your-message-id", ONE[:-1], f"{ONE}0", f"x{ONE}", ONE.replace("f", "g"), ONE * 2]
)
def test_what_is_no_id_is_none(text: str) -> None:
    assert typed(text) == ()


def test_several_are_found_in_their_order_and_each_once() -> None:
    assert job_ids(f"{OTHER} and {ONE.upper()}", "nothing", f"`{OTHER}`") == (OTHER, ONE)
    assert typed(f"{ONE} {OTHER}") == (ONE, OTHER)


@given(st.text(st.sampled_from("0aF- `\u2013g/"), max_size=80))
def test_whatever_is_found_is_an_id_and_nothing_else(text: str) -> None:
    assert all(is_job_id(each) for each in typed(text))


def test_a_text_of_any_length_takes_no_time() -> None:
    """Only so much of it is looked at, since it is somebody else's."""
    assert typed("0" * 10**7) == ()
    assert job_ids(f"{' ' * 30_000}{ONE}") == ()
    assert not is_job_id(f"{ONE}\n")
