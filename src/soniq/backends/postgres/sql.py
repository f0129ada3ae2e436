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


def qualified(text: str, schema: str | None) -> str:
    """`text` with Soniq's tables named with their schema, if it is given."""
    return text if schema is None else _TABLE.sub(rf"{quoted(schema)}.\g<0>", text)


def quoted(identifier: str) -> str:
    """An identifier as it stands in a statement."""
    return '"' + identifier.replace('"', '""') + '"'


@cache
def _sources() -> dict[str, str]:
    texts = {path.stem: path.read_text() for path in (_HERE / "sql").glob("*.sql")}
    return {name: with_includes(text, texts) for name, text in texts.items()}


@cache
def statements(schema: str | None) -> dict[str, str]:
    """Every statement by its name, for tables in `schema` (None: wherever the search path says)."""
    return {name: qualified(text, schema) for name, text in _sources().items()}


@cache
def migration_files() -> dict[str, str]:
    """The text of every migration by its name, oldest first."""
    return {path.stem: path.read_text() for path in sorted((_HERE / "migrations").glob("*.sql"))}
