"""The four resolutions of a series: how long their buckets are, and how many are kept.

A bucket begins at a whole multiple of its length since the epoch, which is UTC: zones and daylight
saving have no part in it. A minute lies in exactly one bucket of every resolution.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MINUTE: Final = 60
_HOUR: Final = 3600
_DAY: Final = 86400


@dataclass(frozen=True, slots=True)
class Resolution:
    """Buckets of one length.

    Attributes:
        name: as users write it.
        seconds: the length of a bucket.
        points: how many are kept by default.
        chunk: seconds of buckets that are stored in one row.
    """

    name: str
    seconds: int
    points: int
    chunk: int

    def bucket(self, at: float) -> int:
        """The start of the bucket that a moment lies in; both in seconds since the epoch."""
        return int(at // self.seconds) * self.seconds

    def chunk_of(self, start: int) -> int:
        """The start of the chunk that a bucket lies in."""
        return start // self.chunk * self.chunk


RESOLUTIONS: Final = (
    Resolution("1min", MINUTE, 60, 15 * MINUTE),
    Resolution("5min", 5 * MINUTE, 288, 2 * _HOUR),
    Resolution("1hour", _HOUR, 168, _DAY),
    Resolution("1day", _DAY, 90, 30 * _DAY),
)
BY_NAME: Final[Mapping[str, Resolution]] = {each.name: each for each in RESOLUTIONS}
LENGTHS: Final[Mapping[str, int]] = {each.name: each.seconds for each in RESOLUTIONS}
"""The lengths of buckets in seconds, by resolution."""


def resolution_of(name: str) -> Resolution:
    """The resolution of that name.

    Raises:
        ValueError: there is none.
    """
    found = BY_NAME.get(name)
    if found is None:
        raise ValueError(f"resolution must be one of {', '.join(BY_NAME)}, got {name!r}")
    return found


def keeping(points: Mapping[str, int] | None, maximum_age: float) -> dict[str, int]:
    """For how many seconds a point of each resolution is kept.

    Args:
        points: how many to keep, by resolution; others keep their default number.
        maximum_age: seconds, whatever the number of points.

    Raises:
        ValueError: an unknown resolution, or a number that is not a whole one from 1 up.
    """
    wanted = {each.name: each.points for each in RESOLUTIONS}
    for name, number in (points or {}).items():
        wanted[resolution_of(name).name] = whole(f"max_points_per_resolution[{name!r}]", number)
    return {
        each.name: int(min(wanted[each.name] * each.seconds, maximum_age)) for each in RESOLUTIONS
    }


def whole(name: str, number: object) -> int:
    """`number`, if it is a whole one from 1 up.

    Raises:
        ValueError: it is not.
    """
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ValueError(f"{name} must be a whole number from 1 up, got {number!r}")
    return number


def is_kept(resolution: Resolution, start: int, keep: int, now: float) -> bool:
    """Whether a bucket is young enough to be shown at `now`, being kept for `keep` seconds."""
    return start > newest_gone(resolution, keep, now)


def newest_gone(resolution: Resolution, keep: int, now: float) -> int:
    """The start of the last bucket that is too old to be shown at `now`.

    With keep = n buckets the current one and the n - 1 before it are shown.
    """
    return resolution.bucket(now) - keep
