"""The statements, one a file, named as what runs them."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from soniq.backends.includes import with_includes

_HERE: Final = Path(__file__).parent
_TABLE: Final = re.compile(
    r"\bsoniq_"
    r"(jobs|dead_letter_jobs|workers|leases|schedules|schedulers|migrations|audit|enqueue"
    r"|metric_sessions|metric_chunks)\b"
)

_IN_REACH: Final = re.compile(r"\bin_reach\(([\w$:]+|\w+\(\w+\))\)")
_REACHED: Final = (
    r"CASE WHEN \1 > '9999-12-31 23:59:59.999999Z' THEN '9999-12-31 23:59:59.999999Z'::timestamptz"
    r" WHEN \1 < '0001-01-01Z' THEN '0001-01-01Z'::timestamptz ELSE \1 END"
)


def qualified(text: str, schema: str | None) -> str:
    """`text` with Soniq's tables named with their schema, if it is given."""
    return text if schema is None else _TABLE.sub(rf"{quoted(schema)}.\g<0>", text)


def quoted(identifier: str) -> str:
    """An identifier as it stands in a statement."""
    return '"' + identifier.replace('"', '""') + '"'


@cache
def _sources() -> dict[str, str]:
    texts = {path.stem: path.read_text() for path in (_HERE / "sql").glob("*.sql")}
    return {name: _in_reach(with_includes(text, texts)) for name, text in texts.items()}


def _in_reach(text: str) -> str:
    """`text` with each ``in_reach(time)``, of a row that somebody may have edited, written out.

    Postgres knows more years than Python, and infinity, which the driver gives without a zone.
    """
    return _IN_REACH.sub(_REACHED, text)


@cache
def statements(schema: str | None) -> dict[str, str]:
    """Every statement by its name, for tables in `schema` (None: wherever the search path says)."""
    return {name: qualified(text, schema) for name, text in _sources().items()}


@cache
def migration_files() -> dict[str, str]:
    """The text of every migration by its name, oldest first."""
    return {path.stem: path.read_text() for path in sorted((_HERE / "migrations").glob("*.sql"))}
