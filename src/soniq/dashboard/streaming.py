"""``/api/events``: the stream of changes as server-sent events."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from soniq.dashboard.live import MOST_LISTENERS, Live
from soniq.dashboard.replies import problem


def events_route(live: Live) -> Route:
    """A stream that lasts until the visitor goes or the dashboard ends."""

    async def events(_: Request) -> Response:
        if live.is_full:
            return problem(
                503,
                f"{MOST_LISTENERS} pages are being kept up to date already; close some.",
                {"retry-after": "30"},
            )
        return StreamingResponse(
            live.listen(),
            media_type="text/event-stream",
            # A proxy that collects before it passes on would hold everything back.
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    return Route("/api/events", events, methods=["GET"])
