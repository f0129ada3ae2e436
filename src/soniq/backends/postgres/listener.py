"""A worker's standing connection: its lock, its heartbeat, and what it hears.

The lock tells others that the process lives, for the server frees it when the connection ends. It
is taken only after a notification sent through another connection has arrived here: behind a
transaction pooler nothing would, and a lock would belong to whoever uses the session next.

A connection can be lost without the server's knowing. Its session still holds the lock then, as if
the worker lived for as long as it takes the server to notice, so the worker itself ends it.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

import asyncpg

from soniq.backends.base import BackendError
from soniq.backends.postgres.connection import Database
from soniq.backends.postgres.errors import answered
from soniq.backends.postgres.wakeups import CHANNEL
from soniq.backends.process_size import process_size
from soniq.errors import SoniqError
from soniq.records import NewWorker

HEARTBEAT_TIMEOUT: Final = 2.0
_PROBE_TIMEOUT: Final = 1.0
_PROBE_AGAIN: Final = 60.0
_FIRST_PAUSE: Final = 0.1

_log = logging.getLogger("soniq.postgres")


def lock_key(worker_id: str) -> int:
    """The key of a worker's advisory lock: the low 64 bits of its id, signed as Postgres has it."""
    low = UUID(worker_id).int & (2**64 - 1)
    return low - 2**64 if low >= 2**63 else low


def _now() -> float:
    return asyncio.get_running_loop().time()


class Listener:
    """Keeps one connection for as long as the worker lives.

    Args:
        database: where to connect.
        worker: whose it is.
        heartbeat_interval: seconds between heartbeats.
        longest_pause: seconds between tries to connect, at most.
        connections: how many this worker may open; told to others.
        send: sends an empty notification to a channel through another connection.
        hear: takes the payloads of what is announced.
        missed: called when announcements may have been missed.
        rerouted: called when the server has been reached anew after it did not answer.
    """

    def __init__(
        self,
        database: Database,
        worker: NewWorker,
        *,
        heartbeat_interval: float,
        longest_pause: float,
        connections: int,
        send: Callable[[str], Awaitable[Any]],
        hear: Callable[[str], None],
        missed: Callable[[], None],
        rerouted: Callable[[], Awaitable[None]],
    ) -> None:
        self._database = database
        self._worker = worker
        self._heartbeat_interval = heartbeat_interval
        self._longest_pause = longest_pause
        self._connections = connections
        self._send = send
        self._hear = hear
        self._missed = missed
        self._rerouted = rerouted
        self._channel = f"soniq_worker_{UUID(worker.id).hex}"
        self._key = lock_key(worker.id)
        self._turn = asyncio.Lock()
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._broken = asyncio.Event()
        self._heard = asyncio.Event()
        self._listens: bool | None = None if database.listens else False
        """Whether notifications arrive; None until that has been tried."""
        self._probe_at: float | None = None
        """When to try again whether they do, after a probe that was sent and not heard."""
        self._locked = False
        self._unanswered = False
        self._registered = False
        self._alive = True
        self._warned = False
        self._task: asyncio.Task[None] | None = None

    # --- coming and going ----------------------------------------------------------------------

    async def join(self) -> None:
        """Connect and register the worker; from now on the connection is kept up."""
        with self._database.translated():
            async with self._turn:
                await self._connect()
        self._task = asyncio.create_task(self._keep_up(), name="soniq-listener")

    async def leave(self) -> None:
        """Say goodbye, if the database is there to hear it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            with self._database.translated():
                async with asyncio.timeout(HEARTBEAT_TIMEOUT), self._turn:
                    if self._connection is None or self._connection.is_closed():
                        self._connection = await self._database.connect()
                    connection = self._connection
                    await self._database.fetch(connection, "leave", self._worker.id)
                    await connection.close(timeout=HEARTBEAT_TIMEOUT)
        except (BackendError, SoniqError) as error:
            _log.warning("Worker %s could not sign off: %s", self._worker.id, error)
        finally:
            self._drop()

    # --- heartbeat -----------------------------------------------------------------------------

    async def heartbeat(self) -> bool:
        """Say that the worker lives; False when it has been declared dead."""
        with self._database.translated():
            async with asyncio.timeout(HEARTBEAT_TIMEOUT), self._turn:
                try:
                    await self._beat()
                except BaseException as error:
                    # The connection may be in the middle of anything.
                    self._drop()
                    self._unanswered = not answered(error)
                    raise
        return self._alive

    async def _beat(self) -> None:
        if self._connection is None or self._connection.is_closed():
            await self._connect()
            return
        await self._say_alive(self._connection)
        if self._alive and self._is_probe_due():
            await self._listen(self._connection)

    async def _say_alive(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        wanted = self._key if self._listens and not self._locked else None
        rows = await self._database.fetch(
            connection, "heartbeat", self._worker.id, wanted, self._liveness(), process_size()
        )
        await self._take_standing(connection, rows)

    async def _take_standing(
        self, connection: asyncpg.Connection[asyncpg.Record], rows: list[asyncpg.Record]
    ) -> None:
        self._alive = bool(rows)
        if rows and rows[0][0] is not None:
            self._locked = rows[0][0]
            if not self._locked:
                await self._database.fetch(connection, "end_lock_holder", self._key)

    def _liveness(self) -> str:
        return "lock" if self._listens else "heartbeat"

    # --- connecting ----------------------------------------------------------------------------

    async def _connect(self) -> None:
        self._drop()
        connection = self._connection = await self._database.connect()
        try:
            connection.add_termination_listener(self._notice_end)
            await self._stand(connection)
        except BaseException:
            self._drop()
            raise
        self._broken.clear()

    async def _stand(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        """Heartbeat and lock come first: others are counting the seconds."""
        if not self._registered:
            await self._register(connection)
        else:
            key = self._key if self._listens else None
            rows = await self._database.fetch(connection, "rejoin", self._worker.id, key)
            await self._take_standing(connection, rows)
        if self._unanswered:
            self._unanswered = False
            await self._rerouted()
        if self._alive and (self._listens is not False or self._probe_at is not None):
            await self._listen(connection)
        if self._registered:
            self._missed()
        self._registered = True

    async def _register(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        worker = self._worker
        queues = None if worker.queues is None else list(worker.queues)
        rows = await self._database.fetch(
            connection,
            "join",
            worker.id,
            worker.hostname,
            worker.pid,
            queues,
            worker.concurrency,
            self._heartbeat_interval,
            worker.version,
            list(worker.job_names),
            self._database.address,
            self._connections,
        )
        self._alive = bool(rows)

    async def _listen(self, connection: asyncpg.Connection[asyncpg.Record]) -> None:
        listens = await self._hears_itself(connection)
        if listens is None:
            return
        self._listens = listens
        if not listens:
            self._warn()
        await self._say_alive(connection)

    def _is_probe_due(self) -> bool:
        at = self._probe_at
        return self._listens is None or (at is not None and _now() >= at)

    async def _hears_itself(self, connection: asyncpg.Connection[asyncpg.Record]) -> bool | None:
        """Whether a notification from elsewhere arrives; None when none could be sent."""
        self._heard.clear()
        self._probe_at = None
        try:
            await connection.add_listener(self._channel, self._take_probe)
            await connection.add_listener(CHANNEL, self._take_payload)
        except (asyncpg.FeatureNotSupportedError, asyncpg.PostgresSyntaxError):
            return False
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                await self._send(self._channel)
        except (BackendError, TimeoutError):
            self._probe_at = _now() + _PROBE_AGAIN
            return None
        try:
            async with asyncio.timeout(_PROBE_TIMEOUT):
                await self._heard.wait()
        except TimeoutError:
            await connection.remove_listener(self._channel, self._take_probe)
            await connection.remove_listener(CHANNEL, self._take_payload)
            if not self._database.pooled:
                # It may only have been slow.
                self._probe_at = _now() + _PROBE_AGAIN
            return False
        return True

    def _warn(self) -> None:
        if not self._warned:
            self._warned = True
            _log.warning(
                "LISTEN does not work on this connection to %s, as behind a transaction pooler: "
                "new jobs are found by polling, dead workers by their heartbeats. Give workers a "
                "direct connection to be woken at once.",
                self._database.location,
            )

    def _take_probe(self, *_: object) -> None:
        self._heard.set()

    def _take_payload(self, connection: object, pid: int, channel: str, payload: object) -> None:
        self._hear(str(payload))

    # --- staying -------------------------------------------------------------------------------

    def _notice_end(self, connection: object) -> None:
        if connection is self._connection:
            self._broken.set()

    async def _keep_up(self) -> None:
        while self._alive:
            await self._broken.wait()
            await self._reconnect()

    async def _reconnect(self) -> None:
        pause = 0.0
        while True:
            try:
                with self._database.translated():
                    async with self._turn:
                        if self._connection is None or self._connection.is_closed():
                            await self._connect()
                self._broken.clear()
                return
            except (BackendError, SoniqError) as error:
                _log.debug("The listener could not reconnect: %s", error)
            pause = min(max(_FIRST_PAUSE, pause * 2), self._longest_pause)
            await asyncio.sleep(pause * random.uniform(0.5, 1))

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._locked = False
        if connection is not None:
            connection.terminate()
            self._broken.set()
