"""A socket that listens where somebody has asked for it."""

from __future__ import annotations

import socket


def listening(host: str, port: int) -> socket.socket:
    """A new socket at an address of this machine, which is the caller's to close.

    Who connects from now on is not refused, and waits until somebody accepts it.

    Args:
        host: a name or an address.
        port: 0 for any that is free.

    Raises:
        OSError: the address cannot be had, or `host` is nothing that could be one.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sends small answers without delay only where the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen()
    except (TypeError, UnicodeError) as error:
        listener.close()
        raise OSError(f"{host!r} names no host") from error
    except BaseException:
        listener.close()
        raise
    return listener
