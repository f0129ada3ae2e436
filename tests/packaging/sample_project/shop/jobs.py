"""Handlers of every form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_type

from pydantic import BaseModel, SecretStr

from soniq import JobContext, PermanentFailure, RetryAfter, Snooze, Soniq, daily, every
from soniq.retry import ExponentialBackoff

app = Soniq("memory://", retry_policy=ExponentialBackoff(), concurrency=8)


class Receipt(BaseModel):
    order_id: int
    total: float


@dataclass(frozen=True)
class Parcel:
    order_id: int
    packed_at: datetime


@app.job
async def send_receipt(order_id: int, total: float = 0.0) -> Receipt:
    return Receipt(order_id=order_id, total=total)


@app.job(queue="parcels", retries=5, retry_delay=[1, 2.5, timedelta(minutes=1)], timeout=30)
def pack(ctx: JobContext, order_id: int, *, note: str | None = None) -> Parcel:
    ctx.metrics.counter("packed")
    return Parcel(order_id, ctx.created_at)


@app.job(validate=Receipt, unique=True)
async def charge(order_id: int, total: float) -> Snooze | None:
    if total < 0:
        raise PermanentFailure("nothing to charge")
    if total > 1000:
        raise RetryAfter(timedelta(hours=1), "the bank is closed")
    return Snooze(60, "not yet") if total == 0 else None


@app.job(name="shop.log_in")
async def log_in(user: str, password: SecretStr) -> bool:
    return len(password.get_secret_value()) > len(user)


@app.periodic(cron=daily().at("07:30"), timezone="Europe/Berlin", catch_up="one")
async def report(ctx: JobContext) -> str:
    return ctx.job_id


@app.periodic(every=every(5).minutes(), queue="upkeep")
async def refresh() -> None: ...


async def called_directly(ctx: JobContext) -> None:
    """A decorated function keeps its signature and what it returns."""
    assert_type(await send_receipt(1), Receipt)
    assert_type(await send_receipt(order_id=1, total=2.0), Receipt)
    assert_type(pack(ctx, 1, note="fragile"), Parcel)
    assert_type(await charge(1, 2.0), Snooze | None)
    assert_type(await report(ctx), str)
    await refresh()
    assert_type(pack.__name__, str)
