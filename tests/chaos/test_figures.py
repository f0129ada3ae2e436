"""Figures are worked out from a history."""

from __future__ import annotations

import pytest

from tests.chaos.facts import Facts
from tests.chaos.figures import figures, recoveries, spread
from tests.chaos.history import Kind
from tests.chaos.test_checker import begun, enqueued, event, over, row

KILLED = [
    event(Kind.PROCESS_STARTED, 0, target=1),
    *enqueued("a", "j1", 1),
    *enqueued("b", "j2", 1),
    begun("r1", "j1", 2),
    begun("r2", "j2", 2),
    *over("r2", "j2", 3),
    event(Kind.KILLED, 4, target=1),
    event(Kind.PROCESS_STARTED, 6, target=2),
    begun("r3", "j1", 9, worker="w2", pid=2),
    *over("r3", "j1", 10),
]


def test_recovery_is_counted_from_the_kill_for_what_was_running() -> None:
    assert recoveries(KILLED) == [5.0]


def test_recovery_can_be_counted_from_the_next_start() -> None:
    assert recoveries(KILLED, since_start=True) == [3.0]


def test_the_figures_of_a_kill() -> None:
    jobs = [row("j1", "r3", worker_id="w2"), row("j2", "r2")]
    found = figures(Facts(events=KILLED, jobs=jobs))
    assert (found.jobs, found.kills, found.restarts, found.lost) == (2, 1, 1, 0)
    assert found.duplicates_per_million == 0
    assert found.recovery is not None
    assert found.recovery.max == 5.0


def test_what_is_gone_or_unended_is_lost() -> None:
    jobs = [row("j1", None, status="queued", result=None)]
    assert figures(Facts(events=KILLED, jobs=jobs)).lost == 2


def test_a_second_effect_is_a_duplicate() -> None:
    again = [*KILLED, *over("r4", "j1", 11)]
    jobs = [row("j1", "r3"), row("j2", "r2")]
    assert figures(Facts(events=again, jobs=jobs)).duplicates_per_million == 500_000


def test_percentiles_are_values_that_were_seen() -> None:
    found = spread([float(n) for n in range(1, 101)])
    assert found is not None
    assert (found.jobs, found.p50, found.p95, found.max) == (100, 50.0, 95.0, 100.0)


def test_nothing_recovered_has_no_spread() -> None:
    assert spread([]) is None


@pytest.mark.parametrize("numbers", [[1.0], [1.0, 2.0]])
def test_few_values_still_have_percentiles(numbers: list[float]) -> None:
    found = spread(numbers)
    assert found is not None
    assert found.p95 == numbers[-1]
