"""What fires when a scheduler comes late, and what was missed."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniq.scheduler.catch_up import MOST_RUNS, Turn, turn
from soniq.scheduler.draft import due_at, put_off
from tests.backends.test_schedules import schedule

DUE = datetime(2026, 3, 1, 12, tzinfo=UTC)
MISSED_AFTER = 60.0
SECOND = timedelta(seconds=1)


def late_by(seconds: float, *, every: float = 10, **overrides: Any) -> Turn:
    one = schedule(schedule_type="interval", schedule_value=str(every), **overrides)
    return turn(one, DUE + seconds * SECOND, MISSED_AFTER)


@pytest.mark.parametrize("policy", ["skip", "one", "all"])
def test_on_time_it_fires_its_due_time(policy: str) -> None:
    assert late_by(0.01, catch_up=policy) == Turn([DUE], DUE + 10 * SECOND)


@pytest.mark.parametrize("policy", ["skip", "one", "all"])
def test_late_due_times_all_fire(policy: str) -> None:
    answer = late_by(60, catch_up=policy)

    assert answer == Turn([DUE + n * 10 * SECOND for n in range(7)], DUE + 70 * SECOND)


@pytest.mark.parametrize("policy, missed", [("skip", []), ("one", [0]), ("all", [0, 1, 2, 3])])
def test_missed_ones_go_by_the_policy(policy: str, missed: list[int]) -> None:
    answer = late_by(100, catch_up=policy)

    expected = [*missed, 4, 5, 6, 7, 8, 9, 10]
    assert answer == Turn([DUE + n * 10 * SECOND for n in expected], DUE + 110 * SECOND)


def test_no_more_than_a_thousand_run_after_an_outage() -> None:
    answer = late_by(15_000, every=10, catch_up="all")

    assert len(answer.runs) == MOST_RUNS
    assert answer.runs[0] == DUE
    assert answer.runs[-1] == DUE + 15_000 * SECOND
    assert answer.dropped == 1501 - MOST_RUNS
    assert answer.next_run == DUE + 15_010 * SECOND


@pytest.mark.parametrize(
    "timing",
    [("interval", "1"), ("cron", "* * * * * *"), ("cron", "* 0-59 0-23 * * *")],
    ids=["interval", "cron", "cron of fixed times"],
)
def test_all_that_a_long_outage_drops_are_counted(timing: tuple[str, str]) -> None:
    kind, value = timing
    one = schedule(schedule_type=kind, schedule_value=value, catch_up="all")
    seconds = 2 * 86400

    answer = turn(one, DUE + seconds * SECOND, MISSED_AFTER)

    assert len(answer.runs) == MOST_RUNS
    assert answer.dropped == seconds + 1 - MOST_RUNS


def test_cron_schedules_are_caught_up_alike() -> None:
    one = schedule(schedule_value="*/5 * * * *", catch_up="all")

    answer = turn(one, DUE + timedelta(minutes=12), MISSED_AFTER)

    assert answer.runs == [DUE + n * timedelta(minutes=5) for n in range(3)]
    assert answer.next_run == DUE + timedelta(minutes=15)


@given(st.floats(0, 300), st.integers(0, 10**6), st.text("abc", min_size=1))
def test_jitter_stays_in_its_bounds_and_is_the_same_everywhere(
    jitter: float, minutes: int, name: str
) -> None:
    due = DUE + timedelta(minutes=minutes)
    one, other = (schedule(name=name, jitter=jitter) for _ in range(2))

    fires = put_off(one, due)

    assert due <= fires <= due + timedelta(seconds=jitter)
    assert put_off(other, due) == fires


def test_jitter_differs_from_run_to_run() -> None:
    one = schedule(jitter=60.0)

    offsets = [put_off(one, DUE + n * SECOND) - (DUE + n * SECOND) for n in range(100)]

    assert len(set(offsets)) == 100
    assert min(offsets) < 10 * SECOND < 50 * SECOND < max(offsets)


def test_a_run_put_off_by_its_jitter_is_not_missed() -> None:
    one = due_at(
        schedule(jitter=600.0, schedule_type="interval", schedule_value="3600", catch_up="skip"),
        DUE,
    )

    answer = turn(one, one.fires_at + SECOND, MISSED_AFTER)

    assert answer == Turn([one.fires_at], DUE + 3600 * SECOND)


@given(st.floats(0, 30), st.floats(0, 500), st.sampled_from(["skip", "one", "all"]))
def test_runs_come_once_each_and_nothing_due_is_left(
    jitter: float, late: float, policy: str
) -> None:
    one = due_at(
        schedule(jitter=jitter, schedule_type="interval", schedule_value="7", catch_up=policy),
        DUE,
    )
    now = one.fires_at + late * SECOND

    answer = turn(one, now, MISSED_AFTER)

    # Two due times may be put off until the same moment: each is a run of its own.
    passed = (answer.next_run - DUE) // (7 * SECOND)
    once_each = Counter(put_off(one, DUE + n * 7 * SECOND) for n in range(passed))
    assert Counter(answer.runs) <= once_each
    assert policy != "all" or Counter(answer.runs) == once_each
    assert all(run <= now for run in answer.runs)
    assert put_off(one, answer.next_run) > now
    assert answer.next_run > DUE
