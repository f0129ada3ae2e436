"""The tests of the program, by Soniq's test kit."""

from __future__ import annotations

from typing import assert_type

from shop.jobs import Receipt, send_receipt
from soniq import Soniq
from soniq.testing import Clock, assert_enqueued, drain, make_app, wait_until


async def check_receipts(soniq_memory: Soniq) -> None:
    clock = Clock()
    app = make_app(clock=clock, max_retries=1)
    assert_type(app, Soniq)
    await app.enqueue(send_receipt, order_id=1)
    [job] = assert_enqueued(app, send_receipt, count=1, order_id=1)
    await drain(app)
    await clock.advance("3 days")
    await wait_until(lambda: clock.now() is not None)
    assert_type(await app.get_result(str(job["id"]), result_model=Receipt), Receipt | None)
    await soniq_memory.close()
