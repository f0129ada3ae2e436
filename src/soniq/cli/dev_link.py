"""The login link of `soniq dev`: whoever follows it is let into the dashboard."""

from __future__ import annotations

import hmac
from typing import Final

from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from soniq.dashboard.sessions import COOKIE, LIFE, Sessions, same_text

_PREFIX: Final = "/dev/"


def link_path(key: str) -> str:
    """The path that lets in, for a dashboard with this key; it does not give the key away."""
    return _PREFIX + hmac.digest(key.encode(), b"soniq dev login link 1", "sha256").hex()[:32]


class LoginLink:
    """Answers the login link with a session's cookie; everything else goes on to the dashboard.

    Args:
        app: the dashboard.
        key: the dashboard's.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self._app = app
        self._path = link_path(key)
        self._sessions = Sessions(key)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not same_text(scope["path"], self._path):
            await self._app(scope, receive, send)
            return
        reply = RedirectResponse("/", 303, {"cache-control": "no-store"})
        reply.set_cookie(
            COOKIE, self._sessions.begin(), max_age=LIFE, path="/", httponly=True, samesite="strict"
        )
        await reply(scope, receive, send)
