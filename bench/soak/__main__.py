"""``python -m bench.soak``: steady load for minutes or hours, and whether anything grows with them.

Workers and a producer are real processes. The load is 70 % of the peak that is measured at its
start, of mixed jobs; where less than nine tenths of it came, or a process died, the soak has
failed. It ends by itself; Ctrl+C ends it early and tells what was seen by then.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.errors import BenchError
from bench.server import running_server
from bench.soak.report import Report
from bench.soak.run import Plan, Soak

INTERRUPTED = 130


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0, help="of steady load (10)")
    parser.add_argument("--store", choices=("postgres", "sqlite"), default="postgres")
    parser.add_argument("--processes", type=int, default=2, help="worker processes (2)")
    parser.add_argument("--share", type=float, default=0.7, help="of the peak (0.7)")
    parser.add_argument("--json", type=Path, default=Path(".bench/soak.json"), help="file to write")
    return asyncio.run(_run(parser.parse_args()))


async def _run(given: argparse.Namespace) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    plan = Plan(given.minutes * 60, given.processes, given.share)
    report = Report(given.store, plan)
    try:
        async with _store(given.store) as (url, folder):
            await Soak(url, folder, plan, report, stop).run()
    except BenchError as error:
        report.problems.append(str(error))
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(report.as_json())
    print(report.table(), flush=True)
    if report.judged():
        return 1
    return INTERRUPTED if stop.is_set() else 0


@asynccontextmanager
async def _store(kind: str) -> AsyncIterator[tuple[str, Path]]:
    """The URL of an empty store, and a folder; both go with the block."""
    with tempfile.TemporaryDirectory(prefix="soniq-soak-") as name:
        folder = Path(name)
        if kind == "sqlite":
            yield f"sqlite:///{folder / 'soak.db'}", folder
            return
        async with running_server() as databases:
            yield databases.url("postgres"), folder


if __name__ == "__main__":
    sys.exit(main())
