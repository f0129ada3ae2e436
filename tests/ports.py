"""Ports for servers that are given one before they start, and may start it seconds later."""

from __future__ import annotations

import os
import random
import socket
from typing import Final

# Below the ports that systems give to whoever asks for any, so one that is free stays so.
_FIRST: Final = 15_000
_SHARES: Final = 15
_SHARE: Final = 1_000


def _own_ports() -> range:
    """Those of this process among all that run the tests, each of which has a number."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    first = _FIRST + number % _SHARES * _SHARE
    return range(first, first + _SHARE)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    for port in random.sample(_own_ports(), 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port among 200 between 15000 and 30000 on 127.0.0.1")
