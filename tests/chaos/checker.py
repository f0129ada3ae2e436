"""Judges a history against the tables: is every promise kept? Pure over `Facts`.

Each rule is a function that yields a sentence for each breach. `check` runs them all.
"""

from __future__ import annotations

import json
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, Final

from tests.chaos.facts import Facts, Row
from tests.chaos.history import Event, Kind

SCHEDULED: Final = "chaos.tick"
MOST_CONNECTIONS: Final = 11
"""A worker has three of its own and a pool of at most seven, its scheduler one to hear of edits."""

Rule = Callable[[Facts], Iterator[str]]


def check(facts: Facts) -> list[str]:
    """All breaches of what was promised, as sentences; none when all is well."""
    return [breach for rule in RULES for breach in rule(facts)]


def nothing_accepted_is_lost(facts: Facts) -> Iterator[str]:
    stored = {row["id"] for row in (*facts.jobs, *facts.dead)}
    for event in _of(facts, Kind.ACCEPTED):
        if event.job not in stored:
            yield f"{event['key']}: accepted as {event.job}, and gone"


def everything_has_ended(facts: Facts) -> Iterator[str]:
    for row in facts.jobs:
        if row["status"] not in {"done", "cancelled"}:
            yield f"{_named(row)} is {row['status']}"


def nothing_is_stored_twice(facts: Facts) -> Iterator[str]:
    keys = Counter(_key(row) for row in (*facts.jobs, *facts.dead))
    for key, number in keys.items():
        if key is not None and number > 1:
            yield f"the enqueue {key} is stored {number} times"


def ids_are_in_one_place(facts: Facts) -> Iterator[str]:
    dead = {row["id"] for row in facts.dead}
    for row in facts.jobs:
        if row["id"] in dead:
            yield f"{_named(row)} is a job and a dead letter"


def what_was_rolled_back_never_runs(facts: Facts) -> Iterator[str]:
    """By its key, too: where its answer was lost nobody knows the id."""
    rolled_back = {event["key"]: event.job for event in _of(facts, Kind.ROLLED_BACK)}
    ids = {job for job in rolled_back.values() if job is not None}
    for row in (*facts.jobs, *facts.dead):
        if row["id"] in ids or _key(row) in rolled_back:
            yield f"{_named(row)} was rolled back, and is stored"
    for event in _of(facts, Kind.START):
        if event.job in ids:
            yield f"{event.job} was rolled back, and ran as {event['run']}"


def what_is_done_has_run(facts: Facts) -> Iterator[str]:
    had_effect = {event.job for event in _of(facts, Kind.EFFECT)}
    for row in facts.jobs:
        if row["status"] == "done" and row["id"] not in had_effect:
            yield f"{_named(row)} is done, and no run of it came to its end"


def only_the_claim_s_holder_writes(facts: Facts) -> Iterator[str]:
    """The stored result names its run: the last one that the worker in the row has begun."""
    starts = {event["run"]: event for event in _of(facts, Kind.START)}
    last = {(event.job, event["worker"]): event["run"] for event in starts.values()}
    for row in _done(facts):
        run = json.loads(row["result"]) if row["result"] else None
        if run not in starts:
            yield f"{_named(row)} is done with the result {run!r}, which no run returned"
        elif starts[run].job != row["id"]:
            yield f"{_named(row)} has the result of a run of {starts[run].job}"
        elif starts[run]["worker"] != row["worker_id"]:
            yield (
                f"{_named(row)} was ended by {run} of worker {starts[run]['worker']}; "
                f"the claim was worker {row['worker_id']}'s"
            )
        elif last[row["id"], row["worker_id"]] != run:
            yield f"{_named(row)} was ended by {run}, an earlier run of the same worker"


def attempts_are_spent_by_failing(facts: Facts) -> Iterator[str]:
    """Of a run that has lost its claim the failure is nobody's: it may not cost an attempt.

    Poison may end in ways that no handler tells; it spends an attempt a run at most.
    """
    failed, runs = _failures(facts), Counter(event.job for event in _of(facts, Kind.START))
    for row in (*_done(facts), *facts.dead):
        # A dead worker's last attempt is given back when its job is buried.
        allowed = failed[row["id"]] + (row.get("status") == "done")
        if row["job_name"] in facts.poison:
            allowed = runs[row["id"]]
        if row["attempts"] > min(allowed, row["max_attempts"]):
            yield (
                f"{_named(row)} shows {row['attempts']} attempts of {row['max_attempts']}; "
                f"it began {runs[row['id']]} times and failed {failed[row['id']]} times"
            )


def _failures(facts: Facts) -> Counter[str | None]:
    """How often each job has failed in a run that no other had followed by then."""
    last: dict[str | None, str] = {}
    failed: Counter[str | None] = Counter()
    for event in facts.events:
        if event.kind is Kind.START:
            last[event.job] = event["run"]
        elif event.kind is Kind.END and event["how"] == "raised":
            failed[event.job] += last.get(event.job) == event["run"]
    return failed


def crashes_stay_within_their_limit(facts: Facts) -> Iterator[str]:
    for row in facts.jobs:
        if row["crashes"] >= facts.max_crashes:
            yield f"{_named(row)} lives with {row['crashes']} crashes"
    for row in facts.dead:
        if row["crashes"] > facts.max_crashes:
            yield f"{_named(row)} was buried after {row['crashes']} crashes"
        if row["dead_letter_reason"] == "worker_crashed" and row["crashes"] < facts.max_crashes:
            yield f"{_named(row)} was buried after only {row['crashes']} crashes"


def only_poison_is_buried(facts: Facts) -> Iterator[str]:
    for row in facts.dead:
        if row["job_name"] not in facts.poison:
            yield f"{_named(row)} is a dead letter: {row['dead_letter_reason']}"


def keys_live_once(facts: Facts) -> Iterator[str]:
    """Of two jobs of one key none may be certain to live while the other certainly does.

    The row says whose the key is, so that those count, too, whose enqueue has raised.
    """
    lives = _certain_lives(facts)
    of_key: defaultdict[str, set[str]] = defaultdict(set)
    for row in facts.jobs:
        if row["dedup_key"] is not None and row["id"] in lives:
            of_key[row["dedup_key"]].add(row["id"])
    for key, jobs in of_key.items():
        for one, other in pairwise(sorted(jobs, key=lambda job: lives[job])):
            if lives[other][0] < lives[one][1]:
                yield f"{one} and {other} lived under the key {key} at the same time"


def _certain_lives(facts: Facts) -> dict[str, tuple[float, float]]:
    """For each job done: when it was first seen to exist, and when its final run ended."""
    seen: dict[str, float] = {}
    for event in facts.events:
        if event.kind in {Kind.ACCEPTED, Kind.START} and event.job is not None:
            seen.setdefault(event.job, event.at)
    ended = {event["run"]: event.at for event in _of(facts, Kind.END)}
    final = {row["id"]: json.loads(row["result"]) for row in _done(facts) if row["result"]}
    return {
        job: (seen[job], ended[run])
        for job, run in final.items()
        if job in seen and ended.get(run, 0.0) > seen[job]
    }


def due_times_fire_once(facts: Facts) -> Iterator[str]:
    due = Counter(row["scheduled_at"] for row in facts.jobs if row["job_name"] == SCHEDULED)
    for time, number in due.items():
        if number > 1:
            yield f"the due time {time} has {number} jobs"


def nobody_is_left_behind(facts: Facts) -> Iterator[str]:
    for row in facts.workers:
        if row["status"] != "stopped":
            yield f"worker {row['id']} (pid {row['pid']}) has left and is still {row['status']}"
    died = _killed(facts) | _poisoned(facts)
    left = {row["id"] for row in facts.workers if row["pid"] not in died}
    for row in facts.leases:
        if row["holder"] in left:
            yield f"the lease {row['name']} is still held by {row['holder']}, which has left"
    for row in facts.schedulers:
        if row["pid"] not in died:
            yield f"scheduler {row['id']} (pid {row['pid']}) has left and still counts as running"
    for row in facts.sessions:
        yield f"server session {row['pid']} is left: {row.get('state')}, {row.get('query')}"


def nobody_dies_by_himself(facts: Facts) -> Iterator[str]:
    """Who was neither killed nor poisoned goes when told to, and says with 0 that all is well."""
    killed, poisoned = _killed(facts), _poisoned(facts)
    codes = {event["target"]: event["code"] for event in _of(facts, Kind.PROCESS_ENDED)}
    for event in _of(facts, Kind.PROCESS_STARTED):
        pid = event["target"]
        code = codes.get(pid, -signal.SIGKILL if pid in killed else None)
        if code is None:
            yield f"process {pid} goes on for ever"
        elif code and pid not in poisoned and (pid not in killed or code != -signal.SIGKILL):
            yield f"process {pid} ended with {code}, by itself"


def _killed(facts: Facts) -> set[Any]:
    return {event["target"] for event in _of(facts, Kind.KILLED)}


def _poisoned(facts: Facts) -> set[Any]:
    """The processes that jobs took with them which were buried for that, as they should be."""
    deadly = {
        row["id"]
        for row in facts.dead
        if row["job_name"] in facts.poison and row["dead_letter_reason"] == "worker_crashed"
    }
    over = {event["run"] for event in _of(facts, Kind.END)}
    return {e.pid for e in _of(facts, Kind.START) if e.job in deadly and e["run"] not in over}


def connections_stay_few(facts: Facts) -> Iterator[str]:
    for pid, number in facts.connections.items():
        if number > MOST_CONNECTIONS:
            yield f"worker {pid} has {number} connections to the database"


def nothing_fails_unseen(facts: Facts) -> Iterator[str]:
    for told in facts.unseen:
        yield f"an event loop told: {told}"


RULES: Final[tuple[Rule, ...]] = (
    nothing_accepted_is_lost,
    everything_has_ended,
    nothing_is_stored_twice,
    ids_are_in_one_place,
    what_was_rolled_back_never_runs,
    what_is_done_has_run,
    only_the_claim_s_holder_writes,
    attempts_are_spent_by_failing,
    crashes_stay_within_their_limit,
    only_poison_is_buried,
    keys_live_once,
    due_times_fire_once,
    nobody_is_left_behind,
    nobody_dies_by_himself,
    connections_stay_few,
    nothing_fails_unseen,
)


def _of(facts: Facts, kind: Kind) -> list[Event]:
    return [event for event in facts.events if event.kind is kind]


def _done(facts: Facts) -> list[Row]:
    return [row for row in facts.jobs if row["status"] == "done"]


def _key(row: Row) -> str | None:
    """Under which the row was enqueued."""
    key: str | None = json.loads(row["args"]).get("key")
    return key


def _named(row: Row) -> str:
    return f"{row['job_name']} {row['id']}"
