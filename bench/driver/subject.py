"""What a queue has to offer to be measured: a module with these names."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

Options = Mapping[str, Any]
Hit = Callable[[int], None]


class Producer(Protocol):
    """A connected client of the queue."""

    async def one(self, x: int) -> None:
        """Store one job with argument ``x``; return once it is stored."""

    async def many(self, xs: Sequence[int]) -> None:
        """Store a job for each of ``xs`` by the queue's bulk call, in order."""

    async def close(self) -> None:
        """Give back what the producer holds."""


class Subject(Protocol):
    """A queue's own public calls, behind one set of names.

    ``UVLOOP`` says which event loop its documentation advises for workers and producers.
    """

    UVLOOP: bool

    async def setup(self, url: str) -> None:
        """Create the queue's tables in the empty database at ``url``."""

    async def producer(self, url: str, options: Options) -> Producer:
        """Connect a producer."""

    async def work(self, url: str, options: Options, hit: Hit) -> None:
        """Run a worker whose only handler calls ``hit`` with the job's argument, until stopped."""
