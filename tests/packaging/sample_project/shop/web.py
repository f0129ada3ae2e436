"""Frameworks: a FastAPI application whose orders and jobs are one transaction."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, FastAPI
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from shop.jobs import app, send_receipt
from soniq.dashboard import create_dashboard_app
from soniq.integrations.fastapi import lifespan
from soniq.integrations.sqlalchemy import to_driver_connection

engine = create_async_engine("postgresql+asyncpg://localhost/shop")
web = FastAPI(lifespan=lifespan(app, run_worker=True, queues=["mail"]))
web.mount("/jobs", create_dashboard_app(app))


async def open_session() -> AsyncIterator[AsyncSession]:
    async with AsyncSession(engine) as session, session.begin():
        yield session


@web.post("/orders")
async def order(
    order_id: int, session: Annotated[AsyncSession, Depends(open_session)]
) -> dict[str, str]:
    await to_driver_connection(session)
    send = send_receipt.options(connection=session)
    return {"job": await send.enqueue(order_id=order_id)}
