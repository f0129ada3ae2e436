"""What happens in a worker, as typed events: logs and plugins subscribe, the pipeline emits."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from soniq.hooks import HookEvent
from soniq.records import ClaimedJob, Dead, DeadWorker, Done, Released, Retry, Snoozed


@dataclass(frozen=True, slots=True)
class WorkerStarted:
    """A worker joined."""

    worker_id: str
    concurrency: int
    queues: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class WorkerStopping:
    """A worker has begun to stop; so many jobs are still running."""

    worker_id: str
    running: int


@dataclass(frozen=True, slots=True)
class StoppingUnsaid:
    """The store could not be told that this worker stops: a kill now would count as a crash."""

    worker_id: str
    error: BaseException


@dataclass(frozen=True, slots=True)
class EndsUnstored:
    """A stopping worker has given up on a store that is away; these runs count for nothing."""

    worker_id: str
    unstored: int


@dataclass(frozen=True, slots=True)
class WorkerStopped:
    """A worker has left."""

    worker_id: str


@dataclass(frozen=True, slots=True)
class WorkerDeclaredDead:
    """Others took this worker for dead; it goes on under a new id."""

    worker_id: str
    running: int


@dataclass(frozen=True, slots=True)
class ThreadsStillRunning:
    """The grace of a stopping worker is over, and sync handlers still run."""

    worker_id: str
    running: int


@dataclass(frozen=True, slots=True)
class JobStored:
    """The end of a run is stored."""

    worker_id: str
    job: ClaimedJob
    outcome: Done | Retry | Snoozed | Dead | Released
    duration_s: float


@dataclass(frozen=True, slots=True)
class JobFailed:
    """A failed run is stored: as another attempt, or as a dead letter."""

    worker_id: str
    job: ClaimedJob
    outcome: Retry | Dead
    duration_s: float


@dataclass(frozen=True, slots=True)
class ClaimLost:
    """The end of a run was refused: the job was somebody else's by then."""

    worker_id: str
    job: ClaimedJob


@dataclass(frozen=True, slots=True)
class JobCancelled:
    """A job was cancelled while this worker had it."""

    worker_id: str
    job: ClaimedJob


@dataclass(frozen=True, slots=True)
class NameUnknown:
    """A job was put back because this worker has no handler of its name."""

    worker_id: str
    job: ClaimedJob


@dataclass(frozen=True, slots=True)
class ResultDropped:
    """A handler returned what cannot be stored; its job is done without a result."""

    job: ClaimedJob
    problem: str


@dataclass(frozen=True, slots=True)
class OutcomeDegraded:
    """An outcome could not be stored as it was, and was stored or released in a lesser form."""

    job: ClaimedJob
    problem: str
    stored_as: str


@dataclass(frozen=True, slots=True)
class SnoozeCapped:
    """A handler wanted to snooze for longer than the setting allows."""

    job: ClaimedJob
    wanted: float
    allowed: float


@dataclass(frozen=True, slots=True)
class PolicyFailed:
    """The retry policy raised; the default one decided instead."""

    job: ClaimedJob
    error: BaseException


@dataclass(frozen=True, slots=True)
class HookFailed:
    """A hook raised or took too long; its run goes on."""

    event: HookEvent
    error: BaseException


@dataclass(frozen=True, slots=True)
class HookSlow:
    """A sync hook held up the event loop."""

    event: HookEvent
    seconds: float


@dataclass(frozen=True, slots=True)
class SinkFailed:
    """The metrics sink raised."""

    job: ClaimedJob
    error: BaseException


@dataclass(frozen=True, slots=True)
class PluginFailed:
    """A plugin raised or took too long; what it was called for goes on."""

    plugin: str
    method: str
    error: BaseException
    pause_s: float | None = None
    """Seconds until it is called again, where it is."""


@dataclass(frozen=True, slots=True)
class PluginBehind:
    """A plugin is so slow that it was not told of all stored ends."""

    plugin: str
    lost: int


@dataclass(frozen=True, slots=True)
class WorkersRecovered:
    """Dead workers were found, or jobs that nobody ran."""

    workers: tuple[DeadWorker, ...]
    requeued: tuple[str, ...]
    dead: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UnknownGivenUp:
    """Jobs whose name nobody knew for too long became dead letters."""

    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pruned:
    """Rows whose time was over were deleted."""

    rows: int


@dataclass(frozen=True, slots=True)
class LoopFailed:
    """A background loop failed and will try again after a pause."""

    loop: str
    error: BaseException
    pause_s: float


@dataclass(frozen=True, slots=True)
class LoopRecovered:
    """A background loop that had failed works again."""

    loop: str


E = TypeVar("E")


class Events:
    """Hands each event to those who asked for its type, in order of their asking."""

    def __init__(self) -> None:
        self._subscribers: dict[type, list[Callable[[Any], None]]] = {}

    def subscribe(self, kind: type[E], receive: Callable[[E], None]) -> None:
        """Call `receive` with every event of exactly this type."""
        self._subscribers.setdefault(kind, []).append(cast(Callable[[Any], None], receive))

    def wanted(self, kind: type) -> bool:
        """Whether anybody asked for this type: spares the hot path events nobody reads."""
        return kind in self._subscribers

    def emit(self, event: object) -> None:
        """Tell of `event`. A subscriber that raises harms neither the others nor who emits."""
        for receive in self._subscribers.get(type(event), ()):
            try:
                receive(event)
            except Exception:  # noqa: BLE001 - the pipeline must not stop for want of a log line
                # Not to the log: most likely it is a handler of the log that raised.
                traceback.print_exc(file=sys.stderr)
