"""Asking before many things change."""

from __future__ import annotations

import select
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

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
    with _interruptions() as interrupted:
        sys.stderr.write(f"{question} [y/N]: ")
        sys.stderr.flush()
        ready, _, _ = select.select([sys.stdin, interrupted], [], [])
    if interrupted in ready:
        sys.stderr.write("\n")
        return False
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


@contextmanager
def _interruptions() -> Iterator[socket.socket]:
    """What becomes readable with Ctrl+C.

    The event loop's own handler would only note it while the loop stands still for the answer, and
    one that raises may come a moment before the reading begins, which then goes on.
    """
    here, there = socket.socketpair()
    there.setblocking(False)
    handler = signal.signal(signal.SIGINT, lambda *_: None)
    descriptor = signal.set_wakeup_fd(there.fileno())
    try:
        yield here
    finally:
        signal.set_wakeup_fd(descriptor)
        signal.signal(signal.SIGINT, handler)
        here.close()
        there.close()
