"""Packages as `pip install` gets them, and environments that have nothing but them."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Final

from tests.programs import environment

ROOT: Final = Path(__file__).resolve().parents[2]
_PATIENCE: Final = 300.0


@dataclass(frozen=True, slots=True)
class Packages:
    """What is published.

    Attributes:
        source: the source distribution.
        wheel: built from the checkout.
        wheel_of_source: built from `source`, unpacked elsewhere.
    """

    source: Path
    wheel: Path
    wheel_of_source: Path


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment."""

    folder: Path

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    def run(
        self, *command: str, cwd: Path, variables: Mapping[str, str | None] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one of its commands with nothing but the system's programs beside them on the PATH.

        Args:
            command: the name of the command in its ``bin``, and the arguments.
            cwd: where it runs.
            variables: changes to the environment variables; see `environment`.
        """
        return subprocess.run(
            [str(self.folder / "bin" / command[0]), *command[1:]],
            cwd=cwd,
            env=self.variables(variables or {}),
            capture_output=True,
            text=True,
            timeout=_PATIENCE,
            check=False,
        )

    def variables(self, changes: Mapping[str, str | None]) -> dict[str, str]:
        """The environment variables of its commands, without a trace of the checkout's."""
        own = {"PATH": str(self.folder / "bin"), "PYTHONPATH": None, "VIRTUAL_ENV": None}
        return environment({**own, "PYTHONWARNINGS": "error", **changes})


def build_packages(folder: Path) -> Packages:
    """Build the three packages with the tools of this environment; the page must be there."""
    source = _built("--sdist", ROOT, folder / "source")
    with tarfile.open(source) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    [unpacked] = (folder / "unpacked").iterdir()
    return Packages(
        source=source,
        wheel=_built("--wheel", ROOT, folder / "wheel"),
        wheel_of_source=_built("--wheel", unpacked, folder / "wheel_of_source"),
    )


def found_packages(folder: Path) -> Packages:
    """The packages that `build_packages` has left in `folder`."""
    places = ("source", "wheel", "wheel_of_source")
    return Packages(*(next((folder / place).iterdir()) for place in places))


def make_environment(
    folder: Path, requirement: str, *, python: str = sys.executable
) -> Environment:
    """Make an environment that has `requirement` and what it needs, in the locked versions.

    Args:
        folder: where it will be.
        requirement: what pip is to install.
        python: the interpreter that it is for.
    """
    lock = str(ROOT / "requirements-dev.lock")
    return _with_installed(folder, python, "--constraint", lock, requirement)


def make_typed_environment(folder: Path, wheel: Path) -> Environment:
    """Make an environment that has `wheel`, and after it what the running one has."""
    made = _with_installed(folder, sys.executable, "--no-deps", str(wheel))
    [packages] = folder.glob("lib/python*/site-packages")
    # The paths that such a file names are not searched for further files of the kind, so the
    # checkout, which is installed there by one, stays out.
    (packages / "beside.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return made


def metadata_of(wheel: Path) -> Message:
    """What the wheel says about itself."""
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


def _built(kind: str, source: Path, target: Path) -> Path:
    _succeed(
        [sys.executable, "-m", "build", "--no-isolation", kind, "--outdir", target, source],
        dict(os.environ),
    )
    [package] = target.iterdir()
    return package


def _with_installed(folder: Path, python: str, *arguments: str) -> Environment:
    made = Environment(folder)
    _succeed([python, "-m", "venv", folder], made.variables({"PYTHONWARNINGS": None}))
    _succeed(
        [made.python, "-m", "pip", "install", "-q", *arguments],
        made.variables({"PYTHONWARNINGS": None}),
    )
    return made


def _succeed(command: list[str | Path], variables: Mapping[str, str]) -> None:
    done = subprocess.run(
        command, env=variables, capture_output=True, text=True, timeout=_PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
