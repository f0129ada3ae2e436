"""A store that is opened by its first use, once for every event loop that uses it."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Final

from soniq.backends.base import Backend
from soniq.backends.patience import Patience
from soniq.errors import (
    SONIQ_APP_CLOSED,
    SONIQ_DATABASE_UNAVAILABLE,
    SONIQ_INIT_ERROR,
    SoniqError,
)
from soniq.logs import soniq_logger
from soniq.settings import SoniqSettings

_log = soniq_logger("soniq.app")

_FAREWELL: Final = 10.0
"""Seconds to wait for the loop of another thread to close its opening, or for what is beginning."""

Loop = asyncio.AbstractEventLoop


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class Opened:
    """An open store, for one event loop."""

    backend: Backend
    loop: Loop
    patience: Patience
    before_close: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What is to end before the store is closed, on its loop."""
    farewells: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """What comes before that, and may still use the store as ever."""
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held while what goes with the store begins, or ends."""


Begin = Callable[[Opened], Awaitable[bool]]
"""Begins what goes with an opened store; False when it is too early for that."""

_amid: ContextVar[tuple[Opened, ...]] = ContextVar("soniq_amid", default=())
"""What is beginning or ending on behalf of whoever asks, and so need not be waited for."""


class Opening:
    """Opens and closes the store of one application.

    Connections belong to the loop that made them, so each loop has an opening of its own, which
    ends with `close` or with its loop, whichever comes first.

    Args:
        build: makes the store, at first opening.
        settings: given to it.
        backend: the store, where it exists already.
        begin: what goes with the store begins by it, each time it is opened.
    """

    def __init__(
        self,
        build: Callable[[], Backend],
        settings: SoniqSettings,
        backend: Backend | None = None,
        begin: Begin | None = None,
    ) -> None:
        self._build = build
        self._begin_with = begin
        self._settings = settings
        self.backend = backend
        self.is_closed = False
        self.is_open = False
        """Whether it was opened and not closed."""
        self._first = backend
        self._inherited: list[object] = []
        self._begin_empty()

    def _begin_empty(self) -> None:
        self._pid = os.getpid()
        self._guard = threading.Lock()
        self._opened: dict[Loop, Opened] = {}
        self._complete: dict[Loop, Opened] = {}
        self._in_use: dict[Loop, Backend] = {}
        self._lifetimes: dict[Loop, AsyncGenerator[None, None]] = {}
        self._locks: dict[Loop, asyncio.Lock] = {}

    @property
    def location(self) -> str:
        """Where the store is, or would be."""
        return (self._first or self._build()).location

    async def ready(self) -> Opened:
        """Return the store, opened on the running loop, with what goes with it.

        Raises:
            SoniqError: SONIQ_APP_CLOSED, SONIQ_DATABASE_UNAVAILABLE, SONIQ_INIT_ERROR.
        """
        complete = self._complete.get(asyncio.get_running_loop())
        if complete is not None:
            return complete
        while True:
            opened = await self.store()
            if opened in _amid.get():
                return opened
            async with opened.turn:
                # Meanwhile it may have been closed, or another's try to begin may have failed.
                if self._is_open(opened):
                    await self._begin_or_close(opened)
            if self._is_open(opened):
                return opened

    async def begin(self, opened: Opened) -> None:
        """Begin what goes with the store, if it has not begun, and if it is not too early.

        Whatever it raises passes through. What is beginning may use the store itself.
        """
        if opened in _amid.get():
            return
        async with opened.turn:
            if self._is_open(opened):
                await self._begin(opened)

    def _is_open(self, opened: Opened) -> bool:
        return self._opened.get(opened.loop) is opened

    async def _begin_or_close(self, opened: Opened) -> None:
        try:
            await self._begin(opened)
        except BaseException as error:
            if self._is_open(opened):
                await self._end(opened.loop)
            self.is_open = bool(self._opened)
            if not isinstance(error, Exception) or _is_initial(error):
                raise
            raise _init_error(error) from error

    async def _begin(self, opened: Opened) -> None:
        if opened.loop in self._complete:
            return
        with _in_midst_of(opened):
            complete = self._begin_with is None or await self._begin_with(opened)
        if complete and self._is_open(opened):
            self._complete[opened.loop] = opened

    async def store(self) -> Opened:
        """Return the store, opened on the running loop, whether or not the rest has begun.

        Raises:
            SoniqError: SONIQ_APP_CLOSED, SONIQ_DATABASE_UNAVAILABLE, SONIQ_INIT_ERROR.
        """
        loop = asyncio.get_running_loop()
        opened = self._opened.get(loop)
        if opened is not None:
            return opened
        self._notice_fork()
        async with self._lock_of(loop):
            if self.is_closed:
                raise _closed_error()
            return self._opened.get(loop) or await self._open(loop)

    async def reopen(self) -> None:
        """Open, also after `close`.

        Raises:
            SoniqError: SONIQ_INIT_ERROR.
        """
        closed_before, self.is_closed = self.is_closed, False
        try:
            await self.ready()
        except SoniqError as error:
            self.is_closed = self.is_closed or closed_before
            if error.error_code == SONIQ_INIT_ERROR:
                raise
            raise _init_error(error) from error

    async def close(self) -> None:
        """Close the store on every loop; a second time only warns."""
        if self.is_closed:
            _log.warning("This Soniq instance is closed already; nothing was done")
            return
        self.is_closed = True
        self._notice_fork()
        for loop in list(self._locks):
            await self._close_on(loop)
        self.is_open = False

    # --- one loop ------------------------------------------------------------------------------

    def _lock_of(self, loop: Loop) -> asyncio.Lock:
        return self._locks.setdefault(loop, asyncio.Lock())

    async def _open(self, loop: Loop) -> Opened:
        try:
            await self._forget_ended_loops()
            backend = self._vacant(loop)
            opened = Opened(backend, loop, await self._open_patiently(backend))
        except BaseException as error:
            self._in_use.pop(loop, None)
            if not isinstance(error, Exception) or _is_unavailable(error):
                raise
            raise _init_error(error) from error
        self.backend = self._first
        self.is_open = True
        self._opened[loop] = opened
        self._lifetimes[loop] = self._lifetime(opened)
        await anext(self._lifetimes[loop])
        return opened

    def _vacant(self, loop: Loop) -> Backend:
        """A backend that no other loop is using."""
        with self._guard:
            self._first = backend = self._first or self._build()
            if any(used is backend for used in self._in_use.values()):
                backend = backend.sibling()
            self._in_use[loop] = backend
        return backend

    async def _open_patiently(self, backend: Backend) -> Patience:
        settings = self._settings
        patience = Patience(settings.database_timeout, settings.error_retry_delay, backend.location)
        try:
            await patience.call(lambda: backend.open(settings), share=1.0)
        except BaseException:
            await backend.close()
            raise
        return patience

    async def _lifetime(self, opened: Opened) -> AsyncGenerator[None, None]:
        """Lasts as long as the opening.

        A loop that ends (`asyncio.run` returns) closes its asynchronous generators while it can
        still run: the one chance to take leave of the server when nobody called `close`.
        """
        try:
            yield
        finally:
            try:
                with _in_midst_of(opened):
                    for farewell in opened.farewells:
                        await farewell()
            finally:
                await self._leave(opened)

    async def _leave(self, opened: Opened) -> None:
        for kept in (self._complete, self._opened, self._lifetimes):
            kept.pop(opened.loop, None)
        try:
            for end in opened.before_close:
                await end()
        finally:
            await opened.backend.close()
            self._in_use.pop(opened.loop, None)

    # --- other loops ---------------------------------------------------------------------------

    async def _close_on(self, loop: Loop) -> None:
        if loop is asyncio.get_running_loop():
            await self._end_in_turn(loop)
        elif loop.is_running():
            await self._ask_to_end(loop)
        else:
            await self._abandon(loop)

    async def _ask_to_end(self, loop: Loop) -> None:
        ending = asyncio.run_coroutine_threadsafe(self._end_in_turn(loop), loop)
        done, _ = await asyncio.wait([asyncio.wrap_future(ending)], timeout=_FAREWELL)
        for ended in done:
            ended.result()
        if not done:
            _log.warning(
                "The event loop of another thread has not run for %g seconds; the connections"
                " of this instance there are closed as soon as it runs again",
                _FAREWELL,
            )

    async def _end_in_turn(self, loop: Loop) -> None:
        """End after what is beginning, which would otherwise begin on a closed store."""
        async with self._lock_of(loop):
            opened = self._opened.get(loop)
        async with AsyncExitStack() as held:
            if opened is not None and opened not in _amid.get():
                with suppress(TimeoutError):  # something hangs: it ends without
                    async with asyncio.timeout(_FAREWELL):
                        await held.enter_async_context(opened.turn)
            await self._end(loop)

    async def _end(self, loop: Loop) -> None:
        # Under the lock: an opening under way ends first, so that nothing of it stays open.
        async with self._lock_of(loop):
            lifetime = self._lifetimes.get(loop)
            if lifetime is not None:
                await lifetime.aclose()

    async def _abandon(self, loop: Loop) -> None:
        """Give back what a loop that runs no more has left open."""
        self._locks.pop(loop, None)
        self._lifetimes.pop(loop, None)
        self._complete.pop(loop, None)
        opened = self._opened.pop(loop, None)
        if opened is not None:
            await opened.backend.close()
        self._in_use.pop(loop, None)

    async def _forget_ended_loops(self) -> None:
        for loop in list(self._locks):
            if loop.is_closed():
                await self._abandon(loop)

    def _notice_fork(self) -> None:
        """In a forked process: leave what was open to the parent, and begin anew.

        It is kept, not closed: the sockets are the parent's too.
        """
        if self._pid == os.getpid():
            return
        self._inherited.append((self._first, self._opened, self._complete, self._lifetimes))
        self._begin_empty()
        if self._first is not None:
            self._first = self._first.sibling()
        if self.backend is not None:
            self.backend = self._first


@contextmanager
def _in_midst_of(opened: Opened) -> Iterator[None]:
    token = _amid.set((*_amid.get(), opened))
    try:
        yield
    finally:
        _amid.reset(token)


def _closed_error() -> SoniqError:
    return SoniqError(
        "This Soniq instance has been closed",
        SONIQ_APP_CLOSED,
        suggestions=["Call `await app.ensure_initialized()` to open it again."],
    )


def _is_unavailable(error: Exception) -> bool:
    return isinstance(error, SoniqError) and error.error_code == SONIQ_DATABASE_UNAVAILABLE


def _is_initial(error: Exception) -> bool:
    codes = (SONIQ_INIT_ERROR, SONIQ_DATABASE_UNAVAILABLE)
    return isinstance(error, SoniqError) and error.error_code in codes


def _init_error(cause: Exception) -> SoniqError:
    reason = cause.message if isinstance(cause, SoniqError) else f"{type(cause).__name__}: {cause}"
    return SoniqError(
        f"Soniq could not be initialised: {reason}",
        SONIQ_INIT_ERROR,
        cause.context if isinstance(cause, SoniqError) else None,
        cause.suggestions if isinstance(cause, SoniqError) else ["See the error this comes from."],
    )
