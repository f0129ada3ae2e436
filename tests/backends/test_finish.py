"""Every way a claim can end, and that a batch of endings is one transaction."""

from __future__ import annotations

from datetime import timedelta

import pytest

from soniq.backends.base import Unstorable
from soniq.records import (
    ClaimedJob,
    Dead,
    DeadLetterReason,
    Done,
    Ending,
    Outcome,
    Released,
    Retry,
    Snoozed,
)
from tests.backends.stores import Recruit, Store
from tests.factories import ending, new_id, new_job, new_jobs

LONE_SURROGATE = "a\ud800"
GAVE_UP = Dead(DeadLetterReason.PERMANENT_FAILURE, "ValueError: no")


@pytest.fixture
async def worker(store: Store) -> Recruit:
    return await store.join()


async def claimed(store: Store, worker: Recruit) -> ClaimedJob:
    await store.backend.insert([new_job()])
    return await worker.claim_one()


async def test_done(store: Store, worker: Recruit) -> None:
    job = await claimed(store, worker)

    assert await worker.finish(job, Done('{"rows": [1, 2.5, null], "text": "ä"}'))

    stored = await store.job(job.id)
    assert (stored["status"], stored["attempts"], stored["worker_id"]) == ("done", 1, worker.id)
    assert stored["result"] == {"rows": [1, 2.5, None], "text": "ä"}
    assert stored["finished_at"] == stored["updated_at"] >= stored["started_at"]
    assert stored["last_error"] is None


@pytest.mark.parametrize(
    "text, value",
    [(None, None), ("null", None), ("0", 0), ('""', ""), ("[]", []), ("false", False)],
)
async def test_any_json_value_is_a_result(
    store: Store, worker: Recruit, text: str | None, value: object
) -> None:
    job = await claimed(store, worker)

    assert await worker.finish(job, Done(text))

    result = (await store.job(job.id))["result"]
    assert result == value
    assert type(result) is type(value)


async def test_done_and_not_kept(store: Store, worker: Recruit) -> None:
    job = await claimed(store, worker)

    assert await worker.finish(job, Done("1", keep=False))

    assert await store.backend.get_job(job.id) is None
    assert await store.backend.queue_stats() == {}


async def test_retry(store: Store, worker: Recruit) -> None:
    job = await claimed(store, worker)
    worker.woken.clear()

    assert await worker.finish(job, Retry(45.5, "ValueError: no\ntraceback"))

    stored = await store.job(job.id)
    assert (stored["status"], stored["attempts"], stored["worker_id"]) == ("queued", 1, worker.id)
    assert stored["last_error"] == "ValueError: no\ntraceback"
    assert stored["scheduled_at"] - stored["updated_at"] == timedelta(seconds=45.5)
    assert (stored["finished_at"], stored["result"]) == (None, None)
    await worker.wait_for_wake()


async def test_retry_without_delay_is_claimable_at_once(store: Store, worker: Recruit) -> None:
    job = await claimed(store, worker)

    assert await worker.finish(job, Retry(0, "no"))

    again = await worker.claim_one()
    assert (again.id, again.attempts) == (job.id, 2)
    assert again.claim > job.claim


async def test_snoozed_spends_no_attempt(store: Store, worker: Recruit) -> None:
    job = await claimed(store, worker)
    worker.woken.clear()

    assert await worker.finish(job, Snoozed(30, "SNOOZE: busy"))

    stored = await store.job(job.id)
    assert (stored["status"], stored["attempts"]) == ("queued", 0)
    assert stored["last_error"] == "SNOOZE: busy"
    assert stored["scheduled_at"] - stored["updated_at"] == timedelta(seconds=30)
    await worker.wait_for_wake()
    await store.pass_time(30)
    assert (await worker.claim_one()).attempts == 1


async def test_released_goes_back_to_its_place_in_the_order(store: Store, worker: Recruit) -> None:
    jobs = new_jobs(3)
    await store.backend.insert(jobs)
    first = await worker.claim_one()
    await store.pass_time(5)
    before = await store.job(first.id)
    worker.woken.clear()

    assert await worker.finish(first, Released())

    stored = await store.job(first.id)
    assert (stored["status"], stored["attempts"]) == ("queued", 0)
    assert stored["scheduled_at"] == before["scheduled_at"]
    assert stored["last_error"] is None
    await worker.wait_for_wake()
    assert (await worker.claim_one()).id == first.id


async def test_released_keeps_the_error_of_an_earlier_run(store: Store, worker: Recruit) -> None:
    job = await claimed(store, worker)
    await worker.finish(job, Retry(0, "first error"))

    assert await worker.finish(await worker.claim_one(), Released())

    stored = await store.job(job.id)
    assert (stored["last_error"], stored["attempts"]) == ("first error", 1)


async def test_released_with_a_delay_is_due_then(store: Store, worker: Recruit) -> None:
    job = await claimed(store, worker)

    assert await worker.finish(job, Released(20))

    stored = await store.job(job.id)
    assert stored["scheduled_at"] - stored["updated_at"] == timedelta(seconds=20)


@pytest.mark.parametrize("reason", list(DeadLetterReason))
async def test_dead_moves_to_the_dead_letters(
    store: Store, worker: Recruit, reason: DeadLetterReason
) -> None:
    given = new_job(args={"n": 1}, queue="mail", priority=3, dedup_key="key", producer_id="me")
    await store.backend.insert([given])
    job = await worker.claim_one()
    before = await store.job(job.id)

    assert await worker.finish(job, Dead(reason, "TypeError: never"))

    letter = await store.job(job.id)
    assert (letter["status"], letter["dead_letter_reason"]) == ("dead_letter", reason.value)
    assert letter["last_error"] == "TypeError: never"
    same = ("id", "job_name", "args", "queue", "priority", "max_attempts", "dedup_key")
    assert {key: letter[key] for key in same} == {key: before[key] for key in same}
    assert (letter["attempts"], letter["crashes"]) == (1, 0)
    assert letter["created_at"] == before["created_at"]
    assert letter["updated_at"] >= before["updated_at"]
    assert (letter["scheduled_at"], letter["result"]) == (None, None)
    stats = (await store.backend.queue_stats())["mail"]
    assert (stats["dead_letter"], stats["processing"]) == (1, 0)


def outcomes() -> list[Outcome]:
    return [
        Done('"kept"'),
        Done(keep=False),
        Retry(5, "no"),
        Snoozed(5, "SNOOZE"),
        GAVE_UP,
        Released(),
        Released(5),
    ]


async def test_one_batch_holds_any_mixture(store: Store, worker: Recruit) -> None:
    await store.backend.insert(new_jobs(70))
    jobs = await worker.claim(70)
    endings = [ending(job, outcomes()[n % 7]) for n, job in enumerate(jobs)]

    assert await worker.session.finish(endings) == {job.id for job in jobs}

    assert (await store.backend.queue_stats())["default"] == {
        "queued": 40,
        "processing": 0,
        "done": 10,
        "cancelled": 0,
        "dead_letter": 10,
    }
    for number, job in enumerate(jobs):
        stored = await store.backend.get_job(job.id)
        statuses = ("done", None, "queued", "queued", "dead_letter", "queued", "queued")
        assert (stored and stored["status"]) == statuses[number % 7]
        assert (stored and stored["attempts"]) == (1, None, 1, 0, 1, 0, 0)[number % 7]


async def test_a_thousand_endings_are_one_call(store: Store, worker: Recruit) -> None:
    await store.backend.insert(new_jobs(1_000))
    jobs = await worker.claim(1_000)

    endings = [ending(job, Done(f'"{job.id}"')) for job in jobs]
    assert await worker.session.finish(endings) == {job.id for job in jobs}

    assert (await store.job(jobs[-1].id))["result"] == jobs[-1].id


async def test_results_larger_than_a_statement_are_stored(store: Store, worker: Recruit) -> None:
    await store.backend.insert(new_jobs(6))
    jobs = await worker.claim(6)
    large = "x" * 1_000_000

    endings = [ending(job, Done(f'"{large}"')) for job in jobs]
    assert await worker.session.finish(endings) == {job.id for job in jobs}

    assert (await store.job(jobs[5].id))["result"] == large


async def test_no_endings_are_no_work(worker: Recruit) -> None:
    assert await worker.session.finish([]) == set()
    assert await worker.session.finish([], repeated=True) == set()


async def test_endings_nobody_knows_are_not_stored_and_harm_no_others(
    store: Store, worker: Recruit
) -> None:
    job = await claimed(store, worker)
    strangers = [
        Ending(stranger, 1, Retry(0, "no")) for stranger in (new_id(), "", "nonsense", "\0")
    ]

    assert await worker.session.finish([*strangers, ending(job, Done())]) == {job.id}

    assert (await store.job(job.id))["status"] == "done"


@pytest.mark.parametrize(
    "bad",
    [
        Done(f'"{LONE_SURROGATE}"'),
        Retry(0, LONE_SURROGATE),
        Snoozed(0, LONE_SURROGATE),
        Dead(DeadLetterReason.TIMEOUT, LONE_SURROGATE),
    ],
    ids=lambda outcome: type(outcome).__name__,
)
async def test_one_unstorable_ending_leaves_its_whole_batch_unstored(
    store: Store, worker: Recruit, bad: Outcome
) -> None:
    await store.backend.insert(new_jobs(8))
    jobs = await worker.claim(8)
    good = [ending(job, outcome) for job, outcome in zip(jobs, outcomes(), strict=False)]

    with pytest.raises(Unstorable):
        await worker.session.finish([*good, ending(jobs[7], bad)])

    assert (await store.backend.queue_stats())["default"]["processing"] == 8
    assert await worker.session.finish(good) == {job.id for job in jobs[:7]}
    assert await worker.finish(jobs[7], Released())


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"], ids=["NUL", "lone surrogate"])
async def test_an_odd_error_text_is_refused_or_kept_but_never_changed(
    store: Store, worker: Recruit, text: str
) -> None:
    job = await claimed(store, worker)

    try:
        await worker.finish(job, Retry(0, text))
    except Unstorable:
        assert (await store.job(job.id))["status"] == "processing"
    else:
        assert (await store.job(job.id))["last_error"] == text


async def test_an_error_of_any_other_text_is_kept(store: Store, worker: Recruit) -> None:
    job = await claimed(store, worker)
    text = "Größe 🎈 '\"\\ %s {} \x01\x1f\x7f\u2028\uffff" + "x" * 8_000

    await worker.finish(job, Retry(0, text))

    assert (await store.job(job.id))["last_error"] == text
