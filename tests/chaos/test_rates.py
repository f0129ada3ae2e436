"""The figures of rates are what they say."""

from __future__ import annotations

from tests.chaos.history import Event, Kind
from tests.chaos.rates import effects, full_rate_after, rate, resumed_after


def test_effects_are_counted_a_second() -> None:
    times = effects([Event(Kind.EFFECT, at / 10) for at in range(100)])
    assert rate(times, 2.0, 4.0) == 10


def test_a_full_rate_is_found_where_it_begins() -> None:
    times = [1.0, 5.0, *(6 + step / 10 for step in range(40))]
    assert 1.7 < full_rate_after(times, 5.0, 9.0) < 2.1
    assert full_rate_after(times, 5.0, 99.0) == float("inf")


def test_silence_before_a_burst_is_no_full_rate() -> None:
    times = [6.9 + step / 1000 for step in range(200)]
    assert full_rate_after(times, 5.0, 54.0) > 1.9


def test_work_resumes_with_what_was_accepted_afterwards() -> None:
    events = [
        Event(Kind.ACCEPTED, 1.0, job="old"),
        Event(Kind.EFFECT, 3.0, job="old"),
        Event(Kind.ACCEPTED, 4.0, job="new"),
        Event(Kind.EFFECT, 4.5, job="new"),
    ]
    assert resumed_after(events, 2.0) == 2.5
    assert resumed_after(events, 4.2) == float("inf")
