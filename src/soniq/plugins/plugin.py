"""What an extension of Soniq is: a class that says who it is and overrides what it needs."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from soniq.plugins.outcomes import PluginOutcome
from soniq.plugins.views import PluginJob, PluginWorker

if TYPE_CHECKING:
    from soniq.app import Soniq

_Alarms = set[tuple[asyncio.AbstractEventLoop, asyncio.Event]]


class Plugin(ABC):
    """Extends an application. Only `get_identifier` must be written.

    What a subclass does not override costs nothing: the worker looks once, when it starts, which
    methods a plugin has of its own. A method that raises or hangs is logged and harms neither the
    worker nor another plugin; the setting `hook_timeout` limits each call of the ``on_`` methods.
    """

    # --- what it is ----------------------------------------------------------------------------

    @staticmethod
    @abstractmethod
    def get_identifier() -> str:
        """Return a name that no other plugin of an application has, such as ``acme.audit``.

        A plugin that stands in for a built-in one bears the built-in's.
        """

    def get_dependencies(self) -> Sequence[str]:
        """Identifiers of plugins that must be there too, and come before this one."""
        return ()

    def get_tables(self) -> Sequence[str]:
        """Names of the tables that belong to this plugin."""
        return ()

    def migrate_key(self) -> str | None:
        """Name under which this plugin's migrations are recorded; None when it has none."""
        return None

    def migrate_package(self) -> str | None:
        """Import path of the package that holds its migrations; None when it has none.

        The package has a folder for each store it supports, ``postgres`` and ``sqlite``, with files
        such as ``0001_what_it_does.sql``. A line ``-- compatible_with: N`` in one says that code
        which knows the migrations up to N works on the tables it leaves.
        """
        return None

    def api_plugin(self) -> str | None:
        """Import string, ``module:attribute``, of its part of the dashboard's API, if any."""
        return None

    # --- the life of the application -----------------------------------------------------------

    def install(self, app: Soniq) -> None:
        """Called once, when the plugin is added: register jobs, hooks, middleware. No I/O."""

    async def on_startup(self, app: Soniq) -> None:
        """Called once for each opening of the app, as soon as its tables exist. May raise."""

    async def on_shutdown(self, app: Soniq) -> None:
        """Called before the app closes, if `on_startup` was; the last plugin first."""

    async def cleanup(self, app: Soniq) -> int | None:
        """Remove what is past its age; called now and then, on the leading worker.

        Returns:
            How many rows went, or None.
        """
        return None

    # --- the life of a worker ------------------------------------------------------------------

    async def run(self, worker: PluginWorker, app: Soniq) -> None:
        """Run beside a worker; cancelled when it stops, called again after a pause if it raises."""

    async def on_worker_started(self, worker: PluginWorker) -> None:
        """Called when a worker has joined, before its first claim."""

    async def on_worker_stopped(self, worker: PluginWorker) -> None:
        """Called when a worker has drained: every end of its runs is stored and told."""

    # --- the life of a run ---------------------------------------------------------------------

    async def on_job_starting(self, *, worker: PluginWorker, job: PluginJob) -> None:
        """Called before the handler. What it raises is the failure of this attempt."""

    async def on_job_completed(
        self,
        *,
        worker: PluginWorker,
        job: PluginJob,
        exception: BaseException | None,
        result: Any,
    ) -> PluginOutcome | None:
        """Called when a run is over, before its outcome is stored.

        Not called for runs that were cancelled or interrupted.

        Args:
            worker: who ran it.
            job: with the outcome that would be stored.
            exception: what made the run fail; None if nothing did.
            result: what the handler returned; None if it raised.

        Returns:
            What to store instead, or None to let the outcome stand; it also stands if this raises.
        """
        return None

    async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
        """Called after the outcome of a run is stored, and only if the store took it.

        Calls for one worker come one after another, in the order of storing. One that suspends
        makes those after it wait, so heavy work belongs in `run`.
        """

    async def on_jobs_updated(self, *, worker: PluginWorker, jobs: Sequence[PluginJob]) -> None:
        """Called instead of `on_job_updated` where overridden: cheaper, at thousands a second.

        Args:
            worker: who ran them.
            jobs: from 1 to 100, in the order of storing; there is no waiting for more to come.
        """

    # --- for subclasses ------------------------------------------------------------------------

    async def sleep(self, seconds: float) -> bool:
        """Sleep; cut short by `wake_up`.

        Args:
            seconds: how long at most.

        Returns:
            Whether it was woken before its time.
        """
        alarm = asyncio.get_running_loop(), asyncio.Event()
        self._alarms().add(alarm)
        try:
            async with asyncio.timeout(seconds):
                await alarm[1].wait()
        except TimeoutError:
            return False
        finally:
            self._alarms().discard(alarm)
        return True

    def wake_up(self) -> None:
        """End every `sleep` of this plugin that is under way. Safe from any thread."""
        for loop, alarm in tuple(self._alarms()):
            with suppress(RuntimeError):  # its loop has ended
                loop.call_soon_threadsafe(alarm.set)

    async def wait_for_leader(self, worker: PluginWorker) -> None:
        """Return when `worker` leads; it may lose the lead at any time after."""
        await worker.until_leader()

    def _alarms(self) -> _Alarms:
        # Not made in __init__: a subclass that has one of its own need not call this one's.
        alarms: _Alarms = self.__dict__.setdefault("_sleeping", set())
        return alarms
