"""Whether this program traces and counts with OpenTelemetry.

Nobody switches it on here: it is on once the program has set up an SDK, for traces or for metrics,
before its app or worker starts. Soniq itself uses the API alone, and loads it only then.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from soniq.observability.otel import Telemetry


def telemetry() -> Telemetry | None:
    """What traces and counts; None where no SDK is set up."""
    if "opentelemetry.trace" not in sys.modules and "opentelemetry.metrics" not in sys.modules:
        return None
    from soniq.observability.otel import Telemetry, is_set_up

    return Telemetry() if is_set_up() else None
