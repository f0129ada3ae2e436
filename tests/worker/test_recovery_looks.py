"""When a worker looks for dead ones."""

from __future__ import annotations

from typing import Any, cast

import pytest

from soniq.backends.base import WorkerSession
from soniq.events import Events
from soniq.records import Recovered
from soniq.services import maintenance
from soniq.services.maintenance import Recovery
from soniq.settings import SoniqSettings


class Alone:
    """A worker that finds nobody and nothing."""

    def __init__(self, live: int) -> None:
        self._live = live

    async def recover(self, **_: Any) -> Recovered:
        return Recovered([], [], [], live=self._live)


class Time:
    """Seconds as the test counts them."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


async def looks(monkeypatch: pytest.MonkeyPatch, *, until: float, **settings: Any) -> list[float]:
    """Seconds after the start at which a worker looks."""
    live = settings.pop("live", 1)
    clock = Time()
    monkeypatch.setattr(maintenance, "time", clock)
    session = cast(WorkerSession, Alone(live))
    recovery = Recovery(session, SoniqSettings(**settings), Events(), tuple)
    found = []
    while (at := clock.now - 1000) <= until:
        found.append(round(at, 3))
        clock.now += await recovery.beat()
    return found


async def test_a_newcomer_looks_as_soon_as_it_may_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await looks(monkeypatch, until=10) == [0, 2, 4, 6, 7.1, 9.1]


async def test_with_short_heartbeats_too(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await looks(monkeypatch, until=3, heartbeat_interval=1) == [
        *(0, 0.5, 1, 1.5, 2, 2.1),
        2.6,
    ]


async def test_many_workers_share_the_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await looks(monkeypatch, until=30, live=50) == [0, 7.1, 17.1, 27.1]
