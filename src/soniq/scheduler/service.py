"""`app.scheduler`: the schedules of an application's store."""

from __future__ import annotations

import builtins
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from soniq.backends.base import Contended
from soniq.backends.opening import Opening
from soniq.backends.patience import Answer
from soniq.backends.schedules import Schedule, ScheduleStore
from soniq.enqueue import AnyTarget, Options, Resolver
from soniq.limits import check_attempts, check_seconds
from soniq.periodic import Declared, check_schedule_name, plan
from soniq.scheduler.draft import Draft, as_dict, paused, resumed, run_of
from soniq.settings import SchedulerSettings, SoniqSettings
from soniq.task_ref import TaskRef, check_name

if TYPE_CHECKING:
    from soniq.scheduler.loop import SchedulerLoop

_log = logging.getLogger("soniq.scheduler")

DEFAULT_CHECK_INTERVAL: Final = 30.0
_MOST_LISTED: Final = 10_000
_ROUNDS: Final = 100
_NAMED: Final = 3


class Scheduler:
    """The schedules of an application: `app.scheduler`.

    Args:
        opening: the store.
        resolver: makes jobs of targets and arguments.
        declared: the schedules that the application's code declares.
        settings: the application's.
    """

    def __init__(
        self,
        opening: Opening,
        resolver: Resolver,
        declared: Sequence[Declared],
        settings: SoniqSettings,
    ) -> None:
        self._opening = opening
        self._resolver = resolver
        self._declared = declared
        self._settings = settings
        self._check_interval = DEFAULT_CHECK_INTERVAL
        self._loop: SchedulerLoop | None = None

    async def _ask(self, question: Callable[[ScheduleStore], Awaitable[Answer]]) -> Answer:
        opened = await self._opening.ready()
        return await opened.patience.call(lambda: question(opened.backend.schedules))

    # --- editing -------------------------------------------------------------------------------

    async def add(
        self,
        target: AnyTarget,
        *,
        cron: str | timedelta | None = None,
        every: timedelta | float | str | None = None,
        args: dict[str, Any] | None = None,
        queue: str | None = None,
        priority: int | None = None,
        max_attempts: int | None = None,
        name: str | None = None,
        timezone: str = "UTC",
        catch_up: str = "one",
        overlap: str = "allow",
        jitter: timedelta | float = 0,
    ) -> str:
        """Add a schedule, or change the one of this name; returns the name.

        One that is changed keeps its id, status and counts, and its next due time too unless the
        timing is another.

        Args:
            target: a handler, the name of a job (known here or not), or a `TaskRef`.
            cron: when: 5 fields, 6 with seconds first, or a macro such as ``@daily``.
            every: instead of `cron`, an interval: a timedelta or seconds, at least one.
            args: the job's arguments.
            queue, priority, max_attempts: instead of those of the job's registration.
            name: of the schedule; left out, the job's.
            timezone: IANA name of the zone of `cron`.
            catch_up: what becomes of missed runs: ``skip``, ``one`` for all of them, or ``all``.
            overlap: ``skip`` passes over a due time while the last job is unfinished.
            jitter: seconds; each run is put off by a random part of it.

        Raises:
            ValueError: a value that means nothing, named at the start of the message.
            SoniqError: SONIQ_INVALID_TASK_NAME, SONIQ_TASK_ARGS_INVALID,
                SONIQ_DATABASE_UNAVAILABLE.
        """
        wanted = plan(
            cron=cron,
            every=every,
            timezone=timezone,
            catch_up=catch_up,
            overlap=overlap,
            jitter=jitter,
            name=name,
        )
        if isinstance(target, str):
            # Another program may be the one that knows it.
            target = TaskRef(check_name(target, self._settings.task_name_pattern))
        job = self._resolver.bound_job(target, _arguments(args), Options(queue, priority))
        if max_attempts is not None:
            job = job._replace(max_attempts=check_attempts("max_attempts", max_attempts))
        draft = Draft(wanted.name or job.job_name, job, wanted, declared=False)
        await self._put(draft)
        return draft.name

    async def _put(self, draft: Draft) -> None:
        async def put(store: ScheduleStore) -> None:
            for _ in range(_ROUNDS):
                seen = await store.get(draft.name)
                wanted = draft.over(seen, await store.now())
                if seen is None:
                    if await store.insert(wanted):
                        return
                elif wanted == seen or await store.update(seen, wanted):
                    return
            raise Contended(f"Schedule {draft.name} changes again and again")

        await self._ask(put)

    async def pause(self, name: str) -> bool:
        """Let a schedule fire no more until it is resumed; False if there is none."""
        return await self._edit(name, paused)

    async def resume(self, name: str) -> bool:
        """Let a paused schedule fire again, from its next due time on; False if there is none."""
        return await self._edit(name, resumed)

    async def _edit(self, name: str, change: Callable[[Schedule, datetime], Schedule]) -> bool:
        async def edit(store: ScheduleStore) -> bool:
            for _ in range(_ROUNDS):
                seen = await store.get(name)
                if seen is None:
                    return False
                wanted = change(seen, await store.now())
                if wanted == seen or await store.update(seen, wanted):
                    return True
            raise Contended(f"Schedule {name} changes again and again")

        return _may_exist(name) and await self._ask(edit)

    async def remove(self, name: str) -> bool:
        """Forget a schedule; False if there is none. The jobs it has enqueued stay."""
        if await self.get(name) is None:
            return False
        tries: builtins.list[None] = []

        async def remove(store: ScheduleStore) -> bool:
            tries.append(None)
            # A try before this one may have removed it and lost its answer.
            return await store.remove(name) or len(tries) > 1

        return await self._ask(remove)

    async def run_now(self, name: str) -> str:
        """Enqueue a schedule's job at once, paused or not, and return the job's id.

        Raises:
            LookupError: there is no schedule of that name.
        """
        seen = await self._find(name)
        if seen is not None:
            job = run_of(seen, self._resolver.producer_id())
            job_id = await self._ask(lambda store: store.run_now(seen.id, job))
            if job_id is not None:
                return job_id
        raise LookupError(f"there is no schedule named {name!r}")

    # --- looking -------------------------------------------------------------------------------

    async def get(self, name: str) -> dict[str, Any] | None:
        """The schedule of that name, with the keys that `list` gives, or None."""
        found = await self._find(name)
        return None if found is None else as_dict(found)

    async def list(self, status: str | None = None) -> builtins.list[dict[str, Any]]:
        """Schedules by name; `status` is ``active`` or ``paused``.

        Returns:
            Dicts with id, name, job_name, schedule_type (cron or interval), schedule_value,
            timezone, catch_up, overlap, jitter, priority, queue, max_attempts, args, status,
            created_at, last_run, next_run, run_count and last_job_id.
        """
        return [as_dict(one) for one in await self._all() if status in (None, one.status)]

    async def undeclared(self) -> builtins.list[str]:
        """The schedules that code has declared once, and that no running scheduler's code does."""
        infos = await self._ask(lambda store: store.running())
        declared = {name for info in infos for name in info.names}
        return [one.name for one in await self._all() if one.declared and one.name not in declared]

    async def schedulers(self) -> builtins.list[dict[str, Any]]:
        """The schedulers that run: dicts with id, hostname, pid and schedules (names)."""
        infos = await self._ask(lambda store: store.running())
        return [
            {"id": info.id, "hostname": info.hostname, "pid": info.pid, "schedules": [*info.names]}
            for info in infos
        ]

    async def _all(self) -> builtins.list[Schedule]:
        return await self._ask(lambda store: store.all(_MOST_LISTED))

    async def _find(self, name: str) -> Schedule | None:
        return await self._ask(lambda store: store.get(name)) if _may_exist(name) else None

    # --- running -------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        """Whether it was started here and not stopped."""
        return self._loop is not None

    @property
    def leading(self) -> bool:
        """Whether it is the one, of all that run on this store, that fires."""
        return self._loop is not None and self._loop.leading

    @property
    def check_interval(self) -> float:
        """Seconds: how often it looks for edits where nothing notifies."""
        return self._check_interval

    async def start(self, check_interval: float = DEFAULT_CHECK_INTERVAL) -> None:
        """Store the schedules that code declares, then run in a task until `stop`.

        Of several schedulers on one store one fires, the others stand by. A due time that is older
        than 60 s and than twice `check_interval` when a scheduler comes to it is a missed run.

        Args:
            check_interval: seconds.

        Raises:
            ValueError: `check_interval` is no positive number.
            SoniqError: the store cannot be used.
        """
        from soniq.scheduler.starting import scheduler_loop

        interval = _seconds(check_interval)
        if self.running:
            return
        opened = await self._opening.ready()
        await self.declare()
        self._check_interval = interval
        self._loop = scheduler_loop(
            opened.backend,
            self._settings,
            names=tuple(declared.name for declared in self._declared),
            check_interval=interval,
            producer=self._resolver.producer_id(),
        )
        if self.stop not in opened.before_close:
            opened.before_close.append(self.stop)
        await self._loop.start()

    async def declare(self) -> None:
        """Store the schedules that code declares, or bring the stored ones up to date."""
        for declared in self._declared:
            target = TaskRef(declared.job_name)
            job = self._resolver.bound_job(target, declared.args, Options())
            await self._put(Draft(declared.name, job, declared.plan, declared=True))

    async def stop(self) -> None:
        """Stop, and let another scheduler take over at once. Safe to call twice, or unstarted."""
        loop, self._loop = self._loop, None
        if loop is not None:
            await loop.stop()

    @asynccontextmanager
    async def beside_worker(self, *, run: bool, remind: bool) -> AsyncIterator[None]:
        """Around a worker: run with `run`; else with `remind` warn if nobody does.

        A scheduler that runs already is left alone.
        """
        starts = run and not self.running
        if starts:
            await self.start()
        elif remind and not self.running:
            await self._remind()
        try:
            yield
        finally:
            if starts:
                await self.stop()

    async def _remind(self) -> None:
        """Warn that the schedules declared here fire nowhere, unless told not to."""
        if not self._declared or SchedulerSettings().suppress_warning:
            return
        if await self.schedulers():
            return
        names = [declared.name for declared in self._declared]
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        _log.warning(
            "No scheduler is running, so these schedules do not fire: %s%s. Run `soniq scheduler`, "
            "or this worker with --scheduler; SONIQ_SCHEDULER_SUPPRESS_WARNING=1 silences this.",
            ", ".join(names[:_NAMED]),
            more,
        )


def _may_exist(name: Any) -> bool:
    """Whether a schedule can have this name: no store could look for any other."""
    try:
        check_schedule_name(name)
    except ValueError:
        return False
    return True


def _arguments(args: Any) -> dict[str, Any]:
    if args is not None and not isinstance(args, dict):
        raise TypeError(f"args must be a dict, got {type(args).__name__}")
    return args or {}


def _seconds(check_interval: Any) -> float:
    seconds = check_seconds("check_interval", check_interval)
    if seconds <= 0:
        raise ValueError(f"check_interval must be more than 0 seconds, got {check_interval!r}")
    return seconds
