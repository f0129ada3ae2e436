"""Plays scenarios as tests."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.chaos import scenario
from tests.chaos.scenario import Size
from tests.chaos.stage import Stage

Play = Callable[[str, Size], Awaitable[Stage]]


@pytest.fixture
def play(pg_url: str, tmp_path: Path) -> Play:
    """Play a scenario, named, in a size, on an empty database of the shared server."""

    async def played(name: str, size: Size) -> Stage:
        return await scenario.play(scenario.load_all()[name], size, pg_url, tmp_path)

    return played
