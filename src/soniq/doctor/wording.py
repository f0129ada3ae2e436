"""Numbers and lists as people read them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

_UNITS: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))
_NAMED: Final = 5


def lasting(seconds: float) -> str:
    """A length of time in its largest unit: ``3 min``."""
    for size, unit in _UNITS:
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def counted(number: int, thing: str) -> str:
    """``1 job``, ``2,000 jobs``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def some_of(names: Collection[str]) -> str:
    """The first few of them."""
    first = sorted(names)[:_NAMED]
    rest = len(names) - len(first)
    return ", ".join(first) + (f" and {rest} more" if rest else "")
