"""`soniq dead-letter`: look at the jobs that were given up, and take them along or away."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated, TextIO

import typer

from soniq.app import Soniq
from soniq.cli import dead_letter_bulk, output
from soniq.cli.failures import CommandFailed
from soniq.cli.groups import group, only, split_app
from soniq.cli.invocation import ask, find_app
from soniq.cli.letter_filter import chosen, filter_option
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples
from soniq.cli.progress import progress, uncut
from soniq.dead_letter import DeadLetterFilter, DeadLetterJob

Filter = Annotated[str | None, filter_option("Job names, like mail.*")]
ExportFormat = StrEnum("ExportFormat", ["csv", "json", "jsonl"])


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    letters = group(
        "dead-letter",
        "Look at the jobs that were given up, replay or delete them.",
        "soniq dead-letter list --filter 'mail.*'",
        "soniq dead-letter replay myapp.jobs:app --all --dry-run",
    )
    letters.command("list", epilog=examples("soniq dead-letter list --filter 'mail.*'"))(listing)
    letters.command("show", epilog=examples("soniq dead-letter show ID --json"))(show)
    dead_letter_bulk.register(letters)
    letters.command("cleanup", epilog=examples("soniq dead-letter cleanup --days 90 --dry-run"))(
        cleanup
    )
    letters.command(
        "export",
        epilog=examples(
            "soniq dead-letter export --output letters.csv",
            "soniq dead-letter export --output - --format jsonl | jq .last_error",
        ),
    )(export)
    commands.add_typer(letters)


def in_a_line(job: DeadLetterJob) -> str:
    """A dead letter in a line, the same in every command."""
    return f"{job.id}  {job.job_name}  {job.dead_letter_reason}"


def listing(
    app: App = None,
    glob: Filter = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """List dead letters, the one given up last first."""

    async def question(app: Soniq) -> int:
        found = await app.dead_letter.list(chosen(glob, limit + 1))
        _list(app, found[:limit], as_json=as_json)
        if len(found) > limit:
            more = await app.dead_letter.count(chosen(glob)) - limit
            output.info(f"{more} more: raise --limit to see them", stderr=True)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


def _list(app: Soniq, jobs: Sequence[DeadLetterJob], *, as_json: bool) -> None:
    if as_json:
        output.document([app.dead_letter.shown(job) for job in jobs])
    elif jobs:
        output.lines(in_a_line(job) for job in jobs)
    else:
        output.info("No dead letters", stderr=True)


def show(
    names: Annotated[list[str], typer.Argument(metavar="ID", help="APP may stand before it.")],
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Show everything about one dead letter; secret arguments as ***."""
    app, ids = split_app(names, app_option)
    dead_id = only(ids, "ID")

    async def question(app: Soniq) -> int:
        job = await app.dead_letter.get_dead_letter_job(dead_id)
        if job is None:
            raise CommandFailed(f"There is no dead letter {dead_id}.")
        found = app.dead_letter.shown(job)
        output.document(found) if as_json else output.record(found)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


def cleanup(
    app: App = None,
    days: Annotated[float, typer.Option(min=0, help="Keep what is younger.")] = 30,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Delete the dead letters that are older than so many days."""

    async def question(app: Soniq) -> int:
        number = await app.dead_letter.cleanup_old_dead_letter_jobs(days, dry_run)
        counted = output.counted(number, "dead letter")
        if dry_run:
            output.line(f"Dry run: would delete {counted} older than {days:g} days")
        else:
            output.ok(f"Deleted {counted} older than {days:g} days")
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question)


def export(
    path: Annotated[str, typer.Option("--output", "-o", metavar="FILE", help="- is stdout.")],
    app: App = None,
    format: Annotated[
        ExportFormat, typer.Option("--format", help="What is written.")
    ] = ExportFormat.csv,
    glob: Filter = None,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Write dead letters to a file; secret arguments as ***."""

    async def question(app: Soniq) -> int:
        which = chosen(glob)
        if path == "-":
            written = await _export(app, which, format.value, sys.stdout)
        else:
            written = await _export_to_file(app, which, format.value, path)
        output.ok(
            f"Exported {output.counted(written, 'dead letter')} to {path}", stderr=path == "-"
        )
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question)


async def _export_to_file(app: Soniq, which: DeadLetterFilter, format: str, path: str) -> int:
    try:
        return await _export(app, which, format, _file(path))
    except OSError as error:
        raise CommandFailed(
            f"The dead letters cannot be written to {path or 'a file without a name'}: {error}. "
            "Name another file with --output, or - for stdout."
        ) from error


def _file(path: str) -> Path:
    place = Path(path)
    if place.is_dir():
        raise IsADirectoryError("it is a folder, and a file is wanted")
    return place


async def _export(app: Soniq, which: DeadLetterFilter, format: str, place: Path | TextIO) -> int:
    written = 0
    with progress("Exporting", await app.dead_letter.count(which)) as advance:
        async for number in uncut(app.dead_letter.exporting(which, format, place)):
            written += number
            advance(number)
    return written
