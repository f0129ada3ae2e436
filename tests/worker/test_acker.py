"""No end of a run is given up while its claim holds, and one bad value never holds up others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from typing import Any, cast

import pytest

from soniq.backends.base import Contended, Unavailable, Unstorable, WorkerSession
from soniq.errors import SONIQ_SCHEMA_MISSING, SoniqError
from soniq.events import Events, OutcomeDegraded
from soniq.records import Dead, DeadLetterReason, Done, Ending, Outcome, Released, Retry, Snoozed
from soniq.worker import acker
from soniq.worker.acker import BACKLOG, FIXED_ERROR, MOST, RELEASE_DELAY, Acker, Ended
from tests.factories import claimed_job


class Store:
    """Takes endings the way `answer` says; the rest of a session is not needed here."""

    def __init__(self) -> None:
        self.calls: list[tuple[list[Ending], bool]] = []
        self.stored: dict[str, Outcome] = {}
        self.refused: set[str] = set()
        self.gate = asyncio.Event()
        self.gate.set()
        self.answer: Callable[[Sequence[Ending]], None] = lambda _: None

    async def finish(self, endings: Sequence[Ending], *, repeated: bool = False) -> set[str]:
        await self.gate.wait()
        self.calls.append((list(endings), repeated))
        self.answer(endings)
        accepted = {e.job_id: e.outcome for e in endings if e.job_id not in self.refused}
        self.stored.update(accepted)
        return set(accepted)


class Bench:
    def __init__(self, longest_pause: float = 0.001) -> None:
        self.store = Store()
        self.events = Events()
        self.degraded: list[OutcomeDegraded] = []
        self.events.subscribe(OutcomeDegraded, self.degraded.append)
        self.answers: list[tuple[str, bool]] = []
        self.acker = Acker(
            cast(WorkerSession, self.store), self._answered, self.events, longest_pause
        )

    def _answered(self, batch: Sequence[Ended], accepted: Collection[str]) -> None:
        self.answers += [(ended.job.id, ended.job.id in accepted) for ended in batch]

    def full(self) -> bool:
        return self.acker.full

    def put(self, outcome: Outcome) -> str:
        job = claimed_job()
        self.acker.put(Ended(job, outcome, 0.0))
        return job.id

    async def drained(self) -> None:
        async with asyncio.timeout(5):
            await self.acker.drained()


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.setattr(acker, "ASIDE", 0.01)
    bench = Bench()
    bench.acker.start()
    yield bench
    await bench.acker.stop()


def failing(times: int, error: Exception) -> Callable[[Sequence[Ending]], None]:
    left = [error] * times

    def answer(_: Sequence[Ending]) -> None:
        if left:
            raise left.pop()

    return answer


async def test_what_collects_during_a_write_goes_with_the_next(bench: Bench) -> None:
    bench.store.gate.clear()
    for _ in range(10):
        bench.put(Done())
    await asyncio.sleep(0)
    for _ in range(10):
        bench.put(Done())
    bench.store.gate.set()
    await bench.drained()
    assert [len(endings) for endings, _ in bench.store.calls] == [10, 10]
    assert all(accepted for _, accepted in bench.answers)


async def test_a_write_is_bounded_in_rows_and_bytes(bench: Bench) -> None:
    bench.store.gate.clear()
    for _ in range(1500):
        bench.put(Done())
    for _ in range(3):
        bench.put(Done('"' + "x" * 3_000_000 + '"'))
    bench.store.gate.set()
    await bench.drained()
    assert [len(endings) for endings, _ in bench.store.calls] == [1000, 501, 1, 1]


async def test_it_says_when_too_much_waits_to_be_stored(bench: Bench) -> None:
    bench.store.gate.clear()
    for _ in range(BACKLOG + MOST):
        bench.put(Done())
    assert bench.full()
    bench.store.gate.set()
    await bench.drained()
    assert not bench.full()
    bench.store.gate.clear()
    for _ in range(6):
        bench.put(Done('"' + "x" * 4_000_000 + '"'))
    assert bench.full()
    bench.store.gate.set()
    await bench.drained()
    assert not bench.full()


async def test_a_refused_end_is_told(bench: Bench) -> None:
    lost = bench.put(Done())
    bench.store.refused = {lost}
    kept = bench.put(Done())
    await bench.drained()
    assert sorted(bench.answers) == sorted([(lost, False), (kept, True)])


@pytest.mark.parametrize(
    ("error", "repeated"),
    [
        (Unavailable("away"), True),
        (Contended("deadlock"), False),
        (SoniqError("gone", SONIQ_SCHEMA_MISSING), False),
    ],
)
async def test_a_store_that_is_away_or_busy_is_asked_again(
    bench: Bench, error: Exception, repeated: bool
) -> None:
    bench.store.answer = failing(3, error)
    job_id = bench.put(Done("1"))
    await bench.drained()
    assert bench.store.stored == {job_id: Done("1")}
    # Only a lost answer makes the next call a repetition: then the end may be stored already.
    assert [flag for _, flag in bench.store.calls] == [False] + [repeated] * 3


async def test_a_row_that_somebody_has_locked_holds_up_no_other(bench: Bench) -> None:
    locked: set[str] = set()
    tried = asyncio.Event()

    def answer(endings: Sequence[Ending]) -> None:
        if any(e.job_id in locked for e in endings):
            if len(endings) == 1:
                tried.set()
            raise Contended("locked")

    bench.store.answer = answer
    bench.store.gate.clear()
    ids = [bench.put(Done(str(n))) for n in range(20)]
    locked.add(ids[7])
    bench.store.gate.set()
    async with asyncio.timeout(5):
        await tried.wait()
        while len(bench.store.stored) < 19:  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(0.001)
    assert ids[7] not in bench.store.stored
    locked.clear()
    await bench.drained()
    assert bench.store.stored[ids[7]] == Done("7")


async def test_one_bad_value_is_stored_in_a_plainer_form_and_the_others_as_they_are(
    bench: Bench,
) -> None:
    def answer(endings: Sequence[Ending]) -> None:
        if any(e.outcome == Done('"bad"') for e in endings):
            raise Unstorable("bad")

    bench.store.answer = answer
    bench.store.gate.clear()
    ids = [bench.put(Done(str(n))) for n in range(10)]
    bad = bench.put(Done('"bad"'))
    ids += [bench.put(Done(str(n))) for n in range(10, 20)]
    bench.store.gate.set()
    await bench.drained()
    assert bench.store.stored[bad] == Done(None)
    assert [bench.store.stored[i] for i in ids] == [Done(str(n)) for n in range(20)]
    assert [(e.job.id, e.stored_as) for e in bench.degraded] == [(bad, "Done")]


@pytest.mark.parametrize(
    "later", [Unstorable("bad"), Contended("locked")], ids=["a bad value", "a locked row"]
)
async def test_that_an_answer_was_lost_is_known_until_there_is_one(
    bench: Bench, later: Exception
) -> None:
    """However the batch is divided meanwhile: its ends may have been stored by the first call."""
    errors: list[Exception] = [Unavailable("cut off"), later, later]

    def answer(_: Sequence[Ending]) -> None:
        if errors:
            raise errors.pop(0)

    bench.store.answer = answer
    bench.store.gate.clear()
    for _ in range(2):
        bench.put(Done("1"))
    bench.store.gate.set()
    await bench.drained()
    bench.put(Done("2"))
    await bench.drained()
    # The whole, the whole again, a half, a half again, the other half; then another.
    asked = [(len(endings), repeated) for endings, repeated in bench.store.calls]
    assert sorted(asked[2:-1]) == [(1, True)] * 3
    assert (asked[0], asked[1], asked[-1]) == ((2, False), (2, True), (1, False))


@pytest.mark.parametrize(
    ("outcome", "plainer"),
    [
        (Done("1"), Done(None)),
        (Retry(5, "x"), Retry(5, FIXED_ERROR)),
        (Snoozed(5, "x"), Snoozed(5, FIXED_ERROR)),
        (
            Dead(DeadLetterReason.TIMEOUT, "x"),
            Dead(DeadLetterReason.TIMEOUT, FIXED_ERROR),
        ),
    ],
)
async def test_an_end_no_store_takes_is_at_last_a_release(
    bench: Bench, outcome: Outcome, plainer: Outcome
) -> None:
    def only_releases(endings: Sequence[Ending]) -> None:
        if any(not isinstance(e.outcome, Released) for e in endings):
            raise Unstorable("never")

    bench.store.answer = only_releases
    job_id = bench.put(outcome)
    await bench.drained()
    tried = [endings[0].outcome for endings, _ in bench.store.calls]
    assert tried == [outcome, plainer, Released(RELEASE_DELAY)]
    assert bench.store.stored == {job_id: Released(RELEASE_DELAY)}


async def test_a_store_that_fails_for_no_known_reason_is_asked_until_it_works(
    bench: Bench,
) -> None:
    bench.store.answer = failing(6, RuntimeError("broken"))
    job_id = bench.put(Done("1"))
    await bench.drained()
    assert bench.store.stored == {job_id: Released(RELEASE_DELAY)}
    assert bench.answers == [(job_id, True)]


async def test_an_outage_of_an_unknown_kind_may_last() -> None:
    bench = Bench(longest_pause=0)
    bench.acker.start()
    bench.store.answer = failing(1500, RuntimeError("disk error"))
    job_id = bench.put(Done("1"))
    await bench.drained()
    assert bench.store.stored == {job_id: Released(RELEASE_DELAY)}
    await bench.acker.stop()


async def test_nothing_waits_for_a_loop_that_was_ended(bench: Bench) -> None:
    bench.store.gate.clear()
    bench.put(Done(None))
    await bench.acker.stop()
    await bench.drained()
    assert bench.store.stored == {}


async def test_a_drain_gives_up_on_a_store_that_answers_nothing(bench: Bench) -> None:
    bench.store.gate.clear()
    for _ in range(3):
        bench.put(Done())
    async with asyncio.timeout(5):
        assert await bench.acker.drained(patience=0.05) == 3


async def test_a_drain_goes_on_while_the_store_answers(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    patiences: list[float] = []

    async def until_an_answer(ends: Collection[asyncio.Future[Any]], **how: Any) -> None:
        """A wait whose time is over as soon as the store has answered once."""
        patiences.append(how["timeout"])
        before = len(bench.store.calls)
        bench.store.gate.set()
        while len(bench.store.calls) == before and not any(end.done() for end in ends):  # noqa: ASYNC110 - the turns are its clock
            await asyncio.sleep(0)

    bench.store.gate.clear()
    bench.store.answer = lambda _: bench.store.gate.clear()
    for _ in range(4 * MOST):
        bench.put(Done())
    with monkeypatch.context() as patched:
        patched.setattr(asyncio, "wait", until_an_answer)
        assert await bench.acker.drained(patience=0.5) == 0
    assert patiences[:4] == [0.5] * 4
