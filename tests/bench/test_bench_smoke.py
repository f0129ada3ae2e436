"""A tiny bench against a real server: every scenario runs, and its counts hold."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bench import backlogs
from bench.drains import drain
from bench.errors import CountMismatch
from bench.measurement import Bench, Results, alternate
from bench.queue import SONIQ, TUNED
from bench.scenarios import GROUPS
from bench.server import running_server
from bench.sizes import Sizes

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

TINY = Sizes(
    drain=200,
    singles={1: 20, 10: 100, 100: 200},
    deep=400,
    deepest=2_000,
    earlier=400,
    samples=20,
    turns=3,
    idle=1.0,
    dead=500,
    keys=40,
    finished=2_000,
    queued=500,
)
PEERS = ("pgqueuer", "oban")


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    async with running_server() as databases:
        yield Bench(databases, tmp_path, TINY)


async def test_every_scenario_gives_its_figures(bench: Bench) -> None:
    results = Results()
    for group in GROUPS:
        own = {name: run for name, run in group.items() if not name.startswith(PEERS)}
        await alternate(bench, own, reps=1, results=results, progress=lambda *_: None)
    assert not results.failed, results.failed
    assert results.missing == {}
    assert all(value >= 0 for samples in results.samples.values() for value in samples)
    assert {"drain:rate", "wal:bytes", "latency:p99", "memory:drain"} <= set(results.samples)


async def test_a_drain_whose_counts_differ_fails_the_bench(bench: Bench) -> None:
    template = await backlogs.waiting(bench, TINY.drain)
    async with bench.databases.fresh(template) as url:
        with pytest.raises(CountMismatch):
            await drain(SONIQ, url, TUNED, jobs=TINY.drain - 1)
