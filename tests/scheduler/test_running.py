"""Schedulers that run: what fires, when, and who fires it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from soniq import Soniq
from soniq.events import Events
from soniq.scheduler.firing import Firer
from tests.backends.conftest import POSTGRES
from tests.backends.stores import PATIENCE, Store
from tests.scheduler.conftest import TICK, Apps, jobs_of, until, until_ahead, until_ran


async def get(app: Soniq, name: str = "tests.job") -> dict[str, Any]:
    found = await app.scheduler.get(name)
    assert found is not None
    return found


async def test_it_fires_when_the_time_has_come(store: Store, app: Soniq) -> None:
    await app.scheduler.add("tests.job", every=600, args={"n": 1})
    before = await get(app)
    await app.scheduler.start(TICK)

    await store.pass_time(610)
    after = await until_ran(app, "tests.job", 1)

    [job] = await jobs_of(app)
    assert (job["args"], job["status"], after["last_job_id"]) == ({"n": 1}, "queued", job["id"])
    assert after["next_run"] - job["scheduled_at"] == timedelta(seconds=600)
    assert after["id"] == before["id"]
    assert job["producer_id"]


@POSTGRES
async def test_it_is_on_time_whatever_its_check_interval(app: Soniq) -> None:
    """By the clock of the database, which nobody moves; edits wake it."""
    await app.scheduler.start(check_interval=600)
    await app.scheduler.add("tests.job", every=1)

    async def three_in_a_row_were_on_time() -> bool:
        jobs = await jobs_of(app)
        return any(map(were_on_time, jobs, jobs[1:], jobs[2:]))

    await until(three_in_a_row_were_on_time)


def were_on_time(*jobs: dict[str, Any]) -> bool:
    """Whether these are of due times one second apart, and none is a second late.

    A look every few seconds, however it falls, is never on time for one after the other.
    """
    due = [job["scheduled_at"] for job in jobs]
    late = [job["created_at"] - job["scheduled_at"] for job in jobs]
    return (
        all(after - before == timedelta(seconds=1) for before, after in pairwise(due))
        and min(late) < timedelta(seconds=0.1)
        and max(late) < timedelta(seconds=1)
    )


async def test_a_worker_runs_what_a_schedule_enqueues(app: Soniq) -> None:
    ran = asyncio.Event()

    @app.periodic(every=3600, name="tests.job", schedule_args={"n": 5})
    async def job(n: int) -> None:
        assert n == 5
        ran.set()

    stop = asyncio.Event()
    worker = asyncio.create_task(app.run_worker(shutdown_event=stop, scheduler=True))

    async def stored() -> bool:
        return app.scheduler.running and await app.scheduler.get("tests.job") is not None

    await until(stored)
    await app.scheduler.run_now("tests.job")
    async with asyncio.timeout(PATIENCE):
        await ran.wait()
        stop.set()
        await worker
    assert not app.scheduler.running


async def test_a_restart_keeps_the_next_run(store: Store, apps: Apps) -> None:
    one = await apps.new()
    one.periodic(every=600, name="tests.job")(lambda: None)
    await one.scheduler.start(TICK)
    await one.scheduler.stop()
    before = await get(one)
    await store.pass_time(200)

    other = await apps.new()
    other.periodic(every=600, name="tests.job")(lambda: None)
    await other.scheduler.start(TICK)
    await other.scheduler.stop()

    left = (await get(other))["next_run"] - await store.backend.schedules.now()
    assert left <= timedelta(seconds=400)
    assert (await get(other))["id"] == before["id"]


@pytest.mark.parametrize("policy, runs", [("skip", 0), ("one", 1), ("all", 10)])
async def test_after_an_outage_each_policy_is_followed(
    store: Store, app: Soniq, policy: str, runs: int
) -> None:
    await app.scheduler.add("tests.job", every=600, catch_up=policy)
    await store.pass_time(6000 + 300)

    await app.scheduler.start(TICK)

    after = await until_ahead(store, app, "tests.job")
    assert after["run_count"] == runs
    jobs = await jobs_of(app)
    assert len(jobs) == runs
    times = [job["scheduled_at"] for job in jobs]
    assert {after - before for before, after in pairwise(times)} <= {timedelta(seconds=600)}
    assert after["next_run"] > await store.backend.schedules.now()


async def test_a_long_outage_is_caught_up_so_far_and_says_so(
    store: Store, app: Soniq, caplog: pytest.LogCaptureFixture
) -> None:
    await app.scheduler.add("tests.job", every=60, catch_up="all")
    await store.pass_time(60 * 2500 + 30)

    await app.scheduler.start(TICK)

    found = await until_ran(app, "tests.job", 1000)
    assert found["next_run"] > await store.backend.schedules.now()
    async with asyncio.timeout(PATIENCE):
        while not caplog.records:  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.01)
    [warning] = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert "tests.job" in warning.getMessage()
    assert warning.getMessage().endswith("1000 run now, 1500 are skipped")


async def test_a_dispatch_is_logged(
    store: Store, app: Soniq, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "soniq.scheduler")
    await app.scheduler.add("tests.job", every=600, name="mine")
    await app.scheduler.start(TICK)
    await store.pass_time(610)
    after = await until_ran(app, "mine", 1)

    def lines() -> list[str]:
        return [r.getMessage() for r in caplog.records if "dispatched" in r.getMessage()]

    async with asyncio.timeout(PATIENCE):
        while not lines():  # noqa: ASYNC110 - a log tells nobody
            await asyncio.sleep(0.01)
    await app.scheduler.stop()

    [line] = lines()
    assert "mine" in line
    assert "tests.job" in line
    assert after["last_job_id"] in line
    assert str(after["next_run"].year) in line


async def test_a_paused_schedule_fires_no_more_even_from_elsewhere(
    store: Store, apps: Apps
) -> None:
    one, other = await apps.new(), await apps.new()
    for name in ("paused", "control"):
        await one.scheduler.add("tests.job", every=600, name=name)
    await one.scheduler.start(TICK)

    await other.scheduler.pause("paused")
    await store.pass_time(610)
    await until_ran(one, "control", 1)
    await until_ran(one, "paused", 0)

    await other.scheduler.resume("paused")
    await store.pass_time(600)
    await until_ran(one, "control", 2)
    await until_ran(one, "paused", 1)


async def test_where_nothing_notifies_edits_come_through_within_a_tick(
    store: Store, apps: Apps
) -> None:
    one, other = await apps.new(notify=False), await apps.new(notify=False)
    await one.scheduler.start(TICK)

    await other.scheduler.add("tests.job", every=600)
    await store.pass_time(610)

    await until_ran(one, "tests.job", 1)


async def test_a_due_time_is_passed_over_while_the_last_job_is_unfinished(
    store: Store, app: Soniq
) -> None:
    await app.scheduler.add("tests.job", every=600, overlap="skip")
    await app.scheduler.start(TICK)
    await store.pass_time(610)
    first = await until_ran(app, "tests.job", 1)

    await store.pass_time(600)
    second = await until_ahead(store, app, "tests.job")
    assert (second["run_count"], second["last_job_id"]) == (1, first["last_job_id"])

    assert await app.cancel_job(first["last_job_id"])
    await store.pass_time(600)
    third = await until_ran(app, "tests.job", 2)
    assert third["last_job_id"] != first["last_job_id"]


async def test_a_run_is_put_off_within_its_jitter(store: Store, app: Soniq) -> None:
    await app.scheduler.add("tests.job", every=6000, jitter=600)
    await app.scheduler.start(TICK)
    [seen] = (await store.backend.schedules.upcoming(1)).schedules
    offset = (seen.fires_at - seen.next_run).total_seconds()
    assert 0 < offset < 600

    await store.pass_time(6000 + offset - 30)
    await asyncio.sleep(4 * TICK)
    assert (await get(app))["run_count"] == 0

    await store.pass_time(31)
    await until_ran(app, "tests.job", 1)


async def test_of_several_one_leads_and_another_takes_over_at_once(apps: Apps) -> None:
    running = [await apps.new() for _ in range(3)]
    for app in running:
        await app.scheduler.start()

    async def one_leads() -> bool:
        return sum(app.scheduler.leading for app in running) == 1

    for number in range(3):
        async with asyncio.timeout(5):
            await until(one_leads)
        assert len(await running[0].scheduler.schedulers()) == 3 - number
        [leader] = [app for app in running if app.scheduler.leading]
        await leader.scheduler.stop()
    assert await running[0].scheduler.schedulers() == []


async def test_two_leaders_still_fire_once(store: Store, apps: Apps) -> None:
    """The lease decides who works; that a due time fires once does not hang on it."""
    one, other = await apps.new(), await apps.new()
    await one.scheduler.add("tests.job", every=600, catch_up="all")
    await store.pass_time(6000 + 300)
    firers = [firer_of(app) for app in (one, other)]

    await asyncio.gather(*(firer.fire_due() for firer in firers * 3))

    assert len(await jobs_of(one)) == (await get(one))["run_count"] == 10


def firer_of(app: Soniq) -> Firer:
    assert app.backend is not None
    return Firer(app.backend.schedules, Events(), missed_after=60, producer=None)


async def test_one_schedule_that_cannot_fire_holds_no_other_up(
    store: Store, app: Soniq, caplog: pytest.LogCaptureFixture
) -> None:
    await app.scheduler.add("tests.job", every=600, name="broken")
    await app.scheduler.add("tests.job", every=600, name="sound")
    seen = await store.backend.schedules.get("broken")
    assert seen is not None
    other = replace(seen, schedule_type="cron", schedule_value="* * * * *", timezone="No/Where")
    assert await store.backend.schedules.update(seen, other)

    await app.scheduler.start(TICK)
    await store.pass_time(610)
    await until_ran(app, "sound", 1)

    assert (await get(app, "broken"))["run_count"] == 0
    assert any("broken" in r.getMessage() and r.levelno == logging.ERROR for r in caplog.records)


async def test_closing_the_application_stops_its_scheduler(store: Store, apps: Apps) -> None:
    app = await apps.new()
    await app.scheduler.start(TICK)
    assert (app.scheduler.running, app.scheduler.check_interval) == (True, TICK)

    await app.close()

    assert (app.scheduler.running, app.scheduler.leading) == (False, False)
    watcher = await store.open()
    assert await watcher.schedules.running() == []


async def test_starting_and_stopping_twice_is_no_matter(app: Soniq) -> None:
    await app.scheduler.stop()
    await app.scheduler.start()
    await app.scheduler.start()
    assert len(await app.scheduler.schedulers()) <= 1
    await app.scheduler.stop()
    await app.scheduler.stop()
    await app.scheduler.start()
    assert app.scheduler.running


@pytest.mark.parametrize("interval", [0, -1, float("nan"), float("inf")])
async def test_a_check_interval_is_a_positive_number(app: Soniq, interval: float) -> None:
    with pytest.raises(ValueError, match="check_interval"):
        await app.scheduler.start(interval)
    assert not app.scheduler.running
