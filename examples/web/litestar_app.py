"""Jobs in a Litestar application. Start it with: uvicorn litestar_app:web"""

from __future__ import annotations

from typing import Any

from litestar import Litestar, get, post
from litestar.exceptions import NotFoundException

from soniq import Soniq
from soniq.integrations.fastapi import lifespan

soniq = Soniq()


@soniq.job()
async def greet(name: str) -> str:
    return f"Hello, {name}!"


@post("/greetings", status_code=202)
async def ask_for_greeting(name: str) -> dict[str, str]:
    return {"job_id": await greet.enqueue(name=name)}


@get("/greetings/{job_id:str}")
async def greeting(job_id: str) -> dict[str, Any]:
    job = await soniq.get_job(job_id)
    if job is None:
        raise NotFoundException
    return {"status": job["status"], "greeting": job["result"]}


web = Litestar([ask_for_greeting, greeting], lifespan=[lifespan(soniq, run_worker=True)])
