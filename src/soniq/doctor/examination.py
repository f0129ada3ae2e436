"""What the checks are given."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from soniq.backends.base import Backend
from soniq.backends.diagnosis import Diagnosis, PresentWorker
from soniq.backends.plugin_tables import MigrationPackage
from soniq.settings import SoniqSettings

_BEATS_MISSED: Final = 3
_GRACE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on something is worth a word.

    Attributes:
        transaction: seconds that a transaction may stay open.
        clock: seconds by which two clocks may differ.
        dead_rows: dead rows a table may have, and `dead_share` of its rows.
        bytes_a_row: what a table may take for each of its rows, from `big_table` bytes up.
        connections: the share of the allowed connections that may be in use.
        log_bytes: how long the log of a file may be.
    """

    transaction: float = 120.0
    clock: float = 2.0
    dead_rows: int = 50_000
    dead_share: float = 0.4
    big_table: int = 256 * 1024 * 1024
    bytes_a_row: int = 16 * 1024
    connections: float = 0.9
    log_bytes: int = 256 * 1024 * 1024


def system_clock() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Examination:
    """A store and what is known of the application that uses it.

    Attributes:
        backend: the store, open.
        location: where it is, for people.
        settings: those of the application.
        declared: the schedules that its code declares.
        plugins: where the migrations of its plugins are.
        plugin_tables: the tables of its plugins.
        now: this host's clock.
    """

    backend: Backend
    location: str
    settings: SoniqSettings
    declared: Collection[str] = ()
    plugins: Sequence[MigrationPackage] = ()
    plugin_tables: Sequence[str] = ()
    now: Callable[[], datetime] = system_clock
    limits: Limits = Limits()

    @property
    def facts(self) -> Diagnosis:
        """The store's own account."""
        return self.backend.diagnosis

    async def live_workers(self) -> list[PresentWorker]:
        """The workers whose heartbeats arrive."""
        return [worker for worker in await self.facts.workers() if not is_silent(worker)]


def is_silent(worker: PresentWorker) -> bool:
    """Whether several heartbeats of it are missing."""
    return worker.silent_for > _BEATS_MISSED * worker.heartbeat_interval + _GRACE


def named(worker: PresentWorker) -> str:
    """A worker, for people."""
    return f"{worker.hostname}:{worker.pid}"
