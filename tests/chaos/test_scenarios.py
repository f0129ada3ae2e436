"""Every scenario, short and long: every job ends once, whatever happens."""

from __future__ import annotations

import pytest

from tests.chaos.conftest import Play
from tests.chaos.scenario import Size, load_all


def names(size: Size) -> list[str]:
    """The scenarios that are played in this size."""
    return [one.name for one in load_all().values() if getattr(one.sizes, size) is not None]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", names("short"))
async def test_every_job_ends_once_whatever_happens(play: Play, name: str) -> None:
    stage = await play(name, "short")
    assert stage.figures is not None
    assert stage.figures.lost == 0


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", names("long"))
async def test_every_job_ends_once_however_often_it_happens(play: Play, name: str) -> None:
    stage = await play(name, "long")
    assert stage.figures is not None
    assert stage.figures.lost == 0
