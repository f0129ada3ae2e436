"""Asserting that jobs were enqueued."""

from __future__ import annotations

from collections.abc import Coroutine, Generator, Iterable, Iterator
from contextlib import suppress
from typing import Any, Final, SupportsIndex, overload

from soniq.app import Soniq
from soniq.backends.memory import MemoryBackend
from soniq.definition import derived_name
from soniq.enqueue import AnyTarget
from soniq.records import JobDict
from soniq.task_ref import TaskRef
from soniq.testing.near_misses import Report, Wanted
from soniq.testing.stored_form import stored_forms

_PAGE: Final = 10_000

_unawaited: list[str] = []


def forgotten() -> list[str]:
    """The jobs whose assertion on a database was not awaited, since this was asked before."""
    names, _unawaited[:] = [*_unawaited], []
    return names


class Enqueued(list[JobDict]):
    """The jobs that `assert_enqueued` has found, oldest first. Awaiting it gives itself.

    Looking into it before it was awaited raises RuntimeError where nothing has been asserted yet.
    """

    def __init__(
        self,
        jobs: Iterable[JobDict],
        pending: Coroutine[Any, Any, list[JobDict]] | None = None,
        name: str = "",
    ) -> None:
        super().__init__(jobs)
        self._pending = pending
        self._name = name
        if pending is not None:
            _unawaited.append(name)

    def __await__(self) -> Generator[Any, None, list[JobDict]]:
        return self._awaited().__await__()

    async def _awaited(self) -> list[JobDict]:
        pending, self._pending = self._pending, None
        if pending is not None:
            with suppress(ValueError):  # it is awaited after its test was told of it
                _unawaited.remove(self._name)
            self[:] = await pending
        return self

    def _asserted(self) -> None:
        if self._pending is not None:
            raise RuntimeError(
                f"assert_enqueued({self._name}) was not awaited, and on a database it asserts "
                "nothing before: write `await assert_enqueued(...)`"
            )

    def __len__(self) -> int:
        self._asserted()
        return super().__len__()

    def __iter__(self) -> Iterator[JobDict]:
        self._asserted()
        return super().__iter__()

    @overload
    def __getitem__(self, which: SupportsIndex) -> JobDict: ...
    @overload
    def __getitem__(self, which: slice) -> list[JobDict]: ...
    def __getitem__(self, which: SupportsIndex | slice) -> JobDict | list[JobDict]:
        self._asserted()
        return super().__getitem__(which)

    def __eq__(self, other: object) -> bool:
        self._asserted()
        return super().__eq__(other)

    __hash__ = None


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
    and the result may be awaited too; on a database it is made when it is awaited, and a result
    that was not raises RuntimeError when it is used. The pytest plugin fails a test that forgets
    to await one, also where its result is not used.

    Args:
        target: a handler, the name of one, or a `TaskRef`.
        count: how many there must be, 0 for none; None is one or more.
        queue: on this queue; None is any.
        args: with these arguments, and perhaps others.

    Returns:
        The job dicts, oldest first.

    Raises:
        AssertionError: there are not that many; it shows those that come near.
        ValueError: an argument that no store could hold.
    """
    name = _name(app, target)
    wanted = Wanted(name, count, queue, args, stored_forms(app, target, name, args))
    if isinstance(app.backend, MemoryBackend):
        return Enqueued(_matching(app, wanted, app.backend.snapshot()))
    return Enqueued([], _stored(app, wanted), name)


async def _stored(app: Soniq, wanted: Wanted) -> list[JobDict]:
    found = {job["id"]: job for status in (None, "dead_letter") for job in await _all(app, status)}
    return _matching(app, wanted, sorted(found.values(), key=lambda job: str(job["id"])))


async def _all(app: Soniq, status: str | None) -> list[JobDict]:
    jobs: list[JobDict] = []
    while page := await app.list_jobs(status=status, limit=_PAGE, offset=len(jobs)):
        jobs += page
    return jobs


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
