"""Processes die, stores restart: nothing is lost, nothing stays stuck."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import pytest

from soniq import Soniq
from tests.postgres_server import PostgresServer, StopMode
from tests.processes.conftest import Processes, lines, producer, until

RECOVERY = 30.0
"""Seconds: three times what is promised, a tenth of the heartbeat timeout."""


async def done(app: Soniq, number: int) -> bool:
    stats = await app.get_queue_stats()
    return stats["done"] >= number


@pytest.mark.parametrize("name", ["hold", "hold.thread"])
async def test_the_jobs_of_a_killed_worker_run_again_on_another(
    client: Soniq, store_url: str, processes: Processes, tmp_path: Path, name: str
) -> None:
    await client.setup()
    log, gate = tmp_path / "runs", tmp_path / "gate"
    ids = await client.enqueue_many(name, [{"log": str(log), "gate": str(gate)}] * 4)
    victim = processes.worker(store_url)

    async def busy() -> bool:
        return len(lines(log)) == 4

    await until(busy, processes)
    rescuer = processes.worker(store_url)

    async def two() -> bool:
        return [w["status"] for w in await client.list_workers()] == ["active"] * 2

    await until(two, processes)
    victim.kill()
    victim.wait()
    gate.touch()

    async def finished() -> bool:
        return await done(client, 4)

    await until(finished, processes, RECOVERY)
    for job_id in ids:
        job = await client.get_job(job_id)
        assert job is not None
        assert (job["attempts"], job["crashes"], job["result"]) == (1, 1, rescuer.pid)


async def test_a_worker_that_is_killed_while_it_stops_counts_no_crash(
    client: Soniq, store_url: str, processes: Processes, tmp_path: Path
) -> None:
    await client.setup()
    log, gate = tmp_path / "runs", tmp_path / "gate"
    job_id = await client.enqueue("hold", args={"log": str(log), "gate": str(gate)})
    victim = processes.worker(store_url)

    async def busy() -> bool:
        return len(lines(log)) == 1

    await until(busy, processes)
    victim.send_signal(signal.SIGTERM)

    async def stopping() -> bool:
        return [w["status"] for w in await client.list_workers()] == ["stopping"]

    await until(stopping, processes)
    victim.send_signal(signal.SIGTERM)  # the second one exits at once
    assert await asyncio.to_thread(victim.wait, 20) == 1
    gate.touch()
    processes.worker(store_url)

    async def finished() -> bool:
        return await done(client, 1)

    await until(finished, processes, RECOVERY)
    job = await client.get_job(job_id)
    assert job is not None
    assert (job["attempts"], job["crashes"]) == (1, 0)


async def test_sigterm_drains_and_exits_cleanly(
    client: Soniq, store_url: str, processes: Processes, tmp_path: Path
) -> None:
    await client.setup()
    log, gate = tmp_path / "runs", tmp_path / "gate"
    arguments = {"log": str(log), "gate": str(gate)}
    ids = await client.enqueue_many("hold", [arguments] * 10)
    worker = processes.worker(store_url)

    async def busy() -> bool:
        return len(lines(log)) == 4

    await until(busy, processes)
    worker.send_signal(signal.SIGTERM)

    async def stopping() -> bool:
        return [w["status"] for w in await client.list_workers()] == ["stopping"]

    await until(stopping, processes)
    gate.touch()
    assert await asyncio.to_thread(worker.wait, 20) == 0
    stats = await client.get_queue_stats()
    assert (stats["done"], stats["queued"], stats["processing"]) == (4, 6, 0)
    assert len(ids) == 10


@pytest.mark.timeout(180)
async def test_a_poison_job_among_innocent_ones_ends_alone(
    client: Soniq, store_url: str, processes: Processes, tmp_path: Path
) -> None:
    await client.setup()
    log = tmp_path / "runs"
    innocents = await client.enqueue_many(
        "innocent", [{"log": str(log), "n": n} for n in range(40)]
    )
    poison = await client.enqueue("poison", args={"log": str(log)}, priority=50)
    more = await client.enqueue_many("innocent", [{"log": str(log), "n": n} for n in range(40)])
    processes.worker(store_url, "--processes", "2")

    async def settled() -> bool:
        stats = await client.get_queue_stats()
        return bool(stats["dead_letter"] == 1 and stats["done"] == 80)

    await until(settled, processes, 150)
    dead = await client.get_job(poison)
    assert dead is not None
    assert (dead["status"], dead["dead_letter_reason"]) == ("dead_letter", "worker_crashed")
    assert len(lines(log)) == dead["crashes"] == 3
    for job_id in [*innocents, *more]:
        job = await client.get_job(job_id)
        assert job is not None
        assert job["status"] == "done"


@pytest.mark.timeout(240)
@pytest.mark.parametrize("mode", ["fast", "immediate"])
async def test_restarts_of_postgres_under_load_lose_nothing(
    private_pg_server: PostgresServer, processes: Processes, tmp_path: Path, mode: StopMode
) -> None:
    url = private_pg_server.url
    log = tmp_path / "runs"
    async with producer(url) as app:
        await app.setup()
        workers = [processes.worker(url, "--concurrency", "10") for _ in range(2)]

        async def both_work() -> bool:
            # One that is still starting when the server goes away is right to exit.
            return [w["status"] for w in await app.list_workers()].count("active") == 2

        await until(both_work, processes)
        accepted: list[tuple[int, str]] = []
        finished = asyncio.Event()

        async def produce(start: int) -> None:
            n = start
            while not finished.is_set():
                accepted.append((n, await app.enqueue("count", args={"log": str(log), "n": n})))
                n += 10

        load = [asyncio.create_task(produce(k)) for k in range(10)]
        for _ in range(3):
            before = len(accepted)

            async def grown(before: int = before) -> bool:
                return len(accepted) > before + 200 and len(lines(log)) > before

            await until(grown, processes)
            await asyncio.to_thread(private_pg_server.restart, mode)
        finished.set()
        await asyncio.gather(*load)

        async def all_done() -> bool:
            stats = await app.get_queue_stats()
            return bool(stats["queued"] == stats["processing"] == 0)

        await until(all_done, processes)
        stats = await app.get_queue_stats()
        assert stats["dead_letter"] == 0
        assert stats["done"] == len(accepted)
        assert {int(n) for (n,) in lines(log)} == {n for n, _ in accepted}
        assert [worker.poll() for worker in workers] == [None, None], processes.output()


async def test_a_second_signal_ends_a_worker_whose_handler_never_yields(
    client: Soniq, store_url: str, processes: Processes, tmp_path: Path
) -> None:
    await client.setup()
    log = tmp_path / "runs"
    await client.enqueue("spin", args={"log": str(log)})
    worker = processes.worker(store_url)

    async def spinning() -> bool:
        return len(lines(log)) == 1

    await until(spinning, processes)
    worker.send_signal(signal.SIGTERM)
    worker.send_signal(signal.SIGINT)  # pending signals of one number are one signal
    assert await asyncio.to_thread(worker.wait, 20) == 1
