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

    Between them lies a bridge in a network of its own, where the cable can be cut: what is lost
    there, neither host can tell from what is late. `far_from_here` is the far host's other address.
    """

    def __init__(self) -> None:
        self._tag = f"{os.getpid() % 10_000:04d}"
        net = f"10.99.{os.getpid() % 200}"
        self.near = Host(f"soniq-near-{self._tag}", f"{net}.1")
        self.far = Host(f"soniq-far-{self._tag}", f"{net}.2")
        self.far_from_here = f"{net}.130"
        self._here = f"{net}.129"
        self._between = f"soniq-cable-{self._tag}"

    def __enter__(self) -> Self:
        try:
            self._lay()
        except BaseException:
            self._remove()
            raise
        return self

    def _lay(self) -> None:
        for name in (self.near.name, self.far.name, self._between):
            _ip("netns", "add", name)
            _ip("-n", name, "link", "set", "lo", "up")
        _ip("-n", self._between, "link", "add", "bridge", "type", "bridge")
        _ip("-n", self._between, "link", "set", "bridge", "up")
        self._plug_in(self.near, self.far)
        self._plug_in(self.far, self.near)
        here = f"soniq{self._tag}"
        _ip("link", "add", here, "type", "veth", "peer", "name", "outside", "netns", self.far.name)
        _ip("link", "set", here, "up")
        _ip("addr", "add", f"{self._here}/25", "dev", here)
        _ip("-n", self.far.name, "link", "set", "outside", "up")
        _ip("-n", self.far.name, "addr", "add", f"{self.far_from_here}/25", "dev", "outside")

    def _plug_in(self, host: Host, other: Host) -> None:
        port = self._port(host)
        _ip("-n", self._between, "link", "add", port, "type", "veth",
            "peer", "name", "cable", "netns", host.name)  # fmt: skip
        _ip("-n", self._between, "link", "set", port, "up", "master", "bridge")
        _ip("-n", host.name, "link", "set", "cable", "address", _mac(host), "up")
        _ip("-n", host.name, "addr", "add", f"{host.address}/25", "dev", "cable")
        # As behind a router, which stays reachable whatever is lost behind it.
        _ip("-n", host.name, "neigh", "add", other.address, "lladdr", _mac(other),
            "dev", "cable", "nud", "permanent")  # fmt: skip

    def _port(self, host: Host) -> str:
        return "port-near" if host is self.near else "port-far"

    def cut(self) -> None:
        """Nothing passes between the hosts any more, and neither is told."""
        _ip("-n", self._between, "link", "set", self._port(self.near), "nomaster")

    def mend(self) -> None:
        """Packets pass again."""
        _ip("-n", self._between, "link", "set", self._port(self.near), "master", "bridge")

    def _remove(self) -> None:
        for name in (self.near.name, self.far.name, self._between):
            if (_NAMES / name).exists():
                _ip("netns", "del", name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._remove()


def _ip(*words: str) -> None:
    made = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise RuntimeError(f"ip {' '.join(words)}: {made.stderr.strip()}")


def _mac(host: Host) -> str:
    return "02:00:" + ":".join(f"{int(part):02x}" for part in host.address.split("."))


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
