"""What the shop stores."""

from __future__ import annotations

from django.db import models


class Order(models.Model):
    """An order, and its receipt once that was sent."""

    customer = models.CharField(max_length=100)
    receipt = models.TextField(default="")
