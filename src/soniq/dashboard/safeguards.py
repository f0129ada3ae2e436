"""What holds for every answer: the headers that keep browsers from harm, and limits."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from soniq.dashboard.replies import WENT_WRONG, problem

_log = logging.getLogger("soniq.dashboard")

MOST_HEADER_BYTES: Final = 16 * 1024
_LONGEST_PATH: Final = 4096

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " font-src 'self'; connect-src 'self'; base-uri 'self'; form-action 'self';"
    " frame-ancestors 'none'"
)
_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


def with_style(digest: str) -> str:
    """The policy, for a page with one inline style of this SHA-256 in base64."""
    return _POLICY.replace("style-src 'self'", f"style-src 'self' 'sha256-{digest}'")


class Safeguards:
    """Around the dashboard: refuses what is too large, answers for what fails, adds the headers.

    Args:
        app: what is guarded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._guarded(scope, receive, guarded)
        except ClientDisconnect:
            # Nobody waits for an answer.
            return
        except Exception:
            _log.exception("%s %r failed", scope["method"], scope["path"])
            if begun:
                raise
            await problem(500, WENT_WRONG)(scope, receive, guarded)

    async def _guarded(self, scope: Scope, receive: Receive, send: Send) -> None:
        if sum(len(name) + len(value) for name, value in scope["headers"]) > MOST_HEADER_BYTES:
            await problem(431, "The request's headers are too large.")(scope, receive, send)
        elif len(scope.get("raw_path") or scope["path"]) > _LONGEST_PATH:
            await problem(414, "The request's path is too long.")(scope, receive, send)
        else:
            await self._app(scope, receive, send)
