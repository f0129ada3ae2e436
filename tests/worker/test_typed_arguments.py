"""Arguments on their whole way: enqueued, stored, claimed, restored, and given to a handler."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum, IntEnum
from ipaddress import IPv4Address
from pathlib import Path, PurePosixPath
from typing import Any, Literal, NamedTuple
from uuid import UUID

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel, SecretBytes, SecretStr
from typing_extensions import TypedDict  # pydantic wants this one before Python 3.12

from soniq import Soniq, SoniqError
from soniq.backends.memory import MemoryBackend
from soniq.testing import drain


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Level(IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: int
    label: str = "origin"


class Pair(NamedTuple):
    left: int
    right: str


class Options(TypedDict):
    loud: bool
    since: date


class Address(BaseModel):
    street: str
    since: datetime
    tags: set[str]


class Account(BaseModel):
    address: Address
    pin: SecretStr


_characters = st.characters(exclude_characters="\x00", exclude_categories=["Cs"])
texts = st.text(_characters, max_size=20)
times = st.datetimes(timezones=st.just(UTC))
# What a database takes for numbers may have another spelling there: 1e+22 comes back as an integer
# where nothing says that it is a float.
plain_floats = st.floats(-1e6, 1e6, allow_subnormal=False).map(lambda number: round(number, 6))
plain = st.recursive(
    st.none() | st.booleans() | st.integers() | plain_floats | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
addresses = st.builds(Address, street=texts, since=times, tags=st.sets(texts, max_size=3))

Values = dict[str, tuple[Any, st.SearchStrategy[Any]]]
"""The type of each parameter, and what may be given for it."""

OPEN: Values = {
    "number": (int, st.integers()),
    "real": (float, st.floats(allow_nan=False, allow_infinity=False)),
    "text": (str, texts),
    "flag": (bool, st.booleans()),
    "nothing": (None, st.none()),
    "anything": (Any, plain),
    "loose_list": (list, st.lists(plain, max_size=3)),
    "loose_dict": (dict, st.dictionaries(texts, plain, max_size=3)),
    "maybe": (int | None, st.none() | st.integers()),
    "either": (UUID | int, st.uuids() | st.integers()),
    "when": (datetime, times),
    "naive": (datetime, st.datetimes()),
    "day": (date, st.dates()),
    "hour": (time, st.times()),
    "lasting": (timedelta, st.timedeltas(timedelta(days=-9999), timedelta(days=9999))),
    "key": (UUID, st.uuids()),
    "price": (Decimal, st.decimals(allow_nan=False, allow_infinity=False)),
    "colour": (Colour, st.sampled_from(Colour)),
    "level": (Level, st.sampled_from(Level)),
    "choice": (Literal["a", 1], st.sampled_from(["a", 1])),
    "data": (bytes, st.binary(max_size=20)),
    "point": (Point, st.builds(Point, x=st.integers(), label=texts)),
    "pair": (Pair, st.builds(Pair, left=st.integers(), right=texts)),
    "options": (Options, st.fixed_dictionaries({"loud": st.booleans(), "since": st.dates()})),
    "address": (Address, addresses),
    "numbers": (set[int], st.sets(st.integers(), max_size=4)),
    "frozen": (frozenset[str], st.frozensets(texts, max_size=4)),
    "couple": (tuple[int, str], st.tuples(st.integers(), texts)),
    "series": (tuple[date, ...], st.lists(st.dates(), max_size=3).map(tuple)),
    "keys": (list[UUID], st.lists(st.uuids(), max_size=3)),
    "by_name": (dict[str, datetime], st.dictionaries(texts, times, max_size=3)),
    "by_number": (dict[int, Colour], st.dictionaries(st.integers(), st.sampled_from(Colour))),
    "places": (list[Address], st.lists(addresses, max_size=2)),
    "path": (PurePosixPath, st.just(PurePosixPath("/a/b"))),
    "host": (IPv4Address, st.ip_addresses(v=4)),
}
SECRET: Values = {
    "secret": (SecretStr, texts.map(SecretStr)),
    "data_kept": (SecretBytes, st.binary(max_size=20).map(SecretBytes)),
    "account": (Account, st.builds(Account, address=addresses, pin=texts.map(SecretStr))),
}


def batches(values: Values) -> st.SearchStrategy[list[dict[str, Any]]]:
    row = st.fixed_dictionaries({name: given for name, (_, given) in values.items()})
    return st.lists(row, min_size=1, max_size=20)


def handler(values: Values, receive: Callable[[dict[str, Any]], None]) -> Callable[..., Any]:
    """A handler with a parameter for each of `values`, and the place of its row in the batch."""
    names = ", ".join(("place", *values))
    namespace: dict[str, Any] = {"receive": receive}
    exec(f"async def everything({names}): receive(dict(locals()))", namespace)
    function: Callable[..., Any] = namespace["everything"]
    function.__annotations__ = {"place": int} | {name: kind for name, (kind, _) in values.items()}
    return function


def assert_same(found: Any, given: Any) -> None:
    """Equal, and of the same types all the way down."""
    assert type(found) is type(given)
    if isinstance(given, BaseModel):
        assert_same(dict(found), dict(given))
    elif is_dataclass(given) and not isinstance(given, type):
        for field in fields(given):
            assert_same(getattr(found, field.name), getattr(given, field.name))
    elif isinstance(given, dict):
        assert found.keys() == given.keys()
        for key, value in given.items():
            assert_same(found[key], value)
    elif isinstance(given, list | tuple):
        assert len(found) == len(given)
        for one, other in zip(found, given, strict=True):
            assert_same(one, other)
    else:
        assert found == given


@pytest.fixture
def app(unopened_app: Soniq) -> Soniq:
    asyncio.run(unopened_app.setup())
    return unopened_app


@pytest.mark.parametrize("values", [OPEN, OPEN | SECRET], ids=["open", "with secrets"])
def test_every_supported_type_reaches_the_handler_as_it_was(app: Soniq, values: Values) -> None:
    received: dict[int, dict[str, Any]] = {}
    everything = app.job(name="typed.everything")(
        handler(values, lambda found: received.update({found.pop("place"): found}))
    )

    async def run(rows: list[dict[str, Any]]) -> None:
        await app.enqueue_many(everything, rows)
        await drain(app)

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(batches(values))
    def round_trip(batch: list[dict[str, Any]]) -> None:
        received.clear()
        asyncio.run(run([{"place": place, **row} for place, row in enumerate(batch)]))
        assert sorted(received) == list(range(len(batch)))
        for place, row in enumerate(batch):
            assert_same(received[place], row)

    round_trip()
    asyncio.run(app.close())


def test_every_supported_type_comes_back_as_a_result(app: Soniq) -> None:
    returned: dict[str, Any] = {}
    # A pure path is nothing that pydantic could write without being told its type.
    kinds = {name: kind for name, (kind, _) in OPEN.items() if name != "path"}

    @app.job(name="typed.give")
    async def give(name: str) -> Any:
        return returned[name]

    async def run() -> dict[str, Any]:
        ids = await app.enqueue_many(give, [{"name": name} for name in kinds])
        await drain(app)
        return {
            name: await app.get_result(job_id, result_model=kinds[name])
            for name, job_id in zip(kinds, ids, strict=True)
        }

    @settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.fixed_dictionaries({name: values for name, (_, values) in OPEN.items()}))
    def round_trip(values: dict[str, Any]) -> None:
        returned.update(values)
        found = asyncio.run(run())
        for name in kinds:
            assert_same(found[name], values[name])

    round_trip()
    asyncio.run(app.close())


# --- corruption ----------------------------------------------------------------------------------

FITTING: dict[str, Any] = {"point": {"x": 1}, "when": "2026-01-01T00:00:00Z"}
CORRUPT = {
    "not an object": "[1, 2]",
    "a text": '"point"',
    "null": "null",
    "nothing": "{}",
    "an argument too many": json.dumps({**FITTING, "more": 1}),
    "a wrong type": json.dumps({**FITTING, "when": "yesterday"}),
    "wrong inside": json.dumps({**FITTING, "point": {"x": "many"}}),
    "a null": json.dumps({**FITTING, "point": None}),
}


async def edit(app: Soniq, job_id: str, text: str) -> None:
    """Change stored arguments by hand."""
    backend = app.backend
    assert backend is not None
    if isinstance(backend, MemoryBackend):
        backend._store.jobs[job_id].args = text
    elif backend.name == "sqlite":
        connection = sqlite3.connect(backend.location)
        with connection:
            connection.execute("UPDATE soniq_jobs SET args = ? WHERE id = ?", (text, job_id))
        connection.close()
    else:
        server = await asyncpg.connect(app.settings.database_url)
        await server.execute("UPDATE soniq_jobs SET args = $1 WHERE id = $2::uuid", text, job_id)
        await server.close()


async def test_text_that_is_no_json_hides_nothing_else(tmp_path: Path) -> None:
    async with Soniq(tmp_path / "jobs.db") as app:

        @app.job(name="typed.corrupt")
        async def corrupt(number: int) -> None: ...

        ids = [await app.enqueue(corrupt, number=number) for number in range(3)]
        await edit(app, ids[0], "no json")
        await edit(app, ids[1], "")
        await drain(app)

        dead = await app.list_jobs(status="dead_letter")
        assert {job["id"]: (job["args"], job["dead_letter_reason"]) for job in dead} == {
            ids[0]: ("no json", "invalid_arguments"),
            ids[1]: ("", "invalid_arguments"),
        }
        assert await app.wait(ids[2]) is None


async def test_corrupt_stored_arguments_are_dead_letters_and_harm_no_others(
    unopened_app: Soniq,
) -> None:
    seen: list[datetime] = []

    async with unopened_app as app:
        await app.setup()

        @app.job(name="typed.corrupt")
        async def corrupt(point: Point, when: datetime) -> None:
            seen.append(when)

        ids = {}
        for name, text in CORRUPT.items():
            ids[name] = await app.enqueue(corrupt, **FITTING)
            await edit(app, ids[name], text)
        sound = await app.enqueue(corrupt, **FITTING)
        await drain(app)

        assert await app.wait(sound) is None
        assert len(seen) == 1
        for name, job_id in ids.items():
            job = await app.get_job(job_id)
            assert job is not None
            assert (job["status"], job["dead_letter_reason"]) == (
                "dead_letter",
                "invalid_arguments",
            ), name
            assert job["attempts"] == 1
            assert job["args"] == json.loads(CORRUPT[name])
        assert len(await app.list_jobs(status="dead_letter")) == len(CORRUPT)


async def test_no_secret_is_in_the_error_of_a_job_whose_arguments_fit_no_longer(
    unopened_app: Soniq, caplog: pytest.LogCaptureFixture
) -> None:
    async with unopened_app as app:
        await app.setup()

        @app.job(name="typed.login")
        async def login(user: str, password: int, **keys: SecretStr) -> None: ...

        job_id = await app.enqueue(login, user="u", password=1)
        await edit(app, job_id, '{"user": "u", "password": "hunter2", "key": ["hunter2"]}')
        await drain(app)

        job = await app.get_job(job_id)
        assert job is not None
        assert job["dead_letter_reason"] == "invalid_arguments"
        assert "password: its value does not fit" in (job["last_error"] or "")
        assert "hunter2" not in (job["last_error"] or "")
        assert "hunter2" not in caplog.text
        with pytest.raises(SoniqError) as refused:
            await app.enqueue(login, user="u", password="".join(("hunt", "er2")))  # noqa: FLY002
        assert "hunter2" not in "".join(traceback.format_exception(refused.value))
