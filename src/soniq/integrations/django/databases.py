"""The database of a Django project, as Soniq is told of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from django.core.exceptions import ImproperlyConfigured
from django.db import connections

# What libpq takes in a URL; the rest of OPTIONS is for Django.
_OF_LIBPQ: Final = (
    "application_name",
    "options",
    "passfile",
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslpassword",
    "sslrootcert",
    "target_session_attrs",
)


def url_of(alias: str) -> str:
    """The URL of the database that Django calls `alias`, as it is named now: tests rename it.

    Raises:
        ImproperlyConfigured: it is neither Postgres nor SQLite.
    """
    connection = connections[alias]
    if connection.vendor == "postgresql":
        return _postgres_url(connection.settings_dict)
    if connection.vendor == "sqlite":
        return _sqlite_url(str(connection.settings_dict["NAME"]))
    raise ImproperlyConfigured(
        f"Soniq keeps jobs in Postgres or SQLite, and DATABASES[{alias!r}] is {connection.vendor}. "
        "Name another one with SONIQ = {'DATABASE': ...}, or give SONIQ = {'database_url': ...}."
    )


def _postgres_url(settings: dict[str, Any]) -> str:
    given = settings.get("OPTIONS") or {}
    if "service" in given or not settings.get("NAME"):
        raise ImproperlyConfigured(
            "Soniq cannot tell the address of a database that a connection service file names; "
            "give it as SONIQ = {'database_url': 'postgresql://...'}."
        )
    query = {name: str(given[name]) for name in _OF_LIBPQ if name in given}
    host, port = str(settings.get("HOST") or ""), str(settings.get("PORT") or "")
    if host.startswith("/"):
        query |= {"host": host} | ({"port": port} if port else {})
        host = port = ""
    elif ":" in host:
        host = f"[{host}]"
    user, password = settings.get("USER") or "", settings.get("PASSWORD") or ""
    login = quote(user, safe="") + (f":{quote(str(password), safe='')}" if password else "")
    place = (f"{login}@" if login else "") + host + (f":{port}" if port else "")
    name = quote(str(settings["NAME"]), safe="")
    return f"postgresql://{place}/{name}" + (
        f"?{urlencode(query, quote_via=quote)}" if query else ""
    )


def _sqlite_url(name: str) -> str:
    if name == ":memory:" or "mode=memory" in name:
        return "memory://"
    file = Path(name)
    return f"sqlite:///{file.with_name(f'{file.stem}.soniq.sqlite3')}"
