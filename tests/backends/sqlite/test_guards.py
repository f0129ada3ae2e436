"""What happens between a look without a lock and the change that follows it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from soniq.backends.sqlite import recover
from soniq.records import Recovered, Retry
from tests.backends.stores import SQLiteStore
from tests.factories import new_job


async def test_a_worker_that_speaks_up_while_it_is_being_judged_lives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = SQLiteStore(tmp_path)
    store.backend = await store.open()
    late, judge = await store.join(), await store.join()
    await store.outlive(judge)
    loop = asyncio.get_running_loop()
    find_dead = recover.find_dead

    def find_and_hear(*judgement: object) -> list[recover.Registered]:
        found = find_dead(*judgement)  # type: ignore[arg-type]
        heard = asyncio.run_coroutine_threadsafe(late.session.heartbeat(), loop)
        assert heard.result(timeout=10)
        return found

    monkeypatch.setattr(recover, "find_dead", find_and_hear)

    assert await judge.session.recover(max_crashes=3) == Recovered([], [], [], live=1)
    assert await late.session.heartbeat()
    await store.close()


async def test_a_name_that_has_run_is_given_the_whole_grace_again(tmp_path: Path) -> None:
    store = SQLiteStore(tmp_path)
    store.backend = await store.open()
    stranger = await store.join(job_names=())
    await store.backend.insert([job := new_job()])
    assert await stranger.session.sweep_unknown([job.job_name], grace=100) == []
    knowing = await store.join()
    await knowing.finish(await knowing.claim_one(), Retry(0, "again"))
    await knowing.session.leave()
    await store.live_on(150, stranger)

    assert await stranger.session.sweep_unknown([job.job_name], grace=100) == []
    await store.live_on(150, stranger)
    assert await stranger.session.sweep_unknown([job.job_name], grace=100) == [job.id]
    await store.close()
