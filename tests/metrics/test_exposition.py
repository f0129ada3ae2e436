"""Series as OpenMetrics text, which its reference parser takes whatever was recorded."""

from __future__ import annotations

from collections.abc import Iterable
from time import time
from typing import Any

from hypothesis import given
from hypothesis import strategies as some
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from pydantic_core import to_json

from soniq.backends.metric_points import StoredChunk
from soniq.plugins.metrics.exposition import openmetrics
from soniq.plugins.metrics.metric import Metric
from soniq.plugins.metrics.resolutions import BY_NAME
from soniq.plugins.metrics.series import KINDS

DAY = BY_NAME["1day"]
NUMBERS = some.floats(-1e100, 1e100) | some.integers(-(2**70), 2**70)


def stored(kind: str, values: Iterable[float]) -> Metric:
    """A series with these observations today."""
    now = time()
    content = KINDS[kind]()
    for value in values:
        content.take(value, now)
    start = DAY.bucket(now)
    points = to_json({start: content.encode()}).decode()
    return Metric(kind, [StoredChunk("k", kind, DAY.name, DAY.seconds, points)], now)


def samples(metrics: dict[str, Metric]) -> dict[tuple[str, str, str | None], float]:
    families: Any = text_string_to_metric_families(openmetrics(metrics))  # type: ignore[no-untyped-call]
    return {
        (sample.name, sample.labels["key"], sample.labels.get("quantile")): sample.value
        for family in families
        for sample in family.samples
    }


@given(
    some.dictionaries(
        some.text(min_size=1),
        some.tuples(some.sampled_from(sorted(KINDS)), some.lists(NUMBERS, min_size=1)),
    )
)
def test_whatever_was_recorded_is_text_that_can_be_parsed(
    recorded: dict[str, tuple[str, list[float]]],
) -> None:
    shown = samples({key: stored(*series) for key, series in recorded.items()})
    assert {key for _, key, _ in shown} == set(recorded)


def test_a_counter_below_zero_stands_with_the_gauges() -> None:
    shown = samples({"down": stored("counter", [1, -3]), "up": stored("counter", [1, 3])})
    assert shown["soniq_stored_gauge", "down", None] == -2
    assert shown["soniq_stored_counter_total", "up", None] == 4
    assert ("soniq_stored_counter_total", "down", None) not in shown
    assert ("soniq_stored_gauge", "up", None) not in shown


def test_of_a_histogram_with_values_below_zero_only_what_the_format_knows_is_shown() -> None:
    shown = samples({"h": stored("histogram", [-5, *[2] * 20]), "n": stored("histogram", [-5])})
    assert {place for place in shown if not place[0].endswith("_created")} == {
        ("soniq_stored_histogram_count", "h", None),
        ("soniq_stored_histogram", "h", "0.5"),
        ("soniq_stored_histogram", "h", "0.95"),
        ("soniq_stored_histogram", "h", "0.99"),
        ("soniq_stored_histogram_count", "n", None),
    }
    assert shown["soniq_stored_histogram_count", "h", None] == 21
