"""Lanes, floors and shares, against a model of the database's side."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from soniq.backends.postgres.lanes import (
    LOWEST_ID,
    MAX_LANES,
    Answer,
    Floor,
    LaneKey,
    Lanes,
    News,
    Pick,
)

START = datetime(2030, 1, 1, tzinfo=UTC)
QUEUES = ("a", "b", "c")


class Job(NamedTuple):
    lane: LaneKey
    due: datetime
    id: str

    @property
    def place(self) -> Floor:
        return Floor(self.due, self.id)


class World:
    """A table of queued jobs whose clock and the worker's start together."""

    def __init__(self, queues: Sequence[str] | None = None) -> None:
        self.lanes = Lanes(queues)
        self.jobs: list[Job] = []
        self.seconds = 0.0
        self.made = 0

    @property
    def now(self) -> datetime:
        return START + timedelta(seconds=self.seconds)

    def add(self, queue: str = "a", priority: int = 1, delay: float = 0.0) -> Job:
        self.made += 1
        due = self.now + timedelta(seconds=delay)
        job = Job(LaneKey(queue, priority), due, f"{self.made:036}")
        self.jobs.append(job)
        return job

    def announce(self, job: Job) -> None:
        wait = (job.due - self.now).total_seconds()
        self.lanes.announce([News(job.lane, min(self.now, job.due), wait)], self.seconds)

    def enqueue(self, queue: str = "a", priority: int = 1, delay: float = 0.0) -> Job:
        job = self.add(queue, priority, delay)
        self.announce(job)
        return job

    def discover(self) -> None:
        first = {job.lane: job for job in sorted(self.jobs, key=lambda j: j.place, reverse=True)}
        self.lanes.discovered(
            [
                News(job.lane, job.due, (job.due - self.now).total_seconds(), job.id)
                for job in first.values()
            ],
            self.seconds,
        )

    def select(self, picks: Sequence[Pick], limit: int) -> list[Job]:
        taken: list[Job] = []
        for lane, floor, share in picks:
            due = sorted(
                (j for j in self.jobs if j.lane == lane and floor <= j.place and j.due <= self.now),
                key=lambda job: job.place,
            )
            taken += due[: min(share, limit - len(taken))]
        return taken

    def claim(self, limit: int) -> list[Job]:
        """One planned claim."""
        picks = self.lanes.plan(limit, self.seconds)
        taken = self.select(picks, limit)
        self.learn(picks, limit, taken)
        return taken

    def learn(self, picks: Sequence[Pick], limit: int, taken: list[Job]) -> None:
        self.jobs = [job for job in self.jobs if job not in taken]
        counted = {}
        for lane in {job.lane for job in taken}:
            places = [job.place for job in taken if job.lane == lane]
            counted[lane] = (len(places), max(places))
        tells = len(picks) > 1 or len(taken) < limit
        waits = {pick.lane: self.wait(pick.lane) for pick in picks if tells}
        answer = Answer(counted, waits, self.now if tells else None)
        self.lanes.claimed(picks, limit, answer, self.seconds)

    def wait(self, lane: LaneKey) -> float | None:
        dues = [job.due for job in self.jobs if job.lane == lane and job.due > self.now]
        return (min(dues) - self.now).total_seconds() if dues else None

    def claim_all(self, limit: int) -> list[Job]:
        """Claims until the plan is empty, as one call makes them."""
        taken: list[Job] = []
        while len(taken) < limit and self.lanes.plan(limit - len(taken), self.seconds):
            taken += self.claim(limit - len(taken))
        return taken


def test_a_new_worker_knows_no_lane_and_learns_them_by_discovery() -> None:
    world = World()
    job = world.add()
    assert world.claim_all(10) == []

    world.discover()

    assert world.claim_all(10) == [job]


def test_what_is_announced_is_found() -> None:
    world = World()
    job = world.enqueue()
    assert world.claim_all(10) == [job]


def test_queues_that_are_not_served_stay_out_of_the_walk() -> None:
    world = World(queues=["b"])
    world.enqueue("a")
    assert world.lanes.plan(10, world.seconds) == []


def test_an_exhausted_lane_leaves_the_walk() -> None:
    world = World()
    world.enqueue()
    world.claim_all(10)
    assert world.lanes.plan(10, world.seconds) == []
    assert world.lanes.next_at() is None


def test_a_lane_with_a_future_job_opens_when_that_is_due() -> None:
    world = World()
    world.enqueue()
    later = world.enqueue(delay=5)
    assert later not in world.claim_all(10)
    assert world.lanes.next_at() == 5
    world.seconds = 5.0
    assert world.claim_all(10) == [later]


def test_a_future_announcement_does_not_delay_what_is_due() -> None:
    world = World()
    now = world.enqueue()
    world.enqueue(delay=60)
    assert world.claim_all(10) == [now]


def test_the_floor_is_the_place_of_the_last_job_claimed() -> None:
    world = World()
    jobs = [world.enqueue() for _ in range(5)]
    world.claim(3)
    (pick,) = world.lanes.plan(3, world.seconds)
    assert pick.floor == jobs[2].place


def test_a_row_committed_late_with_an_earlier_time_is_found_at_once() -> None:
    world = World()
    late = world.add()
    world.seconds = 1.0
    on_time = [world.enqueue() for _ in range(3)]
    world.jobs.remove(late)
    assert world.claim(2) == on_time[:2]

    world.jobs.append(late)
    world.announce(late)

    assert late in world.claim_all(10)


def test_what_is_announced_while_a_claim_is_under_way_holds_after_it() -> None:
    world = World()
    world.enqueue()
    picks = world.lanes.plan(10, world.seconds)
    world.lanes.begin()
    taken = world.select(picks, 10)
    missed = world.enqueue()
    world.jobs.remove(missed)
    world.learn(picks, 10, taken)
    world.jobs.append(missed)
    world.lanes.end(world.seconds)

    assert world.claim_all(10) == [missed]


def test_better_priorities_go_first() -> None:
    world = World()
    worse = world.enqueue(priority=2)
    better = world.enqueue("b", priority=1)
    assert world.claim(1) == [better]
    assert world.claim_all(1) == [worse]


def test_a_worse_priority_waits_until_a_better_one_cut_by_its_share_is_empty() -> None:
    world = World()
    many = [world.enqueue("a", 1) for _ in range(10)]
    few = [world.enqueue("b", 1)]
    worse = world.enqueue("c", 2)

    taken = world.claim(10)

    assert worse not in taken
    assert set(taken) < {*many, *few}
    assert worse not in world.claim_all(5)
    assert world.claim_all(1) == [worse]


def test_queues_of_one_priority_take_turns() -> None:
    world = World()
    for _ in range(4):
        for queue in QUEUES:
            world.enqueue(queue)
    turns = [world.claim(1)[0].lane.queue for _ in range(6)]
    assert sorted(turns[:3]) == sorted(turns[3:]) == list(QUEUES)


def test_a_queue_announced_again_and_again_takes_no_turn_from_another() -> None:
    world = World()
    backlog = [world.enqueue("a") for _ in range(20)]
    claimed = 0
    for _ in range(10):
        world.enqueue("b")
        claimed += world.claim(1)[0] in backlog
    assert claimed >= 4


def test_a_claim_walks_so_many_lanes_and_the_next_one_the_others() -> None:
    world = World()
    jobs = {world.enqueue(f"queue-{number}") for number in range(MAX_LANES + 10)}
    first = world.claim(1000)
    assert len(first) == MAX_LANES
    assert set(first) | set(world.claim(1000)) == jobs


actions = st.lists(
    st.one_of(
        st.tuples(
            st.just("enqueue"),
            st.sampled_from(QUEUES),
            st.integers(1, 3),
            st.sampled_from([0.0, 0.0, 1.0, 3.0, -2.0]),
        ),
        st.tuples(st.just("claim"), st.integers(1, 6)),
        st.tuples(st.just("pass"), st.sampled_from([0.5, 1.0, 4.0])),
        st.tuples(st.just("discover")),
        st.tuples(st.just("others claim"), st.integers(1, 3)),
    ),
    max_size=40,
)


@settings(max_examples=300, deadline=None)
@given(actions)
def test_whatever_happens_every_announced_job_is_found_in_order(
    history: list[tuple[object, ...]],
) -> None:
    world = World()
    for action in history:
        match action:
            case ("enqueue", str(queue), int(priority), float(delay)):
                world.enqueue(queue, priority, delay)
            case ("claim", int(limit)):
                due = sum(job.due <= world.now for job in world.jobs)
                best = min((j.lane.priority for j in world.jobs if j.due <= world.now), default=0)
                taken = world.claim_all(limit)
                assert len(taken) == min(limit, due)
                assert not taken or taken[0].lane.priority == best
            case ("pass", float(seconds)):
                world.seconds += seconds
            case ("others claim", int(number)):
                due_now = [job for job in world.jobs if job.due <= world.now]
                world.jobs = [job for job in world.jobs if job not in due_now[:number]]
            case _:
                world.discover()
    world.seconds += 10
    waiting = set(world.jobs)
    assert set(world.claim_all(1000)) == waiting
    assert world.jobs == []


@given(st.integers(1, 50), st.integers(1, 10))
def test_a_plan_never_asks_a_lane_for_more_than_the_limit(limit: int, queues: int) -> None:
    world = World()
    for number in range(queues):
        world.enqueue(f"queue-{number}")
    picks = world.lanes.plan(limit, 0.0)
    assert all(1 <= pick.share <= limit for pick in picks)
    assert sum(pick.share for pick in picks) >= limit
    assert all(pick.floor.id == LOWEST_ID for pick in picks)
