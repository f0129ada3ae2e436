from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Annotated, Any, Optional

import pytest

from soniq.job import JobContext
from soniq.signature import read_signature

if TYPE_CHECKING:
    from soniq.job import JobContext as Context


def test_parameters_of_a_handler() -> None:
    def handler(a: int, b: str = "", *args: int, c: float, d: int = 1, **rest: Any) -> Any:
        return a, b, args, c, d, rest

    found = read_signature(handler)
    assert [parameter.name for parameter in found.parameters] == ["a", "b", "c", "d"]
    assert found.required == {"a", "c"}
    assert found.rest is not None
    assert found.rest.name == "rest"
    assert found.context_parameter is None


def test_the_context_by_any_name() -> None:
    def first(anything: JobContext, a: int) -> None: ...
    def last(a: int, *, ctx: Optional[JobContext] = None) -> None: ...  # noqa: UP045
    def either(a: int, ctx: JobContext | None) -> None: ...
    def marked(a: int, ctx: typing.Annotated[JobContext, "note"]) -> None: ...
    def none(a: int, ctx: list[JobContext]) -> None: ...

    found = [read_signature(f).context_parameter for f in (first, last, either, marked, none)]
    assert found == ["anything", "ctx", "ctx", "ctx", None]


def annotated(annotation: Any, names: dict[str, Any]) -> Any:
    """A handler whose `ctx` is annotated so, in a module that knows these names."""
    elsewhere: dict[str, Any] = dict(names)
    exec("def handler(a, ctx): ...", elsewhere)
    elsewhere["handler"].__annotations__["ctx"] = annotation
    return elsewhere["handler"]


@pytest.mark.parametrize(
    ("text", "is_context"),
    [
        ("JobContext", True),
        ("soniq.JobContext", True),
        ("soniq.job.JobContext | None", True),
        ("None | JobContext", True),
        ("Optional[JobContext]", True),
        ("typing.Optional['JobContext']", True),
        ("'JobContext'", True),
        ("'JobContext' | None", True),
        ("Union[None, 'soniq.JobContext']", True),
        ("Annotated['JobContext', 'note']", True),
        ("Optional[t.Annotated[JobContext, Field(gt=1)]]", True),
        ("Annotated['JobContext | None', 'note']", True),
        ("JobContext | int", False),
        ("Annotated[int, JobContext]", False),
        ("", False),
        ("JobContext[", False),
        ("JobContexts", False),
        ("list[JobContext]", False),
        ("MyJobContext", False),
    ],
)
def test_the_context_as_text_nobody_can_resolve(text: str, is_context: bool) -> None:
    found = read_signature(annotated(text, {}))
    assert found.context_parameter == ("ctx" if is_context else None)


@pytest.mark.parametrize("defined", [True, False])
@pytest.mark.parametrize(
    "wrapped",
    [
        Optional["JobContext"],
        Annotated["JobContext", "note"],
        Optional[Annotated["JobContext", "note"]],  # noqa: UP045
        Annotated[Optional["JobContext"], "note"],
    ],
    ids=str,
)
def test_the_context_as_text_inside_a_type(wrapped: Any, defined: bool) -> None:
    names = {"JobContext": JobContext} if defined else {}
    assert read_signature(annotated(wrapped, names)).context_parameter == "ctx"


def test_another_name_for_the_type_inside_a_type_is_found_where_it_is_defined() -> None:
    wrapped = Optional["Other"]  # type: ignore[name-defined]  # noqa: F821
    assert read_signature(annotated(wrapped, {"Other": JobContext})).context_parameter == "ctx"
    assert read_signature(annotated(wrapped, {})).context_parameter is None
    listed = Optional[list["JobContext"]]  # noqa: UP045
    assert read_signature(annotated(listed, {"JobContext": JobContext})).context_parameter is None


def test_another_name_for_the_type_is_found_where_it_is_defined() -> None:
    def handler(context: Alias) -> None: ...

    assert read_signature(handler).context_parameter == "context"


Alias = JobContext


def test_a_name_for_type_checkers_only_is_told_by_its_text() -> None:
    def handler(context: Context) -> None: ...

    assert read_signature(handler).context_parameter is None


def test_two_contexts_are_refused() -> None:
    def handler(one: JobContext, two: JobContext) -> None: ...

    with pytest.raises(TypeError, match="asks for its JobContext twice: one, two"):
        read_signature(handler)
