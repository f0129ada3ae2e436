"""What a decorated handler gains: `.enqueue()` and `.options()`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, Protocol, TypeVar, Unpack, overload

from soniq.definition import derived_name
from soniq.enqueue.options import EnqueueOptions, Options
from soniq.job import JobContext
from soniq.spelling import refuse_unknown

P = ParamSpec("P")
Call = ParamSpec("Call")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

Send = Callable[[dict[str, Any], Options], Awaitable[str]]
"""Enqueues one job of a handler: its arguments, and the options."""


class EnqueueCall(Protocol[P]):
    """What ``.options(...)`` gives."""

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Store a job; every keyword is an argument of the job. Returns its id."""
        ...


class JobFunction(Protocol[Call, P, R_co]):
    """A decorated handler. Calling it calls the handler, in this process and at once."""

    __name__: str

    def __call__(self, *args: Call.args, **kwargs: Call.kwargs) -> R_co: ...

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> str:
        """Store a job; every keyword is an argument of the job. Returns its id."""
        ...

    def options(self, **options: Unpack[EnqueueOptions]) -> EnqueueCall[P]:
        """Say where, when and how to run the job that ``.enqueue()`` is about to store."""
        ...


class JobDecorator(Protocol):
    """What ``@app.job(...)`` gives: it decorates a handler."""

    @overload
    def __call__(
        self, function: Callable[Concatenate[JobContext, P], R], /
    ) -> JobFunction[Concatenate[JobContext, P], P, R]: ...

    @overload
    def __call__(self, function: Callable[P, R], /) -> JobFunction[P, P, R]: ...


class BoundCall(Generic[P]):
    """Options waiting for their job's arguments."""

    def __init__(self, send: Send, options: Options) -> None:
        self._send = send
        self._options = options

    async def enqueue(self, *args: P.args, **kwargs: P.kwargs) -> str:
        return await enqueue_by_keywords(self._send, args, kwargs, self._options)


async def enqueue_by_keywords(
    send: Send, args: tuple[Any, ...], kwargs: dict[str, Any], options: Options
) -> str:
    """Enqueue, every keyword a job argument.

    Raises:
        TypeError: arguments were given by position.
    """
    refuse_positional(".enqueue()", args)
    return await send(kwargs, options)


def refuse_positional(call: str, given: Sequence[object]) -> None:
    """Refuse what `call` was given by position.

    Raises:
        TypeError: something was.
    """
    if given:
        raise TypeError(
            f"{call} takes job arguments by keyword only, got {len(given)} by position; give each "
            "its name, as in user_id=42"
        )


def add_methods(function: Callable[..., Any], send: Send) -> None:
    """Give `function` its `.enqueue` and `.options`; attributes it already has are left alone."""

    async def enqueue(*args: Any, **kwargs: Any) -> str:
        return await enqueue_by_keywords(send, args, kwargs, Options())

    def options(**given: Any) -> BoundCall[...]:
        refuse_unknown(".options()", given, EnqueueOptions.__annotations__)
        return BoundCall(send, Options(**given))

    for name, method in (("enqueue", enqueue), ("options", options)):
        if not hasattr(function, name):
            # Python's warning of a forgotten await names it so.
            method.__qualname__ = f"{derived_name(function)}.{name}"
            _set(function, name, method)


def _set(function: Callable[..., Any], name: str, method: Callable[..., Any]) -> None:
    try:
        setattr(function, name, method)
    except AttributeError:
        # A bound method or a built-in takes no attributes; app.enqueue(function) still works.
        return
