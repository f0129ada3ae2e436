"""Requests that somebody else makes a browser send, or that nobody sends in good faith."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from soniq import Soniq
from soniq.dashboard.safeguards import MOST_HEADER_BYTES
from tests.dashboard.conftest import KEY, OPERATOR, OWN_PAGE, Ask, dashboard_of


@pytest.fixture
def store() -> dict[str, Any]:
    """In memory: no store makes a difference to this."""
    return {"backend": "memory"}


async def signed_in(app: Soniq, ask: Ask) -> httpx.AsyncClient:
    """A browser with a session."""
    client = ask(dashboard_of(app))
    await client.post("/login", data={"key": KEY}, headers=OWN_PAGE)
    return client


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://testserver.evil.example"},
        {"origin": "http://testserver:8080"},
        {"origin": "file://testserver"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"sec-fetch-site": "none"},
        {"origin": "https://evil.example", "sec-fetch-site": "same-origin"},
    ],
    ids=str,
)
async def test_other_sites_change_nothing(app: Soniq, ask: Ask, headers: dict[str, str]) -> None:
    client = await signed_in(app, ask)
    job_id = await app.enqueue("tidy.up")
    for request in (
        client.post(f"/api/jobs/{job_id}/cancel", headers=headers),
        client.delete(f"/api/jobs/{job_id}", headers=headers),
        client.post("/api/dead-letter/delete", json={"filter": {}}, headers=headers),
    ):
        reply = await request
        assert reply.status_code == 403
        assert "SONIQ_DASHBOARD_ALLOWED_ORIGINS" in reply.json()["detail"]
    assert (await app.get_job(job_id) or {})["status"] == "queued"


@pytest.mark.parametrize(
    "origin", ["https://jobs.company.example", "https://Jobs.Company.example/"]
)
async def test_behind_a_proxy_the_own_page_is_known_by_its_public_origin(
    app: Soniq, ask: Ask, origin: str
) -> None:
    settings = {"allowed_origins": (origin,)}
    browser = ask(dashboard_of(app, settings=settings), {"origin": "https://jobs.company.example"})
    reply = await browser.post("/login", data={"key": KEY})
    # It is for TLS only, which ends at the proxy.
    browser.headers["cookie"] = reply.headers["set-cookie"].partition(";")[0]
    job_id = await app.enqueue("tidy.up")
    assert (await browser.post(f"/api/jobs/{job_id}/cancel")).status_code == 200


@pytest.mark.parametrize("headers", [OWN_PAGE, {"sec-fetch-site": "same-origin"}], ids=str)
async def test_the_own_page_does(app: Soniq, ask: Ask, headers: dict[str, str]) -> None:
    client = await signed_in(app, ask)
    job_id = await app.enqueue("tidy.up")
    assert (await client.post(f"/api/jobs/{job_id}/cancel", headers=headers)).status_code == 200


async def test_other_sites_log_nobody_in(app: Soniq, ask: Ask) -> None:
    client = ask(dashboard_of(app), {"origin": "https://evil.example"})
    reply = await client.post("/login", data={"key": KEY})
    assert reply.status_code == 403
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize("origin", ["http://[", "http://[x]"])
async def test_an_origin_that_is_none_is_anothers(app: Soniq, ask: Ask, origin: str) -> None:
    reply = await ask(dashboard_of(app)).post(
        "/login", data={"key": KEY}, headers={"origin": origin}
    )
    assert reply.status_code == 403


async def test_a_format_that_nobody_writes_is_passed_over(operator: httpx.AsyncClient) -> None:
    accept = "application/openmetrics-text; version=abc"
    assert (await operator.get("/metrics", headers={"accept": accept})).status_code == 200


async def test_a_form_is_no_order(app: Soniq, operator: httpx.AsyncClient) -> None:
    reply = await operator.post("/api/dead-letter/delete", data={"filter": "{}"})
    assert reply.status_code == 415
    reply = await operator.post("/api/dead-letter/delete", content='{"filter": {}}')
    assert reply.status_code == 415


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.nip.io", "a b", ""],
)
async def test_a_forged_host_is_refused(app: Soniq, ask: Ask, host: str) -> None:
    client = ask(dashboard_of(app, settings={"api_key": None}), {"host": host})
    for path in ("/", "/api/stats", "/health", "/login"):
        reply = await client.get(path)
        assert reply.status_code == 400
        assert "SONIQ_DASHBOARD_ALLOWED_ORIGINS" in reply.json()["detail"]


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:6161", "127.0.0.1:6161", "[::1]:6161", "LOCALHOST.", "jobs:80"],
)
async def test_names_that_only_lead_here_are_taken(app: Soniq, ask: Ask, host: str) -> None:
    client = ask(dashboard_of(app, settings={"api_key": None}), {"host": host})
    assert (await client.get("/api/stats")).status_code == 200


async def test_a_dashboard_that_is_served_by_name_takes_no_other(app: Soniq, ask: Ask) -> None:
    dashboard = dashboard_of(app, hosts=["jobs.company.example"])
    for host, status in (("jobs.company.example", 200), ("evil.example", 400)):
        client = ask(dashboard, OPERATOR | {"host": host})
        assert (await client.get("/api/stats")).status_code == status


async def test_known_origins_are_names_too(app: Soniq, ask: Ask) -> None:
    settings = {"api_key": None, "allowed_origins": ("https://ops.company.example",)}
    client = ask(dashboard_of(app, settings=settings), {"host": "ops.company.example"})
    assert (await client.get("/api/stats")).status_code == 200


async def test_only_known_origins_may_read(app: Soniq, ask: Ask) -> None:
    settings = {"allowed_origins": ("https://ops.example",)}
    client = ask(dashboard_of(app, settings=settings), OPERATOR)
    known = await client.get("/api/stats", headers={"origin": "https://ops.example"})
    assert known.headers["access-control-allow-origin"] == "https://ops.example"
    other = await client.get("/api/stats", headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in other.headers
    asked = {"origin": "https://ops.example", "access-control-request-method": "POST"}
    preflight = await ask(dashboard_of(app, settings=settings)).options("/api/stats", headers=asked)
    assert preflight.status_code == 200
    plain = await ask(dashboard_of(app)).options("/api/stats", headers=asked)
    assert plain.status_code == 401


@pytest.mark.parametrize(
    "path",
    [
        "/static/../settings.py",
        "/static/..%2fsettings.py",
        "/static/%2e%2e/settings.py",
        "/static/..%5csettings.py",
        "/static//etc/passwd",
        "/static/%2fetc%2fpasswd",
        "/static/....//settings.py",
        "/static/%00",
        "/static/",
        "/static/../../app.py",
    ],
)
async def test_nothing_beside_the_page_is_served(operator: httpx.AsyncClient, path: str) -> None:
    raw = httpx.URL("http://testserver").copy_with(raw_path=path.encode())
    reply = await operator.send(operator.build_request("GET", raw))
    assert reply.status_code == 404
    assert set(reply.json()) == {"detail"}


@pytest.mark.parametrize("method", ["PUT", "PATCH", "TRACE", "BREW", "DELETE", "POST"])
async def test_other_methods_are_not_allowed(operator: httpx.AsyncClient, method: str) -> None:
    for path in ("/", "/api/stats", "/api/events", "/metrics", "/health", "/api/openapi.json"):
        reply = await operator.request(method, path)
        assert reply.status_code == 405
        assert "GET" in reply.headers["allow"]


async def test_large_requests_are_refused(app: Soniq, operator: httpx.AsyncClient) -> None:
    headers = {"x-padding": "x" * MOST_HEADER_BYTES}
    assert (await operator.get("/api/stats", headers=headers)).status_code == 431
    assert (await operator.get("/api/jobs/" + "x" * 5000)).status_code == 414
    order = {"filter": {"ids": ["x" * 70_000]}}
    assert (await operator.post("/api/dead-letter/delete", json=order)).status_code == 413
    stranger = await operator.post("/login", data={"key": "x" * 10_000})
    assert stranger.status_code == 413


@pytest.mark.parametrize(
    "path", ["/", "/login", "/health", "/api/stats", "/api/nope", "/static/x", "/metrics"]
)
async def test_every_answer_keeps_browsers_from_harm(
    operator: httpx.AsyncClient, path: str
) -> None:
    keeps_browsers_from_harm((await operator.get(path)).headers)


async def test_so_does_the_answer_to_what_fails(
    app: Soniq, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    def authorize(_: Any) -> str:
        raise RuntimeError("the directory is away")

    reply = await ask(dashboard_of(app, authorize=authorize)).get("/api/stats")
    assert (reply.status_code, set(reply.json())) == (500, {"detail"})
    keeps_browsers_from_harm(reply.headers)
    assert "the directory is away" not in reply.text
    assert "the directory is away" in caplog.text


def keeps_browsers_from_harm(headers: httpx.Headers) -> None:
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "same-origin"


async def test_hostile_text_is_nothing_but_text(app: Soniq, operator: httpx.AsyncClient) -> None:
    html = "<script>alert(1)</script>\u202e\u0000"[:-1]
    await app.enqueue("mail.send", args={"to": html}, queue=html)
    reply = await operator.get("/api/jobs")
    assert reply.headers["content-type"] == "application/json"
    assert reply.json()["jobs"][0]["args"]["to"] == html
    found = (await operator.get("/api/jobs/search", params={"query": html})).json()
    assert found["total_count"] == 1
    text = (await operator.get("/metrics")).text
    assert 'queue="<script>' in text


async def test_a_prefix_is_escaped(app: Soniq, ask: Ask) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    around = Starlette(routes=[Mount('/a"><script>', dashboard_of(app))])
    client = ask(around)
    page = await client.get('/a"><script>/', headers={"accept": "text/html"})
    assert page.status_code == 401
    assert "<script>" not in page.text
