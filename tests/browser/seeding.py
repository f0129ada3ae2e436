"""A day in the life of a shop, written straight into a SQLite file, times and all.

The public interface stores jobs as of now only; a history has to be written by hand.
"""

from __future__ import annotations

import json
import math
import random
import sqlite3
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple
from zlib import crc32

from uuid_utils import uuid7

from soniq import Soniq

_DAY: Final = timedelta(days=1)


class Kind(NamedTuple):
    """A kind of job, how many of it there are in a day, and how long it runs."""

    name: str
    queue: str
    a_day: int
    median_s: float
    error: str


KINDS: Final = (
    Kind(
        "mail.send_receipt",
        "mail",
        5200,
        0.18,
        "smtplib.SMTPServerDisconnected: Connection unexpectedly closed: timed out",
    ),
    Kind(
        "images.make_thumbnails",
        "images",
        1900,
        1.4,
        "PIL.UnidentifiedImageError: cannot identify image file 'upload-77120.heic'",
    ),
    Kind(
        "billing.charge_card",
        "billing",
        1400,
        0.62,
        "stripe.error.CardError: Your card was declined. (insufficient_funds)",
    ),
    Kind(
        "search.reindex_product",
        "search",
        3100,
        0.09,
        "opensearchpy.exceptions.ConnectionTimeout: Read timed out (10 s)",
    ),
    Kind(
        "webhooks.deliver",
        "webhooks",
        2300,
        0.31,
        "httpx.HTTPStatusError: 503 Service Unavailable for https://hooks.example.com/orders",
    ),
    Kind(
        "reports.monthly_statement",
        "reports",
        60,
        21.0,
        "TimeoutError: the run took longer than 60 s",
    ),
)


async def seed_shop(path: Path, *, now: datetime | None = None, share: float = 1.0) -> None:
    """Make the tables at `path` and fill them.

    Args:
        path: a SQLite file that is not there yet.
        now: when the last of it happens; aware.
        share: of the day's jobs; a small one is quicker.
    """
    now = now or datetime.now(UTC)
    app = Soniq(database_url=str(path), enqueue_validation="none")
    async with app:
        await app.setup()
        await _schedules(app)
    chance = random.Random(7)
    with sqlite3.connect(path) as database:
        _insert(database, "soniq_jobs", _done(now, share, chance))
        _insert(database, "soniq_jobs", _waiting(now, chance))
        _insert(database, "soniq_workers", _workers(now))
        _insert(database, "soniq_jobs", _running(now))
        _insert(database, "soniq_dead_letter_jobs", _dead(now, chance))
        database.execute(
            "UPDATE soniq_schedules SET run_count = 212, last_run = ? WHERE name <> 'new-year'",
            (text(now - timedelta(minutes=4)),),
        )
    database.close()


def insert(path: Path, table: str, *rows: Mapping[str, Any]) -> None:
    """Add rows as they are."""
    with sqlite3.connect(path) as database:
        _insert(database, table, iter(rows))
    database.close()


def text(at: datetime) -> str:
    """A time as SQLite files keep it."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def job_row(kind: Kind, created: datetime, **changes: Any) -> dict[str, Any]:
    """A queued job, as a row."""
    at = text(created)
    return {
        "id": str(uuid7()),
        "job_name": kind.name,
        "status": "queued",
        "queue": kind.queue,
        "priority": 100,
        "attempts": 0,
        "max_attempts": 4,
        "scheduled_at": at,
        "created_at": at,
        "started_at": None,
        "finished_at": None,
        "updated_at": at,
        "worker_id": None,
        "producer_id": "shop-web-1:812:-",
        "last_error": None,
        "args": json.dumps(_args(kind, crc32(at.encode()) % 90_000)),
        "result": None,
    } | changes


def letter_row(kind: Kind, moved: datetime, **changes: Any) -> dict[str, Any]:
    """A dead letter, as a row."""
    return {
        "id": str(uuid7()),
        "job_name": kind.name,
        "queue": kind.queue,
        "priority": 100,
        "max_attempts": 4,
        "attempts": 4,
        "crashes": 0,
        "dead_letter_reason": "max_retries_exceeded",
        "original_created_at": text(moved - timedelta(minutes=7)),
        "moved_to_dead_letter_at": text(moved),
        "created_at": text(moved),
        "last_error": kind.error,
        "args": json.dumps(_args(kind, int(moved.timestamp()) % 90_000)),
    } | changes


def _insert(database: sqlite3.Connection, table: str, rows: Iterator[Mapping[str, Any]]) -> None:
    for row in rows:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        database.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(row.values()))


async def _schedules(app: Soniq) -> None:
    add = app.scheduler.add
    await add(
        "mail.send_digest", cron="0 7 * * 1-5", name="morning-digest", timezone="Europe/Berlin"
    )
    await add("search.reindex_all", cron="30 2 * * *", name="nightly-reindex", timezone="UTC")
    await add("billing.settle", every=900, name="settle-payments")
    await add("reports.monthly_statement", cron="0 6 1 * *", name="monthly-statements")
    await add("webhooks.retry_silent", every=60, name="retry-silent-hooks")
    await add("mail.new_year", cron="0 0 1 1 *", name="new-year")
    await app.scheduler.pause("new-year")


def _args(kind: Kind, number: int) -> dict[str, Any]:
    match kind.queue:
        case "mail":
            return {"order_id": 40_000 + number}
        case "billing":
            return {"order_id": 40_000 + number, "amount": f"{number % 190 + 4}.90"}
        case "images":
            return {"product_id": 7_000 + number % 3000, "sizes": [160, 480, 1200]}
        case "search":
            return {"product_id": 7_000 + number % 3000}
        case "webhooks":
            return {"url": "https://hooks.example.com/orders", "event": "order.paid", "try": 1}
        case _:
            return {"customer_id": 1_200 + number % 700, "month": "2026-10", "format": "pdf"}


def _done(now: datetime, share: float, chance: random.Random) -> Iterator[dict[str, Any]]:
    for kind in KINDS:
        for at in _moments(now, int(kind.a_day * share), chance):
            waited = timedelta(seconds=chance.expovariate(1 / 0.4))
            ran = timedelta(seconds=kind.median_s * math.exp(chance.gauss(0, 0.5)))
            if at + waited + ran > now:
                continue
            retried = chance.random() < 0.02
            yield job_row(
                kind,
                at,
                status="cancelled" if chance.random() < 0.003 else "done",
                attempts=2 if retried else 1,
                last_error=kind.error if retried else None,
                started_at=text(at + waited),
                finished_at=text(at + waited + ran),
                updated_at=text(at + waited + ran),
                result=json.dumps({"ok": True, "bytes": chance.randrange(900, 90_000)}),
            )


def _moments(now: datetime, number: int, chance: random.Random) -> Iterator[datetime]:
    """Times of the last day, more of them by day than by night."""
    found = 0
    while found < number:
        back = chance.random()
        if chance.random() < 0.55 + 0.45 * math.cos(2 * math.pi * (back - 0.08)):
            found += 1
            yield now - _DAY * back


def _waiting(now: datetime, chance: random.Random) -> Iterator[dict[str, Any]]:
    for kind, number in zip(KINDS, (9, 46, 3, 14, 118, 2), strict=True):
        for _ in range(number):
            yield job_row(kind, now - timedelta(seconds=chance.uniform(1, 95)))
    for minutes in (2, 25, 90, 60 * 14):
        due = text(now + timedelta(minutes=minutes))
        yield job_row(KINDS[0], now - timedelta(minutes=3, seconds=minutes), scheduled_at=due)


_WORKERS: Final = ("shop-worker-1", "shop-worker-2", "shop-worker-3")


def _workers(now: datetime) -> Iterator[dict[str, Any]]:
    for number, host in enumerate(_WORKERS):
        yield {
            "id": f"01a1f0aa-0000-7000-8000-00000000000{number}",
            "hostname": host,
            "pid": 1200 + 7 * number,
            "queues": json.dumps(["reports", "images"]) if number == 2 else None,
            "concurrency": 10,
            "status": "stopping" if number == 1 else "active",
            "last_heartbeat": text(now),
            "heartbeat_interval": 600.0,
            "started_at": text(now - timedelta(hours=9 * number + 3, minutes=12)),
            "version": "0.1.0",
            "job_names": json.dumps([*(kind.name for kind in KINDS), "billing.settle"]),
            "metadata": json.dumps({"memory_bytes": 96_000_000 + 21_000_000 * number}),
        }


def _running(now: datetime) -> Iterator[dict[str, Any]]:
    for number, kind in enumerate((KINDS[5], KINDS[1], KINDS[1], KINDS[4])):
        started = now - timedelta(seconds=2 + 9 * (3 - number))
        yield job_row(
            kind,
            started - timedelta(seconds=1),
            status="processing",
            attempts=1,
            started_at=text(started),
            worker_id=f"01a1f0aa-0000-7000-8000-00000000000{number % 3}",
        )


def _dead(now: datetime, chance: random.Random) -> Iterator[dict[str, Any]]:
    for kind, number in zip(KINDS, (2, 5, 9, 0, 4, 1), strict=True):
        for _ in range(number):
            moved = now - _DAY * chance.random() ** 2
            trace = (
                "Traceback (most recent call last):\n"
                f'  File "/srv/shop/{kind.name.replace(".", "/")}.py", line 41, in run\n'
                f"    await client.send(order)\n{kind.error}"
            )
            yield letter_row(kind, moved, last_error=f"{kind.error}\n\n{trace}")
    yield letter_row(
        KINDS[1],
        now - timedelta(hours=5),
        dead_letter_reason="invalid_arguments",
        attempts=1,
        last_error="sizes: Input should be a valid list",
    )
    yield letter_row(
        KINDS[5],
        now - timedelta(hours=11),
        dead_letter_reason="worker_crashed",
        crashes=3,
        resurrection_count=1,
        last_resurrection_at=text(now - timedelta(hours=10)),
        last_error="The worker died while it ran this job, three times",
    )
