"""A search tells nothing of what is hidden."""

from __future__ import annotations

from typing import Any

import httpx
from pydantic import SecretStr

from soniq import Soniq


async def _found(operator: httpx.AsyncClient, text: str, **more: int | str) -> dict[str, Any]:
    answer = await operator.get("/api/jobs/search", params={"query": text, **more})
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def test_secrets_cannot_be_found_bit_by_bit(app: Soniq, operator: httpx.AsyncClient) -> None:
    @app.job(name="log.in")
    async def log_in(user: str, password: str, pin: SecretStr, more: dict[str, Any]) -> None: ...

    await log_in.enqueue(
        user="ann", password="hunter2", pin=SecretStr("q4711-0815"), more={"token": "abc-xyz"}
    )
    for guess in ("hunter2", "hunt", "q4711", "abc-xyz", '"hunter'):
        page = await _found(operator, guess)
        assert (page["jobs"], page["total_count"], page["has_more"]) == ([], 0, False), guess
    for known in ("ann", "LOG.IN", "password"):
        page = await _found(operator, known)
        assert [job["args"]["user"] for job in page["jobs"]] == ["ann"], known
        assert page["total_count"] == 1


async def test_hidden_matches_keep_no_visible_ones_from_their_pages(
    app: Soniq, operator: httpx.AsyncClient
) -> None:
    @app.job(name="log.in")
    async def log_in(user: str, password: str) -> None: ...

    seen = [await log_in.enqueue(user=f"summer {n}", password="x") for n in range(3)]
    for n in range(20):
        await log_in.enqueue(user=f"ann {n}", password="summer")
    # A page is what is found within a fraction of a second, which may be less than was asked for.
    pages = [await _found(operator, "summer", limit=2)]
    while cursor := pages[-1]["next_cursor"]:
        pages.append(await _found(operator, "summer", limit=2, cursor=cursor))
    assert [job["id"] for page in pages for job in page["jobs"]] == seen[::-1]
    assert max(len(page["jobs"]) for page in pages) <= 2
    assert pages[-1]["has_more"] is False
