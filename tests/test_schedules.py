"""The words for schedules give the expressions they promise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from soniq.schedules import cron, daily, every, monthly, weekly


@pytest.mark.parametrize(
    "made, expected",
    [
        (every(1).minutes(), "*/1 * * * *"),
        (every(5).minutes(), "*/5 * * * *"),
        (every(60).minutes(), "*/60 * * * *"),
        (every(1).hours(), "0 */1 * * *"),
        (every(6).hours(), "0 */6 * * *"),
        (every(2).days(), "0 0 */2 * *"),
        (every(31).days(), "0 0 */31 * *"),
        (daily(), "0 0 * * *"),
        (daily().at("09:30"), "30 9 * * *"),
        (daily().at("9:05"), "5 9 * * *"),
        (weekly(), "0 0 * * 0"),
        (weekly().on("monday"), "0 0 * * 1"),
        (weekly().on("Sat").at("23:59"), "59 23 * * 6"),
        (weekly().at("08:00").on(0), "0 8 * * 0"),
        (monthly(), "0 0 1 * *"),
        (monthly().on_day(15).at("14:30"), "30 14 15 * *"),
        (monthly().at("14:30").on_day(31), "30 14 31 * *"),
        (cron("0 9 * * 1-5"), "0 9 * * 1-5"),
    ],
)
def test_they_are_cron_text(made: object, expected: str) -> None:
    assert isinstance(made, str)
    assert made == expected


@pytest.mark.parametrize(
    "made, expected",
    [
        (every(30).seconds(), timedelta(seconds=30)),
        (every(45).minutes(), timedelta(minutes=45)),
        (every(90).minutes(), timedelta(minutes=90)),
        (every(5).hours(), timedelta(hours=5)),
        (every(48).hours(), timedelta(hours=48)),
        (every(32).days(), timedelta(days=32)),
    ],
)
def test_what_cron_cannot_say_is_a_true_interval(made: object, expected: timedelta) -> None:
    assert made == expected


@pytest.mark.parametrize("number", [0, -1, 1.5, "5", None, True])
def test_every_takes_whole_numbers_from_one(number: Any) -> None:
    with pytest.raises(ValueError, match="every"):
        every(number)


@pytest.mark.parametrize("clock", ["24:00", "12:60", "noon", "", "12", None, 12])
def test_at_takes_a_time_of_day(clock: Any) -> None:
    with pytest.raises(ValueError, match="HH:MM"):
        daily().at(clock)


@pytest.mark.parametrize("day", [7, -1, "someday", "", None, True, 1.0])
def test_on_takes_a_day_of_the_week(day: Any) -> None:
    with pytest.raises(ValueError, match="day of the week"):
        weekly().on(day)


@pytest.mark.parametrize("day", [0, 32, "1", None, True])
def test_on_day_takes_a_day_of_the_month(day: Any) -> None:
    with pytest.raises(ValueError, match="day of the month"):
        monthly().on_day(day)


def test_cron_takes_text() -> None:
    not_text: Any = 5
    with pytest.raises(TypeError, match="text"):
        cron(not_text)


def test_an_interval_beyond_all_time_is_refused() -> None:
    with pytest.raises(ValueError, match="longer"):
        every(10**12).hours()
