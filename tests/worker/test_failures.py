"""What a failed run becomes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniq.errors import PermanentFailure, RetryAfter
from soniq.limits import LONGEST_ERROR
from soniq.records import ClaimedJob, Dead, DeadLetterReason, Retry
from soniq.retry import ExponentialBackoff, RetryPolicy
from soniq.worker.failures import (
    LONGEST_DELAY,
    JobTimeout,
    after_failure,
    clamped,
    error_text,
    storable,
)
from tests.factories import claimed_job

META: Mapping[str, Any] = {
    "retry_delay": 7,
    "retry_backoff": False,
    "retry_max_delay": None,
    "retry_jitter": False,
}


class Policy:
    def __init__(self, answer: float | BaseException | None) -> None:
        self.answer = answer

    def delay_for(
        self, *, attempt: int, job_meta: Mapping[str, Any], exc: BaseException
    ) -> float | None:
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def outcome(
    error: BaseException,
    *,
    job: ClaimedJob | None = None,
    policy: RetryPolicy | None = None,
    complaints: list[BaseException] | None = None,
) -> Retry | Dead:
    heard = [] if complaints is None else complaints
    return after_failure(
        error, job or claimed_job(), META, policy or ExponentialBackoff(), heard.append
    )


def reason(result: Retry | Dead) -> DeadLetterReason:
    assert isinstance(result, Dead)
    return result.reason


def delay(result: Retry | Dead) -> float:
    assert isinstance(result, Retry)
    return result.delay


def test_an_ordinary_error_is_tried_again_after_the_delay_of_the_policy() -> None:
    result = outcome(ValueError("boom"))
    assert delay(result) == 7
    assert result.error.startswith("ValueError: boom\n")


def test_the_last_attempt_is_a_dead_letter() -> None:
    last = claimed_job(attempts=4, max_attempts=4)
    assert reason(outcome(ValueError(), job=last)) is DeadLetterReason.MAX_RETRIES_EXCEEDED
    assert reason(outcome(JobTimeout(3), job=last)) is DeadLetterReason.TIMEOUT
    assert reason(outcome(RetryAfter(3), job=last)) is DeadLetterReason.MAX_RETRIES_EXCEEDED


def test_a_permanent_failure_is_not_tried_again() -> None:
    assert reason(outcome(PermanentFailure("no"))) is DeadLetterReason.PERMANENT_FAILURE


@pytest.mark.parametrize(
    ("given", "seconds"),
    [(3, 3.0), (timedelta(minutes=1), 60.0), (-5, 0.0), (math.inf, LONGEST_DELAY)],
)
def test_retry_after_sets_the_delay(given: float | timedelta, seconds: float) -> None:
    assert delay(outcome(RetryAfter(given, "busy"))) == seconds


class Odd(RetryAfter):
    """Sets its seconds itself, or not at all."""

    def __init__(self, seconds: Any = None) -> None:
        if seconds is not None:
            self.seconds = seconds


@pytest.mark.parametrize(
    ("error", "seconds"),
    [(Odd(), 0.0), (Odd(timedelta(minutes=1)), 60.0), (Odd("5"), 5.0), (Odd("soon"), 0.0)],
    ids=["nothing", "timedelta", "text", "words"],
)
def test_seconds_that_a_subclass_sets_are_taken_as_far_as_they_can_be(
    error: RetryAfter, seconds: float
) -> None:
    assert (delay(outcome(error)), error.message) == (seconds, "")
    assert delay(outcome(ValueError(), policy=Policy(error))) == seconds


def test_a_policy_may_give_up_or_use_the_same_exceptions_as_a_handler() -> None:
    assert reason(outcome(ValueError(), policy=Policy(None))) is DeadLetterReason.PERMANENT_FAILURE
    refused = outcome(ValueError(), policy=Policy(PermanentFailure()))
    assert reason(refused) is DeadLetterReason.PERMANENT_FAILURE
    assert delay(outcome(ValueError(), policy=Policy(RetryAfter(9)))) == 9


def test_a_policy_that_fails_is_reported_and_the_default_decides() -> None:
    broken, complaints = KeyError("x"), list[BaseException]()
    assert delay(outcome(ValueError(), policy=Policy(broken), complaints=complaints)) == 7
    assert complaints == [broken]


def test_the_error_of_a_timeout_is_its_message() -> None:
    assert error_text(JobTimeout(0.5)) == "Job timed out after 0.5s"
    assert error_text(JobTimeout(300.0)) == "Job timed out after 300s"


def test_an_exception_that_cannot_say_what_it_is_still_has_a_text() -> None:
    class Mute(Exception):
        def __init__(self, broken: BaseException) -> None:
            self.broken = broken

        def __str__(self) -> str:
            raise self.broken

    for broken in (RuntimeError("mute"), SystemExit(4)):
        assert error_text(Mute(broken)).startswith("Mute: ")


@given(st.text(alphabet=st.characters(), max_size=LONGEST_ERROR * 2))
def test_every_error_text_can_be_stored(text: str) -> None:
    stored = storable(text)
    assert len(stored) <= LONGEST_ERROR
    assert "\0" not in stored
    stored.encode()


@given(st.floats())
def test_every_delay_is_within_ten_years(seconds: float) -> None:
    assert 0 <= clamped(seconds) <= LONGEST_DELAY
