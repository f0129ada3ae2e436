"""How a command that asks the app something runs: find the app, ask, close, report errors."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, nullcontext, redirect_stdout
from typing import NoReturn

import typer

from soniq.app import Soniq
from soniq.cli.discovery import Located, locate, source_from
from soniq.cli.failures import report
from soniq.cli.logs import set_up_logging
from soniq.cli.options import comma_list

Question = Callable[[Soniq], Coroutine[None, None, int]]
"""What a command does with the app; returns the exit code."""


def find_app(
    app: str | None, app_option: str | None, database_url: str | None, jobs_modules: str | None
) -> Located:
    """The app that the arguments every command takes lead to.

    Raises:
        CommandFailed: they lead to none, or to more than one.
    """
    source = source_from(one_app(app, app_option), comma_list(jobs_modules), database_url)
    with _imports_print_elsewhere():
        return locate(source)


@contextmanager
def _imports_print_elsewhere() -> Iterator[None]:
    """With --json stdout is for the document alone: what modules print goes to stderr.

    Else it stays where it is, for a module may send its log there.
    """
    with redirect_stdout(sys.stderr) if "--json" in sys.argv else nullcontext():
        yield


def ask(app: Soniq, question: Question, *, as_json: bool = False) -> None:
    """`run` for a command that shows or changes something: its log tells of warnings only."""
    set_up_logging("WARNING", app.settings.log_format)
    run(app, question, as_json=as_json)


def run(
    app: Soniq,
    question: Question,
    *,
    as_json: bool = False,
    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> NoReturn:
    """Run `question` on `app`, close it, and exit with the code it gives.

    Its errors become lines for people: with tracebacks where the app's settings want them.
    """
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            code = runner.run(_asked(app, question))
    except BrokenPipeError:
        # Whoever read has read enough, like `head`; what is left in the buffer must go somewhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(1) from None
    except Exception as error:  # noqa: BLE001 - the edge: every error becomes a line for people
        report(error, debug=app.settings.debug, as_json=as_json)
        raise typer.Exit(1) from None
    raise typer.Exit(code)


async def _asked(app: Soniq, question: Question) -> int:
    try:
        return await question(app)
    finally:
        if not app.is_closed:
            await app.close()


def one_app(app: str | None, app_option: str | None) -> str | None:
    """APP, whichever way it was given."""
    if app is not None and app_option is not None and app != app_option:
        raise typer.BadParameter(
            f"it says {app_option}, but APP says {app}; give one of them.", param_hint="--app"
        )
    return app_option or app
