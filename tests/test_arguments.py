from __future__ import annotations

import json
import traceback
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from ipaddress import IPv4Address
from pathlib import PurePosixPath
from typing import Annotated, Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import AfterValidator, BaseModel, Field, SecretBytes, SecretStr

from soniq.arguments import ArgumentCodec, InvalidArguments, dump_json, restore
from soniq.signature import read_signature


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


FAVOURITES = (Colour.RED, Colour.BLUE)


@dataclass
class Point:
    x: int
    label: str = "origin"


class Address(BaseModel):
    street: str
    since: date
    pin: SecretStr = SecretStr("0000")


class Reading(BaseModel):
    value: float | None


class Unknown:
    """Nothing pydantic could make anything of."""


def codec(function: Any, model: type[BaseModel] | None = None) -> ArgumentCodec:
    return ArgumentCodec(function, read_signature(function), model)


def round_trip(function: Any, **arguments: Any) -> dict[str, Any]:
    found = codec(function)
    return found.load(found.dump(arguments))


def refusal(function: Any, **arguments: Any) -> list[str]:
    with pytest.raises(InvalidArguments) as caught:
        codec(function).dump(arguments)
    return caught.value.errors


def plain(
    number: int, text: str = "", flag: bool = False, things: list[Any] | None = None
) -> list[Any]:
    """A handler of what JSON carries by itself."""
    return [number, text, flag, things]


def rich(
    when: datetime,
    lasting: timedelta,
    key: UUID,
    price: Decimal,
    colour: Colour,
    point: Point,
    address: Address,
    numbers: set[int],
    pair: tuple[int, str],
    data: bytes,
) -> list[Any]:
    """A handler of what JSON cannot carry."""
    return [when, lasting, key, price, colour, point, address, numbers, pair, data]


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"])), inner,
        max_size=3,
    ),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(st.text("abcxyz", min_size=1), json_values, max_size=4))
def test_plain_json_comes_back_as_it_was(arguments: dict[str, Any]) -> None:
    def anything(**values: Any) -> None: ...

    found = codec(anything)
    assert found.load(found.dump(arguments)) == arguments
    elsewhere = ArgumentCodec()
    assert elsewhere.load(elsewhere.dump(arguments)) == arguments


storable = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]))


@given(
    when=st.datetimes(timezones=st.just(UTC)),
    lasting=st.timedeltas(timedelta(days=-9999), timedelta(days=9999)),
    key=st.uuids(),
    price=st.decimals(allow_nan=False, allow_infinity=False),
    colour=st.sampled_from(FAVOURITES),
    point=st.builds(Point, x=st.integers(), label=storable),
    address=st.builds(Address, street=storable, since=st.dates(), pin=storable.map(SecretStr)),
    numbers=st.sets(st.integers()),
    pair=st.tuples(st.integers(), storable),
    data=st.binary(),
)
def test_what_json_cannot_carry_comes_back_as_it_was(**arguments: Any) -> None:
    assert round_trip(rich, **arguments) == arguments


def test_stored_is_what_the_caller_gave_without_defaults() -> None:
    assert json.loads(codec(plain).dump({"number": "42"})) == {"number": "42"}
    assert codec(plain).load('{"number": "42"}') == {"number": 42}


def test_validators_run_once_for_the_handler() -> None:
    def handler(number: Annotated[int, AfterValidator(lambda value: value + 1)]) -> None: ...

    assert round_trip(handler, number=1) == {"number": 2}


def test_dataclasses_are_restored_as_themselves() -> None:
    def handler(point: Point) -> int:
        return point.x

    assert handler(**round_trip(handler, point={"x": "3"})) == 3


def test_what_validation_uses_up_is_stored_whole() -> None:
    def handler(numbers: list[int]) -> None: ...

    assert round_trip(handler, numbers=(n for n in range(3))) == {"numbers": [0, 1, 2]}


def test_bytes_given_for_a_text_are_that_text() -> None:
    def handler(text: str) -> None: ...

    assert round_trip(handler, text=b"hello") == {"text": "hello"}


def test_secrets_are_stored_in_the_clear_and_restored() -> None:
    def handler(key: SecretStr, data: SecretBytes, address: Address) -> None: ...

    address = Address(street="A", since=date(2026, 1, 1), pin=SecretStr("1234"))
    given_ = {"key": SecretStr("hush"), "data": SecretBytes(b"\xff"), "address": address}
    text = codec(handler).dump(given_)
    assert "hush" in text
    restored = codec(handler).load(text)["address"]
    assert (restored.street, restored.pin.get_secret_value()) == ("A", "1234")
    assert "1234" in text
    assert codec(handler).load(text) == given_


def test_a_parameter_whose_default_is_none_accepts_none() -> None:
    def handler(count: int = None, when: datetime = None) -> None: ...  # type: ignore[assignment]  # noqa: RUF013

    assert round_trip(handler, count=None, when=None) == {"count": None, "when": None}


def test_annotations_nobody_can_resolve_take_plain_json() -> None:
    def handler(a: Missing, b: Unknown, c) -> None: ...  # type: ignore[no-untyped-def,name-defined]  # noqa: F821

    arguments = {"a": [1], "b": {"x": None}, "c": "text"}
    assert round_trip(handler, **arguments) == arguments
    assert "cannot be written as JSON" in refusal(handler, a=1, b=Unknown(), c=1)[0]


def test_a_type_defined_after_the_handler_is_found() -> None:
    assert round_trip(uses_late, value={"number": "3"}) == {"value": Late(number=3)}


def uses_late(value: Late) -> None: ...


class Late(BaseModel):
    number: int


def test_constraints_are_checked() -> None:
    def handler(count: Annotated[int, Field(gt=0)]) -> None: ...

    assert refusal(handler, count=0) == ["count: Input should be greater than 0"]


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({}, "number: required argument is missing"),
        ({"number": 1, "txet": ""}, "txet: the job takes no such argument; did you mean 'text'?"),
        ({"number": "x"}, "number: Input should be a valid integer"),
        ({"number": 1, "text": "a\x00b"}, "text: a NUL character"),
        ({"number": 1, "text": "\ud800"}, "text: a lone surrogate"),
        ({"number": 1, "things": [float("nan")]}, "things: NaN and infinities"),
        ({"number": 1, "things": [float("-inf")]}, "things: NaN and infinities"),
        ({"number": 1, "things": [object()]}, "things: it cannot be written as JSON"),
        ({"number": 1, "things": [{"a\x00": 1}]}, "things: a NUL character"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_name(arguments: dict[str, Any], error: str) -> None:
    assert refusal(plain, **arguments)[0].startswith(error)


def test_nan_is_refused_inside_a_model_too() -> None:
    def handler(reading: Reading) -> Reading:
        return reading

    assert "NaN" in refusal(handler, reading=Reading(value=float("nan")))[0]


def test_equal_sets_make_equal_texts() -> None:
    def handler(words: set[str]) -> None: ...

    words = [str(number) for number in range(50)]
    texts = {codec(handler).dump({"words": set(some)}) for some in (words, words[::-1])}
    assert len(texts) == 1
    assert codec(handler).load(texts.pop()) == {"words": set(words)}


class Tags(BaseModel):
    words: set[int] = Field(alias="Words")
    more: dict[str, Any] = {}


@dataclass
class Group:
    sets: list[frozenset[int]] = field(default_factory=list)


ONE, OTHER = {0, 8}, {8, 0}
"""Equal, but not in the order of their items."""


def of(numbers: set[int]) -> list[Any]:
    """Arguments with such a set in every place."""
    group = Group([frozenset(numbers)])
    tags = Tags(Words=numbers, more={"deep": (group, {"x": [numbers]})})
    return [[numbers], (1, numbers), {"a": {"b": numbers}}, tags, group, {5: [tags], "6": numbers}]


@pytest.mark.parametrize("place", range(len(of(ONE))))
@pytest.mark.parametrize("annotated", [True, False])
def test_equal_sets_make_equal_texts_wherever_they_are(place: int, annotated: bool) -> None:
    kinds = [
        list[set[int]], tuple[int, set[int]], dict[str, dict[str, set[int]]], Tags, Group,
        dict[Any, Any],
    ]  # fmt: skip

    def handler(value: Any) -> None: ...

    if annotated:
        handler.__annotations__["value"] = kinds[place]
    assert list(ONE) != list(OTHER)
    one, other = (
        codec(handler).dump({"value": of(numbers)[place]}, comparable=True)
        for numbers in (ONE, OTHER)
    )
    assert one == other
    assert "[0,8]" in one
    if annotated:
        restored = codec(handler).load(one)
        assert codec(handler).dump(restored, comparable=True) == one
        assert place in (3, 5) or restored == {"value": of(ONE)[place]}


def test_series_keep_their_order() -> None:
    def handler(value: Any, numbers: list[int]) -> None: ...

    arguments = {"value": [[2, 1], {"b": (3, 1), "a": {1}}], "numbers": [2, 1]}
    assert codec(handler).dump(arguments, comparable=True) == (
        '{"value":[[2,1],{"b":[3,1],"a":[1]}],"numbers":[2,1]}'
    )


def test_text_that_only_looks_suspicious_is_stored() -> None:
    arguments = {"number": 1, "text": "NaN Infinity \\u0000 **********", "things": [[]] * 300}
    assert round_trip(plain, **arguments) == arguments


@pytest.mark.parametrize(
    "number", [10**4300, -(10**4300), 10**4301, 10**140_000], ids=["1", "-1", "2", "huge"]
)
def test_numbers_too_long_to_be_read_again_are_refused(number: int) -> None:
    def handler(number: int, things: Any = None, price: Decimal | None = None) -> None: ...

    reason = "a number has more than 4300 digits"
    assert refusal(handler, number=number) == [f"number: {reason}"]
    assert refusal(plain, number=1, things=["x" * 10_000, {"deep": number}]) == [
        f"things: {reason}"
    ]
    assert refusal(handler, number=number, price=Decimal(1)) == [reason]
    with pytest.raises(ValueError, match="more than 4300 digits"):
        dump_json({"result": [number]})


def test_long_numbers_and_digits_that_are_no_number_are_stored() -> None:
    arguments = {"number": -(10**4299), "text": "1" * 20_000, "things": list(range(5000))}
    assert round_trip(plain, **arguments) == arguments


def test_a_circle_and_an_abyss_are_refused() -> None:
    circle: list[Any] = []
    circle.append(circle)
    abyss: list[Any] = []
    for _ in range(230):
        abyss = [abyss]
    assert "JSON" in refusal(plain, number=1, things=circle)[0]
    assert "nested too deeply" in refusal(plain, number=1, things=abyss)[0]


@pytest.mark.parametrize(
    "text", ["[1]", '"text"', "nonsense", '{"number": 1, "gone": 2}', '{"number": "x"}', "{}"]
)
def test_stored_arguments_that_fit_no_longer_are_refused(text: str) -> None:
    with pytest.raises(InvalidArguments):
        codec(plain).load(text)


def test_a_whole_number_stored_for_a_float_is_a_float_again() -> None:
    def handler(ratio: float) -> None: ...

    assert isinstance(codec(handler).load('{"ratio": 5}')["ratio"], float)


class Charge(BaseModel):
    amount: Decimal
    note: str = "none"


def charge(amount: Decimal, note: str) -> str:
    return f"{amount} {note}"


def test_a_model_checks_all_arguments_and_gives_its_fields() -> None:
    found = codec(charge, Charge)
    text = found.dump({"amount": "1.50"})
    assert json.loads(text) == {"amount": "1.50"}
    assert found.load(text) == {"amount": Decimal("1.50"), "note": "none"}


def test_what_the_model_refuses_is_refused() -> None:
    with pytest.raises(InvalidArguments, match="amount: Input should be a valid decimal"):
        codec(charge, Charge).dump({"amount": "much"})


def test_model_fields_the_handler_does_not_take_are_refused() -> None:
    def narrow(amount: Decimal) -> Decimal:
        return amount

    with pytest.raises(InvalidArguments, match="note: the job takes no such argument"):
        codec(narrow, Charge).dump({"amount": 1})


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ([1, 2], set[int]),
        ("_w==", bytes),
        ({"x": 1, "label": "a"}, Point),
        ({"amount": "1.5"}, Charge),
        (["red"], list[Colour]),
    ],
)
def test_results_are_restored_to_a_type(value: Any, kind: Any) -> None:
    restored = restore(value, kind)
    assert dump_json(restored)
    assert restored != value


def test_a_result_of_another_type_is_refused() -> None:
    with pytest.raises(ValueError, match="valid integer"):
        restore("x", int)


@pytest.mark.parametrize(
    "value",
    [Reading(value=float("nan")), [Reading(value=float("inf"))], {"x": float("nan")}, "\x00"],
)
def test_results_that_no_store_takes(value: Any) -> None:
    with pytest.raises(ValueError, match=r"NaN and infinities|NUL"):
        dump_json(value)


def test_results_with_nothing_in_them() -> None:
    assert dump_json([Reading(value=None), None]) == '[{"value":null},null]'


def test_other_keywords_are_of_their_type() -> None:
    def handler(name: str, **days: date) -> None: ...

    day = date(2026, 1, 1)
    assert round_trip(handler, name="n", start=day, end="2026-01-01") == {
        "name": "n", "start": day, "end": day,
    }  # fmt: skip
    assert refusal(handler, name="n", start="never")[0].startswith("start: Input should be a valid")
    with pytest.raises(InvalidArguments, match="end: Input should be a valid date"):
        codec(handler).load('{"name": "n", "end": "never"}')


def test_other_keywords_of_types_json_carries_are_checked_too() -> None:
    def handler(**counts: int) -> None: ...

    assert round_trip(handler, a=1, b="2") == {"a": 1, "b": 2}
    assert refusal(handler, a=[]) == ["a: Input should be a valid integer"]


class Key(StrEnum):
    NAME = "name"


class Shouting(str):
    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


def test_names_may_be_of_any_kind_of_text() -> None:
    def handler(name: int, **more: Any) -> None: ...

    given_names = {Key.NAME: "1", Shouting("other"): 2}
    assert codec(handler).dump(given_names) == '{"name":"1","other":2}'
    assert ArgumentCodec().dump(given_names) == '{"name":"1","other":2}'


def chosen(value: str) -> str:
    raise ValueError(f"{value} is no good")


class Entry(BaseModel):
    user: str
    pin: Annotated[str, AfterValidator(chosen)]


def test_what_is_secret_is_quoted_in_no_error() -> None:
    def handler(
        password: int = 0,
        options: dict[str, int] | None = None,
        entry: Entry | None = None,
        key: Annotated[SecretStr, Field(max_length=2)] | None = None,
        keys: dict[str, SecretStr] | None = None,
        **rest: SecretBytes,
    ) -> None: ...

    found = ArgumentCodec(handler, read_signature(handler), hidden=["PASSWORD", "PIN"])
    wrong: dict[str, Any] = {
        "password": "hunter2",
        "options": {"password": "hunter2"},
        "entry": {"user": "u", "pin": "hunter2"},
        "key": "hunter2",
        "keys": {"hunter2": 5},
        "more": 7,
    }
    for use in (lambda: found.dump(wrong), lambda: found.load(json.dumps(wrong))):
        with pytest.raises(InvalidArguments) as caught:
            use()
        assert caught.value.errors == [
            "password: its value does not fit (int_parsing)",
            "options: its value does not fit (int_parsing)",
            "entry: its value does not fit (value_error)",
            "key: its value does not fit (too_long)",
            "keys: its value does not fit (string_type)",
            "more: its value does not fit (bytes_type)",
        ]
        assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_no_value_is_in_the_traceback_of_a_refusal() -> None:
    with pytest.raises(InvalidArguments) as caught:
        codec(plain).load(json.dumps({"number": f"hunter-{2}"}))
    assert caught.value.errors[0].startswith("number: Input should be a valid integer")
    assert "hunter-2" not in "".join(traceback.format_exception(caught.value))


def test_names_must_be_text() -> None:
    with pytest.raises(InvalidArguments, match="must be text"):
        ArgumentCodec().dump({1: 2})  # type: ignore[dict-item]


def test_an_iterable_is_kept_whole() -> None:
    def handler(numbers: Iterable[int]) -> None: ...

    assert list(round_trip(handler, numbers=[1, 2])["numbers"]) == [1, 2]


def test_beside_a_secret_everything_is_stored_as_it_is_alone() -> None:
    def handler(secret: SecretStr, path: PurePosixPath, host: IPv4Address) -> None: ...

    given_values = {"path": PurePosixPath("/a"), "host": IPv4Address("10.0.0.1")}
    assert round_trip(handler, secret=SecretStr("s"), **given_values) == {
        "secret": SecretStr("s"),
        **given_values,
    }
