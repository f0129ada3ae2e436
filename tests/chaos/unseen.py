"""What event loops tell of failures that nobody has noticed."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

OF_THE_DRIVER: Final = "unexpected connection_lost() call"
"""What asyncpg keeps to itself of a connection that was lost while somebody gave up making it."""


@contextmanager
def errors_of_loops(told: list[str]) -> Iterator[None]:
    """Note in `told` what the event loops of this process tell."""

    class Noting(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            told.append(record.getMessage())

    handler, logger = Noting(logging.ERROR), logging.getLogger("asyncio")
    logger.addHandler(handler)
    try:
        yield
    finally:
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
