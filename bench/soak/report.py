"""What a soak has seen: told at each sample, judged at the end, as a table and as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from bench.soak.judgement import (
    FEWEST,
    FIRST_MINUTE,
    LEAST_PACE,
    SLOWEST_SHARE,
    Point,
    Trend,
    drift,
    trend,
)
from bench.starts import percentiles

if TYPE_CHECKING:
    from bench.soak.run import Plan


class Sample(NamedTuple):
    """One look at everything."""

    at: float
    accepted: int
    live: int
    results: list[list[float]]
    sizes: Mapping[str, float]


@dataclass(slots=True)
class Report:
    """Filled while the soak goes on."""

    store: str
    plan: Plan
    peak: float = 0.0
    rate: float = 0.0
    accepted: int = 0
    failed: int = 0
    problems: list[str] = field(default_factory=list)
    series: dict[str, list[Point]] = field(default_factory=dict)
    _last: tuple[float, int, int] = (0.0, 0, 0)
    _counts: list[Point] = field(default_factory=list)
    """How many jobs were accepted by then."""

    def begun(self, peak: float, rate: float) -> None:
        self.peak, self.rate = peak, rate
        print(f"peak {peak:,.0f} jobs/s; from now on {rate:,.0f} jobs/s", flush=True)

    def saw(self, sample: Sample) -> None:
        at, accepted, live = self._last
        ended = (sample.accepted - accepted) - (sample.live - live)
        values = {
            "jobs a second": ended / (sample.at - at),
            "jobs waiting": float(sample.live),
            **_latencies(sample.results),
            **sample.sizes,
        }
        self._counts.append((sample.at, float(sample.accepted)))
        self._last = (sample.at, sample.accepted, sample.live)
        for name, value in values.items():
            self.series.setdefault(name, []).append((sample.at, value))
        told = "  ".join(f"{name} {_short(name, value)}" for name, value in values.items())
        print(f"{sample.at:7.0f} s  {told}", flush=True)

    def produced(self, accepted: int, failed: int) -> None:
        self.accepted, self.failed = accepted, failed
        if failed:
            self.problems.append(f"{failed} calls of enqueue failed")

    def pace(self) -> float:
        """Jobs a second that were accepted: since the first minute, in a soak that went on."""
        counts = self._settled_counts() or [(0.0, 0.0), *self._counts[-1:]]
        (begun, before), (ended, after) = counts[0], counts[-1]
        return (after - before) / (ended - begun) if ended > begun else 0.0

    def _settled_counts(self) -> list[Point]:
        counts = [point for point in self._counts if point[0] >= FIRST_MINUTE]
        return counts if len(counts) >= FEWEST else []

    def trends(self) -> dict[str, Trend | None]:
        return {name: trend(name, points) for name, points in self.series.items()}

    def judged(self) -> list[str]:
        """What is wrong."""
        grown = [
            f"{name} grows: by {_short(name, found.rise)} around {_short(name, found.median)}"
            for name, found in self.trends().items()
            if found is not None and found.grows and name != "jobs a second"
        ]
        kept = drift(self.series.get("jobs a second", []))
        if kept is not None and kept < SLOWEST_SHARE:
            grown.append(f"throughput fell to {kept:.0%} of what it was")
        pace = self.pace()
        if self._settled_counts() and pace < LEAST_PACE * self.rate:
            grown.append(
                f"the load was not what it should be: {pace:,.0f} jobs/s were accepted, and "
                f"{self.rate:,.0f} were to be"
            )
        return [*self.problems, *grown]

    def table(self) -> str:
        rows = [f"{'':18}{'median':>12}{'first':>12}{'last':>12}{'trend':>12}{'tau':>7}"]
        for name, found in self.trends().items():
            points = self.series[name]
            first, last = (_short(name, value) for _, value in (points[0], points[-1]))
            middle = _short(name, found.median) if found else "-"
            rise = f"{'+' if found.rise > 0 else ''}{_short(name, found.rise)}" if found else "-"
            tau = f"{found.tau:.2f}" if found else "-"
            rows.append(f"{name:18}{middle:>12}{first:>12}{last:>12}{rise:>12}{tau:>7}")
        head = (
            f"{self.store}: {self.accepted:,} jobs accepted, {self.failed} refused; "
            f"peak {self.peak:,.0f}/s, load {self.rate:,.0f}/s, "
            f"of which {self.pace():,.0f}/s came"
        )
        verdict = [f"FAILED: {problem}" for problem in self.judged()] or ["nothing grows"]
        return "\n".join([head, *rows, *verdict])

    def as_json(self) -> str:
        document: dict[str, Any] = {
            "store": self.store,
            "plan": asdict(self.plan),
            "peak": self.peak,
            "rate": self.rate,
            "accepted": self.accepted,
            "pace": self.pace(),
            "failed": self.failed,
            "problems": self.judged(),
            "trends": {n: found and found._asdict() for n, found in self.trends().items()},
            "series": self.series,
        }
        return json.dumps(document, indent=1)


def _latencies(results: Sequence[Sequence[float]]) -> dict[str, float]:
    """Milliseconds from enqueue to start and from start to end."""
    if not results:
        return {}
    waits = percentiles(sorted((started - called) * 1e3 for called, started, _ in results))
    runs = percentiles(sorted((ended - started) * 1e3 for _, started, ended in results))
    return {f"start {name} ms": value for name, value in waits.items()} | {
        f"run {name} ms": value for name, value in runs.items() if name == "p99"
    }


def _short(name: str, value: float) -> str:
    if name.endswith(("bytes", "memory")):
        return f"{value / 1e6:.1f}MB"
    return f"{value:,.1f}" if abs(value) < 100 else f"{value:,.0f}"
