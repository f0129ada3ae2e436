"""`soniq jobs`: look at jobs, cancel them, enqueue one."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from pydantic_core import from_json

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.discovery import Located
from soniq.cli.failures import CommandFailed
from soniq.cli.groups import group, only, split_app
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples, held_to
from soniq.limits import MAX_DELAY, check_dedup_key, check_queue
from soniq.records import JobDict, JobStatus
from soniq.redaction import Redaction

Names = Annotated[list[str], typer.Argument(metavar="ID", help="APP may stand before it.")]


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    jobs = group(
        "jobs",
        "Look at jobs, cancel them, or enqueue one.",
        "soniq jobs list --status processing",
        """soniq jobs enqueue myapp.jobs:app mail.send --args '{"to": "you"}'""",
    )
    jobs.command("list", epilog=examples("soniq jobs list --queue mail --status queued"))(listing)
    jobs.command("show", epilog=examples("soniq jobs show ID --json"))(show)
    jobs.command("cancel", epilog=examples("soniq jobs cancel ID ID"))(cancel)
    jobs.command(
        "enqueue",
        epilog=examples(
            """soniq jobs enqueue myapp.jobs:app mail.send --args '{"to": "you"}'""",
            "soniq jobs enqueue report.build --queue slow --delay 60",
        ),
    )(enqueue)
    commands.add_typer(jobs)


def listing(
    app: App = None,
    queue: Annotated[str | None, typer.Option(help="Of one queue.", show_default=False)] = None,
    status: Annotated[
        JobStatus | None, typer.Option(help="In one status.", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    offset: Annotated[int, typer.Option(min=0, help="Pass over so many.")] = 0,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """List jobs, newest first; dead letters only with --status dead_letter."""

    async def question(app: Soniq) -> int:
        found = await app.list_jobs(queue, status, limit, offset)
        if as_json:
            output.document([_shown(app, job) for job in found])
        elif found:
            output.lines(_in_a_line(job) for job in found)
        else:
            output.info("No jobs", stderr=True)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


def _in_a_line(job: JobDict) -> str:
    return f"{job['id']}  {job['job_name']}  {job['status']}  {job['queue']}"


def _shown(app: Soniq, job: JobDict) -> JobDict:
    """The job as people may see it."""
    redaction = Redaction(app.settings.redact, app._get_job_registry())
    return job | {"args": redaction.args(job["job_name"], job["args"])}


def show(
    names: Names,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Show everything about one job or dead letter; secret arguments as ***."""
    app, ids = split_app(names, app_option)
    job_id = only(ids, "ID")

    async def question(app: Soniq) -> int:
        job = await app.get_job(job_id)
        if job is None:
            raise CommandFailed(f"There is no job {job_id}.")
        found = _shown(app, job)
        output.document(found) if as_json else output.record(found)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


def cancel(
    names: Names,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Cancel queued and running jobs."""
    app, ids = split_app(names, app_option)
    if not ids:
        raise typer.BadParameter("at least one ID is wanted.", param_hint="ID")

    async def question(app: Soniq) -> int:
        answers = [{"id": each, "cancelled": await app.cancel_job(each)} for each in ids]
        if as_json:
            output.document(answers)
        for answer in answers:
            await _tell(app, answer, as_json=as_json)
        return 0 if all(answer["cancelled"] for answer in answers) else 1

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


async def _tell(app: Soniq, answer: dict[str, Any], *, as_json: bool) -> None:
    job_id = answer["id"]
    if not answer["cancelled"]:
        job = await app.get_job(job_id)
        why = "there is no such job" if job is None else f"it is {job['status']}"
        output.error(f"{job_id} was not cancelled: {why}")
    elif not as_json:
        output.line(f"Cancelled {job_id}")


def enqueue(
    names: Annotated[
        list[str], typer.Argument(metavar="NAME", help="The job; APP may stand before it.")
    ],
    args: Annotated[
        str, typer.Option("--args", metavar="JSON", help="Its arguments, an object.")
    ] = "{}",
    queue: Annotated[
        str | None,
        typer.Option(help="On this queue.", show_default=False, callback=held_to(check_queue)),
    ] = None,
    priority: Annotated[
        int | None, typer.Option(min=1, max=1000, help="Lower runs first.", show_default=False)
    ] = None,
    delay: Annotated[
        float | None,
        typer.Option(min=0, max=MAX_DELAY, help="Seconds from now.", show_default=False),
    ] = None,
    dedup_key: Annotated[
        str | None,
        typer.Option(
            help="One unfinished job has it.",
            show_default=False,
            callback=held_to(check_dedup_key),
        ),
    ] = None,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Enqueue a job and print its id.

    With the code of the jobs its name and arguments are checked, without it only the form of the
    name.
    """
    app, found = split_app(names, app_option)
    name = only(found, "NAME")
    values = _object(args)

    async def question(app: Soniq) -> int:
        job_id = await app.enqueue(
            name, args=values, queue=queue, priority=priority, delay=delay, dedup_key=dedup_key
        )
        output.line(job_id)
        return 0

    located = find_app(app, app_option, database_url, jobs_modules)
    ask(_checking(located, database_url), question)


def _checking(located: Located, database_url: str | None) -> Soniq:
    """The app to enqueue with; one without job code knows no names to check."""
    if located.modules:
        return located.app
    return Soniq(database_url=database_url, enqueue_validation="none")


def _object(text: str) -> dict[str, Any]:
    try:
        value = from_json(text)
    except ValueError as error:
        raise typer.BadParameter(f"it is no JSON: {error}.", param_hint="--args") from None
    if not isinstance(value, dict):
        raise typer.BadParameter(
            """a JSON object is wanted, like '{"to": "you"}'.""", param_hint="--args"
        )
    return value
