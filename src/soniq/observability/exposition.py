"""Serving metrics over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, start_http_server


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
