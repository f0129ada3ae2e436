"""One job, enqueued and run in a single program: python examples/quickstart.py"""

from __future__ import annotations

import asyncio

from soniq import Soniq

app = Soniq(database_url="sqlite:///quickstart.db")


@app.job(retries=3, retry_delay=1)
async def greet(name: str) -> str:
    return f"Hello, {name}!"


async def main() -> None:
    async with app:
        job_id = await greet.enqueue(name="world")
        await app.run_worker(run_once=True)
        print(await app.get_result(job_id))


if __name__ == "__main__":
    asyncio.run(main())
