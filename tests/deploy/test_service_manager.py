"""A service tells systemd when it is ready, that it lives, and that it stops."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PATIENCE = 60.0
PROGRAM = """
import pathlib, time
from soniq import Soniq

app = Soniq()

@app.job(name="block")
async def block() -> None:
    pathlib.Path("blocked").touch()
    while not pathlib.Path("go").exists():
        time.sleep(0.05)
"""


class Manager:
    """Plays the service manager: a socket, and the services it started."""

    def __init__(self, folder: Path, address: str) -> None:
        self._folder = folder
        self._address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._started: list[subprocess.Popen[bytes]] = []
        (folder / "program.py").write_text(PROGRAM)

    def soniq(self, *arguments: str, **environment: str) -> subprocess.Popen[bytes]:
        own = {key: value for key, value in os.environ.items() if not key.startswith("SONIQ_")}
        with (self._folder / "service.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "soniq", *arguments],
                cwd=self._folder,
                env={
                    **own,
                    "NOTIFY_SOCKET": self._address,
                    "SONIQ_DATABASE_URL": f"sqlite:///{self._folder / 'jobs.db'}",
                    **environment,
                },
                stdout=output,
                stderr=output,
            )
        self._started.append(process)
        return process

    def heard(self, patience: float = PATIENCE) -> str:
        """The first line of the next message; empty if none comes."""
        self._socket.settimeout(patience)
        try:
            return self._socket.recv(4096).decode().splitlines()[0]
        except TimeoutError:
            return ""

    def until(self, wanted: str) -> None:
        while (line := self.heard()) != wanted:
            assert line == "WATCHDOG=1", (line, (self._folder / "service.log").read_text())

    def close(self) -> None:
        for process in self._started:
            if process.poll() is None:
                process.kill()
            process.wait()
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    address = str(tmp_path / "notify") if request.param == "path" else f"@soniq-{os.getpid()}"
    with contextlib.closing(Manager(tmp_path, address)) as playing:
        yield playing


in_one_address = pytest.mark.parametrize("manager", ["path"], indirect=True)


def test_a_worker_is_ready_lives_and_stops(manager: Manager) -> None:
    worker = manager.soniq("worker", "program:app", WATCHDOG_USEC="400000")
    assert manager.heard() == "READY=1"
    assert [manager.heard() for _ in range(3)] == ["WATCHDOG=1"] * 3
    worker.send_signal(signal.SIGTERM)
    manager.until("STOPPING=1")
    assert worker.wait(PATIENCE) == 0


@in_one_address
def test_a_blocked_event_loop_misses_its_watchdog(manager: Manager, tmp_path: Path) -> None:
    manager.soniq("worker", "program:app", WATCHDOG_USEC="400000")
    assert manager.heard() == "READY=1"
    manager.soniq("jobs", "enqueue", "block", "--app", "program:app")
    while not (tmp_path / "blocked").exists():
        manager.heard(0.1)
    while manager.heard(0.6):
        pass  # sent before it blocked
    (tmp_path / "go").touch()
    assert manager.heard() == "WATCHDOG=1"


@in_one_address
@pytest.mark.parametrize(
    "command", [["worker", "program:app", "--processes", "2"], ["scheduler", "program:app"]]
)
def test_supervisor_and_scheduler_speak_too(manager: Manager, command: list[str]) -> None:
    service = manager.soniq(*command, WATCHDOG_USEC="400000", WATCHDOG_PID="1")
    assert manager.heard() == "READY=1"
    service.send_signal(signal.SIGTERM)
    # The watchdog is meant for another process: nothing is said to it.
    assert manager.heard() == "STOPPING=1"
    assert service.wait(PATIENCE) == 0


@in_one_address
def test_a_manager_that_is_gone_stops_nobody(manager: Manager, tmp_path: Path) -> None:
    worker = manager.soniq("worker", "program:app", "--run-once", NOTIFY_SOCKET="/nowhere/notify")
    assert worker.wait(PATIENCE) == 0
