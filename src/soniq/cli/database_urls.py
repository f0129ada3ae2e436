"""Telling whether two URLs mean one database, however they are spelled."""

from __future__ import annotations

from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

_POSTGRES: Final = {"postgres", "postgresql"}
_POSTGRES_PORT: Final = "5432"


def same_database(one: str, other: str) -> bool:
    """Whether both URLs lead to the same database; passwords and ways to connect don't count."""
    return _place(one) == _place(other)


def _place(url: str) -> tuple[object, ...]:
    scheme, separator, rest = url.partition("://")
    if not separator:
        return ("sqlite", Path(url).absolute().resolve())
    if scheme in _POSTGRES:
        return _postgres_place(url)
    if scheme == "sqlite":
        return ("sqlite", Path(rest.removeprefix("/").partition("?")[0]).absolute().resolve())
    return (scheme, rest)


def _postgres_place(url: str) -> tuple[object, ...]:
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    user, _, hosts = parts.netloc.rpartition("@")
    return (
        "postgres",
        unquote(user.partition(":")[0]) or query.get("user"),
        tuple(_with_port(host) for host in (hosts.lower() or query.get("host", "")).split(",")),
        unquote(parts.path.removeprefix("/")) or query.get("dbname", query.get("database")),
        # May hold a search_path, so another one may mean other tables.
        query.get("options"),
    )


def _with_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or port.endswith("]"):
        return f"{host}:{_POSTGRES_PORT}"
    return f"{name}:{port or _POSTGRES_PORT}"
