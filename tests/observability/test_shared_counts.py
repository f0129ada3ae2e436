"""Processes that count together: what they counted stays, what they leave lying about does not."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from soniq.metrics import PrometheusMetricsSink
from soniq.observability.shared_counts import SharedCounts
from tests.programs import environment
from tests.scraping import Scraped, parsed

RUN = {"job_id": "1", "job_name": "work", "queue": "q"}


async def count_one_and_begin_another(sink: PrometheusMetricsSink) -> None:
    await sink.record_job_start(**RUN, attempt=1)
    await sink.record_job_end(**RUN, status="done", duration_s=0.2)
    await sink.record_job_start(**RUN, attempt=1)


PROGRAM = f"""
import asyncio, os
from soniq.metrics import PrometheusMetricsSink
from {__name__} import count_one_and_begin_another

asyncio.run(count_one_and_begin_another(PrometheusMetricsSink()))
print(os.getpid())
"""


def run_process(counts: SharedCounts) -> int:
    """A process that counts and ends; gives its id."""
    printed = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        cwd=Path(__file__).parents[2],
        env=environment(dict(counts.environment)),
        capture_output=True,
        text=True,
        timeout=50,
        check=True,
    )
    return int(printed.stdout)


def page(counts: SharedCounts | PrometheusMetricsSink) -> Scraped:
    return parsed(generate_latest(counts.registry).decode())


async def test_what_is_counted_together_is_worded_like_what_is_counted_alone() -> None:
    sink = PrometheusMetricsSink(registry=CollectorRegistry())
    await count_one_and_begin_another(sink)
    with SharedCounts() as counts:
        run_process(counts)
        alone, together = (
            {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
            for samples in (page(sink).samples, page(counts).samples)
        )
    assert alone == together
    assert len(alone) == 22


def test_totals_outlive_their_processes_in_a_bounded_number_of_files() -> None:
    with SharedCounts() as counts:
        folder = Path(counts.environment["PROMETHEUS_MULTIPROC_DIR"])
        for number in range(1, 4):
            pid = run_process(counts)
            assert page(counts).total("soniq_jobs_in_progress") == 1
            before = page(counts).total("soniq_jobs_started_total")

            counts.ended(pid)

            after = page(counts)
            assert after.total("soniq_jobs_started_total") == before == 2 * number
            assert after.total("soniq_jobs_completed_total", status="done") == number
            assert after.total("soniq_job_duration_seconds_bucket", le="0.25") == number
            assert after.total("soniq_job_duration_seconds_count") == number
            assert after.total("soniq_jobs_in_progress") == 0
            assert len(list(folder.iterdir())) == 2
    assert not folder.exists()


def test_a_file_that_was_torn_spoils_no_scrape(caplog: pytest.LogCaptureFixture) -> None:
    with SharedCounts() as counts:
        counts.ended(run_process(counts))
        (Path(counts.environment["PROMETHEUS_MULTIPROC_DIR"]) / "counter_1.db").touch()

        counts.ended(1)

        assert page(counts).total("soniq_jobs_completed_total") == 1
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "Some counts of an ended worker process are lost" in caplog.text
