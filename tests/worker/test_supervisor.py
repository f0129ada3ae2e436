"""The supervisor, with real processes and real signals, and stand-ins for the workers."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import Final

import pytest

from soniq.worker.process import way_of_ending
from soniq.worker.supervisor import RestartPauses
from tests.programs import Program

_STAND_IN: Final = str(Path(__file__).with_name("stand_in.py"))


def supervise(processes: int, kind: str, cwd: Path | None = None) -> Program:
    return Program([sys.executable, _STAND_IN, "supervise", str(processes), kind], cwd=cwd)


def working(program: Program) -> tuple[int, list[int]]:
    """The next process that says it works, and the dead processes it was told of."""
    found = program.line(r"^(\d+) works replaces=([\d,]*)$")
    return int(found[1]), [int(pid) for pid in found[2].split(",") if pid]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_drains_every_process(number: signal.Signals) -> None:
    with supervise(3, "working") as program:
        pids = {working(program)[0] for _ in range(3)}

        program.send(number)

        assert {int(program.line(r"^(\d+) drains$")[1]) for _ in range(3)} == pids
        assert program.exit_code() == 0


def test_ctrl_c_reaches_each_process_once() -> None:
    with supervise(2, "working") as program:
        pids = {working(program)[0] for _ in range(2)}

        program.send_to_group(signal.SIGINT)

        assert {int(program.line(r"^(\d+) drains$")[1]) for _ in range(2)} == pids
        assert program.exit_code() == 0


def test_a_dead_process_is_replaced_by_one_that_is_told_of_it() -> None:
    with supervise(2, "working") as program:
        (first, told_first), (_, told_second) = working(program), working(program)
        assert told_first == told_second == []

        os.kill(first, signal.SIGKILL)

        replacement, told = working(program)
        assert replacement != first
        assert told == [first]
        assert f"{first} was killed by SIGKILL" in program.output


def test_a_replacement_that_never_worked_leaves_its_news_to_the_next_one() -> None:
    with supervise(1, "weak") as program:
        first, _ = working(program)

        os.kill(first, signal.SIGKILL)

        refused = int(program.line(r"^(\d+) refuses$")[1])
        assert working(program)[1] == sorted([first, refused])


def test_a_second_signal_kills_the_processes_and_exits_with_1() -> None:
    with supervise(2, "stubborn") as program:
        pids = [working(program)[0] for _ in range(2)]
        program.send(signal.SIGTERM)
        for _ in pids:
            program.line(r"drains$")

        program.send(signal.SIGTERM)

        assert program.exit_code() == 1
        for pid in pids:
            with pytest.raises(ProcessLookupError):
                os.kill(pid, 0)


def test_a_hangup_does_not_count_as_a_second_signal() -> None:
    with supervise(1, "working") as program:
        (pid, _) = working(program)
        os.kill(pid, signal.SIGSTOP)
        program.send(signal.SIGTERM)
        program.line("SIGTERM: waiting")
        program.send(signal.SIGHUP)
        program.line("SIGHUP: waiting")

        os.kill(pid, signal.SIGCONT)

        program.line(rf"^{pid} drains$")
        assert program.exit_code() == 0


def test_the_processes_drain_when_the_supervisor_is_killed() -> None:
    with supervise(2, "working") as program:
        pids = {working(program)[0] for _ in range(2)}

        program.send(signal.SIGKILL)

        assert {int(program.line(r"^(\d+) drains$")[1]) for _ in range(2)} == pids


def test_it_gives_up_when_every_process_refuses_to_start() -> None:
    with supervise(2, "refuse") as program:
        assert program.exit_code() == 1
        assert "No worker process could start" in program.all_output()


def test_a_crash_is_no_refusal(tmp_path: Path) -> None:
    with supervise(1, "crashing", tmp_path) as program:
        first, _ = working(program)
        assert working(program)[1] == [first]

        program.send(signal.SIGTERM)
        assert program.exit_code() == 0


def test_processes_that_run_once_are_not_replaced() -> None:
    with supervise(2, "once") as program:
        assert program.exit_code() == 0
        assert program.all_output().count("works") == 2


def test_pauses_grow_with_each_death_in_a_row_up_to_a_limit() -> None:
    pauses = RestartPauses(shortest=0.5, longest=3.0)

    assert [pauses.before_restart(deaths) for deaths in (1, 2, 3, 4, 5, 500)] == [
        0.0,
        0.5,
        1.0,
        2.0,
        3.0,
        3.0,
    ]


@pytest.mark.parametrize(
    "code, words",
    [(0, "exited with code 0"), (3, "exited with code 3"), (-9, "was killed by SIGKILL")],
)
def test_ways_of_ending_are_told_in_words(code: int, words: str) -> None:
    assert way_of_ending(code) == words
