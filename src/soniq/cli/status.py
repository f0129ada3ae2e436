"""`soniq status`: the database, the counts of its jobs, and its workers, at a glance."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import Annotated, Any, Final

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.database import answering
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples

_COUNTS: Final = ("total", "queued", "processing", "done", "dead_letter", "cancelled")
_RECENT: Final = 10
# Without arguments, results and errors: they may hold what is nobody else's business.
_JOB_COLUMNS: Final = ("id", "job_name", "queue", "status", "attempts", "created_at")


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command("status", epilog=examples("soniq status", "soniq status --jobs --verbose"))(
        status
    )


def status(
    app: App = None,
    jobs: Annotated[bool, typer.Option("--jobs", help="Also the 10 newest jobs.")] = False,
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Also each queue.")] = False,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Show the database, the counts of its jobs, and its workers."""

    async def question(app: Soniq) -> int:
        found = await _look(app, jobs=jobs, queues=verbose)
        output.document(found) if as_json else _print(found)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


async def _look(app: Soniq, *, jobs: bool, queues: bool) -> dict[str, Any]:
    """Everything to show, as the JSON document shows it."""
    found: dict[str, Any] = {
        "database": {"status": "ok", **asdict(await answering(app))},
        "environment": app.settings.environment,
        "queue_statistics": await app.get_queue_stats(),
        "workers": _worker_counts(await app.list_workers()),
    }
    if jobs:
        newest = await app.list_jobs(limit=_RECENT)
        found["jobs"] = [{name: job[name] for name in _JOB_COLUMNS} for job in newest]
    if queues:
        found["queues"] = await app.get_queues()
    return found


def _worker_counts(workers: list[dict[str, Any]]) -> dict[str, int]:
    statuses = Counter(worker["status"] for worker in workers)
    return {"active": statuses["active"] + statuses["stopping"], "stale": statuses["stale"]}


def _print(found: dict[str, Any]) -> None:
    database = found["database"]
    output.ok(f"Database connection: OK ({database['backend']} at {database['location']})")
    output.info(f"Environment: {found['environment']}")
    output.line("Queue Statistics:", style="bold")
    for name in _COUNTS:
        output.line(f"  {name + ':':<13}{found['queue_statistics'][name]}")
    output.line(f"Workers: {_in_words(found['workers'])}", style="bold")
    if "queues" in found:
        output.table(
            ("queue", *_COUNTS),
            ([queue["queue"], *(queue[name] for name in _COUNTS)] for queue in found["queues"]),
        )
    if "jobs" in found:
        output.table(_JOB_COLUMNS, (list(job.values()) for job in found["jobs"]))


def _in_words(workers: dict[str, int]) -> str:
    if not any(workers.values()):
        return "None running"
    stale = f", {workers['stale']} stale" if workers["stale"] else ""
    return f"{workers['active']} active{stale}"
