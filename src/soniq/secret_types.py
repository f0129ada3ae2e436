"""Arguments whose values nobody should read over a shoulder, by their types and names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from typing import Any, Final, get_args, get_type_hints

from pydantic import BaseModel, SecretBytes, SecretStr

_SECRETS: Final = (SecretStr, SecretBytes)


class Secrets:
    """The secret ones among the arguments of a job.

    Args:
        types: argument name -> type.
        others: the type of arguments of other names.
        names: of secret arguments, in any case; keys inside arguments count as well.
    """

    def __init__(self, types: Mapping[str, Any], others: Any, names: Collection[str]) -> None:
        self._typed = {name: holds_secret(kind) for name, kind in types.items()}
        self._others = holds_secret(others)
        self._names = frozenset(name.casefold() for name in names)

    def by_type(self, name: str) -> bool:
        """Whether the type of an argument says so."""
        return self._typed.get(name, self._others)

    def around(self, place: tuple[int | str, ...]) -> bool:
        """Whether the value that these names and positions lead to is, or is part of, a secret."""
        names = (part.casefold() for part in place if isinstance(part, str))
        return not self._names.isdisjoint(names) or any(map(self.by_type, map(str, place[:1])))


def holds_secret(kind: Any) -> bool:
    """Whether a value of the type `kind` is a secret, or has one somewhere inside."""
    return _holds_secret(kind, set())


def _holds_secret(kind: Any, seen: set[int]) -> bool:
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
