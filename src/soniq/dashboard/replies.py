"""Answers, as JSON or as pages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from pydantic_core import to_json
from starlette.responses import HTMLResponse, Response

JSON: Final = "application/json"
WENT_WRONG: Final = "Something went wrong here; the dashboard's log tells what."


def json_reply(content: bytes, status: int = 200) -> Response:
    """An answer that nobody keeps: it is out of date in a moment."""
    return Response(content, status, {"cache-control": "no-store"}, media_type=JSON)


def problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """Why a request was not fulfilled."""
    reply = json_reply(to_json({"detail": detail}), status)
    reply.headers.update(headers or {})
    return reply


def page(text: str, status: int = 200) -> Response:
    """A page that is asked for afresh each time."""
    return HTMLResponse(text, status, {"cache-control": "no-store"})
