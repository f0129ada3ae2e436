"""What event loops tell of failures that nobody has noticed."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

OF_THE_DRIVER: Final = "unexpected connection_lost() call"
"""What asyncpg keeps to itself of a connection that was lost while somebody gave up making it."""


_OF_THE_GARBAGE: Final = "was never retrieved"
"""Told when what failed is cleared away, by whoever does so."""
_listener: ContextVar[list[str] | None] = ContextVar("listener", default=None)


@contextmanager
def errors_of_loops(told: list[str]) -> Iterator[None]:
    """Note in `told` what this process's event loops tell of the tasks that begin in the block.

    What may be of them, or of others, is noted, too.
    """

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            message, whose = record.getMessage(), _listener.get()
            if whose is None or whose is told or _OF_THE_GARBAGE in message:
                told.append(message)

    handler, logger = Noting(logging.ERROR), logging.getLogger("asyncio")
    logger.addHandler(handler)
    _listener.set(told)
    try:
        yield
    finally:
        _listener.set(None)
        logger.removeHandler(handler)


def unseen(told: list[str], records: Iterable[Mapping[str, Any]]) -> list[str]:
    """What was told here, and what workers have logged of theirs.

    Args:
        told: see `errors_of_loops`.
        records: of the workers' logs.
    """
    gc.collect()  # a task that failed tells it when it goes
    loops = (r for r in records if (r["logger"], r["level"]) == ("asyncio", "ERROR"))
    all_told = [*told, *(str(record["message"]) for record in loops)]
    return [one for one in all_told if OF_THE_DRIVER not in one]
