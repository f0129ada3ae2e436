"""Schedules that somebody has edited by hand: they fire, and keep no others from firing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from soniq import Soniq
from soniq.testing import wait_until
from tests.fuzz.edited import edited
from tests.worker.conftest import working


@pytest.fixture
async def app(place: str) -> AsyncIterator[Soniq]:
    """An application with two schedules, of which one will fire soon."""
    app = Soniq(place, error_retry_delay=0.1)

    @app.job(name="good")
    async def good() -> None: ...

    await app.setup()
    async with app:
        await app.scheduler.add("good", every=1, name="even")
        await app.scheduler.add("good", every=_amid_two(3600, place), name="odd")
        yield app


def _amid_two(seconds: float, place: str) -> timedelta:
    """An interval of about that length, of whose due times none is near.

    They are counted from the time for which one that cannot be read stands in the store: a due time
    of less than a minute ago would be late, not missed, and fire beside the missed one.
    """
    first = datetime.min.replace(tzinfo=UTC) if "://" in place else datetime.fromtimestamp(0, UTC)
    passed = datetime.now(UTC) - first
    return passed / (passed // timedelta(seconds=seconds) + 0.5)


async def _found(app: Soniq, name: str) -> dict[str, Any]:
    found = await app.scheduler.get(name)
    assert found is not None
    return found


async def _edit(place: str, column: str, value: str) -> None:
    change = f"UPDATE soniq_schedules SET {column} = {value} WHERE name = 'odd'"
    assert await edited(place).execute(change)


async def _fired(app: Soniq, *names: str) -> bool:
    return all([(await _found(app, name))["run_count"] > 0 for name in names])


@pytest.mark.parametrize(
    ("place", "value"),
    [
        *(("sqlite", each) for each in ("datetime('now')", "'garbage'", "5", "x'ff00'")),
        *(
            pytest.param("postgres", each, marks=pytest.mark.postgres)
            for each in ("'-infinity'", "'4000-01-01Z BC'", "now()")
        ),
    ],
    indirect=["place"],
)
async def test_one_with_an_odd_time_fires_once_and_goes_on(
    app: Soniq, place: str, value: str
) -> None:
    before = (await _found(app, "odd"))["next_run"]
    await _edit(place, "next_run", value)
    await _edit(place, "fires_at", value)
    async with working(app, scheduler=True):
        await wait_until(lambda: _fired(app, "odd", "even"), timeout=15)
    odd = await _found(app, "odd")
    assert odd["run_count"] == 1
    assert odd["next_run"] > odd["last_run"]
    assert odd["next_run"].tzinfo is not None
    assert abs((odd["next_run"] - before).total_seconds()) <= 3600


@pytest.mark.parametrize("column", ["schedule_value", "timezone", "catch_up", "overlap"])
async def test_one_that_means_nothing_holds_up_no_other(
    app: Soniq, place: str, column: str
) -> None:
    time = "now()" if "://" in place else "'2020-01-01T00:00:00.000000Z'"
    for name, value in (("next_run", time), ("fires_at", time), (column, "'nonsense'")):
        await _edit(place, name, value)
    async with working(app, scheduler=True):
        await wait_until(lambda: _fired(app, "even"), timeout=15)
    assert (await _found(app, "odd"))[column] == "nonsense"
