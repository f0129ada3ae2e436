"""Looks for what goes wrong in production, and says what to do about it: one file a check."""

from soniq.doctor.examination import Examination, Limits
from soniq.doctor.examine import CHECKS, Checked, examine
from soniq.doctor.finding import Finding, Level

__all__ = ["CHECKS", "Checked", "Examination", "Finding", "Level", "Limits", "examine"]
