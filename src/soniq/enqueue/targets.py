"""What an enqueue is aimed at, and what is known about it here."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from soniq.arguments import ArgumentCodec
from soniq.definition import check_handler, derived_name, route
from soniq.errors import SONIQ_UNKNOWN_TASK_NAME, SoniqError
from soniq.limits import check_queue, check_text
from soniq.registry import JobDefinition, JobRegistry
from soniq.settings import SoniqSettings
from soniq.signature import read_signature
from soniq.spelling import did_you_mean
from soniq.task_ref import TaskRef, check_name

AnyTarget = Callable[..., Any] | str | TaskRef

_log = logging.getLogger("soniq.app")
_WARN_AGAIN: Final = 3600.0
_MOST_WARNED: Final = 1000


@dataclass(frozen=True, slots=True)
class Target:
    """A job to enqueue, and what applies to it unless a call says otherwise."""

    name: str
    arguments: ArgumentCodec
    queue: str
    priority: int
    max_attempts: int
    unique: bool = False
    takes_delay: bool = False
    definition: JobDefinition | None = None


class Targets:
    """Finds targets among the jobs registered here, and judges those that are not."""

    def __init__(self, registry: JobRegistry, settings: SoniqSettings) -> None:
        self._registry = registry
        self._settings = settings
        self._known: dict[str, Target] = {}
        self._warned: dict[str, float] = {}

    def resolve(self, target: AnyTarget) -> Target:
        """Return what `target` means.

        Raises:
            TypeError, ValueError: it is no target at all, or its queue cannot be one.
            SoniqError: SONIQ_INVALID_TASK_NAME, SONIQ_UNKNOWN_TASK_NAME.
        """
        if isinstance(target, str):
            return self._by_name(check_name(target, self._settings.task_name_pattern))
        if isinstance(target, TaskRef):
            return self._by_ref(target)
        if callable(target):
            return self._by_function(target)
        raise TypeError(
            f"the target must be a callable, string, or TaskRef, got {type(target).__name__}"
        )

    def _by_function(self, function: Callable[..., Any]) -> Target:
        definition = self._registry.of(function)
        if definition is not None:
            return self._registered(definition)
        check_handler(function)
        name = derived_name(function)
        definition = self._registry.get(name)
        if definition is not None:
            return self._registered(definition)
        self._judge_unknown(name)
        signature = read_signature(function)
        codec = ArgumentCodec(function, signature, hidden=self._settings.redact)
        return self._elsewhere(name, codec, takes_delay="delay" in signature.names)

    def _by_name(self, name: str) -> Target:
        definition = self._registry.get(name)
        if definition is not None:
            return self._registered(definition)
        self._judge_unknown(name)
        return self._elsewhere(name, ArgumentCodec())

    def _by_ref(self, ref: TaskRef) -> Target:
        definition = self._registry.get(check_text("the name of a TaskRef", ref.name))
        codec = ArgumentCodec(model=ref.args_model, hidden=self._settings.redact)
        queue = None if ref.default_queue is None else check_queue(ref.default_queue)
        if definition is None:
            return self._elsewhere(ref.name, codec, queue=queue)
        here = self._registered(definition)
        return Target(
            name=here.name,
            arguments=codec if ref.args_model is not None else here.arguments,
            queue=queue or here.queue,
            priority=here.priority,
            max_attempts=here.max_attempts,
            unique=here.unique,
            definition=definition,
        )

    def _registered(self, definition: JobDefinition) -> Target:
        known = self._known.get(definition.name)
        if known is not None and known.definition is definition:
            return known
        settings = self._settings
        target = Target(
            name=definition.name,
            arguments=definition.arguments,
            queue=definition.queue,
            priority=settings.priority if definition.priority is None else definition.priority,
            max_attempts=definition.max_retries + 1,
            unique=definition.unique,
            takes_delay=definition.takes_delay,
            definition=definition,
        )
        self._known[definition.name] = target
        return target

    def _elsewhere(
        self,
        name: str,
        codec: ArgumentCodec,
        *,
        queue: str | None = None,
        takes_delay: bool = False,
    ) -> Target:
        settings = self._settings
        return Target(
            name=name,
            arguments=codec,
            queue=queue or route(name, settings),
            priority=settings.priority,
            max_attempts=settings.max_retries + 1,
            takes_delay=takes_delay,
        )

    def _judge_unknown(self, name: str) -> None:
        mode = self._settings.enqueue_validation
        if mode == "warn":
            self._warn_hourly(name)
        if mode != "strict":
            return
        raise SoniqError(
            f"No job named {name!r} is registered on this Soniq instance"
            f"{did_you_mean(name, self._registry.names())}",
            SONIQ_UNKNOWN_TASK_NAME,
            {"task_name": name, "mode": mode},
            [
                "Import the module that defines it with @app.job before enqueueing.",
                "If another service runs it, enqueue a TaskRef.",
                "Or set SONIQ_ENQUEUE_VALIDATION to warn or none.",
            ],
        )

    def _warn_hourly(self, name: str) -> None:
        now = time.monotonic()
        last = self._warned.pop(name, None)
        if last is None or now - last >= _WARN_AGAIN:
            last = now
            _log.warning("Job %s is not registered locally; it is enqueued all the same", name)
            if len(self._warned) >= _MOST_WARNED:
                del self._warned[next(iter(self._warned))]
        self._warned[name] = last
