"""Fixtures for pytest. To have them, name this module in the root ``conftest.py``::

    pytest_plugins = ["soniq.testing.pytest_plugin"]

``soniq_memory`` and ``soniq_pg`` are apps whose store is empty at the start of each test and gone
after it. The marker has them run the jobs of a program, whose own enqueues go to the fixture::

    @pytest.mark.soniq(app="shop.jobs:app")
    async def test_an_order_sends_a_mail(soniq_memory):
        await place_order("ann@example.com")  # somewhere in it: await send_mail.enqueue(...)
        await assert_enqueued(soniq_memory, send_mail, to="ann@example.com")
        await drain(soniq_memory)
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from soniq.app import Soniq
from soniq.backends.base import Backend
from soniq.backends.memory import MemoryBackend
from soniq.testing.borrowing import find_app, on_behalf_of, pointed
from soniq.testing.clock import Clock
from soniq.testing.enqueued import forgotten
from soniq.testing.making import KEPT

_MARKER: Final = 'soniq(app="module:attr"): run the jobs of that app on the fixture'


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture(autouse=True)
def _soniq_assertions_are_awaited() -> Iterator[None]:
    forgotten()
    yield
    if names := forgotten():
        pytest.fail(
            f"assert_enqueued was not awaited, and asserted nothing, for {', '.join(names)}: on a "
            "database write `await assert_enqueued(...)`",
            pytrace=False,
        )


@pytest.fixture
def soniq_clock() -> Clock:
    """A clock that stands still; a test that asks for it has its ``soniq_memory`` go by it."""
    return Clock()


@pytest.fixture
def soniq_memory(request: pytest.FixtureRequest) -> Iterator[Soniq]:
    """A Soniq in memory."""
    clock = None
    if "soniq_clock" in request.fixturenames:
        clock = request.getfixturevalue("soniq_clock")
    with _app(request, MemoryBackend(None if clock is None else clock.now)) as app:
        if clock is not None:
            clock.follow(app)
        yield app


@pytest.fixture
def soniq_pg(request: pytest.FixtureRequest) -> Iterator[Soniq]:
    """A Soniq on Postgres: all of it in one transaction, which is rolled back.

    It has tables of its own in that transaction, so `soniq setup` need not have run, and jobs that
    are in the database are not touched. Its ``backend.connection`` is the asyncpg connection, for
    what a test wants to write and enqueue together. Time stands still in a transaction: jobs with a
    delay stay queued.

    Skipped unless SONIQ_DATABASE_URL names a Postgres database.
    """
    from soniq.backends.postgres.one_transaction import OneTransactionBackend

    url = os.environ.get("SONIQ_DATABASE_URL", "")
    if not url.startswith(("postgresql://", "postgres://")):
        pytest.skip("SONIQ_DATABASE_URL names no Postgres database")
    backend = OneTransactionBackend(url)
    try:
        with _app(request, backend) as app:
            yield app
    finally:
        backend.abandon()


@contextmanager
def _app(request: pytest.FixtureRequest, backend: Backend) -> Iterator[Soniq]:
    marker = request.node.get_closest_marker("soniq")
    if marker is None:
        yield Soniq(backend=backend, result_ttl=KEPT)
        return
    lender = find_app(_named(marker))
    with pointed(lender, backend):
        yield on_behalf_of(lender, backend)


def _named(marker: pytest.Mark) -> str:
    if marker.args or set(marker.kwargs) != {"app"}:
        raise TypeError('the marker is written @pytest.mark.soniq(app="module:attr")')
    return str(marker.kwargs["app"])
