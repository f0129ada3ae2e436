"""Errors in the words of the person who must act."""

from __future__ import annotations

import pytest
from pydantic import ValidationError, create_model

from soniq.backends.base import Unavailable
from soniq.cli.failures import CommandFailed, in_one_line
from soniq.errors import SONIQ_INIT_ERROR, SONIQ_SCHEMA_MISSING, SoniqError
from soniq.settings import SoniqSettings


def test_an_error_of_soniq_is_its_message_what_to_do_and_its_code() -> None:
    error = SoniqError(
        'Table "soniq_jobs" does not exist',
        SONIQ_SCHEMA_MISSING,
        {"table": "soniq_jobs"},
        ["Run `soniq setup`."],
    )

    assert in_one_line(error) == (
        'Table "soniq_jobs" does not exist. Run `soniq setup`. [SONIQ_SCHEMA_MISSING]'
    )


def test_a_failed_initialisation_tells_its_cause() -> None:
    error = SoniqError("Soniq could not start.", SONIQ_INIT_ERROR)
    error.__cause__ = ConnectionRefusedError("refused")

    assert "ConnectionRefusedError: refused" in in_one_line(error)


def test_a_cause_is_told_once() -> None:
    cause = SoniqError("The file is gone", SONIQ_SCHEMA_MISSING)
    error = SoniqError(f"Soniq could not start: {cause.message}", SONIQ_INIT_ERROR)
    error.__cause__ = cause

    assert in_one_line(error).count("The file is gone") == 1


def test_a_bad_setting_is_named_with_its_variable() -> None:
    with pytest.raises(ValidationError) as caught:
        SoniqSettings(concurrency=0)

    line = in_one_line(caught.value)

    assert line.startswith("Invalid settings: concurrency (SONIQ_CONCURRENCY): ")
    assert "greater than or equal to 1" in line


def test_another_model_that_does_not_fit_is_named() -> None:
    order = create_model("Order", amount=int)

    with pytest.raises(ValidationError) as caught:
        order.model_validate({"amount": "many"})

    assert in_one_line(caught.value).startswith("Invalid Order: amount: ")


@pytest.mark.parametrize("error", [Unavailable("gone"), ConnectionResetError("gone")])
def test_a_database_that_is_away_says_what_to_check(error: Exception) -> None:
    line = in_one_line(error)

    assert "gone" in line
    assert "SONIQ_DATABASE_URL" in line


def test_whatever_an_error_says_is_one_line() -> None:
    assert in_one_line(RuntimeError("one\n  two")) == "RuntimeError: one two"
    assert in_one_line(CommandFailed("one\ntwo", "detail")) == "one two"
