"""The arguments and options that every command takes alike."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

App = Annotated[
    str | None,
    typer.Argument(
        metavar="APP",
        help="The Soniq instance as module:attribute, or a module to search for it.",
        show_default=False,
    ),
]
AppOption = Annotated[
    str | None,
    typer.Option("--app", metavar="APP", help="The same as APP.", show_default=False),
]
DatabaseUrl = Annotated[
    str | None,
    typer.Option(metavar="URL", help="The database; else SONIQ_DATABASE_URL.", show_default=False),
]
JobsModules = Annotated[
    str | None,
    typer.Option(
        metavar="A,B", help="Modules to import besides SONIQ_JOBS_MODULES.", show_default=False
    ),
]
_LogLevel = StrEnum("_LogLevel", ["debug", "info", "warning", "error", "critical"])
_LogFormat = StrEnum("_LogFormat", ["plain", "json"])
LogLevel = Annotated[
    _LogLevel | None,
    typer.Option(help="Log from this level on.", case_sensitive=False, show_default=False),
]
LogFormat = Annotated[
    _LogFormat | None,
    typer.Option(
        help="Lines for people, or one JSON object a line.",
        case_sensitive=False,
        show_default=False,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def comma_list(text: str | None) -> tuple[str, ...]:
    """The parts of a comma list, without blanks and empty ones."""
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())


def held_to(check: Callable[[str], str]) -> Callable[[str | None], str | None]:
    """A callback for an option: what `check` refuses with a ValueError is wrong usage."""

    def checked(text: str | None) -> str | None:
        try:
            return None if text is None else check(text)
        except ValueError as error:
            raise typer.BadParameter(f"{error}.") from None

    return checked


def examples(*lines: str) -> str:
    """An epilogue for a command's help that shows how it is called."""
    return "\n".join(["[bold]Examples[/bold]", *(f"  {line}" for line in lines)])
