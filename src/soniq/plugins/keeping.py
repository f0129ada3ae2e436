"""What a plugin implements that keeps the numbers which handlers record."""

from __future__ import annotations

from abc import ABC, abstractmethod

from soniq.job import JobMetrics
from soniq.plugins.views import PluginWorker


class KeepsMetrics(ABC):
    """A plugin that stands behind ``ctx.metrics``; of several the first does."""

    @abstractmethod
    def metrics_of(self, worker: PluginWorker) -> JobMetrics:
        """Return what the handlers of `worker` get; it must be safe in threads."""
