"""Dead-lettering queued jobs whose names nobody knows."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Final

from pydantic_core import from_json

from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.finish import bury
from soniq.backends.sqlite.lanes import text_of
from soniq.backends.sqlite.times import ago, stamp
from soniq.records import DeadLetterReason

_ROWS: Final = 1000
Known = Callable[[str, str], bool]


def sweep_unknown(
    database: Database, queues: Collection[str] | None, names: Collection[str], grace: float
) -> list[str]:
    """See `WorkerSession.sweep_unknown`.

    Only the queues that the sweeping worker serves: it can tell nothing of the others.
    """
    about: dict[str, Any] = {
        "names": text_of(names),
        "queues": None if queues is None else text_of(queues),
        "limit": _ROWS,
    }
    known = _known_by_the_living(database)
    if not _anything(database, about, known):
        return []
    with database.writing() as now:
        about["now"] = stamp(now)
        known = _known_by_the_living(database)
        _mark(database, about, known)
        return _bury(database, about, known, ago(now, grace))


def _known_by_the_living(database: Database) -> Known:
    workers = [
        (None if queues is None else set(from_json(queues)), set(from_json(names)))
        for queues, names in database.rows("known_names")
    ]

    def known(queue: str, name: str) -> bool:
        return any(
            (queues is None or queue in queues) and name in names for queues, names in workers
        )

    return known


def _anything(database: Database, about: dict[str, Any], known: Known) -> bool:
    """Whether there is something to write, without the lock."""
    now = stamp(database.clock())
    if database.rows("unknown_marked", **about, now=now):
        return True
    unmarked = database.rows("unknown_unmarked", **about, now=now)
    return any(not known(queue, name) for _, queue, name in unmarked)


def _mark(database: Database, about: dict[str, Any], known: Known) -> None:
    unmarked = database.rows("unknown_unmarked", **about)
    rows = [row for row, queue, name in unmarked if not known(queue, name)]
    _set_mark(database, rows, about["now"], about["now"])


def _set_mark(database: Database, rows: list[int], since: str | None, now: str) -> None:
    if rows:
        database.change("mark_unknown", rows=text_of(rows), since=since, now=now)


def _bury(database: Database, about: dict[str, Any], known: Known, cutoff: str) -> list[str]:
    marked = database.rows("unknown_marked", **about)
    known_again = [row for _, row, queue, name, _ in marked if known(queue, name)]
    _set_mark(database, known_again, None, about["now"])
    over = [
        (job_id, row, name)
        for job_id, row, queue, name, since in marked
        if since <= cutoff and not known(queue, name)
    ]
    reason = DeadLetterReason.JOB_NOT_FOUND.value
    bury(
        database,
        [(row, reason, f"Job {name} not registered.") for _, row, name in over],
        about["now"],
    )
    return [job_id for job_id, _, _ in over]
