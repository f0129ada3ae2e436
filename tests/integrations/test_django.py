"""The Django project of the examples, with its own server and its own worker."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

pytestmark = pytest.mark.long

PROJECT = Path(__file__).parents[2] / "examples" / "django_shop"
PATIENCE = 60.0


class Shop:
    """The project on one database, and its processes."""

    def __init__(self, environment: dict[str, str], folder: Path) -> None:
        self._environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("SONIQ_")},
            "PYTHONUNBUFFERED": "1",
            **environment,
        }
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self.port = _free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    def manage(self, *arguments: str) -> str:
        ended = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=PROJECT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{arguments[0]}.log").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "manage.py", *arguments],
                cwd=PROJECT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._processes.append(process)
        return process

    def eventually(self, path: str, key: str, *wanted: Any) -> dict[str, Any]:
        """The answer of `path` once `key` of it has one of these values."""
        deadline = time.monotonic() + PATIENCE
        answer: Any = None
        while time.monotonic() < deadline:
            try:
                answer = self.client.get(path).json()
            except (httpx.TransportError, ValueError) as error:
                answer = {key: repr(error)}
            if answer[key] in wanted:
                return dict(answer)
            time.sleep(0.05)
        pytest.fail(f"{path} still answers {answer}\n{self.logs()}")

    def logs(self) -> str:
        return "\n".join(log.read_text()[-3000:] for log in self._folder.glob("*.log"))

    def close(self) -> None:
        self.client.close()
        for process in self._processes:
            process.send_signal(signal.SIGTERM)
        for process in self._processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shop]:
    environment = {"SHOP_FOLDER": str(tmp_path)}
    if request.param == "postgres":
        url = urlsplit(request.getfixturevalue("pg_url"))
        environment |= {
            "SHOP_DATABASE": url.path.lstrip("/"),
            "PGUSER": url.username or "",
            "PGHOST": url.hostname or "",
            "PGPORT": str(url.port),
        }
    shop = Shop(environment, tmp_path)
    try:
        yield shop
    finally:
        shop.close()


def test_a_project_enqueues_with_its_transactions_and_runs_djangos_tasks(shop: Shop) -> None:
    assert "Soniq's tables" in shop.manage("migrate")
    assert "Run jobs until told to stop" in shop.manage("soniq", "worker", "--help")
    shop.start("runserver", "--noreload", f"127.0.0.1:{shop.port}")
    worker = shop.start("soniq", "worker")
    shop.eventually("/orders/1", "receipt", None)

    unpaid = shop.client.post("/orders", data={"customer": "bob", "paid": "no"})
    assert unpaid.status_code == 400
    order = shop.client.post("/orders", data={"customer": "ada"}).json()["id"]
    shop.eventually(f"/orders/{order}", "receipt", "Dear ada, thank you!")

    def report(task: str, *arguments: str) -> dict[str, Any]:
        sent = shop.client.post("/reports", data={"task": task, "argument": list(arguments)})
        return shop.eventually(f"/reports/{sent.json()['id']}", "status", "SUCCESSFUL", "FAILED")

    assert report("count_orders", "a")["value"] == 1
    assert report("greet", "ada")["value"] == "hello ada"
    failed = report("fail")
    assert failed["status"] == "FAILED"
    assert failed["errors"] == ["builtins.ValueError"]
    assert failed["attempts"] == 2

    # One receipt and three tasks: what was rolled back never was a job.
    status = shop.manage("soniq", "status", "--settings", "shop.settings")
    assert "done:        3" in status
    assert "dead_letter: 1" in status
    assert "shop.jobs.send_receipt" in shop.manage("soniq", "jobs", "list")

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
