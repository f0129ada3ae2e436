"""Requests that enqueue."""

from __future__ import annotations

from django.db import connections, transaction
from django.http import HttpRequest, HttpResponseBadRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from shop import tasks
from shop.jobs import send_receipt
from shop.models import Order
from soniq.integrations.django import app, connection, enqueue_on_commit


@csrf_exempt
def orders(request: HttpRequest):
    """Store an order and enqueue its receipt; both or neither."""
    try:
        with transaction.atomic():
            order = Order.objects.create(customer=request.POST["customer"])
            if connections["default"].vendor == "postgresql":
                # The job is a row of the same transaction.
                app.sync.enqueue(send_receipt, order_id=order.pk, connection=connection())
            else:
                enqueue_on_commit(send_receipt, order_id=order.pk)
            if request.POST.get("paid") == "no":
                raise ValueError("The order was not paid")
    except ValueError as error:
        return HttpResponseBadRequest(str(error))
    return JsonResponse({"id": order.pk})


def order(request: HttpRequest, pk: int):
    found = Order.objects.filter(pk=pk).first()
    return JsonResponse({"receipt": found.receipt if found else None})


@csrf_exempt
def reports(request: HttpRequest):
    """Enqueue one of Django's tasks."""
    wanted = getattr(tasks, request.POST["task"])
    arguments = request.POST.getlist("argument")
    return JsonResponse({"id": wanted.enqueue(*arguments).id})


def report(request: HttpRequest, result_id: str):
    result = tasks.count_orders.get_backend().get_result(result_id)
    return JsonResponse(
        {
            "status": result.status,
            "value": result.return_value if result.status == "SUCCESSFUL" else None,
            "errors": [error.exception_class_path for error in result.errors],
            "attempts": result.attempts,
        }
    )
