"""`soniq metrics`: the stored series of jobs, queues and tables."""

from __future__ import annotations

import asyncio
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.invocation import ask, find_app
from soniq.cli.options import App, AppOption, DatabaseUrl, JobsModules, Json, examples
from soniq.errors import masked

if TYPE_CHECKING:
    from soniq.plugins.metrics import Metric, Metrics

_Resolution = StrEnum(
    "_Resolution", {"MIN": "1min", "FIVE": "5min", "HOUR": "1hour", "DAY": "1day"}
)
_WATCH_EVERY: Final = 2.0
_LINE: Final = 16
"""Characters that long keys leave to sparklines, where twice as many are to be shared."""
_GAPS: Final = 6
"""Characters between the four columns."""


def register(commands: typer.Typer) -> None:
    """Add the command."""
    usage = examples(
        "soniq metrics",
        "soniq metrics --prefix queue:default --resolution 1min --watch",
        "soniq metrics --prefix queue --watch --json",
    )
    commands.command("metrics", epilog=usage)(metrics)


def metrics(
    app: App = None,
    prefix: Annotated[
        str, typer.Option(metavar="P", help="Only keys that begin with these parts.")
    ] = "",
    resolution: Annotated[_Resolution, typer.Option(help="How long a bucket is.")] = (
        _Resolution("5min")
    ),
    watch: Annotated[
        bool,
        typer.Option(
            "--watch",
            help="Again and again, until Ctrl+C; with --json one document a line.",
        ),
    ] = False,
    as_json: Json = False,
    as_openmetrics: Annotated[
        bool, typer.Option("--openmetrics", help="As text for Prometheus to scrape.")
    ] = False,
    app_option: AppOption = None,
    database_url: DatabaseUrl = None,
    jobs_modules: JobsModules = None,
) -> None:
    """Show what the Metrics plugin has stored."""
    if as_openmetrics and (as_json or watch):
        raise typer.BadParameter("give --openmetrics without --json and --watch.")

    async def question(app: Soniq) -> int:
        plugin = _plugin(app)
        if watch:
            return await _watch(app, plugin, prefix, resolution.value, as_json=as_json)
        wanted = "1day" if as_openmetrics else resolution.value
        found = await plugin.get_metrics(app, prefix, resolution=wanted)
        if as_json:
            output.document(_document(found, resolution.value))
        elif as_openmetrics:
            from soniq.plugins.metrics.exposition import openmetrics

            output.raw(openmetrics(found))
        else:
            _print(found, prefix, resolution.value)
        return 0

    ask(find_app(app, app_option, database_url, jobs_modules).app, question, as_json=as_json)


def _plugin(app: Soniq) -> Metrics:
    """The app's own, or one that only reads."""
    # Every command loads this module, but only this one needs the plugin and its sketches.
    from soniq.plugins.metrics import Metrics

    found = app.plugins.get(Metrics.get_identifier())
    return found if isinstance(found, Metrics) else Metrics()


async def _watch(
    app: Soniq, plugin: Metrics, prefix: str, resolution: str, *, as_json: bool
) -> int:
    try:
        while True:
            found = await plugin.get_metrics(app, prefix, resolution=resolution)
            if as_json:
                output.document(_document(found, resolution), in_one_line=True)
            else:
                output.clear()
                _print(found, prefix, resolution)
            await asyncio.sleep(_WATCH_EVERY)
    except asyncio.CancelledError:
        return 0


def _document(found: dict[str, Metric], resolution: str) -> dict[str, Any]:
    return {
        "resolution": resolution,
        "metrics": {
            key: {
                "type": metric.metric_type,
                "points": [
                    {"bucket": at, "value": value} for at, value in metric.points(resolution)
                ],
            }
            for key, metric in found.items()
        },
    }


def _why_none(prefix: str) -> str:
    if prefix:
        return f" whose keys begin with {prefix!r}."
    return (
        ". Workers of an app with plugins=[Metrics()] store them once a minute, and when they stop."
    )


def _print(found: dict[str, Metric], prefix: str, resolution: str) -> None:
    if not found:
        output.info(f"No stored metrics{_why_none(prefix)}")
        return
    rows = [
        (masked(key), metric.metric_type, _newest(metric, resolution))
        for key, metric in found.items()
    ]
    keys, kinds, values = (max(map(len, column)) for column in zip(*rows, strict=True))
    space = output.free_width(max(kinds, len("type")) + max(values, len("newest")) + _GAPS)
    if space < 2 * _LINE:
        output.table(("key", "type", "newest"), rows)
        return
    width = min(keys, space - _LINE)
    lines = (_line(metric, resolution, space - width) for metric in found.values())
    output.table(
        ("key", "type", "newest", f"by {resolution}"),
        ((_folded(row[0], width), *row[1:], line) for row, line in zip(rows, lines, strict=True)),
    )


def _folded(key: str, width: int) -> str:
    """A key in lines of at most `width` characters, which end with a part of it if they can."""
    lines = []
    while len(key) > width:
        end = key.rfind(":", 0, width) + 1 or width
        lines.append(key[:end])
        key = key[end:]
    return "\n".join([*lines, key])


def _newest(metric: Metric, resolution: str) -> str:
    points = metric.points(resolution)
    if not points:
        return "-"
    value = points[0][1]
    if isinstance(value, dict):
        return f"{value['count']:,} x {value['avg']:.3g} (p95 {value['p95']:.3g})"
    return f"{value:,}" if isinstance(value, int) else f"{value:,.4g}"


def _line(metric: Metric, resolution: str, width: int) -> str:
    from soniq.cli.sparklines import sparkline

    values: dict[datetime, float] = {}
    for at, value in metric.points(resolution):
        values[at] = value["avg"] if isinstance(value, dict) else value
    return sparkline(values, resolution, width)
