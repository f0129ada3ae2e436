from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from soniq import Soniq


@pytest.fixture
async def app() -> AsyncIterator[Soniq]:
    async with Soniq(backend="memory") as app:
        yield app
