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

NAME_PATTERN = r"^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$"


def _split(value: Any) -> Any:
    """A comma list as the environment gives it; other forms are left alone."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _queue_list(value: Any) -> Any:
    """An empty variable means unset; an empty list stays what it is and is refused."""
    return None if isinstance(value, str) and not value.strip() else _split(value)


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
QueueList = Annotated[tuple[str, ...] | None, NoDecode, BeforeValidator(_queue_list)]


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
        schema: str | None = None  # type: ignore[assignment]
        concurrency: int = Field(default=4, ge=1, le=10000)
        worker_processes: int = Field(default=1, ge=1)
        jobs_modules: CommaList = ()
        queues: QueueList = None
        priority: int = Field(default=100, ge=1, le=1000)
        max_retries: int = Field(default=3, ge=0, le=10)
        enqueue_validation: Literal["strict", "warn", "none"] = "strict"
        task_name_pattern: str = NAME_PATTERN
        producer_id: str = "auto"
        route_map: dict[str, str] = Field(default_factory=dict)
        job_timeout: float = 300
        result_ttl: float = Field(default=300, ge=0)
        snooze_max_seconds: float = Field(default=86400, gt=0)
        database_timeout: float = Field(default=10, ge=0.1, le=300)
        redact: CommaList = ("password", "token", "secret", "api_key", "authorization")
        dead_letter_ttl: float | None = Field(default=None, ge=0)
        plugins: CommaList = ()
        log_format: Literal["plain", "json"] = "plain"
        max_args_bytes: int = Field(default=1048576, ge=1024)
        hook_timeout: float = Field(default=30, gt=0)
        unknown_job_grace: float = Field(default=300, ge=0)
        max_crashes: int = Field(default=3, ge=2)
        heartbeat_interval: float = Field(default=5, ge=0.1, le=60)
        heartbeat_timeout: float = Field(default=300, ge=60, le=7200)
        cleanup_interval: float = Field(default=300, ge=10, le=3600)
        poll_interval: float = Field(default=5, ge=0.1, le=60)
        error_retry_delay: float = Field(default=2, ge=0.1, le=300)
        notify: bool = True
        prefetch: Literal["auto"] | Annotated[int, Field(ge=0)] = "auto"
        sync_handler_pool_size: int = Field(default=8, ge=1, le=256)
        shutdown_timeout: float | None = Field(default=None, ge=0.1, le=3600)
        sync_handler_grace_seconds: float | None = Field(default=None, ge=0)
        pool_min_size: int = Field(default=5, ge=1, le=100)
        pool_max_size: int | None = Field(default=None, ge=1, le=10050)
        pool_headroom: int = Field(default=2, ge=0, le=50)
        log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = "INFO"
        debug: bool = False
        environment: str = "production"
        scheduler_suppress_warning: bool = False

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
