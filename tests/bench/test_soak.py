"""A soak ends by itself, says what it has seen, and fails only over what grows."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from bench.errors import BenchError
from bench.soak.children import Child, child
from bench.soak.judgement import FEWEST, drift, trend
from bench.soak.report import Report, Sample
from bench.soak.run import SETTINGS, Plan
from soniq import Soniq
from tests.programs import Program

_ROOT = Path(__file__).resolve().parents[2]
_MEGABYTE = 1e6


def points(*values: float) -> list[tuple[float, float]]:
    """Samples, one every ten seconds."""
    return [(10.0 * number, value) for number, value in enumerate(values)]


def test_what_rises_all_the_time_grows() -> None:
    found = trend("worker memory", points(*(100e6 + n * _MEGABYTE for n in range(60))))
    assert found is not None
    assert found.grows
    assert found.tau == 1


@pytest.mark.parametrize(
    "values",
    [
        [100e6 + n % 7 * 20e6 for n in range(60)],  # it breathes
        [n * 10e6 if n < 20 else 200e6 for n in range(60)],  # it warms up
        [100e6 + n * 1e3 for n in range(60)],  # it rises by next to nothing
        [200e6 - n * _MEGABYTE for n in range(60)],  # it falls
        [900e6 if n in (25, 58) else 100e6 for n in range(60)],  # it has outliers
    ],
)
def test_what_only_moves_does_not_grow(values: list[float]) -> None:
    found = trend("worker memory", points(*values))
    assert found is not None
    assert not found.grows


def test_few_samples_tell_nothing() -> None:
    assert trend("threads", points(*range(FEWEST))) is None
    assert drift(points(*range(FEWEST))) is None


def test_what_was_timed_within_a_minute_tells_nothing() -> None:
    slower = points(*(10.0 * number for number in range(40)))
    assert trend("start p95 ms", slower[:6] * 3) is None
    found = trend("start p95 ms", slower)
    assert found is not None
    assert found.grows


def test_throughput_that_falls_is_seen() -> None:
    kept = drift(points(*(1000.0 if n < 40 else 700.0 for n in range(60))))
    assert kept == pytest.approx(0.7)


@pytest.mark.parametrize("share, right", [(0.95, True), (0.8, False)])
def test_a_load_that_is_not_what_was_meant_is_told(share: float, right: bool) -> None:
    report = Report("sqlite", Plan(600, 1, 0.7))
    report.begun(1429, 1000)
    for at in range(10, 300, 10):
        # In the first minute nothing comes at all.
        accepted = int(1000 * share * max(at - 60, 0))
        report.saw(Sample(at, accepted, live=0, results=[], sizes={}))
    assert report.pace() == pytest.approx(1000 * share)
    assert any("the load was not" in problem for problem in report.judged()) is not right


async def test_a_process_that_ends_by_itself_fails_the_soak_with_its_code(tmp_path: Path) -> None:
    async def soak() -> None:
        async with child("no.such.module", environment={}, log=tmp_path / "log") as started:
            async with asyncio.timeout(30):
                await started.ended()

    with pytest.raises(BenchError, match="ended by itself with code 1"):
        await soak()


async def test_a_worker_that_dies_fails_the_soak_although_another_takes_its_place(
    tmp_path: Path,
) -> None:
    url = f"sqlite:///{tmp_path / 'soak.db'}"
    async with Soniq(url) as app:
        await app.setup()
        worker = ("soniq", "worker", "bench.soak.jobs:app", "--processes", "2")
        environment = {**SETTINGS, "SONIQ_DATABASE_URL": url}
        async with child(*worker, environment=environment, log=tmp_path / "log") as workers:
            async with asyncio.timeout(30):
                while len(await app.list_workers()) < 2:  # noqa: ASYNC110 - nobody tells
                    await asyncio.sleep(0.05)
            workers.require_alive()
            died = workers.family()[1]
            died.kill()
            with pytest.raises(BenchError, match=f"a worker ended by itself.*{died.pid}"):
                await _watched(workers)


async def _watched(workers: Child) -> None:
    async with asyncio.timeout(30):
        while True:
            workers.require_alive()
            await asyncio.sleep(0.05)


@pytest.mark.long
@pytest.mark.timeout(180)
@pytest.mark.parametrize("store", ["postgres", "sqlite"])
def test_twenty_seconds(store: str, tmp_path: Path) -> None:
    file = tmp_path / "soak.json"
    ended = subprocess.run(
        [
            *(sys.executable, "-m", "bench.soak", "--minutes", "0.34", "--store", store),
            *("--processes", "1", "--share", "0.3", "--json", str(file)),
        ],
        cwd=_ROOT,
        capture_output=True,
        text=True,
        timeout=170,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    told = json.loads(file.read_text())
    assert told["accepted"] > 0
    assert told["failed"] == 0
    assert {"jobs a second", "start p95 ms", "worker memory", "file descriptors"} <= set(
        told["series"]
    )
    assert "nothing grows" in ended.stdout


@pytest.mark.long
@pytest.mark.timeout(180)
def test_ctrl_c_ends_it_early_and_tells_what_was_seen(tmp_path: Path) -> None:
    file = tmp_path / "soak.json"
    command = ["-m", "bench.soak", "--store", "sqlite", "--processes", "1", "--json", str(file)]
    with Program([sys.executable, *command], cwd=_ROOT) as soak:
        soak.line("^peak", within=90)
        os.kill(soak.pid, signal.SIGINT)
        assert soak.exit_code() == 130
    assert json.loads(file.read_text())["peak"] > 0
