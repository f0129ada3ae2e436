"""What `soniq doctor` says of jobs and workers, on every store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from soniq.backends.schedules import SchedulerInfo
from soniq.doctor import CHECKS, Level
from soniq.records import Dead, DeadLetterReason
from tests.backends.test_schedules import schedule
from tests.doctor.conftest import Patient
from tests.factories import ending, new_id, new_job, new_jobs


async def test_a_healthy_store_gives_no_reason_to_worry(patient: Patient) -> None:
    await patient.store.join()
    await patient.store.backend.insert(new_jobs(2))

    found = await patient.examined()

    assert {f.level for findings in found.values() for f in findings} == {Level.OK}
    assert found.keys() < set(CHECKS)
    assert "queues" in found


async def test_jobs_without_any_worker(patient: Patient) -> None:
    await patient.store.backend.insert(new_jobs(3))

    finding = await patient.complaint("queues")
    assert finding.level is Level.ERROR
    assert "3 due jobs" in finding.message
    assert "SONIQ_DATABASE_URL" in str(finding.remedy)


async def test_jobs_that_are_not_due_need_no_worker(patient: Patient) -> None:
    await patient.store.backend.insert([new_job(delay=60)])
    await patient.says_ok("queues")


async def test_a_queue_nobody_works(patient: Patient) -> None:
    await patient.store.join(queues=("mail",))
    await patient.store.backend.insert([new_job(queue="mail"), new_job(queue="video")])

    finding = await patient.complaint("queues")
    assert finding.level is Level.WARNING
    assert "video" in finding.message
    assert "--queues video" in str(finding.remedy)


async def test_a_name_that_no_worker_of_its_queue_knows(patient: Patient) -> None:
    await patient.store.join(queues=("mail",), job_names=("mail.send",))
    await patient.store.join(queues=("other",), job_names=("mail.burn",))
    names = ["mail.send", "mail.burn", "mail.burn"]
    await patient.store.backend.insert([new_job(queue="mail", job_name=name) for name in names])

    finding = await patient.complaint("job-names")
    assert "mail.burn" in finding.message
    assert "2 due jobs" in finding.message
    assert "SONIQ_JOBS_MODULES" in str(finding.remedy)


async def test_a_silent_worker(patient: Patient) -> None:
    silent = await patient.store.join(hostname="gone", pid=4711)
    alive = await patient.store.join()
    await patient.store.live_on(100, alive)

    finding = await patient.complaint("workers")
    assert "gone:4711" in finding.message
    await silent.session.heartbeat()
    await patient.says_ok("workers")


async def test_a_worker_that_has_left_is_not_missed(patient: Patient) -> None:
    worker = await patient.store.join()
    await worker.session.leave()
    await patient.store.pass_time(100)
    await patient.says_ok("workers")


async def test_new_dead_letters(patient: Patient) -> None:
    worker = await patient.store.join()
    await patient.store.backend.insert(new_jobs(3))
    dead = Dead(DeadLetterReason.TIMEOUT, "too slow")
    jobs = await worker.claim(3)
    await worker.session.finish([ending(job, dead) for job in jobs])

    finding = await patient.complaint("dead-letters")
    assert "3 jobs" in finding.message
    assert "tests.job (timeout, 3)" in finding.message

    await patient.store.pass_time(3601)
    await patient.says_ok("dead-letters")


async def test_periodic_jobs_of_the_code_that_nobody_fires(patient: Patient) -> None:
    finding = await patient.complaint("scheduler", declared=["nightly"])
    assert "nightly" in finding.message
    assert "soniq scheduler" in str(finding.remedy)

    await patient.store.backend.schedules.report(SchedulerInfo(new_id(), "host", 1, ()), life=60)
    await patient.says_ok("scheduler", declared=["nightly"])


async def test_a_schedule_whose_code_is_gone(patient: Patient) -> None:
    store = patient.store.backend.schedules
    assert await store.insert(schedule(name="nightly", declared=True))
    assert await store.insert(schedule(name="by.hand", declared=False))
    running = SchedulerInfo(new_id(), "host", 1, ())
    await store.report(running, life=60)
    finding = await patient.complaint("scheduler")
    assert "nightly" in finding.message
    assert "by.hand" not in finding.message
    assert "soniq schedules remove" in str(finding.remedy)

    await store.report(running._replace(names=("nightly",)), life=60)
    await patient.says_ok("scheduler")


@pytest.mark.parametrize("seconds, direction", [(30, "ahead of"), (-30, "behind")])
async def test_a_skewed_clock(patient: Patient, seconds: int, direction: str) -> None:
    def skewed() -> datetime:
        return datetime.now(UTC) + timedelta(seconds=seconds)

    finding = await patient.complaint("clock", now=skewed)
    assert direction in finding.message
    assert "NTP" in str(finding.remedy)


async def test_a_store_that_was_never_set_up(patient: Patient) -> None:
    if patient.store.name == "memory":
        await patient.says_ok("schema")
        return
    backend, given = patient.store.elsewhere()
    patient.store.backend = backend
    await backend.open(given)
    try:
        found = await patient.examined()
        finding = await patient.complaint("schema")
    finally:
        await backend.close()
    assert finding.level is Level.ERROR
    assert "soniq setup" in str(finding.remedy)
    assert "workers" not in found
