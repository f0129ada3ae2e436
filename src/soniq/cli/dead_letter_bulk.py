"""`soniq dead-letter replay` and `delete`: ids, or a selection after confirmation."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.confirm import confirmed
from soniq.cli.discovery import Located
from soniq.cli.failures import CommandFailed
from soniq.cli.groups import split_app
from soniq.cli.invocation import ask, find_app
from soniq.cli.letter_filter import chosen, filter_option
from soniq.cli.options import AppOption, DatabaseUrl, JobsModules, examples
from soniq.cli.progress import progress, uncut
from soniq.dead_letter import DeadLetterFilter

_SAMPLE = 10

Names = Annotated[
    list[str] | None,
    typer.Argument(metavar="ID...", help="APP may stand before them.", show_default=False),
]
All = Annotated[bool, typer.Option("--all", help="All of them.")]
Filter = Annotated[str | None, filter_option("All whose job name matches.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Change nothing; show what would.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing.")]


class Done(NamedTuple):
    """What a batch has come to."""

    asked: int
    lines: list[str]
    """One for each that was changed."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to dead letters.

    Attributes:
        verb: as in "would replay".
        past: as in "Replayed 3 of 4".
        one: does it to one id; a line that says so, or None after telling why not.
        many: does it to a selection, batch by batch.
    """

    verb: str
    past: str
    one: Callable[[Soniq, str], Awaitable[str | None]]
    many: Callable[[Soniq, DeadLetterFilter], AsyncIterator[Done]]


def register(letters: typer.Typer) -> None:
    """Add the commands."""
    letters.command(
        "replay",
        epilog=examples(
            "soniq dead-letter replay myapp.jobs:app ID",
            "soniq dead-letter replay myapp.jobs:app --filter 'mail.*' --dry-run",
        ),
    )(replay)
    letters.command(
        "delete",
        epilog=examples("soniq dead-letter delete ID", "soniq dead-letter delete --all --yes"),
    )(delete)


def replay(
    names: Names = None,
    everything: All = False,
    glob: Filter = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Make new jobs of dead letters, which stay and count it; needs the code of the jobs."""
    app, ids = split_app(names, app_option)
    which = _which(ids, everything, glob)
    located = find_app(app, app_option, database_url, jobs_modules)
    _require_job_code(located)
    ask(located.app, lambda app: _do(_REPLAY, app, ids, which, dry_run=dry_run, yes=yes))


def delete(
    names: Names = None,
    everything: All = False,
    glob: Filter = None,
    dry_run: DryRun = False,
    yes: Yes = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Delete dead letters for good."""
    app, ids = split_app(names, app_option)
    which = _which(ids, everything, glob)
    located = find_app(app, app_option, database_url, jobs_modules)
    ask(located.app, lambda app: _do(_DELETE, app, ids, which, dry_run=dry_run, yes=yes))


def _which(ids: Sequence[str], everything: bool, glob: str | None) -> DeadLetterFilter | None:
    """The selection asked for, None for ids."""
    if bool(ids) == (everything or glob is not None):
        raise typer.BadParameter("give ids, or a selection by --all or --filter.", param_hint="ID")
    return None if ids else chosen(glob)


def _require_job_code(located: Located) -> None:
    if not located.modules:
        raise CommandFailed(
            "Replaying needs the code of the jobs: give APP (soniq dead-letter replay "
            "myapp.jobs:app ...), or --jobs-modules myapp.jobs, or set SONIQ_JOBS_MODULES."
        )


# --- either --------------------------------------------------------------------------------------


async def _do(
    deed: Deed,
    app: Soniq,
    ids: Sequence[str],
    which: DeadLetterFilter | None,
    *,
    dry_run: bool,
    yes: bool,
) -> int:
    if dry_run:
        return await _pretend(deed, app, ids, which)
    if which is None:
        return await _do_each(deed, app, ids)
    number = await app.dead_letter.count(which)
    if not confirmed(f"{deed.verb.capitalize()} {_letters(number)}", number, yes=yes):
        return 1
    return await _do_all(deed, app, which, number)


async def _pretend(
    deed: Deed, app: Soniq, ids: Sequence[str], which: DeadLetterFilter | None
) -> int:
    if which is None:
        every = [await app.dead_letter.get_dead_letter_job(each) for each in ids]
        found = [job for job in every if job is not None]
        number, asked = len(found), len(ids)
        for each, job in zip(ids, every, strict=True):
            if job is None:
                _tell_unknown(each)
    else:
        number = asked = await app.dead_letter.count(which)
        which.limit = _SAMPLE
        found = list(await app.dead_letter.list(which))
    output.line(f"Dry run: would {deed.verb} {_letters(number)}")
    output.lines(f"  {job.id}  {job.job_name}  {job.dead_letter_reason}" for job in found[:_SAMPLE])
    if number > _SAMPLE:
        output.line(f"  and {number - _SAMPLE} more")
    return 0 if number == asked else 1


async def _do_each(deed: Deed, app: Soniq, ids: Sequence[str]) -> int:
    done = 0
    try:
        for each in ids:
            line = await deed.one(app, each)
            if line is not None:
                done += 1
                output.line(line)
    except asyncio.CancelledError:
        _tell_interrupted(deed, done, len(ids))
        raise
    return _sum_up(deed, done, len(ids))


async def _do_all(deed: Deed, app: Soniq, which: DeadLetterFilter, number: int) -> int:
    done = asked = 0
    # A bar leaves no room for lines; where there is none they are the record of what was done.
    watched = sys.stdout.isatty()
    with progress(deed.past, number) as advance:
        try:
            async for batch in uncut(deed.many(app, which)):
                asked += batch.asked
                done += len(batch.lines)
                advance(batch.asked)
                if not watched:
                    output.lines(batch.lines)
        except asyncio.CancelledError:
            _tell_interrupted(deed, done, number)
            raise
    return _sum_up(deed, done, asked)


def _sum_up(deed: Deed, done: int, asked: int) -> int:
    told = f"{deed.past} {done} of {_letters(asked)}"
    if done == asked:
        output.ok(told)
        return 0
    output.warning(told, stderr=False)
    return 1


def _tell_interrupted(deed: Deed, done: int, number: int) -> None:
    output.warning(f"Interrupted: {deed.past} {done} of {_letters(number)}, the others are intact")


def _tell_unknown(dead_id: str) -> None:
    output.error(f"There is no dead letter {dead_id}")


def _letters(number: int) -> str:
    return output.counted(number, "dead letter")


# --- replay --------------------------------------------------------------------------------------


async def _replay_one(app: Soniq, dead_id: str) -> str | None:
    job = await app.dead_letter.get_dead_letter_job(dead_id)
    replayed = await app.dead_letter.replay_one(dead_id) if job is not None else None
    if job is None:
        _tell_unknown(dead_id)
    elif replayed is None:
        output.error(f"{dead_id} was not replayed: {job.job_name} is not registered by this code")
    elif not replayed.is_new:
        output.error(f"{dead_id} was not replayed: {replayed.job_id} holds its dedup key")
    else:
        return f"Replayed {dead_id} as {replayed.job_id}"
    return None


async def _replay_many(app: Soniq, which: DeadLetterFilter) -> AsyncIterator[Done]:
    held = 0
    unknown: set[str] = set()
    async for batch in app.dead_letter.replaying(which):
        held += len(batch.held)
        unknown |= batch.unknown
        lines = [f"Replayed {one.dead_id} as {one.job_id}" for one in batch.replayed]
        yield Done(batch.asked, lines)
    if held:
        output.warning(f"Not replayed, for a live job holds the dedup key: {_letters(held)}")
    if unknown:
        names = ", ".join(sorted(unknown))
        output.warning(f"Not replayed, for this code does not register them: {names}")


# --- delete --------------------------------------------------------------------------------------


async def _delete_one(app: Soniq, dead_id: str) -> str | None:
    if await app.dead_letter.delete_dead_letter_job(dead_id):
        return f"Deleted {dead_id}"
    _tell_unknown(dead_id)
    return None


async def _delete_many(app: Soniq, which: DeadLetterFilter) -> AsyncIterator[Done]:
    async for batch in app.dead_letter.deleting(which):
        yield Done(batch.asked, [f"Deleted {each}" for each in batch.deleted])


_REPLAY = Deed("replay", "Replayed", _replay_one, _replay_many)
_DELETE = Deed("delete", "Deleted", _delete_one, _delete_many)
