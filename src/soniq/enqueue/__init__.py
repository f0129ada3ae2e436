"""Enqueueing: a call becomes a job, and jobs that come at the same time share statements."""

from soniq.enqueue.enqueuer import Enqueuer
from soniq.enqueue.function import JobDecorator, JobFunction, add_methods, refuse_positional
from soniq.enqueue.options import Options
from soniq.enqueue.resolver import Resolver
from soniq.enqueue.targets import AnyTarget

__all__ = [
    "AnyTarget",
    "Enqueuer",
    "JobDecorator",
    "JobFunction",
    "Options",
    "Resolver",
    "add_methods",
    "refuse_positional",
]
