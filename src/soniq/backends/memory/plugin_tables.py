"""The tables of plugins in memory, where there are none."""

from __future__ import annotations

from collections.abc import Sequence

from soniq.backends.diagnosis import SchemaState
from soniq.backends.plugin_tables import MigrationPackage


class MemoryPluginTables:
    """See `PluginTables`."""

    async def check(self, packages: Sequence[MigrationPackage]) -> None:
        """There is nothing to create."""

    async def apply(self, packages: Sequence[MigrationPackage]) -> list[str]:
        return []

    async def states(self, packages: Sequence[MigrationPackage]) -> dict[str, SchemaState]:
        return {}

    async def migrations(self, packages: Sequence[MigrationPackage]) -> list[tuple[str, bool]]:
        return []
