"""Soniq at work: every module of Python's standard library becomes a job that counts what is in it.

The jobs are stored in a SQLite file, so there is nothing to install and no server to start. A few
files fail twice before they succeed, and one never does. Run it with: make demo
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import logging
import sys
import sysconfig
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from soniq import JobContext, Soniq

FOLDER = Path(".demo")
LOG = FOLDER / "soniq.log"
DATABASE = f"sqlite:///{FOLDER}/soniq.db"
STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib"))
SHAKY_FILES = ("antigravity.py", "bisect.py", "heapq.py", "shelve.py")
DOOMED_FILE = "this.py"
ALWAYS = 1_000
PARSER = threading.Lock()

app = Soniq(database_url=DATABASE, result_ttl=86_400)


@dataclass(frozen=True, slots=True)
class Count:
    """What is in one file; `valid` is False where the parser refuses it, as some tests intend."""

    lines: int
    functions: int = 0
    classes: int = 0
    valid: bool = True


@app.job(max_retries=2)
def count(ctx: JobContext, path: str, failures: int) -> Count:
    """Parse a file and count its lines, functions and classes, after some made-up failures."""
    if ctx.attempt <= failures:
        raise OSError(f"cannot read {path} (attempt {ctx.attempt} of {ctx.max_attempts})")
    source = (STANDARD_LIBRARY / path).read_bytes()
    lines = source.count(b"\n")
    try:
        # In some versions of Python two threads at once make ast.parse fail (its issue 106905).
        with PARSER:
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError):
        return Count(lines, valid=False)
    nodes = list(ast.walk(tree))
    return Count(
        lines,
        functions=sum(isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) for node in nodes),
        classes=sum(isinstance(node, ast.ClassDef) for node in nodes),
    )


def modules(limit: int | None) -> list[str]:
    """List the standard library's files relative to its folder, those that will fail first."""
    found = sorted(
        str(path.relative_to(STANDARD_LIBRARY))
        for path in STANDARD_LIBRARY.rglob("*.py")
        if not {"site-packages", "dist-packages"}.intersection(path.parts)
    )
    found.sort(key=lambda path: failures_of(path) == 0)
    return found[:limit]


def failures_of(path: str) -> int:
    """Say how often the job for a file shall fail: most never, a few twice, one always."""
    if path == DOOMED_FILE:
        return ALWAYS
    return 2 if path in SHAKY_FILES else 0


async def watch(total: int, console: Console) -> None:
    """Show a progress bar until every job has come to its end."""
    columns = (TextColumn("Counting"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("count", total=total)
        while not progress.finished:
            stats = await app.get_queue_stats()
            progress.update(bar, completed=stats["done"] + stats["dead_letter"])
            await asyncio.sleep(0.1)


async def all_jobs(status: str) -> list[dict[str, Any]]:
    """Fetch every job of a status, a page at a time."""
    jobs: list[dict[str, Any]] = []
    while page := await app.list_jobs(status=status, limit=500, offset=len(jobs)):
        jobs += page
    return jobs


def largest(counts: Mapping[str, Count], size: int = 10) -> Table:
    """Lay out the files with the most lines."""
    table = Table(title="The largest modules")
    table.add_column("module")
    for heading in ("lines", "functions", "classes"):
        table.add_column(heading, justify="right")
    for path, found in sorted(counts.items(), key=lambda item: -item[1].lines)[:size]:
        table.add_row(path, f"{found.lines:,}", f"{found.functions:,}", f"{found.classes:,}")
    return table


async def report(console: Console, seconds: float) -> None:
    """Print what came out: the largest modules, the rate, the retries and the dead letter."""
    done, dead = await all_jobs("done"), await all_jobs("dead_letter")
    counts = {job["args"]["path"]: Count(**job["result"]) for job in done}
    lines = sum(found.lines for found in counts.values())
    refused = sum(not found.valid for found in counts.values())
    retries = sum(job["attempts"] - 1 for job in done + dead)

    console.print()
    console.print(largest(counts))
    console.print()
    console.print(f"[bold]{len(counts):,}[/] files with {lines:,} lines in {seconds:.1f} s")
    rate = (len(done) + len(dead)) / seconds
    console.print(f"  [bold]{rate:,.0f}[/] jobs/s in the threads of one process, parsing included")
    console.print(f"  [bold]{retries}[/] retries of attempts that were made to fail")
    if refused:
        console.print(f"  [bold]{refused}[/] files are no valid Python, as tests of the parser")
    for job in dead:
        error = job["last_error"].splitlines()[0]
        console.print(f"  [bold red]1 dead letter[/] after {job['attempts']} attempts: {error}")


def suggest(console: Console) -> None:
    """Print two commands that look at what the demo left behind."""
    soniq = Path(sys.executable).with_name("soniq")
    if soniq.is_relative_to(Path.cwd()):
        soniq = soniq.relative_to(Path.cwd())
    console.print("\nThe jobs are still there. Look at them:")
    console.print(f"  {soniq} status --jobs --database-url {DATABASE}", soft_wrap=True)
    console.print(f"  {soniq} dead-letter list --database-url {DATABASE}", soft_wrap=True)


async def run(paths: Sequence[str], console: Console) -> None:
    """Enqueue a job for each path, run them all and report."""
    async with app:
        await app.enqueue_many(
            count, [{"path": path, "failures": failures_of(path)} for path in paths]
        )
        started = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(app.run_worker(run_once=True))
            tasks.create_task(watch(len(paths), console))
        await report(console, time.perf_counter() - started)


def start_afresh() -> None:
    """Remove what an earlier run left, and send the log of this one to a file."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.iterdir():
        if old.is_file():
            old.unlink()
    logging.basicConfig(filename=LOG, level=logging.INFO)
    # Some of the library's own tests are full of doubtful escapes.
    warnings.simplefilter("ignore", SyntaxWarning)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, help="how many files to count (all of them)")
    limit = parser.parse_args().files

    start_afresh()
    console = Console()
    paths = modules(limit)
    console.print(f"[bold]{len(paths):,}[/] files in {STANDARD_LIBRARY}", soft_wrap=True)
    console.print(f"Each becomes a job in {FOLDER}/soniq.db; the log goes to {LOG}")
    asyncio.run(run(paths, console))
    suggest(console)


if __name__ == "__main__":
    main()
