"""How long a failed job waits for its next attempt."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

# 2 ** 60 seconds is past any bound there is, and still a float.
_HIGHEST_DOUBLING: Final = 60


class RetryPolicy(Protocol):
    """Decides when a failed job is tried again. Pass your own as ``Soniq(retry_policy=...)``."""

    def delay_for(
        self, *, attempt: int, job_meta: Mapping[str, Any], exc: BaseException
    ) -> float | None:
        """Seconds until the next attempt, or None to give the job up.

        Args:
            attempt: the attempt that failed, from 1.
            job_meta: the options the job was registered with.
            exc: what the handler raised.

        Raises:
            PermanentFailure: give the job up.
            RetryAfter: try again after its seconds.
        """
        ...


@dataclass(frozen=True, slots=True)
class ExponentialBackoff:
    """The default policy: it does what the job's own retry options say.

    `retry_delay` is a number of seconds, or a list with one entry an attempt whose last one
    repeats. With `retry_backoff` a number (1 if it is 0) doubles with each attempt. Either is
    capped by `retry_max_delay`. With `retry_backoff` and `retry_jitter` the wait is picked
    uniformly between half of that and all of it, so that jobs that failed together don't come
    back together.
    """

    def delay_for(
        self, *, attempt: int, job_meta: Mapping[str, Any], exc: BaseException
    ) -> float | None:
        """Seconds until the next attempt; never None."""
        backoff = bool(job_meta.get("retry_backoff", False))
        delay = _delay(job_meta.get("retry_delay", 0), attempt, backoff=backoff)
        cap = job_meta.get("retry_max_delay")
        if cap is not None:
            delay = min(delay, float(cap))
        if backoff and job_meta.get("retry_jitter", True):
            delay = random.uniform(delay / 2, delay)
        return delay


def _delay(retry_delay: Any, attempt: int, *, backoff: bool) -> float:
    if isinstance(retry_delay, list | tuple) and retry_delay:
        return float(retry_delay[min(attempt, len(retry_delay)) - 1])
    base = 0.0 if isinstance(retry_delay, list | tuple) else float(retry_delay)
    if not backoff:
        return base
    return (base or 1.0) * 2.0 ** min(attempt - 1, _HIGHEST_DOUBLING)
