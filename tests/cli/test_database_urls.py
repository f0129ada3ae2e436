"""Two spellings of one database are no conflict."""

from __future__ import annotations

from pathlib import Path

import pytest

from soniq.cli.database_urls import same_database


@pytest.mark.parametrize(
    "one, other",
    [
        ("postgres://me@host/app", "postgresql://me@host:5432/app"),
        ("postgresql://me:one@HOST/app", "postgresql://me:other@host/app?sslmode=require"),
        ("postgresql://me@a,b:5433/app", "postgresql://me@a:5432,b:5433/app"),
        ("postgresql:///app?host=/run/pg&user=me", "postgresql://me@/app?host=/run/pg"),
        ("postgresql://me@[::1]/app", "postgresql://me@[::1]:5432/app"),
        ("sqlite:///jobs.db", "jobs.db"),
        ("sqlite:///./jobs.db", "sqlite:///other/../jobs.db"),
        ("memory://", "memory://"),
    ],
)
def test_spellings_of_one_database_agree(one: str, other: str) -> None:
    assert same_database(one, other)


@pytest.mark.parametrize(
    "one, other",
    [
        ("postgresql://me@host/app", "postgresql://me@host/other"),
        ("postgresql://me@host/app", "postgresql://you@host/app"),
        ("postgresql://me@host/app", "postgresql://me@host:5433/app"),
        ("postgresql://me@host/app", "postgresql://me@host/app?options=-csearch_path%3Djobs"),
        ("sqlite:///jobs.db", "sqlite:////jobs.db"),
        ("sqlite:///jobs.db", "memory://"),
        ("sqlite:///app", "postgresql:///app"),
    ],
)
def test_other_databases_differ(one: str, other: str) -> None:
    assert not same_database(one, other)


def test_a_relative_path_is_the_one_in_the_current_directory() -> None:
    assert same_database("sqlite:///jobs.db", f"sqlite:///{Path.cwd() / 'jobs.db'}")
