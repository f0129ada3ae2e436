"""A metrics sink of one's own: every run goes to a statsd server as UDP datagrams.

The server here is a socket of this very program, which prints what reaches it. Run it with:
python examples/statsd_metrics.py
"""

from __future__ import annotations

import asyncio
import socket
import tempfile
from pathlib import Path

from soniq import Soniq


class StatsdSink:
    """Sends counters and timings, tagged the way Datadog's agent reads them.

    Args:
        address: host and port of the statsd server.
    """

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.socket(type=socket.SOCK_DGRAM)
        self._socket.connect(address)
        # A full buffer loses a number; it must not hold up the event loop.
        self._socket.setblocking(False)

    async def record_job_start(
        self, *, job_id: str, job_name: str, queue: str, attempt: int
    ) -> None:
        self._send("jobs.started:1|c", f"job:{job_name},queue:{queue}")

    async def record_job_end(
        self,
        *,
        job_id: str,
        job_name: str,
        queue: str,
        status: str,
        duration_s: float,
        error: str | None = None,
    ) -> None:
        tags = f"job:{job_name},queue:{queue},status:{status}"
        self._send("jobs.completed:1|c", tags)
        self._send(f"jobs.duration:{duration_s * 1000:.1f}|ms", tags)

    def _send(self, metric: str, tags: str) -> None:
        # An exception here would fail the job, and metrics are not worth that.
        try:
            self._socket.send(f"{metric}|#{tags}".encode())
        except OSError as error:
            print(f"statsd is away: {error}")

    def close(self) -> None:
        self._socket.close()


async def run_jobs(database: Path, sink: StatsdSink) -> None:
    app = Soniq(database, metrics_sink=sink)

    @app.job(name="resize", queue="images", retries=0)
    async def resize(width: int) -> None:
        if width <= 0:
            raise ValueError("a picture needs a width")

    async with app:
        await app.enqueue(resize, width=640)
        await app.enqueue(resize, width=0)
        await app.run_worker(run_once=True, concurrency=1)


def main() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as server, tempfile.TemporaryDirectory() as folder:
        server.bind(("127.0.0.1", 0))
        sink = StatsdSink(server.getsockname())
        asyncio.run(run_jobs(Path(folder) / "jobs.db", sink))
        sink.close()
        server.settimeout(5)
        for _ in range(6):
            print("statsd received", server.recv(1024).decode())


if __name__ == "__main__":
    main()
