"""A measurement, and the runs that alternate between several of them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import asyncpg

from bench.errors import BenchError, NotMeasured
from bench.server import Databases
from bench.sizes import Sizes


@dataclass(frozen=True, slots=True)
class Bench:
    """What every measurement needs.

    Attributes:
        scratch: a folder on a disk, for SQLite files.
    """

    databases: Databases
    scratch: Path
    sizes: Sizes


Figures = Mapping[str, float]
Measure = Callable[[Bench], Awaitable[Figures]]
"""One run; its figures by part (``rate``, ``p99``), so that ``drain`` gives ``drain:rate``."""
Progress = Callable[[str, int, str], None]


@dataclass(slots=True)
class Results:
    """The samples of every figure, and what became of the other measurements.

    Attributes:
        missing: those that cannot be had here, with the reason.
        failed: those that must not be believed, with what went wrong.
    """

    samples: dict[str, list[float]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def add(self, measurement: str, figures: Figures) -> None:
        for part, value in figures.items():
            self.samples.setdefault(f"{measurement}:{part}", []).append(value)

    def median(self, figure: str) -> float | None:
        samples = self.samples.get(figure)
        return median(samples) if samples else None

    def fail(self, measurement: str, reason: str) -> None:
        """Give up on `measurement`; what it gave before is no result either."""
        self.failed[measurement] = reason
        for figure in [name for name in self.samples if measurement_of(name) == measurement]:
            del self.samples[figure]

    def is_over(self, measurement: str) -> bool:
        return measurement in self.missing or measurement in self.failed

    def why_not(self, figure: str) -> str:
        name = measurement_of(figure)
        return self.failed.get(name) or self.missing.get(name) or "it was not run"


def measurement_of(figure: str) -> str:
    """The name of the measurement that gives `figure`."""
    return figure.partition(":")[0]


async def alternate(
    bench: Bench,
    measurements: Mapping[str, Measure],
    *,
    reps: int,
    results: Results,
    progress: Progress,
) -> None:
    """Run `measurements` in turn `reps` times, every other time in reverse.

    Whatever drifts on the machine meanwhile then falls on all of them alike.
    """
    for rep in range(reps):
        names: Sequence[str] = list(measurements)
        for name in names if rep % 2 == 0 else reversed(names):
            if not results.is_over(name):
                progress(name, rep, await _run(name, measurements[name], bench, results))


async def _run(name: str, measure: Measure, bench: Bench, results: Results) -> str:
    """Run `measure` once and say what came of it."""
    try:
        figures = await measure(bench)
    except NotMeasured as reason:
        results.missing[name] = str(reason)
        return f"not measured: {reason}"
    except (BenchError, asyncpg.PostgresError) as error:
        results.fail(name, str(error))
        return f"FAILED: {error}"
    results.add(name, figures)
    return "  ".join(f"{part} {value:,.4g}" for part, value in figures.items())
