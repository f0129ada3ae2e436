"""Recording: what is taken, what is dropped and counted, and that it never raises or grows."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from soniq.plugins.metrics import keys
from soniq.plugins.metrics import recorder as recording
from soniq.plugins.metrics.keys import Dropped, KeyBook, Kind, matches_prefix, number
from soniq.plugins.metrics.observed import Points, add_minutes
from soniq.plugins.metrics.recorder import MOST_KEPT, Recorder

NOW = 1_800_000_000.0


def recorder(clock: Any = lambda: NOW, most: int = keys.MOST_KEYS) -> tuple[Recorder, Dropped]:
    dropped = Dropped()
    return Recorder(clock, KeyBook(dropped, most), dropped), dropped


def held(recorder: Recorder) -> dict[str, Any]:
    """What was recorded, by key, of everything drained."""
    points: Points = {}
    add_minutes(points, recorder.drain())
    return {
        place.key: content.encode()
        for place, content in points.items()
        if place.resolution == "1day"
    }


class Unfloatable:
    """A number by its looks."""

    def __float__(self) -> float:
        raise RuntimeError("no")

    def __repr__(self) -> str:
        raise RuntimeError("no")


class Lazy:
    """Stands for an object that cannot be had now."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise RuntimeError("away")

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("away")


class Text(str):
    """A string that does as it likes."""

    __slots__ = ()

    def refuse(self, *args: object) -> Any:
        raise RuntimeError("no")

    __len__ = __hash__ = __eq__ = __contains__ = encode = __str__ = __repr__ = refuse  # type: ignore[assignment]


GOOD = [0, -3, 2.5, 2**62, 1e99, Decimal("1.5"), Fraction(1, 3), -0.0]
BAD: list[Any] = [
    float("nan"),
    float("inf"),
    -float("inf"),
    True,
    10**400,
    -(10**400),
    1e101,
    "3",
    None,
    [],
    1j,
    b"1",
    Decimal("NaN"),
    Decimal("sNaN"),
    Decimal("Infinity"),
    Unfloatable(),
]
BAD_KEYS: list[Any] = ["", "a\0b", "a\ud800", "x" * 10_240, 5, None, ("a",), ["a"], b"a"]


@pytest.mark.parametrize("value", GOOD, ids=str)
def test_numbers_of_every_type_are_taken(value: Any) -> None:
    taken, dropped = recorder()
    for kind in Kind:
        taken.take(kind, f"k:{kind.value}", value)
    assert dropped.total == 0
    assert held(taken)["k:counter"] == pytest.approx(float(value))
    assert held(taken) == {}


@pytest.mark.parametrize("value", BAD, ids=range(len(BAD)))
def test_what_is_no_finite_number_is_dropped_and_counted(value: Any) -> None:
    taken, dropped = recorder()
    for kind in Kind:
        taken.take(kind, f"k:{kind.value}", value)
    assert (held(taken), dropped.total) == ({}, 3)


@pytest.mark.parametrize("key", BAD_KEYS, ids=range(len(BAD_KEYS)))
def test_what_no_store_takes_for_a_key_is_dropped_and_counted(key: Any) -> None:
    taken, dropped = recorder()
    for kind in Kind:
        taken.take(kind, key, 1)
    assert (held(taken), dropped.total) == ({}, 3)


def test_what_stands_for_an_object_that_cannot_be_had_is_dropped_and_counted() -> None:
    taken, dropped = recorder()
    for kind in Kind:
        taken.take(kind, Lazy(), 1)
        taken.take(kind, "k", Lazy())
    assert (held(taken), dropped.total) == ({}, 6)


def test_a_string_of_a_type_of_its_own_is_a_key_like_others() -> None:
    taken, dropped = recorder()
    for key in ("k", Text("k"), Text("")):
        taken.take(Kind.COUNTER, key, 1)
    assert (held(taken), dropped.total) == ({"k": 2}, 1)


def test_whole_numbers_beyond_what_stores_hold_exactly_become_floats() -> None:
    assert number(2**63 - 1) == 2**63 - 1
    assert isinstance(number(2**63), float)


def test_a_key_keeps_the_kind_it_had_first() -> None:
    taken, dropped = recorder()
    taken.take(Kind.COUNTER, "k", 1)
    taken.take(Kind.GAUGE, "k", 9)
    taken.take(Kind.HISTOGRAM, "k", 9)
    taken.take(Kind.COUNTER, "k", 1)
    assert (held(taken), dropped.total) == ({"k": 2}, 2)
    assert list(dropped.by_reason) == ["kind, which is not the key's first"]


def test_keys_without_end_take_bounded_memory() -> None:
    taken, dropped = recorder(most=100)
    for each in range(5000):
        taken.take(Kind.COUNTER, f"k:{each}", 1)
    assert len(held(taken)) == 100
    assert dropped.total == 4900


def test_other_keys_are_let_in_once_old_ones_are_out_of_use() -> None:
    dropped = Dropped()
    book = KeyBook(dropped, 100)
    taken = Recorder(lambda: NOW, book, dropped)
    for each in range(100):
        taken.take(Kind.COUNTER, f"old:{each}", 1)
    assert len(held(taken)) == 100
    book.forget_others({"old:7"})
    taken.take(Kind.COUNTER, "new", 1)
    taken.take(Kind.GAUGE, "old:7", 1)
    assert held(taken) == {"new": 1}


def test_minutes_that_nobody_takes_away_are_bounded_the_newest_stay() -> None:
    times = iter(range(0, 10**9, 60))
    taken, dropped = recorder(clock=lambda: NOW + next(times))
    for _ in range(MOST_KEPT + 1000):
        taken.take(Kind.COUNTER, "k", 1)
    minutes = taken.drain()
    assert MOST_KEPT - 1 <= len(minutes) <= MOST_KEPT + 1
    assert dropped.total + len(minutes) == MOST_KEPT + 1000
    assert minutes[-1].start == int(NOW // 60) * 60 + 60 * (MOST_KEPT + 999)


def test_of_a_minute_thrown_away_every_observation_counts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(recording, "MOST_KEPT", 3)
    times = [NOW]
    taken, dropped = recorder(clock=lambda: times[0])
    for _ in range(7):
        taken.take(Kind.COUNTER, "c", 100)
        taken.take(Kind.GAUGE, "g", 100)
        taken.take(Kind.HISTOGRAM, "h", 100)
    for outcome in ("done", "failed"):
        taken.stored([("job", "queue", outcome, 1.0, 1.0)] * 10)
    times[0] += 60
    taken.take(Kind.COUNTER, "last", 1)
    assert set(held(taken)) == {"last"}
    # A run is one of four counters and one waiting time, and mostly two execution times.
    assert dropped.total == 3 * 7 + 10 * 7 + 10 * 5


def test_a_job_too_many_counts_as_all_it_would_have_been(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MOST_KEYS", 1)
    taken, dropped = recorder()
    runs = [("one", "done"), ("two", "done"), ("two", "failed")]
    taken.stored([(name, "q", outcome, 1.0, 1.0) for name, outcome in runs])
    assert dropped.total == 7 + 5


def test_of_two_gauges_at_one_moment_the_later_call_counts() -> None:
    taken, _ = recorder()
    taken.take(Kind.GAUGE, "g", 9)
    first = held(taken)["g"]
    taken.take(Kind.GAUGE, "g", 3)
    value, at = held(taken)["g"]
    assert value == 3
    assert at > first[1]


def test_a_clock_put_right_by_a_little_opens_no_minute_again() -> None:
    times = iter([NOW, NOW - 0.2, NOW + 1])
    taken, _ = recorder(clock=lambda: next(times))
    for _ in range(3):
        taken.take(Kind.COUNTER, "k", 1)
    assert [minute.start for minute in taken.drain()] == [int(NOW // 60) * 60]


def test_threads_lose_nothing() -> None:
    taken, _ = recorder(clock=time.time)
    stop = threading.Event()
    points: Points = {}

    def record() -> None:
        for _ in range(5000):
            taken.take(Kind.COUNTER, "k", 1)
            taken.stored([("job", "queue", "done", 0.1, 0.2)])

    def drain() -> None:
        while not stop.is_set():
            add_minutes(points, taken.drain())

    drainer = threading.Thread(target=drain)
    recorders = [threading.Thread(target=record) for _ in range(4)]
    for thread in (drainer, *recorders):
        thread.start()
    for thread in recorders:
        thread.join()
    stop.set()
    drainer.join()
    add_minutes(points, taken.drain())
    for key, expected in {
        "k": 20_000,
        "job:job:done": 20_000,
        "global:status:done": 20_000,
    }.items():
        found = sum(
            content.encode()  # type: ignore[misc]
            for place, content in points.items()
            if (place.key, place.resolution) == (key, "1min")
        )
        assert found == expected


@pytest.mark.parametrize("outcome", ["done", "failed", "dead_letter", "snoozed"])
def test_a_stored_outcome_is_recorded_under_its_keys(outcome: str) -> None:
    taken, _ = recorder()
    taken.stored([("app.send", "mails", outcome, 2.0, 0.5)])
    taken.stored([("app.send", "mails", outcome, 4.0, 1.5)])
    found = held(taken)
    counters = {
        f"job:app.send:{outcome}",
        f"queue:mails:{outcome}",
        "queue:mails:throughput",
        f"global:status:{outcome}",
    }
    timed = {"job:app.send:execution_time", "queue:mails:execution_time"}
    expected = counters | {"queue:mails:wait_time"}
    if outcome in ("done", "dead_letter"):
        expected |= timed
        assert found["job:app.send:execution_time"][:4] == [2, 6.0, 2.0, 4.0]
    assert set(found) == expected
    assert {found[key] for key in counters} == {2}
    assert found["queue:mails:wait_time"][:4] == [2, 2.0, 0.5, 1.5]


def test_a_name_too_long_for_a_key_costs_only_its_own_series() -> None:
    taken, dropped = recorder()
    taken.stored([("x" * 600, "q", "done", 1.0, 1.0)])
    assert "queue:q:done" in (found := held(taken))
    assert not any(key.startswith("job:") for key in found)
    assert dropped.total == 2
    taken.stored([("x" * 600, "q", "done", 1.0, 1.0)] * 50)
    taken.drain()
    assert dropped.total == 2 + 100


def test_drops_are_told_rarely(caplog: pytest.LogCaptureFixture) -> None:
    taken, dropped = recorder()
    with caplog.at_level(logging.WARNING, "soniq.plugins.metrics"):
        for _ in range(500):
            taken.take(Kind.COUNTER, "k", float("nan"))
    assert dropped.total == 500
    assert len(caplog.records) == 1
    assert "no finite number" in caplog.text


class Counting(logging.Handler):
    """Counts warnings as a metric, as programs do."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder

    def emit(self, record: logging.LogRecord) -> None:
        self._recorder.take(Kind.COUNTER, "log:warnings", 1)
        self._recorder.take(Kind.COUNTER, "", 1)


def take_another_kind(taken: Recorder) -> None:
    taken.take(Kind.COUNTER, "k", 1)
    taken.take(Kind.GAUGE, "k", 1)


def store_too_many_jobs(taken: Recorder) -> None:
    for name in ("a", "b", "c"):
        taken.stored([(name, "q", "done", 1.0, 1.0)])


def let_minutes_pass(taken: Recorder) -> None:
    for _ in range(4):
        taken.take(Kind.COUNTER, "k", 1)


@pytest.mark.parametrize("drop", [take_another_kind, store_too_many_jobs, let_minutes_pass])
def test_a_handler_of_logs_may_record(
    drop: Callable[[Recorder], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "MOST_KEYS", 1)
    monkeypatch.setattr(recording, "MOST_KEPT", 2)
    minutes = itertools.count(NOW, 60)
    moves = drop is let_minutes_pass
    taken, _ = recorder(clock=lambda: next(minutes) if moves else NOW)
    handler = Counting(taken)
    log = logging.getLogger("soniq.plugins.metrics")
    log.addHandler(handler)
    try:
        # In a thread of its own, which a deadlock would keep for ever.
        thread = threading.Thread(target=drop, args=(taken,), daemon=True)
        thread.start()
        thread.join(10)
        assert not thread.is_alive()
    finally:
        log.removeHandler(handler)
    assert held(taken)["log:warnings"] == 1


@pytest.mark.parametrize(
    ("prefix", "key", "matches"),
    [
        ("queue", "queue:default:depth", True),
        ("queue:default", "queue:default:depth", True),
        ("queue:default:depth", "queue:default:depth", True),
        ("queue:default:depth:x", "queue:default:depth", False),
        ("queue:def", "queue:default", False),
        ("queue:", "queue:default", True),
        ("", "anything", True),
        ("q_eue", "queue:a", False),
        ("queue%", "queue:a", False),
        ("a_b", "a_b:c", True),
        ("default", "queue:default", False),
    ],
)
def test_a_prefix_is_of_whole_parts(prefix: str, key: str, matches: bool) -> None:
    assert matches_prefix(prefix, key) is matches


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_prefix_matches_what_its_parts_begin(prefix: str, key: str) -> None:
    parts, wanted = key.split(":"), prefix.removesuffix(":").split(":")
    assert matches_prefix(prefix, key) is (wanted == [""] or parts[: len(wanted)] == wanted)
