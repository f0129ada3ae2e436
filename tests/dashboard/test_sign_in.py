"""Who may come in, and as what."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from soniq import Soniq
from soniq.dashboard import create_dashboard_app
from soniq.dashboard.attempts import Attempts
from soniq.dashboard.sessions import COOKIE, LIFE, Sessions
from tests.dashboard.conftest import KEY, OPERATOR, OWN_PAGE, Ask, dashboard_of


@pytest.fixture
def store() -> dict[str, Any]:
    """In memory: no store makes a difference to this."""
    return {"backend": "memory"}


async def session(client: httpx.AsyncClient) -> Any:
    reply = await client.get("/api/session")
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "wrong"},
        {"x-api-key": KEY + "x"},
        {"x-api-key": KEY.upper()},
        {"authorization": f"Basic {KEY}"},
        {"authorization": "Bearer"},
        {"authorization": "Bearer wrong"},
        {"cookie": f"{COOKIE}={KEY}"},
        {"cookie": f"{COOKIE}=9999999999.x.y"},
    ],
    ids=str,
)
async def test_without_the_key_nobody_comes_in(
    app: Soniq, ask: Ask, headers: dict[str, str]
) -> None:
    client = ask(dashboard_of(app), headers)
    for path in ("/", "/jobs", "/static/x.js", "/metrics", "/api/stats", "/api/events", "/nope"):
        reply = await client.get(path)
        assert reply.status_code == 401, path
        assert KEY not in reply.text
    assert (await client.post("/api/jobs/x/cancel")).status_code == 401
    assert (await client.get(f"/api/stats?api_key={KEY}")).status_code == 401
    assert (await client.get("/health")).json() == {"status": "healthy"}


@pytest.mark.parametrize(
    "headers",
    [
        {"x-api-key": KEY},
        {"authorization": f"Bearer {KEY}"},
        {"authorization": f"bearer  {KEY} "},
    ],
    ids=str,
)
async def test_the_key_opens(app: Soniq, ask: Ask, headers: dict[str, str]) -> None:
    told = await session(ask(dashboard_of(app), headers))
    assert (told["role"], told["writes"], told["signed_in_by"]) == ("operator", True, "key")


@pytest.mark.parametrize("key", ["schlüssel-voilà", "ключ", "鍵"], ids=ascii)
@pytest.mark.parametrize("name", ["x-api-key", "authorization"])
async def test_a_key_may_have_any_letters(app: Soniq, ask: Ask, key: str, name: str) -> None:
    dashboard = dashboard_of(app, settings={"api_key": key})
    said = f"Bearer {key}" if name == "authorization" else key
    told = await session(ask(dashboard, {name.encode(): said.encode()}))
    assert told["role"] == "operator"
    wrong = ask(dashboard, {name.encode(): f"{said}é".encode()})
    assert (await wrong.get("/api/stats")).status_code == 401


async def test_a_key_of_latin_letters_may_be_sent_as_such(app: Soniq, ask: Ask) -> None:
    dashboard = dashboard_of(app, settings={"api_key": "schlüssel-voilà"})
    await session(ask(dashboard, {b"x-api-key": "schlüssel-voilà".encode("latin-1")}))


async def test_the_key_alone_lets_look(app: Soniq, ask: Ask) -> None:
    client = ask(dashboard_of(app, settings={"write_enabled": False}), OPERATOR)
    told = await session(client)
    assert (told["role"], told["writes"]) == ("reader", False)
    reply = await client.post("/api/jobs/x/cancel")
    assert reply.status_code == 403
    assert "SONIQ_DASHBOARD_WRITE_ENABLED" in reply.json()["detail"]


async def test_writes_take_a_key_too(app: Soniq, ask: Ask) -> None:
    client = ask(dashboard_of(app, settings={"api_key": None}), OWN_PAGE)
    assert (await session(client))["signed_in_by"] == "open"
    job_id = await app.enqueue("tidy.up")
    assert (await client.post(f"/api/jobs/{job_id}/cancel")).status_code == 403
    assert (await app.get_job(job_id) or {})["status"] == "queued"


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("::1", 200),
        ("::ffff:127.0.0.1", 200),
        ("203.0.113.9", 401),
        ("::ffff:203.0.113.9", 401),
        ("2001:db8::9", 401),
    ],
)
async def test_without_a_key_a_mounted_dashboard_answers_this_machine_only(
    app: Soniq, address: str, status: int
) -> None:
    dashboard = dashboard_of(app, settings={"api_key": None})
    transport = httpx.ASGITransport(dashboard, client=(address, 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as visitor:
        reply = await visitor.get("/api/stats")
        assert reply.status_code == status
        if status == 401:
            assert "authorize=" in reply.json()["detail"]


@pytest.mark.parametrize(
    ("value", "on"),
    [("1", True), ("TRUE", True), ("yes", True), ("on", True), ("0", False), ("", False)],
)
async def test_settings_come_from_the_environment(
    app: Soniq, ask: Ask, monkeypatch: pytest.MonkeyPatch, value: str, on: bool
) -> None:
    monkeypatch.setenv("SONIQ_DASHBOARD_API_KEY", KEY)
    monkeypatch.setenv("SONIQ_DASHBOARD_WRITE_ENABLED", value)
    assert (await session(ask(create_dashboard_app(app), OPERATOR)))["writes"] is on


# --- the login page ------------------------------------------------------------------------------


async def test_a_visitor_logs_in(app: Soniq, ask: Ask) -> None:
    client = ask(dashboard_of(app))
    asked = await client.get("/jobs/x", headers={"accept": "text/html"})
    assert asked.status_code == 401
    assert 'name="next" value="/jobs/x"' in asked.text
    assert "<script" not in asked.text
    reply = await client.post("/login", data={"key": KEY, "next": "/jobs/x"}, headers=OWN_PAGE)
    assert (reply.status_code, reply.headers["location"]) == (303, "/jobs/x")
    cookie = reply.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert "secure" not in cookie
    assert KEY not in cookie
    assert (await session(client))["signed_in_by"] == "key"


async def test_the_cookie_is_secure_over_https(app: Soniq, ask: Ask) -> None:
    client = ask(dashboard_of(app), base="https://testserver")
    reply = await client.post("/login", data={"key": KEY})
    assert "secure" in reply.headers["set-cookie"].lower()


async def test_so_it_is_behind_a_proxy_that_takes_tls_off(app: Soniq, ask: Ask) -> None:
    browser = ask(dashboard_of(app), {"origin": "https://testserver"})
    reply = await browser.post("/login", data={"key": KEY})
    assert "secure" in reply.headers["set-cookie"].lower()


@pytest.mark.parametrize(
    "goal", ["//evil.example", "/\\evil.example", "https://evil.example", "x", "/a\r\nb: c", ""]
)
async def test_a_login_leads_nowhere_else(app: Soniq, ask: Ask, goal: str) -> None:
    client = ask(dashboard_of(app))
    reply = await client.post("/login", data={"key": KEY, "next": goal})
    assert reply.headers["location"] == "/"


async def test_a_wrong_key_sets_no_cookie(app: Soniq, ask: Ask) -> None:
    client = ask(dashboard_of(app))
    reply = await client.post("/login", data={"key": "wrong"})
    assert reply.status_code == 401
    assert "set-cookie" not in reply.headers
    assert "not the key" in reply.text


async def test_guessing_is_slowed_down(app: Soniq, ask: Ask) -> None:
    client = ask(dashboard_of(app))
    codes = [(await client.post("/login", data={"key": "x"})).status_code for _ in range(12)]
    assert codes == [401] * 10 + [429] * 2
    right = await client.post("/login", data={"key": KEY})
    assert right.status_code == 429
    assert 0 < int(right.headers["retry-after"]) <= 61
    assert (await client.get("/api/stats", headers=OPERATOR)).status_code == 429
    assert (await client.get("/health")).status_code == 200


def test_guesses_are_forgotten_after_a_minute() -> None:
    now = [0.0]
    attempts = Attempts(lambda: now[0])
    for _ in range(10):
        attempts.failed("a")
    assert attempts.wait_for("a") == 60
    assert attempts.wait_for("b") == 0
    now[0] = 61.0
    assert attempts.wait_for("a") == 0


def test_a_network_of_one_person_is_one_address() -> None:
    attempts = Attempts(lambda: 0.0)
    for number in range(10):
        attempts.failed(f"2001:db8::{number:x}")
    assert attempts.wait_for("2001:db8::ffff") == 60
    assert attempts.wait_for("2001:db8:0:1::1") == 0
    for _ in range(10):
        attempts.failed("::ffff:203.0.113.9")
    assert attempts.wait_for("203.0.113.9") == 60
    assert attempts.wait_for("::ffff:203.0.113.8") == 0


def test_a_session_ends() -> None:
    now = [1_000_000.0]
    sessions = Sessions(KEY, lambda: now[0])
    cookie = sessions.begin()
    assert sessions.holds(cookie)
    assert not Sessions("another key", lambda: now[0]).holds(cookie)
    assert not sessions.holds(cookie.replace("1", "2", 1))
    assert sessions.begin() != cookie
    now[0] += LIFE + 1
    assert not sessions.holds(cookie)


@pytest.mark.parametrize("cookie", ["", ".", "..", "x.y.z", "\udcff.y.z", "1" * 10_000])
def test_a_forged_session_is_none(cookie: str) -> None:
    assert not Sessions(KEY).holds(cookie)


# --- authorize -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["reader", "operator", None])
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
async def test_the_host_application_decides(
    app: Soniq, ask: Ask, role: str | None, is_async: bool
) -> None:
    def authorize(request: Any) -> str | None:
        assert request.headers["x-user"] == "ann"
        return role

    async def authorize_slowly(request: Any) -> str | None:
        return authorize(request)

    decide = authorize_slowly if is_async else authorize
    client = ask(create_dashboard_app(app, authorize=decide), {"x-user": "ann"})
    if role is None:
        assert (await client.get("/api/stats")).status_code == 401
        return
    told = await session(client)
    assert (told["role"], told["signed_in_by"]) == (role, "host")
    job_id = await app.enqueue("tidy.up")
    reply = await client.post(f"/api/jobs/{job_id}/cancel", headers=OWN_PAGE)
    assert reply.status_code == (200 if role == "operator" else 403)


async def test_where_the_host_application_decides_no_key_is_asked_for(app: Soniq, ask: Ask) -> None:
    client = ask(dashboard_of(app, authorize=lambda _: None))
    page = await client.get("/", headers={"accept": "text/html"} | OPERATOR)
    assert page.status_code == 401
    assert "does not let you in" in page.json()["detail"]
    assert "set-cookie" not in (await client.post("/login", data={"key": KEY})).headers


async def test_what_the_host_application_must_not_answer(
    app: Soniq, ask: Ask, caplog: pytest.LogCaptureFixture
) -> None:
    client = ask(create_dashboard_app(app, authorize=lambda _: True))
    reply = await client.get("/api/stats")
    assert (reply.status_code, set(reply.json())) == (500, {"detail"})
    assert "'reader', 'operator' or None" in caplog.text
