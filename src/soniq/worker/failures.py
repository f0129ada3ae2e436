"""What a failed run becomes: another attempt or a dead letter. Pure."""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from soniq.errors import PermanentFailure, RetryAfter
from soniq.limits import LONGEST_ERROR
from soniq.records import ClaimedJob, Dead, DeadLetterReason, Retry
from soniq.retry import ExponentialBackoff, RetryPolicy

LONGEST_DELAY = 10 * 365 * 86400.0
_CUT = "\n[...]\n"

_DEFAULT_POLICY = ExponentialBackoff()


class JobTimeout(TimeoutError):
    """The job's own time limit ran out."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"Job timed out after {seconds:g}s")


def clamped(delay: float) -> float:
    """`delay` within 0 seconds to 10 years; what is no number counts as 0."""
    return 0.0 if math.isnan(delay) else min(max(delay, 0.0), LONGEST_DELAY)


def storable(text: str) -> str:
    """`text` without what no store can hold, its middle cut out when it is too long."""
    text = text.replace("\0", "").encode("utf-8", "ignore").decode("utf-8")
    if len(text) <= LONGEST_ERROR:
        return text
    head = LONGEST_ERROR // 4
    return text[:head] + _CUT + text[len(text) - (LONGEST_ERROR - head - len(_CUT)) :]


def error_text(error: BaseException) -> str:
    """ "Type: message", a line break and the traceback; a timeout is its message alone."""
    if type(error) is JobTimeout:
        return str(error)
    message = _made("text", lambda: str(error))
    trace = _made("traceback", lambda: "".join(traceback.format_exception(error)))
    return storable(f"{type(error).__name__}: {message}\n{trace}")


def _made(what: str, make: Callable[[], str]) -> str:
    try:
        return make()
    except BaseException as broken:  # noqa: BLE001 - an exception's own __str__ may raise anything
        return f"<its {what} could not be made: {type(broken).__name__}>"


def after_failure(
    error: BaseException,
    job: ClaimedJob,
    job_meta: Mapping[str, Any],
    policy: RetryPolicy,
    policy_failed: Callable[[BaseException], None],
) -> Retry | Dead:
    """The outcome of a run that raised `error`.

    Args:
        job_meta: the options of the job, for the policy.
        policy_failed: told when the policy itself raised; the default policy then decides.
    """
    text = error_text(error)
    if isinstance(error, PermanentFailure):
        return Dead(DeadLetterReason.PERMANENT_FAILURE, text)
    if job.attempts >= job.max_attempts:
        timed_out = isinstance(error, JobTimeout)
        reason = DeadLetterReason.TIMEOUT if timed_out else DeadLetterReason.MAX_RETRIES_EXCEEDED
        return Dead(reason, text)
    if isinstance(error, RetryAfter):
        return Retry(_wanted(error), text)
    delay = _delay(error, job, job_meta, policy, policy_failed)
    if delay is None:
        return Dead(DeadLetterReason.PERMANENT_FAILURE, text)
    return Retry(clamped(delay), text)


def after_defect(
    error: BaseException | None, defect: BaseException, job: ClaimedJob, job_meta: Mapping[str, Any]
) -> Retry | Dead:
    """The outcome of a run that got none, for `defect` broke what was to find it.

    Nothing but their texts is asked of the two, and nobody else has a say.

    Args:
        error: what the run had raised before, if it had.
        job_meta: the options of the job.
    """
    text = error_text(defect)
    if error is not None:
        text = storable(f"{error_text(error)}\n{text}")
    if job.attempts >= job.max_attempts:
        return Dead(DeadLetterReason.MAX_RETRIES_EXCEEDED, text)
    delay = _DEFAULT_POLICY.delay_for(attempt=job.attempts, job_meta=job_meta, exc=defect)
    return Retry(clamped(delay or 0.0), text)


def _wanted(wish: RetryAfter) -> float:
    """Its seconds; what a subclass has made no number counts as 0."""
    try:
        wanted: object = wish.seconds
        if isinstance(wanted, timedelta):
            return clamped(wanted.total_seconds())
        return clamped(float(wanted))  # type: ignore[arg-type]
    except BaseException:  # noqa: BLE001 - a subclass is the user's code
        return 0.0


def _delay(
    error: BaseException,
    job: ClaimedJob,
    job_meta: Mapping[str, Any],
    policy: RetryPolicy,
    policy_failed: Callable[[BaseException], None],
) -> float | None:
    try:
        delay = policy.delay_for(attempt=job.attempts, job_meta=job_meta, exc=error)
        return None if delay is None else float(delay)
    except PermanentFailure:
        return None
    except RetryAfter as chosen:
        return _wanted(chosen)
    except BaseException as broken:  # noqa: BLE001 - a policy is the user's code
        policy_failed(broken)
        return _DEFAULT_POLICY.delay_for(attempt=job.attempts, job_meta=job_meta, exc=error)
