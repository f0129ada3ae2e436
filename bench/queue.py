"""A measured queue: its program, and the queries that count its jobs."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Program


@dataclass(frozen=True, slots=True)
class Queue:
    """What the bench knows of a queue.

    Attributes:
        name: as the report calls it.
        done, left: queries that count the finished jobs, and those that are not.
    """

    name: str
    program: Program
    done: str
    left: str


SONIQ = Queue(
    name="Soniq",
    program=Program(Path(sys.executable), "bench.subjects.soniq"),
    done="SELECT count(*) FROM soniq_jobs WHERE status = 'done'",
    left="SELECT count(*) FROM soniq_jobs WHERE status <> 'done'",
)

TUNED = {"concurrency": 100, "uvloop": True}
DEFAULTS = {"uvloop": False}
COUNTED = TUNED | {"prometheus": True}
STORED = TUNED | {"metrics": True}
