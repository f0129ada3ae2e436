"""A job in the transaction of an SQLAlchemy session: it exists if the order does.

Run it with: SONIQ_DATABASE_URL=postgresql://localhost/shop python examples/sqlalchemy_orders.py
"""

from __future__ import annotations

import asyncio
import os

from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from soniq import Soniq

URL = os.environ.get("SONIQ_DATABASE_URL", "postgresql://localhost/shop")

app = Soniq(URL)
engine = create_async_engine(URL.replace("postgresql://", "postgresql+asyncpg://"))


class Base(DeclarativeBase):
    pass


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer: Mapped[str]


@app.job()
async def send_receipt(customer: str) -> None:
    print(f"Receipt sent to {customer}")


async def order(customer: str, *, paid: bool) -> None:
    async with AsyncSession(engine) as session:
        session.add(Order(customer=customer))
        await app.enqueue(send_receipt, customer=customer, connection=session)
        if paid:
            await session.commit()
        else:
            await session.rollback()


async def main() -> None:
    async with app:
        await app.setup()
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.create_all)
        await order("Ada", paid=True)
        await order("Bob", paid=False)
        await app.run_worker(run_once=True)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(main())
