"""The page's own checks: its types, and what it computes by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

UI = Path(__file__).resolve().parents[2] / "ui"


@pytest.mark.parametrize("script", ["check", "test"])
def test_the_pages_own_checks_pass(built_page: None, script: str) -> None:
    code = f"from build_page import run_script; run_script({script!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=UI, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_nothing_is_set_as_markup() -> None:
    forbidden = ("innerhtml", "outerhtml", "insertadjacenthtml", "document.write", "eval(")
    sources = [*(UI / "src").rglob("*.ts"), *(UI / "src").rglob("*.tsx")]
    assert sources
    found = [
        f"{source.name}: {word}"
        for source in sources
        for word in forbidden
        if word in source.read_text(encoding="utf-8").lower()
    ]
    assert found == []


def test_no_address_is_recorded_with_the_libraries() -> None:
    lock = (UI / "package-lock.json").read_text(encoding="utf-8")
    assert '"integrity"' in lock
    assert '"resolved"' not in lock
