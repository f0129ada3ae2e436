"""A project as small as can be, on SQLite unless SHOP_DATABASE names a Postgres database."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

FOLDER = Path(os.environ.get("SHOP_FOLDER", Path(__file__).parent.parent))

SECRET_KEY = "only for this example"
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "shop.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

INSTALLED_APPS = ["shop", "soniq.integrations.django"]
# Django 6 has tasks of its own; before, they are in a package.
if importlib.util.find_spec("django.tasks") is None:
    INSTALLED_APPS.append("django_tasks")

if name := os.environ.get("SHOP_DATABASE"):
    DATABASES = {
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": name,
            "USER": os.environ.get("PGUSER", "postgres"),
            "HOST": os.environ.get("PGHOST", "127.0.0.1"),
            "PORT": os.environ.get("PGPORT", "5432"),
        }
    }
else:
    DATABASES = {
        "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "shop.sqlite3"}
    }

# Soniq takes the database from DATABASES, and anything else from here.
SONIQ = {"concurrency": 4}
TASKS = {
    "default": {
        "BACKEND": "soniq.integrations.django.tasks.SoniqBackend",
        "OPTIONS": {"max_retries": 1},
    }
}
