"""The dashboard: a JSON API over an application's jobs, and a page that shows them.

Needs the extra ``dashboard``.
"""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING, Any

from soniq.app import Soniq

if TYPE_CHECKING:
    from soniq.dashboard.access import Authorize

__all__ = ["create_dashboard_app", "run_dashboard"]

_HINT = "The dashboard needs more packages: pip install 'soniq[dashboard]'"


def require(*packages: str) -> None:
    """See that these packages of the extra are installed.

    Raises:
        ImportError: one is not; says how to install them.
    """
    missing = [name for name in packages if importlib.util.find_spec(name) is None]
    if missing:
        raise ImportError(f"{_HINT} (missing: {', '.join(missing)})")


def create_dashboard_app(app: Soniq, *, authorize: Authorize | None = None) -> Any:
    """Make an ASGI application that shows `app`; mount it under any prefix, or serve it as it is.

    Args:
        app: whose jobs are shown.
        authorize: called with each Starlette request, may be a coroutine function; it answers
            "operator" for somebody who may change things, "reader" for one who may look, None for
            anybody else. Then no key is needed.

    Raises:
        ImportError: the extra ``dashboard`` is not installed.
    """
    require("starlette")
    from soniq.dashboard.application import Dashboard
    from soniq.dashboard.settings import DashboardSettings

    return Dashboard(app, DashboardSettings(), authorize=authorize)


async def run_dashboard(app: Soniq, *, host: str = "127.0.0.1", port: int = 6161) -> None:
    """Serve the dashboard of `app` until SIGTERM or SIGINT; closes `app` at the end.

    Args:
        app: whose jobs are shown.
        host: the address to listen on; others than loopback need SONIQ_DASHBOARD_API_KEY.
        port: the port to listen on.

    Raises:
        ImportError: the extra ``dashboard`` is not installed.
        ValueError: an address that others reach, without a key.
        OSError: the address cannot be had.
    """
    require("starlette", "uvicorn")
    from soniq.dashboard.server import serve

    await serve(app, host=host, port=port)
