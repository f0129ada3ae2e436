"""Hearing of edits of schedules, on a connection that is kept up for it."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager
from typing import Final

from soniq.backends.background import in_background
from soniq.backends.base import BackendError
from soniq.backends.patience import pauses
from soniq.backends.postgres.connection import Database
from soniq.backends.schedules import Edited
from soniq.errors import SoniqError

CHANNEL: Final = "soniq_schedule_edits"
_LONGEST_PAUSE: Final = 2.0

_log = logging.getLogger("soniq.postgres")


def watching(database: Database, edited: Edited) -> AbstractAsyncContextManager[None]:
    """Call `edited` upon every notification, and upon every connecting: some may be missed."""
    return in_background(_keep_listening(database, edited), "soniq-schedule-watch")


async def _keep_listening(database: Database, edited: Edited) -> None:
    waits = pauses(_LONGEST_PAUSE)
    while True:
        try:
            with database.translated():
                await _listen(database, edited)
            waits = pauses(_LONGEST_PAUSE)
        except (BackendError, SoniqError) as error:
            _log.debug("Edits of schedules cannot be heard of, trying again: %s", error)
        except Exception:  # noqa: BLE001 - it is tried again for as long as somebody wants to hear
            _log.exception("Edits of schedules cannot be heard of, trying again")
        await asyncio.sleep(next(waits))


async def _listen(database: Database, edited: Edited) -> None:
    """Listen until the connection ends."""
    connection = await database.connect()
    ended = asyncio.Event()
    try:
        connection.add_termination_listener(lambda _: ended.set())
        await connection.add_listener(CHANNEL, lambda *_: edited())
        edited()
        await ended.wait()
    finally:
        connection.terminate()
