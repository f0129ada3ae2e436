"""From the keywords of ``@app.job`` to a `JobDefinition`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any, Final, TypedDict

from pydantic import BaseModel

from soniq.arguments import ArgumentCodec
from soniq.limits import MOST_RETRIES, check_priority, check_queue, check_seconds
from soniq.registry import JobDefinition
from soniq.settings import SoniqSettings
from soniq.signature import read_signature
from soniq.spelling import refuse_unknown
from soniq.task_ref import check_model, check_name

Seconds = float | timedelta
DEFAULT_QUEUE: Final = "default"
_MAIN_MODULES: Final = frozenset({"__main__", "__mp_main__"})


class JobKeywords(TypedDict, total=False):
    """The keywords of ``@app.job``."""

    name: str | None
    retries: int | None
    max_retries: int | None
    validate: type[BaseModel] | None
    args_model: type[BaseModel] | None
    priority: int | None
    queue: str | None
    retry_delay: Seconds | Sequence[Seconds]
    retry_backoff: bool
    retry_max_delay: Seconds | None
    retry_jitter: bool
    unique: bool
    timeout: Seconds | None


def define(
    function: Callable[..., Any], keywords: Mapping[str, Any], settings: SoniqSettings
) -> JobDefinition:
    """Make the definition of a handler.

    Args:
        function: the handler.
        keywords: those of `JobKeywords`.
        settings: where the defaults come from.

    Raises:
        TypeError: an unknown keyword, or a handler that cannot be one.
        ValueError: a value out of its bounds.
        SoniqError: SONIQ_INVALID_TASK_NAME.
    """
    refuse_unknown("@app.job", keywords, JobKeywords.__annotations__)
    check_handler(function)
    signature = read_signature(function)
    explicit = keywords.get("name")
    name = derived_name(function)
    if explicit is not None:
        name = check_name(explicit, settings.task_name_pattern)
    return JobDefinition(
        name=name,
        function=function,
        is_async=_is_async(function),
        arguments=ArgumentCodec(function, signature, _model(keywords), settings.redact),
        queue=_queue(name, keywords, settings),
        priority=_priority(keywords.get("priority")),
        max_retries=_retries(keywords, settings),
        retry_delay=_retry_delay(keywords.get("retry_delay", 0)),
        retry_backoff=bool(keywords.get("retry_backoff", False)),
        retry_max_delay=_seconds("retry_max_delay", keywords.get("retry_max_delay")),
        retry_jitter=bool(keywords.get("retry_jitter", True)),
        unique=bool(keywords.get("unique", False)),
        timeout=_seconds("timeout", keywords.get("timeout")),
        context_parameter=signature.context_parameter,
        takes_delay="delay" in signature.names,
    )


def route(name: str, settings: SoniqSettings) -> str:
    """The queue of a job that names none: of the longest prefix in `route_map`, else "default".

    Raises:
        ValueError: the setting names what can be no queue.
    """
    prefixes = [prefix for prefix in settings.route_map if name.startswith(prefix)]
    return check_queue(settings.route_map[max(prefixes, key=len)]) if prefixes else DEFAULT_QUEUE


def derived_name(function: Callable[..., Any]) -> str:
    """Module and function name; a module run as a script goes by the name others import it by."""
    while isinstance(function, partial):
        function = function.func
    module = getattr(function, "__module__", None) or type(function).__module__
    if module in _MAIN_MODULES:
        module = _importable(sys.modules[module])
    return f"{module}.{getattr(function, '__name__', type(function).__name__)}"


def _importable(main: ModuleType) -> str:
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None and spec.name not in _MAIN_MODULES:
        return str(spec.name)
    return Path(file).stem if file else "main"


def check_handler(function: Any) -> None:
    """Refuse what cannot be a handler.

    Raises:
        TypeError: it is no function, or its call would run nothing.
    """
    if not callable(function) or isinstance(function, type):
        kind = f"the class {function.__name__}" if isinstance(function, type) else repr(function)
        raise TypeError(
            f"@app.job decorates a function, got {kind}; write @app.job or @app.job(...) above "
            "a def or async def"
        )
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise TypeError(
            f"{derived_name(function)} is a generator: calling it runs nothing; a job returns "
            "instead of yielding"
        )


def _is_async(function: Callable[..., Any]) -> bool:
    call = getattr(function, "__call__", None)  # noqa: B004 - a callable object may be async
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def _model(keywords: Mapping[str, Any]) -> type[BaseModel] | None:
    args_model = check_model("args_model", keywords.get("args_model"))
    return check_model("validate", keywords.get("validate")) or args_model


def _queue(name: str, keywords: Mapping[str, Any], settings: SoniqSettings) -> str:
    given = keywords.get("queue")
    queue = DEFAULT_QUEUE if given is None else check_queue(given)
    return route(name, settings) if queue == DEFAULT_QUEUE else queue


def _retries(keywords: Mapping[str, Any], settings: SoniqSettings) -> int:
    for keyword in ("max_retries", "retries"):
        value = keywords.get(keyword)
        if value is None:
            continue
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MOST_RETRIES:
            raise ValueError(
                f"{keyword} must be a whole number from 0 to {MOST_RETRIES}, got {value!r}"
            )
        return value
    return settings.max_retries


def _retry_delay(value: Any) -> float | tuple[float, ...]:
    if isinstance(value, list | tuple):
        return tuple(check_seconds("retry_delay", one) for one in value)
    return check_seconds("retry_delay", value)


def _seconds(label: str, value: Any) -> float | None:
    return None if value is None else check_seconds(label, value)


def _priority(value: Any) -> int | None:
    return None if value is None else check_priority(value)
