"""Asserting that jobs were enqueued."""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Iterable
from typing import Any, Final

from soniq.app import Soniq
from soniq.backends.memory import MemoryBackend
from soniq.definition import derived_name
from soniq.enqueue import AnyTarget
from soniq.records import JobDict
from soniq.task_ref import TaskRef
from soniq.testing.near_misses import Report, Wanted

_READ: Final = 10_000


class Enqueued(list[JobDict]):
    """The jobs that `assert_enqueued` has found, oldest first. Awaiting it gives itself."""

    def __init__(
        self, jobs: Iterable[JobDict], pending: Coroutine[Any, Any, list[JobDict]] | None = None
    ) -> None:
        super().__init__(jobs)
        self._pending = pending

    def __await__(self) -> Generator[Any, None, list[JobDict]]:
        return self._awaited().__await__()

    async def _awaited(self) -> list[JobDict]:
        pending, self._pending = self._pending, None
        if pending is not None:
            self[:] = await pending
        return self


def assert_enqueued(
    app: Soniq,
    target: AnyTarget,
    *,
    count: int | None = None,
    queue: str | None = None,
    **args: Any,
) -> Enqueued:
    """Assert that jobs of `target` are stored, and return them.

    ::

        [job] = assert_enqueued(app, send_email, queue="mail", to="ann@example.com")

    Every job that is stored counts, whatever has become of it. On memory the check is made at once,
    and the result may be awaited too; on a database it is made when it is awaited.

    Args:
        target: a handler, the name of one, or a `TaskRef`.
        count: how many there must be, 0 for none; None is one or more.
        queue: on this queue; None is any.
        args: with these arguments, and perhaps others.

    Returns:
        The job dicts, oldest first.

    Raises:
        AssertionError: there are not that many; it shows those that come near.
    """
    wanted = Wanted(_name(app, target), count, queue, args)
    if isinstance(app.backend, MemoryBackend):
        return Enqueued(_matching(app, wanted, app.backend.snapshot()))
    return Enqueued([], _stored(app, wanted))


async def _stored(app: Soniq, wanted: Wanted) -> list[JobDict]:
    jobs = await app.list_jobs(limit=_READ)
    dead = await app.list_jobs(limit=_READ, status="dead_letter")
    return _matching(app, wanted, sorted(jobs + dead, key=lambda job: str(job["id"])))


def _name(app: Soniq, target: AnyTarget) -> str:
    if isinstance(target, TaskRef):
        return target.name
    if isinstance(target, str):
        return target
    definition = app._registry.of(target)
    return derived_name(target) if definition is None else definition.name


def _matching(app: Soniq, wanted: Wanted, jobs: list[JobDict]) -> list[JobDict]:
    namesakes = [job for job in jobs if job["job_name"] == wanted.name]
    found = [job for job in namesakes if not wanted.differences(job)]
    enough = bool(found) if wanted.count is None else len(found) == wanted.count
    if enough:
        return found
    others = {job["job_name"] for job in jobs} - {wanted.name}
    raise AssertionError(Report(app, wanted).text(found, namesakes, others))
