"""The database of an app, for commands that look at it rather than at its jobs."""

from __future__ import annotations

from soniq.app import Soniq


async def answering(app: Soniq) -> str:
    """What and where the database is, once it has answered and shown its tables.

    Raises:
        SoniqError: it does not answer, or its tables are missing or those of another version.
    """
    location = await app._ping()
    kind = app.backend.name if app.backend is not None else "unknown"
    return f"{kind} ({location})"
