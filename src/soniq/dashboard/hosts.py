"""The name that a request used for the dashboard.

A page of another site can make its own name lead to this machine, and then ask as if it were part
of the dashboard. Names that nobody else can give out are let through, others must be known.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Receive, Scope, Send

from soniq.dashboard.replies import problem

_HOST: Final = re.compile(
    r"(?P<name>\[[0-9a-f:.]+\]|[0-9a-z](?:[0-9a-z._-]*[0-9a-z_.])?)(?::(?P<port>\d{1,5}))?"
)
# Nobody can register names under these.
_PRIVATE: Final = (".localhost", ".test", ".internal", ".local")


def host_name(host: str) -> str | None:
    """The name or address of a ``Host`` header, None if it is none."""
    found = _HOST.fullmatch(host.strip().lower())
    return None if found is None else found["name"].strip("[]").rstrip(".")


def is_loopback(name: str) -> bool:
    """Whether only this machine reaches it."""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def is_elsewhere(address: str) -> bool:
    """Whether a request from this address comes from another machine, as far as one can tell."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return not (getattr(found, "ipv4_mapped", None) or found).is_loopback


class Hosts:
    """Refuses requests under a name that is not the dashboard's.

    Args:
        app: what is guarded.
        known: names that are.
        anybody: every well-formed name will do, since visitors show who they are.
    """

    def __init__(self, app: ASGIApp, known: Iterable[str], *, anybody: bool) -> None:
        self._app = app
        self._known = frozenset(name.lower() for name in known)
        self._anybody = anybody

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._accepts(scope):
            await self._app(scope, receive, send)
            return
        refusal = problem(
            400,
            "The request's Host is none of the dashboard's names. Use the address it was started"
            " on; behind a proxy name the public origin in SONIQ_DASHBOARD_ALLOWED_ORIGINS, such as"
            " https://jobs.example.com.",
        )
        await refusal(scope, receive, send)

    def _accepts(self, scope: Scope) -> bool:
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) != 1:
            return False
        name = host_name(hosts[0])
        return name is not None and (self._anybody or name in self._known or _is_private(name))


def names_of(origins: Iterable[str]) -> list[str]:
    """The host names of some origins."""
    return [name for origin in origins if (name := urlsplit(origin).hostname)]


def _is_private(name: str) -> bool:
    """Whether no stranger can make it lead here: an address, a bare name, a reserved ending."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return "." not in name or name.endswith(_PRIVATE)
    return True
