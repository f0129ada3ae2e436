"""Soniq in a Django project: ``INSTALLED_APPS += ["soniq.integrations.django"]``.

    from soniq.integrations.django import app, enqueue_on_commit

    @app.job()
    def send_receipt(order_id: int) -> None:
        ...

    enqueue_on_commit(send_receipt, order_id=order.pk)

`app` keeps its jobs in the project's own database and takes its settings from ``SONIQ``, a dict in
the project's settings: those of `soniq.Soniq` by name, and

- ``DATABASE``: which of ``DATABASES``; ``"default"`` if left out. Postgres is used as it is. Beside
  a SQLite file the jobs have a file of their own, since each has one writer at a time and a job
  enqueued in an open transaction would wait for it.
- ``SETUP_ON_MIGRATE``: whether ``manage.py migrate`` makes Soniq's tables too; it does by default.

Modules named ``jobs`` and ``tasks`` of all installed apps are imported at start, so that each
process knows every handler. ``manage.py soniq worker`` runs a worker, as ``soniq worker`` does
elsewhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soniq.integrations.django.transactions import connection, enqueue_on_commit

if TYPE_CHECKING:
    from soniq import Soniq

    app: Soniq

__all__ = ["app", "connection", "enqueue_on_commit"]


def __getattr__(name: str) -> Any:
    if name == "app":
        from soniq.integrations.django.instance import project_app

        return project_app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
