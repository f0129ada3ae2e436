"""Several worker processes under one supervisor, each running this very command line."""

from __future__ import annotations

import sys
from collections.abc import Collection

from soniq.app import Soniq
from soniq.cli.discovery import Located
from soniq.cli.failures import CommandFailed
from soniq.cli.invocation import run
from soniq.cli.metrics_page import shared_page
from soniq.cli.service_manager import kept_informed
from soniq.cli.working import WorkerOptions, announce
from soniq.worker.supervisor import Supervisor


def work_in_processes(located: Located, options: WorkerOptions, processes: int) -> None:
    """Keep `processes` worker processes running until told to stop, then exit.

    What would stop every one of them from starting is found out here first, and said once.
    """

    async def question(app: Soniq) -> int:
        await announce(located, options, processes=processes)
        if app.backend is not None and app.backend.name == "memory":
            raise CommandFailed(
                "Jobs in memory are private to one process: leave out --processes, or use a "
                "SQLite file or Postgres."
            )
        await app.close()
        supervisor = Supervisor(
            _command,
            processes,
            run_once=options.run_once,
            environment=counts.environment if counts else None,
            on_end=counts.ended if counts else None,
        )

        async def ready() -> bool:
            return supervisor.ready

        async with kept_informed(ready, supervisor.stopping):
            return await supervisor.run()

    with shared_page(located.app, options.metrics_port) as counts:
        run(located.app, question)


def _command(lifeline: int, replaces: Collection[int]) -> list[str]:
    """This command line once more, for one process on a lifeline.

    The interpreter keeps its own options (-X, -W ...), and whether it runs a script or a module.
    """
    arguments = sys.argv[1:]
    interpreter = sys.orig_argv[1 : len(sys.orig_argv) - len(arguments)]
    extra = ["--processes", "1", "--lifeline", str(lifeline)]
    if replaces:
        extra += ["--replaces", ",".join(map(str, sorted(replaces)))]
    # What follows a "--" is no option.
    end = arguments.index("--") if "--" in arguments else len(arguments)
    return [sys.executable, *interpreter, *arguments[:end], *extra, *arguments[end:]]
