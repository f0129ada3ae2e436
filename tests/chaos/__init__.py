"""Faults injected for real, and a checker of what became of the jobs meanwhile."""
