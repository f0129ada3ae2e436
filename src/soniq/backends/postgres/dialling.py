"""Making connections, to whichever of several hosts there is.

The driver tries the hosts of a URL in turn under one timeout: a first host that has vanished, and
answers nothing, would use it up. Here each host has a timeout of its own, and the one that answered
last is tried first. Such hosts vanish under connections, too, so the system is asked to notice it.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs, urlsplit

import asyncpg

if TYPE_CHECKING:
    _Connection = asyncpg.Connection[asyncpg.Record]
else:
    _Connection = asyncpg.Connection

_FAREWELL: Final = 2.0
_HOST_TIMEOUT: Final = 3.0

# Seconds, but for the last: milliseconds after which what was sent and never acknowledged ends the
# connection. Not every system knows each.
_VIGILANCE: Final = (
    ("TCP_KEEPIDLE", 10),
    ("TCP_KEEPINTVL", 5),
    ("TCP_KEEPCNT", 3),
    ("TCP_USER_TIMEOUT", 8000),
)


_NEXT: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
)


class Dial:
    """Connects to one database; called as `asyncpg.connect` is, whose errors pass through.

    Args:
        url: the database, on one host or on several.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._hosts = hosts_of(url)

    async def __call__(
        self, dsn: str | None = None, **options: Any
    ) -> asyncpg.Connection[asyncpg.Record]:
        connection = await self._connect({"dsn": dsn or self._url, **options})
        _watch(connection)
        return connection

    async def _connect(self, options: dict[str, Any]) -> asyncpg.Connection[asyncpg.Record]:
        if not self._hosts:
            return await asyncpg.connect(**options)
        *others, last = self._hosts
        for place in others:
            try:
                return await self._try(place, options | {"timeout": _HOST_TIMEOUT})
            except _NEXT:
                continue
        return await self._try(last, options)

    async def _try(
        self, place: tuple[str, int], options: dict[str, Any]
    ) -> asyncpg.Connection[asyncpg.Record]:
        host, port = place
        connection: asyncpg.Connection[asyncpg.Record]
        connection = await asyncpg.connect(**options, host=host, port=port)
        self._hosts.remove(place)
        self._hosts.insert(0, place)
        return connection


class PoolConnection(_Connection):
    """A connection of a pool, which closes those that have expired in tasks that nobody awaits."""

    async def close(self, *, timeout: float | None = None) -> None:
        """Take leave of the server, or do without."""
        try:
            await super().close(timeout=_FAREWELL if timeout is None else timeout)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
            self.terminate()


def hosts_of(url: str) -> list[tuple[str, int]]:
    """The hosts that a URL names, each with its port; none if there is but one."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    hosts = (parts.netloc.rpartition("@")[2] or query.get("host", [""])[0]).split(",")
    ports = query.get("port", [""])[0].split(",")
    if len(hosts) < 2:
        return []
    if len(ports) != len(hosts):
        ports = ports[:1] * len(hosts)
    return [_place(host, port) for host, port in zip(hosts, ports, strict=True)]


def _place(host: str, port: str) -> tuple[str, int]:
    name, colon, given = host.rpartition(":")
    if not colon or given.endswith("]"):
        name, given = host, port
    return name.strip("[]"), int(given or 5432)


def _watch(connection: asyncpg.Connection[asyncpg.Record]) -> None:
    # The driver shows its transport to nobody, and has no setting for any of this.
    transport: asyncio.Transport | None = getattr(connection, "_transport", None)
    wire = None if transport is None else transport.get_extra_info("socket")
    if wire is None or wire.family not in {socket.AF_INET, socket.AF_INET6}:
        return
    wire.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _VIGILANCE:
        if hasattr(socket, name):
            wire.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
