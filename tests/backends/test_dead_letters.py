"""Dead letters: chosen, shown, replayed, deleted and made by hand, on every store."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from fnmatch import fnmatchcase

import pytest

from soniq.backends.base import Backend, Contended
from soniq.backends.dead_letters import Changes, Picked, Replay, Selection
from soniq.limits import LONGEST_ERROR
from soniq.records import ClaimState, Dead, DeadLetterReason, NewJob, Retry
from tests.backends.conftest import DATABASES, POSTGRES
from tests.backends.stores import Store
from tests.factories import new_id, new_job, new_jobs

ALL = Selection()
AS_THEY_WERE = Changes()


async def dead_letters(store: Store, *jobs: NewJob, note: str | None = None) -> list[str]:
    """Jobs that were stored and given up by hand, one after the other."""
    await store.backend.insert(jobs)
    for job in jobs:
        assert await store.backend.dead_letters.bury(job.id, note)
    return [job.id for job in jobs]


async def picked(backend: Backend, selection: Selection) -> set[str]:
    found = await backend.dead_letters.pick(selection, after=None, limit=1000, offset=0)
    assert await backend.dead_letters.count(selection) == len(found)
    return {one.id for one in found}


async def replay(
    backend: Backend, ids: Sequence[str], changes: Changes = AS_THEY_WERE
) -> dict[str, str]:
    """New jobs of all of `ids`: their ids by those of the dead letters."""
    replays = [Replay(each, new_id()) for each in ids]
    replayed = await backend.dead_letters.replay(replays, changes)
    assert all(one.is_new for one in replayed)
    return {one.dead_id: one.job_id for one in replayed}


async def test_a_walk_meets_each_once_newest_first(store: Store) -> None:
    ids = await dead_letters(store, *new_jobs(7))

    async def walk() -> AsyncIterator[Picked]:
        after: Picked | None = None
        while page := await store.backend.dead_letters.pick(ALL, after=after, limit=3, offset=0):
            for one in page:
                yield one
            after = page[-1]

    met = [one async for one in walk()]

    assert sorted(one.id for one in met) == sorted(ids)
    assert met == sorted(met, key=lambda one: (one.moved_at, one.id), reverse=True)


async def test_a_page_may_begin_further_on(store: Store) -> None:
    await dead_letters(store, *new_jobs(5))
    every = await store.backend.dead_letters.pick(ALL, after=None, limit=10, offset=0)

    page = await store.backend.dead_letters.pick(ALL, after=None, limit=2, offset=2)

    assert page == every[2:4]


async def test_a_dead_letter_shows_what_the_job_was(store: Store) -> None:
    worker = await store.join()
    job = new_job(args={"to": "you", "n": [1]}, queue="mail", priority=7, dedup_key="one")
    await store.backend.insert([job])
    claimed = await worker.claim_one()
    await worker.finish(claimed, Dead(DeadLetterReason.TIMEOUT, "too slow"))

    (shown,) = await store.backend.dead_letters.show([job.id, new_id(), "nonsense"])

    assert (shown.id, shown.job_name, shown.args) == (job.id, "tests.job", {"to": "you", "n": [1]})
    assert (shown.queue, shown.priority, shown.dedup_key) == ("mail", 7, "one")
    assert (shown.attempts, shown.max_attempts, shown.crashes) == (1, 4, 0)
    assert shown.dead_letter_reason is DeadLetterReason.TIMEOUT
    assert shown.last_error == "too slow"
    assert shown.original_created_at == claimed.created_at <= shown.moved_to_dead_letter_at
    assert shown.moved_to_dead_letter_at.utcoffset() == timedelta(0)
    assert (shown.resurrection_count, shown.last_resurrection_at) == (0, None)
    assert (shown.tags, shown.last_resurrection_job_id) == ([], None)


async def test_show_keeps_the_order_it_was_asked_in(store: Store) -> None:
    ids = await dead_letters(store, *new_jobs(3))

    shown = await store.backend.dead_letters.show([ids[1], ids[2], ids[0]])

    assert [one.id for one in shown] == [ids[1], ids[2], ids[0]]


# --- choosing ------------------------------------------------------------------------------------

NAMES = ("mail.send", "mail.send_all", "mail%send", "Mail.send", "a_b", "axb", "a-b", "a]b", "a^b")
GLOBS = (
    *("*", "mail.*", "mail.sen?", "mail%*", "a_b", "a?b", "*send", "MAIL*", "", "mail"),
    *("a[_x]b", "a[!_x]b", "a[a-z]b", "a[]]b", "a[^]b", "a[!]^]b", "a[-_]b", "a[z-a]b", "a[!z-a]b"),
    *("a[z-a!]b", "a[z-a!x]b", "a[z-a!-_]b", "a[z-a!_-_]b"),
    *("a[b", "[!a]*", "[a-m]*[!l]", "*[.]*", r"a\b", "a(_|x)b", "a{1}b", "a.b", "$", "mail.send\n"),
)


async def test_names_are_chosen_by_glob_as_fnmatch_does(store: Store) -> None:
    jobs = [new_job(job_name=name) for name in NAMES]
    await dead_letters(store, *jobs)
    names = {job.id: job.job_name for job in jobs}

    for glob in GLOBS:
        found = {names[one] for one in await picked(store.backend, Selection(job_names=(glob,)))}
        assert found == {name for name in NAMES if fnmatchcase(name, glob)}, glob


async def test_several_values_of_a_condition_are_alternatives(store: Store) -> None:
    one, other, third = await dead_letters(
        store,
        new_job(job_name="a.one", queue="x"),
        new_job(job_name="b.two", queue="y"),
        new_job(job_name="c.three", queue="z"),
    )

    assert await picked(store.backend, Selection(job_names=("a.*", "c.*"))) == {one, third}
    assert await picked(store.backend, Selection(queues=("y", "z"))) == {other, third}
    assert await picked(store.backend, Selection(queues=())) == set()
    assert await picked(store.backend, Selection(job_names=("a.*",), queues=("y",))) == set()


async def test_reasons_and_tags_choose(store: Store) -> None:
    worker = await store.join()
    tagged, plain = await dead_letters(store, *new_jobs(2))
    await store.backend.insert([new_job()])
    failed = await worker.claim_one()
    await worker.finish(failed, Dead(DeadLetterReason.PERMANENT_FAILURE, "no"))
    letters = store.backend.dead_letters

    assert await letters.tag(tagged, ["bug-1", "mail"])
    assert await letters.tag(tagged, ["mail", "it's"])
    assert not await letters.tag(new_id(), ["mail"])

    assert (await letters.show([tagged]))[0].tags == ["bug-1", "mail", "it's"]
    assert await picked(store.backend, Selection(tags=("it's", "other"))) == {tagged}
    assert await picked(store.backend, Selection(tags=("other",))) == set()
    assert await picked(store.backend, Selection(reasons=("manual",))) == {tagged, plain}
    assert await picked(store.backend, Selection(reasons=("permanent_failure",))) == {failed.id}


async def test_times_and_ages_choose(store: Store) -> None:
    (old,) = await dead_letters(store, new_job())
    await store.pass_time(3600)
    (young,) = await dead_letters(store, new_job())
    letters = store.backend.dead_letters
    moved = (await letters.show([old]))[0].moved_to_dead_letter_at
    later = moved + timedelta(seconds=1)

    assert await picked(store.backend, Selection(date_to=moved)) == {old}
    assert await picked(store.backend, Selection(date_from=moved)) == {old, young}
    assert await picked(store.backend, Selection(date_from=later)) == {young}
    assert await picked(store.backend, Selection(min_age=1800)) == {old}
    assert await picked(store.backend, Selection(max_age=1800)) == {young}


async def test_what_was_replayed_can_be_told_apart(store: Store) -> None:
    one, other = await dead_letters(store, *new_jobs(2))
    await replay(store.backend, [one])

    assert await picked(store.backend, Selection(resurrected=True)) == {one}
    assert await picked(store.backend, Selection(resurrected=False)) == {other}


async def test_a_value_nobody_can_have_chooses_nothing(store: Store) -> None:
    await dead_letters(store, new_job())

    for text in ("a\0b", "\0*", "\ud800"):
        for selection in (
            Selection(job_names=(text,)),
            Selection(queues=(text,)),
            Selection(reasons=(text,)),
            Selection(tags=(text,)),
        ):
            assert await picked(store.backend, selection) == set()
            assert await store.backend.dead_letters.tally(selection) == []


async def test_a_value_nobody_can_have_leaves_the_others_alone(store: Store) -> None:
    (dead,) = await dead_letters(store, new_job(queue="a"))

    assert await picked(store.backend, Selection(queues=("a", "a\0b", "\ud800"))) == {dead}


@pytest.mark.parametrize("age", [1e12, 1e15, 1e300])
async def test_ages_may_be_longer_than_any_clock_goes_back(store: Store, age: float) -> None:
    (dead,) = await dead_letters(store, new_job())

    assert await picked(store.backend, Selection(max_age=age)) == {dead}
    assert len(await store.backend.dead_letters.tally(Selection(max_age=age))) == 1
    assert await picked(store.backend, Selection(min_age=age)) == set()


# --- replaying -----------------------------------------------------------------------------------


async def test_a_replay_is_a_new_job_and_the_dead_letter_stays(store: Store) -> None:
    worker = await store.join()
    await store.backend.insert([new_job(args={"n": 1}, queue="q", priority=3, dedup_key="key")])
    claimed = await worker.claim_one()
    await worker.finish(claimed, Dead(DeadLetterReason.MAX_RETRIES_EXCEEDED, "boom"))
    worker.woken.clear()

    new = (await replay(store.backend, [claimed.id], Changes(producer_id="me")))[claimed.id]

    await worker.wait_for_wake()
    job = await store.job(new)
    (letter,) = await store.backend.dead_letters.show([claimed.id])
    assert new != claimed.id
    assert (job["status"], job["args"], job["dedup_key"]) == ("queued", {"n": 1}, "key")
    assert (job["queue"], job["priority"], job["max_attempts"]) == ("q", 3, 4)
    assert (job["attempts"], job["crashes"], job["last_error"]) == (0, 0, None)
    assert job["producer_id"] == "me"
    assert letter.resurrection_count == 1
    assert letter.last_resurrection_job_id == new
    assert letter.last_resurrection_at == job["created_at"] == job["scheduled_at"]
    assert letter.last_error == "boom"
    assert (await worker.claim_one()).id == new


async def test_a_dead_letter_can_be_replayed_again_and_again(store: Store) -> None:
    (dead,) = await dead_letters(store, new_job())

    news = [(await replay(store.backend, [dead]))[dead] for _ in range(3)]

    (letter,) = await store.backend.dead_letters.show([dead])
    assert len(set(news)) == letter.resurrection_count == 3
    assert letter.last_resurrection_job_id == news[-1]


async def test_a_replay_may_change_queue_priority_and_attempts(store: Store) -> None:
    ids = await dead_letters(store, *new_jobs(3, queue="a"))

    news = await replay(store.backend, ids, Changes(True, 9, 1, "b"))

    for new in news.values():
        job = await store.job(new)
        assert (job["queue"], job["priority"], job["max_attempts"]) == ("b", 1, 9)
    for letter in await store.backend.dead_letters.show(ids):
        assert (letter.queue, letter.priority, letter.max_attempts) == ("a", 100, 4)


@pytest.mark.parametrize("most,kept", [(None, 3), (2, 1), (10, 4), (1, 0)])
async def test_kept_attempts_leave_a_run(store: Store, most: int | None, kept: int) -> None:
    worker = await store.join()
    await store.backend.insert([new_job(max_attempts=4)])
    for _ in range(3):
        await worker.finish(await worker.claim_one(), Retry(0, "again"))
    last = await worker.claim_one()
    await worker.finish(last, Dead(DeadLetterReason.MAX_RETRIES_EXCEEDED, "enough"))

    new = (await replay(store.backend, [last.id], Changes(False, most)))[last.id]

    assert (await store.job(new))["attempts"] == kept
    assert (await worker.claim_one()).attempts == kept + 1


async def test_a_live_job_that_holds_the_key_stands_in_for_a_replay(store: Store) -> None:
    (dead,) = await dead_letters(store, new_job(dedup_key="key"))
    live = new_job(job_name="other", dedup_key="key")
    await store.backend.insert([live])

    (answer,) = await store.backend.dead_letters.replay([Replay(dead, new_id())], AS_THEY_WERE)

    assert answer == (dead, live.id, False)
    (letter,) = await store.backend.dead_letters.show([dead])
    assert (letter.resurrection_count, letter.last_resurrection_job_id) == (0, None)
    assert (await store.backend.queue_stats())["default"]["queued"] == 1


async def test_of_dead_letters_with_one_key_a_single_one_is_replayed(store: Store) -> None:
    (first,) = await dead_letters(store, new_job(dedup_key="key"))
    (second,) = await dead_letters(store, new_job(dedup_key="key"))
    (free,) = await dead_letters(store, new_job())

    replays = [Replay(each, new_id()) for each in (first, second, free)]
    answers = await store.backend.dead_letters.replay(replays, AS_THEY_WERE)

    new = [answer for answer in answers if answer.is_new]
    assert len(answers) == 3
    assert len(new) == 2
    assert free in {answer.dead_id for answer in new}
    assert len({answer.job_id for answer in answers}) == 2


async def test_a_repeated_call_replays_nothing_twice(store: Store) -> None:
    ids = await dead_letters(store, new_job(dedup_key="key"), *new_jobs(2))
    replays = [Replay(each, new_id()) for each in ids]

    first = await store.backend.dead_letters.replay(replays, AS_THEY_WERE)
    again = await store.backend.dead_letters.replay(replays, AS_THEY_WERE)

    assert first == again
    assert all(one.is_new for one in again)
    assert (await store.backend.queue_stats())["default"]["queued"] == 3
    assert {one.resurrection_count for one in await store.backend.dead_letters.show(ids)} == {1}


async def test_what_somebody_else_has_replayed_meanwhile_is_left_out(store: Store) -> None:
    one, other = await dead_letters(store, *new_jobs(2))
    seen = await store.backend.dead_letters.pick(ALL, after=None, limit=10, offset=0)
    await replay(store.backend, [one])

    replays = [Replay(each.id, new_id(), each.resurrection_count) for each in seen]
    answers = await store.backend.dead_letters.replay(replays, AS_THEY_WERE)

    assert [answer.dead_id for answer in answers] == [other]


async def test_unknown_ids_are_not_replayed(store: Store) -> None:
    replays = [Replay(new_id(), new_id()), Replay("nonsense", new_id())]

    assert await store.backend.dead_letters.replay(replays, AS_THEY_WERE) == []
    assert await store.backend.dead_letters.replay([], AS_THEY_WERE) == []
    assert await store.backend.queue_stats() == {}


@POSTGRES
async def test_a_key_held_by_an_open_transaction_stops_a_replay_whole(store: Store) -> None:
    ids = await dead_letters(store, new_job(dedup_key="key"), new_job())
    async with store.transaction() as connection:
        await store.backend.insert_on(connection, [new_job(dedup_key="key")])

        with pytest.raises(Contended):
            await replay(store.backend, ids)

        await store.rollback(connection)
    assert await picked(store.backend, Selection(resurrected=True)) == set()
    assert len(await replay(store.backend, ids)) == 2


@DATABASES
async def test_workers_of_other_processes_are_woken_by_a_replay(store: Store) -> None:
    worker = await store.join(await store.open())
    (dead,) = await dead_letters(store, new_job())
    await worker.assert_nothing_to_claim()
    worker.woken.clear()

    new = (await replay(store.backend, [dead]))[dead]

    await worker.wait_for_wake()
    assert (await worker.claim_one()).id == new


# --- deleting, making ----------------------------------------------------------------------------


async def test_delete_tells_what_was_there(store: Store) -> None:
    ids = await dead_letters(store, *new_jobs(3))

    gone = await store.backend.dead_letters.delete([ids[0], new_id(), "nonsense", ids[2]])

    assert sorted(gone) == [ids[0], ids[2]]
    assert await picked(store.backend, ALL) == {ids[1]}
    assert await store.backend.dead_letters.delete(ids) == [ids[1]]


async def test_a_queued_job_can_be_buried_by_hand(store: Store) -> None:
    worker = await store.join()
    job = new_job(dedup_key="key")
    await store.backend.insert([job])

    assert await store.backend.dead_letters.bury(job.id, "not today")

    assert not await store.backend.dead_letters.bury(job.id, "twice")
    assert not await store.backend.dead_letters.bury(new_id(), None)
    assert not await store.backend.dead_letters.bury("nonsense", None)
    (letter,) = await store.backend.dead_letters.show([job.id])
    assert (letter.dead_letter_reason, letter.last_error) == ("manual", "not today")
    await worker.assert_nothing_to_claim()
    assert await store.backend.insert([replace_id(job)]) != [job.id]


def replace_id(job: NewJob) -> NewJob:
    return job._replace(id=new_id())


async def test_a_running_job_that_is_buried_is_lost_to_its_worker(store: Store) -> None:
    worker = await store.join()
    await store.backend.insert(new_jobs(1))
    await worker.finish(await worker.claim_one(), Retry(0, "ValueError: first"))
    job = await worker.claim_one()

    assert await store.backend.dead_letters.bury(job.id, "enough")

    assert await worker.session.lost({job.id: job.claim}) == {job.id: ClaimState.LOST}
    assert not await worker.finish(job, Retry(0, "late"))
    (letter,) = await store.backend.dead_letters.show([job.id])
    assert letter.last_error == "enough\nValueError: first"
    assert letter.attempts == 2


async def test_a_note_leaves_no_longer_an_error_than_any(store: Store) -> None:
    worker = await store.join()
    await store.backend.insert(new_jobs(1))
    error = "e" * LONGEST_ERROR
    await worker.finish(await worker.claim_one(), Retry(0, error))
    job = await worker.claim_one()

    assert await store.backend.dead_letters.bury(job.id, "enough")

    (letter,) = await store.backend.dead_letters.show([job.id])
    assert letter.last_error == f"enough\n{error}"[:LONGEST_ERROR]


async def test_a_buried_job_without_a_note_keeps_its_error(store: Store) -> None:
    plain, noted = await dead_letters(store, *new_jobs(2))
    letters = await store.backend.dead_letters.show([plain, noted])

    assert [letter.last_error for letter in letters] == [None, None]


async def test_ended_jobs_cannot_be_buried(store: Store) -> None:
    job = new_job()
    await store.backend.insert([job])
    await store.backend.cancel_job(job.id)

    assert not await store.backend.dead_letters.bury(job.id, None)
    assert (await store.job(job.id))["status"] == "cancelled"


# --- counting ------------------------------------------------------------------------------------


async def test_a_tally_counts_by_name_queue_reason_and_day(store: Store) -> None:
    old = await dead_letters(store, *new_jobs(2, job_name="a"))
    await store.pass_time(2 * 86400)
    young = await dead_letters(store, new_job(job_name="a"), new_job(job_name="b", queue="q"))
    await replay(store.backend, [old[0], young[0]])
    again = (await replay(store.backend, [old[0]]))[old[0]]
    assert await store.backend.dead_letters.bury(again, None)

    tallies = await store.backend.dead_letters.tally(ALL)
    recent = await store.backend.dead_letters.tally(Selection(max_age=86400))

    rounded = sorted(replace_age(tally) for tally in tallies)
    days = sorted({tally.day for tally in tallies})
    assert days[1] - days[0] == timedelta(days=2)
    assert rounded == sorted(
        [
            ("a", "default", "manual", days[0], 2, 48, 1, 0),
            ("a", "default", "manual", days[1], 2, 0, 1, 1),
            ("b", "q", "manual", days[1], 1, 0, 0, 0),
        ]
    )
    assert {tally.day for tally in recent} == {days[1]}


def replace_age(tally: tuple[object, ...]) -> tuple[object, ...]:
    """The tally with the age in whole hours."""
    age = tally[5]
    assert isinstance(age, float)
    return (*tally[:5], int(age // 3600), *tally[6:])
