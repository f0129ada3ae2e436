"""Cron expressions fire when they say, also around every change of a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from soniq.crontab import Cron
from tests.cron_walk import MINUTE, Walk, clock_changes, firings, walk

AROUND = timedelta(hours=27)
# Half an hour, two hours, three hours; at midnight, in winter, in Ramadan; abolished; none at all.
NOTABLE = [
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Antarctica/Casey",
    "America/Havana",
    "America/Asuncion",
    "Asia/Beirut",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Europe/Dublin",
    "Africa/Juba",
    "Pacific/Chatham",
    "America/Nuuk",
    "Asia/Kathmandu",
    "UTC",
]
EXPRESSIONS = [
    "*/7 * * * *",
    "15 * * * *",
    "* 0,2,3 * * *",
    "*/20 1-3 * * *",
    "0,30 0-4 * * *",
    "45 1,2,23 * * *",
    "5 */3 * * *",
    "0 0 * * *",
    "30 2 * * 0,6",
    "0 3 1-10,20-31 3,4,9,10,11 5",
]


def _terms(low: int, high: int) -> st.SearchStrategy[str]:
    number = st.integers(low, high)
    steps = st.integers(1, high)
    spans = st.tuples(number, number).map(sorted)
    return st.one_of(
        number.map(str),
        spans.map(lambda span: f"{span[0]}-{span[1]}"),
        st.tuples(spans.filter(lambda span: span[0] < span[1]), steps).map(
            lambda made: f"{made[0][0]}-{made[0][1]}/{made[1]}"
        ),
        steps.map(lambda step: f"*/{step}"),
        st.just("*"),
    )


def _fields(low: int, high: int) -> st.SearchStrategy[str]:
    plain = _terms(low, high)
    return st.one_of(plain, st.lists(plain, min_size=2, max_size=3).map(",".join))


EXPRESSION = st.tuples(
    _fields(0, 59),
    st.one_of(_fields(0, 23), _fields(0, 4)),
    st.one_of(st.just("*"), _fields(1, 28)),
    st.just("*"),
    st.one_of(st.just("*"), _fields(0, 7)),
).map(" ".join)


@cache
def around(zone: str, change: datetime) -> Walk:
    return walk(zone, change - AROUND, change + AROUND)


def assert_fires_as_walked(expression: str, zone: str, minutes: Walk) -> None:
    cron = Cron(expression, ZoneInfo(zone))
    moment, end = minutes[0][0], minutes[-1][0]
    fired = []
    while (following := cron.after(moment)) <= end:
        assert following > moment
        fired.append(following)
        moment = following
    assert fired == firings(expression, minutes), (expression, zone)


@pytest.mark.parametrize("zone", NOTABLE)
def test_the_next_times_are_those_of_a_walk_over_every_minute(zone: str) -> None:
    changes = clock_changes(zone) or (datetime(2024, 2, 28, tzinfo=UTC),)
    for number, expression in enumerate(EXPRESSIONS):
        change = changes[number % len(changes)]
        assert_fires_as_walked(expression, zone, around(zone, change))


@given(EXPRESSION, st.sampled_from(NOTABLE), st.integers(0, 100))
@settings(max_examples=60, deadline=None)
def test_any_expression_fires_as_the_walk_does(expression: str, zone: str, number: int) -> None:
    changes = clock_changes(zone) or (datetime(2024, 2, 28, tzinfo=UTC),)
    assert_fires_as_walked(expression, zone, around(zone, changes[number % len(changes)]))


@given(
    EXPRESSION,
    st.sampled_from(["", "30 ", "*/20 "]),
    st.sampled_from(NOTABLE),
    st.integers(0, 100),
    st.timedeltas(-AROUND, AROUND),
    st.timedeltas(timedelta(), AROUND),
)
@settings(max_examples=40, deadline=None)
def test_counting_gives_what_walking_does(
    expression: str, seconds: str, zone: str, number: int, start: timedelta, length: timedelta
) -> None:
    changes = clock_changes(zone) or (datetime(2024, 2, 28, tzinfo=UTC),)
    cron = Cron(seconds + expression, ZoneInfo(zone))
    moment = first = changes[number % len(changes)] + start
    walked = 0
    while (moment := cron.after(moment)) < first + length:
        walked += 1

    assert cron.between(first, first + length) == walked


def test_a_year_of_seconds_is_counted_at_once() -> None:
    begin, end = (datetime(year, 3, 1, tzinfo=UTC) for year in (2025, 2026))
    berlin = ZoneInfo("Europe/Berlin")

    every = 365 * 86400 - 1
    assert Cron("* * * * * *", berlin).between(begin, end) == every
    # By the wall clock, the doubled hour is told once.
    assert Cron("* 0-59 0-23 * * *", berlin).between(begin, end) == every - 3600


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("part", range(12))
def test_every_zone_fires_as_the_walk_does(part: int) -> None:
    for zone in sorted(available_timezones())[part::12]:
        for number, change in enumerate(clock_changes(zone)):
            minutes = walk(zone, change - AROUND, change + AROUND)
            for step in range(3):
                expression = EXPRESSIONS[(3 * number + step) % len(EXPRESSIONS)]
                assert_fires_as_walked(expression, zone, minutes)


@given(
    EXPRESSION,
    st.sampled_from(sorted(available_timezones())),
    st.datetimes(datetime(2020, 1, 1), datetime(2030, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
)
@settings(max_examples=100, deadline=None)
def test_it_never_goes_back_and_never_sticks(expression: str, zone: str, moment: datetime) -> None:
    cron = Cron(expression, ZoneInfo(zone))
    for _ in range(20):
        following = cron.after(moment)
        assert following > moment
        assert following.tzinfo is UTC
        # Nothing is left out by asking from in between.
        assert cron.after(moment + (following - moment) / 2) == following
        moment = following


def local(zone: str, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def test_a_fixed_time_that_does_not_exist_fires_once_right_after_the_gap() -> None:
    cron = Cron("15,30 2 * * *", ZoneInfo("America/New_York"))
    gap_ends = local("America/New_York", "2024-03-10T03:00")

    assert cron.after(local("America/New_York", "2024-03-09T12:00")) == gap_ends
    assert cron.after(gap_ends) == local("America/New_York", "2024-03-11T02:15")


def test_seconds_follow_the_same_rule() -> None:
    zone = ZoneInfo("America/New_York")
    fixed, elapsed = Cron("10,50 30 2 * * *", zone), Cron("*/20 * 1 * * *", zone)
    gap_ends = local("America/New_York", "2024-03-10T03:00")
    first_hour = local("America/New_York", "2024-11-03T01:00")

    assert fixed.after(gap_ends - timedelta(hours=1)) == gap_ends
    assert fixed.after(gap_ends) == local("America/New_York", "2024-03-11T02:30:10")
    end_of_first = first_hour + timedelta(minutes=59, seconds=45)
    assert elapsed.after(end_of_first) == first_hour + timedelta(hours=1)


def test_a_doubled_fixed_time_fires_once_and_a_wildcard_in_both_hours() -> None:
    zone = ZoneInfo("America/New_York")
    first = local("America/New_York", "2024-11-03T01:30")

    assert Cron("30 1 * * *", zone).after(first) == local("America/New_York", "2024-11-04T01:30")
    assert Cron("30 * * * *", zone).after(first) == first + timedelta(hours=1)


def test_fractions_of_a_second_do_not_matter() -> None:
    cron = Cron("* * * * * *", ZoneInfo("Europe/Berlin"))
    moment = datetime(2026, 1, 1, 12, 0, 0, 999_999, tzinfo=UTC)

    assert cron.after(moment) == datetime(2026, 1, 1, 12, 0, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "macro, expression",
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@Daily", "0 0 * * *"),
    ],
)
def test_macros_stand_for_expressions(macro: str, expression: str) -> None:
    zone, moment = ZoneInfo("Asia/Tokyo"), datetime(2026, 5, 13, 12, 34, tzinfo=UTC)

    assert Cron(macro, zone).after(moment) == Cron(expression, zone).after(moment)


@pytest.mark.parametrize(
    "expression, named",
    [
        ("60 * * * *", "minute field .* takes 0 to 59"),
        ("* 24 * * *", "hour field .* takes 0 to 23"),
        ("* * 0 * *", "day-of-month field .* takes 1 to 31"),
        ("* * * 13 *", "month field .* takes 1 to 12"),
        ("* * * * 8", "day-of-week field .* takes 0 to 7"),
        ("61 * * * * *", "second field .* takes 0 to 59"),
        ("*/0 * * * *", "minute"),
        ("5-1 * * * *", "minute"),
        ("0 0 31 2 *", "day-of-month field .* no more than the month has"),
        ("0 0 31 4,6,9,11 *", "day-of-month"),
        ("* * * *", "4 fields"),
        ("* * * * * * *", "7 fields"),
        ("", "0 fields"),
        ("@fortnightly", "macro"),
    ],
)
def test_a_wrong_expression_is_refused_by_its_field(expression: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        Cron(expression, ZoneInfo("UTC"))


def test_the_walk_finds_the_changes_of_a_clock() -> None:
    """The model itself, where the answer is known."""
    first = clock_changes("Europe/Berlin")[0]

    assert first == datetime(2020, 3, 29, 1, tzinfo=UTC)
    minutes = walk("Europe/Berlin", first - 2 * MINUTE, first + MINUTE)
    assert [wall.hour for _, wall in minutes] == [1, 1, 3, 3]
    assert firings("30 2 * * *", minutes) == [first]
