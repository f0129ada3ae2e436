"""What plugins are told of runs, and what they may make of them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from soniq import Soniq
from soniq.events import Events
from soniq.plugins import Dead, Done, PluginJob, PluginWorker, Retry, Snoozed
from soniq.plugins.attendance import PluginAttendance
from soniq.records import JOB_KEYS
from tests.plugins.conftest import Diary, Named, Updated, define, memory_app, run_one
from tests.worker.conftest import MakeApp, until_status, working


class Completing(Named):
    """Returns `wish` from on_job_completed, and keeps what it was told."""

    def __init__(self, wish: Any = None, identifier: str = "tests.completing") -> None:
        super().__init__(identifier)
        self.wish = wish
        self.told: list[tuple[str | None, BaseException | None, Any]] = []

    async def on_job_completed(
        self, *, worker: PluginWorker, job: PluginJob, exception: BaseException | None, result: Any
    ) -> Any:
        self.told.append((job.outcome, exception, result))
        if isinstance(self.wish, Exception):
            raise self.wish
        return self.wish


# --- order and views ----------------------------------------------------------------------------


async def test_a_run_is_told_from_start_to_stored_end(make_app: MakeApp) -> None:
    plugin = Diary()
    app = await make_app(plugins=[plugin])
    define(app)
    await run_one(app, "works")
    await run_one(app, "fails")
    assert [entry[1:] for entry in plugin.pages] == [
        ("install",),
        ("startup",),
        ("worker started",),
        ("starting", "works", None),
        ("completed", "works", "done"),
        ("updated", "works", "done"),
        ("worker stopped",),
        ("worker started",),
        ("starting", "fails", None),
        ("completed", "fails", "failed"),
        ("updated", "fails", "failed"),
        ("starting", "fails", None),
        ("completed", "fails", "dead_letter"),
        ("updated", "fails", "dead_letter"),
        ("worker stopped",),
    ]


async def test_a_told_job_is_what_the_store_has(make_app: MakeApp) -> None:
    plugin = Updated()
    app = await make_app(plugins=[plugin])
    define(app)
    job_id = await app.enqueue("works", args={"number": 7}, dedup_key="one", priority=5)
    await app.run_worker(run_once=True)
    stored = await app.get_job(job_id)
    [told] = plugin.jobs
    assert stored is not None
    own_clock = {"started_at", "finished_at", "updated_at"}
    assert {key: getattr(told, key) for key in JOB_KEYS if key not in own_clock} == {
        key: stored[key] for key in JOB_KEYS if key not in own_clock
    }
    assert told.outcome == "done"
    assert told.finished_at is not None
    assert told.duration_s is not None
    took = (told.finished_at - told.started_at).total_seconds()
    assert took == pytest.approx(told.duration_s, abs=1e-3)
    assert abs(told.started_at - stored["started_at"]) < timedelta(seconds=30)
    assert told.wait_s >= 0


async def test_a_told_job_shows_how_its_run_ended() -> None:
    plugin = Updated()
    app = await memory_app(plugin)
    for name in ("fails", "fatal", "snoozes"):
        await run_one(app, name)
    await app.close()
    failed, dead, fatal, snoozed = plugin.jobs
    assert (failed.outcome, failed.status, failed.attempts) == ("failed", "queued", 1)
    assert (dead.outcome, dead.status, dead.dead_letter_reason) == (
        "dead_letter",
        "dead_letter",
        "max_retries_exceeded",
    )
    assert fatal.dead_letter_reason == "permanent_failure"
    assert "never again" in str(fatal.last_error)
    assert (snoozed.outcome, snoozed.attempts, snoozed.last_error) == (
        "snoozed",
        0,
        "SNOOZE: later",
    )
    assert (failed.finished_at, snoozed.finished_at) == (None, None)


async def test_a_told_job_has_the_error_of_its_own_run_and_of_no_earlier_one() -> None:
    class Reading(Updated):
        async def on_job_starting(self, *, worker: PluginWorker, job: PluginJob) -> None:
            self.jobs.append(job)

    plugin = Reading()
    app = await memory_app(plugin)
    await run_one(app, "fails")
    await app.close()
    starting, failed, again, dead = plugin.jobs
    assert (starting.last_error, again.last_error) == (None, None)
    assert str(failed.last_error).startswith("ValueError: as ever")
    assert str(dead.last_error).startswith("ValueError: as ever")


async def test_a_told_job_cannot_be_changed() -> None:
    plugin = Updated()
    app = await memory_app(plugin)
    await run_one(app, "works")
    await app.close()
    with pytest.raises(AttributeError):
        plugin.jobs[0].queue = "other"  # type: ignore[misc]
    plugin.jobs[0].args["number"] = 9
    assert plugin.jobs[0].args == {}


async def test_a_worker_shows_who_it_is() -> None:
    class Looking(Named):
        worker: PluginWorker | None = None

        async def on_worker_started(self, worker: PluginWorker) -> None:
            self.worker = worker

    plugin = Looking()
    app = await memory_app(plugin)
    await app.run_worker(concurrency=3, queues=["default", "other"], run_once=True)
    assert plugin.worker is not None
    assert plugin.worker.app is app
    assert plugin.worker.queues == ("default", "other")
    assert plugin.worker.concurrency == 3
    assert [worker["id"] for worker in await app.list_workers()] == [plugin.worker.id]
    with pytest.raises(AttributeError):
        plugin.worker.concurrency = 4  # type: ignore[misc]
    await app.close()


# --- starting -----------------------------------------------------------------------------------


async def test_a_plugin_that_raises_at_the_start_fails_the_attempt(make_app: MakeApp) -> None:
    class Refusing(Named):
        refused = 0

        async def on_job_starting(self, *, worker: PluginWorker, job: PluginJob) -> None:
            if job.attempts == 1:
                self.refused += 1
                raise PermissionError("not before noon")

    plugin, errors, ran = Refusing(), [], []
    app = await make_app(plugins=[plugin])

    @app.on_error
    def keep(error: str) -> None:
        errors.append(error)

    @app.job(name="work", retries=1)
    async def work() -> None:
        ran.append(1)

    job = await run_one(app, "work")
    assert (job["status"], job["attempts"], plugin.refused, ran) == ("done", 2, 1, [1])
    assert errors == ["not before noon"]
    assert "PermissionError" in job["last_error"]


async def test_a_plugin_that_hangs_at_the_start_fails_the_attempt() -> None:
    class Hanging(Named):
        async def on_job_starting(self, *, worker: PluginWorker, job: PluginJob) -> None:
            await asyncio.Event().wait()

    app = await memory_app(Hanging(), hook_timeout=0.05)
    job = await run_one(app, "works")
    assert job["status"] == "dead_letter"
    assert "hook_timeout" in job["last_error"]
    await app.close()


# --- completed ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["works", "fails"])
async def test_the_outcome_stands_where_a_plugin_returns_none(name: str) -> None:
    plugin = Completing()
    app = await memory_app(plugin)
    job = await run_one(app, name)
    if name == "works":
        assert job["status"] == "done"
        assert plugin.told == [("done", None, 0)]
    else:
        assert job["status"] == "dead_letter"
        assert [told[0] for told in plugin.told] == ["failed", "dead_letter"]
        assert all(isinstance(told[1], ValueError) and told[2] is None for told in plugin.told)
    await app.close()


async def test_done_is_stored_instead_of_a_failure(make_app: MakeApp) -> None:
    app = await make_app(plugins=[Completing(Done({"saved": True}))])
    define(app)
    job = await run_one(app, "fails")
    assert (job["status"], job["result"], job["attempts"]) == ("done", {"saved": True}, 1)


async def test_retry_is_stored_instead_of_a_success(make_app: MakeApp) -> None:
    app = await make_app(plugins=[Completing(Retry(timedelta(hours=1)))])
    define(app)
    job = await run_one(app, "works")
    assert (job["status"], job["attempts"]) == ("queued", 1)
    assert "tests.completing" in job["last_error"]
    assert job["scheduled_at"] - job["updated_at"] > timedelta(minutes=50)


async def test_a_retry_without_an_attempt_left_is_a_dead_letter() -> None:
    app = await memory_app(Completing(Retry(0)))
    job = await run_one(app, "works")
    assert (job["status"], job["attempts"]) == ("dead_letter", 2)
    assert job["dead_letter_reason"] == "max_retries_exceeded"
    await app.close()


async def test_snoozed_is_stored_and_spends_no_attempt(make_app: MakeApp) -> None:
    app = await make_app(plugins=[Completing(Snoozed(10**9))], snooze_max_seconds=60)
    define(app)
    job = await run_one(app, "fails")
    assert (job["status"], job["attempts"]) == ("queued", 0)
    assert job["last_error"] == "SNOOZE: plugin tests.completing"
    assert job["scheduled_at"] - job["updated_at"] < timedelta(seconds=61)


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (Dead(), "permanent_failure"),
        (Dead("manual"), "manual"),
        (Dead("customer is gone"), "permanent_failure"),
    ],
    ids=["default", "reason", "words"],
)
async def test_dead_is_stored_instead_of_a_success(given: Dead, reason: str) -> None:
    app = await memory_app(Completing(given))
    job = await run_one(app, "works")
    assert (job["status"], job["dead_letter_reason"]) == ("dead_letter", reason)
    if given.reason == "customer is gone":
        assert job["last_error"] == "customer is gone"
    await app.close()


async def test_words_for_a_dead_letter_stand_before_the_error_of_the_run(make_app: MakeApp) -> None:
    first, second = Completing(Dead("fraud"), "first"), Completing(Dead("told twice"), "second")
    app = await make_app(plugins=[first, second])
    define(app)
    job = await run_one(app, "fails")
    assert (job["status"], job["dead_letter_reason"]) == ("dead_letter", "permanent_failure")
    *words, error = job["last_error"].split("\n", 2)
    assert words == ["told twice", "fraud"]
    assert error.startswith("ValueError: as ever\nTraceback")
    assert "in fails" in error


@pytest.mark.parametrize("wish", [Dead("manual"), Retry(3600)], ids=["dead", "retry"])
async def test_a_wish_without_words_leaves_the_error_of_the_run_as_it_is(
    make_app: MakeApp, wish: Dead | Retry
) -> None:
    app = await make_app(plugins=[Completing(wish)])
    define(app)
    assert (await run_one(app, "fails"))["last_error"].startswith("ValueError: as ever\nTraceback")


@pytest.mark.parametrize("wish", [OSError("no"), "done", Snoozed("soon")], ids=type)  # type: ignore[arg-type]
async def test_a_plugin_that_fails_changes_no_outcome(
    wish: Any, caplog: pytest.LogCaptureFixture
) -> None:
    app = await memory_app(Completing(wish))
    job = await run_one(app, "works", number=3)
    assert (job["status"], job["result"]) == ("done", 3)
    assert "Plugin tests.completing: on_job_completed failed" in caplog.text
    await app.close()


async def test_a_result_that_cannot_be_stored_is_dropped(caplog: pytest.LogCaptureFixture) -> None:
    app = await memory_app(Completing(Done(float("nan"))))
    job = await run_one(app, "works")
    assert (job["status"], job["result"]) == ("done", None)
    assert "could not be stored" in caplog.text
    await app.close()


async def test_each_plugin_sees_what_the_one_before_it_made() -> None:
    first, second = Completing(Dead("manual"), "first"), Completing(None, "second")
    app = await memory_app(first, second)
    await run_one(app, "works")
    assert [told[0] for told in (*first.told, *second.told)] == ["done", "dead_letter"]
    await app.close()


async def test_hooks_and_sink_agree_with_what_is_stored() -> None:
    called: list[str] = []

    class Sink:
        async def record_job_start(self, **_: Any) -> None: ...

        async def record_job_end(self, *, status: str, **_: Any) -> None:
            called.append(f"sink {status}")

    for name, wish in (("works", Dead()), ("fails", Done())):
        app = Soniq(backend="memory", plugins=[Completing(wish)], metrics_sink=Sink())
        define(app)
        app.after_job(lambda ctx: called.append("after"))
        app.on_error(lambda ctx, error: called.append("error"))
        await run_one(app, name)
        await app.close()
    assert called == ["sink dead_letter", "error", "sink done"]


async def test_interrupted_and_cancelled_runs_are_not_told(make_app: MakeApp) -> None:
    completing, updated = Completing(Done()), Updated()
    app = await make_app(plugins=[completing, updated], shutdown_timeout=0.1)
    begun = asyncio.Event()

    @app.job(name="long")
    async def long() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with working(app):
        job_id = await app.enqueue("long")
        await asyncio.wait_for(begun.wait(), 15)
        await app.cancel_job(job_id)
        await until_status(app, job_id, "cancelled")
        begun.clear()
        other = await app.enqueue("long")
        await asyncio.wait_for(begun.wait(), 15)
    job = await app.get_job(other)
    assert job is not None
    assert (job["status"], job["attempts"]) == ("queued", 0)
    assert not completing.told
    assert not updated.jobs


async def test_nothing_is_called_that_no_plugin_overrides() -> None:
    app = Soniq(backend="memory")
    worker = PluginWorker("one", app, None, 1)
    bare = PluginAttendance(app, [Named()], app.settings, worker, Events())
    assert (bare.starting, bare.completed, bare.updated, bare.cleanup) == (None,) * 4
    full = PluginAttendance(app, [Diary()], app.settings, worker, Events())
    assert full.starting is not None
    assert full.completed is not None
    assert full.updated is not None
    assert app._lifecycle.attend is None
