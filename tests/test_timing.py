"""What a schedule may say of its times and manners."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from soniq.periodic import CatchUp, Overlap, plan
from soniq.schedules import every
from soniq.timing import Timing, timing

DUE = datetime(2026, 1, 1, tzinfo=UTC)
PLAIN: dict[str, Any] = dict.fromkeys(
    ("cron", "every", "timezone", "catch_up", "overlap", "jitter", "name")
)


def test_an_interval_counts_from_the_due_time_before() -> None:
    times = timing(None, timedelta(minutes=45), None).times()

    assert times.after(DUE, DUE) == DUE + timedelta(minutes=45)
    assert times.after(DUE, DUE + timedelta(minutes=44)) == DUE + timedelta(minutes=45)
    assert times.after(DUE, DUE + timedelta(minutes=100)) == DUE + timedelta(minutes=135)
    assert times.after(DUE, DUE - timedelta(seconds=1)) == DUE


@pytest.mark.parametrize(
    "given, value", [(60, "60"), (1.5, "1.5"), (timedelta(days=2), "172800"), (1, "1")]
)
def test_intervals_are_stored_as_seconds(given: Any, value: str) -> None:
    assert timing(None, given, None) == Timing("interval", value, "UTC")


@pytest.mark.parametrize(
    "seconds, number", [(-10, 0), (0, 0), (0.5, 1), (10, 1), (10.1, 2), (10**9, 10**8)]
)
def test_due_times_are_counted_from_one_until_before_a_moment(seconds: float, number: int) -> None:
    first = datetime(2026, 3, 1, tzinfo=UTC)

    times = timing(None, 10, None).times()

    assert times.number(first, first + timedelta(seconds=seconds)) == number


def test_due_times_by_cron_are_counted_too() -> None:
    first = datetime(2026, 3, 1, tzinfo=UTC)
    times = timing("*/5 * * * *", None, None).times()

    numbers = [times.number(first, first + timedelta(minutes=minutes)) for minutes in (0, 4, 5, 11)]

    assert numbers == [0, 1, 1, 3]


def test_the_words_fit_either_keyword() -> None:
    assert timing(every(45).minutes(), None, None) == Timing("interval", "2700", "UTC")
    assert timing(None, every(5).minutes(), None) == Timing("cron", "*/5 * * * *", "UTC")


@pytest.mark.parametrize("cron, every", [(None, None), ("* * * * *", 60)])
def test_exactly_one_of_cron_and_every_is_wanted(cron: Any, every: Any) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        timing(cron, every, None)


@pytest.mark.parametrize(
    "every",
    [
        *(0, 0.5, -1, True, "60", float("nan"), float("inf"), 10**400, -(10**400)),
        *(timedelta(0), timedelta(days=4000)),
    ],
    ids=lambda every: str(every)[:20],
)
def test_an_interval_is_a_second_or_more(every: Any) -> None:
    with pytest.raises(ValueError, match="every"):
        timing(None, every, None)


@pytest.mark.parametrize("zone", ["Europe/Atlantis", "", "../etc/passwd", 5, "Europe"])
def test_an_unknown_zone_is_refused(zone: Any) -> None:
    with pytest.raises(ValueError, match="timezone"):
        timing("* * * * *", None, zone)


@pytest.mark.parametrize("expression", [5, "61 * * * *"])
def test_a_wrong_expression_is_refused(expression: Any) -> None:
    with pytest.raises(ValueError, match="cron"):
        timing(expression, None, None)


def test_what_is_left_out_has_defaults() -> None:
    made = plan(**{**PLAIN, "cron": "* * * * *"})

    assert (made.catch_up, made.overlap, made.jitter, made.name) == (
        CatchUp.ONE,
        Overlap.ALLOW,
        0,
        None,
    )
    assert made.timing.timezone == "UTC"


@pytest.mark.parametrize(
    "keyword, value",
    [
        ("catch_up", "some"),
        ("overlap", "maybe"),
        ("jitter", -1),
        ("jitter", "5"),
        ("name", ""),
        ("name", 5),
        ("name", "x" * 513),
    ],
)
def test_a_bad_value_is_refused_by_its_name(keyword: str, value: Any) -> None:
    with pytest.raises(ValueError, match=keyword):
        plan(**{**PLAIN, "every": 60, keyword: value})
