"""Schedules that code declares, and what becomes of them when the code changes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from soniq import Soniq, SoniqError, daily, every
from soniq.errors import SONIQ_TASK_ARGS_INVALID
from tests.scheduler.conftest import Apps

JOB: dict[str, Any] = {"name": "tests.job"}


def job() -> None: ...


def new_job() -> Callable[[], None]:
    return lambda: None


async def synchronised(app: Soniq) -> None:
    await app.scheduler.start()
    await app.scheduler.stop()


async def test_nothing_is_stored_until_a_scheduler_starts(app: Soniq) -> None:
    app.periodic(
        cron=daily().at("09:30"),
        timezone="Europe/Berlin",
        catch_up="all",
        overlap="skip",
        jitter=5,
        queue="slow",
        retries=1,
        **JOB,
    )(job)
    assert await app.scheduler.list() == []

    await synchronised(app)

    [found] = await app.scheduler.list()
    assert (found["name"], found["job_name"]) == ("tests.job", "tests.job")
    assert (found["schedule_value"], found["timezone"]) == ("30 9 * * *", "Europe/Berlin")
    assert (found["catch_up"], found["overlap"], found["jitter"]) == ("all", "skip", 5)
    assert (found["queue"], found["max_attempts"]) == ("slow", 2)


async def test_the_handler_stays_a_job_like_any_other(app: Soniq) -> None:
    @app.periodic(every=60, **JOB)
    async def double(n: int = 4) -> int:
        return 2 * n

    assert await double(3) == 6
    job_id = await double.enqueue(n=5)
    found = await app.get_job(job_id)
    assert found is not None
    assert found["args"] == {"n": 5}


async def test_one_job_may_have_several_schedules(app: Soniq) -> None:
    @app.periodic(every=60, schedule_name="often", schedule_args={"n": 1}, **JOB)
    @app.periodic(cron="@daily", schedule_name="daily", schedule_args={"n": 2}, **JOB)
    async def job(n: int) -> None: ...

    await synchronised(app)

    found = await app.scheduler.list()
    assert [(one["name"], one["args"]) for one in found] == [
        ("daily", {"n": 2}),
        ("often", {"n": 1}),
    ]


async def test_an_interval_that_cron_cannot_say_is_a_true_one(app: Soniq) -> None:
    app.periodic(every=every(45).minutes(), schedule_name="a", **JOB)(job)
    app.periodic(cron=every(45).minutes(), schedule_name="b", **JOB)(job)
    app.periodic(every=timedelta(minutes=45), schedule_name="c", **JOB)(job)

    await synchronised(app)

    found = await app.scheduler.list()
    assert [(one["schedule_type"], one["schedule_value"]) for one in found] == [
        ("interval", "2700")
    ] * 3


@pytest.mark.parametrize("keyword", ["every", "cron"])
def test_a_number_without_its_unit_is_told_what_is_missing(app: Soniq, keyword: str) -> None:
    unfinished: dict[str, Any] = {keyword: every(5)}
    with pytest.raises(ValueError, match=r"every\(5\) names no unit: write every\(5\)\.minutes"):
        app.periodic(**unfinished, **JOB)(job)


async def test_changed_code_changes_the_schedule_and_unchanged_code_nothing(apps: Apps) -> None:
    async def declare(**keywords: Any) -> dict[str, Any]:
        app = await apps.new()
        app.periodic(**keywords, **JOB)(new_job())
        await synchronised(app)
        [found] = await app.scheduler.list()
        return found

    first = await declare(cron="0 3 * * *", schedule_args=None)
    assert await declare(cron="0 3 * * *") == first
    moved = await declare(cron="0 4 * * *", queue="slow")
    assert moved["id"] == first["id"]
    assert moved["next_run"].hour == 4
    assert moved["queue"] == "slow"


async def test_a_pause_outlasts_a_restart(apps: Apps) -> None:
    for _ in range(2):
        app = await apps.new()
        app.periodic(every=60, **JOB)(new_job())
        await synchronised(app)
        await app.scheduler.pause("tests.job")

    [found] = await app.scheduler.list()
    assert found["status"] == "paused"


async def test_what_is_gone_from_the_code_goes_on_and_is_reported(apps: Apps) -> None:
    former, latter = await apps.new(), await apps.new()
    for name in ("kept", "gone"):
        former.periodic(every=60, schedule_name=name, **JOB)(new_job())
    latter.periodic(every=60, schedule_name="kept", **JOB)(new_job())
    await synchronised(former)
    await former.scheduler.add("tests.job", every=60, name="by.hand")

    await latter.scheduler.start()

    assert [one["status"] for one in await latter.scheduler.list()] == ["active"] * 3
    assert await latter.scheduler.undeclared() == ["gone"]
    [info] = await latter.scheduler.schedulers()
    assert info["schedules"] == ["kept"]

    await former.scheduler.start()
    assert await latter.scheduler.undeclared() == []


@pytest.fixture
def plain() -> Soniq:
    return Soniq(backend="memory")


@pytest.mark.parametrize(
    "wrong, named",
    [
        ({}, "exactly one"),
        ({"cron": "* * * * *", "every": 5}, "exactly one"),
        ({"cron": "0 25 * * *"}, "cron.*hour"),
        ({"every": 0.5}, "every"),
        ({"every": 5, "timezone": "Mars/Olympus"}, "timezone"),
        ({"every": 5, "catch_up": "x"}, "catch_up"),
        ({"every": 5, "overlap": "x"}, "overlap"),
        ({"every": 5, "jitter": "x"}, "jitter"),
        ({"every": 5, "schedule_name": ""}, "name"),
    ],
)
def test_what_means_nothing_is_refused_at_decoration(
    plain: Soniq, wrong: dict[str, Any], named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        plain.periodic(**wrong)(job)


def test_keywords_of_the_job_are_checked_too(plain: Soniq) -> None:
    misspelt: Any = {"priorty": 5}
    with pytest.raises(TypeError, match="priority"):
        plain.periodic(every=5, **misspelt)(job)


def test_arguments_are_checked_at_decoration(plain: Soniq) -> None:
    with pytest.raises(SoniqError) as raised:

        @plain.periodic(every=5)
        async def needs(n: int) -> None: ...

    assert raised.value.error_code == SONIQ_TASK_ARGS_INVALID


def test_two_schedules_of_a_function_need_names(plain: Soniq) -> None:
    plain.periodic(every=5)(job)

    with pytest.raises(ValueError, match="schedule_name"):
        plain.periodic(every=6)(job)


async def worked(app: Soniq) -> None:
    stop = asyncio.Event()
    stop.set()
    await app.run_worker(shutdown_event=stop)


async def test_a_worker_warns_when_nobody_schedules(
    apps: Apps, caplog: pytest.LogCaptureFixture
) -> None:
    app = await apps.new()
    for name in ("a", "b", "c", "d"):
        app.periodic(every=60, schedule_name=name, **JOB)(new_job())

    await worked(app)

    [warning] = [r.getMessage() for r in caplog.records if r.name == "soniq.scheduler"]
    assert "a, b, c and 1 more" in warning
    assert "soniq scheduler" in warning


@pytest.mark.parametrize("text, warns", [("ON", 0), (" 1 ", 0), ("", 1), ("maybe", 1), ("0", 1)])
async def test_what_suppresses_the_warning(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, text: str, warns: int
) -> None:
    monkeypatch.setenv("SONIQ_SCHEDULER_SUPPRESS_WARNING", text)
    async with Soniq("memory://") as app:
        app.periodic(every=60, **JOB)(new_job())
        await worked(app)

    assert len([r for r in caplog.records if r.name == "soniq.scheduler"]) == warns


def test_the_warning_is_suppressed_by_the_environment_only() -> None:
    with pytest.raises(TypeError, match="scheduler_suppress_warning"):
        Soniq("memory://", scheduler_suppress_warning=True)


@pytest.mark.parametrize("why", ["suppressed", "running", "nothing", "once"])
async def test_a_worker_does_not_warn_without_need(
    apps: Apps, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    caplog.set_level(logging.WARNING)
    if why == "suppressed":
        monkeypatch.setenv("SONIQ_SCHEDULER_SUPPRESS_WARNING", "yes")
    app, other = await apps.new(), await apps.new()
    if why != "nothing":
        app.periodic(every=60, **JOB)(new_job())
    if why == "running":
        await other.scheduler.start()

    if why == "once":
        await app.run_worker(run_once=True)
    else:
        await worked(app)

    assert [r for r in caplog.records if r.name == "soniq.scheduler"] == []
