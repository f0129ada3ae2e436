"""What is sent with a request."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from soniq.dashboard.operations import Refused

MOST_BYTES: Final = 64 * 1024


async def read_body(request: Request, most: int = MOST_BYTES) -> bytes:
    """All of it.

    Raises:
        Refused: it is larger than `most` bytes.
    """
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise Refused(413, f"A request may send {most} bytes at most.")
        parts.append(part)
    return b"".join(parts)
