"""Leadership by lease: a row with a holder and an expiry on the store's clock.

It needs no session state, so it works behind poolers, on SQLite and in memory alike. Whatever a
leader does must be safe with two of them: a lease can run out under a leader that is stuck.
"""

from __future__ import annotations

import asyncio

from soniq.backends.base import Backend, BackendError
from soniq.errors import SoniqError

LIFE = 10.0
"""Seconds a lease lasts."""
RENEW_EVERY = 3.0
_FAREWELL = 2.0


class Leadership:
    """One candidate for one lease.

    It is renewed by the very loop that does the leader's work, so that a stuck leader loses it.
    """

    def __init__(self, backend: Backend, name: str, holder: str) -> None:
        self._backend = backend
        self._name = name
        self._holder = holder
        self.is_leader = False
        self._may_hold = False
        self._taken = asyncio.Event()
        self._until = 0.0

    async def renew(self) -> bool:
        """Take or renew the lease; whether this candidate leads."""
        self.is_leader = False
        # Should this be cancelled or the answer be lost, the lease may be ours all the same.
        self._may_hold = True
        until = asyncio.get_running_loop().time() + LIFE
        try:
            self.is_leader = await self._backend.lease(self._name, self._holder, LIFE)
            self._may_hold = self.is_leader
        finally:
            self._note(until if self.is_leader else 0.0)
        return self.is_leader

    def _note(self, until: float) -> None:
        self._until = until
        if self.is_leader:
            self._taken.set()
        else:
            self._taken.clear()

    @property
    def holds(self) -> bool:
        """Whether the lease is this candidate's, as far as it knows; also while it is renewed."""
        return self._taken.is_set() and asyncio.get_running_loop().time() < self._until

    async def taken(self) -> None:
        """Return when this candidate holds the lease."""
        while not self.holds:
            self._taken.clear()
            await self._taken.wait()

    @property
    def pause(self) -> float:
        """Seconds until it is worth asking again."""
        return RENEW_EVERY if self.is_leader else LIFE

    async def resign(self) -> None:
        """Let somebody else lead at once. A store that is away lets the lease run out instead."""
        if self._may_hold:
            self.is_leader = self._may_hold = False
            self._note(0.0)
            try:
                async with asyncio.timeout(_FAREWELL):
                    await self._backend.resign(self._name, self._holder)
            except (BackendError, SoniqError, TimeoutError):
                return
