"""The jobs of a shop, for the dashboard to show and for a worker to run."""

from __future__ import annotations

import asyncio

from soniq import Soniq

app = Soniq()


@app.job(name="mail.send_receipt", queue="mail", retries=3)
async def send_receipt(order_id: int) -> str:
    await asyncio.sleep(0)
    return f"receipt for order {order_id} sent"


@app.job(name="billing.charge_card", queue="billing", retries=3)
async def charge_card(order_id: int, amount: str) -> str:
    await asyncio.sleep(0)
    return f"charged {amount} for order {order_id}"


@app.job(name="images.make_thumbnails", queue="images")
async def make_thumbnails(product_id: int, sizes: list[int]) -> int:
    await asyncio.sleep(0)
    return product_id + len(sizes)
