"""``python -m bench.peers``: other queues beside Soniq, each in an environment of its own."""

from __future__ import annotations

import argparse
import asyncio
import sys

from bench import options
from bench.peers.catalogue import PEERS
from bench.peers.comparison import by_name, groups, table
from bench.peers.runs import CAP
from bench.report import said, tell_what_is_missing, title_of
from bench.run import measure

REPS = 3
NOTES = """\
Medians of {reps} alternating runs; under each, what Soniq's figure is times that. Enqueue is one
call at a time by each of 10 coroutines; a drain is {drain:,} no-op jobs by one process, at the best
of the settings tried, cut after {cap:.0f} s; pick-up and memory are at those settings too.
Everything runs on one Postgres with fsync and synchronous_commit on."""


def main() -> int:
    made = options.parser(
        "python -m bench.peers", "Measure other queues.", reps=REPS, file="peers.json"
    )
    options.add_only(made, "QUEUE", [peer.name for peer in PEERS])
    return asyncio.run(_run(made.parse_args()))


async def _run(chosen: argparse.Namespace) -> int:
    peers = by_name(chosen.only)
    reps, sizes = options.reps_of(chosen), options.sizes_of(chosen)
    results, context = await measure(groups(peers), sizes=sizes, reps=reps)
    console = said()
    console.print(table(peers, results, title=title_of(context, quick=chosen.quick)))
    console.print(NOTES.format(reps=reps, drain=sizes.drain, cap=CAP), style="dim")
    found = {"samples": results.samples, "not_measured": results.missing}
    options.write(chosen.json, context | {"quick": chosen.quick, "reps": reps} | found)
    console.print(f"Every sample: {chosen.json}", style="dim")
    return tell_what_is_missing(results)


if __name__ == "__main__":
    sys.exit(main())
