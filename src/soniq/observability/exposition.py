"""Serving over HTTP what Prometheus sinks have counted, in one process or in several."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import Self

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead


@contextmanager
def served(registry: CollectorRegistry, port: int) -> Iterator[int]:
    """Serve `registry` on all interfaces during the block; gives the port, of use where it is 0.

    Raises:
        OSError: the port cannot be had.
    """
    server, thread = start_http_server(port, registry=registry)
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class SharedCounts:
    """Counts that several processes keep together, in a folder that goes with the block.

    Each process has files of its own there. Those of its counters outlive it, so that no total ever
    falls.
    """

    def __init__(self) -> None:
        self._folder = TemporaryDirectory(prefix="soniq-metrics-")
        self.registry = CollectorRegistry()
        MultiProcessCollector(self.registry, path=self._folder.name)  # type: ignore[no-untyped-call]

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process must find in its environment to count here."""
        return {"PROMETHEUS_MULTIPROC_DIR": self._folder.name}

    def forget_live(self, pid: int) -> None:
        """Take back what the gauges of this dead process say to be under way."""
        mark_process_dead(pid, path=self._folder.name)  # type: ignore[no-untyped-call]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()
