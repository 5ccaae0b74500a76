"""What a record leaves out keeps what was known, with its age; nothing takes it for news."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.incidents import Rule
from bot.domain.model import InfoText, Record
from bot.domain.value import replace
from bot.domain.watch.known import Known, Memory, restore
from tests.domain.fleets import at, reading, record, taken
from tests.domain.stories import EVERY_MINUTE, Story, watching

TEXTS = InfoText.__struct_fields__
FIELDS = ("status", "active", "channel_id", "server_id", "concurrency", *TEXTS)


def without(whole: Record, *names: str) -> Record:
    """The record as it is sent when the upstream leaves those fields out."""
    texts = {name: "" for name in names if name in TEXTS}
    fields = {name: None if name in {"active", "concurrency"} else "" for name in names if name not in TEXTS}
    return replace(whole, **fields, info=replace(whole.info, **texts))  # type: ignore[arg-type] # names and types as above


records = st.builds(
    record,
    token_id=st.integers(1, 3),
    status=st.sampled_from(["FAST", "RELAX", "VERIFYING", "BANNED", "PONDERING"]),
    fast=st.sampled_from(["13.47/15.0 hours (89.78%)", "2.00/15.0 hours (13.33%)", "0.00/15.0 hours (0.00%)"]),
    plan=st.sampled_from(["Basic", "Standard"]),
    active=st.sampled_from([True, True, False]),
    queued=st.sampled_from(["0", "4"]),
    running=st.sampled_from(["None", "a job"]),
    terms=st.sampled_from(["Active monthly", "Paused"]),
)
steps = st.tuples(
    st.lists(records, min_size=1, max_size=3, unique_by=lambda each: each.id),
    st.sampled_from([1, 1, 5, 25, 400]),
    st.sets(st.sampled_from(FIELDS)),
    st.booleans(),
)
"""What is so; after how many minutes; which fields are left out of it; and whether the process starts anew."""


@given(st.lists(steps, min_size=2, max_size=10))
def test_a_field_that_is_left_out_changes_nothing_but_its_age(
    story: list[tuple[list[Record], int, set[str], bool]],
) -> None:
    gaps, full, minutes = Known(), Known(), 0
    known: dict[int, Record] = {}
    for fleet, later, missing, starts in story:
        minutes += later
        sent = [without(each, *missing) if each.id in known else each for each in fleet]
        same = [as_if_unchanged(each, known.get(each.id), missing) for each in fleet]
        known |= {each.id: each for each in same}
        if starts:
            gaps, full = (restore(remembered(each)) for each in (gaps, full))
        changed, gaps = taken(gaps, reading(minutes, *sent), EVERY_MINUTE)
        expected, full = taken(full, reading(minutes, *same), EVERY_MINUTE)
        assert ageless(changed.incidents) == ageless(expected.incidents)
        assert (changed.notify, changed.notices) == (expected.notify, expected.notices)
        assert {each: ageless(token.record) for each, token in gaps.fleet.tokens.items()} == {
            each: ageless(token.record) for each, token in full.fleet.tokens.items()
        }
        known = {each: one for each, one in known.items() if each in gaps.remembered}


def as_if_unchanged(read: Record, before: Record | None, missing: set[str]) -> Record:
    """The record as it is if what was left out of it has not changed."""
    if before is None:
        return read
    texts = {name: getattr(before.info, name) for name in missing if name in TEXTS}
    fields = {name: getattr(before, name) for name in missing if name not in TEXTS}
    return replace(read, **fields, info=replace(read.info, **texts))


def ageless(value: object) -> object:
    """Without the ages of what was kept."""
    built = msgspec.to_builtins(value)

    def stripped(each: object) -> object:
        if isinstance(each, dict):
            return {name: stripped(one) for name, one in each.items() if name != "kept"}
        return [stripped(one) for one in each] if isinstance(each, list | tuple) else each

    return stripped(built)


def remembered(known: Known) -> Memory:
    """What a restart leaves of it."""
    listed = {token_id: token.record for token_id, token in known.remembered.items()}
    return Memory(listed, known.fleet.read_at, known.incidents, (), known.histories)


def test_what_is_left_out_has_the_age_of_the_reading_that_had_it() -> None:
    story = watching(record())
    story.read(5, record())
    story.read(6, without(record(), "status", "fast_time_remaining"))
    story.read(7, without(record(), *TEXTS))
    kept = story.known.fleet.tokens[1900].record.kept
    assert kept == {"fast_time_remaining": at(5)} | dict.fromkeys(set(kept) - {"fast_time_remaining"}, at(6))
    assert {"subscription", "running_jobs"} <= kept.keys()
    story.read(8, record())
    assert story.known.fleet.tokens[1900].record == record()


@pytest.mark.parametrize(
    ("bad", "gap"),
    [
        (record(plan="Basic", fast="0.00/200.0 minutes (0.00%)"), TEXTS),
        (record(plan="Basic", status="RELAX"), TEXTS),
        (record(active=False, status="BANNED"), ("active",)),
        (record(active=False, fast="0.45/15.0 hours (3.00%)"), ("active",)),
        (record(status="BANNED"), ("status",)),
        (record(terms="Paused"), ("subscription",)),
        (record(fast="1.50/15.0 hours (10.00%)"), ("fast_time_remaining",)),
    ],
)
def test_a_gap_in_one_record_is_no_news_and_takes_no_acknowledgement(bad: Record, gap: tuple[str, ...]) -> None:
    story = watching(record(plan="Basic"))
    story.read(1, bad)
    story.acknowledge(2, *story.known.incidents)
    before = story.known.incidents
    assert story.read(3, without(bad, *gap)) == []
    assert story.read(4, bad) == []
    assert story.known.incidents == before
    assert story.known.fleet.tokens[1900].usable == (
        bad.status == "FAST" and bad.active is True and "0.00/" not in bad.info.fast_time_remaining
    )


def test_a_gap_between_two_statuses_hides_no_flip_between_them() -> None:
    story = watching()
    assert story.read(1, record(status="")) == []
    assert story.read(2, record(status="RELAX")) == ["degraded 1900 warning RELAX"]
    assert story.read(3, record(status="")) == []
    assert story.read(4, record(status="FAST")) == ["ended: degraded 1900 warning FAST"]
    story.read(5, record(status=""))
    heard = set(story.read(6, record(status="BANNED")))
    assert heard == {"flapping 1900 warning BANNED", "banned 1900 critical BANNED"}
    was = story.incident(Rule.BANNED).was
    assert was is not None
    assert was.status == "FAST"


def test_a_refill_is_seen_across_a_gap() -> None:
    story = watching()
    story.read(1, record(fast="1.50/15.0 hours (10.00%)"))
    story.read(2, record(fast=""))
    assert story.read(3, record(fast="3.30/15.0 hours (22.00%)")) == ["ended: fast_time_low 1900 warning FAST"]


def test_where_a_status_comes_from_is_remembered_though_its_rule_is_off() -> None:
    story = watching()
    story.set(Rule.VERIFYING, on=False)
    assert story.read(1, record(status="VERIFYING")) == []
    assert story.read(2, record(status="RELAX")) == ["degraded 1900 warning RELAX"]
    story.known = restore(remembered(story.known))
    assert story.read(3, record(status="RELAX")) == []
    assert story.known.histories[1900].origin == "FAST"


def test_a_token_that_joins_in_relax_without_a_relax_mode_needs_somebody() -> None:
    story: Story = watching()
    heard = story.read(1, record(), record(2, "RELAX", plan="Basic"))
    assert "degraded 2 critical RELAX" in heard
