"""When a worker looks everywhere, and how much of the time it may spend on it."""

from __future__ import annotations

import pytest

from soniq.backends.postgres.discovery import Discovery

INTERVAL = 10.0


@pytest.fixture(autouse=True)
def looks_at_will() -> None:
    """It does not: its share of the time is what these tests are about."""


@pytest.fixture
def discovery() -> Discovery:
    """One whose first look ended at 0."""
    discovery = Discovery(INTERVAL)
    discovery.done(0.0)
    return discovery


def test_the_first_look_is_due_at_once() -> None:
    assert Discovery(INTERVAL).is_due(0.0)


def test_the_next_look_is_due_before_the_next_poll(discovery: Discovery) -> None:
    assert not discovery.is_due(0.8 * INTERVAL)
    assert discovery.is_due(0.95 * INTERVAL)


def test_a_wanted_look_is_due_at_once_and_wanted_no_more_when_done(discovery: Discovery) -> None:
    discovery.wanted()
    assert discovery.is_due(1.0)
    discovery.done(1.0)
    assert not discovery.is_due(2.0)
    assert discovery.wanted_at() is None


def test_looks_take_five_percent_of_the_time(discovery: Discovery) -> None:
    # It took from 1.0 to 1.5: ten seconds in all, of which 0.5 were spent.
    discovery.spent(0.5, 1.5)
    discovery.wanted()
    assert discovery.wanted_at() == pytest.approx(11.0)
    assert not discovery.is_due(10.9)
    assert discovery.is_due(11.1)


def test_a_poll_waits_for_its_share_as_well(discovery: Discovery) -> None:
    discovery.spent(1.0, 1.0)
    assert not discovery.is_due(19.9)
    assert discovery.is_due(20.1)


def test_what_a_claim_spends_is_added_to_what_the_look_spent(discovery: Discovery) -> None:
    discovery.wanted()
    discovery.spent(0.5, 1.5)
    discovery.spent(0.25, 1.75)
    assert discovery.wanted_at() == pytest.approx(1.5 + 19 * 0.75)
