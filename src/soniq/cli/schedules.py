"""`soniq schedules`: look at what is enqueued again and again, pause it, run it, remove it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Final

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.groups import group, split_app
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples
from soniq.cli.schedule_table import look, print_schedules

Names = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[APP] NAME...",
        help="The schedules; before them the instance, as module:attribute.",
        show_default=False,
    ),
]
Change = Callable[[Soniq, str], Awaitable[str | None]]
"""Changes one schedule; what was done in words, or None when there is no such schedule."""


def register(commands: typer.Typer) -> None:
    """Add the commands."""
    schedules = group(
        "schedules",
        "Look at recurring schedules, pause them, run them, remove them.",
        "soniq schedules list",
        "soniq schedules pause nightly.report",
    )
    schedules.command("list", epilog=examples("soniq schedules list --json"))(listing)
    for name, (purpose, change) in _CHANGES.items():
        epilog = examples(f"soniq schedules {name} nightly.report weekly.report")
        schedules.command(name, help=purpose, epilog=epilog)(_command(change))
    commands.add_typer(schedules)


def listing(
    app: App = None,
    as_json: Json = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """List schedules, with their next runs in their own zones."""

    async def question(app: Soniq) -> int:
        found = await look(app)
        output.document(found.documents()) if as_json else print_schedules(found)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


async def _pause(app: Soniq, name: str) -> str | None:
    return f"Paused {name}" if await app.scheduler.pause(name) else None


async def _resume(app: Soniq, name: str) -> str | None:
    return f"Resumed {name}" if await app.scheduler.resume(name) else None


async def _run_now(app: Soniq, name: str) -> str | None:
    try:
        return f"Enqueued {await app.scheduler.run_now(name)} for {name}"
    except LookupError:
        return None


async def _remove(app: Soniq, name: str) -> str | None:
    return f"Removed {name}" if await app.scheduler.remove(name) else None


_CHANGES: Final[dict[str, tuple[str, Change]]] = {
    "pause": ("Let schedules fire no more until they are resumed.", _pause),
    "resume": ("Let paused schedules fire again, from their next due times on.", _resume),
    "run-now": ("Enqueue the jobs of schedules at once; their due times stay.", _run_now),
    "remove": ("Forget schedules; the jobs they have enqueued stay.", _remove),
}


def _command(change: Change) -> Callable[..., None]:
    """A command that makes this change to each schedule it is given."""

    def command(
        values: Names = None,
        as_json: Json = False,
        app_option: AppOption = None,
        database_url: DatabaseUrl = None,
        jobs_modules: JobsModules = None,
    ) -> None:
        app_name, names = split_app(values, app_option)
        if not names:
            raise typer.BadParameter("name at least one schedule.", param_hint="NAME")

        async def question(app: Soniq) -> int:
            told = [(name, await change(app, name)) for name in names]
            _print_changes(told, as_json=as_json)
            return int(any(text is None for _, text in told))

        located = find_app(app_name, app_option, database_url, jobs_modules)
        ask(located.app, question, as_json=as_json)

    return command


def _print_changes(told: list[tuple[str, str | None]], *, as_json: bool) -> None:
    if as_json:
        changes: list[dict[str, Any]] = [
            {"name": name, "found": text is not None, "message": text} for name, text in told
        ]
        output.document(changes)
        return
    for name, text in told:
        if text is None:
            output.error(f"There is no schedule named {name}")
        else:
            output.ok(text)
