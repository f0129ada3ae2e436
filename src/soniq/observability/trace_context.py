"""A trace context as it is stored with a job: what the configured propagators write, as JSON.

By default these are the fields of W3C Trace Context and Baggage: ``traceparent``, ``tracestate``
and ``baggage``.
"""

from __future__ import annotations

from typing import Final

from opentelemetry import propagate
from opentelemetry.context import Context
from pydantic_core import from_json

from soniq.jsontext import dump_json
from soniq.logs import soniq_logger

_log = soniq_logger("soniq.telemetry")
_MOST: Final = 4096
"""Characters. With more, only what identifies the trace is stored."""
_IDENTIFYING: Final = ("traceparent", "tracestate")


def written() -> str | None:
    """The current context; None if there is nothing to carry."""
    fields: dict[str, str] = {}
    try:
        propagate.inject(fields)
    except Exception as error:  # noqa: BLE001 - a propagator of the program's own harms no job
        _log.warning("A propagator failed, and a job was enqueued without its trace: %r", error)
        return None
    text = _text(fields)
    if text is not None and len(text) > _MOST:
        text = _text({name: fields[name] for name in _IDENTIFYING if name in fields})
    return None if text is None or len(text) > _MOST else text


def _text(fields: dict[str, str]) -> str | None:
    try:
        return dump_json(fields) if fields else None
    except ValueError:
        # A propagator of the program's own wrote what no store can hold.
        return None


def read(text: str | None) -> Context:
    """The context that was written; an empty one for None, and for what cannot be read."""
    if text is None:
        return Context()
    try:
        fields = from_json(text)
    except ValueError:
        return Context()
    return propagate.extract(fields, Context()) if isinstance(fields, dict) else Context()
