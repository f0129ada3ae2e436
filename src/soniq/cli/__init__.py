"""The command `soniq`: one file a command, each of which parses, calls the app, and prints."""

from __future__ import annotations

import sys
from typing import Annotated, Any, Final, cast

import typer
from typer.main import get_command

from soniq.cli import (
    dashboard,
    dead_letter,
    dev,
    doctor,
    health,
    inspect,
    jobs,
    metrics,
    migrate_status,
    output,
    scheduler,
    schedules,
    setup,
    status,
    worker,
)
from soniq.cli.failures import report, wants_debug
from soniq.cli.options import examples
from soniq.version import __version__

__all__ = ["main"]

_FAILURE: Final = 1
_USAGE_ERROR: Final = 2
# What typer makes of Ctrl+C in a command that does not take it for its normal end.
_INTERRUPTED: Final = 130

# typer names this class in no module of its own that stays; BadParameter is its public child.
_UsageError = cast("type[Exception]", typer.BadParameter.__base__)

_commands = typer.Typer(
    name="soniq",
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
    epilog=examples(
        "soniq setup",
        "soniq worker myapp.jobs:app",
        "soniq status --jobs",
    ),
)
for module in (
    dev,
    worker,
    setup,
    migrate_status,
    status,
    health,
    jobs,
    metrics,
    doctor,
    dead_letter,
    scheduler,
    schedules,
    inspect,
    dashboard,
):
    module.register(_commands)


@_commands.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Background jobs for Python on Postgres, SQLite or memory."""
    if version:
        output.line(f"soniq {__version__}")
        raise typer.Exit(0)
    if context.invoked_subcommand is None:
        # With rich, typer prints the help itself and gives nothing back.
        if text := context.get_help():
            output.line(text)
        raise typer.Exit(1)


def main() -> None:
    """Run the command line of this process and exit with its code.

    0 is success, 1 failure, 2 wrong usage.
    """
    sys.exit(_run(sys.argv[1:]))


def _run(arguments: list[str]) -> int:
    command = get_command(_commands)
    try:
        code = command.main(arguments, prog_name="soniq", standalone_mode=False)
    except _UsageError as error:
        return _wrong_usage(error)
    except (typer.Abort, KeyboardInterrupt):
        return _FAILURE
    except Exception as error:  # noqa: BLE001 - the edge: every error becomes a line for people
        report(error, debug=wants_debug(), as_json="--json" in arguments)
        return _FAILURE
    return _FAILURE if code == _INTERRUPTED else int(code or 0)


def _wrong_usage(error: Any) -> int:
    command = error.ctx.command_path if error.ctx is not None else "soniq"
    told = error.format_message().rstrip(".")
    output.error(f"{told}{'' if told.endswith('?') else '.'} Try '{command} --help'.")
    return _USAGE_ERROR
