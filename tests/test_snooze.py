"""What a handler may put a job off by."""

from __future__ import annotations

import math
import pickle
from dataclasses import FrozenInstanceError
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from soniq import Snooze


@pytest.mark.parametrize(
    "given", [60, 60.0, Decimal(60), timedelta(minutes=1)], ids=lambda given: type(given).__name__
)
def test_seconds_are_a_number_or_a_timedelta(given: Any) -> None:
    snooze = Snooze(given, reason="later")
    assert (snooze.seconds, snooze.reason) == (60.0, "later")
    assert snooze == Snooze(seconds=60, reason="later")
    assert pickle.loads(pickle.dumps(snooze)) == snooze


@pytest.mark.parametrize("given", ["60", None, True, [60], Snooze])
def test_what_is_neither_is_refused_at_once(given: Any) -> None:
    with pytest.raises(TypeError, match=r"takes seconds or a timedelta, got .*Snooze\(60\)"):
        Snooze(given)


def test_a_number_beyond_all_floats_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="more seconds than a float can hold"):
        Snooze(10**400)


@pytest.mark.parametrize("given", [-5, math.inf, 1e300])
def test_any_other_number_is_for_the_worker_to_bound(given: float) -> None:
    assert Snooze(given).seconds == given


def test_it_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        Snooze(60).seconds = 5  # type: ignore[misc]
