"""The ends that a worker would store had it not noticed that its jobs went elsewhere.

A worker that is resumed learns of its death in an instant and drops what it holds. What it would
have written meanwhile is written here in its name, by the statements that it uses itself.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from soniq.backends.postgres.connection import Connection, Database, transaction
from soniq.backends.postgres.finish import already_stored, statements_for, store
from soniq.records import Ending
from tests.chaos.facts import Row, tables
from tests.factories import every_outcome

OUTCOMES: Final = every_outcome("stale")


@dataclass(frozen=True, slots=True)
class Hold:
    """A claim: whose, and which.

    Attributes:
        worker: its id.
        claim: the claim's number.
    """

    worker: str
    claim: int


async def holds(url: str, jobs: Collection[str | None]) -> dict[str, Hold]:
    """Who holds these jobs now, by the job."""
    return {
        job: Hold(row["worker_id"], row["claim"])
        for job, row in (await _rows(url, jobs)).items()
        if row["status"] == "processing"
    }


async def refused(url: str, stale: Mapping[str, Hold]) -> int:
    """Write each kind of end under claims that are lost, first and again; how many were refused.

    Raises:
        AssertionError: one of them was stored, or changed a row.
    """
    before = await _rows(url, stale)
    number = 0
    database = Database(url)
    connection = await database.connect()
    try:
        for job, hold in stale.items():
            for outcome in OUTCOMES:
                ending = Ending(job, hold.claim, outcome)
                assert not await _stored(database, connection, hold.worker, ending), ending
                number += 1
    finally:
        await connection.close()
    assert await _rows(url, stale) == before, "a refused end has changed a row"
    return number


async def accepted(url: str, current: Mapping[str, Hold]) -> None:
    """The same ends are stored under the claims that hold: taken back at once, to leave no trace.

    Raises:
        AssertionError: one of them was refused, so that a refusal says nothing.
    """
    database = Database(url)
    connection = await database.connect()
    try:
        for job, hold in current.items():
            for outcome in OUTCOMES:
                ending = Ending(job, hold.claim, outcome)
                trial = connection.transaction()
                await trial.start()
                stored = await _stored(database, connection, hold.worker, ending)
                await trial.rollback()
                assert stored == {job}, ending
    finally:
        await connection.close()


async def _stored(
    database: Database, connection: Connection, worker: str, ending: Ending
) -> set[str]:
    """What a worker's session does, also after an answer was lost."""
    endings: Sequence[Ending] = [ending]
    async with transaction(connection):
        stored, _ = await store(database, connection, statements_for(endings), worker)
    return stored or await already_stored(database, connection, endings, worker)


async def _rows(url: str, jobs: Collection[Any]) -> dict[str, Row]:
    return {row["id"]: row for row in (await tables(url))["jobs"] if row["id"] in jobs}
