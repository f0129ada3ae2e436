"""The plugins of one worker: made for it when it joins, ended before it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from soniq.events import Events, PluginFailed
from soniq.job import NO_METRICS, JobMetrics
from soniq.plugins.companion import Companion
from soniq.plugins.keeping import KeepsMetrics
from soniq.plugins.overriding import overriding
from soniq.plugins.plugin import Plugin
from soniq.plugins.relaying import RelayedMetrics, stand_in
from soniq.plugins.run_calls import RunCalls
from soniq.plugins.updates import UpdateLine, Updates, wants_updates
from soniq.plugins.views import PluginWorker
from soniq.plugins.wishes import Wishes
from soniq.records import Outcome
from soniq.services.time_limit import within
from soniq.settings import SoniqSettings
from soniq.worker.acker import Ended
from soniq.worker.run import Run

if TYPE_CHECKING:
    from soniq.app import Soniq


class PluginAttendance:
    """See `soniq.worker.attendance.Attendance`.

    Args:
        app: whose plugins.
        plugins: in the order of their turns.
        settings: how long their calls may take.
        worker: whom they attend.
        events: told of what fails.
    """

    def __init__(
        self,
        app: Soniq,
        plugins: Sequence[Plugin],
        settings: SoniqSettings,
        worker: PluginWorker,
        events: Events,
    ) -> None:
        self._app = app
        self._plugins = plugins
        self._limit = limit = settings.hook_timeout
        self._worker = worker
        self._events = events
        self._calls = RunCalls(worker, limit, events, Wishes(settings, events))
        lines = [
            UpdateLine(plugin, worker, limit, events) for plugin in plugins if wants_updates(plugin)
        ]
        self._updates = Updates(lines, worker.id) if lines else None
        recording = stand_in(plugins)
        self._relayed = RelayedMetrics(recording, limit, events) if recording is not None else None
        self._companions = [
            Companion(plugin.get_identifier(), partial(plugin.run, worker, app), limit, events)
            for plugin in overriding("run", plugins)
        ]

    @property
    def metrics(self) -> JobMetrics:
        if self._relayed is not None:
            return self._relayed
        keepers = (plugin for plugin in self._plugins if isinstance(plugin, KeepsMetrics))
        return next((keeper.metrics_of(self._worker) for keeper in keepers), NO_METRICS)

    @property
    def starting(self) -> Callable[[Run], Awaitable[BaseException | None]] | None:
        plugins = overriding("on_job_starting", self._plugins)
        return partial(self._calls.starting, plugins) if plugins else None

    @property
    def completed(self) -> Callable[[Run, Outcome, float], Awaitable[Outcome]] | None:
        plugins = overriding("on_job_completed", self._plugins)
        return partial(self._calls.completed, plugins) if plugins else None

    @property
    def updated(self) -> Callable[[Sequence[Ended]], None] | None:
        return self._updates.tell if self._updates is not None else None

    @property
    def cleanup(self) -> Callable[[], Awaitable[int]] | None:
        plugins = overriding("cleanup", self._plugins)
        return partial(self._clean, plugins) if plugins else None

    async def begin(self) -> None:
        if self._updates is not None:
            self._updates.start()
        for plugin in overriding("on_worker_started", self._plugins):
            call = partial(plugin.on_worker_started, self._worker)
            await self._tell(plugin, "on_worker_started", call)
        if self._relayed is not None:
            self._relayed.start()
        for companion in self._companions:
            companion.start()

    async def end(self) -> None:
        if self._updates is not None:
            await self._updates.stop()
        if self._relayed is not None:
            await self._relayed.stop()
        await asyncio.gather(*(companion.stop() for companion in self._companions))
        for plugin in reversed(overriding("on_worker_stopped", self._plugins)):
            call = partial(plugin.on_worker_stopped, self._worker)
            await self._tell(plugin, "on_worker_stopped", call)

    async def _clean(self, plugins: Sequence[Plugin]) -> int:
        rows = 0
        for plugin in plugins:
            rows += await self._tell(plugin, "cleanup", partial(plugin.cleanup, self._app)) or 0
        return rows

    async def _tell(
        self, plugin: Plugin, method: str, call: Callable[[], Awaitable[int | None]]
    ) -> int | None:
        """Await a call; what it raises is told, and harms nobody."""
        try:
            return await within(self._limit, call())
        except Exception as error:  # noqa: BLE001 - a plugin never takes the worker down
            self._events.emit(PluginFailed(plugin.get_identifier(), method, error))
            return None
