"""When to look at the whole claim index afresh, and when a suspect is due."""

from __future__ import annotations

from typing import Final

_SHARE: Final = 0.05
_BEFORE_POLL: Final = 0.9


class Discovery:
    """Looks every poll interval, and when wanted, but for no more than 5 % of the time.

    A look walks the dead entries of all jobs claimed since the oldest open transaction began, and
    so may the first claims after it: both are counted.

    Args:
        interval: seconds after which everything there is has been found.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval * _BEFORE_POLL
        self._poll_at = 0.0
        self._free_at = 0.0
        self._wanted = True

    def wanted(self) -> None:
        """Look as soon as the share of the time allows it."""
        self._wanted = True

    def is_due(self, now_at: float) -> bool:
        return now_at >= self._free_at and (self._wanted or now_at >= self._poll_at)

    def wanted_at(self) -> float | None:
        """When a wanted look is allowed; None when none is wanted."""
        return self._free_at if self._wanted else None

    def done(self, now_at: float) -> None:
        """A look is over."""
        self._wanted = False
        self._poll_at = now_at + self._interval

    def spent(self, seconds: float, now_at: float) -> None:
        """So long has a look taken, or a claim that followed it."""
        self._free_at = max(self._free_at, now_at) + seconds * (1 / _SHARE - 1)


class Alarm:
    """The time at which the first suspect is due, as far as known."""

    def __init__(self) -> None:
        self._at: float | None = None
        self._since: float | None = None

    def set(self, at: float) -> None:
        """One is due at `at`."""
        self._at = at if self._at is None else min(self._at, at)
        self._since = at if self._since is None else min(self._since, at)

    def begin(self) -> None:
        """A look sets out; what is set from now on holds whatever it finds."""
        self._since = None

    def found(self, wait: float | None, now_at: float) -> None:
        """The look found the first one due in `wait` seconds, or none."""
        self._at = None if wait is None else now_at + wait

    def end(self) -> None:
        """The look is over."""
        if self._since is not None:
            self.set(self._since)

    def rings(self, now_at: float) -> bool:
        return self._at is not None and self._at <= now_at

    def ahead(self, now_at: float) -> float | None:
        """The time, while it has not come."""
        return None if self._at is None or self._at <= now_at else self._at
