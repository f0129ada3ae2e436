"""The sketch: quantiles within its accuracy, merging exact and in any order."""

from __future__ import annotations

import math
from functools import reduce

import pytest
from ddsketch.ddsketch import DDSketch
from hypothesis import given
from hypothesis import strategies as st

from soniq.plugins.metrics.sketch import ACCURACY, MOST_BINS, Sketch

QUANTILES = (0.0, 0.25, 0.5, 0.95, 0.99, 1.0)
values = st.floats(-1e9, 1e9, allow_nan=False) | st.sampled_from([0.0, 5e-324, -5e-324, 1.0])
some = st.lists(values, min_size=1, max_size=50)


def of(numbers: list[float]) -> Sketch:
    sketch = Sketch()
    for number in numbers:
        sketch.add(number)
    return sketch


def together(*sketches: Sketch) -> Sketch:
    merged = Sketch()
    for sketch in sketches:
        merged.merge(sketch)
    return merged


@given(some)
def test_a_quantile_is_the_value_of_its_rank_within_the_accuracy(numbers: list[float]) -> None:
    ranked = sorted(numbers)
    for share, found in zip(QUANTILES, of(numbers).quantiles(QUANTILES), strict=True):
        exact = ranked[math.floor(share * (len(ranked) - 1))]
        assert found == pytest.approx(exact, rel=ACCURACY * 1.001, abs=1e-300)


@given(some)
def test_quantiles_are_those_of_the_library(numbers: list[float]) -> None:
    library = DDSketch(ACCURACY)
    for number in numbers:
        library.add(number)
    expected = [library.get_quantile_value(share) for share in QUANTILES]
    # On the very edge of two bins either may take a value.
    assert of(numbers).quantiles(QUANTILES) == pytest.approx(expected, rel=3 * ACCURACY, abs=1e-300)


@given(st.lists(some, min_size=1, max_size=5), st.randoms())
def test_parts_merged_in_any_order_are_the_sketch_of_everything(parts, random) -> None:  # type: ignore[no-untyped-def]
    whole = of([number for part in parts for number in part]).encode()
    sketches = [of(part) for part in parts]
    random.shuffle(sketches)
    assert together(*sketches).encode() == whole
    pairwise = reduce(together, sketches)
    assert pairwise.encode() == whole


@given(some)
def test_text_holds_all_of_it(numbers: list[float]) -> None:
    sketch = of(numbers)
    again = Sketch.decode(sketch.encode())
    assert again.encode() == sketch.encode()
    assert again.quantiles(QUANTILES) == sketch.quantiles(QUANTILES)


@given(st.lists(st.floats(-250, 250).map(lambda power: 10**power), min_size=1, max_size=60))
def test_however_far_values_spread_merging_is_exact(numbers: list[float]) -> None:
    halves = of(numbers[::2]), of(numbers[1::2])
    assert together(*halves).encode() == of(numbers).encode()


def test_values_without_bounds_take_bounded_memory() -> None:
    sketch = of([1.1**power for power in range(-3000, 3000)])
    assert len(sketch.positive) <= 2 * MOST_BINS + 1
    assert sketch.quantiles([1.0])[0] == pytest.approx(1.1**2999, rel=ACCURACY * 1.001)
    assert sum(Sketch.decode(sketch.encode()).positive.values()) == 6000
    assert len(Sketch.decode(sketch.encode()).positive) <= MOST_BINS
