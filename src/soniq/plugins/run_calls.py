"""The calls of plugins that are part of a run: before its handler, and before its end is stored."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from soniq.events import Events, PluginFailed
from soniq.plugins.plugin import Plugin
from soniq.plugins.views import PluginJob, PluginWorker
from soniq.plugins.wishes import Wishes
from soniq.records import Outcome, Released
from soniq.services.time_limit import within
from soniq.worker.run import Run


def epoch() -> float:
    """What to add to a time of the loop for seconds since the epoch."""
    return time.time() - asyncio.get_running_loop().time()


class RunCalls:
    """Calls plugins, one after another, in the task of the run.

    Args:
        worker: whose runs.
        limit: seconds that each call may take.
        events: told of calls that fail and change nothing.
        wishes: turns what they return into outcomes.
    """

    def __init__(self, worker: PluginWorker, limit: float, events: Events, wishes: Wishes) -> None:
        self._worker = worker
        self._limit = limit
        self._events = events
        self._wishes = wishes

    async def starting(self, plugins: Sequence[Plugin], run: Run) -> BaseException | None:
        """Call `on_job_starting`; what the first of them raised that raised."""
        job = PluginJob(run.job, self._worker.id, run.started + epoch())
        for plugin in plugins:
            try:
                await within(self._limit, plugin.on_job_starting(worker=self._worker, job=job))
            except GeneratorExit:
                raise  # the loop is being torn down: nothing may be awaited any more
            except BaseException as error:  # noqa: BLE001 - the failure of the run
                return error
        return None

    async def completed(
        self, plugins: Sequence[Plugin], run: Run, outcome: Outcome, seconds: float
    ) -> Outcome:
        """Call `on_job_completed`, each with what the one before it made of the outcome."""
        if isinstance(outcome, Released):
            return outcome
        for plugin in plugins:
            identifier = plugin.get_identifier()
            try:
                wish = await self._ask(plugin, run, outcome, seconds)
                if wish is not None:
                    outcome = self._wishes.outcome(wish, run.job, outcome, identifier)
            except GeneratorExit:
                raise
            except BaseException as error:  # noqa: BLE001 - told, and the outcome stands
                self._events.emit(PluginFailed(identifier, "on_job_completed", error))
        return outcome

    async def _ask(self, plugin: Plugin, run: Run, outcome: Outcome, seconds: float) -> Any:
        began = run.started + epoch()
        call = plugin.on_job_completed(
            worker=self._worker,
            job=PluginJob(run.job, self._worker.id, began, outcome, seconds),
            exception=run.error,
            result=run.result,
        )
        return await within(self._limit, call)
