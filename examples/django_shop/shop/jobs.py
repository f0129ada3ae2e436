"""What the shop does in the background: Soniq imports `jobs` and `tasks` of each installed app."""

from __future__ import annotations

from shop.models import Order
from soniq.integrations.django import app


@app.job()
def send_receipt(order_id: int) -> str:
    """A handler on a thread may use the ORM as a view does."""
    order = Order.objects.get(pk=order_id)
    order.receipt = f"Dear {order.customer}, thank you!"
    order.save(update_fields=["receipt"])
    return order.receipt
