"""Addresses of a Django project's databases, as Soniq takes them."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from psycopg.conninfo import conninfo_to_dict

from soniq.integrations.django import databases


@pytest.mark.parametrize("host", ["::1", "db.example", "/run/postgresql", ""])
def test_the_host_arrives(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    settings = {"NAME": "shop", "HOST": host, "PORT": "6432", "USER": "ann"}
    found = SimpleNamespace(vendor="postgresql", settings_dict=settings)
    monkeypatch.setattr(databases, "connections", {"default": found})
    told = conninfo_to_dict(databases.url_of("default"))
    assert (told.get("host", ""), told["port"], told["dbname"]) == (host, "6432", "shop")
