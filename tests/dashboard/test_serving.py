"""The dashboard as a process, mounted, and without what it needs."""

from __future__ import annotations

import importlib.util
import re
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

from soniq import Soniq
from soniq.dashboard import create_dashboard_app, run_dashboard
from soniq.dashboard.pages import STATIC, VIEWS
from tests.cli.conftest import Project, project
from tests.dashboard.conftest import KEY, OPERATOR, Ask, dashboard_of
from tests.programs import Program

__all__ = ["project"]

PATIENCE = 30.0
WEB_EXAMPLES = Path(__file__).parents[2] / "examples" / "web"


@pytest.fixture
def store() -> dict[str, Any]:
    """In memory: no store makes a difference to this."""
    return {"backend": "memory"}


def address_of(program: Program) -> str:
    return program.line(r"Soniq Dashboard starting at (http://\S+)").group(1)


def test_it_is_served_until_told_to_stop(project: Project) -> None:
    options = ("--port", "0", "--database-url", "jobs.db", "--log-level", "warning")
    with project.start("dashboard", *options) as program:
        address = address_of(program)
        with httpx.Client(base_url=address, timeout=PATIENCE) as client:
            assert client.get("/health").json() == {"status": "healthy"}
            assert client.get("/api/stats").json()["total"] == 0
            assert client.get("/api/stats", headers={"host": "evil.example"}).status_code == 400
            assert client.get("/", headers={"x-padding": "x" * 40_000}).status_code in (400, 431)
            with client.stream("GET", "/api/events") as stream:
                lines = stream.iter_lines()
                assert any(line.startswith("event: changed") for line in lines)
                # The stream is open: it must not keep the process from ending.
                program.send(signal.SIGINT)
                for _ in lines:
                    pass
        assert program.exit_code() == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda each: each.name)
def test_a_server_that_it_is_mounted_in_ends_under_an_open_page(
    project: Project, number: signal.Signals
) -> None:
    options = ("uvicorn", "fastapi_app:web", "--port", "0", "--app-dir", str(WEB_EXAMPLES))
    command = [sys.executable, "-m", *options]
    with Program(command, cwd=project.folder) as program:
        address = program.line(r"Uvicorn running on (http://\S+)").group(1)
        with httpx.stream("GET", f"{address}/soniq/api/events", timeout=PATIENCE) as stream:
            lines = stream.iter_lines()
            assert any(line.startswith("event: changed") for line in lines)
            program.send(number)
            # Nothing else comes before it is over.
            for _ in lines:
                pass
        program.line("Application shutdown complete")
        program.exit_code()


def test_other_addresses_take_a_key(project: Project) -> None:
    refused = project.run("dashboard", "--host", "0.0.0.0", "--database-url", "jobs.db")
    assert refused.code == 1
    assert "SONIQ_DASHBOARD_API_KEY" in refused.err
    env = {"SONIQ_DASHBOARD_API_KEY": KEY}
    options = ("--host", "0.0.0.0", "--port", "0", "--database-url", "jobs.db")
    with project.start("dashboard", *options, env=env) as program:
        address = address_of(program).replace("0.0.0.0", "127.0.0.1")
        assert httpx.get(f"{address}/api/stats").status_code == 401
        assert httpx.get(f"{address}/api/stats", headers=OPERATOR).status_code == 200
        program.send(signal.SIGTERM)
        assert program.exit_code() == 0


def test_a_taken_port_is_told(project: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = project.run("dashboard", "--port", port, "--database-url", "jobs.db")
    assert ran.code == 1
    assert f"127.0.0.1:{port}" in ran.err
    assert "Traceback" not in ran.err


@pytest.fixture
def bare_installation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra."""
    find = importlib.util.find_spec

    def hiding(name: str, package: str | None = None) -> Any:
        return None if name in ("starlette", "uvicorn") else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", hiding)


@pytest.mark.usefixtures("bare_installation")
async def test_without_the_extra_it_says_what_to_install(app: Soniq) -> None:
    hint = r"pip install 'soniq\[dashboard\]'"
    with pytest.raises(ImportError, match=hint):
        create_dashboard_app(app)
    with pytest.raises(ImportError, match=hint):
        await run_dashboard(app)


# --- mounted -------------------------------------------------------------------------------------


async def test_it_works_under_any_prefix(app: Soniq, ask: Ask) -> None:
    around = Starlette(routes=[Mount("/ops/jobs", dashboard_of(app))])
    client = ask(around, OPERATOR)
    told = (await client.get("/ops/jobs/api/session")).json()
    assert told["prefix"] == "/ops/jobs"
    assert (await client.get("/ops/jobs/api/nope")).status_code == 404
    stranger = ask(around)
    asked = await stranger.get("/ops/jobs/queues", headers={"accept": "text/html"})
    assert 'action="/ops/jobs/login"' in asked.text
    login = {"key": KEY, "next": "/queues"}
    reply = await stranger.post("/ops/jobs/login", data=login)
    assert reply.headers["location"] == "/ops/jobs/queues"
    assert "Path=/ops/jobs" in reply.headers["set-cookie"]
    assert (await stranger.get("/ops/jobs/api/stats")).status_code == 200


async def test_every_view_is_the_page(
    app: Soniq, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "index.html").write_text('<head><base href="__SONIQ_PREFIX__/"></head>')
    monkeypatch.setattr("soniq.dashboard.pages.STATIC", tmp_path)
    around = Starlette(routes=[Mount("/a&b", dashboard_of(app))])
    client = ask(around, OPERATOR)
    for view in VIEWS:
        reply = await client.get("/a&b" + re.sub(r"{[^}]*}", "x", view))
        assert (reply.status_code, reply.headers["cache-control"]) == (200, "no-store")
        assert '<base href="/a&amp;b/">' in reply.text
    assert (await client.get("/a&b/unknown")).status_code == 404


async def test_a_page_that_is_not_built_says_how(
    app: Soniq, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soniq.dashboard.pages.STATIC", tmp_path / "missing")
    reply = await ask(dashboard_of(app), OPERATOR).get("/")
    assert reply.status_code == 200
    assert "make ui" in reply.text


async def test_files_are_kept_by_their_names(
    app: Soniq, ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("app-ABCD1234.js", "plain.css"):
        (tmp_path / name).write_text("x")
    monkeypatch.setattr("soniq.dashboard.pages.STATIC", tmp_path)
    client = ask(dashboard_of(app), OPERATOR)
    hashed = await client.get("/static/app-ABCD1234.js")
    assert "immutable" in hashed.headers["cache-control"]
    assert "javascript" in hashed.headers["content-type"]
    assert (await client.get("/static/plain.css")).headers["cache-control"] == "no-cache"
    assert STATIC.name == "static"


# --- the rest ------------------------------------------------------------------------------------


async def test_ten_thousand_queues_are_told(app: Soniq, ask: Ask) -> None:
    from soniq.backends.memory import MemoryBackend
    from tests.factories import new_job

    assert isinstance(app.backend, MemoryBackend)
    await app.backend.insert([new_job(queue=f"q{number:05}") for number in range(10_000)])
    client = ask(dashboard_of(app), OPERATOR)
    assert len((await client.get("/api/queues")).json()) == 10_000
    page = (await client.get("/api/queues", params={"limit": 3, "offset": 5})).json()
    assert [row["queue"] for row in page] == ["q00005", "q00006", "q00007"]
    assert (await client.get("/api/attention")).json()["items"][0]["severity"] == "critical"


async def test_prometheus_reads_what_is_stored_and_counted() -> None:
    from prometheus_client import CollectorRegistry
    from prometheus_client.parser import text_string_to_metric_families

    from soniq.observability import PrometheusMetricsSink

    sink = PrometheusMetricsSink(registry=CollectorRegistry())
    async with Soniq(backend="memory", metrics_sink=sink, max_retries=0) as app:

        @app.job(name="a.job")
        async def fails() -> None:
            raise ValueError

        await app.enqueue(fails, queue="mail")
        await app.run_worker(run_once=True)
        await app.enqueue(fails, queue="mail")
        transport = httpx.ASGITransport(dashboard_of(app))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            text = (await client.get("/metrics", headers=OPERATOR)).text
    values = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["soniq_queue_jobs", "mail", "queued"] == 1
    assert values["soniq_queue_oldest_seconds", "mail"] >= 0
    assert values["soniq_workers", "stopped"] == 1
    assert values["soniq_dead_letter_jobs", "max_retries_exceeded"] == 1
    # An alert on growth needs to have seen none.
    assert values["soniq_dead_letter_jobs", "worker_crashed"] == 0
    assert any(name == "soniq_jobs_completed_total" for name, *_ in values)
