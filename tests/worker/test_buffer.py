"""Claimed jobs wait in the order in which they should start."""

from __future__ import annotations

import pytest

from soniq.records import ClaimedJob
from soniq.worker.buffer import Buffer
from tests.factories import claimed_job


def drained(buffer: Buffer) -> list[ClaimedJob]:
    return [buffer.pop().job for _ in range(len(buffer))]


def test_jobs_of_one_queue_start_in_the_order_of_their_claim() -> None:
    jobs = [claimed_job() for _ in range(5)]
    buffer = Buffer()
    buffer.add(jobs[:3], now=0)
    buffer.add(jobs[3:], now=1)
    assert drained(buffer) == jobs


def test_a_better_priority_starts_first_even_when_it_was_claimed_later() -> None:
    ordinary, urgent = claimed_job(priority=100), claimed_job(priority=1)
    buffer = Buffer()
    buffer.add([ordinary], now=0)
    buffer.add([urgent], now=1)
    assert buffer.worst_priority == 100
    assert drained(buffer) == [urgent, ordinary]
    assert buffer.worst_priority is None


def test_the_head_of_a_short_queue_does_not_wait_behind_the_backlog_of_another() -> None:
    backlog = [claimed_job(queue="a") for _ in range(10)]
    short = [claimed_job(queue="b") for _ in range(2)]
    buffer = Buffer()
    buffer.add([*backlog, *short], now=0)
    order = drained(buffer)
    assert [order.index(job) for job in short] == [1, 3]
    assert [job for job in order if job.queue == "a"] == backlog


def test_what_waited_too_long_goes_back_except_what_free_slots_can_start() -> None:
    old = [claimed_job() for _ in range(4)]
    young = [claimed_job()]
    buffer = Buffer()
    buffer.add(old, now=0)
    buffer.add(young, now=10)
    assert buffer.take_older(than=5, keep=1) == old[1:]
    assert drained(buffer) == [old[0], *young]


def test_single_jobs_can_be_taken_out() -> None:
    jobs = [claimed_job(priority=p) for p in (1, 1, 2)]
    buffer = Buffer()
    buffer.add(jobs, now=0)
    assert buffer.remove({jobs[1].id, "no such id"}) == [jobs[1]]
    assert len(buffer) == 2
    assert buffer.clear() == [jobs[0], jobs[2]]
    assert len(buffer) == 0


def test_an_empty_buffer_gives_nothing() -> None:
    with pytest.raises(IndexError):
        Buffer().pop()
