"""Series of numbers as a line of bars."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from soniq.plugins.metrics.resolutions import resolution_of

_BARS: Final = "▁▂▃▄▅▆▇█"
_GAP: Final = " "


def sparkline(values: Mapping[datetime, float], resolution: str, width: int) -> str:
    """One bar for each of the last `width` buckets up to the newest value, a blank for a gap.

    Args:
        values: by the start of their buckets.
        resolution: how long a bucket is.
        width: characters, at most.
    """
    if not values or width <= 0:
        return ""
    step, newest = timedelta(seconds=resolution_of(resolution).seconds), max(values)
    buckets = [newest - step * back for back in reversed(range(width))]
    shown = [values.get(bucket) for bucket in buckets]
    known = [value for value in shown if value is not None]
    lowest, highest = min(0.0, *known), max(0.0, *known)
    return "".join(_bar(value, lowest, highest) for value in shown).lstrip(_GAP)


def _bar(value: float | None, lowest: float, highest: float) -> str:
    if value is None:
        return _GAP
    if highest == lowest:
        return _BARS[0]
    share = (value - lowest) / (highest - lowest)
    return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)]
