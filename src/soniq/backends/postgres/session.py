"""One worker's standing with a Postgres database."""

from __future__ import annotations

import asyncio
from collections.abc import (
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Iterable,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from typing import Final

from asyncpg import Record

from soniq.backends.base import Contended, Unavailable, Wake
from soniq.backends.postgres.claim import Claims
from soniq.backends.postgres.connection import (
    POOL_SIZE,
    Connection,
    Database,
    Link,
    ServerSession,
    transaction,
)
from soniq.backends.postgres.finish import (
    already_stored,
    queued_arrivals,
    statements_for,
    store,
)
from soniq.backends.postgres.listener import HEARTBEAT_TIMEOUT, Listener
from soniq.backends.postgres.rows import is_id
from soniq.backends.postgres.upkeep import Unknown, recover
from soniq.backends.postgres.wakeups import (
    Announcement,
    Arrival,
    announcement,
    heard,
    payload_head,
)
from soniq.errors import SoniqError
from soniq.logs import soniq_logger
from soniq.records import Claimed, ClaimState, Ending, NewWorker, Recovered
from soniq.settings import SoniqSettings

_log = soniq_logger("soniq.postgres")

Announce = Callable[[Announcement], None]
Payload = Callable[[Sequence[Arrival]], str | None]
Connect = Callable[[], AbstractAsyncContextManager[Connection]]

_LEAVE_TIMEOUT: Final = 2.0
_OWN_CONNECTIONS: Final = 3
_POOLED_CLAIM_ENDS: Final = 35.0

# Tables that were never analysed make the planner guess, and it guesses wrong by a thousand: it
# would compare every row of a batch with every other. Each side has one right way to run, and with
# all others forbidden it is planned once: to plan a claim takes as long as to make a small one. An
# end does not wait for a row that somebody has locked: the others of its batch would wait with it.
PLAN_CLAIMS: Final = """
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off
"""
PLAN_ENDS: Final = """
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off; SET enable_bitmapscan = off;
SET enable_nestloop = off; SET enable_mergejoin = off;
SET lock_timeout = '500ms'
"""


class PostgresSession:
    """See `WorkerSession`. Claims, ends of claims and liveness have a connection each.

    Args:
        database: whose jobs it runs.
        settings: its intervals.
        worker: who joins.
        wake: told what is announced.
        schema: the schema of the tables, as payloads name it.
        origin: marks what this process sends.
        borrow: a connection of the backend's pool, for what is rare.
        announce: wakes the workers of this process.
        payload: what to notify others with, None for nothing.
        notifies: whether it ever is anything.
        left: called when the session is over.
        rerouted: called when the server has been reached anew after it did not answer, with the
            seconds that an answer may take.
    """

    def __init__(
        self,
        database: Database,
        settings: SoniqSettings,
        worker: NewWorker,
        wake: Wake,
        *,
        schema: str,
        origin: str,
        borrow: Connect,
        announce: Announce,
        payload: Payload,
        notifies: bool,
        left: Callable[[PostgresSession], None],
        rerouted: Callable[[float], Awaitable[None]],
    ) -> None:
        self._database = database
        self._worker = worker
        self._wake = wake
        self._schema = schema
        self._origin = origin
        self._borrow = borrow
        self._announce_here = announce
        self._payload = payload
        self._payload_head = payload_head(schema, origin) if notifies else None
        self._left = left
        self._rerouted = rerouted
        self._open = True
        self._heartbeat_timeout = settings.heartbeat_timeout
        self._claiming = Link(database, traced=True, planning=PLAN_CLAIMS)
        self._finishing = Link(database, planning=PLAN_ENDS)
        self._claims = Claims(
            database, self._claiming, worker.id, worker.queues, settings.poll_interval
        )
        self._unknown = Unknown(database, worker.queues)
        self._strays_until: float | None = None
        self._listener = Listener(
            database,
            worker,
            heartbeat_interval=settings.heartbeat_interval,
            longest_pause=settings.error_retry_delay,
            connections=_OWN_CONNECTIONS + (settings.pool_max_size or POOL_SIZE),
            send=self._send_probe,
            hear=self._hear,
            missed=self.forget,
            rerouted=self._doubt_links,
        )

    @property
    def id(self) -> str:
        return self._worker.id

    async def join(self) -> None:
        await self._listener.join()

    async def _doubt_links(self) -> None:
        for link in (self._claiming, self._finishing):
            link.doubt(HEARTBEAT_TIMEOUT)
        await self._rerouted(HEARTBEAT_TIMEOUT)

    # --- waking --------------------------------------------------------------------------------

    async def _send_probe(self, channel: str) -> None:
        await self._claiming.fetch("probe", channel)

    def _hear(self, payload: str) -> None:
        told = heard(payload, self._schema, self._origin)
        if told is None:
            self.forget()
        else:
            self.announce(told)

    def announce(self, told: Announcement) -> None:
        """Jobs have arrived; those of other queues are none of this worker's business."""
        served = self._claims.announce(told)
        if self._open and (served.news or served.suspects):
            self._wake(served.best_priority)

    def forget(self) -> None:
        """Something may have been announced unheard: the next claim looks everywhere."""
        self._claims.forget()
        if self._open:
            self._wake(None)

    # --- claims --------------------------------------------------------------------------------

    async def claim(self, limit: int, *, without: Collection[str] = ()) -> Claimed:
        return await self._readable(self._claims.claim(limit, without))

    async def claim_suspect(self, *, without: Collection[str] = ()) -> Claimed:
        return await self._readable(self._claims.claim_suspect(without))

    async def _readable(self, claim: Awaitable[Claimed]) -> Claimed:
        try:
            async with self._noting_loss():
                return await claim
        except (Unavailable, Contended, SoniqError):
            raise
        except Exception as error:
            # Neither the server nor somebody else: it is a row that no claim can read.
            async with self._borrow() as connection:
                rows = await self._database.fetch(connection, "set_aside", self.id)
            if not rows:
                raise
            told = (
                f"Queued jobs whose rows could not be read were cancelled: {[r[0] for r in rows]}"
            )
            _log.error(told)
            raise Unavailable(told) from error

    @asynccontextmanager
    async def _noting_loss(self) -> AsyncIterator[None]:
        try:
            yield
        except BaseException:
            # Behind a pooler nobody can name the server's session; it may live for so long.
            if self._database.pooled:
                self._strays_until = asyncio.get_running_loop().time() + _POOLED_CLAIM_ENDS
            raise

    async def release_strays(self, held: Callable[[], Collection[str]]) -> bool:
        # Asked before the release: a session that ends in between may have committed before.
        ended = await self._lost_sessions_ended()
        async with self._claiming.held() as connection, transaction(connection):
            found = await self._database.fetch(connection, "release_strays", self.id, list(held()))
            rows = [row for row in found if row["id"] is not None]
            await self._notify(connection, rows)
        self._announce(rows)
        return ended and not found[0]["skipped"]

    async def _lost_sessions_ended(self) -> bool:
        if self._database.pooled:
            until = self._strays_until
            return until is None or asyncio.get_running_loop().time() >= until
        if not self._claiming.lost:
            return True
        pids, starts = zip(*self._claiming.lost, strict=True)
        rows = await self._claiming.fetch("end_sessions", pids, starts)
        self._claiming.lost = [ServerSession(row[0], row[1]) for row in rows]
        return not rows

    # --- ends of claims ------------------------------------------------------------------------

    async def finish(self, endings: Sequence[Ending], *, repeated: bool = False) -> set[str]:
        sound = [ending for ending in endings if is_id(ending.job_id)]
        return await self._finish(sound, repeated) if sound else set()

    async def _finish(self, endings: Sequence[Ending], repeated: bool) -> set[str]:
        statements = statements_for(endings)
        async with self._finishing.held() as connection:
            alone = len(statements) == 1
            async with nullcontext() if alone else transaction(connection):
                stored, queued = await store(
                    self._database, connection, statements, self.id, self._payload_head
                )
            if repeated and len(stored) < len(endings):
                refused = [ending for ending in endings if ending.job_id not in stored]
                stored |= await already_stored(self._database, connection, refused, self.id)
        self._announce(queued)
        return stored

    async def lost(self, claims: Mapping[str, int]) -> dict[str, ClaimState]:
        known = {job_id: claim for job_id, claim in claims.items() if is_id(job_id)}
        rows = await self._finishing.fetch("lost", list(known), list(known.values()), self.id)
        states = {row[0]: ClaimState.CANCELLED if row[1] else ClaimState.LOST for row in rows}
        return states | {job_id: ClaimState.LOST for job_id in claims if job_id not in known}

    async def _notify(self, connection: Connection, queued: Iterable[Record]) -> None:
        """In the transaction that queued these rows again."""
        payload = self._payload(queued_arrivals(queued))
        if payload is not None:
            await self._database.fetch(connection, "notify", payload)

    def _announce(self, queued: Sequence[Record]) -> None:
        if queued:
            self._announce_here(announcement(queued_arrivals(queued), queued[0]["now"]))

    # --- standing ------------------------------------------------------------------------------

    async def heartbeat(self) -> bool:
        return await self._listener.heartbeat()

    async def stopping(self) -> None:
        await self._finishing.fetch("stopping", self.id)

    async def leave(self) -> None:
        if not self._open:
            return
        self._open = False
        self._left(self)
        await self._listener.leave()
        for link in (self._claiming, self._finishing):
            await link.close(_LEAVE_TIMEOUT)

    # --- upkeep --------------------------------------------------------------------------------

    async def recover(
        self, *, max_crashes: int, gone: Collection[int] = (), by_hand: bool = False
    ) -> Recovered:
        async with self._borrow() as connection:
            found, rows = await recover(
                self._database,
                connection,
                judge=self.id,
                heartbeat_timeout=self._heartbeat_timeout,
                gone=gone,
                by_hand=by_hand,
                max_crashes=max_crashes,
                notify=self._notify,
            )
        self._announce(rows)
        return found

    async def sweep_unknown(self, names: Collection[str], *, grace: float) -> list[str]:
        if not names:
            return []
        async with self._borrow() as connection:
            return await self._unknown.sweep(connection, names, grace)
