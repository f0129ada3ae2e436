"""The dashboard's page, as its sources are."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

_SCRIPT: Final = Path(__file__).resolve().parents[1] / "ui" / "build_page.py"


def build_page() -> None:
    """Build the page if its sources are newer; other test processes wait for the one that does."""
    lock = Path(tempfile.gettempdir()) / f"soniq-page-{os.getuid()}.lock"
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        subprocess.run([sys.executable, str(_SCRIPT)], check=True)
