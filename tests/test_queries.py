from __future__ import annotations

import sys
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from pydantic import BaseModel

from soniq import JobStatus, Soniq, SoniqError, TaskRef, waiting
from soniq.backends.base import Unavailable
from soniq.backends.memory import MemoryBackend
from soniq.errors import SONIQ_APP_CLOSED, SONIQ_DATABASE_UNAVAILABLE
from soniq.records import JOB_KEYS
from soniq.testing import drain
from tests.worker.conftest import PATIENCE

REF = TaskRef("jobs.one")


class FlakyBackend(MemoryBackend):
    """Does what it is asked, and loses the answers `lost` times."""

    def __init__(self, lost: int = 0) -> None:
        super().__init__()
        self.lost = lost

    def _lose(self) -> None:
        self.lost -= 1
        if self.lost >= 0:
            raise Unavailable("connection reset")

    async def get_job(self, job_id: str) -> dict[str, Any] | None:
        self._lose()
        return await super().get_job(job_id)

    async def cancel_job(self, job_id: str) -> bool:
        done = await super().cancel_job(job_id)
        self._lose()
        return done

    async def delete_job(self, job_id: str) -> bool:
        done = await super().delete_job(job_id)
        self._lose()
        return done


@pytest.fixture
def backend() -> FlakyBackend:
    return FlakyBackend()


@pytest.fixture
async def app(backend: FlakyBackend) -> AsyncIterator[Soniq]:
    async with Soniq(backend=backend, error_retry_delay=0.1) as app:
        yield app


async def test_a_job_has_every_key(app: Soniq) -> None:
    job_id = await app.enqueue(REF)
    job = await app.get_job(job_id)
    assert job is not None
    assert set(job) == set(JOB_KEYS)
    assert job == await app.get_job_status(job_id)
    assert len(job_id) == 36


@pytest.mark.parametrize(
    "job_id", ["", "nonsense", "3e426a80-f431-4c55-803e-27ac09b55153", "x" * 36, 5, None]
)
async def test_unknown_and_malformed_ids_are_nobodys(app: Soniq, job_id: Any) -> None:
    assert await app.get_job(job_id) is None
    assert await app.get_result(job_id) is None
    assert await app.cancel_job(job_id) is False
    assert await app.delete_job(job_id) is False


@pytest.fixture
async def stored(unopened_app: Soniq) -> AsyncIterator[Soniq]:
    """An application on each store in turn."""
    async with unopened_app as app:
        await app.setup()
        yield app


@pytest.mark.parametrize(
    "spelt",
    [str.upper, lambda text: text.replace("-", ""), "{{{}}}".format, "urn:uuid:{}".format],
    ids=["capitals", "no hyphens", "braces", "urn"],
)
async def test_an_id_is_that_job_however_it_is_spelt(
    stored: Soniq, spelt: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "_FIRST_LOOK", PATIENCE)

    @stored.job
    def compute() -> int:
        return 3

    job_id = await stored.enqueue(compute)
    await drain(stored)
    found = await stored.get_job(spelt(job_id))
    assert found is not None
    assert found == await stored.get_job(job_id)
    assert await stored.get_result(spelt(job_id)) == 3
    assert await stored.wait(spelt(job_id), timeout=0) == 3
    assert await stored.delete_job(spelt(job_id)) is True
    assert await stored.get_job(job_id) is None
    queued = await stored.enqueue(compute)
    assert await stored.cancel_job(spelt(queued)) is True


@pytest.mark.parametrize("number", [10**9, sys.maxsize, 2**62, 2**63, 10**30])
async def test_a_list_may_be_asked_for_any_number(stored: Soniq, number: int) -> None:
    job_id = await stored.enqueue(REF)
    dead = await stored.enqueue(REF)
    assert await stored.dead_letter.move(dead)
    for status, only in ((None, job_id), ("dead_letter", dead)):
        listed = await stored.list_jobs(status=status, limit=number)
        assert [job["id"] for job in listed] == [only]
        assert await stored.list_jobs(status=status, offset=number) == []
        assert await stored.list_jobs(status=status, limit=number, offset=number) == []


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
async def test_what_no_store_can_hold_no_job_has(stored: Soniq, text: str) -> None:
    await stored.enqueue(REF)
    assert await stored.list_jobs(queue=text) == []
    assert await stored.list_jobs(queue=text, status="dead_letter") == []
    assert await stored.get_job(text) is None
    await stored.close()
    with pytest.raises(SoniqError) as caught:
        await stored.list_jobs(queue=text)
    assert caught.value.error_code == SONIQ_APP_CLOSED


@pytest.mark.parametrize("options", [{"queue": 5}, {"status": ["done"]}, {"queue": b"a"}])
async def test_a_list_is_asked_for_by_text(stored: Soniq, options: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="must be text, got"):
        await stored.list_jobs(**options)


async def test_a_uuid_object_is_an_id_too(app: Soniq) -> None:
    job_id: Any = uuid.UUID(await app.enqueue(REF))
    assert await app.get_job(job_id) is not None


async def test_lists_are_newest_first_and_filtered(app: Soniq) -> None:
    ids = [await app.enqueue(REF, queue=queue) for queue in ("a", "b", "a")]
    assert [job["id"] for job in await app.list_jobs()] == ids[::-1]
    assert [job["id"] for job in await app.list_jobs("a")] == [ids[2], ids[0]]
    assert [job["id"] for job in await app.list_jobs(limit=1, offset=1)] == [ids[1]]
    assert len(await app.list_jobs(status=JobStatus.QUEUED)) == 3
    assert await app.list_jobs("nobody") == []


@pytest.mark.parametrize("status", ["failed", "Done", "", "\ud800", "a\0b"])
async def test_a_status_that_no_job_can_have_is_refused(app: Soniq, status: str) -> None:
    with pytest.raises(ValueError, match="one of queued, processing, done, dead_letter, cancelled"):
        await app.list_jobs(status=status)


@pytest.mark.parametrize("options", [{"limit": -1}, {"offset": -1}, {"limit": "5"}])
async def test_bounds_of_a_list_are_numbers(app: Soniq, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be a whole number from 0 up"):
        await app.list_jobs(**options)


async def test_statistics_have_exactly_six_numbers(app: Soniq) -> None:
    assert await app.get_queues() == []
    ids = [await app.enqueue(REF, queue=queue) for queue in ("b", "a", "b")]
    await app.cancel_job(ids[0])
    empty = {"processing": 0, "done": 0, "dead_letter": 0}
    assert await app.get_queue_stats() == {"total": 3, "queued": 2, "cancelled": 1, **empty}
    assert await app.get_queues() == [
        {"queue": "a", "total": 1, "queued": 1, "cancelled": 0, **empty},
        {"queue": "b", "total": 2, "queued": 1, "cancelled": 1, **empty},
    ]


class Sum(BaseModel):
    total: int


async def test_results_are_restored(app: Soniq) -> None:
    @app.job
    def compute() -> Sum:
        return Sum(total=3)

    job_id = await app.enqueue(compute)
    await drain(app)
    assert await app.get_result(job_id) == {"total": 3}
    assert await app.get_result(job_id, result_model=Sum) == Sum(total=3)
    with pytest.raises(ValueError, match="valid array"):
        await app.get_result(job_id, result_model=list[int])


async def test_questions_wait_for_a_database_that_is_away(
    app: Soniq, backend: FlakyBackend
) -> None:
    job_id = await app.enqueue(REF)
    backend.lost = 3
    assert await app.get_job(job_id) is not None


async def test_questions_give_up_on_a_database_that_stays_away(backend: FlakyBackend) -> None:
    async with Soniq(backend=backend, error_retry_delay=0.1, database_timeout=1) as app:
        job_id = await app.enqueue(REF)
        backend.lost = 10**6
        with pytest.raises(SoniqError, match="connection reset") as caught:
            await app.get_job(job_id)
    assert caught.value.error_code == SONIQ_DATABASE_UNAVAILABLE
    assert caught.value.context == {"database": "memory://"}


async def test_a_cancel_whose_answer_was_lost_still_says_it_happened(
    app: Soniq, backend: FlakyBackend
) -> None:
    job_id = await app.enqueue(REF)
    backend.lost = 1
    assert await app.cancel_job(job_id) is True
    assert await app.cancel_job(job_id) is False


async def test_a_delete_whose_answer_was_lost_still_says_it_happened(
    app: Soniq, backend: FlakyBackend
) -> None:
    job_id = await app.enqueue(REF)
    done = await app.delete_job(job_id)
    assert done
    job_id = await app.enqueue(REF)
    assert await app.get_job(job_id)
    backend.lost = 2
    assert await app.delete_job(job_id) is True
    assert await app.delete_job(job_id) is False
