"""`--filter`, by which the commands of dead letters choose."""

from __future__ import annotations

from typing import Any

import typer

from soniq.cli.options import held_to
from soniq.dead_letter import DeadLetterFilter
from soniq.dead_letter.filters import check_glob


def filter_option(help: str) -> Any:
    """The option; a pattern that not every store can match is wrong usage."""
    return typer.Option(
        "--filter", metavar="GLOB", help=help, show_default=False, callback=held_to(check_glob)
    )


def chosen(glob: str | None, limit: int | None = None) -> DeadLetterFilter:
    """The filter that the option's value means; None is every dead letter."""
    return DeadLetterFilter(job_names=None if glob is None else [glob], limit=limit)
