"""What a Postgres URL leads to."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

_PORT: Final = "5432"
_HERE: Final = {"", "127.0.0.1", "[::1]", "localhost"}


def database_name(url: str) -> str:
    """The database that a URL names: in its query, its path, or by its user."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    given = query.get("dbname") or query.get("database")
    return given[0] if given else unquote(parts.path.lstrip("/") or parts.username or "postgres")


def address_of(url: str) -> str:
    """``host:port/database`` (or several hosts, with commas), in one spelling for each place."""
    parts = urlsplit(url)
    query = parse_qs(parts.query)
    hosts = parts.netloc.rpartition("@")[2] or query.get("host", [""])[0]
    port = query.get("port", [_PORT])[0]
    places = ",".join(_place(host, port) for host in hosts.lower().split(","))
    return f"{places}/{database_name(url)}"


def _place(host: str, port: str) -> str:
    if host.startswith("/"):
        return f"{host}:{port}"
    name, colon, given = host.rpartition(":")
    if not colon or given.endswith("]"):
        name, given = host, port
    return f"{'localhost' if name in _HERE else name}:{given or port}"
