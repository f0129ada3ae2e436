"""Where the log of a long-running command goes, and how it looks."""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

from pydantic_core import to_json

from soniq.errors import masked

_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class PlainFormatter(logging.Formatter):
    """Lines for people, without passwords."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, message, what else the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            entry["exception"] = self.formatException(record.exc_info)
        extra = {name: value for name, value in vars(record).items() if name not in _STANDARD}
        fields = {name: _without_password(value) for name, value in (entry | extra).items()}
        return to_json(fields, fallback=repr, inf_nan_mode="strings").decode()


def _without_password(value: Any) -> Any:
    return masked(value) if isinstance(value, str) else value


def set_up_logging(level: str, log_format: str) -> None:
    """Send the log to stderr, from `level` up.

    A program that has set up logging of its own keeps it: only Soniq's level is set then. Else the
    program's own loggers are heard too, from INFO up, so that what handlers log is seen.

    Args:
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        log_format: ``plain`` or ``json``.
    """
    logging.getLogger("soniq").setLevel(level)
    root = logging.getLogger()
    if root.handlers:
        return
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else PlainFormatter())
    root.addHandler(handler)
    root.setLevel(max(logging.INFO, logging.getLogger("soniq").level))
