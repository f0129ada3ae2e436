"""The Soniq instance of a Django project."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections

from soniq.app import Soniq
from soniq.backends.base import Backend
from soniq.backends.urls import backend_for
from soniq.integrations.django.databases import url_of
from soniq.registry import JobDefinition

_OURS: Final = ("DATABASE", "SETUP_ON_MIGRATE")


class DjangoSoniq(Soniq):
    """A Soniq on a database of the project, whose handlers on threads may use the ORM."""

    def _builder(self, backend: str | None) -> Callable[[], Backend]:
        if backend is not None or self._settings.database_url is not None:
            return super()._builder(backend)
        return _build

    def _database_url(self) -> str | None:
        return super()._database_url() or url_of(alias())

    def _prepared(self, definition: JobDefinition) -> JobDefinition:
        if definition.is_async:
            return definition
        handler = definition.function
        return replace(definition, function=_with_fresh_connections(handler), stands_for=handler)


def _build() -> Backend:
    """Late: Django's test runner gives the database another name after the instance was made."""
    return backend_for(None, url_of(alias()))()


def _with_fresh_connections(handler: Callable[..., Any]) -> Callable[..., Any]:
    """`handler` between what Django does before and after a request: each thread has connections of
    its own, and one that the server has closed must not be used by the next job."""

    @functools.wraps(handler)
    def run(*args: Any, **kwargs: Any) -> Any:
        close_old_connections()
        try:
            return handler(*args, **kwargs)
        finally:
            close_old_connections()

    return run


@cache
def project_app() -> Soniq:
    """The instance that the project's settings describe, the same at every call."""
    return DjangoSoniq(**{key: value for key, value in options().items() if key not in _OURS})


def options() -> dict[str, Any]:
    """What the project's settings say under ``SONIQ``."""
    return dict(getattr(settings, "SONIQ", {}))


def alias() -> str:
    """Which of ``DATABASES`` holds the jobs."""
    return str(options().get("DATABASE", "default"))
