"""Every scenario, short and long: every job ends once, whatever happens."""

from __future__ import annotations

from typing import Final

import pytest

from tests.chaos.conftest import Play
from tests.chaos.scenario import Size, load_all

TOO_SLOW_FOR_SHORT: Final = {
    "zombie-past-its-time": "no heartbeat_timeout may be shorter than a minute",
    "vanished": "the server's keepalives end a session after 25 seconds at the earliest",
}


def test_each_fault_has_a_short_form_unless_it_cannot_be_short() -> None:
    assert load_all().keys() - set(names("short")) == TOO_SLOW_FOR_SHORT.keys()
    assert TOO_SLOW_FOR_SHORT.keys() <= set(names("long"))


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
