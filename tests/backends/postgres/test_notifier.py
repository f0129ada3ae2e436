"""What inserts leave untold is told a moment later, whatever comes in between."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest
from pydantic_core import from_json

from soniq.backends.base import Unavailable
from soniq.backends.postgres.lanes import LaneKey
from soniq.backends.postgres.notify import Notifier
from soniq.backends.postgres.wakeups import Arrival
from soniq.errors import SONIQ_DATABASE_UNAVAILABLE, SoniqError
from soniq.testing import wait_until

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Wire:
    """Remembers which queues were told of; `gate` holds a notification up, `error` refuses it."""

    def __init__(self) -> None:
        self.told: list[list[str]] = []
        self.begun = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def send(self, payload: str) -> None:
        self.begun.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.told.append([lane[0] for lane in from_json(f"{payload}0}}")["lanes"]])


@pytest.fixture
def wire() -> Wire:
    return Wire()


@pytest.fixture
def notifier(wire: Wire) -> Notifier:
    return Notifier(wire.send, schema="public", origin="here", enabled=True)


def held_back(notifier: Notifier, queue: str) -> None:
    """Inserts in one lane until one follows another so soon that it tells nothing."""
    later: list[Arrival] = []
    while not later:
        telling = notifier.begin([Arrival(LaneKey(queue, 100))])
        notifier.stored(telling, NOW)
        later = telling.later


async def test_a_lane_held_back_is_told_by_itself(notifier: Notifier, wire: Wire) -> None:
    held_back(notifier, "mail")
    await wait_until(lambda: wire.told == [["mail"]])


async def test_what_comes_while_another_is_told_is_told_as_well(
    notifier: Notifier, wire: Wire
) -> None:
    wire.gate.clear()
    held_back(notifier, "mail")
    await asyncio.wait_for(wire.begun.wait(), 5)
    held_back(notifier, "reports")
    wire.gate.set()
    await wait_until(lambda: wire.told == [["mail"], ["reports"]])
    await notifier.close()


async def test_a_close_waits_for_what_is_being_told(notifier: Notifier, wire: Wire) -> None:
    wire.gate.clear()
    held_back(notifier, "mail")
    await asyncio.wait_for(wire.begun.wait(), 5)
    closing = asyncio.create_task(notifier.close())
    await asyncio.sleep(0)
    wire.gate.set()
    await asyncio.wait_for(closing, 5)
    assert wire.told == [["mail"]]


async def test_a_close_tells_at_once_what_was_held_back(notifier: Notifier, wire: Wire) -> None:
    held_back(notifier, "mail")
    await notifier.close()
    assert wire.told == [["mail"]]


@pytest.mark.parametrize(
    "error", [Unavailable("gone"), SoniqError("no such database", SONIQ_DATABASE_UNAVAILABLE)]
)
async def test_what_cannot_be_told_is_left_to_polling(
    notifier: Notifier, wire: Wire, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    wire.error = error
    held_back(notifier, "mail")
    await notifier.close()
    assert "find new jobs by polling" in caplog.text
