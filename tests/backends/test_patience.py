"""How long a call waits for a store, and how often it asks."""

from __future__ import annotations

import asyncio

import pytest

from soniq import SoniqError
from soniq.backends.base import BackendError, Contended, Unavailable
from soniq.backends.patience import Patience
from soniq.errors import SONIQ_DATABASE_UNAVAILABLE


class Store:
    """Answers after some tries that never end, or fail."""

    def __init__(self, hangs: int = 0, fails: BackendError | None = None) -> None:
        self.tries = 0
        self._hangs = hangs
        self._fails = fails

    async def answer(self) -> str:
        self.tries += 1
        if self.tries <= self._hangs:
            await asyncio.Event().wait()
        if self._fails is not None and self.tries == 1:
            raise self._fails
        return "answer"


async def test_a_try_that_hears_nothing_leaves_time_for_another() -> None:
    store, failures = Store(hangs=1), list[BackendError]()
    patience = Patience(2.0, 0.01, "store://")
    assert await patience.call(store.answer, on_failure=failures.append) == "answer"
    assert store.tries == 2
    assert [type(failure) for failure in failures] == [Unavailable]


async def test_a_store_that_never_answers_is_away() -> None:
    store = Store(hangs=100)
    with pytest.raises(SoniqError, match="could not be reached within") as caught:
        await Patience(0.1, 0.01, "store://").call(store.answer)
    assert caught.value.error_code == SONIQ_DATABASE_UNAVAILABLE
    assert store.tries == 2


async def test_one_try_may_have_all_of_the_time() -> None:
    store = Store(hangs=100)
    with pytest.raises(SoniqError, match="could not be reached") as caught:
        await Patience(0.1, 0.01, "store://").call(store.answer, share=1.0)
    assert store.tries == 1
    assert "raise database_timeout" in caught.value.suggestions[-1]


async def test_a_try_without_a_limit_is_never_cut() -> None:
    gate = asyncio.Event()

    async def answer() -> str:
        await gate.wait()
        return "answer"

    asyncio.get_running_loop().call_later(0.2, gate.set)
    assert await Patience(0.1, 0.01, "store://").call(answer, share=None) == "answer"


@pytest.mark.parametrize("failure", [Unavailable("away"), Contended("held")])
async def test_what_fails_is_tried_again(failure: BackendError) -> None:
    store, failures = Store(fails=failure), list[BackendError]()
    patience = Patience(5.0, 0.01, "store://")
    assert await patience.call(store.answer, on_failure=failures.append) == "answer"
    assert failures == [failure]


async def test_a_timeout_of_the_try_s_own_passes_through() -> None:
    async def answer() -> str:
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        await Patience(5.0, 0.01, "store://").call(answer)
