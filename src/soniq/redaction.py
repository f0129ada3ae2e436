"""Arguments as people may see them: without the values nobody should read over a shoulder."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, Final, get_args, get_type_hints

from pydantic import BaseModel, SecretBytes, SecretStr

from soniq.registry import JobRegistry

HIDDEN: Final = "***"
_SECRETS: Final = (SecretStr, SecretBytes)


class Redaction:
    """Hides the arguments whose names say that they are secret, and those typed as secrets.

    Args:
        names: argument names, in any case; keys inside arguments count as well.
        registry: jobs whose handlers say what is secret.
    """

    def __init__(self, names: Collection[str], registry: JobRegistry) -> None:
        self._names = frozenset(name.casefold() for name in names)
        self._registry = registry
        self._typed: dict[str, frozenset[str]] = {}

    def args(self, job_name: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """A copy of a job's arguments that is fit to be shown."""
        typed = self._typed_secrets(job_name)
        return {
            name: HIDDEN if name in typed else self._shown(name, value)
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

    def _typed_secrets(self, job_name: str) -> frozenset[str]:
        if job_name not in self._typed:
            definition = self._registry.get(job_name)
            types = definition.arguments.types if definition else {}
            self._typed[job_name] = frozenset(
                name for name, kind in types.items() if _holds_secret(kind, set())
            )
        return self._typed[job_name]


def _holds_secret(kind: Any, seen: set[int]) -> bool:
    """Whether a value of that type is a secret, or has one somewhere inside."""
    if id(kind) in seen:
        return False
    seen.add(id(kind))
    if isinstance(kind, type) and issubclass(kind, _SECRETS):
        return True
    return any(_holds_secret(part, seen) for part in _parts(kind))


def _parts(kind: Any) -> Iterator[Any]:
    yield from get_args(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        yield from (field.annotation for field in kind.model_fields.values())
    elif isinstance(kind, type) and is_dataclass(kind):
        yield from _field_types(kind)


def _field_types(kind: type) -> Iterable[Any]:
    try:
        return get_type_hints(kind).values()
    except (NameError, TypeError):
        # What cannot be told apart is better hidden.
        return [SecretStr]
