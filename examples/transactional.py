"""A job and the data it is about, stored together or not at all.

The first order is committed, and its receipt is sent. The second is rolled back, and the receipt
that was enqueued with it never existed. Run it with: python examples/transactional.py
"""

from __future__ import annotations

import asyncio

import aiosqlite

from soniq import Soniq

DATABASE = "shop.db"

app = Soniq(database_url=f"sqlite:///{DATABASE}")


@app.job()
async def send_receipt(customer: str) -> None:
    print(f"Receipt sent to {customer}")


async def order(shop: aiosqlite.Connection, customer: str, *, paid: bool) -> None:
    await shop.execute("INSERT INTO orders (customer) VALUES (?)", (customer,))
    await app.enqueue(send_receipt, customer=customer, connection=shop)
    if paid:
        await shop.commit()
    else:
        await shop.rollback()


async def main() -> None:
    async with app, aiosqlite.connect(DATABASE) as shop:
        await app.setup()
        await shop.execute("CREATE TABLE IF NOT EXISTS orders (customer TEXT)")
        await order(shop, "Ada", paid=True)
        await order(shop, "Bob", paid=False)
        await app.run_worker(run_once=True)


if __name__ == "__main__":
    asyncio.run(main())
