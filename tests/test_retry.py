from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from soniq.retry import ExponentialBackoff

attempts = st.integers(1, 10_000)
seconds = st.floats(0, 86400, allow_nan=False)


def delay(attempt: int, **meta: Any) -> float:
    found = ExponentialBackoff().delay_for(attempt=attempt, job_meta=meta, exc=ValueError())
    assert found is not None
    return found


@given(attempts)
def test_a_job_that_says_nothing_is_tried_again_at_once(attempt: int) -> None:
    assert delay(attempt) == 0


@given(attempts, seconds)
def test_a_fixed_delay_is_the_same_after_every_attempt(attempt: int, base: float) -> None:
    assert delay(attempt, retry_delay=base) == base


@given(attempts, st.lists(seconds, min_size=1, max_size=5))
def test_a_list_has_an_entry_an_attempt_and_the_last_one_repeats(
    attempt: int, delays: list[float]
) -> None:
    expected = delays[attempt - 1] if attempt <= len(delays) else delays[-1]
    assert delay(attempt, retry_delay=tuple(delays)) == expected
    assert delay(attempt, retry_delay=delays) == expected


@given(attempts)
def test_an_empty_list_means_no_delay(attempt: int) -> None:
    assert delay(attempt, retry_delay=()) == 0


def test_backoff_without_jitter_gives_the_exact_series() -> None:
    series = [
        delay(attempt, retry_delay=10, retry_backoff=True, retry_jitter=False)
        for attempt in range(1, 6)
    ]
    assert series == [10, 20, 40, 80, 160]


def test_backoff_without_a_delay_starts_at_one_second() -> None:
    series = [delay(n, retry_backoff=True, retry_jitter=False) for n in (1, 2, 3)]
    assert series == [1, 2, 4]


@given(attempts, seconds, seconds)
def test_no_delay_is_longer_than_the_longest_allowed(
    attempt: int, base: float, longest: float
) -> None:
    meta = {"retry_delay": base, "retry_max_delay": longest, "retry_backoff": True}
    assert delay(attempt, **meta) <= longest
    assert delay(attempt, **meta, retry_jitter=False) <= longest


@given(attempts, seconds, seconds)
def test_jitter_stays_between_half_of_the_delay_and_all_of_it(
    attempt: int, base: float, longest: float
) -> None:
    meta = {"retry_delay": base, "retry_max_delay": longest, "retry_backoff": True}
    exact = delay(attempt, **meta, retry_jitter=False)
    assert exact / 2 <= delay(attempt, **meta) <= exact


def test_jitter_spreads_the_delays() -> None:
    found = {delay(5, retry_delay=10, retry_backoff=True) for _ in range(20)}
    assert len(found) > 1
