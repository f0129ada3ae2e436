"""The record of what is done through the dashboard.

An entry is stored before the deed and completed after it. A deed may take many transactions, and
the process may end in its midst; so there is no change without an entry, and one that was never
completed says so.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

from pydantic_core import to_json

from soniq.backends.base import BackendError
from soniq.dashboard.operations import Asked, Operation, Refused
from soniq.errors import SoniqError

Answer = TypeVar("Answer")

_LONGEST: Final = 1000
_BEGUN: Final = "begun"

_log = logging.getLogger("soniq.dashboard")


async def recorded(
    operation: Operation, asked: Asked[Any, Any], call: Callable[[], Awaitable[Answer]]
) -> Answer:
    """Do what was asked, and keep a record of it if it is to change anything."""
    if operation.action is None or getattr(asked.body, "dry_run", False):
        return await call()
    async with _entry(asked, operation.action) as note:
        answer = await call()
        note.append(str(getattr(answer, "message", "done")))
    asked.desk.memo.forget()
    return answer


@asynccontextmanager
async def _entry(asked: Asked[Any, Any], action: str) -> AsyncIterator[list[str]]:
    """An entry that is completed with the last note, or with what went wrong."""
    visitor = asked.visitor
    target = _target(asked)
    entry_id = await asked.desk.look_up(
        lambda one: one.begin_audit(
            actor=visitor.actor,
            action=action,
            target=target,
            address=visitor.address,
            detail=_BEGUN,
        )
    )
    notes: list[str] = []
    try:
        yield notes
    except Refused as refusal:
        notes.append(f"refused: {refusal.detail}")
        raise
    except Exception as error:
        notes.append(f"failed: {type(error).__name__}")
        raise
    finally:
        if notes:
            await _complete(asked, entry_id, notes[-1])


async def _complete(asked: Asked[Any, Any], entry_id: str, note: str) -> None:
    try:
        await asked.desk.look_up(lambda one: one.end_audit(entry_id, storable(note)))
    except (SoniqError, BackendError) as error:
        # What was done is done, and its entry is there.
        _log.warning("The entry %s of the audit could not be completed: %s", entry_id, error)


def _target(asked: Asked[Any, Any]) -> str:
    """What it is done to: the name or id in the path, else the filter that was sent."""
    if asked.path:
        return storable(next(iter(asked.path.values())))
    told: dict[str, Any] = asked.body.model_dump(mode="json", exclude_none=True)
    return storable(to_json(told.get("filter", {})).decode())


def storable(text: str) -> str:
    """As much of a text as every store can hold."""
    clean = text.replace("\0", "").encode("utf-8", "replace").decode()
    return clean if len(clean) <= _LONGEST else f"{clean[: _LONGEST - 3]}..."
