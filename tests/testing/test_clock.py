"""A clock that runs what falls due."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from soniq import PermanentFailure, RetryAfter, Snooze, Soniq
from soniq.testing import Clock, drain, make_app

START = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Clock:
    return Clock(START)


def after(**lengths: float) -> datetime:
    return START + timedelta(**lengths)


async def job_of(app: Soniq, job_id: str) -> dict[str, Any]:
    job = await app.get_job(job_id)
    assert job is not None
    return job


async def test_it_stands_still_until_it_is_advanced(clock: Clock) -> None:
    app = make_app(clock=clock)
    app.job(name="a.job")(lambda: None)
    job_id = await app.enqueue("a.job")
    await drain(app)
    job = await job_of(app, job_id)
    assert clock.now() == START
    assert {job["created_at"], job["started_at"], job["finished_at"]} == {START}


@pytest.mark.parametrize(
    ("by", "length"),
    [
        (90, timedelta(seconds=90)),
        (0.25, timedelta(milliseconds=250)),
        (timedelta(days=2), timedelta(days=2)),
        ("3 days", timedelta(days=3)),
        ("1 hour 30 minutes", timedelta(minutes=90)),
        ("1h, 30min and 5 s", timedelta(minutes=90, seconds=5)),
        ("2 Weeks", timedelta(weeks=2)),
        ("1.5 hours", timedelta(minutes=90)),
    ],
    ids=str,
)
async def test_it_advances_by_lengths_of_every_kind(
    clock: Clock, by: Any, length: timedelta
) -> None:
    await clock.advance(by)
    assert clock.now() == START + length


@pytest.mark.parametrize(
    "by",
    [
        *("soon", "3", "3 fortnights", "", "9" * 30 + " days", "9" * 400 + " days"),
        *(-1, 1e20, 10**400, float("inf"), float("nan"), timedelta(-1), timedelta.max),
    ],
    ids=lambda by: str(by)[:40],
)
async def test_it_refuses_what_is_no_length_of_time(clock: Clock, by: Any) -> None:
    with pytest.raises(ValueError):
        await clock.advance(by)
    assert clock.now() == START


def test_it_starts_now_or_at_an_aware_time() -> None:
    assert abs(Clock().now() - datetime.now(UTC)) < timedelta(minutes=1)
    with pytest.raises(ValueError, match="time zone"):
        Clock(datetime(2030, 1, 1))  # noqa: DTZ001 - that is the point


async def test_retries_run_each_at_its_own_time(clock: Clock) -> None:
    app, tries = make_app(clock=clock), []

    @app.job(retries=3, retry_delay=[60, 3600, 86400])
    async def flaky() -> str:
        tries.append(clock.now())
        if len(tries) < 4:
            raise ConnectionError("not yet")
        return "done"

    job_id = await app.enqueue(flaky)
    await clock.advance("3 days")
    assert tries == [
        START,
        after(minutes=1),
        after(minutes=1, hours=1),
        after(minutes=1, hours=1, days=1),
    ]
    assert await app.get_result(job_id) == "done"
    assert clock.now() == after(days=3)


async def test_what_falls_due_runs_in_the_order_of_its_time(clock: Clock) -> None:
    app = make_app(clock=clock)
    order: list[tuple[str, datetime]] = []

    @app.job(priority=1)
    async def note(name: str) -> None:
        order.append((name, clock.now()))

    @app.periodic(every=timedelta(hours=1))
    async def hourly() -> None:
        order.append(("hourly", clock.now()))

    @app.job
    async def snooze() -> Snooze | None:
        order.append(("snooze", clock.now()))
        return Snooze(1800) if len(order) < 4 else None

    await app.enqueue(note, name="late", delay=5400)
    await app.enqueue(note, name="soon", delay=10)
    await app.enqueue(snooze)
    await clock.advance("2 hours")
    assert order == [
        ("snooze", START),
        ("soon", after(seconds=10)),
        ("snooze", after(minutes=30)),
        ("snooze", after(hours=1)),
        ("hourly", after(hours=1)),
        ("late", after(minutes=90)),
        ("hourly", after(hours=2)),
    ]


async def test_schedules_fire_at_each_of_their_times(clock: Clock) -> None:
    app, ran = make_app(clock=clock), []

    @app.periodic(cron="0 6 * * *", timezone="Europe/Berlin", schedule_args={"kind": "daily"})
    async def report(kind: str) -> None:
        ran.append((kind, clock.now()))

    await clock.advance("2 days")
    assert ran == [("daily", after(hours=5)), ("daily", after(days=1, hours=5))]
    await app.scheduler.pause("tests.testing.test_clock.report")
    await clock.advance("2 days")
    assert len(ran) == 2


async def test_what_is_enqueued_on_the_way_runs_too(clock: Clock) -> None:
    app, ran = make_app(clock=clock), []

    @app.job
    async def first() -> None:
        await second.options(delay=3600).enqueue()
        await second.enqueue()

    @app.job
    async def second() -> None:
        ran.append(clock.now())

    await app.enqueue(first, delay=3600)
    await clock.advance("1 day")
    assert ran == [after(hours=1), after(hours=2)]


async def test_several_apps_go_by_one_clock(clock: Clock) -> None:
    shop, mail = make_app(clock=clock), make_app(clock=clock)
    ran: list[tuple[str, datetime]] = []

    @mail.job
    async def send() -> None:
        ran.append(("send", clock.now()))

    @shop.job
    async def order() -> None:
        ran.append(("order", clock.now()))
        await mail.enqueue(send)

    await shop.enqueue(order, delay=60)
    await mail.enqueue(send, delay=30)
    await clock.advance(120)
    assert ran == [
        ("send", after(seconds=30)),
        ("order", after(seconds=60)),
        ("send", after(seconds=60)),
    ]


async def test_jobs_of_unknown_names_are_given_up_when_their_grace_is_over(clock: Clock) -> None:
    app = make_app(clock=clock, enqueue_validation="none", unknown_job_grace=600)
    job_id = await app.enqueue("else.where", delay=60)
    await clock.advance(659)
    assert (await job_of(app, job_id))["status"] == "queued"
    await clock.advance(1)
    job = await job_of(app, job_id)
    assert (job["status"], job["dead_letter_reason"]) == ("dead_letter", "job_not_found")
    assert job["updated_at"] == after(seconds=660)


async def test_results_go_when_their_time_is_over_and_stay_for_a_year_otherwise(
    clock: Clock,
) -> None:
    brief, lasting = make_app(clock=clock, result_ttl=3600), make_app(clock=clock)
    ids = []
    for app in (brief, lasting):
        app.job(name="a.job")(lambda: None)
        ids.append(await app.enqueue("a.job"))
    await clock.advance(3599)
    assert await brief.get_job(ids[0]) is not None
    await clock.advance("30 days")
    assert await brief.get_job(ids[0]) is None
    assert (await job_of(lasting, ids[1]))["status"] == "done"


async def test_failures_are_judged_as_by_a_worker(clock: Clock) -> None:
    app = make_app(clock=clock, max_retries=5)

    @app.job
    async def hopeless() -> None:
        raise PermanentFailure("never")

    @app.job
    async def put_off() -> None:
        raise RetryAfter(3600, "busy")

    dead, waiting = await app.enqueue(hopeless), await app.enqueue(put_off)
    await clock.advance(60)
    assert (await job_of(app, dead))["dead_letter_reason"] == "permanent_failure"
    assert (await job_of(app, waiting))["scheduled_at"] == after(hours=1)


@pytest.mark.parametrize("sync", [False, True], ids=["async", "sync"])
async def test_a_handler_that_hangs_times_out_on_the_way(*, sync: bool) -> None:
    clock, fired, freed = Clock(START, patience=0.4), [], threading.Event()
    app = make_app(clock=clock)

    @app.periodic(every=timedelta(seconds=45))
    async def meanwhile() -> None:
        fired.append(clock.now())

    async def hang() -> None:
        await asyncio.Event().wait()

    def hang_in_a_thread() -> None:
        freed.wait(30)

    handler = app.job(timeout=60, retries=0)(hang_in_a_thread if sync else hang)
    job_id = await app.enqueue(handler)
    await clock.advance(100)
    freed.set()
    job = await job_of(app, job_id)
    assert (job["status"], job["dead_letter_reason"]) == ("dead_letter", "timeout")
    assert job["last_error"] == "Job timed out after 60s"
    assert job["updated_at"] == after(seconds=60)
    assert fired == [after(seconds=60), after(seconds=90)]
    schedules = await app.list_jobs()
    assert {one["scheduled_at"] for one in schedules} == {after(seconds=45), after(seconds=90)}


async def test_a_handler_that_hangs_is_put_back_while_its_timeout_is_to_come() -> None:
    clock, calls = Clock(START, patience=0.4), []
    app = make_app(clock=clock)

    @app.job(timeout=60, retries=0)
    async def hang() -> None:
        calls.append(clock.now())
        await asyncio.Event().wait()

    @app.job
    async def other() -> str:
        return "ran"

    job_id = await app.enqueue(hang)
    other_id = await app.enqueue(other, delay=10)
    await clock.advance(40)
    job = await job_of(app, job_id)
    assert (job["status"], job["attempts"]) == ("queued", 0)
    assert await app.get_result(other_id) == "ran"
    await clock.advance(40)
    job = await job_of(app, job_id)
    assert (job["status"], job["updated_at"]) == ("dead_letter", after(seconds=60))
    assert calls == [START, after(seconds=40)]


async def test_a_handler_that_moves_the_clock_fails(clock: Clock) -> None:
    app = make_app(clock=clock, max_retries=0)

    @app.job
    async def meddle() -> None:
        await clock.advance(1)

    job_id = await app.enqueue(meddle)
    await clock.advance(10)
    assert "being advanced already" in (await job_of(app, job_id))["last_error"]


async def test_closed_apps_are_left_alone(clock: Clock) -> None:
    app = make_app(clock=clock)
    async with app:
        app.job(name="a.job")(lambda: None)
        await app.enqueue("a.job")
    await clock.advance("1 day")
    await app.ensure_initialized()
    assert (await app.get_queue_stats())["queued"] == 1


async def test_a_minute_schedule_for_six_hours_takes_a_moment(clock: Clock) -> None:
    app, ran = make_app(clock=clock), []
    app.periodic(cron="* * * * *")(lambda: ran.append(clock.now()))
    async with asyncio.timeout(30):
        await clock.advance("6 hours")
    assert ran == [after(minutes=minute) for minute in range(1, 361)]
