"""What the API offers, as data: routing, checks and the API's description are read from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter

from soniq.dashboard.desk import Desk
from soniq.dashboard.visitors import Visitor

Query = TypeVar("Query", bound=BaseModel)
Body = TypeVar("Body", bound=BaseModel)


class Nothing(BaseModel):
    """A request that says nothing more."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[Query, Body]):
    """A request, checked.

    Attributes:
        desk: what answers are made of.
        visitor: who asks.
        prefix: where the dashboard is mounted, "" at the root.
        query: the values of its query string.
        body: what was sent with it.
        path: the variable parts of its path.
    """

    desk: Desk
    visitor: Visitor
    prefix: str
    query: Query
    body: Body
    path: Mapping[str, str]


class Refused(Exception):
    """A request that is not fulfilled.

    Args:
        status: of the answer.
        detail: why, and what to do.
    """

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing the API does.

    Attributes:
        method, path: how it is asked for.
        call: does it; its first line of documentation says what that is.
        answer: the type of what it gives.
        query, body: what it takes.
        writes: whether only operators may ask.
        errors: other answers, by status: what they mean.
    """

    method: str
    path: str
    call: Callable[[Any], Awaitable[Any]]
    answer: Any
    query: type[BaseModel] = Nothing
    body: type[BaseModel] = Nothing
    writes: bool = False
    errors: Mapping[int, str] = field(default_factory=dict)

    @property
    def adapter(self) -> TypeAdapter[Any]:
        """Words the answers."""
        return TypeAdapter(self.answer)

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        lines = (self.call.__doc__ or "").strip().splitlines()
        return lines[0].rstrip(".") if lines else self.path
