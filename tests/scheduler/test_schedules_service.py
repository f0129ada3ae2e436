"""Adding and editing schedules through `app.scheduler`, alike on every store."""

from __future__ import annotations

from datetime import UTC, timedelta
from typing import Any

import pytest

from soniq import Soniq, SoniqError, TaskRef, every
from soniq.errors import SONIQ_INVALID_TASK_NAME, SONIQ_TASK_ARGS_INVALID
from tests.backends.stores import Store
from tests.scheduler.conftest import Apps, jobs_of

KEYS = [
    "id",
    "name",
    "job_name",
    "schedule_type",
    "schedule_value",
    "timezone",
    "catch_up",
    "overlap",
    "jitter",
    "priority",
    "queue",
    "max_attempts",
    "args",
    "status",
    "created_at",
    "last_run",
    "next_run",
    "run_count",
    "last_job_id",
]


async def get(app: Soniq, name: str) -> dict[str, Any]:
    found = await app.scheduler.get(name)
    assert found is not None
    return found


async def test_a_schedule_shows_what_it_was_given_and_its_defaults(app: Soniq) -> None:
    name = await app.scheduler.add("reports.send", cron="*/5 * * * *", args={"to": "Zoë"})

    found = await get(app, name)
    assert name == "reports.send"
    assert list(found) == KEYS
    assert found["args"] == {"to": "Zoë"}
    assert (found["schedule_type"], found["schedule_value"]) == ("cron", "*/5 * * * *")
    assert (found["timezone"], found["catch_up"], found["overlap"]) == ("UTC", "one", "allow")
    assert (found["queue"], found["priority"], found["max_attempts"]) == ("default", 100, 4)
    assert (found["status"], found["run_count"], found["jitter"]) == ("active", 0, 0)
    assert (found["last_run"], found["last_job_id"]) == (None, None)
    assert found["next_run"] > found["created_at"]
    assert found["next_run"].minute % 5 == 0
    assert found["next_run"].tzinfo is not None


async def test_what_the_job_says_holds_unless_the_schedule_says_otherwise(app: Soniq) -> None:
    @app.job(name="tests.job", queue="slow", priority=7, retries=1)
    async def job(n: int) -> None: ...

    await app.scheduler.add(job, every=60, args={"n": 1})
    await app.scheduler.add(
        job, every=60, args={"n": 2}, name="other", queue="fast", priority=3, max_attempts=9
    )

    own, other = await get(app, "tests.job"), await get(app, "other")
    assert (own["queue"], own["priority"], own["max_attempts"]) == ("slow", 7, 2)
    assert (other["queue"], other["priority"], other["max_attempts"]) == ("fast", 3, 9)
    assert [one["name"] for one in await app.scheduler.list()] == ["other", "tests.job"]


async def test_an_interval_begins_from_now(app: Soniq) -> None:
    await app.scheduler.add(TaskRef("tests.job"), every=every(45).minutes())

    found = await get(app, "tests.job")
    assert (found["schedule_type"], found["schedule_value"]) == ("interval", "2700")
    assert found["next_run"] - found["created_at"] <= timedelta(minutes=45)
    assert found["next_run"] - found["created_at"] > timedelta(minutes=44)


async def test_adding_again_changes_it_and_keeps_the_rest(store: Store, app: Soniq) -> None:
    await app.scheduler.add("tests.job", every=600, args={"n": 1})
    await app.scheduler.pause("tests.job")
    await app.scheduler.run_now("tests.job")
    before = await get(app, "tests.job")
    await store.pass_time(100)

    await app.scheduler.add("tests.job", every=600, args={"n": 2}, catch_up="all", queue="slow")

    after = await get(app, "tests.job")
    kept = ("id", "status", "run_count", "last_job_id", "schedule_value")
    assert [after[key] for key in kept] == [before[key] for key in kept]
    assert (after["args"], after["catch_up"], after["queue"]) == ({"n": 2}, "all", "slow")
    # In 500 seconds now, not in 600.
    now = await store.backend.schedules.now()
    assert after["next_run"] - now <= timedelta(seconds=500)


async def test_another_timing_has_another_next_run(app: Soniq) -> None:
    await app.scheduler.add("tests.job", cron="0 0 1 1 *")
    before = await get(app, "tests.job")

    await app.scheduler.add("tests.job", cron="0 0 1 2 *")

    after = await get(app, "tests.job")
    assert after["id"] == before["id"]
    assert (before["next_run"].month, after["next_run"].month) == (1, 2)


async def test_the_zone_belongs_to_the_timing(app: Soniq) -> None:
    await app.scheduler.add("tests.job", cron="0 12 * * *", timezone="Asia/Tokyo")
    tokyo = await get(app, "tests.job")
    await app.scheduler.add("tests.job", cron="0 12 * * *")

    assert tokyo["next_run"].astimezone(UTC).hour == 3
    assert (await get(app, "tests.job"))["next_run"].astimezone(UTC).hour == 12


async def test_pausing_and_resuming_are_seen_by_every_application(apps: Apps) -> None:
    one, other = await apps.new(), await apps.new()
    await one.scheduler.add("tests.job", every=600)

    assert await other.scheduler.pause("tests.job")
    assert await other.scheduler.pause("tests.job")
    assert [s["status"] for s in await one.scheduler.list()] == ["paused"]
    assert await one.scheduler.list("active") == []
    assert await one.scheduler.resume("tests.job")
    assert [s["status"] for s in await other.scheduler.list("active")] == ["active"]


async def test_what_fell_due_in_a_pause_was_not_missed(store: Store, app: Soniq) -> None:
    await app.scheduler.add("tests.job", every=600, catch_up="all")
    await app.scheduler.pause("tests.job")
    before = await get(app, "tests.job")
    await store.pass_time(6000)

    await app.scheduler.resume("tests.job")

    after = await get(app, "tests.job")
    now = await store.backend.schedules.now()
    assert now < after["next_run"] <= now + timedelta(seconds=600)
    assert after["id"] == before["id"]


async def test_nobody_by_that_name(app: Soniq) -> None:
    for name in ("nobody", "", "nul\0"):
        assert not await app.scheduler.pause(name)
        assert not await app.scheduler.resume(name)
        assert not await app.scheduler.remove(name)
        assert await app.scheduler.get(name) is None
        with pytest.raises(LookupError):
            await app.scheduler.run_now(name)


async def test_removing_forgets_the_schedule_and_keeps_its_jobs(app: Soniq) -> None:
    await app.scheduler.add("tests.job", every=600)
    job_id = await app.scheduler.run_now("tests.job")

    assert await app.scheduler.remove("tests.job")

    assert await app.scheduler.list() == []
    assert await app.get_job(job_id) is not None


async def test_running_now_leaves_the_due_time_alone(app: Soniq) -> None:
    await app.scheduler.add("tests.job", every=600, args={"n": 1}, queue="slow")
    before = await get(app, "tests.job")

    job_id = await app.scheduler.run_now("tests.job")

    [job] = await jobs_of(app)
    assert (job["id"], job["args"], job["queue"], job["status"]) == (
        job_id,
        {"n": 1},
        "slow",
        "queued",
    )
    after = await get(app, "tests.job")
    assert after["next_run"] == before["next_run"]
    assert (after["run_count"], after["last_job_id"]) == (1, job_id)


async def test_a_unique_job_is_unique_for_its_schedule_too(app: Soniq) -> None:
    @app.job(name="tests.job", unique=True)
    async def job(n: int) -> None: ...

    live = await app.enqueue(job, n=1)
    await app.scheduler.add(job, every=600, args={"n": 1})

    assert await app.scheduler.run_now("tests.job") == live
    assert len(await jobs_of(app)) == 1


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({"cron": "61 * * * *"}, "cron.*minute"),
        ({"cron": "0 0 31 2 *"}, "cron.*day-of-month"),
        ({"cron": "* * * * *", "timezone": "Mars/Olympus"}, "timezone"),
        ({"every": 0}, "every"),
        ({}, "exactly one"),
        ({"cron": "* * * * *", "every": 60}, "exactly one"),
        ({"every": 60, "catch_up": "maybe"}, "catch_up"),
        ({"every": 60, "overlap": "maybe"}, "overlap"),
        ({"every": 60, "jitter": -1}, "jitter"),
        ({"every": 60, "queue": ""}, "queue"),
        ({"every": 60, "priority": 0}, "priority"),
        ({"every": 60, "max_attempts": 0}, "max_attempts"),
        ({"every": 60, "max_attempts": 10**12}, "max_attempts"),
        ({"every": 60, "name": ""}, "name"),
    ],
)
async def test_what_means_nothing_is_refused_by_name(
    app: Soniq, wrong: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        await app.scheduler.add("tests.job", **wrong)
    assert await app.scheduler.list() == []


async def test_wrong_arguments_and_names_are_refused(app: Soniq) -> None:
    @app.job(name="tests.job")
    async def job(n: int) -> None: ...

    with pytest.raises(SoniqError) as raised:
        await app.scheduler.add(job, every=60, args={"n": "many"})
    assert raised.value.error_code == SONIQ_TASK_ARGS_INVALID
    with pytest.raises(SoniqError) as raised:
        await app.scheduler.add("Not A Name", every=60)
    assert raised.value.error_code == SONIQ_INVALID_TASK_NAME
    not_a_dict: Any = [1]
    with pytest.raises(TypeError, match="dict"):
        await app.scheduler.add("tests.job", every=60, args=not_a_dict)


async def test_edits_at_once_from_two_applications_all_count(apps: Apps) -> None:
    one, other = await apps.new(), await apps.new()
    await one.scheduler.add("tests.job", every=600)

    await other.scheduler.add("tests.job", every=600, queue="slow")
    await one.scheduler.pause("tests.job")

    found = await get(other, "tests.job")
    assert (found["queue"], found["status"]) == ("slow", "paused")
