"""Who is woken by what, and what a claim finds then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import asyncpg
import pytest

from soniq.backends.base import Backend, Contended
from soniq.backends.postgres import notify
from soniq.backends.postgres.wakeups import CHANNEL
from soniq.records import Claimed, Released, Retry
from tests.backends.stores import PATIENCE, PostgresStore, Recruit, settings
from tests.factories import new_job, new_jobs

NO_POLL: Final = 60.0


async def patient(store: PostgresStore, **overrides: Any) -> Backend:
    """A backend whose workers find nothing by polling while a test runs."""
    backend = store._new_backend()
    await store.opened(backend, settings(poll_interval=NO_POLL, **overrides))
    return backend


@asynccontextmanager
async def payloads(url: str) -> AsyncIterator[list[str]]:
    """What is notified meanwhile."""
    heard: list[str] = []
    connection = await asyncpg.connect(url)
    await connection.add_listener(CHANNEL, lambda *told: heard.append(str(told[3])))
    try:
        yield heard
    finally:
        await connection.close()


async def until(condition: Any) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():  # noqa: ASYNC110 - a list tells nobody
            await asyncio.sleep(0.005)


async def claimed_once_woken(
    worker: Recruit, enough: Callable[[Claimed], bool] = lambda answer: bool(answer.jobs)
) -> Claimed:
    """The first answer that is `enough`, of claims that follow a wake each: some may be stale."""
    while True:
        await worker.wait_for_wake()
        worker.woken.clear()
        answer = await worker.session.claim(5)
        if enough(answer):
            return answer
        assert answer.jobs == []


@pytest.fixture
async def worker(store: PostgresStore) -> Any:
    """A worker that has looked everywhere, found nothing, and does not poll."""
    recruit = await store.join(await patient(store))
    assert (await recruit.session.claim(10)).jobs == []
    recruit.woken.clear()
    return recruit


async def test_an_insert_elsewhere_wakes_with_its_priority(
    store: PostgresStore, worker: Any
) -> None:
    await store.backend.insert([job := new_job(priority=42)])
    await worker.wait_for_wake()
    assert worker.announced[-1] == 42
    assert [found.id for found in (await worker.session.claim(5)).jobs] == [job.id]


async def test_a_row_committed_late_is_found_at_once_behind_the_floor(
    store: PostgresStore, worker: Any, pg_url: str
) -> None:
    async with store.transaction() as late:
        (job_id,) = await store.backend.insert_on(late, [new_job()])
        await store.backend.insert(new_jobs(5))
        assert len(await worker.claim(5)) == 5
        worker.woken.clear()
        await store.commit(late)
        assert [found.id for found in (await claimed_once_woken(worker)).jobs] == [job_id]


async def test_a_future_job_sets_the_timer(store: PostgresStore, worker: Any) -> None:
    await store.backend.insert([new_job(delay=30)])
    await worker.wait_for_wake()
    answer = await worker.session.claim(5)
    assert answer.jobs == []
    assert 25 < answer.next_due <= 30


async def test_a_claim_that_can_find_nothing_asks_nothing(worker: Any, sql: Any) -> None:
    before = await _transactions(sql)
    for _ in range(50):
        assert (await worker.session.claim(10)).jobs == []
    assert await _transactions(sql) - before < 10


async def _transactions(sql: Any) -> int:
    await sql.execute("SELECT pg_stat_force_next_flush()")
    return int(
        await sql.fetchval(
            "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()"
        )
    )


async def test_what_is_queued_again_wakes_the_others(store: PostgresStore, worker: Any) -> None:
    other = await store.join()
    await store.backend.insert(new_jobs(2))
    released, retried = await other.claim(2)
    await worker.session.claim(10)
    worker.woken.clear()

    assert await other.finish(released, Released())
    assert [job.id for job in (await claimed_once_woken(worker)).jobs] == [released.id]

    assert await other.finish(retried, Retry(0, "failed"))
    assert [job.id for job in (await claimed_once_woken(worker)).jobs] == [retried.id]


async def test_a_job_recovered_wakes_the_others_as_a_suspect(
    store: PostgresStore, worker: Any, sql: Any
) -> None:
    other = await store.join()
    await store.backend.insert([job := new_job()])
    await other.claim_one()
    await sql.execute(
        "UPDATE soniq_workers SET status = 'stopped', crashed = true WHERE id = $1::uuid", other.id
    )
    await worker.session.claim(5)
    worker.woken.clear()
    watching = await store.join()
    assert (await watching.session.recover(max_crashes=3)).requeued == [job.id]
    answer = await claimed_once_woken(worker, lambda answer: answer.suspects)
    assert answer.jobs == []
    assert (await worker.session.claim_suspect()).jobs[0].id == job.id
    assert not (await worker.session.claim_suspect()).suspects


async def test_without_notifications_nobody_is_notified_but_this_process_is_woken(
    store: PostgresStore, pg_url: str
) -> None:
    quiet = await patient(store, notify=False)
    worker = await store.join(quiet)
    await worker.session.claim(5)
    worker.woken.clear()
    async with payloads(pg_url) as heard:
        await quiet.insert([job := new_job()])
        assert worker.woken.is_set()
        assert [found.id for found in (await worker.session.claim(5)).jobs] == [job.id]
        await store.backend.insert([new_job(queue="last")])
        await until(lambda: heard)
        assert len(heard) == 1


async def test_a_lane_is_not_announced_with_every_insert_but_after_the_last(
    store: PostgresStore, pg_url: str, worker: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(notify, "_QUIET", PATIENCE)
    inserts = 60
    async with payloads(pg_url) as heard:
        await store.backend.insert([new_job()])
        found = len((await claimed_once_woken(worker)).jobs)
        await asyncio.gather(*(store.backend.insert([new_job()]) for _ in range(inserts - 1)))
        async with asyncio.timeout(PATIENCE):
            while found < inserts:
                await worker.wait_for_wake()
                worker.woken.clear()
                found += len((await worker.session.claim(1000)).jobs)
        await store.backend.insert([new_job(queue="last")])
        await until(lambda: any("last" in payload for payload in heard))
    assert len(heard) < inserts


async def test_a_key_that_is_hit_wakes_nobody(store: PostgresStore, pg_url: str) -> None:
    async with payloads(pg_url) as heard:
        await store.backend.insert([new_job(dedup_key="key", queue="first")])
        await store.backend.insert([new_job(dedup_key="key", queue="second")])
        await store.backend.insert([new_job(queue="third")])
        await until(lambda: any("third" in payload for payload in heard))
    assert any("first" in payload for payload in heard)
    assert not any("second" in payload for payload in heard)


async def test_an_unreadable_payload_makes_the_next_claim_look_everywhere(
    store: PostgresStore, worker: Any, sql: Any
) -> None:
    quiet = await patient(store, notify=False)
    await quiet.insert([job := new_job()])
    await sql.execute(f"NOTIFY {CHANNEL}, 'nonsense'")
    await worker.wait_for_wake()
    assert worker.announced[-1] is None
    found: list[str] = []
    async with asyncio.timeout(PATIENCE):
        while not found:
            found = [one.id for one in (await worker.session.claim(5)).jobs]
            await asyncio.sleep(0.005)
    assert found == [job.id]


async def test_a_key_held_by_an_open_transaction_is_waited_for_only_so_long(
    store: PostgresStore,
) -> None:
    async with store.transaction() as holder:
        (held,) = await store.backend.insert_on(holder, [new_job(dedup_key="key")])
        started = asyncio.get_running_loop().time()
        with pytest.raises(Contended):
            await store.backend.insert([new_job(dedup_key="key"), new_job()])
        assert asyncio.get_running_loop().time() - started < 5
        await store.backend.insert([new_job(queue="free")])
        await store.commit(holder)
    assert await store.backend.insert([new_job(dedup_key="key")]) == [held]
    assert (await store.backend.queue_stats())["default"]["queued"] == 1
