"""Where plugins come from besides the code of an application: a setting, and entry points."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Iterable, Iterator
from importlib.metadata import entry_points
from typing import Any, Final

from soniq.errors import SONIQ_INIT_ERROR, SoniqError
from soniq.plugins.plugin import Plugin

GROUP: Final = "soniq.plugins"
"""The entry-point group in which packages announce their plugins."""


def named(names: Iterable[str]) -> Iterator[Plugin]:
    """The plugins of the setting ``plugins``, each ``module:attribute``.

    Raises:
        SoniqError: SONIQ_INIT_ERROR, one cannot be imported, or is no plugin.
    """
    for name in names:
        module, colon, attribute = name.partition(":")
        if not (module and colon and attribute):
            raise _refusal("SONIQ_PLUGINS", name, "it is not written as module:attribute")
        try:
            found = operator.attrgetter(attribute)(importlib.import_module(module))
        except Exception as error:
            raise _refusal("SONIQ_PLUGINS", name, f"{type(error).__name__}: {error}") from error
        yield _made("SONIQ_PLUGINS", name, found)


def announced() -> Iterator[Plugin]:
    """The plugins that installed packages announce, by the names of their entry points.

    Raises:
        SoniqError: SONIQ_INIT_ERROR, one cannot be imported, or is no plugin.
    """
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        source = f"The entry point {entry.name!r}"
        try:
            found = entry.load()
        except Exception as error:
            raise _refusal(source, entry.value, f"{type(error).__name__}: {error}") from error
        yield _made(source, entry.value, found)


def _made(source: str, name: str, found: Any) -> Plugin:
    """An instance as it is, and what a class or another callable makes."""
    if not isinstance(found, Plugin) and callable(found):
        try:
            found = found()
        except Exception as error:
            problem = f"making it raised {type(error).__name__}: {error}"
            raise _refusal(source, name, problem) from error
    if not isinstance(found, Plugin):
        raise _refusal(source, name, f"it is a {type(found).__name__} and no plugin")
    return found


def _refusal(source: str, name: str, problem: str) -> SoniqError:
    return SoniqError(
        f"{source} names the plugin {name}, which cannot be used: {problem}",
        SONIQ_INIT_ERROR,
        {"plugin": name},
        ["Name a subclass of soniq.plugins.Plugin, an instance of one, or what makes one."],
    )
