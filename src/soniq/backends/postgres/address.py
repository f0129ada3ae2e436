"""What a Postgres URL leads to."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs, parse_qsl, unquote, urlsplit

_PORT: Final = "5432"
_HERE: Final = {"", "127.0.0.1", "[::1]", "localhost"}
_HOST: Final = r"(?:\[[^\[\]]*\]|[^\[\]:,]*)(?::\d*)?"
_HOSTS: Final = re.compile(rf"{_HOST}(?:,{_HOST})*")


def check_url(url: str) -> None:
    """See that a Postgres URL can be taken apart.

    The driver would say so too, and quote what it takes for a port: a piece of the password.

    Raises:
        ValueError: it cannot.
    """
    if not _can_be_read(url):
        raise ValueError(
            "in the user, the password and the query of a Postgres URL, characters like / ? # @ [ ]"
            " and % are written as %2F %3F %23 %40 %5B %5D and %25; a port is a number"
        )


def _can_be_read(url: str) -> bool:
    try:
        parts = urlsplit(url)
        if parts.query:
            parse_qsl(parts.query, strict_parsing=True)
    except ValueError:
        return False
    return _HOSTS.fullmatch(parts.netloc.rpartition("@")[2]) is not None


def shown(url: str) -> str:
    """A Postgres URL for people: ``***`` for its password, and for what may be part of one.

    An ``@`` beyond the hosts is most likely that, in a password with a slash in it.
    """
    scheme, _, rest = url.partition("://")
    place, mark, query = rest.partition("?")
    credentials, at, hosts = place.rpartition("@")
    user, colon, _ = credentials.partition(":")
    fields = "&".join(map(_shown_field, query.split("&")))
    return f"{scheme}://{user}{':***' if colon else ''}{at}{hosts}{mark}{fields}"


def _shown_field(field: str) -> str:
    name, equals, value = field.partition("=")
    if "@" in name:
        return "***"
    secret = "@" in value or unquote(name).strip().lower().endswith("password")
    return f"{name}{equals}***" if secret else field


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
