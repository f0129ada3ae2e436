"""Serving the dashboard by itself."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from soniq.app import Soniq
from soniq.dashboard.application import Dashboard
from soniq.dashboard.hosts import is_loopback
from soniq.dashboard.safeguards import MOST_HEADER_BYTES
from soniq.dashboard.settings import DashboardSettings
from soniq.listening import listening
from soniq.logs import soniq_logger

_FAREWELL: Final = 5
_log = soniq_logger("soniq.dashboard")


class _Server(uvicorn.Server):
    """Ends the streams of open pages first: they would keep it from ending."""

    def __init__(self, config: uvicorn.Config, dashboard: Dashboard) -> None:
        super().__init__(config)
        self._dashboard = dashboard

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Note the signals that end it, and no more: uvicorn would raise them once again."""
        with super().capture_signals():
            yield
            self._captured_signals.clear()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._dashboard.desk.live.close()
        await super().shutdown(sockets)


async def serve(
    app: Soniq,
    *,
    host: str,
    port: int,
    settings: DashboardSettings | None = None,
    entrance: Callable[[ASGIApp], ASGIApp] | None = None,
    announce: Callable[[str], object] = _log.info,
) -> None:
    """Serve the dashboard of `app` until told to stop; see `run_dashboard`.

    Args:
        settings: None takes them from the environment.
        entrance: what is put before the dashboard.
        announce: told where it is served.
    """
    settings = settings or DashboardSettings()
    check_address(host, settings)
    hosts = None if _is_everywhere(host) else [host]
    dashboard = Dashboard(app, settings, hosts=hosts, closes=True)
    config = uvicorn.Config(
        dashboard if entrance is None else entrance(dashboard),
        host=host,
        port=port,
        http="h11",
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        h11_max_incomplete_event_size=2 * MOST_HEADER_BYTES,
        timeout_graceful_shutdown=_FAREWELL,
        limit_concurrency=1000,
    )
    listener = listening(host, port)
    shown = f"[{host}]" if ":" in host else host
    announce(f"Soniq Dashboard starting at http://{shown}:{listener.getsockname()[1]}")
    try:
        await _Server(config, dashboard).serve(sockets=[listener])
    finally:
        listener.close()


def check_address(host: str, settings: DashboardSettings) -> None:
    """See that nobody else reaches a dashboard that asks for no key.

    Raises:
        ValueError: they would.
    """
    if settings.api_key is None and not is_loopback(host):
        raise ValueError(
            f"Without a key the dashboard is served on loopback only, and {host} is reached by"
            " others: set SONIQ_DASHBOARD_API_KEY, or leave the host at 127.0.0.1."
        )


def _is_everywhere(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_unspecified
    except ValueError:
        return not host
