"""The three stores as the conformance suite sees them, and workers that stand on them."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import aiosqlite
import asyncpg

from soniq.backends.base import Backend, WorkerSession
from soniq.backends.memory import MemoryBackend
from soniq.records import Claimed, ClaimedJob, JobDict, Outcome
from soniq.settings import SoniqSettings
from tests.factories import ending, new_worker

POLL: Final = 0.1
PATIENCE: Final = 15.0
HEARTBEAT_INTERVAL: Final = 20.0
HEARTBEAT_TIMEOUT: Final = 60.0


def settings(**overrides: Any) -> SoniqSettings:
    """Settings under which a test need not wait long."""
    values = {
        "poll_interval": POLL,
        "heartbeat_interval": HEARTBEAT_INTERVAL,
        "heartbeat_timeout": HEARTBEAT_TIMEOUT,
        "pool_min_size": 1,
    }
    return SoniqSettings(**{**values, **overrides})


class Clock:
    """A clock that stands still until it is told that time has passed."""

    def __init__(self) -> None:
        self._now = datetime.now(UTC)

    def __call__(self) -> datetime:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Recruit:
    """A worker that claims only when its test says so, and waits as a worker waits: to be woken,
    or for the poll interval."""

    def __init__(self, id: str) -> None:
        self.id = id
        self.session: WorkerSession
        self.woken = asyncio.Event()
        self.announced: list[int | None] = []

    def wake(self, priority: int | None) -> None:
        self.announced.append(priority)
        self.woken.set()

    async def wait_for_wake(self) -> None:
        async with asyncio.timeout(PATIENCE):
            await self.woken.wait()

    async def pause(self) -> None:
        try:
            async with asyncio.timeout(POLL):
                await self.woken.wait()
        except TimeoutError:
            pass

    async def until(
        self, enough: Callable[[Claimed], bool], claim: Callable[[], Any]
    ) -> list[Claimed]:
        """The answers to `claim`, made again and again until one is `enough`."""
        answers: list[Claimed] = []
        async with asyncio.timeout(PATIENCE):
            while True:
                self.woken.clear()
                answers.append(await claim())
                if enough(answers[-1]):
                    return answers
                await self.pause()

    async def claim(self, number: int = 1, *, without: Collection[str] = ()) -> list[ClaimedJob]:
        """Exactly `number` jobs, in the order in which they were claimed."""
        jobs: list[ClaimedJob] = []

        async def more() -> Claimed:
            answer = await self.session.claim(number - len(jobs), without=without)
            jobs.extend(answer.jobs)
            return answer

        await self.until(lambda _: len(jobs) == number, more)
        return jobs

    async def claim_one(self, *, without: Collection[str] = ()) -> ClaimedJob:
        return (await self.claim(1, without=without))[0]

    async def claim_suspect(self, *, without: Collection[str] = ()) -> ClaimedJob:
        answers = await self.until(
            lambda answer: bool(answer.jobs), lambda: self.session.claim_suspect(without=without)
        )
        assert len(answers[-1].jobs) == 1
        return answers[-1].jobs[0]

    async def next_due(self) -> float:
        """Seconds until the next job is due, once the store tells; nothing is due before."""
        answers = await self.until(
            lambda answer: answer.next_due is not None, lambda: self.session.claim(10)
        )
        assert not any(answer.jobs for answer in answers)
        assert answers[-1].next_due is not None
        return answers[-1].next_due

    async def assert_nothing_to_claim(self, *, without: Collection[str] = ()) -> None:
        """Two poll intervals bring nothing: by then a worker finds whatever there is."""
        for _ in range(3):
            self.woken.clear()
            assert (await self.session.claim(10, without=without)).jobs == []
            await self.pause()

    async def finish(self, job: ClaimedJob, outcome: Outcome, *, repeated: bool = False) -> bool:
        """Whether the ending of this one claim is stored."""
        stored = await self.session.finish([ending(job, outcome)], repeated=repeated)
        assert stored <= {job.id}
        return bool(stored)


class Store(ABC):
    """One store, which any number of backends may open as far as its kind allows."""

    name: str

    def __init__(self) -> None:
        self.backend: Backend
        self._opened: list[Backend] = []
        self._recruits: list[Recruit] = []

    @abstractmethod
    def _new_backend(self) -> Backend: ...

    def now(self) -> datetime:
        """What the store takes for the time."""
        return datetime.now(UTC)

    @abstractmethod
    async def pass_time(self, seconds: float) -> None:
        """All that is stored is `seconds` older than it was."""

    @abstractmethod
    def elsewhere(self) -> tuple[Backend, SoniqSettings]:
        """An unopened backend of the same kind on another store, as near as can be."""

    @abstractmethod
    def transaction(self) -> AbstractAsyncContextManager[Any]:
        """A connection of a user's own, in a transaction that has begun; see `commit`."""

    async def commit(self, connection: Any) -> None:
        await connection.execute("COMMIT")

    async def rollback(self, connection: Any) -> None:
        await connection.execute("ROLLBACK")

    async def open(self) -> Backend:
        """Another process's view of the store; in memory there is only the one."""
        backend = self._new_backend()
        await self.opened(backend, settings())
        return backend

    async def opened(self, backend: Backend, given: SoniqSettings) -> None:
        self._opened.append(backend)
        await backend.open(given)
        await backend.setup()

    async def join(self, backend: Backend | None = None, **overrides: Any) -> Recruit:
        """A worker with these fields of `NewWorker`, on the store's first backend or another."""
        worker = new_worker(**overrides)
        recruit = Recruit(worker.id)
        recruit.session = await (backend or self.backend).join(worker, recruit.wake)
        self._recruits.append(recruit)
        return recruit

    async def live_on(self, seconds: float, *alive: Recruit) -> None:
        """Time passes, and these workers' heartbeats go on all the while.

        They come early enough for the real time between them not to make a gap.
        """
        while seconds > 0:
            step = min(seconds, 0.8 * HEARTBEAT_INTERVAL)
            await self.pass_time(step)
            for recruit in alive:
                assert await recruit.session.heartbeat()
            seconds -= step

    async def outlive(self, *alive: Recruit) -> None:
        """All workers but these have been silent for longer than anybody waits."""
        await self.live_on(HEARTBEAT_TIMEOUT + HEARTBEAT_INTERVAL, *alive)

    async def job(self, job_id: str) -> JobDict:
        """A job that must be there."""
        job = await self.backend.get_job(job_id)
        assert job is not None
        return job

    async def close(self) -> None:
        for recruit in self._recruits:
            await recruit.session.leave()
        for backend in self._opened:
            await backend.close()


class MemoryStore(Store):
    name = "memory"

    def __init__(self) -> None:
        super().__init__()
        self._clock = Clock()
        self._only = MemoryBackend(self._clock)

    def _new_backend(self) -> Backend:
        return self._only

    def now(self) -> datetime:
        return self._clock()

    async def pass_time(self, seconds: float) -> None:
        self._clock.advance(seconds)

    def elsewhere(self) -> tuple[Backend, SoniqSettings]:
        return MemoryBackend(self._clock), settings()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        yield object()


class SQLiteStore(Store):
    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self._clock = Clock()
        self._folder = folder

    def _at(self, name: str) -> Backend:
        from soniq.backends.sqlite import SQLiteBackend

        return SQLiteBackend(str(self._folder / name), clock=self._clock)

    def _new_backend(self) -> Backend:
        return self._at("soniq.db")

    def now(self) -> datetime:
        return self._clock()

    async def pass_time(self, seconds: float) -> None:
        self._clock.advance(seconds)

    def elsewhere(self) -> tuple[Backend, SoniqSettings]:
        return self._at("elsewhere.db"), settings()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        path = self._folder / "soniq.db"
        async with aiosqlite.connect(path, isolation_level=None, timeout=PATIENCE) as connection:
            await connection.execute("BEGIN IMMEDIATE")
            yield connection


_SHIFT: Final = """
DO $shift$
DECLARE stored record;
BEGIN
  FOR stored IN
    SELECT format('%%I.%%I', c.table_schema, c.table_name) AS place,
           string_agg(format('%%I = %%I - interval ''%f seconds''', column_name, column_name),
                      ', ') AS changes
    FROM information_schema.columns c
    JOIN information_schema.tables USING (table_schema, table_name)
    WHERE table_type = 'BASE TABLE' AND table_name LIKE 'soniq\\_%%'
      AND data_type = 'timestamp with time zone'
    GROUP BY 1
  LOOP
    EXECUTE 'UPDATE ' || stored.place || ' SET ' || stored.changes;
  END LOOP;
END
$shift$
"""


class PostgresStore(Store):
    name = "postgres"

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url

    def _new_backend(self) -> Backend:
        from soniq.backends.postgres import PostgresBackend

        return PostgresBackend(self.url)

    async def pass_time(self, seconds: float) -> None:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute(_SHIFT % seconds)
        finally:
            await connection.close()

    def elsewhere(self) -> tuple[Backend, SoniqSettings]:
        return self._new_backend(), settings(schema="elsewhere")

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        connection = await asyncpg.connect(self.url)
        try:
            await connection.execute("BEGIN")
            yield connection
        finally:
            await connection.close()
