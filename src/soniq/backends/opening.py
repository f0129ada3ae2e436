"""A store that is opened by its first use, on the event loop that uses it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from soniq.backends.base import Backend
from soniq.backends.patience import Patience
from soniq.errors import (
    SONIQ_APP_CLOSED,
    SONIQ_DATABASE_UNAVAILABLE,
    SONIQ_INIT_ERROR,
    SoniqError,
)
from soniq.settings import SoniqSettings

_log = logging.getLogger("soniq.app")


@dataclass(frozen=True, slots=True)
class Opened:
    """An open store, for one event loop."""

    backend: Backend
    loop: asyncio.AbstractEventLoop
    patience: Patience


class Opening:
    """Opens and closes the store of one application.

    Args:
        build: makes the store, at first opening.
        settings: given to it.
        backend: the store, where it exists already.
    """

    def __init__(
        self, build: Callable[[], Backend], settings: SoniqSettings, backend: Backend | None = None
    ) -> None:
        self._build = build
        self._settings = settings
        self.backend = backend
        self.is_closed = False
        self._opened: Opened | None = None
        self._lock: tuple[asyncio.AbstractEventLoop, asyncio.Lock] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it was opened and not closed."""
        return self._opened is not None

    @property
    def location(self) -> str:
        """Where the store is, or would be."""
        return (self.backend or self._build()).location

    async def ready(self) -> Opened:
        """Return the store, opened on the running loop.

        Raises:
            SoniqError: SONIQ_APP_CLOSED, SONIQ_DATABASE_UNAVAILABLE, SONIQ_INIT_ERROR.
        """
        opened = self._opened
        loop = asyncio.get_running_loop()
        if opened is not None and opened.loop is loop:
            return opened
        async with self._lock_of(loop):
            if self.is_closed:
                raise _closed_error()
            opened = self._opened
            if opened is None or opened.loop is not loop:
                self._opened = opened = await self._open(loop)
            return opened

    async def reopen(self) -> None:
        """Open, also after `close`.

        Raises:
            SoniqError: SONIQ_INIT_ERROR.
        """
        closed_before, self.is_closed = self.is_closed, False
        try:
            await self.ready()
        except SoniqError as error:
            self.is_closed = closed_before
            if error.error_code == SONIQ_INIT_ERROR:
                raise
            raise _init_error(error) from error

    async def close(self, before: Callable[[], Awaitable[None]]) -> None:
        """Close the store after `before`; a second time only warns."""
        if self.is_closed:
            _log.warning("This Soniq instance is closed already; nothing was done")
            return
        self.is_closed = True
        async with self._lock_of(asyncio.get_running_loop()):
            opened, self._opened = self._opened, None
        if opened is None:
            return
        try:
            if opened.loop is asyncio.get_running_loop():
                await before()
        finally:
            await opened.backend.close()

    def _lock_of(self, loop: asyncio.AbstractEventLoop) -> asyncio.Lock:
        if self._lock is None or self._lock[0] is not loop:
            self._lock = (loop, asyncio.Lock())
        return self._lock[1]

    async def _open(self, loop: asyncio.AbstractEventLoop) -> Opened:
        try:
            backend = self.backend or self._build()
            if self._opened is not None:
                # Its connections belong to a loop that has ended.
                await backend.close()
            patience = await self._open_patiently(backend)
        except Exception as error:
            if _is_unavailable(error):
                raise
            raise _init_error(error) from error
        self.backend = backend
        return Opened(backend, loop, patience)

    async def _open_patiently(self, backend: Backend) -> Patience:
        settings = self._settings
        patience = Patience(settings.database_timeout, settings.error_retry_delay, backend.location)
        try:
            await patience.call(lambda: backend.open(settings))
        except BaseException:
            await backend.close()
            raise
        return patience


def _closed_error() -> SoniqError:
    return SoniqError(
        "This Soniq instance has been closed",
        SONIQ_APP_CLOSED,
        suggestions=["Call `await app.ensure_initialized()` to open it again."],
    )


def _is_unavailable(error: Exception) -> bool:
    return isinstance(error, SoniqError) and error.error_code == SONIQ_DATABASE_UNAVAILABLE


def _init_error(cause: Exception) -> SoniqError:
    reason = cause.message if isinstance(cause, SoniqError) else f"{type(cause).__name__}: {cause}"
    return SoniqError(
        f"Soniq could not be initialised: {reason}",
        SONIQ_INIT_ERROR,
        cause.context if isinstance(cause, SoniqError) else None,
        cause.suggestions if isinstance(cause, SoniqError) else ["See the error this comes from."],
    )
