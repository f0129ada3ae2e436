"""What ids, numbers of runs and the like may be."""

from __future__ import annotations

from uuid import UUID

import pytest

from soniq.limits import MOST_RETRIES, check_attempts, stored_id

ID = "0192aabb-ccdd-7eef-8123-456789abcdef"


@pytest.mark.parametrize(
    "spelt",
    [ID, ID.upper(), ID.replace("-", ""), f"{{{ID}}}", f"urn:uuid:{ID}", UUID(ID)],
    ids=["plain", "capitals", "no dashes", "braces", "urn", "UUID"],
)
def test_however_an_id_is_spelt_it_is_that_row(spelt: object) -> None:
    assert stored_id(spelt) == ID


@pytest.mark.parametrize("other", ["", "nonsense", ID[:-1], f" {ID}", "\ud800", 7, None])
def test_what_is_no_id_is_no_row(other: object) -> None:
    assert stored_id(other) is None


def test_a_job_runs_once_at_least_and_once_more_than_it_is_retried_at_most() -> None:
    for fine in (1, MOST_RETRIES + 1):
        assert check_attempts("max_attempts", fine) == fine
    for wrong in (0, -1, MOST_RETRIES + 2, 10**12, True, 1.0, "1", None):
        with pytest.raises(ValueError, match="max_attempts must be a whole number from 1 to"):
            check_attempts("max_attempts", wrong)
