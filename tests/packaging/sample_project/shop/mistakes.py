"""What a type checker has to refuse: each line says how, and one that passes is a fault."""

from __future__ import annotations

from shop.jobs import Receipt, app, pack, send_receipt
from soniq import JobContext, Soniq
from soniq.integrations.fastapi import lifespan
from soniq.plugins import Plugin
from soniq.testing import assert_enqueued, drain, make_app


async def wrong_arguments(ctx: JobContext) -> None:
    await send_receipt.enqueue(order_id="1")  # type: ignore[arg-type]
    await send_receipt.enqueue()  # type: ignore[call-arg]
    await send_receipt.enqueue(order_id=1, totl=2.0)  # type: ignore[call-arg]
    await pack.enqueue(order_id=1, note=5)  # type: ignore[arg-type]
    await pack.enqueue(ctx=ctx, order_id=1)  # type: ignore[call-arg]
    await send_receipt("1")  # type: ignore[arg-type]
    pack(1)  # type: ignore[call-arg, arg-type]


async def wrong_options() -> None:
    await send_receipt.options(que="mail").enqueue(order_id=1)  # type: ignore[call-arg]
    await send_receipt.options(priority="high").enqueue(order_id=1)  # type: ignore[arg-type]
    await send_receipt.options(queue="mail").enqueue(order_id="1")  # type: ignore[arg-type]
    await app.enqueue(send_receipt, priority="high", order_id=1)  # type: ignore[arg-type]
    await app.enqueue(5)  # type: ignore[arg-type]
    app.sync.enqueue_many(send_receipt, {"order_id": 1})  # type: ignore[arg-type]


async def wrong_results(job_id: str) -> tuple[int, str]:
    number: int = await send_receipt.enqueue(order_id=1)  # type: ignore[assignment]
    receipt = await app.wait(job_id, result_model=Receipt)
    unsure = await app.get_result(job_id, result_model=Receipt)
    unsure.total  # type: ignore[union-attr]
    return number, receipt.total  # type: ignore[return-value]


async def not_awaited() -> None:
    send_receipt.enqueue(order_id=1)  # type: ignore[unused-coroutine]


async def wrong_use_of_the_kit(anything: object) -> None:
    make_app(clock=5)  # type: ignore[arg-type]
    assert_enqueued(anything, send_receipt)  # type: ignore[arg-type]
    await drain(app, max_jobs="all")  # type: ignore[arg-type]
    lifespan(app, run_wroker=True)  # type: ignore[call-arg]
    Soniq(plugins=[Plugin])  # type: ignore[list-item]


@app.job(retires=3)  # type: ignore[call-overload, untyped-decorator]
async def misspelt() -> None: ...


@app.periodic(evry=5)  # type: ignore[call-arg]
async def misspelt_too() -> None: ...


class Nameless(Plugin): ...


Nameless()  # type: ignore[abstract]
