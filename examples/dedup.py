"""Deduplication: the same work asked for again while it waits or runs is one job.

Run it with: python examples/dedup.py
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from soniq import Soniq


async def ask(app: Soniq) -> None:
    @app.job(name="sync.user", unique=True)
    async def sync_user(user_id: int) -> None:
        print(f"user {user_id} synchronised")

    @app.job(name="send.invoice")
    async def send_invoice(number: int, copy_to: str | None = None) -> None:
        print(f"invoice {number} sent")

    first = await app.enqueue(sync_user, user_id=42)
    again = await app.enqueue(sync_user, user_id=42)
    other = await app.enqueue(sync_user, user_id=99)
    print(f"same arguments: {'one job' if first == again else 'two jobs'}")
    print(f"other arguments: {'one job' if first == other else 'two jobs'}")

    first = await app.enqueue(send_invoice, number=7, dedup_key="invoice-7")
    again = await app.enqueue(send_invoice, number=7, copy_to="ada", dedup_key="invoice-7")
    print(f"same key: {'one job' if first == again else 'two jobs'}")

    await app.run_worker(run_once=True, concurrency=1)
    later = await app.enqueue(send_invoice, number=7, dedup_key="invoice-7")
    print(f"same key after its end: {'one job' if first == later else 'two jobs'}")


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Soniq(Path(folder) / "jobs.db") as app:
            await ask(app)


if __name__ == "__main__":
    asyncio.run(main())
