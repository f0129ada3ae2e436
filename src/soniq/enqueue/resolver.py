"""From a call of ``enqueue`` to the `NewJob` it stores. Pure: nothing here waits."""

from __future__ import annotations

import hashlib
import os
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from uuid_utils import uuid7

from soniq.arguments import NO_SUCH_ARGUMENT, InvalidArguments
from soniq.enqueue.due import due
from soniq.enqueue.options import Options, nearest_option
from soniq.enqueue.targets import AnyTarget, Target, Targets
from soniq.errors import SONIQ_TASK_ARGS_INVALID, SoniqError
from soniq.jsontext import canonical
from soniq.limits import check_dedup_key, check_priority, check_queue
from soniq.records import NewJob
from soniq.registry import JobRegistry
from soniq.settings import SoniqSettings
from soniq.spelling import refuse_unknown
from soniq.task_ref import TaskRef

_MOST_BYTES_A_CHARACTER: Final = 4


class Resolver:
    """Makes jobs of calls, every value checked."""

    def __init__(self, registry: JobRegistry, settings: SoniqSettings) -> None:
        self._targets = Targets(registry, settings)
        self._settings = settings
        self._producer: tuple[int, str] = (-1, "")

    def job(
        self,
        target: AnyTarget,
        args: Mapping[str, Any] | None,
        options: Options,
        keywords: dict[str, Any],
    ) -> NewJob:
        """The job of ``enqueue(target, args=args, **options, **keywords)``.

        Raises:
            TypeError, ValueError, SoniqError: as `Soniq.enqueue` says.
        """
        found = self._targets.resolve(target)
        if isinstance(target, str | TaskRef):
            arguments = _named_arguments(args, keywords)
        elif args is not None:
            raise TypeError(
                "args= is for jobs named by text or TaskRef; a function's arguments are keywords"
            )
        else:
            arguments = keywords
            if options.delay is not None and found.takes_delay:
                arguments = {**keywords, "delay": options.delay}
                options = options._replace(delay=None)
        return self.job_for(found, arguments, options)

    def bound_job(self, target: AnyTarget, arguments: dict[str, Any], options: Options) -> NewJob:
        """The job of ``target.options(**options).enqueue(**arguments)``."""
        return self.job_for(self._targets.resolve(target), arguments, options)

    def job_for(self, target: Target, arguments: Mapping[str, Any], options: Options) -> NewJob:
        """One job for a resolved target."""
        queue, priority, unique = _settled(target, options)
        scheduled_at, delay = due(options.scheduled_at, options.delay)
        text = self._text(target, arguments, unique=unique)
        return NewJob(
            str(uuid7()),
            target.name,
            text,
            queue,
            priority,
            target.max_attempts,
            _dedup_key(target.name, text, options.dedup_key, unique=unique),
            scheduled_at,
            delay,
            self.producer_id(),
        )

    def jobs(
        self,
        target: AnyTarget,
        rows: Sequence[Mapping[str, Any]],
        options: Options,
        dedup_keys: Sequence[str | None] | None,
    ) -> list[NewJob]:
        """A job for each row of arguments.

        Raises:
            TypeError, ValueError, SoniqError: as `Soniq.enqueue_many` says.
        """
        found = self._targets.resolve(target)
        _check_rows(rows, dedup_keys)
        queue, priority, unique = _settled(found, options)
        scheduled_at, delay = due(options.scheduled_at, options.delay)
        producer, keys = self.producer_id(), dedup_keys or [None] * len(rows)
        jobs = []
        for index, (arguments, key) in enumerate(zip(rows, keys, strict=True)):
            text = self._text(found, arguments, index, unique=unique)
            dedup_key = _row_key(found.name, text, key, index, unique=unique)
            jobs.append(
                NewJob(
                    str(uuid7()),
                    found.name,
                    text,
                    queue,
                    priority,
                    found.max_attempts,
                    dedup_key,
                    scheduled_at,
                    delay,
                    producer,
                )
            )
        return jobs

    def _text(
        self,
        target: Target,
        arguments: Mapping[str, Any],
        index: int | None = None,
        *,
        unique: bool,
    ) -> str:
        try:
            text = target.arguments.dump(arguments, comparable=unique)
            self._check_size(text)
        except InvalidArguments as invalid:
            raise invalid_arguments(target.name, invalid.errors, index) from invalid
        return text

    def _check_size(self, text: str) -> None:
        most = self._settings.max_args_bytes
        if len(text) * _MOST_BYTES_A_CHARACTER > most and (size := len(text.encode())) > most:
            raise InvalidArguments(
                [f"they take {size} bytes as JSON, and max_args_bytes allows {most}"]
            )

    def producer_id(self) -> str:
        """Who enqueues, as noted on jobs. A forked process is somebody else."""
        pid, producer = self._producer
        if pid == os.getpid():
            return producer
        producer = producer_of(self._settings)
        self._producer = (os.getpid(), producer)
        return producer


def producer_of(settings: SoniqSettings) -> str:
    """What this process stores with the jobs it makes, so that people can tell who did."""
    configured = settings.producer_id
    return _own_name() if configured == "auto" else configured


def invalid_arguments(name: str, errors: list[str], index: int | None = None) -> SoniqError:
    """The error for arguments that cannot be enqueued."""
    where = "" if index is None else f" at index {index}"
    return SoniqError(
        f"The arguments for job {name}{where} are invalid: {'; '.join(errors)}",
        SONIQ_TASK_ARGS_INVALID,
        {"task_name": name, "errors": errors, **({} if index is None else {"index": index})},
        ["Pass what the job's signature asks for; nothing was stored.", *_misplaced(errors)],
    )


def _misplaced(errors: list[str]) -> list[str]:
    """What to do about options that were given as arguments of the job, perhaps misspelt."""
    remedies = []
    for error in errors:
        name, unknown, meant = error.partition(f": {NO_SUCH_ARGUMENT}")
        if not unknown:
            continue
        # The job's own argument of a name like that comes before an option of one.
        option = name if meant else nearest_option(name)
        if option in Options._fields:
            what = f"{name} is" if name == option else f"Did you mean {option} by {name}? It is"
            remedies.append(
                f"{what} an option: .options({option}=...).enqueue(...), or "
                f"app.enqueue(job, {option}=...)."
            )
    return remedies


def _own_name() -> str:
    program = Path(sys.argv[0]).name if sys.argv and sys.argv[0] else "python"
    name = f"{socket.gethostname()}:{os.getpid()}:{program}"
    return name.encode("utf-8", "replace").decode()


def _named_arguments(args: Any, keywords: Mapping[str, Any]) -> dict[str, Any]:
    if keywords:
        known = ("args", *Options._fields)
        refuse_unknown("enqueue of a job by name (its arguments go into args=)", keywords, known)
    if args is not None and not isinstance(args, dict):
        raise TypeError(f"args must be a dict, got {type(args).__name__}")
    return args or {}


def _check_rows(rows: Any, dedup_keys: Any) -> None:
    if not isinstance(rows, list):
        raise TypeError(f"args_list must be a list, got {type(rows).__name__}")
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            raise TypeError(f"args_list[{index}] must be a dict, got {type(row).__name__}")
    if dedup_keys is None:
        return
    if not isinstance(dedup_keys, list | tuple):
        raise TypeError(f"dedup_keys must be a list, got {type(dedup_keys).__name__}")
    if len(dedup_keys) != len(rows):
        raise ValueError(
            f"dedup_keys must be as long as args_list: {len(dedup_keys)} keys for {len(rows)} rows"
        )


def _settled(target: Target, options: Options) -> tuple[str, int, bool]:
    """Queue, priority and uniqueness: what the call says, else what the target says."""
    return (
        target.queue if options.queue is None else check_queue(options.queue),
        target.priority if options.priority is None else check_priority(options.priority),
        target.unique if options.unique is None else bool(options.unique),
    )


def _row_key(name: str, text: str, explicit: Any, index: int, *, unique: bool) -> str | None:
    try:
        return _dedup_key(name, text, explicit, unique=unique)
    except (TypeError, ValueError) as error:
        raise type(error)(f"dedup_keys[{index}]: {error}") from error


def _dedup_key(name: str, text: str, explicit: Any, *, unique: bool) -> str | None:
    if explicit is not None:
        return check_dedup_key(explicit)
    if not unique:
        return None
    return "unique:" + hashlib.sha256(name.encode() + b"\x00" + canonical(text)).hexdigest()
