"""``python -m bench``: Soniq beside raw SQL and the best of its peers, on a Postgres of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import time
from collections.abc import Sequence

from bench import options
from bench.errors import BenchError
from bench.report import as_json, lines, said, table, title_of
from bench.rows import ROWS, Row
from bench.run import measure, measurements_of
from bench.scenarios import GROUPS

REPS = 5
NOTES = """\
Each figure is the median of {reps} alternating runs, with the least and the greatest of them.
A drain counts from the first handler call to the moment the database shows every job done;
handler calls were counted and equal the jobs. The raw loop is the best of batches of 100, 500 and
1,000 on one connection, without a sequential scan. WAL is counted after a checkpoint and {warm}
jobs more, so that whole-page images of shared pages are left out."""


def main() -> int:
    chosen = _parser().parse_args()
    rows = [row for row in ROWS if not chosen.only or row.key in chosen.only]
    try:
        asyncio.run(_run(rows, chosen))
    except BenchError as error:
        print(f"The bench failed, nothing it printed is a result: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    made = options.parser("python -m bench", "Measure Soniq beside raw SQL.", reps=REPS)
    options.add_only(made, "ROW", [row.key for row in ROWS])
    return made


async def _run(rows: Sequence[Row], chosen: argparse.Namespace) -> None:
    reps, sizes = options.reps_of(chosen), options.sizes_of(chosen)
    began = time.monotonic()
    results, context = await measure(
        GROUPS,
        wanted=measurements_of([figure for row in rows for figure in row.figures]),
        sizes=sizes,
        reps=reps,
    )
    found = lines(rows, results)
    console = said()
    console.print(table(found, sizes, title=title_of(context, quick=chosen.quick)))
    console.print(NOTES.format(reps=reps, warm=f"{sizes.drain // 4:,}"), style="dim")
    for line in found:
        if line.reason:
            console.print(f"not measured: {line.row.key}: {line.reason}", markup=False)
    console.print(f"{time.monotonic() - began:.0f} s in all", style="dim")
    if chosen.json:
        context |= {"quick": chosen.quick, "reps": reps}
        chosen.json.write_text(json.dumps(as_json(found, sizes, results, context), indent=1))


if __name__ == "__main__":
    sys.exit(main())
