"""SQLAlchemy sessions and connections, for transactional enqueue.

    async with AsyncSession(engine) as session, session.begin():
        session.add(order)
        await app.enqueue(send_receipt, order_id=order.id, connection=session)

``connection=`` takes the session itself; `to_driver_connection` is for code that wants what is
under it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from soniq.backends.postgres.callers import driver_connection

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession


async def to_driver_connection(obj: AsyncSession | AsyncConnection) -> Any:
    """The asyncpg or psycopg connection under an SQLAlchemy object, in its transaction.

    A transaction that SQLAlchemy has not begun yet is begun, as by any statement.

    Args:
        obj: an AsyncSession (or async_scoped_session) or an AsyncConnection.

    Raises:
        SoniqError: SONIQ_UNSUPPORTED_CONNECTION, its driver is neither asyncpg nor psycopg.
        ValueError: it is nothing of SQLAlchemy's.
    """
    driver = await driver_connection(obj)
    if driver is obj:
        raise ValueError(
            "Transactional enqueue: to_driver_connection takes an SQLAlchemy AsyncSession or "
            f"AsyncConnection, got {type(obj).__qualname__}"
        )
    return driver
