"""Values that nobody should give, and some that somebody should."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from hypothesis import strategies as st

texts: Final = st.one_of(
    st.text(max_size=40),
    st.text(st.characters(), max_size=600),  # lone surrogates and NUL among them
    st.sampled_from(
        ["", " ", "\x00", "\ud800", "'; DROP TABLE soniq_jobs; --", "x" * 10_000, "%s"]
    ),
)
numbers: Final = st.one_of(
    st.integers(-5, 1100),
    st.integers(),
    st.floats(),
    st.sampled_from([0, -1, 1, 2**31, 2**63, 10**400, float("nan"), float("inf")]),
    st.booleans(),
)
times: Final = st.one_of(
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.timedeltas(),
    st.sampled_from([datetime.max.replace(tzinfo=UTC), timedelta.max, timedelta.min]),
)
json: Final = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
objects: Final = st.sampled_from(
    [object(), int, print, b"\xff\x00", {1, 2}, Decimal("NaN"), Decimal("1e999"), UUID(int=0), 1j]
)
anything: Final[st.SearchStrategy[Any]] = st.one_of(st.none(), texts, numbers, times, json, objects)
