"""What the API offers, as data: routing, checks and the API's description are read from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, TypeAdapter

from soniq.dashboard.desk import Desk
from soniq.dashboard.visitors import Visitor

QueryT_co = TypeVar("QueryT_co", bound=BaseModel, covariant=True)
BodyT_co = TypeVar("BodyT_co", bound=BaseModel, covariant=True)


class Nothing(BaseModel):
    """A request that says nothing more."""


@dataclass(frozen=True, slots=True)
class Asked(Generic[QueryT_co, BodyT_co]):
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
    query: QueryT_co
    body: BodyT_co
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
        action: what it is in the record of what was done; None for one that only looks.
        errors: other answers, by status: what they mean.
    """

    method: str
    path: str
    call: Callable[[Any], Awaitable[Any]]
    answer: Any
    query: type[BaseModel] = Nothing
    body: type[BaseModel] = Nothing
    action: str | None = None
    errors: Mapping[int, str] = field(default_factory=dict)

    @property
    def writes(self) -> bool:
        """Whether only operators may ask."""
        return self.action is not None

    @property
    def adapter(self) -> TypeAdapter[Any]:
        """Words the answers."""
        return _adapter(self.answer)

    @property
    def summary(self) -> str:
        """What it does, in a line."""
        lines = (self.call.__doc__ or "").strip().splitlines()
        return lines[0].rstrip(".") if lines else self.path


@cache
def _adapter(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)
