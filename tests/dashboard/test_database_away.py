"""A dashboard whose database is not there, or not ready."""

from __future__ import annotations

import pytest

from soniq import Soniq
from tests.dashboard.conftest import OPERATOR, Ask, dashboard_of


@pytest.mark.parametrize("path", ["/api/stats", "/api/jobs", "/metrics", "/api/attention"])
async def test_tables_that_are_missing_are_told(pg_url: str, ask: Ask, path: str) -> None:
    app = Soniq(pg_url)
    try:
        client = ask(dashboard_of(app), OPERATOR)
        reply = await client.get(path)
        assert reply.status_code == 503
        assert "soniq setup" in reply.json()["detail"]
        assert (await client.get("/health")).status_code == 503
    finally:
        await app.close()


async def test_a_database_that_is_away_is_told(ask: Ask) -> None:
    url = "postgresql://ann:secret@127.0.0.1:1/nowhere"
    client = ask(dashboard_of(Soniq(url, database_timeout=0.1)), OPERATOR)
    assert (await client.get("/health")).json() == {"status": "unhealthy"}
    health = (await client.get("/api/system/health")).json()
    assert (health["status"], health["database_healthy"]) == ("unhealthy", False)
    reply = await client.get("/api/stats")
    assert reply.status_code == 503
    assert "secret" not in reply.text
    assert (await client.get("/api/session")).status_code == 200
    changed = await client.post("/api/jobs/x/cancel")
    assert changed.status_code == 503
