"""Time series by brute force: every observation kept, every question answered by going over all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from hypothesis import strategies as st

from soniq.plugins.metrics.keys import Kind
from soniq.plugins.metrics.resolutions import RESOLUTIONS

START = 1_800_000_000
"""A moment from which the tests count; no bucket of a day begins at it."""


class Observation(NamedTuple):
    """One call of a recording method."""

    at: float
    kind: Kind
    key: str
    value: int


KEYS = {"c:1": Kind.COUNTER, "c:2": Kind.COUNTER, "g:1": Kind.GAUGE, "h:1": Kind.HISTOGRAM}
_TIMES = st.integers(0, 3 * 86400).map(float) | st.integers(0, 120).map(lambda n: n * 30 - 0.001)
_OBSERVATION = st.builds(
    lambda at, key, value: Observation(START + at, KEYS[key], key, value),
    _TIMES,
    st.sampled_from(sorted(KEYS)),
    st.integers(-50, 1000),
)
# Of two gauges taken at the very same time by two processes neither is the newer one.
observations = st.lists(_OBSERVATION, max_size=40, unique_by=lambda one: one.at)

Series = dict[str, dict[str, dict[int, Any]]]
"""Values by key, resolution and start of the bucket."""


def brute_force(seen: Iterable[Observation]) -> Series:
    """What every bucket of every resolution is to hold."""
    buckets: dict[tuple[str, str, int], list[Observation]] = defaultdict(list)
    for one in seen:
        for each in RESOLUTIONS:
            start = int(one.at // each.seconds) * each.seconds
            buckets[one.key, each.name, start].append(one)
    series: Series = defaultdict(lambda: defaultdict(dict))
    for (key, name, start), held in buckets.items():
        series[key][name][start] = _value(held)
    return series


def _value(held: list[Observation]) -> Any:
    values = [one.value for one in held]
    match held[0].kind:
        case Kind.COUNTER:
            return sum(values)
        case Kind.GAUGE:
            return max(held, key=lambda one: one.at).value
        case Kind.HISTOGRAM:
            return {
                "count": len(values),
                "sum": sum(values),
                "avg": pytest.approx(sum(values) / len(values)),
                "min": min(values),
                "max": max(values),
                "p50": _near(values, 0.5),
                "p95": _near(values, 0.95),
                "p99": _near(values, 0.99),
            }


def _near(values: list[int], share: float) -> Any:
    exact = sorted(values)[int(share * (len(values) - 1))]
    return pytest.approx(exact, rel=0.0101, abs=1e-9)
