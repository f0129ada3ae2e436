"""The example of a plugin in a package of its own works as its README says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import soniq
from soniq import Soniq

EXAMPLE = Path(__file__).parents[2] / "examples" / "plugin"

PROGRAM = """
import asyncio, json
from soniq import Soniq

async def main():
    app = Soniq(backend="memory", autoload_plugins=True)
    print(json.dumps(list(app.plugins)))

    @app.job(name="slow")
    async def slow():
        await asyncio.sleep(1.05)

    async with app:
        await app.enqueue(slow)
        await app.run_worker(run_once=True)

asyncio.run(main())
"""


@pytest.mark.parametrize(("limit", "outcomes"), [(0.0, ["dead_letter", "done"]), (3600.0, [])])
async def test_slow_runs_are_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: float, outcomes: list[str]
) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLE / "src"))
    from soniq_slow_runs import SlowRuns

    path = tmp_path / "slow.jsonl"
    path.touch()
    app = Soniq(backend="memory", plugins=[SlowRuns(seconds=limit, path=path)])

    @app.job(name="job", retries=0)
    async def job(fails: bool) -> None:
        if fails:
            raise ValueError("in vain")

    async with app:
        await app.enqueue_many("job", [{"fails": False}, {"fails": True}])
        await app.run_worker(run_once=True)
    lines: list[dict[str, Any]] = [json.loads(line) for line in path.read_text().splitlines()]
    assert sorted(line["outcome"] for line in lines) == outcomes
    assert all(line["job"] == "job" and line["seconds"] >= 0 for line in lines)


@pytest.mark.long
@pytest.mark.timeout(300)
def test_an_installed_package_is_found_by_its_entry_point(tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run(
        [*pip, "--no-index", "--disable-pip-version-check", "--target", str(site), str(EXAMPLE)],
        check=True,
        timeout=240,
    )
    source = str(Path(soniq.__file__).parents[1])
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        check=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), source])},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert json.loads(ran.stdout) == ["example.slow_runs"]
    [line] = (tmp_path / "slow-runs.jsonl").read_text().splitlines()
    assert json.loads(line)["job"] == "slow"
