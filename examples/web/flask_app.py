"""Jobs in a Flask application, which is not async: it enqueues through the blocking client.

Start it with: flask --app flask_app run
and beside it a worker: soniq worker flask_app:soniq
"""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, request

from soniq import Soniq

soniq = Soniq()
web = Flask(__name__)


@soniq.job()
def greet(name: str) -> str:
    return f"Hello, {name}!"


@web.post("/greetings")
def ask_for_greeting() -> tuple[dict[str, str], int]:
    return {"job_id": soniq.sync.enqueue(greet, name=request.args["name"])}, 202


@web.get("/greetings/<job_id>")
def greeting(job_id: str) -> dict[str, Any]:
    job = soniq.sync.get_job(job_id)
    if job is None:
        abort(404)
    return {"status": job["status"], "greeting": job["result"]}
