"""Worker processes are killed."""

from __future__ import annotations

from tests.chaos.conftest import Play


async def test_the_jobs_of_a_killed_worker_run_again(play: Play) -> None:
    stage = await play("kill-one", "short")
    assert stage.figures is not None
