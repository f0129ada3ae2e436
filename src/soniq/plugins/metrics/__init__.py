"""Time series of jobs, queues and tables, kept in the database that the jobs are in."""

from soniq.plugins.metrics.metric import Metric
from soniq.plugins.metrics.plugin import Metrics

__all__ = ["Metric", "Metrics"]
