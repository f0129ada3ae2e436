"""Writes soniq.json, the Grafana dashboard: python deploy/grafana/make_dashboard.py"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WIDTH: Final = 24

# Title, unit, expressions with their legends; four small ones, then charts in pairs.
FIGURES: Final = (
    ("Queued jobs", "short", 'sum(soniq_queue_jobs{status="queued"})'),
    ("Oldest due job", "s", "max(soniq_queue_oldest_seconds)"),
    ("Live workers", "short", 'sum(soniq_workers{status="active"})'),
    ("Dead letters", "short", 'sum(soniq_queue_jobs{status="dead_letter"})'),
)
CHARTS: Final = (
    (
        "Runs ended",
        "ops",
        [("sum by (status) (rate(soniq_jobs_completed_total[$__rate_interval]))", "{{status}}")],
    ),
    (
        "Runs ended, by queue",
        "ops",
        [("sum by (queue) (rate(soniq_jobs_completed_total[$__rate_interval]))", "{{queue}}")],
    ),
    (
        "How long runs take",
        "s",
        [
            (
                (
                    f"histogram_quantile({share}, sum by (le) "
                    "(rate(soniq_job_duration_seconds_bucket[$__rate_interval])))"
                ),
                f"p{round(share * 100)}",
            )
            for share in (0.5, 0.95, 0.99)
        ],
    ),
    (
        "The slowest jobs (p95)",
        "s",
        [
            (
                (
                    "topk(10, histogram_quantile(0.95, sum by (job_name, le) "
                    "(rate(soniq_job_duration_seconds_bucket[$__rate_interval]))))"
                ),
                "{{job_name}}",
            )
        ],
    ),
    (
        "Queued jobs, by queue",
        "short",
        [('sum by (queue) (soniq_queue_jobs{status="queued"})', "{{queue}}")],
    ),
    (
        "Oldest due job, by queue",
        "s",
        [("max by (queue) (soniq_queue_oldest_seconds)", "{{queue}}")],
    ),
    (
        "Under way",
        "short",
        [
            ("sum(soniq_jobs_in_progress)", "runs"),
            ('sum(soniq_queue_jobs{status="processing"})', "as the database has it"),
        ],
    ),
    (
        "Runs that failed",
        "percentunit",
        [
            (
                (
                    "sum by (job_name) "
                    '(rate(soniq_jobs_completed_total{status=~"failed|dead_letter"}[$__rate_interval]))'
                    " / sum by (job_name) (rate(soniq_jobs_completed_total[$__rate_interval]))"
                ),
                "{{job_name}}",
            )
        ],
    ),
)


def panel(number: int, title: str, unit: str, targets: list[tuple[str, str]], **more: Any) -> Any:
    """One panel."""
    return {
        "id": number,
        "title": title,
        "datasource": DATASOURCE,
        "fieldConfig": {"defaults": {"unit": unit, "min": 0}, "overrides": []},
        "targets": [
            {"refId": chr(65 + at), "datasource": DATASOURCE, "expr": expr, "legendFormat": legend}
            for at, (expr, legend) in enumerate(targets)
        ],
        **more,
    }


def dashboard() -> Any:
    """The whole dashboard."""
    wide = WIDTH // len(FIGURES)
    figures = [
        panel(
            at + 1,
            title,
            unit,
            [(expr, title)],
            type="stat",
            gridPos={"x": at * wide, "y": 0, "w": wide, "h": 4},
        )
        for at, (title, unit, expr) in enumerate(FIGURES)
    ]
    charts = [
        panel(
            at + len(FIGURES) + 1,
            title,
            unit,
            targets,
            type="timeseries",
            gridPos={"x": at % 2 * 12, "y": 4 + at // 2 * 8, "w": 12, "h": 8},
        )
        for at, (title, unit, targets) in enumerate(CHARTS)
    ]
    return {
        "uid": "soniq",
        "title": "Soniq",
        "tags": ["soniq"],
        "schemaVersion": 39,
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "templating": {
            "list": [{"name": "datasource", "type": "datasource", "query": "prometheus"}]
        },
        "panels": [*figures, *charts],
    }


if __name__ == "__main__":
    file = Path(__file__).with_name("soniq.json")
    file.write_text(json.dumps(dashboard(), indent=2) + "\n")
