"""What workers tell each other, through the payload and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniq.backends.postgres.lanes import LaneKey
from soniq.backends.postgres.wakeups import (
    Announcement,
    Arrival,
    announcement,
    arrivals,
    heard,
    unfinished_payload,
)
from tests.factories import new_job

NOW = datetime(2030, 1, 1, tzinfo=UTC)
NOTHING = Announcement([], [])


def finished(payload: str, now: datetime = NOW) -> str:
    """What the database makes of a payload."""
    return f"{payload}{round(now.timestamp() * 1_000_000)}}}"


def told(arrived: list[Arrival]) -> Announcement | None:
    return heard(finished(unfinished_payload("public", "one", arrived)), "public", "other")


def test_a_job_due_at_once_is_told_as_due_now() -> None:
    (news,) = announcement(arrivals([new_job(queue="q", priority=3)]), NOW).news
    assert (news.lane, news.due, news.wait) == (LaneKey("q", 3), NOW, 0)


def test_a_future_job_lowers_no_floor_below_now_and_tells_its_wait() -> None:
    (news,) = announcement(arrivals([new_job(delay=90)]), NOW).news
    assert (news.due, news.wait) == (NOW, 90)


def test_a_job_due_in_the_past_is_told_from_then_on() -> None:
    past = NOW - timedelta(hours=1)
    (news,) = announcement(arrivals([new_job(scheduled_at=past), new_job()]), NOW).news
    assert news.due == past


def test_the_earliest_of_a_lane_is_told() -> None:
    jobs = [new_job(delay=9), new_job(scheduled_at=NOW + timedelta(seconds=5)), new_job(delay=7)]
    (news,) = announcement(arrivals(jobs), NOW).news
    assert news.wait == 5


QUEUES = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=20
)


@given(
    st.lists(
        st.builds(
            Arrival,
            st.builds(LaneKey, QUEUES, st.integers(1, 1000)),
            st.none() | st.datetimes(timezones=st.just(UTC)),
            st.none() | st.floats(0, 3e8),
            st.booleans(),
        ),
        max_size=10,
    )
)
def test_what_is_told_is_what_is_heard(arrived: list[Arrival]) -> None:
    assert told(arrived) == announcement(arrived, NOW)


def test_more_lanes_than_a_payload_holds_are_told_as_all_lanes() -> None:
    lanes = [Arrival(LaneKey("ü" * 128, number), None, 0.0) for number in range(100)]
    payload = finished(unfinished_payload("public", "one", lanes))
    assert len(payload.encode()) < 8000
    assert heard(payload, "public", "other") is None


def test_a_process_does_not_hear_itself_nor_another_schema() -> None:
    payload = finished(unfinished_payload("public", "one", arrivals([new_job()])))
    assert heard(payload, "public", "one") == NOTHING
    assert heard(payload, "elsewhere", "other") == NOTHING


@pytest.mark.parametrize("payload", ["", "null", "[]", "{}", "nonsense", '{"schema":"public"}'])
def test_a_payload_nobody_can_read_says_that_anything_may_have_come(payload: str) -> None:
    assert heard(payload, "public", "other") is None
