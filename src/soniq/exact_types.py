"""Annotations whose values JSON carries as they are."""

from __future__ import annotations

from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin

_SCALARS: Final = frozenset({int, str, float, bool, NoneType})
_CONTAINERS: Final[tuple[tuple[Any, type], ...]] = (
    (dict, dict),
    (dict[str, Any], dict),
    (list, list),
    (list[Any], list),
)


def exact_types(kind: Any) -> frozenset[type] | None:
    """The exact types, maybe none, whose values the annotation takes as they are; None for all."""
    return None if kind is Any else _exact(kind)


def _exact(kind: Any) -> frozenset[type]:
    if get_origin(kind) in (Union, UnionType):
        members = [_exact(member) for member in get_args(kind)]
        return frozenset().union(*members) if all(members) else frozenset()
    for annotation, container in _CONTAINERS:
        if kind == annotation:
            return frozenset({container})
    return frozenset({NoneType if kind is None else kind}) & _SCALARS
