"""Packages carry the page, also where they are made without Node."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.packaging.packages import ROOT

pytestmark = pytest.mark.long


@pytest.mark.parametrize("old", [False, True], ids=["no-page", "old-page"])
def test_a_checkout_on_a_machine_without_node_makes_packages_with_their_page(
    tmp_path: Path, old: bool
) -> None:
    checkout = _checkout(tmp_path / "checkout")
    if old:
        _leave_old_page(checkout / "src" / "soniq" / "dashboard" / "static")
    path = _path_without_node(tmp_path / "bin")
    source = _built("--sdist", checkout, tmp_path / "made", path)
    with tarfile.open(source) as archive:
        names = archive.getnames()
        archive.extractall(tmp_path / "unpacked", filter="data")
    assert any(name.endswith("/dashboard/static/index.html") for name in names)
    assert not any("node_modules" in name for name in names)

    unpacked = tmp_path / "unpacked" / source.name.removesuffix(".tar.gz")
    wheel = _built("--wheel", unpacked, tmp_path / "made", path)
    with zipfile.ZipFile(wheel) as archive:
        inside = archive.namelist()
        page = archive.read("soniq/dashboard/static/index.html").decode()
    named = [name for name in inside if "/dashboard/static/app-" in name]
    assert named
    assert all(Path(name).name in page for name in named)
    assert not (unpacked / "ui" / "node_modules").exists(), "the page was built anew"


def _checkout(folder: Path) -> Path:
    """A copy of what is in version control, as it is now."""
    (folder / ".git").mkdir(parents=True)
    listed = subprocess.run(
        ["git", "ls-files", "-z", "src", "ui", "*.toml", "*.md", "*.py", "LICENSE", ".gitignore"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    return folder


def _leave_old_page(static: Path) -> None:
    static.mkdir()
    (static / "index.html").write_text("an old page")
    os.utime(static / "index.html", (0, 0))


def _path_without_node(folder: Path) -> str:
    folder.mkdir()
    for tool in ("sh", "env", "uname", "dirname"):
        found = shutil.which(tool)
        if found is not None:
            (folder / tool).symlink_to(found)
    return str(folder)


def _built(kind: str, source: Path, target: Path, path: str) -> Path:
    before = set(target.iterdir()) if target.exists() else set()
    made = subprocess.run(
        [sys.executable, "-m", "build", kind, "--outdir", str(target), str(source)],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    [package] = set(target.iterdir()) - before
    return package
