"""What can go wrong while measuring.

BenchError      a measurement failed: what it would print is not to be trusted
└─ CountMismatch  jobs and handler calls differ
NotMeasured     one figure cannot be had here; the others can
"""

from __future__ import annotations


class BenchError(Exception):
    """A measurement failed; the text says why."""


class CountMismatch(BenchError):
    """Handler calls, stored jobs and finished jobs do not agree."""


class NotMeasured(Exception):
    """A figure cannot be had on this machine; the text says why."""


def require_equal(what: str, **counts: int) -> None:
    """Raise CountMismatch unless all `counts` are the same number."""
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in counts.items())
        raise CountMismatch(f"{what}: the counts differ: {listed}")
