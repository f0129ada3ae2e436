"""What operators do through the API, and the record of it, alike on every store."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from soniq import Soniq
from tests.dashboard.conftest import IN_MEMORY, KEY, OPERATOR, OWN_PAGE, Ask, dashboard_of, give_up


async def post(client: httpx.AsyncClient, path: str, body: Any = None) -> httpx.Response:
    return await client.post(path, json=body)


async def record(client: httpx.AsyncClient) -> list[tuple[str, str, str]]:
    entries = (await client.get("/api/audit")).json()["entries"]
    return [(each["action"], each["target"], each["detail"]) for each in entries]


async def test_a_job_is_cancelled_and_deleted(app: Soniq, operator: httpx.AsyncClient) -> None:
    job_id = await app.enqueue("tidy.up")
    assert (await post(operator, f"/api/jobs/{job_id}/cancel")).json() == {"message": "Cancelled"}
    refused = await post(operator, f"/api/jobs/{job_id}/cancel")
    assert refused.status_code == 400
    assert (await operator.delete(f"/api/jobs/{job_id}")).json() == {"message": "Deleted"}
    assert (await operator.delete(f"/api/jobs/{job_id}")).status_code == 400
    assert await app.get_job(job_id) is None
    assert await record(operator) == [
        ("job.delete", job_id, "refused: There is no such job; it may have been deleted since."),
        ("job.delete", job_id, "Deleted"),
        ("job.cancel", job_id, f"refused: {refused.json()['detail']}"),
        ("job.cancel", job_id, "Cancelled"),
    ]


async def test_a_dead_letter_is_replayed(app: Soniq, operator: httpx.AsyncClient) -> None:
    (job_id,) = await give_up(app)
    reply = await post(operator, f"/api/dead-letter/{job_id}/replay")
    assert reply.status_code == 200
    assert (await app.get_job(reply.json()["job_id"]) or {})["status"] == "queued"
    assert (await operator.get(f"/api/dead-letter/{job_id}")).json()["resurrection_count"] == 1
    assert (await record(operator))[0][:2] == ("dead_letter.replay", job_id)


@IN_MEMORY
async def test_what_cannot_be_replayed_says_why(
    app: Soniq, operator: httpx.AsyncClient, ask: Ask
) -> None:
    (job_id,) = await give_up(app)
    elsewhere = Soniq(backend=app.backend)
    stranger = ask(dashboard_of(elsewhere), OPERATOR)
    unknown = await post(stranger, f"/api/dead-letter/{job_id}/replay")
    assert unknown.status_code == 400
    assert "not registered" in unknown.json()["detail"]
    assert (await post(operator, "/api/dead-letter/nonsense/replay")).status_code == 400


@pytest.mark.parametrize("verb", ["replay", "delete"])
@pytest.mark.parametrize(
    ("filter", "meant"),
    [
        ({}, 3),
        ({"job_name": "mail.*"}, 2),
        ("mail.*", 2),
        ({"job_names": ["tidy.*"], "reasons": ["manual"]}, 1),
        ({"queue": "mail", "reason": "timeout"}, 0),
    ],
    ids=str,
)
async def test_many_are_changed_after_a_dry_run(
    app: Soniq, operator: httpx.AsyncClient, verb: str, filter: Any, meant: int
) -> None:
    await give_up(app, {"to": "ann"}, {"to": "ben"})
    await give_up(app, name="tidy.up")
    path = f"/api/dead-letter/{verb}"
    dry = (await post(operator, path, {"filter": filter, "dry_run": True})).json()
    assert (dry["count"], len(dry["sample"])) == (meant, meant)
    assert await app.dead_letter.count() == 3
    assert await record(operator) == []
    assert (await post(operator, path, {"filter": filter})).json()["count"] == meant
    stats = await app.get_queue_stats()
    if verb == "replay":
        assert (stats["queued"], stats["dead_letter"]) == (meant, 3)
    else:
        assert (stats["queued"], stats["dead_letter"]) == (0, 3 - meant)
    assert len(await record(operator)) == 1


async def test_many_are_named_by_their_ids(app: Soniq, operator: httpx.AsyncClient) -> None:
    first, second, third = await give_up(app, {"to": "a"}, {"to": "b"}, {"to": "c"})
    order = {"filter": {"ids": [first, second, "nonsense", first]}}
    dry = (await post(operator, "/api/dead-letter/replay", order | {"dry_run": True})).json()
    assert (dry["count"], set(dry["sample"])) == (2, {first, second})
    done = (await post(operator, "/api/dead-letter/replay", order)).json()
    assert (done["count"], done["message"]) == (2, "Replayed 2 of 3 dead letters")
    gone = (await post(operator, "/api/dead-letter/delete", order)).json()
    assert gone["count"] == 2
    assert [one.id for one in await app.dead_letter.list()] == [third]


@IN_MEMORY
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"filter": None},
        {"filter": {"job": "mail.*"}},
        {"filter": {"reasons": ["no such"]}},
        {"filter": {"ids": ["x"], "queue": "mail"}},
        {"filter": {"job_name": "a", "job_names": ["b"]}},
        {"filter": {"job_name": ""}},
        {"filter": {"queue": ""}},
        {"filter": {"reason": ""}},
        {"filter": {}, "dryrun": True},
        {"filter": "mail.*", "dry_run": "perhaps"},
        ["filter"],
    ],
    ids=str,
)
async def test_an_order_that_is_not_clear_changes_nothing(
    app: Soniq, operator: httpx.AsyncClient, body: Any
) -> None:
    await give_up(app)
    reply = await post(operator, "/api/dead-letter/delete", body)
    assert reply.status_code == 400
    assert await app.dead_letter.count() == 1


async def test_a_dead_letter_is_deleted(app: Soniq, operator: httpx.AsyncClient) -> None:
    (job_id,) = await give_up(app)
    assert (await operator.delete(f"/api/dead-letter/{job_id}")).json()["count"] == 1
    assert (await operator.delete(f"/api/dead-letter/{job_id}")).status_code == 400
    assert (await operator.get(f"/api/dead-letter/{job_id}")).status_code == 404


async def test_schedules_are_paused_resumed_and_run(
    app: Soniq, operator: httpx.AsyncClient
) -> None:
    name = "nightly / ünïq"
    await app.scheduler.add("mail.send", every=3600, args={"to": "a", "password": "x"}, name=name)
    (entry,) = (await operator.get("/api/schedules")).json()
    assert (entry["name"], entry["args"]["password"]) == (name, "***")
    path = (
        f"/api/schedules/{httpx.URL('http://x/' + name.replace('/', '%2F')).raw_path.decode()[1:]}"
    )
    for verb, status in (("pause", "paused"), ("resume", "active")):
        reply = await post(operator, f"{path}/{verb}")
        assert reply.json()["count"] == 1
        assert (await app.scheduler.get(name) or {})["status"] == status
    ran = (await post(operator, f"{path}/run")).json()
    assert (await app.get_job(ran["job_id"]) or {})["job_name"] == "mail.send"
    assert (await post(operator, "/api/schedules/unknown/run")).status_code == 400
    assert [entry[0] for entry in await record(operator)] == [
        "schedule.run",
        "schedule.run",
        "schedule.resume",
        "schedule.pause",
    ]


async def test_the_record_tells_who_and_from_where(app: Soniq, ask: Ask) -> None:
    dashboard = dashboard_of(app)
    client = ask(dashboard, OWN_PAGE)
    await client.post("/login", data={"key": KEY})
    for _ in range(3):
        await post(client, f"/api/jobs/{await app.enqueue('tidy.up')}/cancel")
    page = (await client.get("/api/audit", params={"limit": 2})).json()
    assert (len(page["entries"]), page["has_more"]) == (2, True)
    assert (page["entries"][0]["actor"], page["entries"][0]["address"]) == ("key", "127.0.0.1")
    rest = await client.get("/api/audit", params={"limit": 2, "cursor": page["next_cursor"]})
    assert (len(rest.json()["entries"]), rest.json()["has_more"]) == (1, False)


async def test_a_deed_that_breaks_is_on_record(
    app: Soniq, ask: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(job_id: str) -> bool:
        raise RuntimeError("in the midst")

    monkeypatch.setattr(app, "cancel_job", broken)
    client = ask(dashboard_of(app), OPERATOR)
    reply = await post(client, "/api/jobs/x/cancel")
    assert reply.status_code == 500
    assert "midst" not in reply.text
    assert await record(client) == [("job.cancel", "x", "failed: RuntimeError")]
