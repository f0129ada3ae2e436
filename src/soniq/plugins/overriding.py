"""Which plugins want to be called: those that override the method."""

from __future__ import annotations

from collections.abc import Iterable

from soniq.plugins.plugin import Plugin


def overriding(method: str, plugins: Iterable[Plugin]) -> list[Plugin]:
    """The plugins that have a `method` of their own."""
    inherited = getattr(Plugin, method)
    return [
        plugin
        for plugin in plugins
        if getattr(getattr(plugin, method), "__func__", None) is not inherited
    ]
