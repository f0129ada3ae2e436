"""Naming jobs that live in another service's code."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from pydantic import BaseModel

from soniq.errors import SONIQ_INVALID_TASK_NAME, SoniqError
from soniq.settings import NAME_PATTERN


@dataclass(frozen=True, slots=True)
class TaskRef:
    """A job by name, for enqueueing what another service runs.

    Args:
        name: the name it is registered under over there.
        args_model: pydantic model that checks the arguments before they are stored.
        default_queue: the queue it goes to unless an enqueue names another.

    Raises:
        TypeError: `args_model` is no pydantic model class.
    """

    name: str
    args_model: type[BaseModel] | None = None
    default_queue: str | None = None

    def __post_init__(self) -> None:
        check_model("args_model", self.args_model)

    def with_default_queue(self, queue: str | None) -> TaskRef:
        """A copy that goes to `queue`."""
        return replace(self, default_queue=queue)


def task_ref(
    name: str,
    args_model: type[BaseModel] | None = None,
    default_queue: str | None = None,
    *,
    pattern: str | None = None,
) -> TaskRef:
    """Make a `TaskRef` whose name has been checked.

    Args:
        name: the name of the job.
        args_model: pydantic model that checks the arguments.
        default_queue: the queue it goes to unless an enqueue names another.
        pattern: regular expression the whole name must match; None means the default of the
            setting `task_name_pattern`.

    Raises:
        SoniqError: SONIQ_INVALID_TASK_NAME.
        TypeError: `args_model` is no pydantic model class.
    """
    return TaskRef(check_name(name, pattern or NAME_PATTERN), args_model, default_queue)


def check_model(label: str, model: Any) -> type[BaseModel] | None:
    """Return `model` if it is a pydantic model class, or None.

    Raises:
        TypeError: it is something else.
    """
    if model is None or (isinstance(model, type) and issubclass(model, BaseModel)):
        return model
    raise TypeError(f"{label} must be a pydantic model class, got {model!r}")


def check_name(name: Any, pattern: str) -> str:
    """Return `name` if it is a text that `pattern` matches as a whole.

    Raises:
        SoniqError: SONIQ_INVALID_TASK_NAME.
    """
    if not isinstance(name, str):
        raise SoniqError(
            f"A job name must be text, got {type(name).__name__}",
            SONIQ_INVALID_TASK_NAME,
            {"name": repr(name), "received_type": type(name).__name__},
            ["Give the name as a string, for example 'billing.charge'."],
        )
    if not _compiled(pattern).fullmatch(name):
        raise SoniqError(
            f"The job name {name!r} does not match the pattern {pattern}",
            SONIQ_INVALID_TASK_NAME,
            {"name": name, "pattern": pattern},
            [
                "Use lower-case words joined by dots, for example 'billing.charge'.",
                "Or set SONIQ_TASK_NAME_PATTERN to the pattern your names follow.",
            ],
        )
    return name


@lru_cache(maxsize=32)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)
