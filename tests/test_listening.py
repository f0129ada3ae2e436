"""A socket where somebody has asked for it, or an error that says why there is none."""

from __future__ import annotations

import socket

import pytest

from soniq.listening import listening


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_any_free_port_of_this_machine(host: str) -> None:
    with listening(host, 0) as found:
        port = found.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            listening(host, port)
        socket.create_connection((host, port), timeout=10).close()


@pytest.mark.parametrize(
    "host", ["。", "\udcff", "a\0b", "a..b", "no-such-host.invalid", "x" * 300, "300.0.0.1"]
)
def test_what_is_no_host_is_refused_as_an_address_that_cannot_be_had(host: str) -> None:
    with pytest.raises(OSError):
        listening(host, 0).close()
