"""Packages and environments that are made once for all tests of a run."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.packaging.packages import (
    Environment,
    Packages,
    build_packages,
    found_packages,
    make_environment,
)
from tests.page import build_page


@pytest.fixture(scope="session")
def shared_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of this run; under xdist that of all its processes."""
    own = tmp_path_factory.getbasetemp()
    folder = own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own
    (folder / "packaging").mkdir(exist_ok=True)
    return folder / "packaging"


@pytest.fixture(scope="session")
def packages(shared_folder: Path) -> Packages:
    """Source distribution and wheels of this checkout."""

    def make(folder: Path) -> None:
        build_page()
        build_packages(folder)

    return found_packages(_made_once(shared_folder / "packages", make))


@pytest.fixture(scope="session")
def plain(shared_folder: Path, packages: Packages) -> Environment:
    """What ``pip install soniq`` gives."""
    return _installed(shared_folder / "plain", str(packages.wheel))


@pytest.fixture(scope="session")
def with_dashboard(shared_folder: Path, packages: Packages) -> Environment:
    """What ``pip install 'soniq[dashboard]'`` gives."""
    return _installed(shared_folder / "with_dashboard", f"{packages.wheel}[dashboard]")


def _installed(folder: Path, requirement: str) -> Environment:
    def make(folder: Path) -> None:
        make_environment(folder, requirement)

    return Environment(_made_once(folder, make))


def _made_once(folder: Path, make: Callable[[Path], None]) -> Path:
    """Let one process make the folder; the others wait for it."""
    done = folder.with_suffix(".done")
    with folder.with_suffix(".lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not done.exists():
            make(folder)
            done.touch()
    return folder
