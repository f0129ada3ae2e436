"""Arguments as people may see them: without the values nobody should read over a shoulder."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from soniq.registry import JobRegistry

HIDDEN: Final = "***"


class Redaction:
    """Hides the arguments whose names say that they are secret, and those typed as secrets.

    Args:
        names: argument names, in any case; keys inside arguments count as well.
        registry: jobs whose handlers say what is secret.
    """

    def __init__(self, names: Collection[str], registry: JobRegistry) -> None:
        self._names = frozenset(name.casefold() for name in names)
        self._registry = registry

    def args(self, job_name: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a job's arguments that is fit to be shown."""
        definition = self._registry.get(job_name)
        return {
            name: HIDDEN
            if definition is not None and definition.arguments.is_secret(name)
            else self._shown(name, value)
            for name, value in args.items()
        }

    def _shown(self, name: str, value: Any) -> Any:
        if name.casefold() in self._names:
            return HIDDEN
        return self._inside(value)

    def _inside(self, value: Any) -> Any:
        if isinstance(value, dict):
            return {name: self._shown(name, inner) for name, inner in value.items()}
        return [self._inside(inner) for inner in value] if isinstance(value, list) else value
