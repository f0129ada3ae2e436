"""Writes down the runs that took too long, as lines of JSON."""

from __future__ import annotations

import json
from pathlib import Path

from soniq import Soniq
from soniq.plugins import Plugin, PluginJob, PluginWorker

__all__ = ["SlowRuns"]


class SlowRuns(Plugin):
    """Keeps a file of slow runs.

    Args:
        seconds: how long a run may take without being written down.
        path: the file; lines are added to it.
    """

    def __init__(self, seconds: float = 1.0, path: str | Path = "slow-runs.jsonl") -> None:
        self._seconds = seconds
        self._path = Path(path)
        self._lines: list[str] = []

    @staticmethod
    def get_identifier() -> str:
        return "example.slow_runs"

    async def on_job_updated(self, *, worker: PluginWorker, job: PluginJob) -> None:
        if job.duration_s is not None and job.duration_s >= self._seconds:
            self._lines.append(
                json.dumps(
                    {
                        "job": job.job_name,
                        "id": job.id,
                        "queue": job.queue,
                        "outcome": job.outcome,
                        "seconds": round(job.duration_s, 3),
                    }
                )
            )
            self.wake_up()

    async def run(self, worker: PluginWorker, app: Soniq) -> None:
        try:
            while True:
                self._write()
                await self.sleep(60)
        finally:
            # Cancelled: the worker stops, and was told of the end of its last run by now.
            self._write()

    def _write(self) -> None:
        # A few lines now and then hold nobody up; more would belong in a thread.
        lines, self._lines = self._lines, []
        if lines:
            with self._path.open("a") as file:
                file.writelines(f"{line}\n" for line in lines)
