"""Asking before many things change."""

from __future__ import annotations

import signal
import sys
from typing import Final

import typer

from soniq.cli import output
from soniq.cli.failures import CommandFailed

_MANY: Final = 5


def confirmed(deed: str, number: int, *, yes: bool) -> bool:
    """Whether to go on; a person is asked when `number` is large, unless `yes` was said before.

    Args:
        deed: what is about to happen, like "Replay 12 dead letters".

    Raises:
        CommandFailed: there is nobody to ask.
    """
    if yes or number < _MANY:
        return True
    if not sys.stdin.isatty():
        raise CommandFailed(
            f"{deed}? Nobody can be asked here, so nothing was changed: say --yes, or look first "
            "with --dry-run."
        )
    if _agreed(f"{deed}?"):
        return True
    output.warning("Nothing was changed")
    return False


def _agreed(question: str) -> bool:
    # The event loop's handler would only note Ctrl+C while the loop stands still for the answer.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        sys.stderr.write("\n")
        return False
    finally:
        signal.signal(signal.SIGINT, before)
