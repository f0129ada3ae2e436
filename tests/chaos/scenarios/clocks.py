"""The clocks of the workers are wrong; that of the database is what counts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path

from tests.chaos.history import Kind
from tests.chaos.infra.needs import need
from tests.chaos.load import delay_of
from tests.chaos.scenario import Sizes, scenario
from tests.chaos.scenarios.kills import assert_recovery, kill_in_turn
from tests.chaos.stage import Stage

SKEW = 600
"""Seconds."""


@scenario(
    "skewed-clocks",
    fault="the workers' clocks 10 minutes ahead and behind, the leader killed",
    goal="due times, schedules and recovery as ever",
    sizes=Sizes(short=1, long=2, full=3),
)
async def skewed_clocks(stage: Stage, kills: int) -> None:
    short = kills == 1
    await kill_in_turn(
        stage,
        kills,
        leader=not short,  # a killed leader's lease takes ten seconds to run out
        ticks=1,
        variables=[_shifted(SKEW), _shifted(-SKEW)],
        heartbeat_interval=0.5 if short else 5,
    )
    assert_recovery(stage, p95=10.0, longest=15.0)
    skews = {round((e.wall - e.at) / 60) for e in stage.history.of(Kind.START)}
    assert max(skews) - min(skews) >= 2 * SKEW / 60 - 1, "the clocks were not wrong"
    _assert_nothing_was_early(stage)
    _assert_every_second_has_its_job(stage)


def _shifted(seconds: int) -> dict[str, str]:
    """Variables for a process whose clock, but not its sense of time, is off."""
    return {
        "LD_PRELOAD": str(_library()),
        "FAKETIME": f"{seconds:+d}s",
        "DONT_FAKE_MONOTONIC": "1",
    }


def _library() -> Path:
    found: Sequence[Path] = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    need(bool(found), "libfaketime is not installed (Debian's package libfaketime)")
    return found[0]


def _assert_nothing_was_early(stage: Stage) -> None:
    """By the one clock that all processes of a machine share."""
    asked = {e["key"]: e.at for e in stage.history.of(Kind.ASKED)}
    keys = {e.job: e["key"] for e in stage.history.of(Kind.ACCEPTED)}
    seen = 0
    for start in stage.history.of(Kind.START):
        kind, _, number = keys.get(start.job, "").partition("-")
        if kind == "delayed":
            seen += 1
            assert start.at - asked[f"delayed-{number}"] >= delay_of(int(number))
    assert seen


def _assert_every_second_has_its_job(stage: Stage) -> None:
    ticks = sorted(
        datetime.fromisoformat(row["scheduled_at"])
        for row in stage.facts.jobs
        if row["job_name"] == "chaos.tick"
    )
    assert len(ticks) >= 2
    assert {after - before for before, after in pairwise(ticks)} == {timedelta(seconds=1)}
