"""What happens when Django starts, and after it has migrated."""

from __future__ import annotations

from typing import Any

from asgiref.sync import async_to_sync
from django.apps import AppConfig
from django.db.models.signals import post_migrate
from django.utils.module_loading import autodiscover_modules

from soniq.integrations.django.instance import alias, options, project_app


class SoniqConfig(AppConfig):
    """Soniq as an installed app."""

    name = "soniq.integrations.django"
    label = "soniq"
    verbose_name = "Soniq"

    def ready(self) -> None:
        """Import every handler, and make the tables when Django makes its own."""
        autodiscover_modules("jobs", "tasks")
        post_migrate.connect(_set_up, sender=self)


def _set_up(*, using: str, verbosity: int = 1, **_: Any) -> None:
    if using != alias() or not options().get("SETUP_ON_MIGRATE", True):
        return
    applied = async_to_sync(project_app().setup)()
    if applied and verbosity:
        print(f"Soniq's tables: {applied} migrations applied")  # noqa: T201 - as migrate does
