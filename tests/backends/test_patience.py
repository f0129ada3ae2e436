"""How long a call waits for a store, and how often it asks."""

from __future__ import annotations

import asyncio
from typing import Final

import pytest

from soniq import SoniqError
from soniq.backends.base import BackendError, Contended, Unavailable
from soniq.backends.patience import Patience
from soniq.errors import SONIQ_DATABASE_UNAVAILABLE

SECONDS: Final = 10.0


class Clock:
    """The running loop's clock, which stands still until it is told that time has passed.

    Timers that are due by then go off in their order, and none goes off otherwise.
    """

    def __init__(self, now: float) -> None:
        self._now = now

    def __call__(self) -> float:
        return self._now

    def advance(self, seconds: float) -> None:
        self._now += seconds


@pytest.fixture(autouse=True)
async def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    loop = asyncio.get_running_loop()
    clock = Clock(loop.time())
    monkeypatch.setattr(loop, "time", clock)
    return clock


class Store:
    """Answers after some tries that never end, each until a share of the time is over, or fail."""

    def __init__(
        self, clock: Clock, hangs: int = 0, share: float = 0.5, fails: BackendError | None = None
    ) -> None:
        self.tries = 0
        self._clock = clock
        self._hangs = hangs
        self._share = share
        self._fails = fails

    async def answer(self) -> str:
        self.tries += 1
        if self.tries <= self._hangs:
            self._clock.advance(SECONDS * self._share)
            await asyncio.Event().wait()
        if self._fails is not None and self.tries == 1:
            raise self._fails
        return "answer"


async def test_a_try_that_hears_nothing_leaves_time_for_another(clock: Clock) -> None:
    store, failures = Store(clock, hangs=1), list[BackendError]()
    patience = Patience(SECONDS, 0.01, "store://")
    assert await patience.call(store.answer, on_failure=failures.append) == "answer"
    assert store.tries == 2
    assert [type(failure) for failure in failures] == [Unavailable]


async def test_a_store_that_never_answers_is_away(clock: Clock) -> None:
    store = Store(clock, hangs=100)
    with pytest.raises(SoniqError, match="could not be reached within") as caught:
        await Patience(SECONDS, 0.01, "store://").call(store.answer)
    assert caught.value.error_code == SONIQ_DATABASE_UNAVAILABLE
    assert store.tries == 2


async def test_one_try_may_have_all_of_the_time(clock: Clock) -> None:
    store = Store(clock, hangs=100, share=1.0)
    with pytest.raises(SoniqError, match="could not be reached") as caught:
        await Patience(SECONDS, 0.01, "store://").call(store.answer, share=1.0)
    assert store.tries == 1
    assert "raise database_timeout" in caught.value.suggestions[-1]


async def test_a_try_without_a_limit_is_never_cut(clock: Clock) -> None:
    gate = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * SECONDS, gate.set)

    async def answer() -> str:
        clock.advance(2 * SECONDS)
        await gate.wait()
        return "answer"

    assert await Patience(SECONDS, 0.01, "store://").call(answer, share=None) == "answer"


@pytest.mark.parametrize("failure", [Unavailable("away"), Contended("held")])
async def test_what_fails_is_tried_again(clock: Clock, failure: BackendError) -> None:
    store, failures = Store(clock, fails=failure), list[BackendError]()
    patience = Patience(SECONDS, 0.01, "store://")
    assert await patience.call(store.answer, on_failure=failures.append) == "answer"
    assert failures == [failure]


async def test_a_timeout_of_the_try_s_own_passes_through() -> None:
    async def answer() -> str:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await Patience(SECONDS, 0.01, "store://").call(answer)
