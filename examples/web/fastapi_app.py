"""Jobs in a FastAPI application: requests enqueue, a worker in the same process runs them.

Start it with: uvicorn fastapi_app:web
Then: curl -X POST "localhost:8000/greetings?name=Ada", and look at http://localhost:8000/soniq/
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, HTTPException

from soniq import Soniq
from soniq.dashboard import create_dashboard_app
from soniq.integrations.fastapi import lifespan

soniq = Soniq()  # SONIQ_DATABASE_URL says where the jobs are; unset, in soniq.db


@soniq.job()
async def greet(name: str) -> str:
    return f"Hello, {name}!"


# For more than a small site run `soniq worker fastapi_app:soniq` instead, beside the server.
web = FastAPI(lifespan=lifespan(soniq, run_worker=True))
web.mount("/soniq", create_dashboard_app(soniq))


@web.post("/greetings", status_code=202)
async def ask_for_greeting(name: str) -> dict[str, str]:
    return {"job_id": await greet.enqueue(name=name)}


@web.get("/greetings/{job_id}")
async def greeting(job_id: str) -> dict[str, Any]:
    job = await soniq.get_job(job_id)
    if job is None:
        raise HTTPException(404)
    return {"status": job["status"], "greeting": job["result"]}
