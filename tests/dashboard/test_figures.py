"""What the API tells of jobs, queues and workers, alike on every store."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from soniq import Soniq
from soniq.backends.overview import Counts, QueueCounts
from soniq.records import JOB_KEYS
from tests.dashboard.conftest import IN_MEMORY, OPERATOR, Ask, dashboard_of, give_up


async def seed(app: Soniq) -> list[str]:
    """Two mails sent, one given up, one cancelled, one of later, and something in another queue."""
    ids = [await app.enqueue("mail.send", args={"to": to}) for to in ("ann", "ben", "nobody")]
    await app.run_worker(run_once=True)
    cancelled = await app.enqueue("mail.send", args={"to": "cat", "password": "hush"})
    await app.cancel_job(cancelled)
    later = await app.enqueue("mail.send", args={"to": "dan"}, delay=600)
    return [*ids, cancelled, later, await app.enqueue("tidy.up")]


async def get(client: httpx.AsyncClient, path: str, **query: Any) -> Any:
    reply = await client.get(path, params=query)
    assert reply.status_code == 200, reply.text
    assert reply.headers["cache-control"] == "no-store"
    return reply.json()


async def test_stats_are_those_of_the_app(app: Soniq, operator: httpx.AsyncClient) -> None:
    await seed(app)
    assert await get(operator, "/api/stats") == await app.get_queue_stats()


async def test_stats_that_are_estimates_say_so(ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    app = Soniq(backend="memory")
    await app.setup()
    assert app.backend is not None

    async def counts() -> Counts:
        return Counts([QueueCounts("mail", done=90_000)], estimated=True)

    monkeypatch.setattr(app.backend.overview, "counts", counts)
    stats = await get(ask(dashboard_of(app), OPERATOR), "/api/stats")
    assert stats == dict.fromkeys(await app.get_queue_stats(), 0) | {
        "total": 90_000,
        "done": 90_000,
        "estimated": True,
    }
    await app.close()


async def test_queues_are_told_in_figures(app: Soniq, operator: httpx.AsyncClient) -> None:
    await seed(app)
    default, mail = await get(operator, "/api/queues")
    assert (mail["queue"], mail["total_jobs"], mail["queued"], mail["done"]) == ("mail", 5, 1, 2)
    assert (mail["cancelled"], mail["dead_letter"], mail["oldest_age_s"]) == (1, 1, None)
    assert mail["run_p95_ms"] >= mail["run_p50_ms"] >= 0
    assert mail["avg_processing_time_ms"] >= 0
    assert mail["wait_p50_ms"] > 0
    assert mail["throughput_per_minute"] == 3
    assert default["oldest_age_s"] >= 0
    assert default["run_p50_ms"] is None
    assert [row["queue"] for row in await get(operator, "/api/queues", query="AI")] == ["mail"]


async def test_a_job_is_the_apps_with_its_secrets_hidden(
    app: Soniq, operator: httpx.AsyncClient
) -> None:
    *_, secret, _, _ = ids = await seed(app)
    shown = await get(operator, f"/api/jobs/{secret}")
    assert tuple(shown) == JOB_KEYS
    assert shown["args"] == {"to": "cat", "password": "***"}
    dead = await get(operator, f"/api/jobs/{ids[2]}")
    assert (dead["status"], dead["dead_letter_reason"]) == ("dead_letter", "max_retries_exceeded")
    assert "no such address" in dead["last_error"]


@IN_MEMORY
@pytest.mark.parametrize(
    "job_id", ["nonsense", "00000000-0000-7000-8000-000000000000", "%00", "..%2f"]
)
async def test_an_unknown_job_is_not_found(operator: httpx.AsyncClient, job_id: str) -> None:
    assert (await operator.get(f"/api/jobs/{job_id}")).status_code == 404


async def test_jobs_come_page_by_page(app: Soniq, operator: httpx.AsyncClient) -> None:
    ids = [await app.enqueue("tidy.up") for _ in range(7)]
    seen: list[str] = []
    cursor = ""
    while True:
        page = await get(operator, "/api/jobs", limit=3, cursor=cursor)
        seen += [job["id"] for job in page["jobs"]]
        assert (page["total_count"], page["estimated"], page["limit"]) == (7, False, 3)
        assert page["has_more"] is (page["next_cursor"] is not None)
        if not page["has_more"]:
            break
        cursor = page["next_cursor"]
    assert seen == ids[::-1]
    skipped = await get(operator, "/api/jobs", limit=2, offset=4)
    assert [job["id"] for job in skipped["jobs"]] == ids[1:3][::-1]
    assert skipped["has_more"] is True


async def test_what_has_ended_comes_page_by_page(app: Soniq, operator: httpx.AsyncClient) -> None:
    ids = [await app.enqueue("tidy.up") for _ in range(5)]
    for job_id in ids[::-1]:
        await app.cancel_job(job_id)
    await app.enqueue("tidy.up")
    first = await get(operator, "/api/jobs", status="cancelled", limit=3)
    assert [job["id"] for job in first["jobs"]] == ids[:3]
    assert (first["total_count"], first["has_more"]) == (5, True)
    rest = await get(
        operator, "/api/jobs", status="cancelled", limit=3, cursor=first["next_cursor"]
    )
    assert [job["id"] for job in rest["jobs"]] == ids[3:]
    assert (rest["has_more"], rest["next_cursor"]) == (False, None)
    other = await operator.get("/api/jobs", params={"cursor": first["next_cursor"]})
    assert other.status_code == 400


@pytest.mark.long
async def test_a_huge_backlog_empties_no_page(app: Soniq, operator: httpx.AsyncClient) -> None:
    ended = [await app.enqueue("tidy.up") for _ in range(100)]
    for job_id in ended:
        await app.cancel_job(job_id)
    await app.enqueue_many("mail.send", [{"to": str(number)} for number in range(30_000)])
    page = await get(operator, "/api/jobs", status="cancelled", limit=60)
    assert [job["id"] for job in page["jobs"]] == ended[:39:-1]
    rest = await get(
        operator, "/api/jobs", status="cancelled", limit=60, cursor=page["next_cursor"]
    )
    assert [job["id"] for job in rest["jobs"]] == ended[39::-1]
    assert rest["has_more"] is False


async def test_jobs_are_listed_by_queue_and_status(app: Soniq, operator: httpx.AsyncClient) -> None:
    ids = await seed(app)
    queued = await get(operator, "/api/jobs", queue="mail", status="queued")
    assert [job["id"] for job in queued["jobs"]] == [ids[4]]
    dead = await get(operator, "/api/jobs", status="dead_letter")
    assert [job["id"] for job in dead["jobs"]] == [ids[2]]
    assert tuple(dead["jobs"][0]) == JOB_KEYS
    assert dead["jobs"][0] == await get(operator, f"/api/jobs/{ids[2]}")
    assert len((await get(operator, "/api/jobs"))["jobs"]) == 5
    assert (await get(operator, "/api/jobs", queue="nobody's"))["jobs"] == []


async def test_jobs_are_searched(app: Soniq, operator: httpx.AsyncClient) -> None:
    ids = await seed(app)
    for query, expected in (
        ({"query": "BEN"}, [ids[1]]),
        ({"q": "mail.s", "status": "done"}, [ids[1], ids[0]]),
        ({"job_name": "tidy.up"}, [ids[5]]),
        ({"query": ids[0]}, [ids[0]]),
        ({"query": ids[2]}, [ids[2]]),
        ({"query": ids[0], "queue": "default"}, []),
        ({"query": "mail", "status": "dead_letter"}, [ids[2]]),
        ({"query": "*", "status": "dead_letter"}, []),
        ({"query": "nothing of the kind"}, []),
        ({"query": "\0"}, []),
    ):
        page = await get(operator, "/api/jobs/search", **query)
        assert [job["id"] for job in page["jobs"]] == expected, query
        assert page["total_count"] == len(expected)


async def test_types_and_timeline_count_all_jobs(app: Soniq, operator: httpx.AsyncClient) -> None:
    await seed(app)
    mail, tidy = await get(operator, "/api/jobs/types")
    assert (mail["job_name"], mail["total_count"], mail["completed_count"]) == ("mail.send", 5, 2)
    assert (mail["dead_letter_count"], mail["queued_count"]) == (1, 1)
    assert mail["success_rate"] == pytest.approx(100 * 2 / 3)
    assert mail["last_run"] is not None
    assert (tidy["success_rate"], tidy["last_run"]) == (None, None)
    hours = await get(operator, "/api/jobs/timeline", hours=2)
    assert sum(hour["total_jobs"] for hour in hours) == 6
    assert sum(hour["completed"] for hour in hours) == 2
    assert sum(hour["dead_letter"] for hour in hours) == 1


async def test_metrics_and_history_tell_what_ended(app: Soniq, operator: httpx.AsyncClient) -> None:
    await seed(app)
    metrics = await get(operator, "/api/metrics", hours=1)
    assert (metrics["total_processed"], metrics["successful"]) == (3, 2)
    assert (metrics["dead_lettered"], metrics["time_window_hours"]) == (1, 1)
    assert metrics["success_rate"] == pytest.approx(100 * 2 / 3)
    # They ended within the five minutes for which jobs that are done are kept.
    assert metrics["jobs_per_hour"] == pytest.approx(3 * 12)
    history = await get(operator, "/api/history", window="1h")
    points = history["points"]
    assert (len(points), history["resolution"]) == (60, "1min")
    assert sum(point["done"] or 0 for point in points) == 2
    assert sum(point["failed"] or 0 for point in points) == 1
    # Jobs that are done are kept for five minutes: of an hour ago nothing is known.
    assert points[0]["done"] is None
    assert points[-1]["at"] > history["covers_since"] > points[0]["at"]
    for window, length in (("24h", 96), ("7d", 84), ("90d", 90)):
        assert len((await get(operator, "/api/history", window=window))["points"]) == length


async def test_workers_tell_what_they_run(app: Soniq, operator: httpx.AsyncClient) -> None:
    await app.run_worker(run_once=True)
    (worker,) = await get(operator, "/api/workers")
    assert (worker["status"], worker["running"]) == ("stopped", [])
    stats = await get(operator, "/api/workers/stats")
    assert (stats["active_jobs"], stats["jobs_last_hour"]) == (0, 0)


async def test_health_is_degraded_when_many_jobs_are_given_up(
    app: Soniq, operator: httpx.AsyncClient
) -> None:
    health = await get(operator, "/api/system/health")
    assert (health["status"], health["database_healthy"]) == ("healthy", True)
    await seed(app)
    health = await get(operator, "/api/system/health")
    assert (health["status"], health["queue_backlog"]) == ("degraded", 2)
    assert health["error_rate_last_hour"] == pytest.approx(100 / 3)


async def test_names_that_no_worker_knows_are_told(app: Soniq, operator: httpx.AsyncClient) -> None:
    await seed(app)
    drift = await get(operator, "/api/tasks/drift", window_minutes=5)
    assert drift["window_minutes"] == 5
    names = {row["job_name"]: (row["queued"], row["dead_letter"]) for row in drift["skewed_names"]}
    assert names == {"mail.send": (1, 1), "tidy.up": (1, 0)}


async def test_attention_is_drawn_to_what_goes_wrong(
    app: Soniq, operator: httpx.AsyncClient
) -> None:
    assert (await get(operator, "/api/attention"))["items"] == []
    await seed(app)
    first, second = (await get(operator, "/api/attention"))["items"]
    assert (first["severity"], first["view"]) == ("critical", "workers")
    assert (second["view"], second["query"]["job_name"]) == ("dead-letter", "mail.send")


async def test_without_stored_metrics_there_are_no_series(operator: httpx.AsyncClient) -> None:
    assert await get(operator, "/api/series", prefix="queue") == {}


async def test_dead_letters_come_page_by_page(app: Soniq, operator: httpx.AsyncClient) -> None:
    ids = await give_up(app, *({"to": str(number), "password": "x"} for number in range(5)))
    first = await get(operator, "/api/dead-letter", limit=2, job_name="mail.*")
    assert [job["id"] for job in first["jobs"]] == ids[:2:-1]
    assert first["jobs"][0]["args"]["password"] == "***"
    assert (first["total_count"], first["has_more"]) == (5, True)
    rest = await get(operator, "/api/dead-letter", limit=9, cursor=first["next_cursor"])
    assert [job["id"] for job in rest["jobs"]] == ids[2::-1]
    assert rest["has_more"] is False
    assert (await get(operator, "/api/dead-letter", reason="timeout"))["jobs"] == []
    letter = await get(operator, f"/api/dead-letter/{ids[0]}")
    assert (letter["resurrection_count"], letter["dead_letter_reason"]) == (0, "manual")


_ID = "01a203f7-7771-75d8-b15a-8e6e079d61b6"


@IN_MEMORY
@pytest.mark.parametrize("path", ["/api/jobs", "/api/jobs?status=done", "/api/dead-letter"])
@pytest.mark.parametrize(
    "cursor",
    [
        "nonsense",
        f"2026-01-01T00:00:00 {_ID}",
        f"0001-01-01T00:00:00+14:00 {_ID}",
        f"9999-99-99T00:00:00+00:00 {_ID}",
    ],
)
async def test_a_cursor_of_nothing_is_refused(
    operator: httpx.AsyncClient, path: str, cursor: str
) -> None:
    reply = await operator.get(httpx.URL(path).copy_add_param("cursor", cursor))
    assert reply.status_code == 400
    assert "cursor" in reply.json()["detail"]


@IN_MEMORY
@pytest.mark.parametrize(
    ("query", "limit", "offset"),
    [
        ({"limit": "0"}, 1, 0),
        ({"limit": "-5", "offset": "-9"}, 1, 0),
        ({"limit": "999999999999999999999999"}, 500, 0),
        ({"offset": "999999999999999999999999"}, 50, 10_000),
        ({"limit": "7", "unknown": "x"}, 7, 0),
        ({"limit": "", "offset": " ", "status": "", "queue": ""}, 50, 0),
    ],
)
async def test_numbers_are_brought_within_bounds(
    operator: httpx.AsyncClient, query: dict[str, str], limit: int, offset: int
) -> None:
    page = await get(operator, "/api/jobs", **query)
    assert (page["limit"], page["offset"]) == (limit, offset)


@IN_MEMORY
@pytest.mark.parametrize(
    "path",
    [
        "/api/jobs?limit=many",
        "/api/jobs?status=lost",
        "/api/dead-letter?reason=none",
        "/api/history?window=forever",
        "/api/metrics?hours=x",
    ],
)
async def test_values_that_mean_nothing_are_refused(operator: httpx.AsyncClient, path: str) -> None:
    reply = await operator.get(path)
    assert reply.status_code == 400
    assert set(reply.json()) == {"detail"}
