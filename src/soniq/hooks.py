"""Hooks: what users want called before and after each job, and when one fails.

A hook comes in one of two forms, which its parameters' names decide once, when it is registered:

- per field: it names any of the event's fields, in any order, or takes ``*args`` or ``**kwargs``;
- context: it takes the `JobContext`, and for ``on_error`` the exception, under any names.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import StrEnum
from inspect import Parameter
from typing import Any, Final, NamedTuple, TypeVar

from soniq.job import JobContext

F = TypeVar("F", bound=Callable[..., Any])


class HookEvent(StrEnum):
    """When a hook is called."""

    BEFORE_JOB = "before_job"
    AFTER_JOB = "after_job"
    ON_ERROR = "on_error"


class Moment(NamedTuple):
    """What a hook may be told about the run it is called for."""

    ctx: JobContext
    error: BaseException | None = None


Call = Callable[[Moment], Any]
"""A hook in its uniform form; what it returns is awaited if it can be."""

_FIELDS: Final[dict[HookEvent, tuple[str, ...]]] = {
    HookEvent.BEFORE_JOB: ("job_name", "job_id", "attempt"),
    HookEvent.AFTER_JOB: ("job_name", "job_id", "duration_ms"),
    HookEvent.ON_ERROR: ("job_name", "job_id", "error", "attempt"),
}
"""The fields of each event in the order in which ``*args`` receives them."""

_MORE_FIELDS: Final[dict[HookEvent, tuple[str, ...]]] = {
    HookEvent.BEFORE_JOB: (),
    HookEvent.AFTER_JOB: ("attempt",),
    HookEvent.ON_ERROR: ("duration_ms",),
}
"""Fields that a hook may also name."""

_TELLING: Final = frozenset({"job_name", "job_id", "attempt", "duration_ms"})
_OPEN: Final = (Parameter.VAR_POSITIONAL, Parameter.VAR_KEYWORD)


class Hooks:
    """The hooks of an application, by event, in the order of their registration."""

    def __init__(self) -> None:
        self._calls: dict[HookEvent, list[Call]] = {event: [] for event in HookEvent}

    def __bool__(self) -> bool:
        return any(self._calls.values())

    def copy(self) -> Hooks:
        """The same hooks, to which others may be added."""
        copied = Hooks()
        copied._calls = {event: list(calls) for event, calls in self._calls.items()}
        return copied

    def add(self, event: HookEvent, hook: F) -> F:
        """Register `hook` and return it unchanged.

        Raises:
            TypeError: it is not callable, or its parameters fit neither form.
        """
        self._calls[event].append(adapted(event, hook))
        return hook

    def of(self, event: HookEvent) -> Sequence[Call]:
        return self._calls[event]


def adapted(event: HookEvent, hook: Callable[..., Any]) -> Call:
    """`hook` in its uniform form.

    Raises:
        TypeError: it is not callable, or its parameters fit neither form.
    """
    if not callable(hook):
        raise TypeError(f"@app.{event} decorates a function, got {hook!r}")
    parameters = list(inspect.signature(hook).parameters.values())
    if not parameters:
        return lambda _: hook()
    if _is_per_field(event, parameters):
        return _per_field(event, hook, parameters)
    return _with_context(event, hook)


def _is_per_field(event: HookEvent, parameters: Sequence[Parameter]) -> bool:
    names = [parameter.name for parameter in parameters]
    if event is HookEvent.ON_ERROR and names == ["error"]:
        return True
    return any(parameter.kind in _OPEN or parameter.name in _TELLING for parameter in parameters)


def _per_field(event: HookEvent, hook: Callable[..., Any], parameters: Sequence[Parameter]) -> Call:
    fields = (*_FIELDS[event], *_MORE_FIELDS[event])
    named = [p for p in parameters if p.kind not in _OPEN]
    wanted = [p for p in named if p.name in fields]
    if any(p.default is Parameter.empty and p not in wanted for p in named):
        raise _misfit(event, hook)
    kinds = {p.kind for p in parameters}
    by_position = [p.name for p in wanted if p.kind is not Parameter.KEYWORD_ONLY]
    by_keyword = [p.name for p in wanted if p.kind is Parameter.KEYWORD_ONLY]
    if Parameter.VAR_POSITIONAL in kinds:
        by_position += [name for name in _FIELDS[event] if name not in {p.name for p in wanted}]
    elif Parameter.POSITIONAL_ONLY not in kinds:
        by_position, by_keyword = [], by_position + by_keyword
    if Parameter.VAR_KEYWORD in kinds and Parameter.VAR_POSITIONAL not in kinds:
        by_keyword += [n for n in _FIELDS[event] if n not in (*by_position, *by_keyword)]

    def call(moment: Moment) -> Any:
        values = _values(moment)
        return hook(
            *[values[name] for name in by_position], **{name: values[name] for name in by_keyword}
        )

    return call


def _values(moment: Moment) -> dict[str, Any]:
    ctx = moment.ctx
    return {
        "job_name": ctx.job_name,
        "job_id": ctx.job_id,
        "attempt": ctx.attempt,
        "duration_ms": ctx.duration_ms,
        "error": str(moment.error),
    }


def _with_context(event: HookEvent, hook: Callable[..., Any]) -> Call:
    given = 2 if event is HookEvent.ON_ERROR else 1
    try:
        inspect.signature(hook).bind(*[None] * given)
    except TypeError as error:
        raise _misfit(event, hook) from error
    if event is HookEvent.ON_ERROR:
        return lambda moment: hook(moment.ctx, moment.error)
    return lambda moment: hook(moment.ctx)


def _misfit(event: HookEvent, hook: Callable[..., Any]) -> TypeError:
    fields = ", ".join((*_FIELDS[event], *_MORE_FIELDS[event]))
    context = "(ctx, error)" if event is HookEvent.ON_ERROR else "(ctx)"
    name = getattr(hook, "__qualname__", repr(hook))
    return TypeError(
        f"{event} hook {name}{inspect.signature(hook)} fits neither form: take any of the fields "
        f"{fields} by name, or take {context}"
    )
