"""Patterns mean what Python's own do, also as regular expressions."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from hypothesis import given
from hypothesis import strategies as st

from soniq.globs import as_regex, matches

TEXT = st.text("ab-]^[!*?.\\$(){|é\n", max_size=8)


@given(glob=TEXT, name=TEXT)
def test_a_regex_says_the_same_as_its_glob(glob: str, name: str) -> None:
    # The end is where Postgres has it: not before a last line break.
    python = as_regex(glob).removesuffix("$") + r"\Z"
    expected = fnmatchcase(name, glob)

    assert (re.match(python, name, re.DOTALL) is not None) == expected
    assert matches(glob, name) == expected
