"""One run of the bench: the server, the groups of measurements that are needed, in turn."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from bench.measurement import Bench, Measure, Results, alternate
from bench.server import running_server
from bench.sizes import Sizes

BUSY = 0.5
"""Load a processor above which somebody else's work would be measured as well."""

SAID = Console(stderr=True, highlight=False)


async def measure(
    groups: Iterable[Mapping[str, Measure]],
    *,
    sizes: Sizes,
    reps: int,
    wanted: Collection[str] | None = None,
) -> tuple[Results, dict[str, Any]]:
    """Run the measurements of all groups, or the `wanted` ones; return what came and where."""
    results = Results()
    load = os.getloadavg()[0]
    if load > BUSY * (os.cpu_count() or 1):
        SAID.print(f"[yellow]The machine is busy (load {load:.1f}): quote none of this.[/]")
    began = time.monotonic()
    async with running_server() as databases:
        with TemporaryDirectory(prefix="soniq-bench-") as scratch:
            bench = Bench(databases, Path(scratch), sizes)
            for group in groups:
                chosen = {
                    name: run for name, run in group.items() if wanted is None or name in wanted
                }
                await alternate(bench, chosen, reps=reps, results=results, progress=_progress(reps))
        circumstances = {"machine": machine(), "postgres": await databases.settings()}
    return results, circumstances | {"seconds": round(time.monotonic() - began), "load": load}


def _progress(reps: int) -> Any:
    def say(name: str, rep: int, what: str) -> None:
        SAID.print(f"[dim]{rep + 1}/{reps}[/] {name}: {what}")

    return say


def machine() -> dict[str, Any]:
    """What the figures depend on; nothing that tells whose machine it is."""
    return {
        "processors": os.cpu_count(),
        "architecture": platform.machine(),
        "python": platform.python_version(),
        "system": sys.platform,
    }
