"""What the errors keep of what they are told, in their texts and on their ways."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from multiprocessing import get_context
from typing import Any

import pytest

from soniq import JobFailed, PermanentFailure, RetryAfter, SoniqError
from soniq.errors import MigrationError
from soniq.records import DeadLetterReason, JobStatus

SECRET = "postgresql://ann:hunter2@db/jobs"
SHOWN = "postgresql://ann:***@db/jobs"


class NoAccount(PermanentFailure):
    """As users write them: with a constructor of its own."""

    def __init__(self, account: int, *, bank: str) -> None:
        super().__init__(f"{bank} has no account {account}")
        self.account = account
        self.bank = bank


class TooBusy(RetryAfter):
    def __init__(self, host: str) -> None:
        super().__init__(timedelta(minutes=2), f"{host} is busy")
        self.host = host


class Refused(SoniqError):
    def __init__(self) -> None:
        super().__init__("No.", "MINE_REFUSED")


ERRORS: dict[str, Exception] = {
    "SoniqError": SoniqError("It broke.", "SONIQ_X", {"at": [1]}, ["Mend it."], "https://x.org/y"),
    "SoniqError, bare": SoniqError("It broke.", "SONIQ_X"),
    "MigrationError": MigrationError("0001_engine", "no space", {"database": "jobs"}),
    "PermanentFailure": PermanentFailure("never"),
    "RetryAfter": RetryAfter(timedelta(seconds=5), "later"),
    "JobFailed": JobFailed(DeadLetterReason.TIMEOUT, None, "1"),
    "a PermanentFailure of one's own": NoAccount(7, bank="ours"),
    "a RetryAfter of one's own": TooBusy("db"),
    "a SoniqError of one's own": Refused(),
}


def pickled(protocol: int) -> Callable[[Exception], Any]:
    return lambda error: pickle.loads(pickle.dumps(error, protocol))


WAYS: dict[str, Callable[[Exception], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{f"pickle {n}": pickled(n) for n in range(pickle.HIGHEST_PROTOCOL + 1)},
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ERRORS)
def test_an_error_goes_elsewhere_whole(name: str, way: str) -> None:
    error = ERRORS[name]
    error.__notes__ = ["seen twice"]

    other = WAYS[way](error)

    assert type(other) is type(error)
    assert other is not error
    assert str(other) == str(error)
    assert other.args == error.args
    assert vars(other) == vars(error)


def refuse() -> None:
    raise JobFailed(DeadLetterReason.TIMEOUT, "too slow", "1")


def test_an_error_comes_out_of_a_process_pool() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        failure = pool.submit(refuse).exception(timeout=60)
    assert isinstance(failure, JobFailed)
    assert failure.reason is DeadLetterReason.TIMEOUT
    assert (failure.error, failure.job_id) == ("too slow", "1")


def test_no_part_of_an_error_shows_a_password() -> None:
    context = {"url": SECRET, "tried": [SECRET, {"last": (SECRET, 5432)}], "status": JobStatus.DONE}

    error = SoniqError(f"{SECRET} is away", "SONIQ_X", context, [f"Ping {SECRET}"], SECRET)

    assert error.context == {
        "url": SHOWN,
        "tried": [SHOWN, {"last": (SHOWN, 5432)}],
        "status": JobStatus.DONE,
    }
    assert error.context["status"] is JobStatus.DONE
    assert error.suggestions == [f"Ping {SHOWN}"]
    assert "hunter2" not in repr(error) + str(error) + repr(vars(error))
    assert context["url"] == SECRET


def test_what_a_migration_met_shows_no_password() -> None:
    error = MigrationError("0001_engine", f"cannot reach {SECRET}", {"database": SECRET})
    assert "hunter2" not in repr(vars(error)) + str(error)
