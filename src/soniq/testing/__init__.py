"""For the tests of programs that use Soniq.

Nothing here imitates Soniq: jobs are stored by a real store and run by the pipeline of a real
worker, one at a time and only when a test says so. `soniq.testing.pytest_plugin` has fixtures.
"""

from soniq.backends.memory import MemoryBackend
from soniq.testing.clock import Clock
from soniq.testing.draining import drain
from soniq.testing.enqueued import Enqueued, assert_enqueued
from soniq.testing.making import make_app
from soniq.testing.waiting import wait_until

__all__ = [
    "Clock",
    "Enqueued",
    "MemoryBackend",
    "assert_enqueued",
    "drain",
    "make_app",
    "wait_until",
]
