"""The stores that documented behaviour is tested on."""

from __future__ import annotations

from tests.processes.conftest import store_url
from tests.worker.conftest import app, make_app, store

__all__ = ["app", "make_app", "store", "store_url"]
