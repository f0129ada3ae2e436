"""Patience with a server that is held up, as the stores' own tests have it."""

from __future__ import annotations

from tests.backends.conftest import looks_at_will, patient_probe

__all__ = ["looks_at_will", "patient_probe"]
