"""The database of an app, for commands that look at it rather than at its jobs."""

from __future__ import annotations

from soniq.app import Soniq
from soniq.backends.base import Backend


async def opened(app: Soniq) -> Backend:
    """The app's backend, open. It may have no tables yet."""
    await app.ensure_initialized()
    backend = app.backend
    assert backend is not None, "an initialised app has a backend"
    return backend


async def answering(app: Soniq) -> str:
    """What and where the database is, once it has answered and shown its tables.

    Raises:
        SoniqError: the tables are missing, or those of another version.
        BackendError: it does not answer.
    """
    backend = await opened(app)
    await backend.ping()
    return f"{backend.name} ({backend.location})"
