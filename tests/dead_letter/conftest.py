"""An application on each store, as the worker's tests have it, and its dead letters."""

from __future__ import annotations

from typing import Any

from soniq import Soniq
from tests.worker.conftest import app, make_app, store

__all__ = ["app", "give_up", "make_app", "store"]


async def give_up(
    app: Soniq, *args: dict[str, Any], name: str = "mail.send", **options: Any
) -> Any:
    """Ids of dead letters with these arguments, the one given up last at the end."""
    ids = []
    for each in args or ({},):
        ids.append(await app.enqueue(name, args=each, **options))
        assert await app.dead_letter.move(ids[-1])
    return ids
