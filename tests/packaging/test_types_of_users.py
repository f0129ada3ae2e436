"""What a type checker says about programs that use the installed package."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.packaging.packages import Environment, Packages, make_typed_environment

pytestmark = pytest.mark.long

SAMPLE = Path(__file__).parent / "sample_project"


@pytest.fixture
def installed(packages: Packages, tmp_path: Path) -> Environment:
    """The wheel, beside the frameworks of the environment that runs the tests."""
    return make_typed_environment(tmp_path / "environment", packages.wheel)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the sample, far from Soniq's sources."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "project"))


def test_mypy_accepts_a_users_program_and_refuses_its_mistakes(
    installed: Environment, project: Path
) -> None:
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--python-executable", installed.python, "--no-incremental"],
        cwd=project,
        env=installed.variables({"MYPYPATH": None, "PYTHONWARNINGS": None}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert checked.stdout.startswith("Success"), checked.stdout + checked.stderr


def test_the_program_loads_the_installed_package(installed: Environment, project: Path) -> None:
    modules = "soniq, shop.orders, shop.extensions, shop.checks, shop.web"
    code = f"import {modules}; print(soniq.__file__)"
    done = installed.run("python", "-c", code, cwd=project)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed.folder)
