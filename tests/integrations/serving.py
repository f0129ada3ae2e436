"""Programs that serve over HTTP, started for a test and ended with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.ports import free_port

PATIENCE = 60.0


class Programs:
    """The programs of one test, and a client of the one that serves.

    Args:
        source: the folder they run in.
        logs: where their output goes.
        environment: variables on top of this process's own, without those of Soniq.
    """

    def __init__(self, source: Path, logs: Path, environment: Mapping[str, str]) -> None:
        own = {key: value for key, value in os.environ.items() if not key.startswith("SONIQ_")}
        self._environment = {**own, "PYTHONUNBUFFERED": "1", **environment}
        self._source = source
        self._logs = logs
        self._started: list[subprocess.Popen[bytes]] = []
        self.port = free_port()
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=PATIENCE)

    def run(self, *command: str) -> str:
        """Run `command` to its end; what it printed."""
        ended = subprocess.run(
            command,
            cwd=self._source,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr
        return ended.stdout

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._logs / f"program{len(self._started)}.log").open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=self._source,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        self._started.append(process)
        return process

    def eventually(self, path: str, key: str, *wanted: Any) -> dict[str, Any]:
        """The answer of `path` once `key` of it has one of these values."""
        deadline = time.monotonic() + PATIENCE
        answer: Any = None
        while time.monotonic() < deadline:
            try:
                answer = self.client.get(path).json()
            except (httpx.TransportError, ValueError) as error:
                answer = {key: repr(error)}
            if answer.get(key, "no such key") in wanted:
                return dict(answer)
            time.sleep(0.05)
        pytest.fail(f"{path} still answers {answer}\n{self.output()}")

    def serving(self) -> None:
        """Wait until the port is open."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            try:
                self.client.get("/")
            except httpx.TransportError:
                time.sleep(0.05)
            else:
                return
        pytest.fail(f"nobody serves\n{self.output()}")

    def output(self) -> str:
        return "\n".join(log.read_text()[-3000:] for log in self._logs.glob("program*.log"))

    def close(self) -> None:
        self.client.close()
        for process in self._started:
            process.send_signal(signal.SIGTERM)
        for process in self._started:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
