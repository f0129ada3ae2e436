"""What an application defines: its jobs, and what is called around them. Knows no store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar, Unpack, cast, overload

from soniq.arguments import InvalidArguments
from soniq.definition import JobKeywords, define
from soniq.enqueue import JobDecorator, JobFunction, Options, add_methods
from soniq.enqueue.resolver import invalid_arguments
from soniq.errors import SONIQ_APP_FROZEN, SoniqError
from soniq.hooks import HookEvent, Hooks
from soniq.job import JobContext
from soniq.middleware import Middleware, checked
from soniq.observability.metrics import MetricsSink, NoopMetricsSink
from soniq.periodic import Declarations, Plan, plan
from soniq.plugins import Plugin
from soniq.plugins.installed import Plugins
from soniq.registry import JobDefinition, JobRegistry
from soniq.retry import ExponentialBackoff, RetryPolicy
from soniq.settings import SoniqSettings

P = ParamSpec("P")
R = TypeVar("R")
H = TypeVar("H", bound=Callable[..., Any])
M = TypeVar("M", bound=Middleware)
G = TypeVar("G", bound=Plugin)


class Definitions(ABC):
    """The decorators of an application, and the parts that it may be given.

    Args:
        settings: where the defaults of a definition come from.
        retry_policy: None is `ExponentialBackoff`.
        metrics_sink: None reports nothing.
    """

    def __init__(
        self,
        settings: SoniqSettings,
        retry_policy: RetryPolicy | None = None,
        metrics_sink: MetricsSink | None = None,
    ) -> None:
        self._settings = settings
        self._retry_policy = _policy(retry_policy)
        self._metrics_sink = _sink(metrics_sink)
        self._registry = JobRegistry()
        self._hooks = Hooks()
        self._middleware: list[Middleware] = []
        self._declarations = Declarations()
        self._members: dict[str, Plugin] = {}
        self._plugins = Plugins(self._members)

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

    def periodic(
        self,
        *,
        cron: str | timedelta | None = None,
        every: timedelta | float | str | None = None,
        timezone: str | None = None,
        catch_up: str | None = None,
        overlap: str | None = None,
        jitter: timedelta | float | None = None,
        schedule_args: dict[str, Any] | None = None,
        schedule_name: str | None = None,
        **keywords: Unpack[JobKeywords],
    ) -> JobDecorator:
        """Register a handler that is enqueued again and again: ``@app.periodic(cron="@daily")``.

        Nothing is stored until a scheduler starts. Several of these on one handler, with a
        `schedule_name` each, are several schedules of its job.

        Args:
            cron: when: 5 fields, 6 with seconds first, or a macro such as ``@daily``.
            every: instead of `cron`, an interval: a timedelta or seconds, at least one.
            timezone: IANA name of the zone of `cron`; UTC if left out.
            catch_up: what becomes of missed runs: ``skip``, ``one`` for all of them (the default),
                or ``all``.
            overlap: ``skip`` passes over a due time while the last job is unfinished; ``allow``
                (the default) does not.
            jitter: seconds; each run is put off by a random part of it.
            schedule_args: the job's arguments.
            schedule_name: of the schedule; left out, the job's.
            keywords: those of `job`.

        Raises:
            TypeError: an unknown keyword, or something that cannot be a handler.
            ValueError: a value that means nothing, named at the start of the message.
            SoniqError: SONIQ_INVALID_TASK_NAME, SONIQ_TASK_ARGS_INVALID.
        """
        planned = plan(
            cron=cron,
            every=every,
            timezone=timezone,
            catch_up=catch_up,
            overlap=overlap,
            jitter=jitter,
            name=schedule_name,
        )

        def declare(function: Callable[..., Any]) -> Any:
            defined = self._define(function, {**keywords})
            self._declare(function, planned, schedule_args)
            return defined

        return cast(JobDecorator, declare)

    def _declare(
        self, function: Callable[..., Any], planned: Plan, args: dict[str, Any] | None
    ) -> None:
        definition = self._registry.of(function)
        assert definition is not None
        _check_arguments(definition, args)
        self._declarations.add(definition.name, function, planned, args or {})

    def _define(self, function: Callable[..., Any], keywords: dict[str, Any]) -> Any:
        self._registry.register(self._prepared(define(function, keywords, self._settings)))

        async def send(arguments: dict[str, Any], options: Options) -> str:
            return await self._send(function, arguments, options)

        add_methods(function, send)
        return function

    def _prepared(self, definition: JobDefinition) -> JobDefinition:
        """The definition to register; where handlers need something around them, another one."""
        return definition

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

    # --- parts ---------------------------------------------------------------------------------

    @property
    def retry_policy(self) -> RetryPolicy:
        """Decides when failed jobs run again; may be set until initialised, None to the default."""
        return self._retry_policy

    @retry_policy.setter
    def retry_policy(self, policy: RetryPolicy | None) -> None:
        self._refuse_if_initialized("retry_policy")
        self._retry_policy = _policy(policy)

    @property
    def metrics_sink(self) -> MetricsSink:
        """Told of every run; may be set until initialised, None to nobody."""
        return self._metrics_sink

    @metrics_sink.setter
    def metrics_sink(self, sink: MetricsSink | None) -> None:
        self._refuse_if_initialized("metrics_sink")
        self._metrics_sink = _sink(sink)

    @property
    def plugins(self) -> Plugins:
        """The plugins by their identifiers; ``plugins.list()`` is the order of their turns."""
        return self._plugins

    def use(self, plugin: G) -> G:
        """Install a plugin, and return it; until initialised.

        Raises:
            TypeError: it is no plugin.
            SoniqError: SONIQ_PLUGIN_DUPLICATE, SONIQ_APP_FROZEN.
        """
        self._refuse_if_initialized("plugins")
        return self._install(plugin)

    def _refuse_if_initialized(self, name: str) -> None:
        if self.is_initialized:
            raise SoniqError(
                f"{name} can no longer be set: this Soniq instance is initialised",
                SONIQ_APP_FROZEN,
                suggestions=["Set it right after making the instance, or pass it to Soniq()."],
            )

    @property
    @abstractmethod
    def is_initialized(self) -> bool:
        """Whether the store is open."""

    @abstractmethod
    def _install(self, plugin: G) -> G:
        """Add a plugin to the others."""


def _policy(given: RetryPolicy | None) -> RetryPolicy:
    # One that counts nothing yet is falsy, and still the one that was given.
    return ExponentialBackoff() if given is None else given


def _sink(given: MetricsSink | None) -> MetricsSink:
    return NoopMetricsSink() if given is None else given


def _check_arguments(definition: JobDefinition, args: Any) -> None:
    if args is not None and not isinstance(args, dict):
        raise TypeError(f"schedule_args must be a dict, got {type(args).__name__}")
    try:
        definition.arguments.dump(args or {})
    except InvalidArguments as invalid:
        raise invalid_arguments(definition.name, invalid.errors) from invalid
