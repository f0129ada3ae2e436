"""A disk of a few megabytes that is really full when it is full."""

from __future__ import annotations

import pwd
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Final, Self

_BALLAST: Final = "ballast"
_BLOCK: Final = 4096


class SmallDisk:
    """A tmpfs that belongs to the user that test servers run as; a context manager.

    Args:
        mebibytes: its size.
    """

    def __init__(self, mebibytes: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="soniq-disk-", dir="/tmp"))
        self._mebibytes = mebibytes

    def __enter__(self) -> Self:
        owner = pwd.getpwnam("nobody")
        options = f"size={self._mebibytes}m,mode=700,uid={owner.pw_uid},gid={owner.pw_gid}"
        _run("mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder))
        return self

    def fill(self) -> None:
        """Leave no room at all."""
        with (self.folder / _BALLAST).open("ab", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(bytes(_BLOCK))
            except OSError:
                return

    def free(self) -> None:
        """Give the room back."""
        (self.folder / _BALLAST).unlink(missing_ok=True)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # Lazily: a server that is still ending may have files open here.
        _run("umount", "--lazy", str(self.folder))
        self.folder.rmdir()


def _run(*words: str) -> None:
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {made.stderr.strip()}")
