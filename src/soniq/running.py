"""What ``run_worker`` may be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from soniq.errors import SONIQ_POOL_TOO_SMALL, SoniqError
from soniq.limits import check_queue
from soniq.settings import SoniqSettings

_MOST_AT_A_TIME = 10000


def check_worker(concurrency: Any, queues: Any, settings: SoniqSettings) -> None:
    """Refuse what no worker can do.

    Raises:
        ValueError: concurrency out of bounds, or no queue to serve.
        TypeError: queues are no sequence of names.
        SoniqError: SONIQ_POOL_TOO_SMALL.
    """
    if concurrency is None:
        concurrency = settings.concurrency
    if (
        not isinstance(concurrency, int)
        or isinstance(concurrency, bool)
        or not 1 <= concurrency <= _MOST_AT_A_TIME
    ):
        raise ValueError(
            f"concurrency must be a whole number from 1 to {_MOST_AT_A_TIME}, got {concurrency!r}"
        )
    if queues is not None:
        _check_queues(queues)
    _check_pool(concurrency, settings)


def _check_queues(queues: Sequence[str]) -> None:
    if isinstance(queues, str) or not isinstance(queues, Sequence):
        raise TypeError(f"queues must be a list of names, got {queues!r}")
    if not queues:
        raise ValueError("queues must not be empty; leave it out to serve all queues")
    for queue in queues:
        check_queue(queue)


def _check_pool(concurrency: int, settings: SoniqSettings) -> None:
    size, headroom = settings.pool_max_size, settings.pool_headroom
    required = concurrency + headroom
    if size is None or required <= size:
        return
    raise SoniqError(
        f"Connection pool too small: {concurrency} jobs at a time and {headroom} connections of "
        f"headroom need {required}, and pool_max_size allows {size}",
        SONIQ_POOL_TOO_SMALL,
        {
            "concurrency": concurrency,
            "pool_headroom": headroom,
            "pool_max_size": size,
            "required_connections": required,
        },
        [
            f"Raise SONIQ_POOL_MAX_SIZE to {required} or more (unset, it is sized to fit).",
            f"Or lower concurrency to {max(size - headroom, 1)}.",
        ],
    )
