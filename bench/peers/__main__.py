"""``python -m bench.peers``: other queues beside Soniq, each in an environment of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys

from bench import options
from bench.errors import BenchError
from bench.peers.catalogue import PEERS
from bench.peers.comparison import by_name, groups, table
from bench.peers.runs import CAP
from bench.report import said, title_of
from bench.run import measure

REPS = 3
NOTES = """\
Medians of {reps} alternating runs; under each, what Soniq's figure is times that. Enqueue is one
call at a time by each of 10 coroutines; a drain is {drain:,} no-op jobs by one process, at the best
of the settings tried, cut after {cap:.0f} s; pick-up and memory are at those settings too.
Everything runs on one Postgres with fsync and synchronous_commit on."""


def main() -> int:
    made = options.parser("python -m bench.peers", "Measure other queues.", reps=REPS)
    options.add_only(made, "QUEUE", [peer.name for peer in PEERS])
    try:
        asyncio.run(_run(made.parse_args()))
    except BenchError as error:
        print(f"The bench failed, nothing it printed is a result: {error}", file=sys.stderr)
        return 1
    return 0


async def _run(chosen: argparse.Namespace) -> None:
    peers = by_name(chosen.only)
    reps, sizes = options.reps_of(chosen), options.sizes_of(chosen)
    results, context = await measure(groups(peers), sizes=sizes, reps=reps)
    console = said()
    console.print(table(peers, results, title=title_of(context, quick=chosen.quick)))
    console.print(NOTES.format(reps=reps, drain=sizes.drain, cap=CAP), style="dim")
    for name, reason in results.missing.items():
        console.print(f"not measured: {name}: {reason}", markup=False)
    if chosen.json:
        found = {**context, "samples": results.samples, "not_measured": results.missing}
        chosen.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    sys.exit(main())
