"""``/login``: the key for a cookie; ``/logout``: the end of it."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from soniq.dashboard.access import Access, address_of
from soniq.dashboard.bodies import read_body
from soniq.dashboard.login import local_path, login_page
from soniq.dashboard.origins import is_own_page, not_own_page
from soniq.dashboard.paths import prefix_of
from soniq.dashboard.replies import problem
from soniq.dashboard.sessions import COOKIE, LIFE

_MOST_BYTES: Final = 8 * 1024


def login_route(access: Access) -> Route:
    """The form, and what it sends."""

    async def login(request: Request) -> Response:
        if access.sessions is None:
            return RedirectResponse(f"{prefix_of(request.scope)}/", 303)
        if request.method == "POST":
            return await _signed_in(access, request)
        return login_page(request)

    return Route("/login", login, methods=["GET", "POST"])


def logout_route() -> Route:
    """Forgets the cookie of the browser that asks."""

    async def logout(request: Request) -> Response:
        if not is_own_page(request, allow_silence=True):
            return problem(403, not_own_page(request, "Logging out is"))
        prefix = prefix_of(request.scope)
        reply = RedirectResponse(f"{prefix}/login", 303)
        reply.delete_cookie(COOKIE, path=prefix or "/", httponly=True, samesite="strict")
        return reply

    return Route("/logout", logout, methods=["POST"])


async def _signed_in(access: Access, request: Request) -> Response:
    assert access.sessions is not None
    if not is_own_page(request, allow_silence=True):
        return problem(403, not_own_page(request, "The key is"))
    address = address_of(request)
    if wait := access.attempts.wait_for(address):
        told = f"Too many wrong keys; try again in {wait:.0f} seconds."
        reply = login_page(request, status=429, told=told)
        reply.headers["retry-after"] = str(round(wait) + 1)
        return reply
    form = parse_qs((await read_body(request, _MOST_BYTES)).decode(errors="replace"))
    goal = form.get("next", ["/"])[0]
    if not access.takes(form.get("key", [""])[0], address):
        return login_page(request, status=401, told="That is not the key.", goal=goal)
    return _with_cookie(request, access.sessions.begin(), goal)


def _with_cookie(request: Request, cookie: str, goal: str) -> Response:
    prefix = prefix_of(request.scope)
    reply = RedirectResponse(f"{prefix}{local_path(goal)}", 303)
    reply.headers["cache-control"] = "no-store"
    reply.set_cookie(
        COOKIE,
        cookie,
        max_age=LIFE,
        path=prefix or "/",
        secure=_came_by_tls(request),
        httponly=True,
        samesite="strict",
    )
    return reply


def _came_by_tls(request: Request) -> bool:
    """Whether the browser used TLS; a proxy may have taken it off without a word."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https:")
