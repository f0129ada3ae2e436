"""The jobs an application knows, by name."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from soniq.arguments import ArgumentCodec

_log = logging.getLogger("soniq.app")


@dataclass(frozen=True, slots=True, kw_only=True)
class JobDefinition:
    """A handler and everything its registration said about it.

    Attributes:
        priority: None means the setting.
        timeout: seconds, 0 for none; None means the setting.
        context_parameter: the parameter that receives the `JobContext`.
        meta: the options by name, as retry policies see them.
    """

    name: str
    function: Callable[..., Any]
    is_async: bool
    arguments: ArgumentCodec
    queue: str = "default"
    priority: int | None = None
    max_retries: int = 3
    retry_delay: float | tuple[float, ...] = 0.0
    retry_backoff: bool = False
    retry_max_delay: float | None = None
    retry_jitter: bool = True
    unique: bool = False
    timeout: float | None = None
    context_parameter: str | None = None
    stands_for: Callable[..., Any] | None = None
    """The handler that was decorated, where `function` is wrapped around it."""
    takes_delay: bool = False
    """Whether the handler has a job argument named ``delay``."""
    meta: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "meta", MappingProxyType(_meta(self)))


def _meta(definition: JobDefinition) -> dict[str, Any]:
    return {
        "name": definition.name,
        "queue": definition.queue,
        "priority": definition.priority,
        "max_retries": definition.max_retries,
        "retry_delay": definition.retry_delay,
        "retry_backoff": definition.retry_backoff,
        "retry_max_delay": definition.retry_max_delay,
        "retry_jitter": definition.retry_jitter,
        "unique": definition.unique,
        "timeout": definition.timeout,
    }


class JobRegistry:
    """Definitions by name and by function."""

    def __init__(self) -> None:
        self._by_name: dict[str, JobDefinition] = {}
        self._by_function: dict[Callable[..., Any], JobDefinition] = {}

    def register(self, definition: JobDefinition) -> None:
        """Add `definition`; it replaces an earlier one of the same name."""
        earlier = self._by_name.get(definition.name)
        if earlier is not None and earlier.function is not definition.function:
            _log.warning(
                "Job %s is registered twice: %s replaces %s",
                definition.name,
                _place(definition.function),
                _place(earlier.function),
            )
            self._forget(earlier)
        self._by_name[definition.name] = definition
        for function in (definition.function, definition.stands_for):
            if function is not None and function.__hash__ is not None:
                self._by_function[function] = definition

    def _forget(self, definition: JobDefinition) -> None:
        for function in [key for key, one in self._by_function.items() if one is definition]:
            del self._by_function[function]

    def get(self, name: str) -> JobDefinition | None:
        """The definition of that name."""
        return self._by_name.get(name)

    def of(self, function: Callable[..., Any]) -> JobDefinition | None:
        """The definition of that function, also through decorators that wrap it."""
        seen: Any = function
        while seen is not None:
            if seen.__hash__ is not None and (found := self._by_function.get(seen)) is not None:
                return found
            seen = getattr(seen, "__wrapped__", None)
        return None

    def get_job(self, name: str) -> Mapping[str, Any] | None:
        """The options of that job by name, ``max_retries`` among them, or None."""
        definition = self._by_name.get(name)
        return definition.meta if definition else None

    def names(self) -> tuple[str, ...]:
        """The names of all jobs, in the order of their registration."""
        return tuple(self._by_name)


def _place(function: Callable[..., Any]) -> str:
    """Where a function is written, for people."""
    code = getattr(function, "__code__", None)
    name = f"{function.__module__}.{getattr(function, '__qualname__', type(function).__name__)}"
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code else name
