"""How often somebody may guess the key."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Final

_ALLOWED: Final = 10
_WITHIN: Final = 60.0
_ADDRESSES: Final = 10_000
_NETWORK: Final = 64


class Attempts:
    """Counts wrong keys by address, over the last minute; an IPv6 network of 64 bits is one.

    Args:
        clock: seconds, from anywhere on.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_for(self, address: str) -> float:
        """Seconds until this address may try again; 0 when it may."""
        failures = self._failures.get(_place(address))
        if failures is None:
            return 0.0
        now = self._clock()
        while failures and failures[0] <= now - _WITHIN:
            failures.popleft()
        return failures[0] + _WITHIN - now if len(failures) >= _ALLOWED else 0.0

    def failed(self, address: str) -> None:
        """A wrong key came from this address."""
        place = _place(address)
        failures = self._failures.setdefault(place, deque(maxlen=_ALLOWED))
        failures.append(self._clock())
        self._failures.move_to_end(place)
        if len(self._failures) > _ADDRESSES:
            self._failures.popitem(last=False)


def _place(address: str) -> str:
    """What an address is counted as: whoever has an IPv6 address has all of its network."""
    try:
        found = ipaddress.IPv6Address(address)
    except ValueError:
        return address
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(found), _NETWORK), strict=False))
