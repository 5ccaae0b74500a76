"""What is asked before an act on tokens: in numbers, with what speaks against it."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat.cards import acting
from bot.chat.cards.acting import Proposal
from bot.chat.cards.overview import Overview
from bot.domain.model import Failure, Mode, Token, Trouble
from bot.domain.overlay import laid_over
from bot.domain.value import replace
from tests.chat.builders import NOON, fleet, token
from tests.chat.checks import assert_fits, assert_harmless

BASIC = "Basic (Active monthly, renews next on <t:1767700800>)"
SIX = timedelta(hours=6)


def view(*tokens: Token) -> Overview:
    """What is known, a minute after it was read."""
    return Overview(fleet(*tokens), NOON + timedelta(minutes=1))


def asked(proposal: Proposal | str) -> Proposal:
    assert isinstance(proposal, Proposal)
    return proposal


def lines(proposal: Proposal | str) -> list[str]:
    return [each for each in asked(proposal).lines if each != "\u200b"]


FLEET = view(
    token(1900),
    token(1901, "BANNED"),
    token(1902, running_jobs="2 jobs"),
    token(1903, active=False),
    token(1904, "VERIFYING", active=False),
)


def test_switching_off_says_what_is_left_and_that_jobs_run() -> None:
    proposal = asked(acting.toggling(FLEET, [1902], on=False, reason="mends *it*"))
    assert proposal.heading == "Switch token 1902 off?"
    assert lines(proposal) == [
        "**Now** 2 of 3 tokens work, with 26.6 h of fast time",
        "**Then** 1 of 2 tokens works, with 13.3 h of fast time",
        "Jobs run on 1902: whether they go on, ImaginePro does not say.",
        "Reason: “mends \\*it\\*”",
    ]
    assert (proposal.label, proposal.danger) == ("Switch off 1902", True)


def test_switching_off_what_does_not_work_takes_nothing_away_and_is_no_danger() -> None:
    proposal = asked(acting.toggling(FLEET, [1901], on=False))
    assert lines(proposal) == [
        "**Now** 2 of 3 tokens work, with 26.6 h of fast time",
        "**Then** 2 tokens work, with 26.6 h of fast time",
    ]
    assert not proposal.danger


def test_switching_off_the_last_token_that_works_is_warned_of() -> None:
    proposal = asked(acting.toggling(FLEET, [1900, 1902], on=False))
    assert lines(proposal)[1:3] == [
        "**Then** No token works",
        "⚠️ **No other token works:** jobs sent to ImaginePro then wait, or fail.",
    ]
    assert proposal.label == "Switch off 2 tokens"


def test_what_is_so_already_is_left_alone_and_if_all_is_nothing_is_asked() -> None:
    proposal = asked(acting.toggling(FLEET, [1900, 1903, 1904], on=False))
    assert proposal.tokens == (1900,)
    assert lines(proposal)[-1] == "1903 and 1904 are off already, and left alone."
    read = f"(read <t:{int(NOON.timestamp())}:R>), so nothing was sent."
    assert acting.toggling(FLEET, [1903], on=False) == f"Token 1903 is off already {read}"
    assert acting.toggling(FLEET, [1900, 1902], on=True) == f"Tokens 1900 and 1902 are on already {read}"


def test_whoever_switches_on_what_will_not_work_is_told_why() -> None:
    proposal = asked(acting.toggling(FLEET, [1903, 1904], on=True))
    assert lines(proposal) == [
        "**Now** 2 of 3 tokens work, with 26.6 h of fast time",
        "**Then** 3 of 5 tokens work, with 39.9 h of fast time",
        "⚠️ **1904 is VERIFYING.** The account waits for a human check, and takes no jobs until someone passes it.",
        "Whether ImaginePro takes such a token back now, it does not say.",
    ]
    assert proposal.danger
    assert not asked(acting.toggling(FLEET, [1903], on=True)).danger


def test_of_many_tokens_all_are_named_and_how_long_it_takes() -> None:
    many = view(*(token(each) for each in (*range(100, 110), 200)))
    proposal = asked(acting.toggling(many, [*range(100, 108), 200], on=False))
    assert proposal.heading == "Switch tokens 100, 101, 102, 103, 104 and 4 more off?"
    assert "**Tokens** 100-107, 200" in lines(proposal)
    assert "This takes 27 s: ImaginePro takes one change every 3 s." in lines(proposal)


@pytest.mark.parametrize(
    ("asked_of", "mode", "against"),
    [
        (token(), Mode.RELAX, []),
        (token(subscription=BASIC), Mode.RELAX, ["**Basic has no relax mode:**"]),
        (token(subscription="None (Trial)"), Mode.RELAX, ["**Trial has no relax mode:**"]),
        (token(subscription="Gold (Active)"), Mode.RELAX, ["**Whether its plan has a relax mode is not known.**"]),
        (token(status="RELAX"), Mode.FAST, []),
        (token(status="RELAX", fast_time_remaining="0/15 hours"), Mode.FAST, ["**No fast time is left:**"]),
        (token(), Mode.TURBO, ["**13.3 h of it are used up by 6.7 h of work.**"]),
        (token(fast_time_remaining="?"), Mode.TURBO, ["**How much of it is left is not known.**"]),
        (token(status="BANNED"), Mode.RELAX, ["**It is BANNED:**"]),
        (token(active=False), Mode.RELAX, ["**It is switched off:**"]),
    ],
)
def test_what_speaks_against_a_mode_is_said(asked_of: Token, mode: Mode, against: list[str]) -> None:
    proposal = asked(acting.switching(view(asked_of), asked_of, mode, so=False))
    said = [each.removeprefix("⚠️ ") for each in lines(proposal) if each.startswith("⚠️")]
    assert len(said) == len(against)
    assert all(one.startswith(begins) for one, begins in zip(said, against, strict=True))
    assert proposal.danger is bool(against)


def test_a_mode_says_how_the_token_is_now_and_what_will_be() -> None:
    proposal = asked(acting.switching(view(token()), token(), Mode.RELAX, so=False, reason="save it"))
    assert lines(proposal) == [
        "**Now** fast mode, FAST · 13.3 of 15 h fast time left",
        "**Then** jobs wait longer, and use no fast time",
        "It is sent to Midjourney as a command, and may take minutes. You see here how it ends.",
        "Reason: “save it”",
    ]
    assert (proposal.heading, proposal.label) == ("Switch token 1900 to relax mode?", "Switch to relax")


def test_a_mode_that_is_listed_already_can_be_asked_for_as_what_is_listed_may_be_old() -> None:
    proposal = asked(acting.switching(view(token()), token(), Mode.FAST, so=True))
    assert lines(proposal)[1] == (
        "ImaginePro lists it so already. How old that is, it does not say: `/fast` can be sent all the same."
    )
    assert proposal.label == "Switch to fast"


def test_what_fast_may_mean_is_said() -> None:
    unread = token(job_mode="")
    assert lines(acting.switching(view(unread), unread, Mode.TURBO, so=None))[:2] == [
        "**Now** FAST · 13.3 of 15 h fast time left",
        "That may be turbo mode: ImaginePro calls both FAST.",
    ]


def test_what_is_off_by_an_old_reading_may_be_switched_off() -> None:
    dark = token(active=False)
    away = fleet(dark, failure=Failure(Trouble.TIMED_OUT, "", NOON))
    for unsure in (away, fleet(laid_over(token(active=None), dark, NOON))):
        assert asked(acting.toggling(replace(view(), fleet=unsure), [1900], on=False)).tokens == (1900,)


def test_a_refresh_warns_of_bans_and_names_the_way_that_costs_nothing() -> None:
    proposal = acting.refreshing(token(), SIX, {})
    assert proposal.danger
    assert "Frequent use gets accounts banned" in lines(proposal)[0]
    assert "once in 6 h for each token" in lines(proposal)[0]
    assert lines(proposal)[2].endswith("`/token` with its option refresh, which costs nothing.")
    said = acting.resting(1900, "<@7>", NOON, SIX)
    noon = int(NOON.timestamp())
    assert said.startswith(f"<@7> did that for 1900 <t:{noon}:R>. It can be done again <t:{noon + 21600}:R>")


@given(st.lists(st.integers(0, 60), unique=True, min_size=1).map(sorted))
def test_ranges_are_short_and_name_the_same_tokens(ids: list[int]) -> None:
    parts = [part.split("-") for part in acting.ranges(ids).split(", ")]
    assert [each for part in parts for each in range(int(part[0]), int(part[-1]) + 1)] == ids


@given(st.text(max_size=300), st.text(max_size=40), st.sampled_from(Mode))
def test_whatever_upstream_and_people_write_it_fits_and_is_harmless(text: str, status: str, mode: Mode) -> None:
    odd = token(7, status, subscription=text, fast_time_remaining=text, running_jobs=text, job_mode=text)
    seen = view(odd, token(8, status, active=False))
    for proposal in (
        acting.toggling(seen, [7], on=False, reason=text),
        acting.toggling(seen, [8], on=True, reason=text),
        acting.switching(seen, odd, mode, so=None, reason=text),
        acting.refreshing(odd, SIX, {}),
    ):
        embed = asked(proposal).embed
        assert_fits(embed)
        assert_harmless(str(embed.description))
