"""A steady load of mixed jobs, every enqueue and its answer written down.

    async with Load(app, history, rate=40) as load:
        ...                       # faults
    # here the load has ended; the jobs may still be under way

The jobs are those of `tests.chaos.jobs`, enqueued by name.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Self

import asyncpg

from soniq import Soniq
from soniq.errors import SoniqError
from tests.chaos.history import History, Kind

SCHEDULE: Final = "chaos.ticks"
MOST_UNDER_WAY: Final = 200
_DRIVER_ERRORS: Final = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
KEYS: Final = 5
"""Dedup keys in use at a time: so few that many enqueues meet a live job."""

# What becomes of each enqueue in turn; one of the 40 is a job of five seconds.
MIX: Final = (
    *("short", "keyed", "short", "delayed", "short", "flaky", "short", "thread"),
    *("short", "committed", "short", "keyed", "short", "rolled_back", "short", "short"),
    *("short", "flaky", "short", "thread", "short", "delayed", "short", "keyed"),
    *("short", "committed", "short", "rolled_back", "short", "short", "short", "flaky"),
    *("short", "long", "short", "thread", "short", "keyed", "short", "delayed"),
)


def client(url: str, **settings: Any) -> Soniq:
    """An application that enqueues the jobs of `tests.chaos.jobs` by name.

    It knows no handlers, so that all jobs have the attempts of its own settings: two.
    """
    return Soniq(database_url=url, **{"enqueue_validation": "none", "max_retries": 1, **settings})


def delay_of(number: int) -> float:
    """The delay, in seconds, of the delayed job whose key ends with this number."""
    return 0.5 + number % 2


class Load:
    """Enqueues `rate` jobs a second while its block runs, and a schedule that fires each second.

    Args:
        app: opened by the caller, see `client`.
        rate: enqueues a second, as far as the database keeps up: at most 200 are under way.
        long_seconds: how long the long ones take.
        mix: what to enqueue in turn, see `MIX`.
        scheduled: whether to add the schedule; it needs a scheduler to fire.
        transactions: URL for the transactions of callers, None leaves these out of the mix. On
            Postgres only.
    """

    def __init__(
        self,
        app: Soniq,
        history: History,
        *,
        rate: float = 40.0,
        long_seconds: float = 5.0,
        mix: tuple[str, ...] = MIX,
        scheduled: bool = True,
        transactions: str | None = None,
    ) -> None:
        self.accepted = 0
        """Enqueues that have returned so far."""
        self._app = app
        self._history = history
        self._pause = 1.0 / rate
        self._long_seconds = long_seconds
        self._scheduled = scheduled
        self._url = transactions
        left_out = set() if transactions else {"committed", "rolled_back"}
        self._mix = tuple(what for what in mix if what not in left_out)
        self._keys = itertools.count(1)
        self._under_way: set[asyncio.Task[None]] = set()
        self._ticking: asyncio.Task[None] | None = None
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._in_transaction = asyncio.Lock()

    async def __aenter__(self) -> Self:
        if self._scheduled:
            await self._app.scheduler.add(
                "chaos.tick", cron="* * * * * *", name=SCHEDULE, catch_up="all"
            )
        self._ticking = asyncio.create_task(self._go_on(), name="chaos-load")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._ticking is not None
        self._ticking.cancel()
        await asyncio.gather(self._ticking, *self._under_way, return_exceptions=True)
        if self._connection is not None:
            self._connection.terminate()
        if self._scheduled:
            await self._unscheduled()

    async def _unscheduled(self) -> None:
        """A lost connection that nobody was told of costs a whole call; the next takes another."""
        try:
            await self._app.scheduler.remove(SCHEDULE)
        except SoniqError:
            await self._app.scheduler.remove(SCHEDULE)

    async def grown(self, number: int) -> None:
        """Wait until so many enqueues more have returned."""
        goal = self.accepted + number
        await self._history.until(lambda: self.accepted >= goal, f"{number} more enqueues")

    async def _go_on(self) -> None:
        clock = asyncio.get_running_loop()
        next_at = clock.time()
        for what in itertools.cycle(self._mix):
            while len(self._under_way) >= MOST_UNDER_WAY:
                await asyncio.wait(self._under_way, return_when=asyncio.FIRST_COMPLETED)
            task = asyncio.create_task(self._one(what))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)
            # What could not be enqueued while the database was away is not made up for.
            next_at = max(next_at + self._pause, clock.time() - 1.0)
            await asyncio.sleep(next_at - clock.time())

    async def _one(self, what: str) -> None:
        number = next(self._keys)
        key = f"{what}-{number}"
        match what:
            case "committed" | "rolled_back":
                await self._in_a_transaction(key, commit=what == "committed")
            case "keyed":
                await self.enqueue("chaos.keyed", key, dedup_key=f"one-{number % KEYS}")
            case "delayed":
                await self.enqueue("chaos.short", key, delay=delay_of(number))
            case "long":
                await self.enqueue("chaos.pause", key, {"seconds": self._long_seconds})
            case "thread":
                await self.enqueue("chaos.thread", key, {"seconds": 0.02})
            case _:
                await self.enqueue(f"chaos.{what}", key)

    async def enqueue(
        self, name: str, key: str, args: dict[str, Any] | None = None, **options: Any
    ) -> str | None:
        """Enqueue one job, writing down the answer; its id, or None where it raised.

        Args:
            key: no two enqueues of a history have the same.
            args: the job's arguments beside its key.
            options: those of `Soniq.enqueue`.
        """

        async def ask() -> str:
            return await self._app.enqueue(name, args={"key": key, **(args or {})}, **options)

        return await self._recorded(name, key, ask, options.get("dedup_key"))

    async def _recorded(
        self, name: str, key: str, ask: Callable[[], Awaitable[str]], dedup_key: str | None = None
    ) -> str | None:
        self._history.note(Kind.ASKED, key=key, name=name, dedup_key=dedup_key)
        try:
            job = await ask()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            self._history.note(Kind.RAISED, key=key, error=repr(error))
            return None
        self._history.note(Kind.ACCEPTED, job=job, key=key)
        self.accepted += 1
        return job

    async def _in_a_transaction(self, key: str, *, commit: bool) -> None:
        async with self._in_transaction:
            if commit:
                await self._recorded("chaos.short", key, lambda: self._commit(key))
                return
            with suppress(OSError, TimeoutError, SoniqError, *_DRIVER_ERRORS):
                await self._roll_back(key)  # or the connection is lost, and the transaction with it

    async def _commit(self, key: str) -> str:
        connection = await self._connected()
        async with asyncio.timeout(10), connection.transaction():
            return await self._app.enqueue("chaos.short", args={"key": key}, connection=connection)

    async def _roll_back(self, key: str) -> None:
        connection = await self._connected()
        async with asyncio.timeout(10):
            transaction = connection.transaction()
            await transaction.start()
            args, job = {"key": key}, None
            try:
                job = await self._app.enqueue("chaos.short", args=args, connection=connection)
            finally:
                # Nobody will commit it, whatever becomes of the connection from here on.
                self._history.note(Kind.ROLLED_BACK, key=key, job=job)
                await transaction.rollback()

    async def _connected(self) -> asyncpg.Connection[asyncpg.Record]:
        if self._connection is None or self._connection.is_closed():
            self._connection = await asyncpg.connect(self._url, timeout=10, command_timeout=10)
        return self._connection
