"""What goes wrong in a play comes to light, and its figures with it."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.chaos.history import Kind
from tests.chaos.scenario import Scenario, Sizes, play
from tests.chaos.scenarios.kills import on_a_file
from tests.chaos.stage import Breach, Stage

Act = Callable[[Stage, int], Awaitable[None]]

JOBS = 3


async def _work(stage: Stage) -> None:
    load = stage.load()
    for number in range(JOBS):
        await load.enqueue("chaos.short", f"short-{number}")
    await stage.workers(2, "--concurrency", "2", heartbeat_interval=0.5)
    await stage.quiet()


async def a_worker_dies_by_itself(stage: Stage, _: int) -> None:
    await _work(stage)
    os.kill(stage.fleet.all[0].pid, signal.SIGKILL)
    stage.fleet.all[0].wait()
    await stage.settle()


async def a_job_is_lost(stage: Stage, _: int) -> None:
    await _work(stage)
    with closing(sqlite3.connect(stage.url.removeprefix("sqlite:///"))) as file, file:
        file.execute("DELETE FROM soniq_jobs WHERE id IN (SELECT id FROM soniq_jobs LIMIT 1)")
    await stage.settle()


@pytest.mark.parametrize(
    ("act", "told", "lost"),
    [(a_worker_dies_by_itself, "ended with -9, by itself", 0), (a_job_is_lost, "and gone", 1)],
)
async def test_a_play_that_is_broken_has_figures(
    act: Act, told: str, lost: int, tmp_path: Path
) -> None:
    stages: list[Stage] = []
    broken = Scenario("broken", "", "", Sizes(1, 1, 1), act, on_a_file, minutes=2)
    with pytest.raises(Breach, match=told):
        await play(broken, "short", "", tmp_path, opened=stages.append)
    found = stages[0].figures
    assert found is not None
    assert (found.lost, found.kills) == (lost, 0)


async def test_all_slots_are_tried_and_all_connections_counted(pg_url: str, tmp_path: Path) -> None:
    async with Stage.open(pg_url, tmp_path) as stage:
        await stage.workers(1, "--concurrency", "3")
        await stage.workers(1, "--concurrency", "6")
        await stage.settle()
        assert len(stage.history.of(Kind.START, name="chaos.hold")) == 9
        assert stage.facts.connections.keys() == {process.pid for process in stage.fleet.all}
        assert min(stage.facts.connections.values()) >= 3


async def test_a_figure_that_is_missed_is_no_breach(tmp_path: Path) -> None:
    async with on_a_file("", tmp_path) as stage:
        stage.aim("exit", 99.0, goal=6)
        stage.aim("start", 1.0, goal=6)
    assert stage.missed == ["exit 99.0 s instead of 6 s"]
