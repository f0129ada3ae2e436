"""``python -m tests.chaos``: all faults, two at a time, and a report.

python -m tests.chaos                          all of them in full, 25 minutes at most
python -m tests.chaos kill-one zombie          these
python -m tests.chaos --size short             as `make test` plays them
python -m tests.chaos --quote docs/reliability.md
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from tests.chaos.report import Row, Verdict, as_markdown, in_short, quoted, write
from tests.chaos.scenario import Scenario, Size, load_all, play
from tests.chaos.stage import Stage
from tests.postgres_server import PostgresServer

MINUTES: Final = 25.0
FOLDER: Final = Path(".chaos")


def main() -> int:
    scenarios = load_all()
    chosen = _parser(sorted(scenarios)).parse_args()
    wanted = [
        one
        for one in scenarios.values()
        if (not chosen.names or one.name in chosen.names)
        and getattr(one.sizes, chosen.size) is not None
    ]
    rows = asyncio.run(_play_all(wanted, chosen.size, chosen.minutes))
    write(rows, chosen.folder, size=chosen.size)
    _say(f"Report: {chosen.folder / 'report.json'} and {chosen.folder / 'report.md'}")
    if chosen.quote:
        chosen.quote.write_text(quoted(chosen.quote.read_text(), as_markdown(rows)))
    _say(in_short(rows))
    return int(any(row.verdict == "broken" or not _explained(row) for row in rows))


def _explained(row: Row) -> bool:
    """What was not played must say why."""
    return row.verdict != "not played" or bool(row.problem)


def _parser(names: Sequence[str]) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser("python -m tests.chaos", description="Inject faults for real.")
    made.add_argument(
        "names", nargs="*", metavar="NAME", choices=[[], *names], help="; ".join(names)
    )
    made.add_argument("--size", choices=["short", "long", "full"], default="full")
    made.add_argument("--minutes", type=float, default=MINUTES, help="for all of them together")
    made.add_argument("--folder", type=Path, default=FOLDER, help="for the report")
    made.add_argument("--quote", type=Path, help="a document to put the table into")
    return made


async def _play_all(wanted: Sequence[Scenario], size: Size, minutes: float) -> list[Row]:
    """Three at a time, from both ends of the list and each on a server of its own: most of a
    fault's time is spent waiting. The longest comes first, or the others would wait for it.

    What fails does not keep the others from being played.
    """
    left = deque(sorted(wanted, key=lambda one: one.minutes, reverse=True))
    rows: dict[str, Row] = {}
    give_up = time.monotonic() + minutes * 60

    async def lane(take: Callable[[], Scenario]) -> None:
        with PostgresServer() as server:
            while left:
                one = take()
                _say(f"[{len(wanted) - len(left)}/{len(wanted)}] {one.name}: {one.fault}")
                rows[one.name] = row = await _row(one, size, server, give_up - time.monotonic())
                _say(f"    {one.name}: {_summary(row)}")

    await asyncio.gather(lane(left.popleft), lane(left.pop), lane(left.popleft))
    return [rows[one.name] for one in wanted]


async def _row(one: Scenario, size: Size, server: PostgresServer, seconds: float) -> Row:
    """Play a scenario in the seconds that are left; one that they do not suffice for is broken."""
    database = "chaos_" + one.name.replace("-", "_")
    await _on(server, f"CREATE DATABASE {database}")
    began, stages = time.monotonic(), list[Stage]()

    def told(kind: Verdict, problem: str = "") -> Row:
        took = time.monotonic() - began
        return Row.of(one, kind, took, problem=problem, **_measured(stages))

    try:
        with tempfile.TemporaryDirectory(prefix="soniq-chaos-") as folder:
            url = server.database_url(database)
            async with asyncio.timeout(seconds):
                stage = await play(one, size, url, Path(folder), opened=stages.append)
        return told("missed" if stage.missed else "kept")
    except pytest.skip.Exception as reason:
        return told("not played", str(reason))
    except (Exception, pytest.fail.Exception) as error:  # noqa: BLE001 - for the report
        return told("broken", "".join(traceback.format_exception(error)))
    finally:
        await _on(server, f"DROP DATABASE IF EXISTS {database} WITH (FORCE)")


def _measured(stages: Sequence[Stage]) -> dict[str, Any]:
    """What the stage of a play has to tell, if it came to one."""
    return {
        name: getattr(stage, name) for stage in stages for name in ("figures", "measured", "missed")
    }


def _summary(row: Row) -> str:
    found = [f"{row.verdict}, {row.seconds:.0f} s"]
    if row.figures is not None:
        found.append(f"{row.figures.jobs} jobs, {row.figures.lost} lost")
        if recovery := row.figures.recovery:
            found.append(f"run again after {recovery.p95:.1f} s (p95), {recovery.max:.1f} s (max)")
    found += [f"{name} {value}" for name, value in row.measured.items()]
    found += [f"MISSED {what}" for what in row.missed]
    return "; ".join([*found, *([row.problem[:2000]] if row.problem else [])])


async def _on(server: PostgresServer, statement: str) -> None:
    connection = await asyncpg.connect(server.url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
