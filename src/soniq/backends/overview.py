"""What a store tells those who look at it. These docstrings are the specification of every backend.

The rules of `soniq.backends.base` hold here too. Nothing here may cost much, however many rows
there are: past a bound a store may estimate from a sample, and says so; up to `EXACT` ended jobs
it counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, NamedTuple, Protocol

from soniq.records import JobDict, JobStatus

EXACT: Final = 50_000
"""Rows up to which nothing is estimated."""

ENDED: Final = (JobStatus.DONE, JobStatus.CANCELLED)
"""What a job is that has ended and is no dead letter."""


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """The jobs of a queue by status; the oldest due one has been due for so many seconds."""

    queue: str
    queued: int = 0
    processing: int = 0
    done: int = 0
    cancelled: int = 0
    dead_letter: int = 0
    oldest_for: float | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """The jobs of every queue, by name; `estimated` where not each row was counted."""

    queues: list[QueueCounts]
    estimated: bool


@dataclass(frozen=True, slots=True)
class QueuePace:
    """How a queue's jobs went lately; times are milliseconds, None where none has ended.

    Attributes:
        per_minute: jobs that ended, by the minute.
        run_*: from start to end of the last attempt of those that are done.
        wait_*: from the due time to that start.
    """

    queue: str
    per_minute: float
    run_avg_ms: float | None
    run_p50_ms: float | None
    run_p95_ms: float | None
    wait_p50_ms: float | None
    wait_p95_ms: float | None


@dataclass(frozen=True, slots=True)
class Span:
    """What ended from `at` on, for as long as the step of the question.

    Attributes:
        done, cancelled: how many jobs.
        failed: attempts that failed, of those jobs and of the dead letters.
        dead_letter: jobs that were given up.
        run_avg_ms, run_p50_ms, run_p95_ms, wait_p95_ms: as in `QueuePace`.
    """

    at: datetime
    done: int = 0
    cancelled: int = 0
    failed: int = 0
    dead_letter: int = 0
    run_avg_ms: float | None = None
    run_p50_ms: float | None = None
    run_p95_ms: float | None = None
    wait_p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Endings:
    """What ended, oldest span first; spans in which nothing did are left out."""

    spans: list[Span]
    now: datetime
    oldest: datetime | None
    """The first end that is still stored; None when none is."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Jobs that were enqueued in the hour from `hour` on, and what became of them."""

    hour: datetime
    total: int
    done: int
    dead_letter: int


@dataclass(frozen=True, slots=True)
class NameCounts:
    """The jobs of one name."""

    job_name: str
    total: int
    queued: int
    done: int
    dead_letter: int
    run_avg_ms: float | None
    last_run: datetime | None
    estimated: bool


@dataclass(frozen=True, slots=True)
class WaitingName:
    """A name that jobs wait under, or were given up under lately."""

    job_name: str
    queued: int
    dead_letter: int
    last_seen: datetime | None


class Condition(NamedTuple):
    """Which jobs are looked for; None asks for nothing. Dead letters are not among them.

    Attributes:
        text: stands somewhere in name, id, queue or arguments, in any case of its letters.
        job_name: the whole name.
    """

    queue: str | None = None
    status: str | None = None
    job_name: str | None = None
    text: str | None = None


def within(text: str) -> str:
    """The pattern of LIKE, with a backslash as its escape, of what has `text` anywhere."""
    plain = text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{plain}%"


class Place(NamedTuple):
    """Where a job stands in a list; by its end where those are listed that have ended."""

    id: str
    ended_at: datetime | None = None


class Found(NamedTuple):
    """What a look at some rows brought.

    Attributes:
        places: of the jobs that match, in the order of the list.
        looked_at: rows that were looked at.
        matching: how many of these match, whether their places are given or not.
        rest_from: the place below which nothing has been looked at; None when there is nothing
            left.
    """

    places: list[Place]
    looked_at: int
    matching: int
    rest_from: Place | None

    @property
    def ids(self) -> list[str]:
        """The ids of the jobs that match."""
        return [place.id for place in self.places]


class Holding(NamedTuple):
    """What a worker has: ids of jobs, and bytes of memory, None where that is not known."""

    running: list[str]
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Something that somebody did by hand."""

    at: datetime
    actor: str
    action: str
    target: str
    address: str
    detail: str


class AuditPage(NamedTuple):
    """Some entries, newest first, and where the next begin; None at the end."""

    entries: list[AuditEntry]
    next: str | None


class Overview(Protocol):
    """Questions of those who look, and the record of what they do."""

    async def pulse(self) -> str:
        """A text that is another one whenever jobs, workers or schedules have visibly changed.

        It costs next to nothing; some changes, such as deletes, may show only in what is counted.
        """
        ...

    async def counts(self) -> Counts:
        """The jobs of every queue that has any."""
        ...

    async def paces(self) -> list[QueuePace]:
        """How the jobs that ended last went, by queue; at most the last hour's."""
        ...

    async def endings(self, *, since: float, step: float) -> Endings:
        """What ended in the last `since` seconds, in spans of `step` seconds of the epoch."""
        ...

    async def arrivals(self, *, hours: int) -> list[Arrivals]:
        """What was enqueued in the hours of the last `hours`, oldest first."""
        ...

    async def names(self) -> list[NameCounts]:
        """The jobs of every name that has any, by name."""
        ...

    async def waiting_names(self, *, since: float) -> list[WaitingName]:
        """Names of queued jobs, and of jobs given up in the last `since` seconds, by name."""
        ...

    async def find(
        self, condition: Condition, *, below: Place | None, most: int, rows: int
    ) -> Found:
        """Look for jobs, from the greatest id down, which is about from the newest to the oldest.

        Where the status asked for is one of `ENDED`, only ended jobs are looked at, and those that
        ended last come first.

        Args:
            condition: which.
            below: look only below this place, which an answer to the same condition gave.
            most: places to give at most.
            rows: rows to look at, at most; fewer where a store knows a shorter way.
        """
        ...

    async def show(self, ids: Sequence[str]) -> list[JobDict]:
        """The jobs of these ids that are there, in that order."""
        ...

    async def holdings(self) -> Mapping[str, Holding]:
        """What each worker holds that has not signed off, by its id; 10,000 jobs at most."""
        ...

    async def suspects(self) -> int:
        """Queued jobs that workers have died with; counted up to 1,000."""
        ...

    async def begin_audit(
        self, *, actor: str, action: str, target: str, address: str, detail: str
    ) -> str:
        """Note what somebody is about to do, and return the entry's id.

        Entries that are older than a year go, some with each call.
        """
        ...

    async def end_audit(self, entry_id: str, detail: str) -> None:
        """Note how it ended."""
        ...

    async def audit(self, *, after: str | None, limit: int) -> AuditPage:
        """What was done, newest first; `after` is the `next` of the page before."""
        ...
