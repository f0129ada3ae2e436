"""Who may come in, and as what."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from math import ceil
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from soniq.dashboard.attempts import Attempts
from soniq.dashboard.hosts import is_elsewhere
from soniq.dashboard.login import login_page
from soniq.dashboard.paths import path_of
from soniq.dashboard.replies import problem
from soniq.dashboard.sessions import COOKIE, Sessions, same_text
from soniq.dashboard.settings import DashboardSettings
from soniq.dashboard.visitors import Visitor

Authorize = Callable[[Request], Any]
"""Says what the host application makes of a request: "reader", "operator" or None, or awaits it."""

_OPEN_PATHS: Final = ("/health", "/login")
_BEARER: Final = "bearer "
_REFUSED: Final = 1008
_NO_KEY: Final = (
    "Without a key the dashboard answers this machine only: set SONIQ_DASHBOARD_API_KEY, or have"
    " your application decide with create_dashboard_app(app, authorize=...)."
)


class Access:
    """Tells who asks, by key, cookie, or what the host application says.

    Args:
        settings: the dashboard's.
        authorize: the host application's own say; then no key is needed.
    """

    def __init__(self, settings: DashboardSettings, authorize: Authorize | None) -> None:
        self._key = settings.api_key
        self._writes = settings.write_enabled
        self._authorize = authorize
        self.attempts = Attempts()
        # Where the host application decides, a key opens nothing.
        takes_key = self._key is not None and authorize is None
        self.sessions = Sessions(self._key) if self._key is not None and takes_key else None

    @property
    def is_open(self) -> bool:
        """Whether anybody may look."""
        return self._key is None and self._authorize is None

    async def visitor(self, request: Request) -> Visitor | None:
        """Who asks; None for somebody who may not."""
        address = address_of(request)
        if self._authorize is not None:
            return await self._as_host_says(request, self._authorize, address)
        if self._key is None:
            # Mounted, it is reached by whoever reaches the application; a Host is easily forged.
            here = not is_elsewhere(address)
            return Visitor("reader", "open", "anybody", address) if here else None
        known = Visitor("operator" if self._writes else "reader", "key", "key", address)
        given = given_key(request)
        if given is not None:
            return replace(known, in_browser=False) if self.takes(given, address) else None
        cookie = request.cookies.get(COOKIE)
        assert self.sessions is not None
        return known if cookie is not None and self.sessions.holds(cookie) else None

    async def _as_host_says(
        self, request: Request, authorize: Authorize, address: str
    ) -> Visitor | None:
        role = authorize(request)
        if inspect.isawaitable(role):
            role = await role
        if role is None:
            return None
        if role not in ("reader", "operator"):
            raise ValueError(f"authorize must answer 'reader', 'operator' or None, got {role!r}")
        user = request.scope.get("user")
        actor = str(getattr(user, "display_name", None) or "host")
        return Visitor(role, "host", actor[:200], address)

    def takes(self, given: str, address: str) -> bool:
        """Whether this is the key; a wrong one is counted."""
        right = self._key is not None and any(
            same_text(each, self._key) for each in _readings(given)
        )
        if not right:
            self.attempts.failed(address)
        return right


class Gate:
    """Lets in who may come in; with the visitor in ``scope["state"]``.

    Args:
        app: what is guarded.
        access: tells who asks.
    """

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            # A browser opens one for any site, with the cookie: what a plugin serves is asked for.
            await WebSocketClose(_REFUSED)(scope, receive, send)
            return
        if scope["type"] != "http" or path_of(scope) in _OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        wait = self._access.attempts.wait_for(address_of(request))
        if wait and given_key(request) is not None:
            await too_many(wait)(scope, receive, send)
            return
        visitor = await self._access.visitor(request)
        if visitor is None:
            await self._refusal(request)(scope, receive, send)
            return
        scope.setdefault("state", {})["visitor"] = visitor
        await self._app(scope, receive, send)

    def _refusal(self, request: Request) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "")
        if self._access.sessions is not None and wants_page and request.method == "GET":
            return login_page(request, status=401)
        return problem(
            401,
            "Send the key of SONIQ_DASHBOARD_API_KEY as X-API-Key or as a Bearer token, or log in."
            if self._access.sessions is not None
            else _NO_KEY
            if self._access.is_open
            else "The application that the dashboard is part of does not let you in.",
            {"www-authenticate": "Bearer"},
        )


def given_key(request: Request) -> str | None:
    """The key that a request was sent with, None without one."""
    key = request.headers.get("x-api-key")
    if key is not None:
        return key
    authorization = request.headers.get("authorization", "")
    if authorization[: len(_BEARER)].lower() == _BEARER:
        return authorization[len(_BEARER) :].strip(" \t")
    return None


def _readings(given: str) -> list[str]:
    """What a key may mean: of a header each byte is read as a letter, and UTF-8 has been sent."""
    try:
        return [given, given.encode("latin-1").decode()]
    except UnicodeError:
        return [given]


def address_of(request: Request) -> str:
    """Where a request came from."""
    return request.client.host if request.client else "unknown"


def too_many(wait: float) -> Response:
    """The answer to somebody who guesses."""
    return problem(
        429,
        f"Too many wrong keys from this address; try again in {ceil(wait)} seconds.",
        {"retry-after": str(ceil(wait))},
    )
