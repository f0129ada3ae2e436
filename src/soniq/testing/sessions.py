"""A worker's session that hands out one job at a time, and only those that it is to run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Final

from soniq.backends.base import WorkerSession
from soniq.records import Claimed, ClaimState, Ending, Recovered, Released

_NOTHING: Final = Claimed([])

Choice = Callable[[Collection[str]], Awaitable[Claimed]]
"""Claims the next job to run, leaving these names alone."""


class OneByOne:
    """See `WorkerSession`. A job is claimed only when the end of the one before is stored.

    Args:
        session: does the work.
        choose: claims the next job.
        most: how many jobs to run; None for as many as there are.
    """

    def __init__(self, session: WorkerSession, choose: Choice, most: int | None = None) -> None:
        self._session = session
        self._choose = choose
        self._left = most
        self._out: set[str] = set()

    @property
    def id(self) -> str:
        return self._session.id

    async def claim(self, limit: int, *, without: Collection[str] = ()) -> Claimed:
        return await self._one(lambda: self._choose(without))

    async def claim_suspect(self, *, without: Collection[str] = ()) -> Claimed:
        return await self._one(lambda: self._session.claim_suspect(without=without))

    async def _one(self, claim: Callable[[], Awaitable[Claimed]]) -> Claimed:
        if self._out or self._left == 0:
            return _NOTHING
        claimed = await claim()
        self._out.update(job.id for job in claimed.jobs)
        if self._left is not None:
            self._left -= len(claimed.jobs)
        return claimed

    async def finish(self, endings: Sequence[Ending], *, repeated: bool = False) -> set[str]:
        stored = await self._session.finish(endings, repeated=repeated)
        for ending in endings:
            self._out.discard(ending.job_id)
            if self._left is not None and isinstance(ending.outcome, Released):
                self._left += 1  # it did not run
        return stored

    async def lost(self, claims: Mapping[str, int]) -> dict[str, ClaimState]:
        lost = await self._session.lost(claims)
        self._out.difference_update(lost)
        return lost

    async def release_strays(self, held: Callable[[], Collection[str]]) -> bool:
        return await self._session.release_strays(held)

    async def heartbeat(self) -> bool:
        return await self._session.heartbeat()

    async def stopping(self) -> None:
        await self._session.stopping()

    async def leave(self) -> None:
        await self._session.leave()

    async def recover(
        self, *, max_crashes: int, gone: Collection[int] = (), by_hand: bool = False
    ) -> Recovered:
        return await self._session.recover(max_crashes=max_crashes, gone=gone, by_hand=by_hand)

    async def sweep_unknown(self, names: Collection[str], *, grace: float) -> list[str]:
        return await self._session.sweep_unknown(names, grace=grace)
