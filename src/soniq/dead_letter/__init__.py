"""Jobs that were given up: finding, replaying, deleting, tagging, counting and exporting them."""

from soniq.backends.dead_letters import DeadLetterJob
from soniq.dead_letter.filters import DeadLetterFilter
from soniq.dead_letter.service import DeadLetterService
from soniq.dead_letter.stats import DeadLetterStats
from soniq.records import DeadLetterReason

__all__ = [
    "DeadLetterFilter",
    "DeadLetterJob",
    "DeadLetterReason",
    "DeadLetterService",
    "DeadLetterStats",
]
