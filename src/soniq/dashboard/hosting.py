"""The server that serves the application which the dashboard is part of."""

from __future__ import annotations

import signal
import sys
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def server_is_ending() -> bool:
    """Whether a uvicorn of this process was told to end.

    It tells its application only when the last answer is over, so whoever gives an endless one has
    to look. While it serves, what handles the signals are methods of its own.
    """
    module = sys.modules.get("uvicorn.server")
    if module is None:
        return False
    servers = (getattr(signal.getsignal(each), "__self__", None) for each in _SIGNALS)
    return any(isinstance(one, module.Server) and one.should_exit for one in servers)
