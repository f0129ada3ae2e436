"""What plugins add to the dashboard."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import Message
from starlette.websockets import WebSocket

from soniq import Soniq
from soniq.plugins import Plugin
from tests.dashboard.conftest import KEY, OPERATOR, OWN_PAGE, Ask, dashboard_of


async def _hello(_: Request) -> JSONResponse:
    return JSONResponse({"hello": "world"})


async def _talk(socket: WebSocket) -> None:
    await socket.accept()


TALK = [WebSocketRoute("/talk", _talk)]
ROUTES = [Route("/hello", _hello, methods=["GET", "POST"])]
NOT_ROUTES = "nothing"


def routes_of(app: Soniq) -> list[Any]:
    async def names(_: Request) -> JSONResponse:
        return JSONResponse({"jobs": list(app._registry.names())})

    return [Route("/names", names)]


def plugin(place: str) -> Plugin:
    class Extension(Plugin):
        @staticmethod
        def get_identifier() -> str:
            return "acme.extra"

        def api_plugin(self) -> str:
            return f"{__name__}:{place}"

    return Extension()


async def test_routes_stand_behind_the_same_door(ask: Ask) -> None:
    async with Soniq(backend="memory", plugins=[plugin("ROUTES")]) as app:
        path = "/api/plugins/acme.extra/hello"
        dashboard = dashboard_of(app)
        assert (await ask(dashboard).get(path)).status_code == 401
        operator = ask(dashboard, OPERATOR)
        assert (await operator.get(path)).json() == {"hello": "world"}
        assert (await operator.post(path)).status_code == 200
        reader = ask(dashboard_of(app, settings={"write_enabled": False}), OPERATOR)
        assert (await reader.post(path)).status_code == 403
        browser = ask(dashboard)
        await browser.post("/login", data={"key": KEY})
        assert (await browser.post(path)).status_code == 403
        assert (await browser.post(path, headers=OWN_PAGE)).status_code == 200


async def test_no_websocket_goes_past_the_door() -> None:
    said: list[str] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        said.append(message["type"])

    async with Soniq(backend="memory", plugins=[plugin("TALK")]) as app:
        path = "/api/plugins/acme.extra/talk"
        headers = [(b"host", b"testserver")]
        scope = {"type": "websocket", "path": path, "headers": headers}
        await dashboard_of(app)(scope, receive, send)
    assert said == ["websocket.close"]


async def test_routes_may_be_made_of_the_app(ask: Ask) -> None:
    async with Soniq(backend="memory", plugins=[plugin(routes_of.__name__)]) as app:

        @app.job(name="a.job")
        async def job() -> None: ...

        reply = await ask(dashboard_of(app), OPERATOR).get("/api/plugins/acme.extra/names")
        assert reply.json() == {"jobs": ["a.job"]}


@pytest.mark.parametrize("place", ["NOT_ROUTES", "MISSING"])
def test_what_is_no_part_of_an_api_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match=r"acme\.extra"):
        dashboard_of(Soniq(backend="memory", plugins=[plugin(place)]))


async def test_stored_metrics_are_shown(ask: Ask) -> None:
    from soniq.plugins.metrics import Metrics

    metrics = Metrics()
    async with Soniq(backend="memory", plugins=[metrics], max_retries=0) as app:

        @app.job(name="mail.send", queue="mail")
        async def send(to: str) -> None:
            if to == "nobody":
                raise ValueError(to)

        for to in ("ann", "ben", "nobody"):
            await app.enqueue(send, to=to)
        await app.run_worker(run_once=True)
        await metrics.flush(app)
        client = ask(dashboard_of(app), OPERATOR)
        assert (await client.get("/api/session")).json()["metrics"] is True
        params = {"prefix": "queue:mail", "resolution": "1min"}
        series = (await client.get("/api/series", params=params)).json()
        assert series["queue:mail:throughput"]["metric_type"] == "counter"
        assert sum(value for _, value in series["queue:mail:throughput"]["points"]) == 3
        history = (await client.get("/api/history", params={"window": "1h"})).json()
        assert (history["resolution"], len(history["points"])) == ("1min", 60)
        assert sum(point["done"] or 0 for point in history["points"]) == 2
        assert sum(point["failed"] or 0 for point in history["points"]) == 1
        assert any(point["run_p95_ms"] is not None for point in history["points"])
        assert 'key="queue:mail:throughput"' in (await client.get("/metrics")).text
        bad = await client.get("/api/series", params={"resolution": "1week"})
        assert bad.status_code == 400


class StandIn(Plugin):
    """Bears the built-in's identifier, and has no tables."""

    @staticmethod
    def get_identifier() -> str:
        return "soniq.metrics"


class TellingStandIn(StandIn):
    async def get_metrics(
        self, app: Soniq, metric_prefix: str | None = None, worker_id: str | None = None
    ) -> dict[str, Any]:
        points = [(datetime(2030, 1, 1, tzinfo=UTC), 3)]
        values = dict.fromkeys(("1min", "5min", "1hour", "1day"), points)
        metric = SimpleNamespace(metric_type="counter", values=values, values_1day=points)
        return {"queue:mail:throughput": metric}


@pytest.mark.parametrize("given", [StandIn, TellingStandIn])
async def test_a_plugin_in_the_stead_of_the_built_in_is_asked_for_what_it_tells(
    ask: Ask, tmp_path: Path, given: type[Plugin]
) -> None:
    async with Soniq(tmp_path / "jobs.db", plugins=[given()]) as app:
        client = ask(dashboard_of(app), OPERATOR)
        for path in ("/api/history?window=1h", "/api/queues", "/api/metrics", "/api/session"):
            assert (await client.get(path)).status_code == 200, path
        series = await client.get("/api/series", params={"resolution": "1min"})
        exposed = await client.get("/metrics")
    assert (series.status_code, exposed.status_code) == (200, 200)
    tells = given is TellingStandIn
    assert list(series.json()) == (["queue:mail:throughput"] if tells else [])
    assert ('key="queue:mail:throughput"' in exposed.text) is tells
