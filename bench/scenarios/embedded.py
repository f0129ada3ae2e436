"""The same on a SQLite file and in memory."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.drains import drain
from bench.errors import require_equal
from bench.measurement import Bench, Figures, Measure
from bench.processes import run_json
from bench.queue import SONIQ, TUNED
from bench.raw_runs import raw
from bench.stores import SQLiteStore

RAW_BATCHES = (100, 500, 1_000)


async def _waiting(bench: Bench) -> Path:
    """The file with a drain's jobs waiting in it, made once."""
    path = bench.scratch / "waiting.db"
    if not path.exists():
        making = bench.scratch / "making.db"
        await SONIQ.program.produce("fill", f"sqlite:///{making}", count=bench.sizes.drain)
        with closing(sqlite3.connect(making)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(making, path)
    return path


@contextmanager
def _fresh(bench: Bench, template: Path | None = None) -> Iterator[str]:
    """The path of a new file, a copy of `template` if given, that goes with the block."""
    with TemporaryDirectory(dir=bench.scratch) as folder:
        path = Path(folder) / "jobs.db"
        if template is not None:
            shutil.copy(template, path)
        yield str(path)


async def _sqlite_drain(bench: Bench) -> Figures:
    with _fresh(bench, await _waiting(bench)) as path:
        drained = await drain(SONIQ, f"sqlite:///{path}", TUNED, jobs=bench.sizes.drain)
    return {"rate": drained.rate}


async def _raw_sqlite_drain(bench: Bench) -> Figures:
    figures = {}
    for batch in RAW_BATCHES:
        with _fresh(bench, await _waiting(bench)) as path:
            figures[str(batch)] = await raw("sqlite", path, jobs=bench.sizes.drain, batch=batch)
    return figures


async def _sqlite_singles(producers: int, bench: Bench) -> Figures:
    jobs = bench.sizes.singles[producers]
    with _fresh(bench) as path:
        made = await SONIQ.program.produce(
            "singles", f"sqlite:///{path}", count=jobs, producers=producers, options=TUNED
        )
        stored = await SQLiteStore(path).count(SONIQ.left)
    require_equal("enqueue on SQLite", calls=made["rows"], stored=stored)
    return {"rate": made["measured"] / made["seconds"]}


async def _sqlite_bulk(bench: Bench) -> Figures:
    with _fresh(bench) as path:
        made = await SONIQ.program.produce("bulk", f"sqlite:///{path}", count=bench.sizes.drain)
        stored = await SQLiteStore(path).count(SONIQ.left)
    require_equal("bulk enqueue on SQLite", calls=made["rows"], stored=stored)
    return {"rate": made["measured"] / made["seconds"]}


async def _memory(bench: Bench) -> Figures:
    jobs = bench.sizes.drain
    ran = await run_json([sys.executable, "-m", "bench.subjects.memory", str(jobs)])
    require_equal("drain in memory", jobs=jobs, handler_calls=ran["calls"], done=ran["done"])
    return {"enqueue": ran["enqueue"], "bulk": ran["bulk"], "drain": ran["drain"]}


MEASUREMENTS: dict[str, Measure] = {
    "sqlite-drain": _sqlite_drain,
    "raw-sqlite-drain": _raw_sqlite_drain,
    "sqlite-enqueue-1": partial(_sqlite_singles, 1),
    "sqlite-enqueue-100": partial(_sqlite_singles, 100),
    "sqlite-bulk": _sqlite_bulk,
    "memory": _memory,
}
