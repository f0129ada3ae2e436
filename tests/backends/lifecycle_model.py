"""A job's life as the lifecycle machine understands it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from soniq.records import Outcome
from tests.backends.stores import Recruit

MAX_CRASHES: Final = 2
MAX_ATTEMPTS: Final = 3


@dataclass(slots=True)
class Worker:
    recruit: Recruit
    joined: float
    heartbeat: float
    status: str = "active"
    silent: bool = False
    left: bool = False
    """Its session is over: nobody calls it any more."""

    @property
    def live(self) -> bool:
        return self.status != "stopped"


@dataclass(slots=True)
class Job:
    id: str
    key: str | None
    queue: str
    priority: int
    due: float
    status: str = "queued"
    attempts: int = 0
    crashes: int = 0
    claim: int = 0
    worker: Worker | None = None
    shows: Outcome | None = None
    """The ending that the row still shows."""
    ended: float = 0.0
    """When it was done, cancelled or given up."""
    replays: int = 0

    def requeue(self, *, crashed: bool, now: float) -> None:
        self.attempts -= 1
        self.crashes += crashed
        if crashed and self.crashes >= MAX_CRASHES:
            self.ends("dead_letter", now)
        else:
            self.status = "queued"

    def ends(self, status: str, now: float) -> None:
        self.status, self.ended = status, now


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim once made; it may be long over."""

    job: Job
    worker: Worker
    number: int
