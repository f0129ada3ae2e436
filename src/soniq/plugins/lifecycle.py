"""Plugins and their application: installing them, and what begins and ends with its store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar
from weakref import WeakKeyDictionary

from soniq.backends.opening import Opened
from soniq.backends.plugin_tables import MigrationPackage
from soniq.errors import SONIQ_SCHEMA_MISSING, SONIQ_SCHEMA_TOO_NEW, SoniqError
from soniq.events import Events
from soniq.logs import soniq_logger
from soniq.plugins.installed import PluginList, add, check_dependencies, in_order
from soniq.plugins.plugin import Plugin
from soniq.plugins.sources import announced, named
from soniq.plugins.views import PluginWorker
from soniq.services.leader import Leadership
from soniq.services.time_limit import within
from soniq.settings import SoniqSettings

if TYPE_CHECKING:
    from soniq.app import Soniq
    from soniq.worker.attendance import Attend, Attendance

P = TypeVar("P", bound=Plugin)

_UNFIT: Final = (SONIQ_SCHEMA_MISSING, SONIQ_SCHEMA_TOO_NEW)
_LOOK_EVERY: Final = 1.0
"""Seconds between two looks for tables that are not there yet."""

_log = soniq_logger("soniq.plugins")


class Lifecycle:
    """Installs plugins, and starts and ends them with each opening of the store.

    Args:
        app: whose plugins.
        members: they themselves, by identifier; this adds to it.
        settings: those of the application.
    """

    def __init__(self, app: Soniq, members: dict[str, Plugin], settings: SoniqSettings) -> None:
        self._app = app
        self._members = members
        self._settings = settings
        self._started: WeakKeyDictionary[Opened, PluginList] = WeakKeyDictionary()
        self._looked: WeakKeyDictionary[Opened, float] = WeakKeyDictionary()

    # --- installing ----------------------------------------------------------------------------

    def install_all(self, given: Iterable[Plugin], names: Sequence[str], *, autoload: bool) -> None:
        """Install the plugins of the constructor, of the setting, and of installed packages.

        Raises:
            TypeError: something given is no plugin.
            SoniqError: SONIQ_PLUGIN_DUPLICATE, SONIQ_INIT_ERROR.
        """
        there: dict[str, Plugin] = {}
        for plugin in (*given, *named(names), *(announced() if autoload else ())):
            add(there, plugin)
        for plugin in in_order(there.values()):
            self.install(plugin)

    def install(self, plugin: P) -> P:
        """Add one plugin, and let it register what it has.

        Raises:
            TypeError: it is none.
            SoniqError: SONIQ_PLUGIN_DUPLICATE.
        """
        add(self._members, plugin)
        try:
            plugin.install(self._app)
        except BaseException:
            del self._members[plugin.get_identifier()]
            raise
        return plugin

    # --- tables --------------------------------------------------------------------------------

    def packages(self) -> list[MigrationPackage]:
        """Where the migrations of the plugins are, dependencies first."""
        found = []
        for plugin in in_order(self._members.values()):
            key, package = plugin.migrate_key(), plugin.migrate_package()
            if key is not None and package is not None:
                found.append(MigrationPackage(key, package))
        return found

    async def set_up(self, opened: Opened) -> int:
        """Create what is missing in the store; how many migrations were applied.

        Raises:
            MigrationError: one failed.
        """
        applied = await opened.backend.setup()
        if self._members:
            applied = applied + await opened.backend.plugin_tables.apply(self.packages())
        self._looked.pop(opened, None)
        return len(applied)

    async def migrations(self, opened: Opened) -> list[tuple[str, bool]]:
        """Every known migration by name, the engine's first, and whether it was applied."""
        own = await opened.backend.migrations()
        return own + await opened.backend.plugin_tables.migrations(self.packages())

    async def see_tables(self, opened: Opened) -> None:
        """See that the tables of all plugins fit.

        Raises:
            SoniqError: SONIQ_SCHEMA_MISSING or SONIQ_SCHEMA_TOO_NEW.
        """
        if self._members:
            tables, packages = opened.backend.plugin_tables, self.packages()
            await opened.patience.call(lambda: tables.check(packages))

    # --- workers -------------------------------------------------------------------------------

    @property
    def attend(self) -> Attend | None:
        """Makes the plugins' part of a worker; None without plugins."""
        return self._attend if self._members else None

    def _attend(
        self,
        worker_id: str,
        queues: tuple[str, ...] | None,
        concurrency: int,
        leadership: Leadership,
        events: Events,
    ) -> Attendance:
        # Programs that only enqueue never load the worker.
        from soniq.plugins.attendance import PluginAttendance

        worker = PluginWorker(worker_id, self._app, queues, concurrency, leadership)
        plugins = in_order(self._members.values())
        return PluginAttendance(self._app, plugins, self._settings, worker, events)

    # --- starting and ending -------------------------------------------------------------------

    async def start(self, opened: Opened) -> bool:
        """Start what has not been started with this opening, once the tables are there.

        Returns:
            Whether everything is started.

        Raises:
            SoniqError: SONIQ_INIT_ERROR, a dependency is missing.
            Exception: what a plugin raised.
        """
        check_dependencies(self._members)
        if not self._members:
            return True
        if not await self._tables_fit(opened):
            return False
        started = self._started.setdefault(opened, [])
        if not started:
            opened.farewells.append(partial(self._end, opened))
        for plugin in in_order(self._members.values()):
            if plugin not in started:
                await plugin.on_startup(self._app)
                started.append(plugin)
        return True

    async def _tables_fit(self, opened: Opened) -> bool:
        now = asyncio.get_running_loop().time()
        if now < self._looked.get(opened, 0.0):
            return False
        self._looked[opened] = now + _LOOK_EVERY
        try:
            await self.see_tables(opened)
        except SoniqError as error:
            if error.error_code not in _UNFIT:
                raise
            return False
        return True

    async def _end(self, opened: Opened) -> None:
        """Let the started ones end, the last first; their errors are logged."""
        for plugin in reversed(self._started.pop(opened, [])):
            try:
                await within(self._settings.hook_timeout, plugin.on_shutdown(self._app))
            except Exception:  # noqa: BLE001 - the others, and the store, must end too
                _log.exception("Plugin %s: on_shutdown failed", plugin.get_identifier())
