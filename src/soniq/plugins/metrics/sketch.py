"""A mergeable sketch of a distribution: its quantiles to within a hundredth of their value.

It is a DDSketch (https://www.vldb.org/pvldb/vol12/p2195-masson.pdf): values are counted in bins of
growing width, here in a dict of whole numbers. Adding the counts of two sketches is exact, so the
order in which sketches are merged never matters. The mapping from values to bins is the library's;
its own stores are dense lists of floats, of which a series with few values would waste most.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Final

from ddsketch.mapping import LogarithmicMapping

ACCURACY: Final = 0.01
MOST_BINS: Final = 1024
"""Bins kept below the highest one; what is smaller counts with the lowest."""
_ROOM: Final = 2 * MOST_BINS
"""Bins that may come together before the lowest are seen to."""

_MAPPING: Final = LogarithmicMapping(ACCURACY)
_SMALLEST: Final = _MAPPING.min_possible
_BINS_PER_E: Final = 1 / math.log(_MAPPING.gamma)

Bins = dict[int, int]


class Sketch:
    """Counts of values by their size."""

    __slots__ = ("negative", "positive", "zeros")

    def __init__(
        self, zeros: int = 0, positive: Bins | None = None, negative: Bins | None = None
    ) -> None:
        self.zeros = zeros
        self.positive: Bins = {} if positive is None else positive
        self.negative: Bins = {} if negative is None else negative

    def add(self, value: float) -> None:
        """Count one value."""
        if value >= _SMALLEST:
            bins, size = self.positive, value
        elif value <= -_SMALLEST:
            bins, size = self.negative, -value
        else:
            self.zeros += 1
            return
        # What the mapping's `key` does, without two calls: this is done twice for each job.
        key = math.ceil(math.log(size) * _BINS_PER_E)
        bins[key] = bins.get(key, 0) + 1
        if len(bins) > _ROOM:
            _collapse(bins)

    def add_all(self, values: Collection[float]) -> None:
        """Count several values, which takes less than half of the time when all are positive."""
        if min(values, default=_SMALLEST) < _SMALLEST or len(values) > MOST_BINS:
            for value in values:
                self.add(value)
            return
        bins, log, ceil = self.positive, math.log, math.ceil
        for value in values:
            key = ceil(log(value) * _BINS_PER_E)
            bins[key] = bins.get(key, 0) + 1
        if len(bins) > _ROOM:
            _collapse(bins)

    def merge(self, other: Sketch) -> None:
        """Count what `other` has counted, too."""
        self.zeros += other.zeros
        _add_all(self.positive, other.positive)
        _add_all(self.negative, other.negative)

    def copy(self) -> Sketch:
        return Sketch(self.zeros, self.positive.copy(), self.negative.copy())

    def quantiles(self, wanted: Sequence[float]) -> list[float]:
        """The values at these shares (ascending, 0 to 1) of all; the sketch must not be empty."""
        ranked = self._ascending()
        count = self.zeros + sum(self.positive.values()) + sum(self.negative.values())
        found: list[float] = []
        seen, value = 0, 0.0
        for share in wanted:
            rank = share * (count - 1)
            while seen <= rank:
                value, number = next(ranked)
                seen += number
            found.append(value)
        return found

    def _ascending(self) -> Iterator[tuple[float, int]]:
        for key in sorted(self.negative, reverse=True):
            yield -_MAPPING.value(key), self.negative[key]
        if self.zeros:
            yield 0.0, self.zeros
        for key in sorted(self.positive):
            yield _MAPPING.value(key), self.positive[key]

    # --- as text -------------------------------------------------------------------------------

    def encode(self) -> str:
        """Short text; sketches that count alike give the same."""
        return f"{self.zeros or ''};{_encode(self.positive)};{_encode(self.negative)}"

    @classmethod
    def decode(cls, text: str) -> Sketch:
        """The sketch that `encode` made the text of."""
        zeros, positive, negative = text.split(";")
        return cls(int(zeros or 0), _decode(positive), _decode(negative))


def _add_all(bins: Bins, more: Bins) -> None:
    for key, number in more.items():
        bins[key] = bins.get(key, 0) + number
    _collapse(bins)


def _collapse(bins: Bins) -> None:
    """Let the lowest bin kept stand for all below it. When it is done does not matter."""
    if len(bins) <= 1:
        return
    lowest = max(bins) - MOST_BINS + 1
    for key in [key for key in bins if key < lowest]:
        bins[lowest] = bins.get(lowest, 0) + bins.pop(key)


def _encode(bins: Bins) -> str:
    """The bins in order: key and count of the first, then steps to the next and its count."""
    _collapse(bins)
    parts: list[int] = []
    before = 0
    for key in sorted(bins):
        parts += (key - before, bins[key])
        before = key
    return ",".join(map(str, parts))


def _decode(text: str) -> Bins:
    bins: Bins = {}
    parts = iter(map(int, text.split(",") if text else ()))
    key = 0
    for step, number in zip(parts, parts, strict=True):
        key += step
        bins[key] = number
    return bins
