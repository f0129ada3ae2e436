"""Extending Soniq: subclass `Plugin` and hand it to ``Soniq(plugins=[...])``."""

from soniq.plugins.outcomes import Dead, Done, Retry, Snoozed
from soniq.plugins.plugin import Plugin
from soniq.plugins.views import PluginJob, PluginWorker

__all__ = ["Dead", "Done", "Plugin", "PluginJob", "PluginWorker", "Retry", "Snoozed"]
