"""Sets in a certain order: equal values make equal texts."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, RootModel
from pydantic_core import from_json, to_json

_SETS: Final = (set, frozenset)
_SERIES: Final = (list, tuple, deque, *_SETS)
_LEAVES: Final = frozenset(
    {int, str, float, bool, NoneType, bytes, datetime, date, time, timedelta, Decimal, UUID}
)


def in_order(value: Any, text: str) -> str:
    """Return `text`, the JSON of `value`, with the items of each set in it sorted."""
    if not _holds_set(value):
        return text
    return to_json(_sorted(value, from_json(text))).decode()


def _holds_set(value: Any) -> bool:
    if isinstance(value, _SETS):
        return True
    inside = _inside(value)
    # Few types make up many values, and most of them are leaves.
    return not _LEAVES.issuperset(map(type, inside)) and any(map(_holds_set, inside))


def _inside(value: Any) -> Collection[Any]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, _SERIES) else _fields(value).values()


def _fields(value: Any) -> dict[str, Any]:
    """What an object holds, by its name in JSON."""
    if isinstance(value, BaseModel):
        own = {
            field.serialization_alias or field.alias or name: getattr(value, name)
            for name, field in type(value).model_fields.items()
        }
        return own | (value.model_extra or {})
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name, None) for field in fields(value)}
    return {}


def _sorted(value: Any, data: Any) -> Any:
    """`data`, what JSON made of `value`; where it took another shape it stays as it is."""
    if isinstance(value, RootModel):
        return _sorted(value.root, data)
    if isinstance(data, list):
        return _sorted_series(value, data)
    if not isinstance(data, dict):
        return data
    if isinstance(value, dict):
        # Names that are no text have changed on their way; the order has not.
        same = value.values() if len(value) == len(data) else data.values()
        return dict(zip(data, map(_sorted, same, data.values()), strict=True))
    inside = _fields(value)
    return {name: _sorted(inside.get(name), item) for name, item in data.items()}


def _sorted_series(value: Any, data: list[Any]) -> list[Any]:
    if not isinstance(value, _SERIES) or len(value) != len(data):
        return data
    items = list(map(_sorted, value, data))
    return sorted(items, key=to_json) if isinstance(value, _SETS) else items
