"""The real supervisord starts, stops and drains a worker with the file under deploy/."""

from __future__ import annotations

import configparser
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.machines import DEPLOY, SONIQ
from tests.ports import free_port

pytestmark = pytest.mark.long

PATIENCE = 60.0
PROGRAM = """
import asyncio, pathlib
from soniq import Soniq

app = Soniq()

@app.job(name="long")
async def long() -> str:
    pathlib.Path("began").touch()
    while not pathlib.Path("go").exists():
        await asyncio.sleep(0.05)
    return "ended"
"""


class Supervisord:
    """A supervisord of the test's own, with the deployment's worker."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._configuration = folder / "supervisord.conf"
        self._configuration.write_text(self._written())
        (folder / "shop.py").write_text(PROGRAM)
        self._process = subprocess.Popen(
            [Path(sys.executable).with_name("supervisord"), "-n", "-c", self._configuration],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _written(self) -> str:
        """The deployment's file with the paths of this test."""
        parser = configparser.ConfigParser(interpolation=None)
        parser.read(DEPLOY / "supervisor" / "soniq.conf")
        parser.remove_section("program:soniq-scheduler")
        worker = parser["program:soniq-worker"]
        command = worker["command"].split(" ", 1)[1].replace("shop.jobs:app", "shop:app")
        worker["command"] = f"{SONIQ} {command.replace('9464', str(free_port()))}"
        worker["directory"] = str(self.folder)
        del worker["user"]
        worker["startsecs"] = "1"
        worker["environment"] = f'SONIQ_DATABASE_URL="sqlite:///{self.folder}/jobs.db"'
        worker["stdout_logfile"] = str(self.folder / "worker.log")
        parser["supervisord"] = {
            "logfile": str(self.folder / "supervisord.log"),
            "pidfile": str(self.folder / "supervisord.pid"),
            "childlogdir": str(self.folder),
        }
        parser["unix_http_server"] = {"file": str(self.folder / "s.sock")}
        parser["rpcinterface:supervisor"] = {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        }
        parser["supervisorctl"] = {"serverurl": f"unix://{self.folder / 's.sock'}"}
        with (self.folder / "made.conf").open("w") as file:
            parser.write(file)
        return (self.folder / "made.conf").read_text()

    def control(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [Path(sys.executable).with_name("supervisorctl"), "-c", self._configuration, *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def status(self) -> str:
        return self.control("status").communicate(timeout=PATIENCE)[0]

    def soniq(self, *words: str) -> str:
        ended = subprocess.run(
            [SONIQ, *words],
            cwd=self.folder,
            env={"SONIQ_DATABASE_URL": f"sqlite:///{self.folder}/jobs.db"},
            capture_output=True,
            text=True,
            check=True,
        )
        return ended.stdout

    def close(self) -> None:
        (self.folder / "go").touch()
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        finally:
            self._process.kill()
            self._process.wait()


def until(true: object, told: object) -> None:
    assert callable(true)
    assert callable(told)
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline, told()
        time.sleep(0.1)


@pytest.fixture
def supervisord(tmp_path: Path) -> Iterator[Supervisord]:
    running = Supervisord(tmp_path)
    try:
        yield running
    finally:
        running.close()


def test_supervisor_starts_drains_and_stops_a_worker(supervisord: Supervisord) -> None:
    folder = supervisord.folder
    until(lambda: "RUNNING" in supervisord.status(), supervisord.status)
    supervisord.soniq("jobs", "enqueue", "long", "--app", "shop:app")
    until((folder / "began").exists, (folder / "worker.log").read_text)

    stopping = supervisord.control("stop", "all")
    until(lambda: "STOPPING" in supervisord.status(), supervisord.status)
    until(lambda: "stopping" in supervisord.soniq("inspect"), supervisord.status)
    assert stopping.poll() is None
    (folder / "go").touch()
    told, _ = stopping.communicate(timeout=PATIENCE)
    assert "stopped" in told
    assert "STOPPED" in supervisord.status()
    assert "done:        1" in supervisord.soniq("status")
