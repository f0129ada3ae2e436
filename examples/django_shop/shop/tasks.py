"""The same with Django's own interface for tasks."""

from __future__ import annotations

from shop.models import Order

try:
    from django.tasks import task
except ImportError:
    from django_tasks import task


@task()
def count_orders(prefix: str) -> int:
    return Order.objects.filter(customer__startswith=prefix).count()


@task(priority=10)
async def greet(name: str) -> str:
    return f"hello {name}"


@task(takes_context=True)
def fail(context) -> None:
    raise ValueError(f"attempt {context.attempt} failed")
