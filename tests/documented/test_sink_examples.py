"""The examples of metrics sinks, each as a program that runs jobs and looks at what was counted."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    generate_latest,
    make_asgi_app,
    start_http_server,
)
from starlette.applications import Starlette
from starlette.routing import Mount

from soniq import Soniq
from tests.documented.alone import alone
from tests.scraping import parsed, scrape


@alone
async def test_the_builtin_prometheus_sink_is_scraped_from_the_client_librarys_server(url):
    from soniq.observability import PrometheusMetricsSink

    app = Soniq(database_url=url, metrics_sink=PrometheusMetricsSink())
    server, thread = start_http_server(0, addr="127.0.0.1")

    @app.job(name="mail.send", queue="mail", retries=1)
    async def send(to: str):
        if to == "nobody":
            raise LookupError(to)

    await app.enqueue(send, to="ada")
    await app.enqueue(send, to="nobody")
    await app.run_worker(run_once=True)
    await app.close()

    page = scrape(server.server_port)
    run = {"queue": "mail", "job_name": "mail.send"}
    assert page.total("soniq_jobs_started_total", **run) == 3
    assert page.total("soniq_jobs_completed_total", **run, status="done") == 1
    assert page.total("soniq_jobs_completed_total", **run, status="failed") == 1
    assert page.total("soniq_jobs_completed_total", **run, status="dead_letter") == 1
    assert page.total("soniq_job_duration_seconds_count", **run, status="done") == 1
    assert "soniq_jobs_in_progress" in page.names()
    assert page.total("soniq_jobs_in_progress", **run) == 0
    server.shutdown()
    server.server_close()
    thread.join()


@alone
async def test_a_registry_and_a_prefix_of_ones_own_keep_the_default_registry_clean(url):
    from soniq.observability import PrometheusMetricsSink

    own = CollectorRegistry()
    sink = PrometheusMetricsSink(registry=own, prefix="shop_jobs")
    app = Soniq(database_url=url, metrics_sink=sink)

    @app.job(name="count")
    async def count(): ...

    await app.enqueue(count)
    await app.run_worker(run_once=True)
    await app.close()

    page = parsed(generate_latest(own).decode())
    assert page.total("shop_jobs_jobs_completed_total", job_name="count", status="done") == 1
    assert not [name for name in page.names() if not name.startswith("shop_jobs_")]
    default = parsed(generate_latest(REGISTRY).decode())
    assert not [name for name in default.names() if "jobs" in name or name.startswith("soniq")]


class StatsdClient:
    """What a statsd client with tags looks like: datagrams, nobody answers."""

    def __init__(self, port: int):
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", port))

    def incr(self, stat, count=1, tags=()):
        self._send(stat, f"{count}|c", tags)

    def timing(self, stat, delta, tags=()):
        self._send(stat, f"{delta:f}|ms", tags)

    def _send(self, stat, value, tags):
        self._socket.send(json.dumps([stat, value, list(tags)]).encode())

    def close(self):
        self._socket.close()


class StatsdMetricsSink:
    """A sink that is none but for its two methods."""

    def __init__(self, statsd_client):
        self._statsd = statsd_client

    async def record_job_start(self, *, job_id, job_name, queue, attempt):
        self._statsd.incr("soniq.jobs.started", tags=[f"queue:{queue}", f"job:{job_name}"])

    async def record_job_end(self, *, job_id, job_name, queue, status, duration_s, error=None):
        tags = [f"queue:{queue}", f"job:{job_name}", f"status:{status}"]
        self._statsd.incr("soniq.jobs.completed", tags=tags)
        self._statsd.timing("soniq.jobs.duration", duration_s * 1000, tags=tags)


@alone
async def test_a_sink_of_ones_own_sends_to_statsd(url):
    with socket.socket(type=socket.SOCK_DGRAM) as statsd:
        statsd.bind(("127.0.0.1", 0))
        statsd.settimeout(10)
        client = StatsdClient(statsd.getsockname()[1])
        app = Soniq(database_url=url, metrics_sink=StatsdMetricsSink(client))

        @app.job(name="resize", queue="images")
        def resize(): ...

        await app.enqueue(resize)
        await app.run_worker(run_once=True)
        await app.close()
        client.close()

        told = [json.loads(statsd.recv(1024)) for _ in range(3)]
    begun, ended = ["queue:images", "job:resize"], ["queue:images", "job:resize", "status:done"]
    assert told[0] == ["soniq.jobs.started", "1|c", begun]
    assert told[1] == ["soniq.jobs.completed", "1|c", ended]
    name, took, tags = told[2]
    assert (name, tags) == ("soniq.jobs.duration", ended)
    assert 0 <= float(took.removesuffix("|ms")) < 10_000


class BestEffortSink:
    """Keeps from the run whatever `inner` raises."""

    def __init__(self, inner):
        self._inner = inner

    async def record_job_start(self, **kw):
        try:
            await self._inner.record_job_start(**kw)
        except Exception:
            pass

    async def record_job_end(self, **kw):
        try:
            await self._inner.record_job_end(**kw)
        except Exception:
            pass


@alone
async def test_a_best_effort_wrapper_keeps_jobs_from_failing_with_their_metrics(url):
    class BrokenSink:
        called = 0

        async def record_job_start(self, **told):
            self.called += 1
            raise ConnectionError("no metrics today")

        record_job_end = record_job_start

    broken = BrokenSink()
    app = Soniq(database_url=url, metrics_sink=BestEffortSink(broken))

    @app.job(retries=0)
    async def work():
        return "worked"

    job_id = await app.enqueue(work)
    await app.run_worker(run_once=True)
    assert await app.get_result(job_id) == "worked"
    assert broken.called == 2
    await app.close()


@contextmanager
def served(asgi_app: Starlette) -> Iterator[int]:
    """A web server in a thread; gives its port."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        server = uvicorn.Server(uvicorn.Config(asgi_app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join()


@alone
async def test_the_sink_in_production_is_mounted_on_a_web_application(url):
    from soniq.metrics import PrometheusMetricsSink

    app = Soniq(url, metrics_sink=PrometheusMetricsSink())

    @app.job(name="nightly")
    async def nightly(): ...

    await app.enqueue(nightly)
    await app.run_worker(run_once=True)
    await app.close()

    with served(Starlette(routes=[Mount("/metrics", make_asgi_app())])) as port:
        page = scrape(port)
    assert page.total("soniq_jobs_completed_total", job_name="nightly", status="done") == 1
