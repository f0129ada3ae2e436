"""What the deployment files are checked with, and whether this machine has it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
SONIQ = Path(sys.executable).with_name("soniq")


def tool(name: str, package: str) -> str:
    """The path of a program of Debian's; where it is missing the test is skipped, but not in CI."""
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/bin")
    if found is None:
        reason = f"{name} is not installed (Debian: apt install {package})"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return found
