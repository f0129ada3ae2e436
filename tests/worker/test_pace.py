"""How much is claimed ahead follows how long jobs take."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from soniq.worker.pace import MOST, STATEMENT_BYTES, Pace


def test_nothing_is_claimed_ahead_before_anything_is_known() -> None:
    assert Pace(4, "auto").appetite(free=3, waiting=[], blocked=0) == 3


def test_short_jobs_are_claimed_ahead() -> None:
    pace = Pace(4, "auto")
    pace.ended("quick", 0.001)
    assert pace.appetite(free=0, waiting=[], blocked=0) == 200


def test_long_jobs_are_not_claimed_ahead() -> None:
    pace = Pace(4, "auto")
    pace.ended("slow", 10.0)
    assert pace.appetite(free=1, waiting=[], blocked=0) == 1


def test_a_waiting_job_of_unknown_length_stops_the_claiming_ahead() -> None:
    pace = Pace(4, "auto")
    pace.ended("quick", 0.001)
    assert pace.appetite(free=0, waiting=["never seen"], blocked=0) == 0


def test_slots_held_by_long_runs_do_not_count() -> None:
    pace = Pace(4, "auto")
    pace.ended("quick", 0.001)
    assert pace.appetite(free=0, waiting=[], blocked=3) == 50
    assert pace.appetite(free=0, waiting=[], blocked=4) == 0


def test_what_waits_already_is_taken_off() -> None:
    pace = Pace(4, "auto")
    pace.ended("quick", 0.001)
    assert pace.appetite(free=0, waiting=["quick"] * 90, blocked=0) == 110


def test_the_next_claim_waits_until_half_of_what_was_ready_is_used_up() -> None:
    pace = Pace(4, "auto")
    pace.ended("quick", 0.001)
    assert pace.appetite(free=0, waiting=["quick"] * 101, blocked=0) == 0
    assert pace.low_water == 100
    assert pace.appetite(free=0, waiting=["quick"] * 100, blocked=0) == 100


def test_a_fixed_number_is_kept() -> None:
    pace = Pace(4, 10)
    assert pace.appetite(free=2, waiting=["x"] * 4, blocked=0) == 8
    assert pace.appetite(free=0, waiting=["x"] * 6, blocked=0) == 0
    assert Pace(4, 0).appetite(free=2, waiting=[], blocked=0) == 2


def test_large_arguments_make_small_claims() -> None:
    pace = Pace(1000, "auto")
    pace.claimed([STATEMENT_BYTES] * 100)
    assert pace.appetite(free=1000, waiting=[], blocked=0) == 1


@given(
    free=st.integers(0, 2000),
    waiting=st.lists(st.sampled_from(["a", "b", "c"]), max_size=50),
    blocked=st.integers(0, 100),
    seconds=st.floats(0, 1e6),
)
def test_the_appetite_is_bounded(
    free: int, waiting: list[str], blocked: int, seconds: float
) -> None:
    pace = Pace(100, "auto")
    pace.ended("a", seconds)
    pace.ended("b", seconds / 3)
    assert 0 <= pace.appetite(free, waiting, blocked) <= MOST


def test_a_fixed_number_is_not_claimed_while_every_slot_is_held_for_long() -> None:
    pace = Pace(4, prefetch=10)
    assert pace.appetite(free=0, waiting=[], blocked=4) == 0
    assert pace.appetite(free=1, waiting=[], blocked=3) == 11
