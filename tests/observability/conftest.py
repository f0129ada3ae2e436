"""An application on each store."""

from __future__ import annotations

from tests.worker.conftest import make_app, store

__all__ = ["make_app", "store"]
