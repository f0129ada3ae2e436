"""Middleware: coroutines around each run's handler, composed once."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, Protocol, TypeVar

from soniq.job import JobContext

Handler = Callable[[JobContext], Awaitable[Any]]
"""Runs the handler, or the rest of the middleware and then the handler."""


class Middleware(Protocol):
    """``async def middleware(ctx, call_next)``: awaits ``call_next(ctx)`` for the result.

    It may change the result, not call `call_next` at all, or raise, which fails the run.
    """

    def __call__(self, ctx: JobContext, call_next: Handler, /) -> Awaitable[Any]: ...


M = TypeVar("M", bound=Middleware)


def checked(middleware: M) -> M:
    """Return `middleware` if it can be one.

    Raises:
        TypeError: it is no coroutine function of two parameters.
    """
    if not _is_async(middleware):
        raise TypeError(
            f"@app.middleware decorates 'async def middleware(ctx, call_next)', got {middleware!r}"
        )
    try:
        inspect.signature(middleware).bind(None, None)
    except TypeError as error:
        raise TypeError(
            f"middleware {getattr(middleware, '__qualname__', middleware)!r} must take (ctx, "
            f"call_next), and takes {inspect.signature(middleware)}"
        ) from error
    return middleware


def _is_async(call: Any) -> bool:
    while isinstance(call, partial):
        call = call.func
    # A plain function, or an object whose own method tells whether it is async.
    if not inspect.isroutine(call):
        call = getattr(call, "__call__", None)  # noqa: B004
    return inspect.iscoroutinefunction(call)


def composed(stack: Sequence[Middleware], handler: Handler) -> Handler:
    """`handler` wrapped in `stack`, whose first is outermost."""
    for middleware in reversed(stack):
        handler = _around(middleware, handler)
    return handler


def _around(middleware: Middleware, inner: Handler) -> Handler:
    def call(ctx: JobContext) -> Awaitable[Any]:
        return middleware(ctx, inner)

    return call
