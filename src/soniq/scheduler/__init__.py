"""Schedules: adding and editing them, and firing them when they are due."""

from soniq.scheduler.service import Scheduler

__all__ = ["Scheduler"]
