"""Enqueuing, and asking what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import assert_type

from pydantic import SecretStr

from shop.jobs import Parcel, Receipt, app, charge, log_in, pack, refresh, report, send_receipt
from soniq import JobFailed, TaskRef, task_ref
from soniq.job import JobContext as ContextOfJob

BILLING: TaskRef = task_ref("billing.charge", Receipt, default_queue="billing")


async def enqueue() -> None:
    """`.enqueue` has the handler's parameters without the context, and gives an id."""
    assert_type(await send_receipt.enqueue(order_id=1), str)
    assert_type(await send_receipt.enqueue(order_id=1, total=9.5), str)
    assert_type(await pack.enqueue(order_id=1, note=None), str)
    assert_type(await log_in.enqueue(user="ann", password=SecretStr("x")), str)
    assert_type(await report.enqueue(), str)
    assert_type(await refresh.enqueue(), str)


async def enqueue_with_options(connection: object) -> None:
    later = datetime.now(UTC) + timedelta(days=1)
    urgent = send_receipt.options(queue="mail", priority=1, unique=True, connection=connection)
    assert_type(await urgent.enqueue(order_id=1), str)
    assert_type(await pack.options(scheduled_at=later).enqueue(order_id=1), str)
    assert_type(await charge.options(delay=1.5, dedup_key="k").enqueue(order_id=1, total=2), str)


async def enqueue_by_the_app() -> list[str]:
    assert_type(await app.enqueue(send_receipt, order_id=1, delay=timedelta(hours=1)), str)
    assert_type(await app.enqueue(BILLING, args={"order_id": 1, "total": 2.0}), str)
    assert_type(await app.schedule(pack, datetime.now(UTC), order_id=1), str)
    return await app.enqueue_many(pack, [{"order_id": n} for n in range(3)], dedup_keys=["a"] * 3)


async def results(job_id: str) -> None:
    """A result has the type that was asked for."""
    assert_type(await app.wait(job_id, timeout=30, result_model=Receipt), Receipt)
    assert_type(await app.wait(job_id, result_model=list[Parcel]), list[Parcel])
    assert_type(await app.get_result(job_id, result_model=Receipt), Receipt | None)
    assert_type(app.sync.wait(job_id, timeout=1.0, result_model=Parcel), Parcel)
    assert_type(app.sync.get_result(job_id, result_model=int), int | None)


async def questions(job_id: str) -> str:
    assert_type(await app.cancel_job(job_id), bool)
    assert_type(await app.get_queue_stats(), dict[str, int])
    try:
        await app.wait(job_id, timeout=1)
    except JobFailed as failure:
        return f"{failure.reason}: {failure.error}"
    return "done"


def from_code_that_is_not_async() -> None:
    assert_type(app.sync.enqueue(send_receipt, order_id=1), str)
    assert_type(app.sync.enqueue_many(pack, [{"order_id": 1}]), list[str])


@app.after_job
async def completed(ctx: ContextOfJob) -> None:
    assert_type(ctx.duration_ms, float | None)
    assert_type(ctx.attempt, int)


@app.on_error
def failed(job_name: str, error: str) -> str:
    return f"{job_name} failed: {error}"


assert_type(failed("a", "b"), str)
