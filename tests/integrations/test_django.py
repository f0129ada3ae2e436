"""The Django project of the examples, with its own server and its own worker."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.integrations.serving import PATIENCE, Programs

pytestmark = pytest.mark.long

PROJECT = Path(__file__).parents[2] / "examples" / "django_shop"
MANAGE = (sys.executable, "manage.py")


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def shop(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Programs]:
    environment = {"SHOP_FOLDER": str(tmp_path)}
    if request.param == "postgres":
        url = urlsplit(request.getfixturevalue("pg_url"))
        environment |= {
            "SHOP_DATABASE": url.path.lstrip("/"),
            "PGUSER": url.username or "",
            "PGHOST": url.hostname or "",
            "PGPORT": str(url.port),
        }
    shop = Programs(PROJECT, tmp_path, environment)
    try:
        yield shop
    finally:
        shop.close()


def test_a_project_enqueues_with_its_transactions_and_runs_djangos_tasks(shop: Programs) -> None:
    assert "Soniq's tables" in shop.run(*MANAGE, "migrate")
    assert "Run jobs until told to stop" in shop.run(*MANAGE, "soniq", "worker", "--help")
    shop.start(*MANAGE, "runserver", "--noreload", f"127.0.0.1:{shop.port}")
    worker = shop.start(*MANAGE, "soniq", "worker")
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
    status = shop.run(*MANAGE, "soniq", "status", "--settings", "shop.settings")
    assert "done:        3" in status
    assert "dead_letter: 1" in status
    assert "shop.jobs.send_receipt" in shop.run(*MANAGE, "soniq", "jobs", "list")

    worker.send_signal(signal.SIGTERM)
    assert worker.wait(PATIENCE) == 0
