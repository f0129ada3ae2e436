"""What was processed lately: from the stored metrics where they are kept, else from stored jobs.

Jobs that are done are deleted long before dead letters are, so a rate is taken of that time alone
of which both are known. Stored series lag behind by a sync of the workers, and alike for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from soniq.backends.overview import Endings
from soniq.dashboard.desk import Desk
from soniq.dashboard.stored import Tally, stored_average_ms, stored_tally

_HOUR: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Processed:
    """What ended in a stretch of time.

    Attributes:
        done, cancelled, dead_letter: how many jobs, as far as is known.
        error_rate: percent of what ended since `covers_since` that was given up; None where
            nothing ended.
        per_hour: jobs done or given up since then, by the hour.
        covers_since: since when all is known.
    """

    done: int
    cancelled: int
    dead_letter: int
    error_rate: float | None
    per_hour: float
    covers_since: datetime

    @property
    def ended(self) -> int:
        """How many were done or given up."""
        return self.done + self.dead_letter


class _Sums(NamedTuple):
    done: int
    cancelled: int
    dead_letter: int
    now: datetime


async def processed(desk: Desk, seconds: float) -> Processed:
    """What ended in the last `seconds`, on the whole."""
    rows = _summed(await desk.endings(seconds, seconds))
    tally = await desk.memo.recall(("tally", seconds), lambda: stored_tally(desk, seconds))
    if tally is not None:
        # No series counts what was cancelled: most of it never ran.
        return _told(rows._replace(done=tally.done, dead_letter=tally.dead_letter), tally, rows.now)
    kept = min(desk.app.settings.result_ttl, seconds)
    lately = rows if kept == seconds else _summed(await desk.endings(kept, seconds))
    since = lately.now - timedelta(seconds=kept)
    complete = Tally(lately.done, lately.dead_letter, since)
    return _told(rows, complete, lately.now)


async def average_run_ms(desk: Desk, seconds: float) -> float | None:
    """How long the runs of the last `seconds` took on the average."""
    stored = await desk.memo.recall(("run", seconds), lambda: stored_average_ms(desk, seconds))
    return _average(await desk.endings(seconds, seconds)) if stored is None else stored


def _told(found: _Sums, complete: Tally, now: datetime) -> Processed:
    ended = complete.done + complete.dead_letter
    span = now - complete.since
    return Processed(
        done=found.done,
        cancelled=found.cancelled,
        dead_letter=found.dead_letter,
        error_rate=100 * complete.dead_letter / ended if ended else None,
        per_hour=ended * (_HOUR / span) if span else 0.0,
        covers_since=complete.since,
    )


def _summed(endings: Endings) -> _Sums:
    spans = endings.spans
    return _Sums(
        sum(span.done for span in spans),
        sum(span.cancelled for span in spans),
        sum(span.dead_letter for span in spans),
        endings.now,
    )


def _average(endings: Endings) -> float | None:
    timed = [(span.done, span.run_avg_ms) for span in endings.spans if span.run_avg_ms is not None]
    weight = sum(number for number, _ in timed)
    return sum(number * run for number, run in timed) / weight if weight else None
