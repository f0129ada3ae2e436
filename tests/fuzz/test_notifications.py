"""What somebody else says on Soniq's channel makes a worker look again, and never stops it."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest
from hypothesis import strategies as st

from soniq.backends.base import Backend
from soniq.backends.postgres.listener import lock_key
from soniq.backends.postgres.wakeups import CHANNEL
from soniq.records import Done
from tests.backends.postgres.conftest import sql, store
from tests.backends.stores import PostgresStore, Recruit
from tests.factories import new_job
from tests.fuzz.effort import each_awaited, efforts
from tests.fuzz.values import json as any_json
from tests.fuzz.values import numbers, texts

__all__ = ["sql", "store"]

_MOST: Final = 7900
_NOW: Final = 1_800_000_000_000_000
"""A time as payloads have it."""
_SOUND: Final = {
    "schema": "public",
    "origin": None,
    "now": _NOW,
    "queue": "default",
    "priority": 100,
    "due": None,
    "delay": 0.0,
    "suspect": False,
}
_junk: Final[st.SearchStrategy[Any]] = st.one_of(
    st.sampled_from([None, 0, -1, 2**31, 2**63, 10**30, 0.5, True, "", "1", "\x00", "\ud800", []]),
    texts,
    numbers,
)


def _payload(fields: dict[str, Any], lanes: int) -> str:
    """A sound payload of so many lanes, but for these fields."""
    told = {**_SOUND, **fields}
    lane = [told.pop(name) for name in ("queue", "priority", "due", "delay", "suspect")]
    return _spelled({"lanes": [lane] * lanes, **told})


_nearly_sound = st.builds(
    _payload,
    st.dictionaries(st.sampled_from([*_SOUND, "lanes"]), _junk, min_size=1, max_size=2),
    st.integers(1, 2),
)


def _spelled(document: Any) -> str:
    return json.dumps(document, default=str)


_foreign = st.one_of(texts, st.builds(_spelled, any_json))
payloads = st.integers(0, 3).flatmap(lambda number: _nearly_sound if number else _foreign)


def sendable(payload: str) -> bool:
    """Whether Postgres lets it be sent at all."""
    try:
        return "\x00" not in payload and 0 < len(payload.encode()) < _MOST
    except UnicodeEncodeError:
        return False


_TELLTALE: Final = 613
"""A priority; by it a worker tells what it heard of from what it was told in vain."""
_LISTENS: Final = """
SELECT pid FROM pg_locks
WHERE locktype = 'advisory' AND granted AND (classid::bigint << 32 | objid::bigint) = $1
"""


@efforts
async def test_work_goes_on_whatever_is_announced(
    store: PostgresStore, sql: Any, effort: int
) -> None:
    worker = await store.join()
    producer = await store.open()
    listener = await sql.fetchval(_LISTENS, lock_key(worker.id))
    assert listener is not None

    async def check(sent: list[str]) -> None:
        for payload in filter(sendable, sent):
            await sql.execute("SELECT pg_notify($1, $2)", CHANNEL, payload)
        await _woken_and_served(worker, producer)

    await each_awaited(st.lists(payloads, min_size=1, max_size=5), 100 * effort, check)
    assert await sql.fetchval(_LISTENS, lock_key(worker.id)) == listener


async def _woken_and_served(worker: Recruit, producer: Backend) -> None:
    """A worker that looks only when it is woken hears of a job, although it heard junk before.

    Notifications come in the order of commits.
    """
    worker.announced.clear()
    (job_id,) = await producer.insert([new_job(priority=_TELLTALE)])
    while _TELLTALE not in worker.announced:
        worker.woken.clear()
        await worker.wait_for_wake()
    job = await worker.claim_one()
    assert job.id == job_id
    assert await worker.finish(job, Done())


@pytest.mark.parametrize(
    "lane",
    [
        [5, 100, None, 0.0, False],
        ["a\x00", 100, None, 0.0, False],
        ["a", "1", None, 0.0, False],
        ["a", 2**40, None, 0.0, False],
    ],
)
async def test_lanes_that_no_claim_could_ask_for(
    store: PostgresStore, sql: Any, lane: list[Any]
) -> None:
    worker = await store.join()
    payload = {"schema": "public", "origin": None, "lanes": [lane], "now": _NOW}
    await sql.execute("SELECT pg_notify($1, $2)", CHANNEL, json.dumps(payload))
    await _woken_and_served(worker, await store.open())
