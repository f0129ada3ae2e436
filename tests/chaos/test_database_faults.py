"""The database and the network fail; every job ends once all the same."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Play
from tests.chaos.scenario import load_all

DATABASE_FAULTS = ("servers", "network", "refusals")


def names(size: str) -> list[str]:
    """The scenarios of databases and networks that are played in this size."""
    homes = {f"tests.chaos.scenarios.{name}" for name in DATABASE_FAULTS}
    return [
        one.name
        for one in load_all().values()
        if one.play.__module__ in homes and getattr(one.sizes, size) is not None
    ]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", names("short"))
async def test_every_job_ends_once_whatever_happens_to_the_database(play: Play, name: str) -> None:
    stage = await play(name, "short")
    assert stage.figures is not None
    assert stage.figures.lost == 0


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", names("long"))
async def test_every_job_ends_once_however_long_it_lasts(play: Play, name: str) -> None:
    stage = await play(name, "long")
    assert stage.figures is not None
    assert stage.figures.lost == 0
