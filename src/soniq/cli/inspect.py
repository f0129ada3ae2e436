"""`soniq inspect`: who works here, whether they are well, and what is scheduled."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.database import answering
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples
from soniq.cli.schedule_table import Schedules, look, print_schedules
from soniq.records import Recovered


def register(commands: typer.Typer) -> None:
    """Add the command."""
    commands.command(
        "inspect",
        epilog=examples(
            "soniq inspect", "soniq inspect --stale --cleanup", "soniq inspect --schedules"
        ),
    )(inspect)


def inspect(
    app: App = None,
    stale: Annotated[
        bool, typer.Option("--stale", help="Only workers that have fallen silent.")
    ] = False,
    cleanup: Annotated[
        bool, typer.Option("--cleanup", help="First queue again what dead workers held.")
    ] = False,
    schedules: Annotated[
        bool, typer.Option("--schedules", help="The recurring schedules instead.")
    ] = False,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Show the workers and their health, or the recurring schedules and who runs them."""

    async def question(app: Soniq) -> int:
        found: dict[str, Any] = {}
        if cleanup:
            recovered = await _recover(app)
            found["recovered"] = _counts(recovered)
            if not as_json:
                _print_recovered(recovered)
        if stale or not schedules:
            found |= await _health(app, only_stale=stale)
            if not as_json:
                _print_health(found)
        if schedules:
            seen = await look(app)
            found |= _document(seen)
            if not as_json:
                _print_schedules(seen)
        if as_json:
            output.document(found)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


# --- workers -------------------------------------------------------------------------------------


async def _recover(app: Soniq) -> Recovered:
    # Asked first, so that tables that are missing are told of in the usual words.
    await answering(app)
    return await app._recover()


def _counts(recovered: Recovered) -> dict[str, int]:
    return {
        "workers": len(recovered.workers),
        "requeued": len(recovered.requeued),
        "dead_lettered": len(recovered.dead),
    }


def _print_recovered(recovered: Recovered) -> None:
    for worker in recovered.workers:
        output.info(f"Declared dead: {worker.hostname}:{worker.pid}")
    counts = _counts(recovered)
    output.ok(
        f"Recovered {output.counted(counts['workers'], 'dead worker')}: "
        f"{output.counted(counts['requeued'], 'job')} queued again, "
        f"{counts['dead_lettered']} dead-lettered"
    )


async def _health(app: Soniq, *, only_stale: bool) -> dict[str, Any]:
    """Everything to show about the workers, as the JSON document shows it."""
    present = [worker for worker in await app.list_workers() if worker["status"] != "stopped"]
    stats = await app.get_queue_stats()
    silent = [worker for worker in present if worker["status"] == "stale"]
    reasons = []
    if silent:
        reasons.append(f"{output.counted(len(silent), 'worker')} silent for too long")
    if len(silent) == len(present) and stats["queued"] + stats["processing"]:
        waiting = output.counted(stats["queued"] + stats["processing"], "job")
        reasons.append(f"{waiting} and no live worker")
    return {
        "health": "degraded" if reasons else "healthy",
        "reasons": reasons,
        "workers": silent if only_stale else present,
    }


def _print_health(found: dict[str, Any]) -> None:
    if found["reasons"]:
        output.warning(f"Health: DEGRADED ({'; '.join(found['reasons'])})", stderr=False)
    else:
        output.ok("Health: HEALTHY")
    if not found["workers"]:
        output.line("No workers to show")
        return
    now = datetime.now(UTC)
    output.table(
        ("worker", "status", "queues", "uptime", "heartbeat"),
        (
            (
                f"{worker['hostname']}:{worker['pid']}",
                worker["status"],
                "all" if worker["queues"] is None else ", ".join(worker["queues"]),
                _span(now - worker["started_at"]),
                f"{_span(now - worker['last_heartbeat'])} ago",
            )
            for worker in found["workers"]
        ),
    )


def _span(span: timedelta) -> str:
    """A span in its two largest units; the clocks of two machines may differ by a little."""
    seconds = max(0, int(span.total_seconds()))
    parts = zip(
        (seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60, seconds % 60),
        ("d", "h", "m", "s"),
        strict=True,
    )
    told = [f"{number}{unit}" for number, unit in parts]
    while len(told) > 1 and told[0][0] == "0":
        told.pop(0)
    return " ".join(told[:2])


# --- schedules -----------------------------------------------------------------------------------


def _document(found: Schedules) -> dict[str, Any]:
    return {"schedules": found.documents(), "schedulers": found.schedulers}


def _print_schedules(found: Schedules) -> None:
    output.line("Recurring Schedules:", style="bold")
    print_schedules(found)
    for one in found.schedulers:
        output.info(f"Scheduler running: {one['hostname']}:{one['pid']}")
