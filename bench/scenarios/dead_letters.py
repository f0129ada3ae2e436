"""Replaying and deleting very many dead letters, by the command that an operator would use."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from bench import backlogs
from bench.errors import BenchError, require_equal
from bench.measurement import Bench, Figures, Measure
from bench.stores import open_store

APP = """
from soniq import Soniq

app = Soniq(enqueue_validation="none")
"""
DEAD = "SELECT count(*) FROM soniq_dead_letter_jobs"
REPLAYED = f"{DEAD} WHERE resurrection_count = 1"
QUEUED = "SELECT count(*) FROM soniq_jobs WHERE status = 'queued'"
_TIMEOUT = 300.0
_LOOK = 0.05


async def _all(verb: str, bench: Bench) -> Figures:
    """From the start of the command to its end, its imports and connections included."""
    (bench.scratch / "graveyard.py").write_text(APP)
    wanted = bench.sizes.dead
    async with bench.databases.fresh(await backlogs.dead(bench)) as url:
        seconds, memory = await asyncio.to_thread(_run, verb, url, bench.scratch)
        async with open_store(url) as store:
            if verb == "replay":
                replayed, queued = await store.count(REPLAYED), await store.count(QUEUED)
                require_equal("replay of dead letters", wanted=wanted, replayed=replayed)
                require_equal("replay of dead letters", wanted=wanted, queued=queued)
            else:
                require_equal("delete of dead letters", wanted=0, left=await store.count(DEAD))
    return {"seconds": seconds, "memory": memory}


def _run(verb: str, url: str, folder: Path) -> tuple[float, float]:
    """Seconds and peak megabytes of one command on everything."""
    command = [sys.executable, "-m", "soniq", "dead-letter", verb, "graveyard:app", "--all", "-y"]
    began = time.monotonic()
    process = subprocess.Popen(
        [*command, "--database-url", url], cwd=folder, stdout=subprocess.DEVNULL
    )
    peak = 0.0
    try:
        while process.poll() is None and time.monotonic() - began < _TIMEOUT:
            peak = max(peak, _peak_memory(process.pid))
            time.sleep(_LOOK)
    finally:
        process.kill()
    if process.wait():
        raise BenchError(f"soniq dead-letter {verb} ended with {process.returncode}")
    return time.monotonic() - began, peak


def _peak_memory(pid: int) -> float:
    """Megabytes so far; 0 for a process that has just ended, which has no memory any more."""
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0")
    return int(peak.split()[1]) * 1024 / 1e6


MEASUREMENTS: dict[str, Measure] = {
    "replay-dead": partial(_all, "replay"),
    "delete-dead": partial(_all, "delete"),
}
