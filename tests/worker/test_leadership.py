"""A leader that leaves leaves its lease."""

from __future__ import annotations

import asyncio

from soniq.backends.memory import MemoryBackend
from soniq.services.leader import LIFE, Leadership
from soniq.settings import SoniqSettings
from tests.worker.conftest import PATIENCE


class Unanswered(MemoryBackend):
    """Grants leases, and keeps the answers to itself."""

    def __init__(self) -> None:
        super().__init__()
        self.granted = asyncio.Event()

    async def lease(self, name: str, holder: str, life: float) -> bool:
        await super().lease(name, holder, life)
        self.granted.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody answers")


async def test_a_lease_whose_answer_was_not_awaited_is_given_back_too() -> None:
    backend = Unanswered()
    await backend.open(SoniqSettings())
    leader = Leadership(backend, "upkeep", "first")
    renewing = asyncio.create_task(leader.renew())
    await asyncio.wait_for(backend.granted.wait(), PATIENCE)
    renewing.cancel()
    await asyncio.gather(renewing, return_exceptions=True)
    await leader.resign()
    assert await MemoryBackend.lease(backend, "upkeep", "second", LIFE)


async def test_a_candidate_that_does_not_lead_takes_nothing_away() -> None:
    backend = MemoryBackend()
    await backend.open(SoniqSettings())
    leader, other = (Leadership(backend, "upkeep", name) for name in ("first", "second"))
    assert await leader.renew()
    assert not await other.renew()
    await other.resign()
    assert not await other.renew()
