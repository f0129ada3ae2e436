"""What a store can tell of its own health. These docstrings are the specification of every backend.

Nothing here changes anything, needs the tables to fit this version of Soniq, or judges: it gives
facts. A store that has no such thing (connections, in a file) answers with None or with nothing.
The rules of `soniq.backends.base` hold here too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class SchemaState:
    """The tables, against those that this version of Soniq knows.

    Attributes:
        found: whether there are any.
        pending: migrations this version has and the store lacks, oldest first.
        newer: versions the store has and this version does not know.
        usable: this version can work with what it does not know.
    """

    found: bool
    pending: tuple[str, ...] = ()
    newer: tuple[int, ...] = ()
    usable: bool = True


@dataclass(frozen=True, slots=True)
class PresentWorker:
    """A registered worker that has not signed off; times are seconds.

    Attributes:
        address: the database as this worker was told to find it, None where that is no question.
        connections: the most it opens, None when it did not say.
        silent_for: since its last heartbeat.
    """

    id: str
    hostname: str
    pid: int
    queues: tuple[str, ...] | None
    job_names: frozenset[str]
    address: str | None
    connections: int | None
    silent_for: float
    heartbeat_interval: float

    def serves(self, queue: str) -> bool:
        return self.queues is None or queue in self.queues


@dataclass(frozen=True, slots=True)
class Backlog:
    """The due queued jobs of one name in one queue; the oldest has been due for some seconds."""

    queue: str
    job_name: str
    jobs: int
    oldest_for: float


@dataclass(frozen=True, slots=True)
class Burials:
    """Dead letters: all there are, those of the last hour, and the commonest kind among these."""

    total: int
    last_hour: int
    commonest: tuple[str, str, int] | None = None
    """Job name, reason, how many."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """What outlives a transaction on a connection to the store, as tried out."""

    notifications: bool
    locks: bool
    prepared_statements: bool


@dataclass(frozen=True, slots=True)
class Connections:
    """How many connections the server takes from this role, and how many it has."""

    allowed: int
    in_use: int


@dataclass(frozen=True, slots=True)
class OpenTransaction:
    """A transaction, open for `age` seconds, that keeps dead rows from being swept.

    Attributes:
        pid: the server process, None for what has none (a prepared transaction).
        holder: who has it open, for people.
        ending: the statement that ends it.
    """

    pid: int | None
    age: float
    holder: str
    ending: str


@dataclass(frozen=True, slots=True)
class TableState:
    """A table: its rows by the server's own count, and whether the dead ones are swept."""

    name: str
    live: int
    dead: int
    bytes: int
    swept: bool
    swept_for: float | None
    """Seconds since it was last vacuumed, None for never."""


@dataclass(frozen=True, slots=True)
class IndexFault:
    """An index that the migrations made, and that is not there or not valid; SQL that mends it."""

    name: str
    table: str
    problem: str
    mending: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClaimPlan:
    """By which index the store would claim, None for none, and how it goes about it, for people."""

    index: str | None
    expected: str
    plan: str


@dataclass(frozen=True, slots=True)
class FileState:
    """A store in a file: how it keeps its log, how long that is in bytes, and what is damaged."""

    journal_mode: str
    log_bytes: int
    damage: tuple[str, ...]


class Diagnosis(Protocol):
    """Questions about a store's health."""

    async def clock(self) -> datetime:
        """What time it is for the store."""
        ...

    async def schema(self) -> SchemaState:
        """Whether its tables fit this version of Soniq."""
        ...

    @property
    def address(self) -> str | None:
        """The store as others may reach it, without user and password, in one spelling.

        None for a store that nobody reaches by an address.
        """
        ...

    async def workers(self) -> list[PresentWorker]:
        """The workers that have not signed off, dead or alive, by id."""
        ...

    async def backlog(self) -> list[Backlog]:
        """The jobs that are due and wait, by queue and name."""
        ...

    async def burials(self) -> Burials:
        """How many jobs became dead letters."""
        ...

    async def sessions(self) -> Sessions | None:
        """Try out what a session keeps: two connections notify, lock and prepare for real."""
        ...

    async def connections(self) -> Connections | None:
        """How many connections there may be, and are."""
        ...

    async def open_transactions(self, *, longer_than: float) -> list[OpenTransaction] | None:
        """Transactions open for more than so many seconds, the oldest first; at most 20.

        None where nobody can know.
        """
        ...

    async def tables(self, also: Sequence[str] = ()) -> list[TableState]:
        """The tables of Soniq whose dead rows somebody must sweep.

        Args:
            also: names of tables that plugins keep beside them; one that is not there is left out.
        """
        ...

    async def index_faults(self) -> list[IndexFault] | None:
        """Indexes of the applied migrations that are missing or invalid; None without any."""
        ...

    async def claim_plan(self) -> ClaimPlan | None:
        """How the statement that claims jobs would be run now."""
        ...

    async def file(self) -> FileState | None:
        """The file that everything is in."""
        ...


class WithoutServer:
    """The answers of a store that no server keeps."""

    address = None

    async def sessions(self) -> Sessions | None:
        return None

    async def connections(self) -> Connections | None:
        return None

    async def open_transactions(self, *, longer_than: float) -> list[OpenTransaction] | None:
        return None

    async def tables(self, also: Sequence[str] = ()) -> list[TableState]:
        return []
