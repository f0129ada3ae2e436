"""The wheel works on every Python that its classifiers name."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.packages import ROOT, Packages, make_environment, metadata_of

pytestmark = pytest.mark.long

NEWER = ["3.12", "3.13"]


def test_the_classifiers_name_the_pythons_that_are_tested(packages: Packages) -> None:
    prefix = "Programming Language :: Python :: 3."
    classifiers = metadata_of(packages.wheel).get_all("Classifier", [])
    named = [f"3.{one.removeprefix(prefix)}" for one in classifiers if one.startswith(prefix)]
    assert sorted(named) == ["3.11", *NEWER]


@pytest.mark.parametrize("version", NEWER)
def test_jobs_run_on_newer_pythons(packages: Packages, tmp_path: Path, version: str) -> None:
    python = _interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version} on the PATH or under ~/.pyenv")
    made = make_environment(tmp_path / "environment", str(packages.wheel), python=python)
    program = (ROOT / "examples" / "quickstart.py").read_text()
    (tmp_path / "program.py").write_text(program)
    done = made.run("python", "program.py", cwd=tmp_path)
    assert "Hello, world!" in done.stdout, done.stdout + done.stderr
    worker = made.run("soniq", "worker", "program:app", "--run-once", cwd=tmp_path)
    assert worker.returncode == 0, worker.stdout + worker.stderr


def _interpreter(version: str) -> str | None:
    """One that starts: the shims of pyenv stand on the PATH for versions that are not chosen."""
    managed = (Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin/python")
    for candidate in (shutil.which(f"python{version}"), *map(str, managed)):
        if candidate is None:
            continue
        asked = subprocess.run([candidate, "--version"], capture_output=True, check=False)
        if asked.returncode == 0:
            return candidate
    return None
