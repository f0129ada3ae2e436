"""What an application defines: its jobs, and what is called around them. Knows no store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar, Unpack, overload

from soniq.definition import JobKeywords, define
from soniq.enqueue import JobDecorator, JobFunction, Options, add_methods
from soniq.hooks import HookEvent, Hooks
from soniq.job import JobContext
from soniq.middleware import Middleware, checked
from soniq.registry import JobRegistry
from soniq.settings import SoniqSettings

P = ParamSpec("P")
R = TypeVar("R")
H = TypeVar("H", bound=Callable[..., Any])
M = TypeVar("M", bound=Middleware)


class Definitions(ABC):
    """The decorators of an application.

    Args:
        settings: where the defaults of a definition come from.
    """

    def __init__(self, settings: SoniqSettings) -> None:
        self._settings = settings
        self._registry = JobRegistry()
        self._hooks = Hooks()
        self._middleware: list[Middleware] = []

    @overload
    def job(
        self,
        function: Callable[Concatenate[JobContext, P], R],
        /,
        **keywords: Unpack[JobKeywords],
    ) -> JobFunction[Concatenate[JobContext, P], P, R]: ...

    @overload
    def job(
        self, function: Callable[P, R], /, **keywords: Unpack[JobKeywords]
    ) -> JobFunction[P, P, R]: ...

    @overload
    def job(self, /, **keywords: Unpack[JobKeywords]) -> JobDecorator: ...

    def job(self, function: Any = None, /, **keywords: Any) -> Any:
        """Register a handler: ``@app.job``, or ``@app.job(queue="mail", retries=5)``.

        Args:
            name: the job's name; derived from module and function if left out.
            retries, max_retries: further attempts after the first; `max_retries` wins.
            validate, args_model: pydantic model for all arguments; `validate` wins.
            priority: 1-1000, lower runs first.
            queue: where its jobs wait; left at "default" the setting `route_map` may decide.
            retry_delay: seconds, or a list with one entry an attempt.
            retry_backoff: double the delay with each attempt.
            retry_max_delay: seconds, the longest delay.
            retry_jitter: with `retry_backoff`, wait between half the delay and all of it.
            unique: one unfinished job for the same arguments.
            timeout: seconds a run may take; 0 for no limit.

        Returns:
            The function itself, which gains ``.enqueue()`` and ``.options()``.

        Raises:
            TypeError: an unknown keyword, or something that cannot be a handler.
            ValueError: a value out of bounds.
            SoniqError: SONIQ_INVALID_TASK_NAME.
        """
        if function is None:
            return lambda decorated: self._define(decorated, keywords)
        return self._define(function, keywords)

    def _define(self, function: Callable[..., Any], keywords: dict[str, Any]) -> Any:
        self._registry.register(define(function, keywords, self._settings))

        async def send(arguments: dict[str, Any], options: Options) -> str:
            return await self._send(function, arguments, options)

        add_methods(function, send)
        return function

    @abstractmethod
    async def _send(
        self, function: Callable[..., Any], arguments: dict[str, Any], options: Options
    ) -> str:
        """Enqueue one job of `function`; returns its id."""

    def before_job(self, hook: H) -> H:
        """Call `hook` just before each handler: with ``(ctx)``, or the fields it names."""
        return self._hooks.add(HookEvent.BEFORE_JOB, hook)

    def after_job(self, hook: H) -> H:
        """Call `hook` once a success is stored: with ``(ctx)``, or the fields it names."""
        return self._hooks.add(HookEvent.AFTER_JOB, hook)

    def on_error(self, hook: H) -> H:
        """Call `hook` when a run fails: with ``(ctx, error)``, or the fields it names."""
        return self._hooks.add(HookEvent.ON_ERROR, hook)

    def middleware(self, middleware: M) -> M:
        """Wrap every run: ``async def middleware(ctx, call_next)``; the first is outermost."""
        self._middleware.append(checked(middleware))
        return middleware
