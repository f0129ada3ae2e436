"""What ended over time: from the stored metrics where they are kept, else from the stored jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from soniq.backends.overview import Endings, Span
from soniq.dashboard.desk import Desk
from soniq.dashboard.figures import History, HistoryPoint
from soniq.dashboard.stored import stored_history


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time and the points it is shown in: of stored jobs, and of stored metrics."""

    seconds: int
    step: int
    resolution: str
    stored: str


WINDOWS: Final = {
    "1h": Window(3600, 60, "1min", "1min"),
    "24h": Window(86400, 900, "15min", "5min"),
    "7d": Window(7 * 86400, 7200, "2hour", "1hour"),
    "90d": Window(90 * 86400, 86400, "1day", "1day"),
}


async def history_of(desk: Desk, name: str) -> History:
    """What ended in the window of that name."""
    window = WINDOWS[name]
    stored = await desk.memo.recall(
        ("stored", name), lambda: stored_history(desk, window.stored, window.seconds)
    )
    return stored or await _from_jobs(desk, window)


async def _from_jobs(desk: Desk, window: Window) -> History:
    endings = await desk.endings(window.seconds, window.step)
    covers = _covers_since(desk, endings, window.seconds)
    spans = {span.at: span for span in endings.spans}
    return History(
        window.resolution,
        covers,
        [_point(at, spans.get(at), known=at >= covers) for at in _points(window, endings.now)],
    )


def _points(window: Window, now: datetime) -> list[datetime]:
    last = int(now.timestamp()) // window.step * window.step
    first = last - window.seconds + window.step
    return [datetime.fromtimestamp(at, UTC) for at in range(first, last + 1, window.step)]


def _point(at: datetime, span: Span | None, *, known: bool) -> HistoryPoint:
    nothing = 0 if known else None
    return HistoryPoint(
        at=at,
        done=span.done if span else nothing,
        failed=span.failed if span else nothing,
        dead_letter=span.dead_letter if span else nothing,
        depth=None,
        run_p50_ms=span.run_p50_ms if span else None,
        run_p95_ms=span.run_p95_ms if span else None,
        wait_p95_ms=span.wait_p95_ms if span else None,
    )


def _covers_since(desk: Desk, endings: Endings, seconds: float) -> datetime:
    """Jobs that are done are deleted after a while, so what ended earlier is not all there."""
    kept = timedelta(seconds=min(desk.app.settings.result_ttl, seconds))
    return endings.now - kept
