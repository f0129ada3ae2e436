"""Buckets and merging, against brute force."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniq.backends.metric_points import StoredChunk
from soniq.plugins.metrics.keys import Dropped, KeyBook, Kind
from soniq.plugins.metrics.metric import read_metrics
from soniq.plugins.metrics.observed import Points, add, add_minutes, bound, chunks, together
from soniq.plugins.metrics.points import merge_rows
from soniq.plugins.metrics.recorder import Minute, Recorder
from soniq.plugins.metrics.resolutions import BY_NAME, RESOLUTIONS
from soniq.plugins.metrics.series import Counter, Histogram
from soniq.plugins.metrics.series import merged as merged_stored
from tests.metrics.model import START, Observation, Series, brute_force, observations

FOREVER = {each.name: 10**9 for each in RESOLUTIONS}
splits = st.lists(st.integers(0, 3), max_size=40)


def recorded(seen: list[Observation]) -> Points:
    """What one process has of these observations, drained after each or at the end."""
    times = iter([one.at for one in seen])
    dropped = Dropped()
    recorder = Recorder(lambda: next(times), KeyBook(dropped), dropped)
    points: Points = {}
    for one in seen:
        recorder.take(one.kind, one.key, one.value)
        if one.value % 3 == 0:
            add_minutes(points, recorder.drain())
    add_minutes(points, recorder.drain())
    assert dropped.total == 0
    return points


def rows_of(points: Points) -> list[StoredChunk]:
    from pydantic_core import to_json

    return [
        StoredChunk(row.key, row.kind, row.resolution, row.keep, to_json(row.points).decode())
        for row in chunks(points, FOREVER)
    ]


def shown(rows: list[StoredChunk]) -> Series:
    """As a reader gets it."""
    rows = sorted(rows, key=lambda row: row.key)
    series: Series = {}
    for key, metric in read_metrics(rows, "", START + 10**8).items():
        series[key] = {
            name: {int(at.timestamp()): value for at, value in points}
            for name, points in metric.values.items()
        }
    return series


def in_order(seen: list[Observation]) -> list[Observation]:
    # A gauge's time is that of its taking, and a process takes one after another.
    return sorted(seen, key=lambda one: one.at)


@given(observations)
def test_every_observation_is_in_its_bucket_of_every_resolution(seen: list[Observation]) -> None:
    assert shown(rows_of(recorded(in_order(seen)))) == brute_force(seen)


@given(observations, splits, st.randoms())
def test_what_several_processes_saw_adds_up_in_any_order(
    seen: list[Observation], split: list[int], order: random.Random
) -> None:
    shares: list[list[Observation]] = [[] for _ in range(4)]
    for position, one in enumerate(in_order(seen)):
        shares[split[position % len(split)] if split else 0].append(one)
    rows = [row for share in shares for row in rows_of(recorded(share))]
    order.shuffle(rows)
    assert shown(rows) == brute_force(seen)


@given(observations, st.integers(0, 40), st.booleans())
def test_merging_rows_first_changes_nothing(
    seen: list[Observation], cut: int, swapped: bool
) -> None:
    seen = in_order(seen)
    one, other = rows_of(recorded(seen[:cut])), rows_of(recorded(seen[cut:]))
    rows = other + one if swapped else one + other
    by_series: dict[tuple[str, str, str, int], list[str]] = {}
    for row in rows:
        by_series.setdefault(row[:4], []).append(row.points)
    merged = [
        StoredChunk(*series, merge_rows(series[1], points)) for series, points in by_series.items()
    ]
    assert shown(merged) == brute_force(seen)


@given(observations, observations, observations)
def test_merging_is_associative_and_commutative(
    a: list[Observation], b: list[Observation], c: list[Observation]
) -> None:
    one, two, three = (recorded(in_order(each)) for each in (a, b, c))
    assert encoded(merged(merged(one, two), three)) == encoded(merged(one, merged(two, three)))
    assert encoded(merged(one, two)) == encoded(merged(two, one))


def merged(one: Points, other: Points) -> Points:
    points = together({}, one)
    for place, content in other.items():
        add(points, place, content)
    return points


def encoded(points: Points) -> dict[Any, Any]:
    return {place: content.encode() for place, content in points.items()}


@pytest.mark.parametrize(
    ("moment", "minute", "five", "hour", "day"),
    [
        ("2026-03-29T00:59:59.999+00:00", "00:59", "00:55", "00:00", "29"),
        ("2026-03-29T01:00:00.000+00:00", "01:00", "01:00", "01:00", "29"),
        ("2026-03-29T23:59:59.999+00:00", "23:59", "23:55", "23:00", "29"),
        ("2026-03-30T00:00:00.000+00:00", "00:00", "00:00", "00:00", "30"),
        # The hours that a change of clocks leaves out, or doubles, are hours like others.
        ("2026-03-29T03:00:00.000+02:00", "01:00", "01:00", "01:00", "29"),
        ("2026-10-25T02:30:00.000+02:00", "00:30", "00:30", "00:00", "25"),
        ("2026-10-25T02:30:00.000+01:00", "01:30", "01:30", "01:00", "25"),
    ],
)
def test_buckets_begin_at_whole_times_of_utc(
    moment: str, minute: str, five: str, hour: str, day: str
) -> None:
    at = datetime.fromisoformat(moment).timestamp()
    starts = [datetime.fromtimestamp(each.bucket(at), UTC) for each in RESOLUTIONS]
    assert [f"{start:%H:%M}" for start in starts[:3]] == [minute, five, hour]
    assert f"{starts[3]:%d %H:%M:%S}" == f"{day} 00:00:00"


@given(st.integers(0, 4_000_000_000))
def test_a_minute_lies_in_one_bucket_and_a_bucket_in_one_chunk(second: int) -> None:
    for each in RESOLUTIONS:
        start = each.bucket(second)
        assert start <= second < start + each.seconds
        assert each.bucket(second // 60 * 60) == start
        assert each.bucket(second // 60 * 60 + 59.999) == start
        chunk = each.chunk_of(start)
        assert chunk <= start < start + each.seconds <= chunk + each.chunk


def test_sums_of_huge_numbers_stay_numbers() -> None:
    huge = [Observation(START, Kind.COUNTER, "c:1", 2**63 - 1) for _ in range(9)]
    (row, *_) = rows_of(recorded(huge))
    assert shown([row])["c:1"]["1min"] == {
        BY_NAME["1min"].bucket(START): pytest.approx(9.0 * 2**63)
    }


@given(
    st.lists(st.integers(-30, 30).map(lambda power: 10.0**power), min_size=1, max_size=8),
    st.lists(st.integers(-30, 30).map(lambda power: 10.0**power), min_size=1, max_size=8),
)
def test_percentiles_of_values_far_apart_are_the_same_however_they_come_together(
    one: list[float], other: list[float]
) -> None:
    parts = [distribution(one).encode(), distribution(other).encode()]
    together = Histogram.shown_as(merged_stored("histogram", parts))
    assert together == pytest.approx(Histogram.shown_as(distribution(one + other).encode()))


def distribution(values: list[float]) -> Histogram:
    made = Histogram()
    made.observe(values)
    return made


def test_beyond_the_bound_the_buckets_that_ended_first_go() -> None:
    points: Points = {}
    noon = START // 86400 * 86400 + 43_200
    add_minutes(points, [minute_of(noon - 60 * ago) for ago in range(10)])
    dropped = Dropped()
    bound(points, dropped, len(points) - 5)
    left = {name: [place.start for place in points if place.resolution == name] for name in KEPT}
    assert {name: len(starts) for name, starts in left.items()} == KEPT
    assert min(left["1min"]) == noon - 60 * 5
    # Four minutes of three observations each, and the twelve of the five minutes that four are in.
    assert dropped.total == 4 * 3 + 12


KEPT = {"1min": 6, "5min": 2, "1hour": 2, "1day": 1}


def minute_of(start: int) -> Minute:
    minute = Minute(start)
    counter = minute.series["k"] = Counter()
    for _ in range(3):
        counter.take(10, start)
    return minute
