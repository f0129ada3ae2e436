"""The page on which a worker's Prometheus sink is scraped."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from prometheus_client import CollectorRegistry

from soniq.app import Soniq
from soniq.cli import output
from soniq.cli.failures import CommandFailed
from soniq.observability import NoopMetricsSink, PrometheusMetricsSink
from soniq.observability.exposition import served
from soniq.observability.prometheus import registries
from soniq.observability.shared_counts import SharedCounts


def attach_sink(app: Soniq) -> bool:
    """Have the runs of an app without a sink counted; whether it had none."""
    if type(app.metrics_sink) is not NoopMetricsSink:
        return False
    app.metrics_sink = PrometheusMetricsSink()
    return True


@contextmanager
def page(app: Soniq, port: int | None) -> Iterator[None]:
    """Serve what this process counts, if a port is given."""
    if port is None:
        yield
    else:
        with _served(_registry_of(app), port):
            yield


@contextmanager
def shared_page(app: Soniq, port: int | None) -> Iterator[SharedCounts | None]:
    """Serve what processes count together in the place it gives, if a port is given."""
    if port is None:
        yield None
    else:
        _registry_of(app)
        with SharedCounts() as counts, _served(counts.registry, port):
            yield counts


def _registry_of(app: Soniq) -> CollectorRegistry:
    if attach_sink(app):
        output.info("The app has no metrics sink: a PrometheusMetricsSink counts its runs")
    if isinstance(app.metrics_sink, PrometheusMetricsSink):
        return app.metrics_sink.registry
    # A sink of the user's own may hand on to a Prometheus sink.
    known = registries()
    if len(known) != 1:
        raise CommandFailed(
            "--metrics-port serves a PrometheusMetricsSink, and the app's metrics sink is a "
            f"{type(app.metrics_sink).__name__}. Leave the option out, or give the app a "
            "PrometheusMetricsSink."
        )
    return known[0]


@contextmanager
def _served(registry: CollectorRegistry, port: int) -> Iterator[None]:
    with ExitStack() as stack:
        try:
            bound = stack.enter_context(served(registry, port))
        except OSError as error:
            raise CommandFailed(_refusal(port, error)) from error
        output.info(f"Metrics: http://localhost:{bound}/metrics (on all interfaces)")
        yield


def _refusal(port: int, error: OSError) -> str:
    what = f"Metrics cannot be served on port {port}"
    if error.errno == errno.EADDRINUSE:
        return f"{what}: it is taken by another program. Give --metrics-port a free one."
    return f"{what}: {error.strerror or error}. Give --metrics-port another one."
