"""The plugins of an application: which there are, and in which order they take their turns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from soniq.errors import SONIQ_INIT_ERROR, SONIQ_PLUGIN_DUPLICATE, SoniqError
from soniq.plugins.plugin import Plugin

PluginList = list[Plugin]


class Plugins(Mapping[str, Plugin]):
    """The plugins of an application by their identifiers. Read-only: `Soniq.use` adds to it."""

    def __init__(self, members: dict[str, Plugin]) -> None:
        self._members = members

    def __getitem__(self, identifier: str) -> Plugin:
        return self._members[identifier]

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def __len__(self) -> int:
        return len(self._members)

    def __repr__(self) -> str:
        return f"Plugins({', '.join(self._members)})"

    def list(self) -> PluginList:
        """The plugins in the order in which they are called: dependencies before dependents."""
        return in_order(self._members.values())


def in_order(plugins: Iterable[Plugin]) -> PluginList:
    """`plugins` as given, but each after those that it depends on, as far as they are there."""
    there = {plugin.get_identifier(): plugin for plugin in plugins}
    ordered: dict[str, Plugin] = {}
    met: set[str] = set()

    def place(identifier: str) -> None:
        if identifier in met or identifier not in there:
            return
        met.add(identifier)
        for dependency in there[identifier].get_dependencies():
            place(dependency)
        ordered[identifier] = there[identifier]

    for identifier in there:
        place(identifier)
    return [*ordered.values()]


def add(members: dict[str, Plugin], plugin: Plugin) -> None:
    """Add `plugin` to the others.

    Raises:
        TypeError: it is no plugin.
        SoniqError: SONIQ_PLUGIN_DUPLICATE.
    """
    if not isinstance(plugin, Plugin):
        raise TypeError(_no_plugin(plugin))
    identifier = plugin.get_identifier()
    if identifier in members:
        raise _duplicate(f"A plugin {identifier!r} is installed already", identifier)
    key = plugin.migrate_key()
    if key is not None and any(other.migrate_key() == key for other in members.values()):
        raise _duplicate(
            f"Another plugin records its migrations under {key!r}, as {identifier!r} does",
            identifier,
        )
    members[identifier] = plugin


def check_dependencies(plugins: Mapping[str, Plugin]) -> None:
    """See that each plugin's dependencies are there and come before it.

    Raises:
        SoniqError: SONIQ_INIT_ERROR, naming what is missing.
    """
    before: set[str] = set()
    for plugin in in_order(plugins.values()):
        for needed in plugin.get_dependencies():
            if needed not in before:
                raise _unmet(plugin.get_identifier(), needed, is_there=needed in plugins)
        before.add(plugin.get_identifier())


def _unmet(identifier: str, needed: str, *, is_there: bool) -> SoniqError:
    if is_there:
        problem = f"The plugins {identifier!r} and {needed!r} depend on each other"
        remedy = "Take one of the two out of plugins."
    else:
        problem = f"The plugin {identifier!r} depends on the plugin {needed!r}, which is missing"
        remedy = f"Add {needed!r} to plugins, or leave {identifier!r} out."
    context = {"plugin": identifier, "dependency": needed}
    return SoniqError(problem, SONIQ_INIT_ERROR, context, [remedy])


def _duplicate(problem: str, identifier: str) -> SoniqError:
    return SoniqError(
        problem,
        SONIQ_PLUGIN_DUPLICATE,
        {"identifier": identifier},
        ["Plugins come from plugins=, use(), SONIQ_PLUGINS and autoload_plugins: name it once."],
    )


def _no_plugin(found: object) -> str:
    if isinstance(found, type) and issubclass(found, Plugin):
        return f"a plugin is an instance: {found.__name__}(), not {found.__name__}"
    return f"a plugin is an instance of a subclass of soniq.plugins.Plugin, got {found!r}"
