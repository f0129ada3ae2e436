"""``python -m bench``: Soniq beside raw SQL and the best of its peers, on a Postgres of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from bench import options
from bench.measurement import measurement_of
from bench.report import as_json, lines, said, table, tell_what_is_missing, title_of
from bench.rows import ROWS, Row
from bench.run import measure
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
    return asyncio.run(_run(rows, chosen))


def _parser() -> argparse.ArgumentParser:
    made = options.parser(
        "python -m bench", "Measure Soniq beside raw SQL.", reps=REPS, file="results.json"
    )
    options.add_only(made, "ROW", [row.key for row in ROWS])
    return made


async def _run(rows: Sequence[Row], chosen: argparse.Namespace) -> int:
    reps, sizes = options.reps_of(chosen), options.sizes_of(chosen)
    wanted = {measurement_of(figure) for row in rows for figure in row.figures}
    results, context = await measure(GROUPS, wanted=wanted, sizes=sizes, reps=reps)
    found = lines(rows, results)
    console = said()
    console.print(table(found, sizes, title=title_of(context, quick=chosen.quick)))
    console.print(NOTES.format(reps=reps, warm=f"{sizes.drain // 4:,}"), style="dim")
    context |= {"quick": chosen.quick, "reps": reps}
    options.write(chosen.json, as_json(found, sizes, results, context))
    console.print(f"Every sample: {chosen.json}", style="dim")
    return tell_what_is_missing(results)


if __name__ == "__main__":
    sys.exit(main())
