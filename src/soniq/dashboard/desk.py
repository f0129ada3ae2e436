"""What the answers of the dashboard are made of: the application, and what requests share."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

from soniq.app import Soniq
from soniq.backends.base import Backend
from soniq.backends.dead_letters import DeadLetterJob
from soniq.backends.overview import EXACT, Counts, Endings, Overview
from soniq.dashboard.answers import DeadLetter, Job
from soniq.dashboard.figures import EstimatedStats, Stats
from soniq.dashboard.hosting import server_is_ending
from soniq.dashboard.live import Live, Look
from soniq.dashboard.memo import Memo
from soniq.plugins import Plugin
from soniq.records import JobDict, JobStatus
from soniq.redaction import Redaction

Answer = TypeVar("Answer")

METRICS: Final = "soniq.metrics"
_STATUSES: Final = ("queued", "processing", "done", "dead_letter", "cancelled")
# Some changes show only in what is counted.
_COUNT_AGAIN: Final = 10.0


class Desk:
    """What every request may use.

    Args:
        app: the application whose jobs are shown.
    """

    def __init__(self, app: Soniq) -> None:
        self.app = app
        self.memo = Memo()
        self.live = Live(self._look, is_over=lambda: app.is_closed or server_is_ending())
        self._redaction = Redaction(app.settings.redact, app._registry)
        self._counted = 0.0

    async def ask(self, question: Callable[[Backend], Awaitable[Answer]]) -> Answer:
        """The store's answer, waited for while it is away."""
        return await self.app._queries.ask(question)

    async def look_up(self, question: Callable[[Overview], Awaitable[Answer]]) -> Answer:
        """The answer of the store's overview, made for this request."""
        return await self.ask(lambda backend: question(backend.overview))

    async def counts(self) -> Counts:
        """The jobs of every queue."""
        return await self.memo.recall("counts", self._count)

    async def _count(self) -> Counts:
        counts = await self.look_up(lambda one: one.counts())
        self.memo.keeps = sum(each.done + each.queued for each in counts.queues) > EXACT
        return counts

    async def endings(self, since: float, step: float) -> Endings:
        """What ended in the last `since` seconds, in spans of `step`."""
        return await self.memo.recall(
            ("endings", since, step),
            lambda: self.look_up(lambda one: one.endings(since=since, step=step)),
        )

    async def stats(self) -> Stats:
        """How many jobs there are."""
        counts = await self.counts()
        numbers = {
            status: sum(getattr(each, status) for each in counts.queues) for status in _STATUSES
        }
        told = EstimatedStats if counts.estimated else Stats
        return told(total=sum(numbers.values()), **numbers)

    async def _look(self, before: Look | None) -> Look:
        pulse = await self.look_up(lambda one: one.pulse())
        now = time.monotonic()
        if before is not None and before.mark[0] == pulse and now < self._counted + _COUNT_AGAIN:
            return before
        self._counted = now
        stats = await self.stats()
        return Look((pulse, stats), stats)

    # --- plugins -------------------------------------------------------------------------------

    @property
    def stored_metrics(self) -> Plugin | None:
        """The plugin that stores metrics, None without it."""
        return self.app.plugins.get(METRICS)

    # --- showing -------------------------------------------------------------------------------

    def shown(self, job: JobDict) -> Job:
        """A job as people may see it."""
        return Job(**job | {"args": self.arguments(job["job_name"], job["args"])})

    def arguments(self, job_name: str, args: Any) -> Any:
        """Arguments without what is secret."""
        return self._redaction.args(job_name, args) if isinstance(args, dict) else args

    def shown_letter(self, letter: DeadLetterJob) -> DeadLetter:
        """A dead letter as people may see it."""
        return DeadLetter(
            id=letter.id,
            job_name=letter.job_name,
            args=self.arguments(letter.job_name, letter.args),
            status=JobStatus.DEAD_LETTER.value,
            queue=letter.queue,
            priority=letter.priority,
            attempts=letter.attempts,
            max_attempts=letter.max_attempts,
            crashes=letter.crashes,
            dedup_key=letter.dedup_key,
            scheduled_at=None,
            created_at=letter.original_created_at,
            started_at=None,
            finished_at=None,
            updated_at=letter.moved_to_dead_letter_at,
            last_error=letter.last_error,
            result=None,
            worker_id=None,
            producer_id=None,
            dead_letter_reason=str(letter.dead_letter_reason),
            original_created_at=letter.original_created_at,
            moved_to_dead_letter_at=letter.moved_to_dead_letter_at,
            resurrection_count=letter.resurrection_count,
            last_resurrection_at=letter.last_resurrection_at,
            last_resurrection_job_id=letter.last_resurrection_job_id,
            tags=letter.tags,
        )
