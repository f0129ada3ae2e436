"""Which store an application means: by URL, by name, or by the object itself."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from functools import partial
from typing import Final

from soniq.backends.base import Backend
from soniq.backends.memory import MemoryBackend
from soniq.backends.postgres import PostgresBackend
from soniq.backends.postgres.address import check_url
from soniq.backends.postgres.address import shown as shown_postgres
from soniq.backends.sqlite import SQLiteBackend
from soniq.errors import SONIQ_INVALID_DATABASE_URL, SoniqError, masked

Build = Callable[[], Backend]

DEFAULT_SQLITE_PATH: Final = "soniq.db"
ACCEPTED_FORMS: Final = (
    "postgresql://user:password@host:5432/database",
    "postgres://host/database",
    "sqlite:///relative.db",
    "sqlite:////absolute/path.db",
    "a path ending in .db, .sqlite or .sqlite3",
    "memory://",
)

_log = logging.getLogger("soniq.app")
_POSTGRES_SCHEMES: Final = ("postgresql://", "postgres://")
_SQLITE_SCHEME: Final = "sqlite:///"
_SQLITE_ENDINGS: Final = (".db", ".sqlite", ".sqlite3")
_NAMES: Final = ("postgres", "sqlite", "memory")
_SCHEME: Final = re.compile(r"[^:/]*[:/]*")
_SECRETS: Final = (
    re.compile(r".*(?=@)", re.DOTALL),
    re.compile(r".*password=[^&]*", re.DOTALL | re.IGNORECASE),
    # What stands where a port would, and is none: the host was forgotten.
    re.compile(r"[^/:@]+:(?!\d+(?:[,/?#]|$))[^@]+$"),
)


def shown(url: str) -> str:
    """A URL that `backend_for` takes, for people: without its password."""
    return shown_postgres(url) if url.startswith(_POSTGRES_SCHEMES) else masked(url)


def backend_for(name: str | None, url: str | None) -> Build:
    """Return what builds the store; nothing is opened before it is called.

    Args:
        name: ``postgres``, ``sqlite`` or ``memory``; None lets the URL decide.
        url: the configured URL or path; without one and without a name it is the SQLite file
            ``soniq.db`` in the current directory, and a WARNING when it is built.

    Raises:
        ValueError: an unknown name, or ``postgres`` without a URL.
        SoniqError: SONIQ_INVALID_DATABASE_URL.
    """
    match name:
        case None:
            return _by_url(url) if url else _unconfigured
        case "memory":
            return MemoryBackend
        case "sqlite":
            return partial(SQLiteBackend, _sqlite_path(url) if url else DEFAULT_SQLITE_PATH)
        case "postgres" if url:
            return partial(PostgresBackend, _checked_postgres(url))
        case "postgres":
            raise ValueError(
                'backend="postgres" needs a database_url (or SONIQ_DATABASE_URL), for example '
                "postgresql://localhost/myapp"
            )
        case _:
            raise ValueError(f"Unknown backend {name!r}; choose one of {', '.join(_NAMES)}")


def _by_url(url: str) -> Build:
    if url.startswith(_POSTGRES_SCHEMES):
        return partial(PostgresBackend, _checked_postgres(url))
    if url == "memory://":
        return MemoryBackend
    if url.startswith(_SQLITE_SCHEME) or ("://" not in url and url.endswith(_SQLITE_ENDINGS)):
        return partial(SQLiteBackend, _sqlite_path(url))
    raise _invalid(url, "is no database URL that Soniq knows")


def _unconfigured() -> Backend:
    # Said when it is built, not before: until then the command line may choose another.
    _log.warning(
        "No database is configured: jobs go to the SQLite file %s in the current directory. "
        "Set SONIQ_DATABASE_URL, or pass database_url to Soniq, to choose one",
        DEFAULT_SQLITE_PATH,
    )
    return SQLiteBackend(DEFAULT_SQLITE_PATH)


def _sqlite_path(url: str) -> str:
    path = url.removeprefix(_SQLITE_SCHEME)
    if path == ":memory:":
        raise _invalid(url, "would lose its jobs with each connection; use memory:// instead")
    if not path or "://" in path:
        raise _invalid(url, "names no SQLite file")
    return path


def _checked_postgres(url: str) -> str:
    if not url.startswith(_POSTGRES_SCHEMES):
        raise _invalid(url, 'is not a Postgres URL, as backend="postgres" needs')
    try:
        check_url(url)
    except ValueError as error:
        raise _invalid(url, f"cannot be read: {error}") from None
    return url


def _invalid(url: str, problem: str) -> SoniqError:
    return SoniqError(
        f"The database URL {_without_secrets(url)!r} {problem}",
        SONIQ_INVALID_DATABASE_URL,
        {"accepted": list(ACCEPTED_FORMS)},
        [f"Use one of: {', '.join(ACCEPTED_FORMS)}."],
    )


def _without_secrets(url: str) -> str:
    """What of a URL that cannot be read is surely no part of a password."""
    scheme = _SCHEME.match(url)
    begin = scheme.end() if scheme else 0
    found = (secret.match(url, begin) for secret in _SECRETS)
    end = max((match.end() for match in found if match), default=begin)
    return url if end == begin else f"{url[:begin]}***{url[end:]}"
