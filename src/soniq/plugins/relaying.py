"""The numbers of handlers, on their way to a plugin that keeps them in the built-in's stead."""

from __future__ import annotations

import asyncio
import inspect
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from soniq.events import Events, PluginFailed
from soniq.job import JobMetrics
from soniq.plugins.keeping import KeepsMetrics
from soniq.plugins.plugin import Plugin
from soniq.services.service import cancelled
from soniq.services.time_limit import within

BUILT_IN: Final = "soniq.metrics"
RECORDING: Final = ("increment_counter", "record_gauge", "record_histogram_value")
BACKLOG: Final = 10_000
"""Numbers that may wait for the plugin; older ones are lost to it, and that is told."""


def stand_in(plugins: Iterable[Plugin]) -> Plugin | None:
    """The plugin that bears the built-in's identifier, and has ways of its own to record."""
    for plugin in plugins:
        if plugin.get_identifier() == BUILT_IN and _records_itself(plugin):
            return plugin
    return None


def _records_itself(plugin: Plugin) -> bool:
    """Whether handlers' numbers must go through its methods; one that refines these means that."""
    if not isinstance(plugin, KeepsMetrics):
        return all(callable(getattr(plugin, method, None)) for method in RECORDING)
    for kind in type(plugin).__mro__:
        if "metrics_of" in vars(kind):
            return False
        if not vars(kind).keys().isdisjoint(RECORDING):
            return True
    return False


class RelayedMetrics(JobMetrics):
    """Calls a plugin's coroutines one after another, in the order of what handlers record.

    Handlers record from threads too, and never wait for the plugin.

    Args:
        plugin: has the methods of `RECORDING`.
        limit: seconds that each call may take.
        events: told of calls that fail, and of numbers that were lost.
    """

    def __init__(self, plugin: Plugin, limit: float, events: Events) -> None:
        self._plugin = plugin
        self._limit = limit
        self._events = events
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[tuple[str, str, float]] = deque()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self._lost = 0
        self._task: asyncio.Task[None] | None = None

    def counter(self, key: str, value: float = 1) -> None:
        self._hand_over("increment_counter", key, value)

    def gauge(self, key: str, value: float) -> None:
        self._hand_over("record_gauge", key, value)

    def histogram(self, key: str, value: float) -> None:
        self._hand_over("record_histogram_value", key, value)

    def _hand_over(self, method: str, key: str, value: float) -> None:
        with suppress(RuntimeError):  # a thread that has outlived the worker, and its loop
            self._loop.call_soon_threadsafe(self._take, (method, key, value))

    def _take(self, call: tuple[str, str, float]) -> None:
        if self._task is None:
            return
        if len(self._waiting) >= BACKLOG:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(call)
        self._idle.clear()
        self._arrived.set()

    def start(self) -> None:
        """Begin to call the plugin."""
        name = f"soniq-metrics-{self._plugin.get_identifier()}"
        self._task = self._loop.create_task(self._work(), name=name)

    async def stop(self) -> None:
        """Give what waits the time that one call may take, and count the rest as lost."""
        if self._task is None:
            return
        await asyncio.sleep(0)  # what was handed over before arrives
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limit):
                await self._idle.wait()
        task, self._task = self._task, None
        await cancelled(task)
        self._lost += len(self._waiting)
        self._tell_lost()

    async def _work(self) -> None:
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            while self._waiting:
                await self._tell(*self._waiting.popleft())
                self._tell_lost()
                await asyncio.sleep(0)
            self._idle.set()

    async def _tell(self, method: str, key: str, value: float) -> None:
        try:
            answer = getattr(self._plugin, method)(key, value)
            if inspect.isawaitable(answer):
                await within(self._limit, answer)
        except Exception as error:  # noqa: BLE001 - a plugin never takes the worker down
            self._events.emit(PluginFailed(self._plugin.get_identifier(), method, error))

    def _tell_lost(self) -> None:
        if self._lost:
            problem = RuntimeError(f"it is too slow: {self._lost} numbers of handlers were lost")
            self._lost = 0
            self._events.emit(PluginFailed(self._plugin.get_identifier(), "ctx.metrics", problem))
