"""What may be recorded: keys, kinds and numbers. Whatever else comes is dropped, and counted."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection
from enum import StrEnum
from math import inf
from time import monotonic
from typing import Any, Final, TypeGuard, cast

from soniq.logs import soniq_logger

LONGEST_KEY: Final = 512
"""Characters."""
MOST_KEYS: Final = 10_000
"""Different keys that one process records between two syncs."""
LARGEST: Final = 1e100
"""The largest number taken; far from where sums would overflow."""
_LEAST: Final = -LARGEST
_LARGEST_INT: Final = 2**63 - 1
_LEAST_INT: Final = -_LARGEST_INT
BAD_KEY: Final = "key, which cannot be stored"
BAD_VALUE: Final = "value, which is no finite number"
_WARN_EVERY: Final = 60.0

_log = soniq_logger("soniq.plugins.metrics")


class Kind(StrEnum):
    """What a series is made of."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


def matches_prefix(prefix: str, key: str) -> bool:
    """Whether `key` begins with the parts of `prefix`, which colons separate.

    ``queue:def`` matches ``queue:def:depth`` and not ``queue:default``; nothing in a prefix is a
    wildcard. The empty prefix matches every key.
    """
    whole = prefix.removesuffix(":")
    return not whole or key == whole or key.startswith(f"{whole}:")


def text(key: object) -> str | None:
    """`key` as a mere string, without asking a stranger's code; None if it is none."""
    return str.__str__(cast(str, key)) if issubclass(type(key), str) else None


def is_key(key: object) -> TypeGuard[str]:
    """Whether every store can hold `key`."""
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or "\0" in key:
        return False
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def number(value: object) -> int | float | None:
    """`value` as a number that can be added up and stored, None if it is none."""
    if type(value) is int:
        return value if _LEAST_INT <= value <= _LARGEST_INT else _float(value)
    if type(value) is float:
        return value if _LEAST <= value <= LARGEST else None
    return None if type(value) is bool else _float(value)


def _float(value: Any) -> float | None:
    # Its type is asked: what stands for another object may do anything when it is asked itself.
    try:
        found = float(value) if hasattr(type(value), "__float__") else inf
    except Exception:  # noqa: BLE001 - a stranger's __float__; recording never raises
        return None
    return found if _LEAST <= found <= LARGEST else None


class Dropped:
    """Counts what was not recorded, by reason, and says so in the log now and then.

    Handlers of logs may record, too. So what is dropped under a lock is counted there and told when
    the lock has been released.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._counts: Counter[str] = Counter()
        self._told = 0
        self._next = 0.0
        self.untold: tuple[str, object] | None = None
        """Why something was dropped that is to be told, and what."""

    def add(self, reason: str, example: object, number: int = 1) -> None:
        """Count observations that were dropped."""
        with self._guard:
            self._counts[reason] += number
            if self.untold is None and monotonic() >= self._next:
                self.untold = (reason, example)

    def tell(self) -> None:
        """Warn of what was dropped, unless somebody did a short while ago."""
        with self._guard:
            untold, self.untold = self.untold, None
            if untold is None:
                return
            self._next = monotonic() + _WARN_EVERY
            since, self._told = self.total - self._told, self.total
        reason, example = untold
        _log.warning(
            "%d metric observations were dropped, one of them for its %s: %s",
            since,
            reason,
            _shown(example),
        )

    @property
    def total(self) -> int:
        """How many in all."""
        return sum(self.by_reason.values())

    @property
    def by_reason(self) -> dict[str, int]:
        """How many for each reason."""
        return dict(self._counts)


def _shown(example: object) -> str:
    try:
        return ascii(example)[:100]
    except Exception:  # noqa: BLE001 - a stranger's __repr__; recording never raises
        return f"an object of {type(example).__name__}"


class KeyBook:
    """The kinds of the keys in use: a key keeps the kind it first had. Safe in threads.

    Args:
        dropped: told of what is refused.
        most: how many keys are let in between two calls of `forget_others`.
    """

    def __init__(self, dropped: Dropped, most: int = MOST_KEYS) -> None:
        self._dropped = dropped
        self._most = most
        self._guard = threading.Lock()
        self._kinds: dict[str, Kind] = {}

    def admit(self, key: str, kind: Kind, number: int = 1) -> bool:
        """Whether observations of this kind may be recorded under `key`; counted if not."""
        with self._guard:
            if not is_key(key):
                reason = BAD_KEY
            elif self._kinds.setdefault(key, kind) is not kind:
                reason = "kind, which is not the key's first"
            elif len(self._kinds) > self._most:
                del self._kinds[key]
                reason = "number: there are too many different keys"
            else:
                return True
        self._dropped.add(reason, key, number)
        return False

    def forget_others(self, used: Collection[str]) -> None:
        """Once half full, make room: of what is known only the keys in `used` stay."""
        with self._guard:
            if len(self._kinds) > self._most // 2:
                self._kinds = {key: self._kinds[key] for key in used if key in self._kinds}
