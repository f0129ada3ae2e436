"""``/health``: for probes, which know no key."""

from __future__ import annotations

import asyncio
from typing import Final

from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from soniq.backends.base import BackendError
from soniq.dashboard.desk import Desk
from soniq.dashboard.replies import json_reply
from soniq.errors import SoniqError

_PATIENCE: Final = 5.0


async def database_answers(desk: Desk) -> bool:
    """Whether the database answers within some seconds and its tables fit."""
    try:
        async with asyncio.timeout(_PATIENCE):
            await desk.ask(lambda backend: backend.ping())
    except (SoniqError, BackendError, TimeoutError):
        return False
    return True


def health_route(desk: Desk) -> Route:
    """200 while the database answers, else 503."""

    async def health(_: Request) -> Response:
        healthy = await database_answers(desk)
        status = "healthy" if healthy else "unhealthy"
        return json_reply(to_json({"status": status}), 200 if healthy else 503)

    return Route("/health", health, methods=["GET"])
