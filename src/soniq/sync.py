"""A blocking client, for code that is not async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Never, ParamSpec, TypeVar, overload

from soniq.background import BackgroundLoop
from soniq.enqueue import AnyTarget
from soniq.records import JobDict

if TYPE_CHECKING:
    from soniq.app import Soniq

P = ParamSpec("P")
T = TypeVar("T")


class SyncClient:
    """An application for code that is not async: each method waits for the one of its name.

    Safe from any thread but one that runs an event loop, and in forked processes.
    """

    def __init__(self, app: Soniq) -> None:
        self._app = app
        self._background = BackgroundLoop()

    def enqueue(self, target: AnyTarget, /, *positional: Never, **options: Any) -> str:
        """See `Soniq.enqueue`."""
        return self._run(self._app.enqueue, target, *positional, **options)

    def enqueue_many(
        self, target: AnyTarget, args_list: list[dict[str, Any]], **options: Any
    ) -> list[str]:
        """See `Soniq.enqueue_many`."""
        return self._run(self._app.enqueue_many, target, args_list, **options)

    def schedule(
        self, target: AnyTarget, run_at: datetime | timedelta | float, **options: Any
    ) -> str:
        """See `Soniq.schedule`."""
        return self._run(self._app.schedule, target, run_at, **options)

    def get_job(self, job_id: str) -> JobDict | None:
        """See `Soniq.get_job`."""
        return self._run(self._app.get_job, job_id)

    @overload
    def get_result(self, job_id: str, *, result_model: type[T]) -> T | None: ...
    @overload
    def get_result(self, job_id: str, *, result_model: Any = None) -> Any: ...
    def get_result(self, job_id: str, *, result_model: Any = None) -> Any:
        """See `Soniq.get_result`."""
        return self._run(self._app.get_result, job_id, result_model=result_model)

    @overload
    def wait(self, job_id: str, *, timeout: float | None = None, result_model: type[T]) -> T: ...
    @overload
    def wait(
        self, job_id: str, *, timeout: float | None = None, result_model: Any = None
    ) -> Any: ...
    def wait(self, job_id: str, *, timeout: float | None = None, result_model: Any = None) -> Any:
        """See `Soniq.wait`."""
        return self._run(self._app.wait, job_id, timeout=timeout, result_model=result_model)

    def cancel_job(self, job_id: str) -> bool:
        """See `Soniq.cancel_job`."""
        return self._run(self._app.cancel_job, job_id)

    def _run(
        self, method: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        _refuse_to_block_a_loop(method.__name__)
        return self._background.run(lambda: method(*args, **kwargs))


def _refuse_to_block_a_loop(method: str) -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise RuntimeError(
        f"app.sync.{method}() would block the event loop that runs in this thread."
        f" Use `await app.{method}(...)` here."
    )
