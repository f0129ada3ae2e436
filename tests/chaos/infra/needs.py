"""What some faults need of the machine: skipped where it is missing, a failure in CI."""

from __future__ import annotations

import os
import shutil

import pytest


def need(available: bool, reason: str) -> None:
    """Skip the running test with `reason` where something is not available; in CI fail it."""
    if available:
        return
    if os.environ.get("CI"):
        pytest.fail(f"CI must have this: {reason}")
    pytest.skip(reason)


def need_root(purpose: str) -> None:
    """For what only root may do."""
    need(os.geteuid() == 0, f"{purpose} needs root")


def need_program(name: str, package: str) -> None:
    """For a program of one of Debian's packages."""
    need(shutil.which(name) is not None, f"{name} is not installed (Debian's package {package})")
