"""Every setting of Soniq; the only place that reads the environment.

A value is taken from the constructor, else from ``SONIQ_<UPPER NAME>``, else from ``.env`` in the
current directory, else it is the default here. All times are seconds.
"""

from __future__ import annotations

import re
import warnings
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# No store reckons with more, and nobody means less who writes more.
_CENTURY = 100 * 365 * 86400.0
_MILLION = 1_000_000
_ON = ("1", "true", "yes", "on")

NAME_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"


def _split(value: Any) -> Any:
    """A comma list as the environment gives it; other forms are left alone."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _queue_list(value: Any) -> Any:
    """An empty variable means unset; an empty list stays what it is and is refused."""
    return None if isinstance(value, str) and not value.strip() else _split(value)


def _is_on(value: Any) -> Any:
    """Whether the environment switches something on; a text that does not leaves it off."""
    return value.strip().lower() in _ON if isinstance(value, str) else value


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
QueueList = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_queue_list)]
Switch = Annotated[bool, BeforeValidator(_is_on)]


with warnings.catch_warnings():
    # `schema` is also a deprecated method of pydantic models, which nobody calls on settings.
    warnings.filterwarnings("ignore", 'Field name "schema"')

    class SoniqSettings(BaseSettings):
        """The settings of one application; out of bounds raises pydantic's ValidationError."""

        model_config = SettingsConfigDict(
            env_prefix="SONIQ_",
            env_file=".env",
            env_file_encoding="utf-8",
            extra="ignore",
            frozen=True,
            # What is wrong is told without what was given: it may hold a password.
            hide_input_in_errors=True,
        )

        database_url: str | None = None
        """Where the jobs are: a Postgres URL, ``sqlite:///file.db``, a path, or ``memory://``."""
        schema: str | None = None  # type: ignore[assignment]
        """The Postgres schema of the tables; unset, the search path of the connection decides."""
        concurrency: int = Field(default=4, ge=1, le=10000)
        """Jobs that one worker process runs at a time."""
        worker_processes: int = Field(default=1, ge=1)
        """Worker processes that ``soniq worker`` keeps running."""
        jobs_modules: CommaList = ()
        """Modules that the command line imports so that it knows the jobs."""
        queues: QueueList = None
        """The queues that a worker serves; unset, all of them."""
        priority: int = Field(default=100, ge=1, le=1000)
        """The priority of jobs that name none, 1 to 1000; lower ones run first."""
        max_retries: int = Field(default=3, ge=0, le=10)
        """Further attempts after the first, for jobs that name none."""
        enqueue_validation: Literal["strict", "warn", "none"] = "strict"
        """What an enqueue by a name that is not registered here does: ``strict`` raises, ``warn``
        logs it, ``none`` lets it pass."""
        task_name_pattern: str = NAME_PATTERN
        """The regular expression that names of jobs must match from end to end."""
        producer_id: str = "auto"
        """Stored with each job to tell who enqueued it; ``auto`` is host:pid:program."""
        route_map: dict[str, str] = Field(default_factory=dict)
        """Prefixes of names and the queues such jobs go to; the longest prefix that fits wins."""
        job_timeout: float = 300
        """Seconds a run may take; 0 for no limit."""
        result_ttl: float = Field(default=300, ge=0)
        """Seconds that a job which is done or cancelled stays stored with its result; 0 deletes it
        at its end."""
        snooze_max_seconds: float = Field(default=86400, gt=0)
        """Seconds that a handler may put its job off with ``Snooze``, at most."""
        database_timeout: float = Field(default=10, ge=0.1, le=300)
        """Seconds that enqueues and queries wait for a database that is away or slow; a query
        without an answer is asked again, on another connection, after half of them."""
        redact: CommaList = ("password", "token", "secret", "api_key", "authorization")
        """Names of arguments that are shown as ``***`` in logs, commands and the dashboard."""
        dead_letter_ttl: float | None = Field(default=None, ge=0)
        """Seconds that dead letters are kept; unset, for ever."""
        plugins: CommaList = ()
        """Plugins as ``module:attribute``, installed after those given to the constructor."""
        log_format: Literal["plain", "json"] = "plain"
        """Lines for people, or one JSON object a line."""
        max_args_bytes: int = Field(default=1048576, ge=1024)
        """Arguments that take more bytes as JSON are refused at the enqueue."""
        hook_timeout: float = Field(default=30, gt=0)
        """Seconds after which an async hook is cancelled and logged."""
        unknown_job_grace: float = Field(default=300, ge=0)
        """Seconds that a job whose name no worker knows waits for one that does, before it is a
        dead letter; 0 for none."""
        max_crashes: int = Field(default=3, ge=2)
        """The crash of a worker that makes the job it ran a dead letter, if it counts that many."""
        heartbeat_interval: float = Field(default=5, ge=0.1, le=60)
        """Seconds between the heartbeats of a worker."""
        heartbeat_timeout: float = Field(default=300, ge=60, le=7200)
        """Seconds without a heartbeat after which a worker is dead whatever else speaks for it; at
        least three times `heartbeat_interval`."""
        cleanup_interval: float = Field(default=300, ge=10, le=3600)
        """Seconds between two purges of rows whose time is over."""
        poll_interval: float = Field(default=5, ge=0.1, le=60)
        """Seconds after which an idle worker looks for jobs although nothing woke it."""
        error_retry_delay: float = Field(default=2, ge=0.1, le=300)
        """Seconds, the longest pause between tries while the database is away."""
        notify: bool = True
        """Whether enqueues wake workers by NOTIFY; without it they poll."""
        prefetch: Literal["auto"] | Annotated[int, Field(ge=0)] = "auto"
        """Jobs claimed beyond the free slots; ``auto`` is what these will start within 50 ms."""
        sync_handler_pool_size: int = Field(default=8, ge=1, le=256)
        """Threads that run handlers which are not async."""
        shutdown_timeout: float | None = Field(default=None, ge=0.1, le=3600)
        """Seconds that a stopping worker gives its running jobs; unset, until they end by
        themselves or by their timeouts."""
        sync_handler_grace_seconds: float | None = Field(default=None, ge=0)
        """Seconds that a stopping worker waits for handlers on threads beyond that; unset,
        `job_timeout`."""
        pool_min_size: int = Field(default=5, ge=1, le=100)
        """Kept for configurations that set it: connections are made as they are needed."""
        pool_max_size: int | None = Field(default=None, ge=1, le=10050)
        """Connections of an application to Postgres, at most; unset, sized to fit."""
        pool_headroom: int = Field(default=2, ge=0, le=50)
        """Connections that a pool of a given size must have beyond the jobs at a time."""
        log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
        """DEBUG, INFO, WARNING, ERROR or CRITICAL, in any case."""
        debug: bool = False
        """Whether errors of the command line come with their tracebacks."""
        environment: str = "production"
        """A label, shown by ``soniq status`` and the dashboard."""

        @field_validator("log_level", mode="before")
        @classmethod
        def _any_case(cls, value: Any) -> Any:
            return value.upper() if isinstance(value, str) else value

        @field_validator("task_name_pattern")
        @classmethod
        def _compiles(cls, value: str) -> str:
            try:
                re.compile(value)
            except re.error as error:
                raise ValueError(f"not a regular expression: {error}") from error
            return value

        @field_validator("job_timeout")
        @classmethod
        def _none_or_a_second(cls, value: float) -> float:
            if value != 0 and not 1 <= value < float("inf"):
                raise ValueError("must be at least 1 second, or 0 for no timeout")
            return value

        @field_validator("result_ttl", "dead_letter_ttl", "unknown_job_grace")
        @classmethod
        def _for_ever(cls, value: float | None) -> float | None:
            return None if value is None else min(value, _CENTURY)

        @field_validator("max_crashes", "prefetch")
        @classmethod
        def _any_number(cls, value: int | str) -> int | str:
            return min(value, _MILLION) if isinstance(value, int) else value

        @field_validator("schema")
        @classmethod
        def _an_identifier(cls, value: str | None) -> str | None:
            if value is not None and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]{0,62}", value):
                raise ValueError("must be a Postgres identifier of at most 63 letters, digits or _")
            return value

        @field_validator("queues")
        @classmethod
        def _some_queue(cls, value: tuple[str, ...] | None) -> tuple[str, ...] | None:
            if value is not None and not value:
                raise ValueError("must name at least one queue; leave it unset to serve all")
            return value

        @model_validator(mode="after")
        def _heartbeats_fit(self) -> SoniqSettings:
            if self.heartbeat_timeout < 3 * self.heartbeat_interval:
                raise ValueError("heartbeat_timeout must be at least 3 x heartbeat_interval")
            return self


class SchedulerSettings(BaseSettings):
    """``SONIQ_SCHEDULER_*``, from the environment or ``.env`` only.

    Attributes:
        suppress_warning: do not warn where schedules are declared and no scheduler runs.
    """

    model_config = SettingsConfigDict(
        env_prefix="SONIQ_SCHEDULER_",
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
    )

    suppress_warning: Switch = False
