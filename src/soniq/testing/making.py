"""Making applications for tests."""

from __future__ import annotations

from typing import Any, Final

from soniq.app import Soniq
from soniq.backends.memory import MemoryBackend
from soniq.testing.clock import Clock
from soniq.testing.inline import run_inline

KEPT: Final = 365 * 86400.0
"""Seconds that a job stays after its end, unless a test says otherwise."""


def make_app(*, clock: Clock | None = None, inline: bool = False, **overrides: Any) -> Soniq:
    """A Soniq on a memory store of its own, for one test.

    ::

        clock = Clock()
        app = make_app(clock=clock, max_retries=1)

    What ended stays for a year unless `overrides` name a ``result_ttl``: a test that lets days pass
    wants to see what became of its jobs.

    Args:
        clock: gives the store its time, and runs the app's jobs as it advances; None is the
            system's, which runs nothing.
        inline: run each job, and those that it enqueues, before the enqueue that stored it
            returns. A retry that is due at once runs too; whatever is due later waits for `drain`
            or the clock. A job that fails raises nothing, as it would not with a worker.
        overrides: settings, ``retry_policy``, ``metrics_sink`` and all else that `Soniq` takes,
            but ``backend`` and ``database_url``.

    Raises:
        TypeError, ValueError: as `Soniq` says.
    """
    backend = MemoryBackend(None if clock is None else clock.now)
    app = Soniq(backend=backend, **{"result_ttl": KEPT, **overrides})
    if clock is not None:
        clock.follow(app)
    if inline:
        run_inline(app)
    return app
