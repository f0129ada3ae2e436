"""A history is whole and in order, whatever happens to those who write it."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chaos.history import History, Kind

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import sys, time
from pathlib import Path
from tests.chaos.history import History, Kind
history = History(Path(sys.argv[1]))
n = 0
while True:
    history.note(Kind.EFFECT, job=str(n), run="x" * 200)
    n += 1
    time.sleep(0.0005)
"""


@pytest.fixture
def history(tmp_path: Path) -> History:
    return History(tmp_path / "history")


def writer(history: History) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", WRITER, str(history.path)], cwd=ROOT)


def test_events_come_back_as_they_were_written(history: History) -> None:
    written = history.note(Kind.ACCEPTED, job="j", key="k")
    assert list(history.events()) == [written]
    assert history.of(Kind.ACCEPTED, job="j", key="k") == [written]
    assert history.of(Kind.ACCEPTED, key="another") == []


async def test_killed_and_stopped_writers_leave_only_whole_events_and_hold_nobody_up(
    history: History,
) -> None:
    writers = [writer(history) for _ in range(3)]
    try:
        pids = {process.pid for process in writers}
        await history.until(lambda: pids == {e.pid for e in history.events()}, "all write")
        writers[0].send_signal(signal.SIGSTOP)
        writers[1].kill()
        before = len(history.of(Kind.EFFECT, pid=writers[2].pid))
        await history.until(
            lambda: len(history.of(Kind.EFFECT, pid=writers[2].pid)) > before + 100, "one goes on"
        )
    finally:
        for process in writers:
            process.kill()
            process.wait()
    for pid in pids:
        jobs = [int(e.job or -1) for e in history.of(Kind.EFFECT, pid=pid)]
        assert jobs == list(range(len(jobs)))


async def test_waiting_in_vain_says_for_what(history: History) -> None:
    with pytest.raises(TimeoutError, match="the moon did not happen"):
        await history.until(lambda: False, "the moon", patience=0.1)
