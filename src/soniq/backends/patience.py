"""Waiting for a store that is away, but not for ever."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Final, TypeVar

from soniq.backends.base import BackendError, Contended, Unavailable
from soniq.errors import SONIQ_DATABASE_UNAVAILABLE, SoniqError

Answer = TypeVar("Answer")

_FIRST_PAUSE: Final = 0.1


def pauses(longest: float) -> Iterator[float]:
    """Seconds before each further try: none, then from 0.1 growing to `longest`, with jitter."""
    yield 0.0
    pause = _FIRST_PAUSE
    while True:
        yield min(pause, longest) * random.uniform(0.5, 1.0)
        pause = min(pause * 2, longest)


class Patience:
    """Repeats calls to a store that is away.

    Args:
        seconds: how long one call may take in all.
        longest_pause: seconds, the longest wait between two tries.
        location: where the store is, for the error.
    """

    def __init__(self, seconds: float, longest_pause: float, location: str) -> None:
        self.seconds = seconds
        self.longest_pause = longest_pause
        self._location = location

    def with_pauses_up_to(self, longest: float) -> Patience:
        """The same patience with shorter pauses, in seconds."""
        return Patience(self.seconds, min(longest, self.longest_pause), self._location)

    async def call(
        self,
        attempt: Callable[[], Awaitable[Answer]],
        *,
        share: float | None = 0.5,
        on_failure: Callable[[BackendError], None] | None = None,
    ) -> Answer:
        """Return what `attempt` returns, tried again while the store is away or contended.

        Args:
            attempt: one try; it must be safe to repeat.
            share: of the time, what one try may take before it is cancelled: a connection that is
                lost without a word must leave time for another. None for as long as it takes.
            on_failure: told of each try that failed.

        Raises:
            SoniqError: SONIQ_DATABASE_UNAVAILABLE, the time is over.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.seconds
        waits = pauses(self.longest_pause)
        while True:
            until = None if share is None else min(loop.time() + self.seconds * share, deadline)
            try:
                async with asyncio.timeout_at(until) as limit:
                    return await attempt()
            except TimeoutError as error:
                if not limit.expired():
                    raise
                failure: Exception = error
                told: BackendError = Unavailable(f"{self._location}: no answer")
            except (Unavailable, Contended) as error:
                failure = told = error
            if on_failure is not None:
                on_failure(told)
            pause = next(waits)
            if loop.time() + pause >= deadline:
                raise self.over(failure) from failure
            await asyncio.sleep(pause)

    def over(self, cause: BaseException) -> SoniqError:
        """The error to raise when the time is over, `cause` being the last failure."""
        if isinstance(cause, Contended):
            happened = "Another transaction still holds the dedup key or the rows of this call"
            remedy = "Commit or roll back the transaction that holds it, or raise database_timeout."
        else:
            happened = f"The database {self._location} could not be reached"
            remedy = "Check that the database runs and that SONIQ_DATABASE_URL leads to it."
        remedies = [remedy]
        if isinstance(cause, TimeoutError):
            remedies.append(
                "Where answers take as long, raise database_timeout to twice that time."
            )
        reason = f": {cause}" if str(cause) else ""
        return SoniqError(
            f"{happened} within {self.seconds:g} seconds{reason}",
            SONIQ_DATABASE_UNAVAILABLE,
            {"database": self._location},
            remedies,
        )
