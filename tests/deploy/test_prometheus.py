"""A real Prometheus scrapes a worker and a dashboard, and answers everything Grafana would ask."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.machines import DEPLOY, tool
from tests.integrations.serving import PATIENCE, Programs
from tests.ports import free_port

pytestmark = pytest.mark.long

PROGRAM = """
from soniq import Soniq
from soniq.metrics import PrometheusMetricsSink

app = Soniq(metrics_sink=PrometheusMetricsSink())

@app.job(name="greet", queue="mail")
async def greet(name: str) -> str:
    return f"hello {name}"

@app.job(name="fail", queue="reports", max_retries=0)
async def fail() -> None:
    raise ValueError("always")
"""
KEY = "long-and-random"
PROMETHEUS = """
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [RULES]
scrape_configs:
  - job_name: soniq-dashboard
    authorization: { credentials_file: soniq-key }
    static_configs: [{ targets: ["127.0.0.1:DASHBOARD"] }]
  - job_name: soniq-workers
    static_configs: [{ targets: ["127.0.0.1:WORKER"] }]
"""


def expressions() -> list[str]:
    dashboard = json.loads((DEPLOY / "grafana" / "soniq.json").read_text())
    return [
        target["expr"].replace("$__rate_interval", "30s")
        for panel in dashboard["panels"]
        for target in panel["targets"]
    ]


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[Programs]:
    (tmp_path / "shop.py").write_text(PROGRAM)
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    # The client is the one of Prometheus, whose port this is.
    environment = {"SONIQ_DATABASE_URL": url, "SONIQ_RESULT_TTL": "3600"}
    started = Programs(tmp_path, tmp_path, environment | {"SONIQ_DASHBOARD_API_KEY": KEY})
    try:
        yield started
    finally:
        started.close()


def test_every_panel_of_grafana_shows_something(programs: Programs, tmp_path: Path) -> None:
    server = tool("prometheus", "prometheus")
    dashboard, worker = free_port(), free_port()
    configuration = PROMETHEUS.replace("DASHBOARD", str(dashboard)).replace("WORKER", str(worker))
    configuration = configuration.replace("RULES", str(DEPLOY / "prometheus" / "rules.yml"))
    (tmp_path / "prometheus.yml").write_text(configuration)
    (tmp_path / "soniq-key").write_text(KEY)

    soniq = (sys.executable, "-m", "soniq")
    programs.start(*soniq, "worker", "shop:app", "--metrics-port", str(worker))
    programs.start(*soniq, "dashboard", "shop:app", "--port", str(dashboard))
    programs.start(
        server,
        "--config.file=prometheus.yml",
        f"--storage.tsdb.path={tmp_path / 'series'}",
        f"--web.listen-address=127.0.0.1:{programs.port}",
    )
    programs.serving()
    deadline = time.monotonic() + PATIENCE
    silent = expressions()
    assert len(silent) > 10
    while silent and time.monotonic() < deadline:
        work(programs)
        silent = [expression for expression in silent if not answered(programs, expression)]
    assert not silent, programs.output()

    alerts = programs.client.get("/api/v1/rules").json()["data"]["groups"]
    health = {rule["health"] for group in alerts for rule in group["rules"]}
    assert health == {"ok"}


def work(programs: Programs) -> None:
    """Some jobs more, so that rates have something to count."""
    script = (
        "import asyncio, shop\n"
        "async def main():\n"
        "    async with shop.app:\n"
        "        await shop.app.enqueue_many(shop.greet, [{'name': 'ada'}] * 20)\n"
        "        await shop.app.enqueue(shop.fail)\n"
        "        await shop.app.enqueue(shop.greet, name='later', delay=600)\n"
        "asyncio.run(main())\n"
    )
    programs.run(sys.executable, "-c", script)


def answered(programs: Programs, expression: str) -> bool:
    reply: Any = programs.client.get("/api/v1/query", params={"query": expression}).json()
    assert reply["status"] == "success", (expression, reply)
    values = [float(one["value"][1]) for one in reply["data"]["result"]]
    return any(not math.isnan(value) for value in values)
