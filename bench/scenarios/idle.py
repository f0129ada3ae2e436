"""What a worker that has nothing to do asks of the database.

The server's own log counts: every statement that arrives, BEGIN and COMMIT among them.
"""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

from bench import backlogs
from bench.measurement import Bench, Figures, Measure
from bench.processes import workers
from bench.queue import DEFAULTS, SONIQ
from bench.server import connected

SETTLE = 3.0
LOG_THIS_DATABASE = """
DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET log_statement = ''all''', current_database());
END $$
"""
ARRIVED = re.compile(rb" LOG:  (?:statement|execute [^:]+): ")


async def _queries(bench: Bench) -> Figures:
    seconds, log = bench.sizes.idle, bench.databases.log
    async with bench.databases.fresh(await backlogs.empty(bench)) as url:
        async with connected(url) as connection:
            await connection.execute(LOG_THIS_DATABASE)
        async with workers(SONIQ.program, url, DEFAULTS):
            await asyncio.sleep(SETTLE)
            position = log.stat().st_size
            await asyncio.sleep(seconds)
            return {"queries": _arrived(log, position) / seconds}


def _arrived(log: Path, position: int) -> int:
    with log.open("rb") as file:
        file.seek(position)
        return len(ARRIVED.findall(file.read()))


MEASUREMENTS: dict[str, Measure] = {"idle": _queries}
