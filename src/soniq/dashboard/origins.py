"""Whether a page of the dashboard itself asks, or one of another site in the same browser."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

_PORTS: Final = {"http": ":80", "https": ":443"}


def is_own_page(request: Request, *, allow_silence: bool = False) -> bool:
    """Whether the browser says that the dashboard's own page asks.

    Args:
        request: what is asked.
        allow_silence: take a request that says nothing of where it comes from: no browser sends
            such a one to change something.
    """
    origin = request.headers.get("origin")
    if origin is not None:
        return _same(origin, request.headers.get("host", ""))
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    return allow_silence


def _same(origin: str, host: str) -> bool:
    parts = urlsplit(origin)
    if parts.scheme not in _PORTS or not parts.netloc:
        return False
    usual = _PORTS[parts.scheme]
    return parts.netloc.lower().removesuffix(usual) == host.lower().removesuffix(usual)
