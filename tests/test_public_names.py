from __future__ import annotations

from types import ModuleType

import pytest

import soniq
import soniq.backends
import soniq.dead_letter
import soniq.errors
import soniq.plugins
import soniq.retry
import soniq.schedules
import soniq.settings
import soniq.testing

PROMISED = [
    (soniq, "Soniq SoniqError JobContext JobStatus Snooze PermanentFailure RetryAfter TaskRef"),
    (soniq, "JobFailed task_ref __version__"),
    (soniq, "every cron daily weekly monthly"),
    (soniq.schedules, "every cron daily weekly monthly"),
    (soniq.errors, "SoniqError MigrationError JobFailed PermanentFailure RetryAfter"),
    (soniq.retry, "RetryPolicy ExponentialBackoff"),
    (soniq.settings, "SoniqSettings"),
    (soniq.dead_letter, "DeadLetterService DeadLetterFilter DeadLetterJob DeadLetterStats"),
    (soniq.dead_letter, "DeadLetterReason"),
    (soniq.plugins, "Plugin Done Retry Snoozed Dead"),
    (soniq.testing, "MemoryBackend Clock make_app assert_enqueued drain wait_until"),
    (soniq.backends, "PostgresBackend SQLiteBackend MemoryBackend"),
]


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in PROMISED for name in names.split()]
)
def test_promised_names_are_there(module: ModuleType, name: str) -> None:
    assert getattr(module, name) is not None


@pytest.mark.parametrize("module", [soniq, soniq.backends])
def test_all_is_complete(module: ModuleType) -> None:
    public = {
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert public == set(module.__all__) - {"__version__"}


def test_there_is_no_global_app() -> None:
    assert not hasattr(soniq, "enqueue") or isinstance(soniq.enqueue, ModuleType)
    assert not isinstance(getattr(soniq, "job", None), type(soniq.task_ref))
