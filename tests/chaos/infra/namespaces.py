"""Two hosts and the cable between them: network namespaces and a pair of virtual interfaces.

What runs in a host is started through it: a process keeps the network that the thread had which
started it.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TypeVar

Result = TypeVar("Result")

_NEW_NETWORK: Final = 0x40000000
_NAMES: Final = Path("/run/netns")


class Host:
    """A network namespace with one address.

    Args:
        name: of the namespace.
        address: its own.
    """

    def __init__(self, name: str, address: str) -> None:
        self.name = name
        self.address = address

    def start(self, work: Callable[[], Result]) -> Result:
        """Return what `work` returns, called where this host's network is the network."""
        results: list[Result] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                _enter(_NAMES / self.name)
                results.append(work())
            except BaseException as error:  # noqa: BLE001 - raised again in the calling thread
                errors.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if errors:
            raise errors[0]
        return results[0]


class Cable:
    """Two hosts that reach each other and, as on another network, are reached from here.

    The cable between them can be cut. `here` tells how to reach them from outside.
    """

    def __init__(self) -> None:
        self._tag = f"{os.getpid() % 10_000:04d}"
        net = f"10.99.{os.getpid() % 200}"
        self.near = Host(f"soniq-near-{self._tag}", f"{net}.1")
        self.far = Host(f"soniq-far-{self._tag}", f"{net}.2")
        self.far_from_here = f"{net}.130"
        self._here = f"{net}.129"

    def __enter__(self) -> Self:
        try:
            self._lay()
        except BaseException:
            self._remove()
            raise
        return self

    def _lay(self) -> None:
        near, far, tag = self.near, self.far, self._tag
        for host in (near, far):
            _ip("netns", "add", host.name)
            _ip("-n", host.name, "link", "set", "lo", "up")
        _ip("link", "add", f"sqn{tag}", "netns", near.name, "type", "veth",
            "peer", "name", f"sqf{tag}", "netns", far.name)  # fmt: skip
        _ip("link", "add", f"sqh{tag}", "type", "veth",
            "peer", "name", f"sqo{tag}", "netns", far.name)  # fmt: skip
        ends: tuple[tuple[list[str], str, str], ...] = (
            (["-n", near.name], f"sqn{tag}", f"{near.address}/25"),
            (["-n", far.name], f"sqf{tag}", f"{far.address}/25"),
            (["-n", far.name], f"sqo{tag}", f"{self.far_from_here}/25"),
            ([], f"sqh{tag}", f"{self._here}/25"),
        )
        for where, device, address in ends:
            _ip(*where, "addr", "add", address, "dev", device)
            _ip(*where, "link", "set", device, "up")

    def cut(self) -> None:
        """Nothing passes between the hosts any more, and neither is told."""
        # A bucket that never fills: an interface that is down would answer its own host at once.
        self._discipline("add", "root", "tbf", "rate", "8bit", "burst", "1", "limit", "1")

    def mend(self) -> None:
        """Packets pass again."""
        self._discipline("del", "root")

    def _discipline(self, change: str, *how: str) -> None:
        for host, device in ((self.near, f"sqn{self._tag}"), (self.far, f"sqf{self._tag}")):
            _run("tc", "-n", host.name, "qdisc", change, "dev", device, *how)

    def _remove(self) -> None:
        for host in (self.near, self.far):
            if (_NAMES / host.name).exists():
                _ip("netns", "del", host.name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()


def _ip(*words: str) -> None:
    _run("ip", *words)


def _run(*words: str) -> None:
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"{' '.join(words)}: {made.stderr.strip()}")


def _enter(namespace: Path) -> None:
    """Move the calling thread, and what it starts, into another network."""
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = os.open(namespace, os.O_RDONLY)
    try:
        if libc.setns(descriptor, _NEW_NETWORK) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(namespace))
    finally:
        os.close(descriptor)
