"""Ending claims."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, assert_never

from soniq.backends.sqlite.database import Database
from soniq.backends.sqlite.failures import check_text
from soniq.backends.sqlite.lanes import text_of
from soniq.backends.sqlite.times import ahead, stamp
from soniq.records import Dead, Done, Ending, Outcome, Released, Retry, Snoozed


def check_storable(endings: Sequence[Ending]) -> None:
    """Refuse results and error texts that cannot be stored.

    Raises:
        Unstorable: a text holds a NUL character or a lone surrogate.
    """
    for ending in endings:
        match ending.outcome:
            case Done(text) | Retry(_, text) | Snoozed(_, text) | Dead(_, text):
                check_text(text)
            case Released():
                pass


@dataclass(slots=True)
class Changes:
    """Endings by the statement that stores them; each begins with its row number."""

    done: list[int] = field(default_factory=list)
    results: list[tuple[int, str]] = field(default_factory=list)
    dropped: list[int] = field(default_factory=list)
    requeued: list[tuple[int, str, str, int]] = field(default_factory=list)
    released: list[tuple[int, str]] = field(default_factory=list)
    dead: list[tuple[int, str, str]] = field(default_factory=list)

    def add(self, row: int, outcome: Outcome, now: datetime) -> None:
        match outcome:
            case Done(_, keep) if not keep:
                self.dropped.append(row)
            case Done(None):
                self.done.append(row)
            case Done(result):
                self.results.append((row, str(result)))
            case Retry(delay, error):
                self.requeued.append((row, ahead(now, delay), error, 0))
            case Snoozed(delay, note):
                self.requeued.append((row, ahead(now, delay), note, 1))
            case Released(delay):
                self.released.append((row, ahead(now, delay) if delay > 0 else ""))
            case Dead(reason, error):
                self.dead.append((row, reason.value, error))
            case _:
                assert_never(outcome)

    def store(self, database: Database, now: str) -> None:
        """Write them all; the caller holds the transaction."""
        if self.done:
            database.change("finish_done", rows=text_of(self.done), now=now)
        if self.results:
            database.change("finish_with_results", endings=text_of(self.results), now=now)
        if self.requeued:
            database.change("finish_requeued", endings=text_of(self.requeued), now=now)
        if self.released:
            database.change("finish_released", endings=text_of(self.released), now=now)
        if self.dead:
            bury(database, self.dead, now)
        if self.dropped:
            database.change("finish_dropped", rows=text_of(self.dropped))


def bury(database: Database, dead: Sequence[tuple[int, str, str | None]], now: str) -> None:
    """Move rows, each with a reason and an error, to the dead letters."""
    database.change("finish_dead", endings=text_of(dead), now=now)
    database.change("finish_dropped", rows=text_of(row for row, _, _ in dead))


def finish(
    database: Database, worker: str, endings: Sequence[Ending], *, repeated: bool
) -> set[str]:
    """See `WorkerSession.finish`."""
    with database.writing() as now:
        ids = text_of({ending.job_id for ending in endings})
        held = {
            job_id: (row, claim)
            for job_id, row, claim in database.json("held", ids=ids, worker=worker)
        }
        changes = Changes()
        stored: set[str] = set()
        for ending in endings:
            row, claim = held.get(ending.job_id, (0, 0))
            if row and claim == ending.claim:
                changes.add(row, ending.outcome, now)
                stored.add(ending.job_id)
        changes.store(database, stamp(now))
        if repeated:
            refused = [ending for ending in endings if ending.job_id not in stored]
            stored |= _already_stored(database, worker, refused)
        return stored


def _already_stored(database: Database, worker: str, endings: Collection[Ending]) -> set[str]:
    """The ids whose rows show these very endings."""
    ids = text_of(ending.job_id for ending in endings)
    rows = {row[0]: row[1:] for row in database.rows("states", ids=ids)}
    dead = {job_id for (job_id,) in database.rows("dead_among", ids=ids)}
    return {
        ending.job_id
        for ending in endings
        if _shows(ending, worker, rows.get(ending.job_id), ending.job_id in dead)
    }


def _shows(ending: Ending, worker: str, row: tuple[Any, ...] | None, is_dead: bool) -> bool:
    outcome = ending.outcome
    if row is None:
        return is_dead if isinstance(outcome, Dead) else _deletes(outcome) and not is_dead
    status, worker_id, claim, last_error = row
    if worker_id != worker or claim != ending.claim:
        return False
    match outcome:
        case Done():
            return bool(status == "done")
        case Retry(_, text) | Snoozed(_, text):
            return bool(status == "queued" and last_error == text)
        case Released():
            return bool(status == "queued")
        case Dead():
            return False
        case _:
            assert_never(outcome)


def _deletes(outcome: Outcome) -> bool:
    return isinstance(outcome, Done) and not outcome.keep
