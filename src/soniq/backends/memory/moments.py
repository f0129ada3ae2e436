"""When things fall due in a store, for clocks that go from one such moment to the next."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime, timedelta

from soniq.backends.memory.rows import Row
from soniq.backends.memory.store import Store
from soniq.settings import SoniqSettings


def moments(
    store: Store, fire_times: Iterable[datetime], settings: SoniqSettings, known: Collection[str]
) -> Iterator[datetime]:
    """The moments at which something is to happen, in no order; some may be past.

    Args:
        fire_times: when schedules fire.
        known: the names of the jobs that there are handlers for.
    """
    yield from fire_times
    for lanes in (store.waiting, store.suspects):
        unknown = lanes.names().difference(known)
        due = lanes.next_due(None, unknown)
        if due is not None:
            yield due
        for row in lanes.rows(None, unknown):
            yield _given_up(row, store.now(), settings.unknown_job_grace)
    yield from _pruned(store, settings)


def _given_up(row: Row, now: datetime, grace: float) -> datetime:
    """A job that nobody knows is first met when it is due, and given up after its grace."""
    if row.scheduled_at > now:
        return row.scheduled_at
    return (row.unknown_since or now) + timedelta(seconds=grace)


def _pruned(store: Store, settings: SoniqSettings) -> Iterator[datetime]:
    for row in store.ended.values():
        yield (row.finished_at or row.updated_at) + timedelta(seconds=settings.result_ttl)
        break
    if settings.dead_letter_ttl is not None:
        for row in store.dead.values():
            yield row.updated_at + timedelta(seconds=settings.dead_letter_ttl)
            break
