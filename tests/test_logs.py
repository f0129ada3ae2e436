"""Log records: the job they were logged in, and no password in Soniq's own."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator

import pytest

from soniq import JobContext, Soniq, SoniqError
from soniq.errors import masked
from soniq.logs import JobFilter, soniq_logger

FORMAT = "%(job_name)s %(job_id)s %(queue)s %(attempt)s %(message)s"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What a program sees that adds the filter to its own handler."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(FORMAT))
    handler.addFilter(JobFilter())
    logger = logging.getLogger("myapp")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield stream
    logger.removeHandler(handler)
    logger.setLevel(logging.NOTSET)


async def test_what_handlers_and_hooks_log_names_their_job(lines: io.StringIO) -> None:
    log = logging.getLogger("myapp.jobs")
    async with Soniq("memory://") as app:

        @app.job(name="on.loop", queue="mail")
        async def on_loop() -> None:
            await asyncio.sleep(0)
            log.info("on the loop")

        @app.job(name="in.thread")
        def in_thread() -> None:
            log.info("in a thread")

        @app.after_job
        def after(ctx: JobContext) -> None:
            log.info("after %s", ctx.job_name)

        log.info("before any job")
        one, other = await on_loop.enqueue(), await in_thread.enqueue()
        await app.run_worker(run_once=True)

    assert set(lines.getvalue().splitlines()) == {
        "- - - - before any job",
        f"on.loop {one} mail 1 on the loop",
        f"on.loop {one} mail 1 after on.loop",
        f"in.thread {other} default 1 in a thread",
        f"in.thread {other} default 1 after in.thread",
    }


async def test_jobs_that_run_at_once_are_told_apart(lines: io.StringIO) -> None:
    log = logging.getLogger("myapp.jobs")
    both = asyncio.Barrier(2)
    async with Soniq("memory://") as app:

        @app.job(name="side.by.side")
        async def side_by_side(n: int) -> None:
            await both.wait()
            log.info("is %d", n)

        ids = [await side_by_side.enqueue(n=n) for n in range(2)]
        await app.run_worker(run_once=True)

    assert sorted(lines.getvalue().splitlines()) == sorted(
        f"side.by.side {job_id} default 1 is {n}" for n, job_id in enumerate(ids)
    )


def test_a_record_keeps_fields_of_its_own(lines: io.StringIO) -> None:
    logging.getLogger("myapp").info("about another", extra={"job_id": "J1"})
    assert lines.getvalue() == "- J1 - - about another\n"


async def test_records_of_the_worker_carry_their_fields(caplog: pytest.LogCaptureFixture) -> None:
    async with Soniq("memory://") as app:

        @app.job(name="always.fails", retries=1, retry_delay=0)
        async def fails() -> None:
            raise RuntimeError("no")

        job_id = await fails.enqueue()
        await app.run_worker(run_once=True)

    retried, died = [vars(r) for r in caplog.records if getattr(r, "event", "") == "job_failed"]
    assert (retried["job_id"], retried["job_name"], retried["queue"]) == (
        job_id,
        "always.fails",
        "default",
    )
    assert (retried["attempt"], retried["outcome"]) == (1, "retry")
    assert (died["attempt"], died["outcome"]) == (2, "dead_letter")
    assert 0 <= died["duration"] < 60


def test_records_of_soniq_hold_no_password(caplog: pytest.LogCaptureFixture) -> None:
    log = soniq_logger("soniq.app")
    try:
        raise RuntimeError("cannot reach postgresql://me:hunter2@host/app")
    except RuntimeError as error:
        log.warning("failed: %s", error, exc_info=error)

    assert "hunter2" not in caplog.text
    assert "failed: cannot reach postgresql://me:***@host/app" in caplog.text
    assert "RuntimeError: cannot reach postgresql://me:***@host/app" in caplog.text


@pytest.mark.parametrize(
    "text, shown",
    [
        ("postgresql://me:pw@host/app", "postgresql://me:***@host/app"),
        ("postgresql://me:p/w@d@host/app", "postgresql://me:***@host/app"),
        ("postgresql://a user:pw@host/app", "postgresql://a user:***@host/app"),
        ("redis://:pw@host", "redis://:***@host"),
        ("postgresql://me:12345@host:5432/app", "postgresql://me:***@host:5432/app"),
        ("http://host:8080/to?mail=a@b", "http://host:8080/to?mail=a@b"),
        ("postgresql://h:5432,i:5433/app?x=a@b", "postgresql://h:5432,i:5433/app?x=a@b"),
        ("host=h password=pw user=me", "host=h password=*** user=me"),
        ("postgresql:///app?sslpassword=pw&x=1", "postgresql:///app?sslpassword=***&x=1"),
        ("a://u:one@h b://v:two@i", "a://u:***@h b://v:***@i"),
        ("me@host/app", "me@host/app"),
        ("postgresql://u:it's@h/db", "postgresql://u:***@h/db"),
        ("{'a': 'postgresql://u:pw@h/db','b':'x@y'}", "{'a': 'postgresql://u:***@h/db','b':'x@y'}"),
        ("postgresql://u:12/34@h/db", "postgresql://u:***@h/db"),
        ("http://host:8080/@me", "http://host:8080/@me"),
        ("?password=it's&x=1", "?password=***&x=1"),
        ("password='a \\' b' user=me", "password=*** user=me"),
        ("{'dsn': 'h?password=pw'}", "{'dsn': 'h?password=***'}"),
    ],
)
def test_passwords_in_texts(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "word",
    [
        "x",
        "x:",
        "a://",
        "a://b:c",
        "postgres://",
        "password=",
        "password='",
        "a://b:'",
        "postgres://u:1/",
        "://u:1/",
        "'@",
    ],
)
def test_masking_a_long_text_takes_no_time_to_speak_of(word: str) -> None:
    shown = masked(word * 200_000 + " postgresql://ann:secret@host")
    assert "secret" not in shown
    assert shown.endswith(":***@host")


async def test_a_database_that_is_away_is_told_without_its_password(
    caplog: pytest.LogCaptureFixture,
) -> None:
    app = Soniq("postgresql://me:hunter2@127.0.0.1:1/app", database_timeout=0.1)
    with pytest.raises(SoniqError) as caught:
        await app.get_queue_stats()
    soniq_logger("soniq.app").warning("told", exc_info=caught.value)

    assert "127.0.0.1:1/app" in caplog.text
    assert "hunter2" not in caplog.text + str(caught.value) + repr(caught.value)
