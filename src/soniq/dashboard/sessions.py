"""The cookie of somebody who has given the key: opaque, signed, and good for some hours.

It holds nothing but its end. The key signs it, so every process of a dashboard takes the cookies of
the others, and none is good any more once the key is changed.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from typing import Final

COOKIE: Final = "soniq_session"
LIFE: Final = 12 * 3600
_PURPOSE: Final = b"soniq dashboard session 1"


class Sessions:
    """Makes and checks cookies.

    Args:
        key: the dashboard's key.
        clock: what time it is, in seconds since the epoch.
    """

    def __init__(self, key: str, clock: Callable[[], float] = time.time) -> None:
        self._secret = hmac.digest(key.encode(), _PURPOSE, "sha256")
        self._clock = clock

    def begin(self) -> str:
        """A new cookie's value."""
        told = f"{int(self._clock()) + LIFE}.{secrets.token_urlsafe(12)}"
        return f"{told}.{self._signature(told)}"

    def holds(self, cookie: str) -> bool:
        """Whether it was made here, and its time is not over."""
        told, _, signature = cookie.rpartition(".")
        if not same_text(signature, self._signature(told)):
            return False
        return float(told.partition(".")[0]) > self._clock()

    def _signature(self, told: str) -> str:
        digest = hmac.digest(self._secret, told.encode(errors="replace"), "sha256")
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def same_text(given: str, expected: str) -> bool:
    """Whether two texts are the same, in a time that tells nothing of either."""
    given_digest, expected_digest = (
        hashlib.sha256(text.encode(errors="replace")).digest() for text in (given, expected)
    )
    return hmac.compare_digest(given_digest, expected_digest)
