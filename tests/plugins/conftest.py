"""Plugins that write down what happens to them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from soniq import PermanentFailure, Snooze, Soniq
from soniq.plugins import Plugin, PluginJob, PluginWorker
from tests.worker.conftest import PATIENCE, app, make_app, store, until, until_status, working

__all__ = ["PATIENCE", "Diary", "Named", "app", "make_app", "store", "until", "until_status"]
__all__ += ["working"]


class Named(Plugin):
    """A plugin of any identifier, one for each instance."""

    def __init__(self, identifier: str = "tests.named", needs: Sequence[str] = ()) -> None:
        self.identifier = identifier
        self.needs = needs

    # Static for ordinary plugins; a test's instances differ in it.
    def get_identifier(self) -> str:  # type: ignore[override]
        return self.identifier

    def get_dependencies(self) -> Sequence[str]:
        return self.needs


class Diary(Named):
    """Writes everything into `pages`, which several may share."""

    def __init__(
        self,
        identifier: str = "tests.diary",
        needs: Sequence[str] = (),
        pages: list[Any] | None = None,
    ) -> None:
        super().__init__(identifier, needs)
        self.pages: list[Any] = [] if pages is None else pages

    def write(self, *entry: object) -> None:
        self.pages.append((self.identifier, *entry))

    def install(self, app: Soniq) -> None:
        self.write("install")

    async def on_startup(self, app: Soniq) -> None:
        self.write("startup")

    async def on_shutdown(self, app: Soniq) -> None:
        self.write("shutdown")

    async def on_worker_started(self, worker: PluginWorker) -> None:
        self.write("worker started")

    async def on_worker_stopped(self, worker: PluginWorker) -> None:
        self.write("worker stopped")

    async def on_job_starting(self, *, worker: PluginWorker, job: PluginJob) -> None:
        self.write("starting", job.job_name, job.outcome)

    async def on_job_completed(
        self, *, worker: PluginWorker, job: PluginJob, exception: BaseException | None, result: Any
    ) -> None:
        self.write("completed", job.job_name, job.outcome)

    async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
        self.write("updated", job.job_name, job.outcome)


class Updated(Named):
    """Keeps the jobs it was told of."""

    def __init__(self, identifier: str = "tests.updated") -> None:
        super().__init__(identifier)
        self.jobs: list[PluginJob] = []

    async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
        self.jobs.append(job)


def define(app: Soniq) -> None:
    @app.job(name="works", retries=1)
    async def works(number: int = 0) -> int:
        return number

    @app.job(name="fails", retries=1)
    async def fails() -> None:
        raise ValueError("as ever")

    @app.job(name="fatal")
    async def fatal() -> None:
        raise PermanentFailure("never again")

    @app.job(name="snoozes")
    async def snoozes() -> Snooze:
        return Snooze(3600, "later")


async def run_one(app: Soniq, name: str, **args: Any) -> dict[str, Any]:
    """Enqueue a job, run what is due, and give the job."""
    job_id = await app.enqueue(name, args=args)
    await app.run_worker(run_once=True)
    job = await app.get_job(job_id)
    assert job is not None
    return job


async def memory_app(*plugins: Plugin, **settings: Any) -> Soniq:
    app = Soniq(backend="memory", plugins=plugins, **settings)
    define(app)
    return app
