"""The database of an app, for commands that look at it rather than at its jobs."""

from __future__ import annotations

from dataclasses import dataclass

from soniq.app import Soniq


@dataclass(frozen=True, slots=True)
class Place:
    """What and where a database is, fit to be shown."""

    backend: str
    location: str

    def __str__(self) -> str:
        return f"{self.backend} at {self.location}"


async def answering(app: Soniq) -> Place:
    """The app's database, once it has answered and shown its tables.

    Raises:
        SoniqError: it does not answer, or its tables are missing or those of another version.
    """
    location = await app._ping()
    return Place(app.backend.name if app.backend is not None else "unknown", location)
