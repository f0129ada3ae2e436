"""Ports for servers that are given one before they start, and may start it seconds later."""

from __future__ import annotations

import random
import socket
from typing import Final

# Below the ports that systems give to whoever asks for any, so one that is free stays so.
_PORTS: Final = range(15_000, 30_000)


def free_port() -> int:
    """A port of 127.0.0.1 on which nobody listens."""
    for port in random.sample(_PORTS, 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("No free port between 15000 and 30000 on 127.0.0.1")
