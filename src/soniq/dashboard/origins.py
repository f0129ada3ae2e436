"""Whether a page of the dashboard itself asks, or one of another site in the same browser."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

_SHOWN: Final = 200
_PORTS: Final = {"http": ":80", "https": ":443"}


def is_own_page(request: Request, *, allow_silence: bool = False) -> bool:
    """Whether the browser says that the dashboard's own page asks.

    Behind a proxy that does not pass the ``Host`` on, its origin is one of those it was told.

    Args:
        request: what is asked.
        allow_silence: take a request that says nothing of where it comes from: no browser sends
            such a one to change something.
    """
    origin = request.headers.get("origin")
    if origin is not None:
        return origin in known_origins(request) or _same(origin, request.headers.get("host", ""))
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return allow_silence


def known_origins(request: Request) -> Collection[str]:
    """The origins that the dashboard was told."""
    origins: Collection[str] = request.app.state.origins
    return origins


def not_own_page(request: Request, what: str) -> str:
    """Why a request is refused that no page of the dashboard's own sent.

    Args:
        request: what is asked.
        what: is taken from own pages only, such as "Changes are".
    """
    origin = request.headers.get("origin", "")[:_SHOWN] or "nowhere it tells of"
    host = request.headers.get("host", "")[:_SHOWN]
    return (
        f"{what} taken from the dashboard's own pages only: this came from {origin}, for {host}."
        " Behind a proxy let it pass on the Host that it was asked for, or name the public origin"
        " in SONIQ_DASHBOARD_ALLOWED_ORIGINS, such as https://jobs.example.com."
    )


def _same(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    if parts.scheme not in _PORTS or not parts.netloc:
        return False
    usual = _PORTS[parts.scheme]
    return parts.netloc.lower().removesuffix(usual) == host.lower().removesuffix(usual)
