"""What the answers of the dashboard are made of: the application, and what requests share."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from soniq.app import Soniq
from soniq.backends.base import Backend
from soniq.dashboard.answers import Job, Stats
from soniq.dashboard.live import Live, Look
from soniq.records import JobDict
from soniq.redaction import Redaction

Answer = TypeVar("Answer")


class Desk:
    """What every request may use.

    Args:
        app: the application whose jobs are shown.
    """

    def __init__(self, app: Soniq) -> None:
        self.app = app
        self.live = Live(self._look)
        self._redaction = Redaction(app.settings.redact, app._registry)

    async def stats(self) -> Stats:
        """How many jobs there are."""
        return Stats(**await self.app.get_queue_stats(), estimated=False)

    async def _look(self, _: Look | None) -> Look:
        stats = await self.stats()
        return Look(stats, stats)

    async def ask(self, question: Callable[[Backend], Awaitable[Answer]]) -> Answer:
        """The store's answer, waited for while it is away."""
        return await self.app._queries.ask(question)

    @property
    def stored_metrics(self) -> Any:
        """The plugin that stores metrics, None without it."""
        return None

    def shown(self, job: JobDict) -> Job:
        """A job as people may see it."""
        return Job(**job | {"args": self.arguments(job["job_name"], job["args"])})

    def arguments(self, job_name: str, args: Any) -> Any:
        """Arguments without what is secret."""
        return self._redaction.args(job_name, args) if isinstance(args, dict) else args
