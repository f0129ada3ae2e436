"""A database for commands, and what is in it, seen and changed from the test's own process."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any, TypeVar

import asyncpg

from soniq import Soniq
from soniq.dead_letter import DeadLetterFilter, DeadLetterJob
from tests.cli.conftest import Project

T = TypeVar("T")

JOBS = """
from soniq import Soniq

app = Soniq(database_url={url!r})

@app.job(name="mail.send")
async def mail(n: int = 0, token: str = ""): ...

@app.job(name="sms.send")
async def sms(): ...
"""


# What both databases understand.
BURY_ALL = (
    """
    INSERT INTO soniq_dead_letter_jobs (
        id, job_name, args, queue, priority, max_attempts, attempts, crashes, dead_letter_reason,
        original_created_at, moved_to_dead_letter_at, created_at
    )
    SELECT
        id, job_name, args, queue, priority, max_attempts, attempts, crashes, 'manual',
        created_at, created_at, created_at
    FROM soniq_jobs
    """,
    "DELETE FROM soniq_jobs",
)


@dataclass(frozen=True, slots=True)
class Database:
    """Where a project's jobs are."""

    project: Project
    url: str

    def ask(self, question: Callable[[Soniq], Awaitable[T]]) -> T:
        """What the app says, asked by this process."""

        async def asked() -> T:
            async with Soniq(self.url, enqueue_validation="none") as app:
                await app.setup()
                return await question(app)

        return asyncio.run(asked())

    def write_jobs(self, more: str = "") -> None:
        """Give the project a module ``jobs`` with an app on this database, and with `more`."""
        self.project.write("jobs.py", JOBS.format(url=self.url) + more)

    def enqueue(self, number: int = 1, name: str = "mail.send", **options: Any) -> list[str]:
        """Ids of new jobs."""
        args = [{"n": n, "token": "hush"} for n in range(number)]
        return self.ask(lambda app: app.enqueue_many(name, args, **options))

    def give_up(self, number: int = 1, name: str = "mail.send", **options: Any) -> list[str]:
        """Ids of new dead letters, the one given up last at the end."""
        ids = self.enqueue(number, name, **options)

        async def move(app: Soniq) -> None:
            for each in ids:
                assert await app.dead_letter.move(each, "first line\nsecond line")

        self.ask(move)
        return ids

    def dead_letters(self) -> list[DeadLetterJob]:
        """All of them, the one given up last first."""
        return self.ask(lambda app: app.dead_letter.list_dead_letter_jobs())

    def counts(self) -> dict[str, int]:
        """Jobs by status, those there are none of left out."""
        stats = self.ask(lambda app: app.get_queue_stats())
        return {status: number for status, number in stats.items() if number and status != "total"}

    def fill_graveyard(self, number: int) -> None:
        """So many dead letters at once."""
        self.enqueue(number)
        for statement in BURY_ALL:
            self._execute(statement)

    def _execute(self, statement: str) -> None:
        if self.url.startswith("sqlite:///"):
            with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
                connection.execute(statement)
                connection.commit()
        else:
            asyncio.run(_execute(self.url, statement))

    def join_silent_worker(self) -> None:
        """A worker of another host that was heard last long ago."""
        queues = "'{mail,sms}'" if self.url.startswith("postgres") else """'["mail","sms"]'"""
        names = "'{}'" if self.url.startswith("postgres") else "'[]'"
        self._execute(
            f"""
            INSERT INTO soniq_workers (
                id, hostname, pid, queues, concurrency, status, last_heartbeat, started_at,
                heartbeat_interval, version, job_names
            )
            VALUES (
                '01a20353-1513-741a-8e85-98ff2095208e', 'silent-host', 4, {queues}, 1, 'active',
                '2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z', 5, '0', {names}
            )
            """
        )

    def replayed(self) -> int:
        """How many dead letters have been replayed."""
        once = DeadLetterFilter(has_been_resurrected=True)
        return self.ask(lambda app: app.dead_letter.count(once))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()
