"""A load writes down what became of each enqueue, also where a connection is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import asyncpg
import pytest
from asyncpg.transaction import Transaction

from tests.chaos.history import Kind
from tests.chaos.stage import Stage


async def test_what_is_not_committed_is_known_where_its_connection_is_lost(
    pg_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def lost(transaction: Any) -> None:
        transaction._connection.terminate()
        raise asyncpg.ConnectionDoesNotExistError

    monkeypatch.setattr(Transaction, "rollback", lost)
    async with Stage.open(pg_url, tmp_path) as stage:
        async with stage.load(mix=("rolled_back",), scheduled=False):
            await stage.history.until(
                lambda: stage.history.of(Kind.ROLLED_BACK), "a transaction that came to nothing"
            )
        assert all(event.job for event in stage.history.of(Kind.ROLLED_BACK))
        assert await stage.app.list_jobs() == []
