"""`app.dead_letter` on every store."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest

from soniq import Soniq
from soniq.dead_letter import DeadLetterFilter, DeadLetterReason
from soniq.testing import drain
from tests.dead_letter.conftest import give_up
from tests.worker.conftest import MakeApp, until_status, working


@pytest.fixture
async def app(make_app: MakeApp) -> Soniq:
    """An application that knows ``mail.send`` and ``sms.send``."""
    app = await make_app(poll_interval=0.2)

    @app.job(name="mail.send", retries=1)
    async def mail(to: str = "", fail: bool = False) -> str:
        if fail:
            raise ValueError(to)
        return to

    @app.job(name="sms.send")
    async def sms(to: str = "") -> None: ...

    return app


# --- looking -------------------------------------------------------------------------------------


async def test_a_failed_job_is_listed_with_its_error(app: Soniq) -> None:
    job_id = await app.enqueue("mail.send", args={"to": "me", "fail": True})
    await drain(app)

    (found,) = await app.dead_letter.list_dead_letter_jobs()

    assert found == await app.dead_letter.get_dead_letter_job(job_id)
    assert found.dead_letter_reason is DeadLetterReason.MAX_RETRIES_EXCEEDED
    assert found.args == {"to": "me", "fail": True}
    assert found.attempts == found.max_attempts == 2
    assert (found.last_error or "").startswith("ValueError: me\n")
    assert await app.dead_letter.list() == await app.dead_letter.list_jobs() == [found]


async def test_the_newest_come_first_and_limits_hold_everywhere(app: Soniq) -> None:
    ids = await give_up(app, *({"to": str(n)} for n in range(6)))
    letters = app.dead_letter
    page = DeadLetterFilter(limit=2, offset=1)

    assert [job.id for job in await letters.list()] == ids[::-1]
    assert [job.id for job in await letters.list(page)] == [ids[4], ids[3]]
    assert await letters.count(page) == 2
    assert await letters.count(DeadLetterFilter(limit=9, offset=4)) == 2
    assert await letters.count(DeadLetterFilter(limit=0)) == 0
    assert len(await letters.bulk_replay(page)) == 2
    assert await letters.bulk_delete(page) == 2
    assert [job.id for job in await letters.list()] == [ids[5], *ids[2::-1]]


async def test_unknown_ids_are_none_false_or_nothing(app: Soniq) -> None:
    letters = app.dead_letter
    for unknown in (str(uuid4()), "nonsense", ""):
        assert await letters.get_dead_letter_job(unknown) is None
        assert await letters.replay(unknown) is None
        assert await letters.delete_dead_letter_job(unknown) is False
        assert await letters.purge(unknown) is False
        assert await letters.move(unknown) is False
        assert await letters.add_tags_to_job(unknown, ["x"]) is False


@pytest.mark.parametrize(
    "spelt",
    [str.upper, lambda text: text.replace("-", ""), "{{{}}}".format, UUID],
    ids=["capitals", "no dashes", "braces", "UUID"],
)
async def test_an_id_is_that_job_however_it_is_spelt(
    app: Soniq, spelt: Callable[[str], Any]
) -> None:
    letters = app.dead_letter
    job_id = str(await app.enqueue("mail.send"))
    other = spelt(job_id)

    assert await letters.move(other)
    found = await letters.get_dead_letter_job(other)
    assert found is not None
    assert found.id == job_id
    assert await letters.add_tags_to_job(other, ["x"])
    assert await letters.replay(other) is not None
    assert await letters.purge(other) is True


async def test_filters_are_checked(app: Soniq) -> None:
    wrong: list[tuple[dict[str, Any], type[Exception], str]] = [
        ({"job_names": "mail.*"}, TypeError, r"write \['mail.\*'\]"),
        ({"queues": [1]}, TypeError, "queues must hold texts"),
        ({"reasons": ["tired"]}, ValueError, "max_retries_exceeded"),
        ({"date_from": datetime(2026, 1, 1)}, ValueError, "time zone"),  # noqa: DTZ001
        ({"date_to": "today"}, TypeError, "aware datetime"),
        ({"job_names": ["mail.*", "?" * 1025]}, ValueError, "1025 characters; at most 1024"),
        ({"limit": -1}, ValueError, "limit"),
        ({"offset": True}, ValueError, "offset"),
    ]
    for values, error, text in wrong:
        chosen = DeadLetterFilter()
        for name, value in values.items():
            setattr(chosen, name, value)
        with pytest.raises(error, match=text):
            await app.dead_letter.list(chosen)
        with pytest.raises(error, match=text):
            await app.dead_letter.bulk_delete(chosen)
    with pytest.raises(TypeError, match="DeadLetterFilter"):
        await app.dead_letter.bulk_delete(None)  # type: ignore[arg-type]


async def test_a_filter_joins_its_conditions(app: Soniq) -> None:
    (one,) = await give_up(app, name="mail.send", queue="a")
    (other,) = await give_up(app, name="sms.send", queue="a")
    await give_up(app, name="sms.send", queue="b")
    now = datetime.now(UTC)

    def ids(**conditions: Any) -> Any:
        return app.dead_letter.list(DeadLetterFilter(**conditions))

    assert [job.id for job in await ids(queues=["a"])] == [other, one]
    assert [job.id for job in await ids(job_names=["sms.*"], queues=["a"])] == [other]
    assert len(await ids(reasons=[DeadLetterReason.MANUAL])) == 3
    assert len(await ids(date_from=now - timedelta(hours=1), date_to=now + timedelta(hours=1))) == 3
    assert await ids(date_to=now - timedelta(hours=1)) == []


async def test_a_filter_for_what_no_store_holds_finds_nothing(app: Soniq) -> None:
    await give_up(app)
    letters = app.dead_letter

    for text in ("a\0b", "\ud800"):
        for name in ("job_names", "queues", "tags"):
            nothing = DeadLetterFilter()
            setattr(nothing, name, [text])
            assert await letters.list(nothing) == []
            assert await letters.count(nothing) == 0
            assert await letters.bulk_delete(nothing) == 0
    beyond = DeadLetterFilter(limit=10**20, offset=10**20)
    assert await letters.list(beyond) == []
    assert await letters.bulk_replay(beyond) == []
    assert len(await letters.list(DeadLetterFilter(limit=10**20))) == 1


async def test_a_filter_may_reach_from_the_first_moment_to_the_last(app: Soniq) -> None:
    await give_up(app)
    east, west = timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))
    first, last = datetime.min.replace(tzinfo=east), datetime.max.replace(tzinfo=west)

    assert await app.dead_letter.count(DeadLetterFilter(date_from=first, date_to=last)) == 1
    assert await app.dead_letter.count(DeadLetterFilter(date_from=last)) == 0
    assert await app.dead_letter.count(DeadLetterFilter(date_to=first)) == 0


# --- replaying -----------------------------------------------------------------------------------


async def test_a_replay_runs_and_the_dead_letter_remembers(app: Soniq) -> None:
    (dead,) = await give_up(app, {"to": "you"})
    async with working(app):
        new = await app.dead_letter.replay(dead)
        assert new is not None
        job = await until_status(app, new, "done")

    letter = await app.dead_letter.get_dead_letter_job(dead)
    assert letter is not None
    assert job["result"] == "you"
    assert (letter.resurrection_count, letter.last_resurrection_job_id) == (1, new)
    assert (
        job["producer_id"]
        == (await app.get_job(await app.enqueue("sms.send")) or {})["producer_id"]
    )


async def test_a_replay_takes_new_values(app: Soniq) -> None:
    (dead,) = await give_up(app)

    new = await app.dead_letter.replay(
        dead, reset_attempts=False, new_max_attempts=7, new_priority=3, new_queue="slow"
    )

    job = await app.get_job(str(new))
    assert job is not None
    assert (job["queue"], job["priority"], job["max_attempts"]) == ("slow", 3, 7)


@pytest.mark.parametrize(
    "values",
    [
        {"new_max_attempts": 0},
        {"new_max_attempts": 10**12},
        {"new_priority": 1001},
        {"new_queue": ""},
    ],
)
async def test_a_replay_refuses_values_no_job_can_have(app: Soniq, values: dict[str, Any]) -> None:
    (dead,) = await give_up(app)

    with pytest.raises(ValueError):
        await app.dead_letter.replay(dead, **values)
    with pytest.raises(ValueError):
        await app.dead_letter.bulk_replay(DeadLetterFilter(), **values)
    assert (await app.get_queue_stats())["queued"] == 0


async def test_a_dedup_hit_is_the_live_job_and_counts_nothing(app: Soniq) -> None:
    (dead,) = await give_up(app, dedup_key="one")
    live = await app.enqueue("sms.send", dedup_key="one")

    assert await app.dead_letter.replay(dead) == live
    assert await app.dead_letter.bulk_replay(DeadLetterFilter()) == []

    letter = await app.dead_letter.get_dead_letter_job(dead)
    assert letter is not None
    assert letter.resurrection_count == 0
    assert (await app.get_queue_stats())["queued"] == 1


# A store in memory is private to its application: there is no second one to be strict.
@pytest.mark.parametrize("store", ["sqlite", "postgres"], indirect=True)
async def test_strict_validation_leaves_unregistered_jobs_alone(
    app: Soniq, make_app: MakeApp, caplog: pytest.LogCaptureFixture
) -> None:
    (dead,) = await give_up(app)
    strict = await make_app()
    warning = await make_app(enqueue_validation="warn")

    with caplog.at_level(logging.WARNING, "soniq.app"):
        assert await strict.dead_letter.replay(dead) is None
        assert await strict.dead_letter.bulk_replay(DeadLetterFilter()) == []
        assert len(await warning.dead_letter.bulk_replay(DeadLetterFilter())) == 1

    assert [record.getMessage() for record in caplog.records] == [
        "Not replayed, for they are not registered here: jobs named mail.send",
        "Replayed, though they are not registered locally: jobs named mail.send",
    ]


async def test_a_bulk_replay_spans_batches_and_meets_each_once(
    app: Soniq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soniq.dead_letter.letters.BATCH", 3)
    ids = await give_up(app, *({"to": str(n)} for n in range(8)))
    await give_up(app, name="sms.send")

    new = await app.dead_letter.bulk_replay(DeadLetterFilter(job_names=["mail.*"]))

    assert len(set(new)) == 8
    listed = await app.dead_letter.list(DeadLetterFilter(has_been_resurrected=True))
    assert [job.id for job in listed] == ids[::-1]
    assert {job.last_resurrection_job_id for job in listed} == set(new)
    assert await app.dead_letter.bulk_replay(DeadLetterFilter(has_been_resurrected=False)) != []
    assert await app.dead_letter.count(DeadLetterFilter(has_been_resurrected=False)) == 0


async def test_what_dies_again_meanwhile_is_not_replayed_twice(
    app: Soniq, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("soniq.dead_letter.letters.BATCH", 2)
    await give_up(app, *({"to": str(n)} for n in range(4)))

    replayed = 0
    async for batch in app.dead_letter.replaying(DeadLetterFilter()):
        replayed += len(batch.replayed)
        for one in batch.replayed:
            assert await app.dead_letter.move(one.job_id)

    assert replayed == 4
    assert await app.dead_letter.count() == 8


# --- deleting ------------------------------------------------------------------------------------


async def test_deletes_one_many_and_by_purge(app: Soniq) -> None:
    ids = await give_up(app, {}, {}, {})
    await give_up(app, {}, {}, name="sms.send")
    letters = app.dead_letter

    assert await letters.delete_dead_letter_job(ids[0]) is True
    assert await letters.purge(ids[1]) is True
    assert await letters.purge(DeadLetterFilter(job_names=["sms.*"])) == 2
    assert await letters.bulk_delete(DeadLetterFilter(job_names=["nobody"])) == 0
    assert [job.id for job in await letters.list()] == [ids[2]]


async def test_cleanup_goes_by_age(app: Soniq) -> None:
    await give_up(app, {}, {})
    letters = app.dead_letter

    assert await letters.cleanup_old_dead_letter_jobs() == 0
    assert await letters.cleanup_old_dead_letter_jobs(days=0, dry_run=True) == 2
    assert await letters.count() == 2
    assert await letters.cleanup_old_dead_letter_jobs(days=0) == 2
    assert await letters.count() == 0
    await give_up(app)
    assert await letters.cleanup_old_dead_letter_jobs(days=10**400) == 0
    with pytest.raises(ValueError, match="days"):
        await letters.cleanup_old_dead_letter_jobs(days=-1)


# --- by hand, in figures -------------------------------------------------------------------------


async def test_move_makes_a_dead_letter_of_a_live_job(app: Soniq) -> None:
    job_id = await app.enqueue("mail.send")

    assert await app.dead_letter.move(job_id, note="no longer wanted")

    letter = await app.dead_letter.get_dead_letter_job(job_id)
    assert letter is not None
    assert (letter.dead_letter_reason, letter.last_error) == ("manual", "no longer wanted")
    assert (await app.get_job(job_id) or {})["status"] == "dead_letter"
    assert await app.dead_letter.move(job_id) is False


async def test_a_long_note_is_cut_like_any_error(app: Soniq) -> None:
    job_id = await app.enqueue("mail.send")

    assert await app.dead_letter.move(job_id, note="a" * 20_000 + "z")

    letter = await app.dead_letter.get_dead_letter_job(job_id)
    assert letter is not None
    assert letter.last_error is not None
    assert len(letter.last_error) == 8192
    assert letter.last_error.endswith("az")


async def test_tags_are_kept_once_and_checked(app: Soniq) -> None:
    (dead,) = await give_up(app)
    letters = app.dead_letter

    assert await letters.add_tags_to_job(dead, ["a", "b"])
    assert await letters.add_tags_to_job(dead, ("b", "c"))

    assert (await letters.list(DeadLetterFilter(tags=["c"])))[0].tags == ["a", "b", "c"]
    with pytest.raises(TypeError, match=r"\['a'\]"):
        await letters.add_tags_to_job(dead, "a")
    for wrong in ("a\0", "\ud800", ""):
        with pytest.raises(ValueError, match="tags"):
            await letters.add_tags_to_job(dead, ["a", wrong])


async def test_stats_of_nothing(app: Soniq) -> None:
    stats = await app.dead_letter.get_dead_letter_stats()

    assert (stats.total_count, stats.by_job_name, stats.by_date) == (0, {}, {})
    assert stats.oldest_job_age_hours is None
    assert stats.resurrection_success_rate is None


async def test_stats_count_and_tell_how_replays_went(app: Soniq) -> None:
    ids = await give_up(app, {}, {}, {}, queue="q")
    await give_up(app, name="sms.send")
    again = [await app.dead_letter.replay(each) for each in ids[:2]]
    await app.dead_letter.move(str(again[0]))

    stats = await app.dead_letter.get_dead_letter_stats(hours=1)

    assert stats.total_count == 5
    assert stats.by_job_name == {"mail.send": 4, "sms.send": 1}
    assert stats.by_queue == {"q": 4, "default": 1}
    assert stats.by_reason == {"manual": 5}
    assert sum(stats.by_date.values()) == 5
    assert stats.oldest_job_age_hours is not None
    assert 0 <= stats.oldest_job_age_hours < 1
    assert stats.resurrection_success_rate == 0.5
    assert (await app.dead_letter.get_dead_letter_stats(hours=0)).total_count == 0
    for long in (1e9, 1e15, 1e308, 10**400):
        assert (await app.dead_letter.get_dead_letter_stats(hours=long)).total_count == 5
