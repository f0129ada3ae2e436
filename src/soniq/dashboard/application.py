"""The dashboard as an ASGI application: the parts put together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from soniq.app import Soniq
from soniq.dashboard.access import Access, Authorize, Gate
from soniq.dashboard.api import OPERATIONS
from soniq.dashboard.desk import Desk
from soniq.dashboard.exposition import metrics_route
from soniq.dashboard.extensions import plugin_routes
from soniq.dashboard.health import health_route
from soniq.dashboard.hosts import Hosts, names_of
from soniq.dashboard.openapi import describe
from soniq.dashboard.operations import Refused
from soniq.dashboard.pages import page_routes
from soniq.dashboard.replies import json_reply, problem
from soniq.dashboard.safeguards import Safeguards
from soniq.dashboard.serving import route_of
from soniq.dashboard.settings import DashboardSettings
from soniq.dashboard.signing_in import login_route, logout_route
from soniq.dashboard.streaming import events_route


class Dashboard(Starlette):
    """The dashboard of one application.

    Args:
        app: the application.
        settings: the dashboard's.
        authorize: the host application's own say who may come in.
        hosts: the names that it is served under, None where whoever mounts it knows them.
        closes: close `app` at the end.
    """

    def __init__(
        self,
        app: Soniq,
        settings: DashboardSettings,
        *,
        authorize: Authorize | None = None,
        hosts: Iterable[str] | None = None,
        closes: bool = False,
    ) -> None:
        self.desk = Desk(app)
        access = Access(settings, authorize)
        anybody = hosts is None and not access.is_open
        known = [*(hosts or ()), *names_of(settings.allowed_origins)]

        @asynccontextmanager
        async def lifespan(_: Starlette) -> AsyncIterator[None]:
            self.desk.live.reopen()
            try:
                yield
            finally:
                await self.desk.live.close()
                if closes and not app.is_closed:
                    await app.close()

        super().__init__(
            routes=_routes(self.desk, access),
            middleware=[
                Middleware(Safeguards),
                Middleware(Hosts, known, anybody=anybody),
                *_cors(settings),
                Middleware(Gate, access),
            ],
            exception_handlers={
                HTTPException: _http_problem,
                Refused: _refused,
            },
            lifespan=lifespan,
        )
        self.state.origins = frozenset(settings.allowed_origins)
        # A redirect would name the host that the request claims.
        self.router.redirect_slashes = False


def _routes(desk: Desk, access: Access) -> list[BaseRoute]:
    return [
        login_route(access),
        logout_route(),
        health_route(desk),
        events_route(desk.live),
        metrics_route(desk),
        Route("/api/openapi.json", _openapi, methods=["GET"]),
        *plugin_routes(desk.app),
        *(route_of(operation, desk) for operation in OPERATIONS),
        *page_routes(),
    ]


def _cors(settings: DashboardSettings) -> list[Middleware]:
    if not settings.allowed_origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=settings.allowed_origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["X-API-Key", "Authorization", "Content-Type"],
        )
    ]


@cache
def _description() -> bytes:
    return describe(OPERATIONS)


async def _openapi(_: Request) -> Response:
    return json_reply(_description())


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return problem(error.status_code, str(error.detail), error.headers)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return problem(error.status, error.detail)
