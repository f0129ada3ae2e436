"""Gives each peer an environment of its own, under ``.bench-venvs/`` beside the project."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.errors import NotMeasured
from bench.peers.catalogue import Peer
from bench.processes import ROOT

FOLDER = ROOT / ".bench-venvs"
NEWER_PYTHONS = ("python3.12", "python3.13", "python3.14")
PYENV = Path.home() / ".pyenv" / "versions"
TIMEOUT = 300.0
_why_not: dict[str, str] = {}


async def python_of(peer: Peer) -> Path:
    """The interpreter of `peer`'s environment, which is made when it is not there.

    Raises:
        NotMeasured: it cannot be installed here.
    """
    if peer.module in _why_not:
        raise NotMeasured(_why_not[peer.module])
    try:
        return await asyncio.to_thread(_install, peer)
    except NotMeasured as reason:
        _why_not[peer.module] = str(reason)
        raise


def _install(peer: Peer) -> Path:
    folder = FOLDER / peer.module
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = "\n".join(peer.requirements)
    if not (stamp.exists() and stamp.read_text() == wanted):
        print(f"Installing {peer.requirements[0]} into {folder} ...", file=sys.stderr)
        shutil.rmtree(folder, ignore_errors=True)
        _run([str(_newer_python()), "-m", "venv", str(folder)])
        _run([str(python), "-m", "pip", "install", "--quiet", *peer.requirements])
        stamp.write_text(wanted)
    return python


def _newer_python() -> Path:
    """A Python that every peer supports: 3.12 or newer; else the one that runs the bench."""
    return next(_usable_pythons(), Path(sys.executable))


def _usable_pythons() -> Iterator[Path]:
    on_path = [shutil.which(name) for name in NEWER_PYTHONS]
    kept_by_pyenv = [path for name in NEWER_PYTHONS for path in PYENV.glob(f"*/bin/{name}")]
    for path in [*(Path(found) for found in on_path if found), *kept_by_pyenv]:
        # A version manager's shim is found but refuses to run a version that is not switched on.
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            yield path


def _run(command: list[str]) -> None:
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotMeasured(f"cannot be installed: {error}") from error
    if ran.returncode != 0:
        why = (ran.stderr.strip() or ran.stdout.strip() or "no reason given").splitlines()[-1]
        raise NotMeasured(f"cannot be installed: {why}")
