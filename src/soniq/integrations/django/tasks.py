"""A backend for Django's tasks: of ``django.tasks`` (Django 6), or of the package ``django-tasks``.

    TASKS = {"default": {"BACKEND": "soniq.integrations.django.tasks.SoniqBackend"}}

A task is a job of the same name as its function's path. Inside ``transaction.atomic`` on Postgres
with psycopg 3 it is enqueued in that very transaction. A failed task is tried again as Soniq's
settings say, or ``OPTIONS = {"max_retries": 0}``; it has failed when its job is a dead letter.
"""

from __future__ import annotations

import inspect
import traceback
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from django.db import connections
from django.utils import timezone

from soniq.errors import PermanentFailure
from soniq.integrations.django.instance import alias, project_app
from soniq.integrations.django.transactions import connection
from soniq.job import JobContext

if TYPE_CHECKING:
    from django_tasks.backends.base import BaseTaskBackend
    from django_tasks.base import Task, TaskContext, TaskError, TaskResult, TaskResultStatus
    from django_tasks.exceptions import TaskResultDoesNotExist
    from django_tasks.signals import task_enqueued, task_finished, task_started
else:
    try:
        from django.tasks.backends.base import BaseTaskBackend
        from django.tasks.base import Task, TaskContext, TaskError, TaskResult, TaskResultStatus
        from django.tasks.exceptions import TaskResultDoesNotExist
        from django.tasks.signals import task_enqueued, task_finished, task_started
    except ImportError:
        from django_tasks.backends.base import BaseTaskBackend
        from django_tasks.base import Task, TaskContext, TaskError, TaskResult, TaskResultStatus
        from django_tasks.exceptions import TaskResultDoesNotExist
        from django_tasks.signals import task_enqueued, task_finished, task_started

_STATUS: Final = {
    "queued": TaskResultStatus.READY,
    "processing": TaskResultStatus.RUNNING,
    "done": TaskResultStatus.SUCCESSFUL,
    "cancelled": TaskResultStatus.FAILED,
    "dead_letter": TaskResultStatus.FAILED,
}
_MIDDLE: Final = 100
"""Soniq's priority for Django's 0; Django's higher ones run first, Soniq's lower ones."""

_tasks: dict[str, Task[..., Any]] = {}


class SoniqBackend(BaseTaskBackend):
    """Runs Django's tasks as jobs of the project's Soniq."""

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def validate_task(self, task: Task[..., Any]) -> None:
        """Refuse what cannot be run; a task that can is registered."""
        super().validate_task(task)
        if task.module_path not in _tasks:
            _tasks[task.module_path] = task
            _register(task, self.options)

    def enqueue(self, task: Task[..., Any], args: Any, kwargs: Any) -> TaskResult[Any]:
        """Store a job for `task`, in the open transaction where that is possible."""
        self.validate_task(task)
        app = project_app()
        job_id = app.sync.enqueue(
            task.module_path,
            args={"args": list(args), "kwargs": dict(kwargs)},
            queue=task.queue_name,
            priority=_priority(task.priority),
            scheduled_at=_aware(task.run_after),
            connection=_open_transaction(),
        )
        result: TaskResult[Any] = TaskResult(
            task=task,
            id=job_id,
            status=TaskResultStatus.READY,
            enqueued_at=datetime.now(UTC),
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=list(args),
            kwargs=dict(kwargs),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )
        task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> TaskResult[Any]:
        """The task's state as its job has it now.

        Raises:
            TaskResultDoesNotExist: there is no such job (any more: Soniq prunes what has ended),
                or it is none of these tasks.
        """
        return self._result(project_app().sync.get_job(result_id), result_id)

    async def aget_result(self, result_id: str) -> TaskResult[Any]:
        """See `get_result`."""
        return self._result(await project_app().get_job(result_id), result_id)

    def _result(self, job: dict[str, Any] | None, result_id: str) -> TaskResult[Any]:
        task = None if job is None else _tasks.get(job["job_name"])
        if job is None or task is None:
            raise TaskResultDoesNotExist(result_id)
        result = _result_of(job, task, self.alias)
        if result.status == TaskResultStatus.SUCCESSFUL:
            object.__setattr__(result, "_return_value", job["result"])
        return result


def _result_of(job: dict[str, Any], task: Task[..., Any], backend: str) -> TaskResult[Any]:
    return TaskResult(
        task=task,
        id=job["id"],
        status=_STATUS[job["status"]],
        enqueued_at=job["created_at"],
        started_at=job["started_at"],
        last_attempted_at=job["started_at"],
        finished_at=job["finished_at"],
        args=job["args"]["args"],
        kwargs=job["args"]["kwargs"],
        backend=backend,
        errors=_errors(job["last_error"]),
        worker_ids=[job["worker_id"] or ""] * job["attempts"],
    )


def _errors(text: str | None) -> list[TaskError]:
    """The last error: "Type: message", then the traceback."""
    if not text:
        return []
    kind = text.partition(":")[0]
    path = kind if "." in kind else f"builtins.{kind}"
    return [TaskError(exception_class_path=path, traceback=text)]


def _register(task: Task[..., Any], options: dict[str, Any]) -> None:
    """Register the job that runs `task`, with the arguments as Django takes them."""

    async def run_async(ctx: JobContext, args: list[Any], kwargs: dict[str, Any]) -> Any:
        taken = _Run(task, ctx, args, kwargs)
        await task_started.asend(SoniqBackend, task_result=taken.result)
        try:
            value = await task.func(*taken.arguments(), **kwargs)
        except Exception as error:
            if taken.failed_for_good(error):
                await task_finished.asend(SoniqBackend, task_result=taken.result)
            raise
        taken.succeeded(value)
        await task_finished.asend(SoniqBackend, task_result=taken.result)
        return value

    def run(ctx: JobContext, args: list[Any], kwargs: dict[str, Any]) -> Any:
        taken = _Run(task, ctx, args, kwargs)
        task_started.send(SoniqBackend, task_result=taken.result)
        try:
            value = task.func(*taken.arguments(), **kwargs)
        except Exception as error:
            if taken.failed_for_good(error):
                task_finished.send(SoniqBackend, task_result=taken.result)
            raise
        taken.succeeded(value)
        task_finished.send(SoniqBackend, task_result=taken.result)
        return value

    handler = run_async if inspect.iscoroutinefunction(task.func) else run
    project_app().job(name=task.module_path, max_retries=options.get("max_retries"))(handler)


class _Run:
    """One run of a task, as Django's signals and the task's own context show it."""

    def __init__(
        self, task: Task[..., Any], ctx: JobContext, args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        now = datetime.now(UTC)
        self._task = task
        self._last = ctx.attempt >= ctx.max_attempts
        self.result: TaskResult[Any] = TaskResult(
            task=task,
            id=ctx.job_id,
            status=TaskResultStatus.RUNNING,
            enqueued_at=ctx.created_at,
            started_at=now,
            last_attempted_at=now,
            finished_at=None,
            args=args,
            kwargs=kwargs,
            backend=task.backend,
            errors=[],
            worker_ids=[ctx.worker_id] * ctx.attempt,
        )

    def arguments(self) -> list[Any]:
        """The positional arguments of the task's function."""
        own = [TaskContext(task_result=self.result)] if self._task.takes_context else []
        return [*own, *self.result.args]

    def succeeded(self, value: Any) -> None:
        self._end(TaskResultStatus.SUCCESSFUL)
        object.__setattr__(self.result, "_return_value", value)

    def failed_for_good(self, error: Exception) -> bool:
        """Note the error; whether the task is not tried again."""
        kind = type(error)
        self.result.errors.append(
            TaskError(
                exception_class_path=f"{kind.__module__}.{kind.__qualname__}",
                traceback="".join(traceback.format_exception(error)),
            )
        )
        if self._last or isinstance(error, PermanentFailure):
            self._end(TaskResultStatus.FAILED)
            return True
        return False

    def _end(self, status: TaskResultStatus) -> None:
        object.__setattr__(self.result, "status", status)
        object.__setattr__(self.result, "finished_at", datetime.now(UTC))


def _priority(priority: int) -> int:
    return max(1, _MIDDLE - priority)


def _aware(moment: datetime | None) -> datetime | None:
    """Without USE_TZ Django's times are naive, in the project's zone."""
    return (
        timezone.make_aware(moment) if moment is not None and timezone.is_naive(moment) else moment
    )


def _open_transaction() -> Any:
    """The connection to enqueue on, if Django has a transaction open where the jobs are."""
    wrapper = connections[alias()]
    if wrapper.vendor != "postgresql" or not wrapper.in_atomic_block:
        return None
    found = connection()
    return found if type(found).__module__.partition(".")[0] == "psycopg" else None
