"""Jobs of a Django project: enqueued on commit, with the types of their handlers."""

from __future__ import annotations

from typing import assert_type

from soniq import Soniq
from soniq.integrations.django import app, enqueue_on_commit

assert_type(app, Soniq)


@app.job(queue="mail")
def send_receipt(order_id: int) -> str:
    return f"receipt {order_id}"


def place_order(order_id: int) -> None:
    enqueue_on_commit(send_receipt, order_id=order_id)
    assert_type(app.sync.enqueue(send_receipt, order_id=order_id), str)
    assert_type(send_receipt(order_id), str)
