"""The errors of Soniq.

    Exception
    ├── SoniqError            something the caller or operator must act on; carries a code
    │   └── MigrationError    a migration failed and was rolled back
    ├── PermanentFailure      raised by a handler: do not try again
    ├── RetryAfter            raised by a handler: try again after so many seconds
    └── JobFailed             raised by `app.wait`: the job ended without a result

Wrong use of a signature is a `TypeError`, a bad value a `ValueError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

SONIQ_UNKNOWN_TASK_NAME: Final = "SONIQ_UNKNOWN_TASK_NAME"
SONIQ_INVALID_TASK_NAME: Final = "SONIQ_INVALID_TASK_NAME"
SONIQ_TASK_ARGS_INVALID: Final = "SONIQ_TASK_ARGS_INVALID"
SONIQ_PLUGIN_DUPLICATE: Final = "SONIQ_PLUGIN_DUPLICATE"
SONIQ_APP_FROZEN: Final = "SONIQ_APP_FROZEN"
SONIQ_APP_CLOSED: Final = "SONIQ_APP_CLOSED"
SONIQ_INIT_ERROR: Final = "SONIQ_INIT_ERROR"
SONIQ_SCHEMA_MISSING: Final = "SONIQ_SCHEMA_MISSING"
SONIQ_SCHEMA_TOO_NEW: Final = "SONIQ_SCHEMA_TOO_NEW"
SONIQ_DATABASE_UNAVAILABLE: Final = "SONIQ_DATABASE_UNAVAILABLE"
SONIQ_POOL_TOO_SMALL: Final = "SONIQ_POOL_TOO_SMALL"
SONIQ_INVALID_DATABASE_URL: Final = "SONIQ_INVALID_DATABASE_URL"
SONIQ_UNSUPPORTED_CONNECTION: Final = "SONIQ_UNSUPPORTED_CONNECTION"
MIGRATION_FAILED: Final = "MIGRATION_FAILED"

# A password may hold a slash that was not written as %2F; digits before a path are a port, unless
# the path of a Postgres URL holds an @. Quotes end a URL where more than a word follows them.
# A word is tried from its beginning only: from each of its characters, a long one took minutes.
_IN_WORD = r"(?:[^\s\"']|[\"'](?![\s,;:)}\]]|$))"
_PASSWORD = re.compile(
    r"(?P<head>(?<![\w+.-])(?:(?P<postgres>postgres(?:ql)?)|[\w+.-]+)://[^\n\"'/:@]*:)"
    r"(?!\d+(?:[,?#\s]|$|/(?(postgres)(?!(?:(?!://)[^\s?\"'])*@))))"
    rf"(?:(?!://){_IN_WORD})*(?=@)"
)
_PASSWORD_FIELD = re.compile(
    r"(?P<head>\b(?:ssl)?password=)(?:'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\""
    rf"|(?:(?!&){_IN_WORD})+)",
    re.IGNORECASE,
)


def masked(text: str) -> str:
    """`text` with the password of every URL and every ``password=`` field shown as ``***``."""
    return _PASSWORD_FIELD.sub(r"\g<head>***", _PASSWORD.sub(r"\g<head>***", text))


def _masked_within(value: Any) -> Any:
    """`value` with every text in it masked, also in dicts, lists and tuples."""
    if isinstance(value, str):
        # A member of an enumeration stays one.
        return value if (shown := masked(value)) == value else shown
    if isinstance(value, dict):
        return {name: _masked_within(each) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_masked_within, value))
    return value


class _Portable:
    """An exception that can be copied and pickled, whatever its constructor asks for.

    By default Python makes an exception again by calling its class with its message alone.
    """

    args: tuple[Any, ...]

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]:
        return _made_without_init, (type(self), self.args), self.__dict__.copy()


def _made_without_init(kind: type[Exception], args: tuple[Any, ...]) -> Exception:
    return kind.__new__(kind, *args)


class SoniqError(_Portable, Exception):
    """An error that somebody must act on. Its texts show no passwords.

    Args:
        message: what happened and what was expected.
        error_code: one of this module's constants.
        context: facts about it, by name.
        suggestions: what to do, one sentence each.
        documentation_url: where to read more.
    """

    def __init__(
        self,
        message: str,
        error_code: str,
        context: Mapping[str, Any] | None = None,
        suggestions: Sequence[str] | None = None,
        documentation_url: str | None = None,
    ) -> None:
        self.message = masked(message)
        self.error_code = error_code
        self.context: dict[str, Any] = _masked_within(dict(context or {}))
        self.suggestions = [masked(suggestion) for suggestion in suggestions or ()]
        self.documentation_url = documentation_url and masked(documentation_url)
        super().__init__(self.message)

    def __str__(self) -> str:
        lines = [f"Soniq Error [{self.error_code}]: {self.message}"]
        if self.context:
            lines += ["Context:", *(f"  {name}: {value}" for name, value in self.context.items())]
        if self.suggestions:
            lines += ["Suggestions:", *(f"  - {suggestion}" for suggestion in self.suggestions)]
        if self.documentation_url:
            lines.append(f"Documentation: {self.documentation_url}")
        return masked("\n".join(lines))


class MigrationError(SoniqError):
    """A migration failed; what it had done was rolled back.

    Args:
        migration_step: name of the migration.
        reason: what the database said.
        database_info: facts about the database, by name.
    """

    def __init__(
        self, migration_step: str, reason: str, database_info: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(
            f"Migration {migration_step} failed and was rolled back: {reason}",
            MIGRATION_FAILED,
            {"migration_step": migration_step, "reason": reason, **dict(database_info or {})},
            ["Fix what the database reports, then run `soniq setup` again."],
        )
        self.migration_step = migration_step
        self.reason = masked(reason)


class PermanentFailure(_Portable, Exception):
    """Raise it in a handler to dead-letter the job without another attempt."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self.message = message


class RetryAfter(_Portable, Exception):
    """Raise it in a handler to fail this attempt and say when the next one is due.

    Args:
        seconds: the delay, in seconds or as a timedelta.
        message: kept in the job's `last_error`.
    """

    # For subclasses whose __init__ does not call this one.
    seconds: float = 0.0
    message: str = ""

    def __init__(self, seconds: float | timedelta, message: str = "") -> None:
        super().__init__(message)
        self.seconds = seconds.total_seconds() if isinstance(seconds, timedelta) else float(seconds)
        self.message = message


class JobFailed(_Portable, Exception):
    """A job somebody waited for was dead-lettered or cancelled.

    Args:
        reason: a `DeadLetterReason`, or ``"cancelled"``; where a later version of Soniq gave the
            job up for a reason unknown here, its text.
        error: the job's last error text, None if it has none.
        job_id: the job.
    """

    def __init__(self, reason: str, error: str | None, job_id: str) -> None:
        super().__init__(f"Job {job_id} failed ({reason}): {error or 'no error text'}")
        self.reason = reason
        self.error = error
        self.job_id = job_id
