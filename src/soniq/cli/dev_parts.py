"""The processes of `soniq dev` that import the project's code, and are replaced when it changes."""

from __future__ import annotations

import logging
import os
import signal
from functools import partial

from soniq.app import Soniq
from soniq.cli.discovery import Located
from soniq.cli.failures import CommandFailed
from soniq.cli.invocation import run
from soniq.cli.working import WorkerOptions, work_supervised
from soniq.worker.lifeline import Lifeline


def run_worker_part(located: Located, lifeline: Lifeline, replaces: tuple[int, ...]) -> None:
    """Bring the tables up to date, then run a worker and a scheduler until the lifeline is cut."""
    settings = located.app.settings
    options = WorkerOptions(
        concurrency=settings.concurrency,
        queues=settings.queues,
        run_once=False,
        scheduler=True,
        lifeline=lifeline,
        replaces=replaces,
        metrics_port=None,
    )

    async def question(app: Soniq) -> int:
        await app.setup()
        await work_supervised(app, options, lifeline)
        return 0

    run(located.app, question)


def run_dashboard_part(located: Located, lifeline: Lifeline, host: str, port: int) -> None:
    """Serve the dashboard, with its login link, until the lifeline is cut."""
    from soniq.cli.dev_link import LoginLink
    from soniq.dashboard.server import serve
    from soniq.dashboard.settings import DashboardSettings

    # That a server starts and stops with every change is no news here.
    logging.getLogger("uvicorn").setLevel(logging.WARNING)
    settings = DashboardSettings()
    key = settings.api_key
    assert key is not None

    async def question(app: Soniq) -> int:
        lifeline.when_cut(partial(os.kill, os.getpid(), signal.SIGTERM))
        lifeline.ready()
        try:
            entrance = partial(LoginLink, key=key)
            await serve(app, host=host, port=port, settings=settings, entrance=entrance)
        except OSError as error:
            raise CommandFailed(f"The dashboard cannot listen on {host}:{port}: {error}") from error
        return 0

    run(located.app, question)
