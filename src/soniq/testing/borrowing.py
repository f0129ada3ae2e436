"""Letting the jobs of one app run on the store of another."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from soniq.app import Soniq
from soniq.backends.base import Backend
from soniq.registry import JobDefinition, JobRegistry
from soniq.testing.making import KEPT

# The fixture has a store of its own, and the names of plugins are no argument of `Soniq`.
_NOT_LENT: Final = {"database_url", "schema", "plugins"}


def find_app(where: str) -> Soniq:
    """The app that ``module:attr`` names; the attribute may have dots.

    Raises:
        ValueError: that is no such text, or what it names is no `Soniq`.
        ImportError, AttributeError: it names nothing.
    """
    module, colon, attribute = where.partition(":")
    if not (module and colon and attribute):
        raise ValueError(f'an app is named as "module:attr", got {where!r}')
    found: Any = importlib.import_module(module)
    for name in attribute.split("."):
        found = getattr(found, name)
    if not isinstance(found, Soniq):
        raise ValueError(  # noqa: TRY004 - the text is at fault
            f"{where} is {type(found).__qualname__}, not a Soniq"
        )
    return found


def on_behalf_of(app: Soniq, backend: Backend) -> Soniq:
    """An app on `backend` with the settings, jobs, schedules, hooks and middleware of `app`.

    Jobs that are defined on `app` later count too; what is defined on the new one stays there. The
    plugins of SONIQ_PLUGINS are installed in it as in every app; what they register there gives way
    to what they have registered in `app`, so that nothing is called twice.
    """
    given = app.settings.model_dump(exclude_unset=True, exclude=_NOT_LENT)
    settings = {"result_ttl": KEPT, **given}
    borrower = Soniq(backend=backend, retry_policy=app.retry_policy, **settings)
    borrower._registry = _Borrowed(app._registry)
    borrower._hooks = app._hooks.copy()
    borrower._middleware = list(app._middleware)
    borrower._declarations = app._declarations.copy()
    borrower._wire(backend)
    return borrower


class _Borrowed(JobRegistry):
    """Jobs of its own, and those of another registry."""

    def __init__(self, lender: JobRegistry) -> None:
        super().__init__()
        self._lender = lender

    def get(self, name: str) -> JobDefinition | None:
        return super().get(name) or self._lender.get(name)

    def of(self, function: Callable[..., Any]) -> JobDefinition | None:
        return super().of(function) or self._lender.of(function)

    def get_job(self, name: str) -> Any:
        return super().get_job(name) or self._lender.get_job(name)

    def names(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._lender.names(), *super().names())))


@contextmanager
def pointed(app: Soniq, backend: Backend) -> Iterator[None]:
    """Inside, `app` uses `backend`, whether it was open or closed before; then it is as it was."""
    before = dict(vars(app))
    app._wire(backend)
    try:
        yield
    finally:
        vars(app).update(before)
