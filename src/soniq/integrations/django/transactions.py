"""Enqueueing with the transaction that Django has open."""

from __future__ import annotations

from functools import partial
from typing import Any

from soniq.enqueue import AnyTarget


def enqueue_on_commit(target: AnyTarget, /, *, using: str | None = None, **options: Any) -> None:
    """Enqueue as soon as the open transaction has committed; at once where there is none.

    Between the commit and the enqueue the process may die, and the job with it: where that
    matters, enqueue with ``connection=connection()`` instead.

    Args:
        target: a handler, the name of a job, or a `TaskRef`.
        using: which of ``DATABASES`` the transaction is in; ``"default"`` if left out.
        options: what ``app.sync.enqueue`` takes.
    """
    from django.db import transaction

    from soniq.integrations.django.instance import project_app

    transaction.on_commit(
        partial(project_app().sync.enqueue, target, **options), using=using, robust=False
    )


def connection(using: str | None = None) -> Any:
    """The psycopg 3 connection that Django uses in this thread: for ``connection=``.

    Row and wake-up then belong to the open transaction::

        with transaction.atomic():
            order.save()
            app.sync.enqueue(send_receipt, order_id=order.pk, connection=connection())

    Args:
        using: which of ``DATABASES``; that of Soniq if left out.
    """
    from django.db import connections

    from soniq.integrations.django.instance import alias

    wrapper = connections[using or alias()]
    wrapper.ensure_connection()
    return wrapper.connection
