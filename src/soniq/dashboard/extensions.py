"""What plugins add to the API, each under its own name and behind the same door."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Iterable
from typing import Any, Final

from starlette.requests import Request
from starlette.routing import BaseRoute, Mount, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from soniq.app import Soniq
from soniq.dashboard.operations import Refused
from soniq.dashboard.replies import problem
from soniq.dashboard.serving import check_may_write
from soniq.plugins import Plugin

_SAFE: Final = ("GET", "HEAD", "OPTIONS")


class _Operators:
    """Lets only operators change something; who may look was asked before."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] not in _SAFE:
            try:
                check_may_write(scope["state"]["visitor"], Request(scope, receive))
            except Refused as refusal:
                await problem(refusal.status, refusal.detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def plugin_routes(app: Soniq) -> list[BaseRoute]:
    """What the plugins of `app` serve, under ``/api/plugins/<identifier>``.

    Raises:
        ValueError: what a plugin names is not there, or is no part of an API.
    """
    return [
        Mount(f"/api/plugins/{plugin.get_identifier()}", _Operators(_part(plugin, place, app)))
        for plugin in app.plugins.list()
        if (place := plugin.api_plugin()) is not None
    ]


def _part(plugin: Plugin, place: str, app: Soniq) -> ASGIApp:
    named = f"The plugin {plugin.get_identifier()!r} names {place!r} as its part of the API"
    module, _, attribute = place.partition(":")
    try:
        found: Any = operator.attrgetter(attribute)(importlib.import_module(module))
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"{named}, which cannot be imported: {error}") from error
    if not isinstance(found, Iterable) and callable(found):
        found = found(app)
    if isinstance(found, Iterable):
        routes = list(found)
        if all(isinstance(route, BaseRoute) for route in routes):
            return Router(routes=routes)
    raise ValueError(f"{named}; it must be a list of Starlette routes, or make one of the app")
