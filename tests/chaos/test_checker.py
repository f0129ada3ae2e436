"""The checker sees each breach; a history in which nothing is wrong has none."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.checker import RULES, check
from tests.chaos.facts import Facts, Row
from tests.chaos.history import Event, Kind

JOB, OTHER = "j1", "j2"


def event(kind: Kind, at: float, job: str | None = None, *, pid: int = 1, **detail: Any) -> Event:
    return Event(kind, at, pid=pid, job=job, detail=detail)


def enqueued(key: str, job: str, at: float) -> list[Event]:
    return [
        event(Kind.ASKED, at, key=key, name="chaos.short"),
        event(Kind.ACCEPTED, at + 0.1, job, key=key),
    ]


def begun(run: str, job: str, at: float, worker: str = "w1", pid: int = 1) -> Event:
    return event(Kind.START, at, job, pid=pid, run=run, name="chaos.short", worker=worker)


def over(run: str, job: str, at: float, how: str = "returned") -> list[Event]:
    effect = [event(Kind.EFFECT, at, job, run=run)] if how == "returned" else []
    return [*effect, event(Kind.END, at, job, run=run, how=how)]


def row(job: str, run: str | None, **changed: Any) -> Row:
    return {
        "id": job,
        "job_name": "chaos.short",
        "args": json.dumps({"key": f"key-{job}"}),
        "status": "done",
        "attempts": 1,
        "max_attempts": 4,
        "crashes": 0,
        "dedup_key": None,
        "scheduled_at": "2026-01-01",
        "result": json.dumps(run),
        "worker_id": "w1",
    } | changed


def buried(job: str, **changed: Any) -> Row:
    return row(job, None, **{"dead_letter_reason": "worker_crashed", "crashes": 3} | changed)


def worker(name: str, status: str = "stopped", pid: int = 1) -> Row:
    return {"id": name, "pid": pid, "status": status}


SOUND = Facts(
    events=[*enqueued("a", JOB, 1), begun("r1", JOB, 2), *over("r1", JOB, 3)],
    jobs=[row(JOB, "r1")],
    workers=[worker("w1")],
)


def and_events(*more: Event) -> Facts:
    return replace(SOUND, events=[*SOUND.events, *more])


def and_job(added: Row, *more: Event) -> Facts:
    return replace(and_events(*more), jobs=[*SOUND.jobs, added])


def instead(**changed: Any) -> Facts:
    return replace(SOUND, jobs=[{**SOUND.jobs[0], **changed}])


def test_a_sound_history_has_no_breach() -> None:
    assert check(SOUND) == []


def test_a_job_that_ran_again_after_a_crash_is_no_breach() -> None:
    again = [
        *enqueued("a", JOB, 1),
        begun("r1", JOB, 2),
        event(Kind.KILLED, 3, target=1),
        begun("r2", JOB, 9, worker="w2", pid=2),
        *over("r2", JOB, 10),
    ]
    jobs = [row(JOB, "r2", worker_id="w2", crashes=1)]
    assert check(replace(SOUND, events=again, jobs=jobs)) == []


def test_a_second_job_of_a_key_after_the_first_is_no_breach() -> None:
    facts = replace(
        SOUND,
        events=[
            *enqueued("a", JOB, 1),
            begun("r1", JOB, 2),
            *over("r1", JOB, 3),
            *enqueued("b", OTHER, 3),
            begun("r2", OTHER, 5),
            *over("r2", OTHER, 6),
        ],
        jobs=[row(JOB, "r1", dedup_key="k"), row(OTHER, "r2", dedup_key="k")],
    )
    assert check(facts) == []


BREACHES = {
    "nothing_accepted_is_lost": and_events(*enqueued("b", OTHER, 4)),
    "everything_has_ended": instead(status="processing", result=None),
    "nothing_is_stored_twice": and_job(
        row(OTHER, "r2", args=SOUND.jobs[0]["args"]), begun("r2", OTHER, 4), *over("r2", OTHER, 5)
    ),
    "ids_are_in_one_place": replace(
        SOUND, dead=[buried(JOB, args="{}")], poison=frozenset({"chaos.short"})
    ),
    "what_was_rolled_back_never_runs": and_events(
        event(Kind.ROLLED_BACK, 4, OTHER, key="b"), begun("r2", OTHER, 5)
    ),
    "what_is_done_has_run": replace(SOUND, events=SOUND.events[:3]),
    "only_the_claim_s_holder_writes": instead(worker_id="w2"),
    "attempts_are_spent_by_failing": instead(attempts=2),
    "crashes_stay_within_their_limit": instead(crashes=3),
    "only_poison_is_buried": replace(SOUND, dead=[buried(OTHER, attempts=0)]),
    "keys_live_once": replace(
        SOUND,
        events=[
            *enqueued("a", JOB, 1),
            begun("r1", JOB, 2),
            *enqueued("b", OTHER, 2.5),
            *over("r1", JOB, 3),
            begun("r2", OTHER, 5),
            *over("r2", OTHER, 6),
        ],
        jobs=[row(JOB, "r1", dedup_key="k"), row(OTHER, "r2", dedup_key="k")],
    ),
    "due_times_fire_once": replace(
        and_events(
            *(e for n in (2, 3) for e in [begun(f"r{n}", f"j{n}", 4), *over(f"r{n}", f"j{n}", 5)])
        ),
        jobs=[row(f"j{n}", f"r{n}", job_name="chaos.tick", args="{}") for n in (2, 3)]
        + [*SOUND.jobs],
    ),
    "nothing_fails_unseen": replace(SOUND, unseen=["Task exception was never retrieved"]),
    "nobody_is_left_behind": replace(SOUND, workers=[worker("w1", "active")]),
    "nobody_dies_by_himself": and_events(
        event(Kind.PROCESS_STARTED, 0, target=1), event(Kind.PROCESS_ENDED, 4, target=1, code=1)
    ),
    "connections_stay_few": replace(SOUND, connections={1: 12}),
}


@pytest.mark.parametrize("rule", sorted(BREACHES))
def test_each_breach_is_seen_by_its_rule_alone(rule: str) -> None:
    broken = {r.__name__ for r in RULES if list(r(BREACHES[rule]))}
    assert broken == {rule}
    assert check(BREACHES[rule])


def test_every_rule_has_a_breach_here() -> None:
    assert set(BREACHES) == {rule.__name__ for rule in RULES}


def poisoned(runs: int = 3, **changed: Any) -> Facts:
    """A job took so many processes with it, and was buried."""
    starts = (begun(f"p{n}", OTHER, 3 + n, pid=10 + n) for n in range(runs))
    ends = (
        told
        for n in range(runs)
        for told in (
            event(Kind.PROCESS_STARTED, 0, target=10 + n),
            event(Kind.PROCESS_ENDED, 99, target=10 + n, code=3),
        )
    )
    return replace(
        and_events(*starts, *ends),
        dead=[buried(OTHER, **{"attempts": 0, "job_name": "chaos.exit"} | changed)],
        poison=frozenset({"chaos.exit"}),
    )


MORE: list[tuple[str, Facts]] = [
    (
        "what_was_rolled_back_never_runs",
        and_job(row(OTHER, None, status="cancelled"), event(Kind.ROLLED_BACK, 4, OTHER, key="b")),
    ),
    ("only_the_claim_s_holder_writes", instead(result=json.dumps("r9"))),
    (
        "only_the_claim_s_holder_writes",
        and_events(begun("r2", JOB, 4), *over("r2", JOB, 5)),  # and still the first one's result
    ),
    (
        "only_the_claim_s_holder_writes",
        and_job(row(OTHER, "r1"), begun("r2", OTHER, 4), *over("r2", OTHER, 5)),
    ),
    (
        "crashes_stay_within_their_limit",
        replace(SOUND, dead=[buried(OTHER, crashes=4)], poison=frozenset({"chaos.short"})),
    ),
    (
        "crashes_stay_within_their_limit",
        replace(SOUND, dead=[buried(OTHER, crashes=2)], poison=frozenset({"chaos.short"})),
    ),
    ("nobody_is_left_behind", replace(SOUND, leases=[{"name": "maintenance", "holder": "w1"}])),
    ("nobody_is_left_behind", replace(SOUND, sessions=[{"pid": 5}])),
    # An exit code excuses nothing.
    (
        "nobody_is_left_behind",
        replace(
            and_events(event(Kind.PROCESS_ENDED, 4, target=1, code=1)),
            leases=[{"name": "maintenance", "holder": "w1"}],
        ),
    ),
    ("nobody_is_left_behind", replace(SOUND, schedulers=[{"id": "s1", "pid": 1}])),
    ("nobody_dies_by_himself", and_events(event(Kind.PROCESS_STARTED, 0, target=1))),
    (
        "nobody_dies_by_himself",  # before it could be killed
        and_events(
            event(Kind.PROCESS_STARTED, 0, target=1),
            event(Kind.KILLED, 4, target=1),
            event(Kind.PROCESS_ENDED, 4, target=1, code=1),
        ),
    ),
    (
        "nobody_dies_by_himself",  # somebody else killed it
        and_events(
            event(Kind.PROCESS_STARTED, 0, target=1),
            event(Kind.PROCESS_ENDED, 4, target=1, code=-9),
        ),
    ),
    (
        "what_was_rolled_back_never_runs",  # its answer was lost, and with it the id
        and_job(
            row(OTHER, None, status="cancelled", args=json.dumps({"key": "b"})),
            event(Kind.ROLLED_BACK, 4, key="b"),
        ),
    ),
    (
        "attempts_are_spent_by_failing",  # the first run failed after it had lost its claim
        replace(
            SOUND,
            events=[
                *enqueued("a", JOB, 1),
                begun("r1", JOB, 2),
                begun("r2", JOB, 4, worker="w2", pid=2),
                *over("r1", JOB, 5, "raised"),
                *over("r2", JOB, 6),
            ],
            jobs=[row(JOB, "r2", worker_id="w2", crashes=1, attempts=2)],
        ),
    ),
    ("attempts_are_spent_by_failing", poisoned(attempts=4, max_attempts=4)),
    ("attempts_are_spent_by_failing", poisoned(attempts=50, max_attempts=2, runs=50)),
    (
        "keys_live_once",  # the second enqueue has raised, and was stored
        replace(
            SOUND,
            events=[
                *enqueued("a", JOB, 1),
                begun("r1", JOB, 2),
                begun("r2", OTHER, 2.5),
                *over("r1", JOB, 3),
                *over("r2", OTHER, 6),
            ],
            jobs=[row(JOB, "r1", dedup_key="k"), row(OTHER, "r2", dedup_key="k")],
        ),
    ),
    ("everything_has_ended", instead(status="queued", result=None)),
    ("attempts_are_spent_by_failing", instead(attempts=5, max_attempts=4)),
]


@pytest.mark.parametrize("number", range(len(MORE)))
def test_other_forms_of_a_breach_are_seen_too(number: int) -> None:
    rule, facts = MORE[number]
    assert rule in {r.__name__ for r in RULES if list(r(facts))}


def test_a_job_that_failed_while_it_held_its_claim_has_spent_an_attempt() -> None:
    events = [
        *enqueued("a", JOB, 1),
        begun("r1", JOB, 2),
        *over("r1", JOB, 3, "raised"),
        begun("r2", JOB, 4, worker="w2", pid=2),
        *over("r2", JOB, 5),
    ]
    jobs = [row(JOB, "r2", worker_id="w2", attempts=2)]
    assert check(replace(SOUND, events=events, jobs=jobs)) == []


def test_poison_may_end_processes() -> None:
    assert check(poisoned()) == []


def test_a_killed_leader_may_leave_its_lease_to_run_out() -> None:
    facts = replace(
        and_events(event(Kind.KILLED, 4, target=7)),
        workers=[worker("w7", pid=7)],
        leases=[{"name": "maintenance", "holder": "w7"}],
        schedulers=[{"id": "s7", "pid": 7}],
    )
    assert check(facts) == []
