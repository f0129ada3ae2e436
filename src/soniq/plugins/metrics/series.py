"""What one bucket of a series holds, for each kind; how two are merged, stored and shown.

Each kind takes values, merges with others of its kind (which stay as they are), encodes itself as
something that is JSON, decodes that, and shows it as users see it. Its `count` is the number of
observations that this process has put into it; only a histogram's is stored. Merging is associative
and commutative, so neither the order of syncs nor that of readers matters; counts are exact, sums
as exact as the numbers recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from soniq.plugins.metrics.keys import LARGEST, Kind
from soniq.plugins.metrics.sketch import Sketch

Number = int | float
QUANTILES: Final = (0.5, 0.95, 0.99)
_EXACT: Final = 2**63


class Counter:
    """The sum of what was added."""

    __slots__ = ("count", "total")
    kind = Kind.COUNTER

    def __init__(self, total: Number = 0, count: int = 0) -> None:
        self.total = total
        self.count = count

    def take(self, value: Number, at: float) -> None:
        self.total += value
        self.count += 1

    def merge(self, other: Counter) -> None:
        self.total += other.total
        self.count += other.count

    def copy(self) -> Counter:
        return Counter(self.total, self.count)

    def encode(self) -> Number:
        return _storable(self.total)

    @classmethod
    def decode(cls, stored: Any) -> Counter:
        return cls(stored)

    @classmethod
    def shown_as(cls, stored: Any) -> Any:
        return stored


class Gauge:
    """The newest value, by the time at which it was taken."""

    __slots__ = ("at", "count", "value")
    kind = Kind.GAUGE

    def __init__(self, value: Number = 0, at: float = 0.0, count: int = 0) -> None:
        self.value = value
        self.at = at
        self.count = count

    def take(self, value: Number, at: float) -> None:
        self.value = value
        self.at = at
        self.count += 1

    def merge(self, other: Gauge) -> None:
        self.count += other.count
        # Of values taken at the same moment the greater one, or the order would matter.
        if (other.at, other.value) > (self.at, self.value):
            self.at, self.value = other.at, other.value

    def copy(self) -> Gauge:
        return Gauge(self.value, self.at, self.count)

    def encode(self) -> list[Number]:
        return [_storable(self.value), self.at]

    @classmethod
    def decode(cls, stored: Any) -> Gauge:
        return cls(*stored)

    @classmethod
    def shown_as(cls, stored: Any) -> Any:
        return stored[0]


class Histogram:
    """How many values, their sum, the least and the greatest, and a sketch of the rest."""

    __slots__ = ("count", "greatest", "least", "sketch", "total")
    kind = Kind.HISTOGRAM

    def __init__(self) -> None:
        self.count = 0
        self.total: Number = 0
        self.least: Number = LARGEST
        self.greatest: Number = -LARGEST
        self.sketch = Sketch()

    def take(self, value: Number, at: float) -> None:
        self.observe((value,))

    def observe(self, values: Collection[Number]) -> None:
        """Count some values, at least one."""
        self.count += len(values)
        self.total += sum(values)
        self.least = min(self.least, *values)
        self.greatest = max(self.greatest, *values)
        self.sketch.add_all(values)

    def merge(self, other: Histogram) -> None:
        self.count += other.count
        self.total += other.total
        self.least = min(self.least, other.least)
        self.greatest = max(self.greatest, other.greatest)
        self.sketch.merge(other.sketch)

    def copy(self) -> Histogram:
        twin = Histogram()
        twin.count, twin.total = self.count, self.total
        twin.least, twin.greatest = self.least, self.greatest
        twin.sketch = self.sketch.copy()
        return twin

    def encode(self) -> list[Any]:
        # First, for it lets the lowest bins go: the quantiles are those of what is stored.
        sketch = self.sketch.encode()
        # A quantile is the middle of its bin, which may lie beyond the values themselves.
        quantiles = (
            min(max(value, self.least), self.greatest) for value in self.sketch.quantiles(QUANTILES)
        )
        numbers = (self.total, self.least, self.greatest, *quantiles)
        return [self.count, *map(_storable, numbers), sketch]

    @classmethod
    def decode(cls, stored: Any) -> Histogram:
        made = cls()
        made.count, made.total, made.least, made.greatest, *_, sketch = stored
        made.sketch = Sketch.decode(sketch)
        return made

    @classmethod
    def shown_as(cls, stored: Any) -> dict[str, Number]:
        count, total, least, greatest, p50, p95, p99, _ = stored
        return {
            "count": count,
            "sum": total,
            "avg": total / count,
            "min": least,
            "max": greatest,
            "p50": p50,
            "p95": p95,
            "p99": p99,
        }


KINDS: Final[Mapping[str, type[Counter | Gauge | Histogram]]] = {
    Kind.COUNTER: Counter,
    Kind.GAUGE: Gauge,
    Kind.HISTOGRAM: Histogram,
}


def _storable(value: Number) -> Number:
    """Whole numbers that some store would not hold exactly are floats, everywhere alike."""
    return value if -_EXACT < value < _EXACT else float(value)


def merged(kind: str, stored: list[Any]) -> Any:
    """As it is to be stored: what several stored buckets of one kind hold together."""
    if len(stored) == 1:
        return stored[0]
    held: Any = KINDS[kind].decode(stored[0])
    for more in stored[1:]:
        held.merge(KINDS[kind].decode(more))
    return held.encode()
