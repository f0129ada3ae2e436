"""Commands that share a first word, like `soniq jobs list` and `soniq jobs show`."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from soniq.cli import output
from soniq.cli.options import examples


def group(name: str, purpose: str, *lines: str) -> typer.Typer:
    """An empty group of commands, which by itself prints its help and fails.

    Args:
        name: its word.
        purpose: one sentence.
        lines: examples.
    """

    def show_help(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            if text := context.get_help():
                output.line(text)
            raise typer.Exit(1)

    commands = typer.Typer(name=name, rich_markup_mode="rich")
    commands.callback(invoke_without_command=True, help=purpose, epilog=examples(*lines))(show_help)
    return commands


def split_app(values: list[str] | None, app_option: str | None) -> tuple[str | None, list[str]]:
    """APP and what follows it: before ids and names it is told by its colon.

    With --app it is given already, and names may hold colons.
    """
    rest = list(values or [])
    app = rest.pop(0) if app_option is None and rest and ":" in rest[0] else None
    return app, list(dict.fromkeys(rest))


def only(values: Sequence[str], what: str) -> str:
    """The one value that is wanted; any other number is wrong usage."""
    if len(values) != 1:
        raise typer.BadParameter(f"one {what} is wanted, got {len(values)}.", param_hint=what)
    return values[0]
