"""`soniq metrics` as a process: the stored series for people, for programs, for Prometheus."""

from __future__ import annotations

import asyncio
import json
import signal
import sys

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from soniq import Soniq
from soniq.cli.sparklines import sparkline
from soniq.plugins.metrics import Metrics
from soniq.plugins.metrics.points import moment
from tests.cli.conftest import Project
from tests.terminals import CTRL_C, Terminal


@pytest.fixture
def url(project: Project) -> str:
    """A file with series of every kind in it."""
    url = f"sqlite:///{project.folder / 'jobs.db'}"
    asyncio.run(_record(url))
    return url


async def _record(url: str) -> None:
    metrics = Metrics()
    async with Soniq(url, plugins=[metrics]) as app:
        await app.setup()
        await metrics.increment_counter("job:app.send:done", 1234)
        await metrics.record_gauge('queue:a"b\\c\n:depth', 2.5)
        for value in (1, 2, 3):
            await metrics.record_histogram_value("queue:default:wait_time", value)


def test_people_see_a_line_for_each_series(project: Project, url: str) -> None:
    ran = project.run("metrics", "--database-url", url, "--prefix", "job")
    assert (ran.code, ran.err) == (0, "")
    assert "job:app.send:done" in ran.out
    assert "1,234" in ran.out
    assert "queue" not in ran.out


def test_programs_get_one_document(project: Project, url: str) -> None:
    ran = project.run("metrics", "--database-url", url, "--json", "--resolution", "1day")
    assert ran.code == 0
    assert ran.document["resolution"] == "1day"
    found = ran.document["metrics"]
    assert set(found) == {"job:app.send:done", 'queue:a"b\\c\n:depth', "queue:default:wait_time"}
    assert found["job:app.send:done"]["type"] == "counter"
    (point,) = found["queue:default:wait_time"]["points"]
    assert point["bucket"].endswith("T00:00:00Z")
    assert point["value"]["count"] == 3
    assert point["value"]["avg"] == 2


def test_prometheus_can_read_it(project: Project, url: str) -> None:
    ran = project.run("metrics", "--database-url", url, "--openmetrics")
    assert ran.code == 0
    parsed = text_string_to_metric_families(ran.out)  # type: ignore[no-untyped-call]
    families = {family.name: family for family in parsed}
    samples = {
        (sample.name, sample.labels["key"], sample.labels.get("quantile")): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert samples["soniq_stored_counter_total", "job:app.send:done", None] == 1234
    assert samples["soniq_stored_gauge", 'queue:a"b\\c\n:depth', None] == 2.5
    wait_time = "queue:default:wait_time"
    assert samples["soniq_stored_histogram_count", wait_time, None] == 3
    assert samples["soniq_stored_histogram_sum", wait_time, None] == 6
    assert samples["soniq_stored_histogram", wait_time, "0.5"] == pytest.approx(2, rel=0.011)


def test_a_terminal_shows_sparklines_and_watches_until_ctrl_c(project: Project, url: str) -> None:
    command = [sys.executable, "-m", "soniq", "metrics", "--database-url", url, "--watch"]
    with Terminal(command, cwd=project.folder) as shown:
        shown.until("by 5min")
        shown.until("█")
        shown.press(CTRL_C)
        assert shown.exit_code() == 0


LONG = "table:soniq_dead_letter_jobs:total_size_bytes"


def test_long_keys_leave_room_for_sparklines_and_are_whole(project: Project, url: str) -> None:
    asyncio.run(_record_long(url))
    command = [sys.executable, "-m", "soniq", "metrics", "--database-url", url]
    with Terminal(command, cwd=project.folder, env={"COLUMNS": "80"}) as shown:
        assert shown.exit_code() == 0
    lines = [line.rstrip() for line in shown.text.splitlines()]
    assert "by 5min" in lines[0]
    assert all(len(line) <= 80 for line in lines)
    assert next(line for line in lines if "1,234" in line).endswith("█")
    first = next(each for each, line in enumerate(lines) if "4,096" in line)
    assert lines[first].endswith("█")
    parts = "".join(line.split(" ")[0] for line in lines[first : first + 3])
    assert parts.startswith(LONG)


async def _record_long(url: str) -> None:
    metrics = Metrics()
    async with Soniq(url, plugins=[metrics]):
        await metrics.record_gauge(LONG, 4096)


def test_a_terminal_with_no_room_for_bars_shows_whole_keys(project: Project, url: str) -> None:
    asyncio.run(_record_long(url))
    command = [sys.executable, "-m", "soniq", "metrics", "--database-url", url]
    with Terminal(command, cwd=project.folder, env={"COLUMNS": "50"}) as shown:
        assert shown.exit_code() == 0
    assert LONG in shown.text
    assert "by 5min" not in shown.text


def test_programs_that_watch_get_a_document_a_line(project: Project, url: str) -> None:
    with project.start("metrics", "--database-url", url, "--watch", "--json") as watching:
        for _ in range(2):
            found = json.loads(watching.line(r"^\{.*\}$")[0])
            assert found["resolution"] == "5min"
            assert found["metrics"]["job:app.send:done"]["points"][0]["value"] == 1234
        watching.send(signal.SIGINT)
        assert watching.exit_code() == 0


def test_nothing_stored_is_said(project: Project, url: str) -> None:
    ran = project.run("metrics", "--database-url", url, "--prefix", "nobody")
    assert ran.code == 0
    assert "No stored metrics whose keys begin with 'nobody'" in ran.out


def test_tables_that_are_missing_are_an_error_with_its_remedy(project: Project) -> None:
    ran = project.run("metrics", "--database-url", f"sqlite:///{project.folder / 'empty.db'}")
    assert ran.code == 1
    assert "SONIQ_SCHEMA_MISSING" in ran.err
    assert "soniq setup" in ran.err


def test_unknown_resolutions_and_two_formats_are_wrong_usage(project: Project, url: str) -> None:
    assert project.run("metrics", "--database-url", url, "--resolution", "2min").code == 2
    for other in ("--json", "--watch"):
        assert project.run("metrics", "--database-url", url, other, "--openmetrics").code == 2


def test_a_sparkline_has_a_bar_for_each_bucket_and_a_blank_for_a_gap() -> None:
    values = {moment(60 * minute): float(value) for minute, value in ((1, 0), (2, 4), (4, 8))}
    assert sparkline(values, "1min", 10) == "▁▅ █"
    assert sparkline(values, "1min", 3) == "▅ █"
    assert sparkline({}, "1min", 3) == ""
    assert sparkline({moment(60): 3.0}, "1min", 0) == ""
    assert sparkline({moment(60): 0.0}, "1min", 5) == "▁"
