"""What a store tells those who look, alike on every store."""

from __future__ import annotations

from datetime import UTC, timedelta
from time import monotonic

import pytest

from soniq.backends.base import Backend, Unstorable
from soniq.backends.overview import Condition, Found, Overview, Place, QueueCounts
from soniq.records import Dead, DeadLetterReason, Done, Retry
from tests.backends.stores import Store
from tests.factories import ending, new_id, new_job, new_jobs

EVERYTHING = Condition()


@pytest.fixture
def overview(backend: Backend) -> Overview:
    return backend.overview


async def found(overview: Overview, condition: Condition) -> Found:
    return await overview.find(condition, below=None, most=100, rows=1000)


async def end_some(store: Store) -> float:
    """Three jobs done, one cancelled, one given up, one running, two queued, of which one later.

    Returns:
        Milliseconds that this has really taken; the jobs may have run or waited for as much longer.
    """
    began = monotonic()
    worker = await store.join()
    jobs = new_jobs(5, job_name="mail.send", queue="mail")
    await store.backend.insert(jobs)
    claimed = await worker.claim(5)
    await store.pass_time(2)
    await worker.finish(claimed[0], Retry(0.0, "once more"))
    again = await worker.claim_one()
    await store.pass_time(2)
    for one in (again, *claimed[1:3]):
        assert await worker.finish(one, Done())
    assert await worker.finish(claimed[3], Dead(DeadLetterReason.PERMANENT_FAILURE, "no"))
    doomed = new_job(queue="other", job_name="other.job")
    await store.backend.insert([doomed])
    assert await store.backend.cancel_job(doomed.id)
    await store.backend.insert([new_job(queue="other"), new_job(queue="other", delay=600)])
    await store.pass_time(5)
    return (monotonic() - began) * 1000


def is_since_grown(value: float | None, from_ms: float, took_ms: float) -> bool:
    """Whether a figure is as large as the store's time alone made it, or larger by real time.

    Its error is below the millisecond to which SQLite's functions of time reckon.
    """
    return value is not None and from_ms - 1 <= value <= from_ms + took_ms + 1


async def test_an_empty_store_has_nothing_to_tell(overview: Overview) -> None:
    counts = await overview.counts()
    endings = await overview.endings(since=3600, step=60)
    assert (counts.queues, counts.estimated) == ([], False)
    assert (endings.spans, endings.oldest) == ([], None)
    assert await overview.paces() == []
    assert await overview.arrivals(hours=24) == []
    assert await overview.names() == []
    assert await overview.waiting_names(since=3600) == []
    assert await overview.suspects() == 0
    assert await found(overview, EVERYTHING) == Found([], 0, 0, None)


async def test_every_queue_is_counted(store: Store, overview: Overview) -> None:
    began = monotonic()
    await end_some(store)
    mail, other = (await overview.counts()).queues
    assert mail == QueueCounts("mail", processing=1, done=3, dead_letter=1)
    assert other.oldest_for is not None
    assert 5 <= other.oldest_for <= 5 + monotonic() - began
    assert (other.queue, other.queued, other.cancelled) == ("other", 2, 1)


async def test_a_pace_is_that_of_the_last_attempts(store: Store, overview: Overview) -> None:
    took = await end_some(store)
    mail, other = await overview.paces()
    assert (mail.queue, mail.per_minute) == ("mail", 3)
    # Two ran for four seconds, one was begun again after two.
    assert is_since_grown(mail.run_p50_ms, 4000, took)
    assert is_since_grown(mail.run_avg_ms, 3333, took)
    assert is_since_grown(mail.wait_p95_ms, 0, took)
    assert (other.queue, other.run_p50_ms) == ("other", None)


async def test_what_ended_is_told_by_spans(store: Store, overview: Overview) -> None:
    await end_some(store)
    endings = await overview.endings(since=3600, step=86400)
    assert sum(span.done for span in endings.spans) == 3
    assert sum(span.cancelled for span in endings.spans) == 1
    assert sum(span.dead_letter for span in endings.spans) == 1
    # The first try of one, and that of the dead letter.
    assert sum(span.failed for span in endings.spans) == 2
    assert endings.spans[-1].run_p95_ms is not None
    assert all(span.at.timestamp() % 86400 == 0 for span in endings.spans)
    assert endings.oldest is not None
    assert endings.now - endings.oldest < timedelta(minutes=1)


async def test_what_ended_before_is_left_out(store: Store, overview: Overview) -> None:
    await end_some(store)
    await store.pass_time(7200)
    assert (await overview.endings(since=3600, step=60)).spans == []
    assert await overview.paces() == []


async def test_arrivals_are_told_by_hours(store: Store, overview: Overview) -> None:
    await end_some(store)
    arrivals = await overview.arrivals(hours=2)
    assert sum(each.total for each in arrivals) == 8
    assert sum(each.done for each in arrivals) == 3
    assert sum(each.dead_letter for each in arrivals) == 1
    assert all(each.hour.minute == 0 and each.hour.tzinfo is not None for each in arrivals)
    await store.pass_time(4 * 3600)
    assert await overview.arrivals(hours=2) == []


async def test_names_are_counted(store: Store, overview: Overview) -> None:
    took = await end_some(store)
    mail, other, plain = await overview.names()
    assert (mail.job_name, mail.total, mail.done, mail.dead_letter) == ("mail.send", 5, 3, 1)
    assert is_since_grown(mail.run_avg_ms, 3333, took)
    assert mail.last_run is not None
    assert mail.last_run.astimezone(UTC) == mail.last_run
    assert (other.job_name, other.last_run) == ("other.job", None)
    assert (plain.job_name, plain.queued, plain.estimated) == ("tests.job", 2, False)


async def test_names_that_jobs_wait_under(store: Store, overview: Overview) -> None:
    await end_some(store)
    mail, plain = await overview.waiting_names(since=3600)
    assert (mail.job_name, mail.queued, mail.dead_letter) == ("mail.send", 0, 1)
    assert (plain.job_name, plain.queued, plain.dead_letter) == ("tests.job", 2, 0)
    assert plain.last_seen is not None


@pytest.mark.parametrize(
    "text", ["REPORT", "weekly", "reports", "ä", '"deep"', "100%", "a_b", "back\\\\slash"]
)
async def test_text_is_found_in_name_queue_id_and_arguments(
    store: Store, overview: Overview, text: str
) -> None:
    args = '{"kind": "weekly", "of": {"deep": ["ä", "100% a_b", "back\\\\slash"]}}'
    job = new_job(job_name="make.report", queue="reports", args=args)
    await store.backend.insert([job, *new_jobs(3)])
    assert (await found(overview, Condition(text=text))).ids == [job.id]
    assert (await found(overview, Condition(text=job.id[9:]))).ids == [job.id]


@pytest.mark.parametrize("text", ["%", "_", "\\", "' OR 1=1 --", "\0", "\ud800"])
async def test_text_is_taken_as_it_stands(store: Store, overview: Overview, text: str) -> None:
    await store.backend.insert(new_jobs(3, job_name="plain"))
    assert (await found(overview, Condition(text=text))).matching == 0


@pytest.mark.parametrize("status", ["queued", "processing", "done", "cancelled"])
async def test_jobs_are_found_by_status(store: Store, overview: Overview, status: str) -> None:
    await end_some(store)
    expected = {"queued": 2, "processing": 1, "done": 3, "cancelled": 1}[status]
    answer = await found(overview, Condition(status=status))
    jobs = await overview.show(answer.ids)
    assert (len(jobs), answer.matching) == (expected, expected)
    assert {job["status"] for job in jobs} == {status}
    assert answer.rest_from is None


@pytest.mark.parametrize("status", [None, "queued"])
async def test_a_search_goes_on_where_it_ended(
    store: Store, overview: Overview, status: str | None
) -> None:
    ids = [job.id for job in new_jobs(7)]
    await store.backend.insert([new_job(id=each) for each in ids])
    assert await walked(overview, Condition(status=status)) == ids[::-1]


async def walked(overview: Overview, condition: Condition) -> list[str]:
    """The ids that a search brings which looks at three rows at a time."""
    seen: list[str] = []
    below: Place | None = None
    for _ in range(10):
        answer = await overview.find(condition, below=below, most=3, rows=3)
        seen += answer.ids
        below = answer.rest_from
        if below is None:
            return seen
    raise AssertionError(f"the search does not end: {seen}")


async def end_by_twos(store: Store, number: int) -> list[str]:
    """End jobs in twos that end at the same moment; their ids, the last to end first."""
    worker = await store.join()
    await store.backend.insert(new_jobs(number))
    claimed = await worker.claim(number)
    # Not in the order of their ids.
    order = [*claimed[number // 2 :], *claimed[: number // 2]]
    ended: list[str] = []
    for first in range(0, number, 2):
        await store.pass_time(1)
        pair = order[first : first + 2]
        await worker.session.finish([ending(job, Done()) for job in pair])
        ended += sorted(job.id for job in pair)
    return ended[::-1]


async def test_what_has_ended_is_listed_by_its_end(store: Store, overview: Overview) -> None:
    ended = await end_by_twos(store, 8)
    assert (await found(overview, Condition(status="done"))).ids == ended
    assert await walked(overview, Condition(status="done")) == ended


@pytest.mark.parametrize(
    "condition", [Condition(status="done"), Condition(status="done", text="j")]
)
async def test_a_backlog_does_not_stand_before_what_has_ended(
    store: Store, overview: Overview, condition: Condition
) -> None:
    ended = await end_by_twos(store, 8)
    await store.backend.insert(new_jobs(3_000))
    first = await overview.find(condition, below=None, most=5, rows=100)
    assert (first.ids, first.looked_at, first.matching) == (ended[:5], 8, 8)
    assert first.rest_from is None
    rest = await overview.find(condition, below=first.places[-1], most=5, rows=100)
    assert (rest.ids, rest.looked_at) == (ended[5:], 3)


async def test_what_ended_otherwise_is_walked_over(store: Store, overview: Overview) -> None:
    done = await end_by_twos(store, 4)
    doomed = new_jobs(7)
    await store.backend.insert(doomed)
    for job in doomed:
        await store.pass_time(1)
        assert await store.backend.cancel_job(job.id)
    assert await walked(overview, Condition(status="done")) == done
    cancelled = [job.id for job in doomed[::-1]]
    assert await walked(overview, Condition(status="cancelled")) == cancelled


async def test_what_was_not_looked_at_is_said(store: Store, overview: Overview) -> None:
    old = new_job(queue="rare")
    await store.backend.insert([old, *new_jobs(5)])
    first = await overview.find(Condition(queue="rare"), below=None, most=3, rows=4)
    assert (first.ids, first.looked_at, first.matching) == ([], 4, 0)
    rest = await overview.find(Condition(queue="rare"), below=first.rest_from, most=3, rows=4)
    assert (rest.ids, rest.looked_at, rest.rest_from) == ([old.id], 2, None)


async def test_only_jobs_that_are_there_are_shown(store: Store, overview: Overview) -> None:
    jobs = new_jobs(2)
    await store.backend.insert(jobs)
    shown = await overview.show([jobs[1].id, new_id(), "nonsense", jobs[0].id])
    assert shown == [await store.job(jobs[1].id), await store.job(jobs[0].id)]


async def test_what_workers_hold_is_told(store: Store, overview: Overview) -> None:
    worker, idle, gone = [await store.join() for _ in range(3)]
    await store.backend.insert([new_job()])
    job = await worker.claim_one()
    await worker.session.heartbeat()
    await gone.session.leave()
    holdings = await overview.holdings()
    assert holdings[worker.id].running == [job.id]
    assert (holdings[worker.id].memory_bytes or 0) > 1_000_000
    assert holdings[idle.id].running == []
    assert gone.id not in holdings


async def test_the_pulse_changes_with_the_jobs(store: Store, overview: Overview) -> None:
    pulses = [await overview.pulse()]
    assert pulses[0] == await overview.pulse()
    worker = await store.join()
    pulses.append(await overview.pulse())
    await store.backend.insert([new_job()])
    pulses.append(await overview.pulse())
    job = await worker.claim_one()
    pulses.append(await overview.pulse())
    await store.pass_time(1)
    await worker.finish(job, Done())
    pulses.append(await overview.pulse())
    assert len(set(pulses)) == len(pulses)


async def test_the_record_is_read_newest_first(store: Store, overview: Overview) -> None:
    for number in range(5):
        await store.pass_time(1)
        entry = await overview.begin_audit(
            actor="key", action="job.cancel", target=str(number), address="::1", detail="begun"
        )
        if number == 4:
            await overview.end_audit(entry, "done")
    first = await overview.audit(after=None, limit=3)
    assert [entry.target for entry in first.entries] == ["4", "3", "2"]
    assert [entry.detail for entry in first.entries] == ["done", "begun", "begun"]
    rest = await overview.audit(after=first.next, limit=3)
    assert [entry.target for entry in rest.entries] == ["1", "0"]
    assert rest.next is None
    assert rest.entries[0].at.tzinfo is not None


async def test_the_record_forgets_after_a_year(store: Store, overview: Overview) -> None:
    async def note() -> None:
        await overview.begin_audit(actor="a", action="b", target="c", address="d", detail="e")

    await note()
    await store.pass_time(366 * 86400)
    await note()
    assert len((await overview.audit(after=None, limit=10)).entries) == 1


async def test_the_record_refuses_what_it_cannot_hold(overview: Overview) -> None:
    with pytest.raises(Unstorable):
        await overview.begin_audit(actor="a", action="b", target="\0", address="d", detail="e")
    assert (await overview.audit(after="nonsense", limit=10)).entries == []
