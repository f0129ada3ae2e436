"""What one worker (or a process without one) has recorded, and how much of it is stored.

The store is given absolute values of whole buckets under a number, so a sync whose answer was lost
is repeated as it was and adds up to the same. A batch under way is not changed any more; what is
recorded meanwhile goes with the next one. Whoever is silent for long is taken for gone and its
session ended; one that only slept goes on under a new session, with what was not stored.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from math import inf
from time import monotonic
from typing import Final

from soniq.backends.metric_points import MetricStore, MetricSync, SyncAnswer
from soniq.plugins.metrics.keys import Dropped, KeyBook
from soniq.plugins.metrics.observed import (
    Points,
    add,
    add_minutes,
    bound,
    chunks,
    prune,
    together,
)
from soniq.plugins.metrics.recorder import Recorder
from soniq.plugins.metrics.resolutions import MINUTE
from soniq.plugins.metrics.store_clock import StoreClock

MOST_HELD: Final = 200_000
"""Open buckets of one session; a new one begins without them."""


@dataclass(slots=True)
class Session:
    """A name under which absolute values are stored."""

    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    number: int = 0
    """Of the last sync that is stored."""
    closed: int = 0
    """The minute up to which everything is stored."""
    held: Points = field(default_factory=dict)
    """What is stored of the buckets that are still open."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A sync under way."""

    sync: MetricSync
    news: Points
    """What it adds to what was stored before."""
    values: Points
    """What is stored after it."""


class Account:
    """Records, and stores what was recorded.

    Args:
        worker_id: who records; None for a process without a worker.
        clock: the store's time.
        keys: says which keys may be recorded.
        dropped: counts what is not.
        keep: seconds for which points are kept, by resolution.
    """

    def __init__(
        self,
        worker_id: str | None,
        clock: StoreClock,
        keys: KeyBook,
        dropped: Dropped,
        keep: Mapping[str, int],
    ) -> None:
        self.worker_id = worker_id
        self.recorder = Recorder(clock, keys, dropped)
        self.is_closed = False
        self._synced_at = -inf
        self._clock = clock
        self._keys = keys
        self._dropped = dropped
        self._keep = keep
        self._turn = threading.Lock()
        self._session = Session()
        self._waiting: Points = {}
        self._batch: Batch | None = None

    @property
    def synced_for(self) -> float:
        """Seconds since everything was stored."""
        return monotonic() - self._synced_at

    async def sync(self, store: MetricStore, *, ends: bool = False) -> None:
        """Store what has been recorded; with `ends`, as the last of it.

        Raises:
            BackendError, SoniqError: it could not be stored, and will be with the next call.
        """
        async with self._alone():
            if self.is_closed:
                return
            self._collect()
            # A batch whose answer was lost goes first, as it was.
            await self._send_all(store)
            self._prepare(ends=ends)
            await self._send_all(store)
            self.is_closed = ends
            self._synced_at = monotonic()

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """One sync at a time, whichever loop it runs on."""
        while not self._turn.acquire(blocking=False):  # noqa: ASYNC110 - of another loop, perhaps
            await asyncio.sleep(0.005)
        try:
            yield
        finally:
            self._turn.release()

    def _collect(self) -> None:
        now = self._clock()
        minutes = self.recorder.drain()
        self._keys.forget_others({key for minute in minutes for key in minute.series})
        add_minutes(self._waiting, minutes)
        prune(self._waiting, self._keep, now)
        bound(self._waiting, self._dropped)

    def _prepare(self, *, ends: bool) -> None:
        news, self._waiting = self._waiting, {}
        session = self._session
        if not news and (self.worker_id is None or ends) and not (ends and session.number):
            return
        if any(place.end <= session.closed for place in news):
            # A clock has gone back. What is stored of those buckets is known no more, so they go
            # under another name.
            session = self._session = Session()
        # The minute that is open by the store's time may yet get more.
        closed = max(session.closed, int(self._clock() // MINUTE) * MINUTE - MINUTE)
        values = together(session.held, news)
        sync = MetricSync(
            session.id,
            self.worker_id,
            session.number + 1,
            closed,
            # Keys that come and go would make it hold more and more until the end of the day.
            ends or len(session.held) > MOST_HELD,
            chunks(values, self._keep),
        )
        self._batch = Batch(sync, news, values)

    async def _send_all(self, store: MetricStore) -> None:
        """Send the batch, and the one that takes its place if its session has ended."""
        while (batch := self._batch) is not None:
            began = self._clock.local()
            answer = await store.sync(batch.sync)
            self._clock.learn(answer.now, began)
            self._batch = None
            self._settle(batch, answer)

    def _settle(self, batch: Batch, answer: SyncAnswer) -> None:
        if answer.number >= batch.sync.number:
            self._stored(batch)
        if not answer.open:
            self._begin_anew(batch, answer)

    def _stored(self, batch: Batch) -> None:
        session = self._session
        session.number = batch.sync.number
        session.closed = batch.sync.closed
        session.held.update(batch.values)
        for place in [place for place in session.held if place.end <= session.closed]:
            del session.held[place]

    def _begin_anew(self, batch: Batch, answer: SyncAnswer) -> None:
        """The session has ended, perhaps for its silence: what it did not take goes to another."""
        self._session = Session()
        if answer.number < batch.sync.number:
            for place, content in batch.news.items():
                add(self._waiting, place, content)
            self._prepare(ends=batch.sync.ends)
