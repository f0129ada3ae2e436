"""The dashboard's own settings, which come from the environment only."""

from __future__ import annotations

from typing import Any

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from soniq.settings import CommaList


class DashboardSettings(BaseSettings):
    """``SONIQ_DASHBOARD_*``, from the environment or ``.env``.

    Attributes:
        api_key: what a visitor must know; None lets everybody look.
        write_enabled: whether those who know the key may change anything.
        allowed_origins: other origins whose pages may call the API.
    """

    model_config = SettingsConfigDict(
        env_prefix="SONIQ_DASHBOARD_",
        env_file=".env",
        env_file_encoding="utf-8",
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    api_key: str | None = Field(default=None, repr=False)
    write_enabled: bool = False
    allowed_origins: CommaList = ()

    @field_validator("allowed_origins")
    @classmethod
    def _as_browsers_write_them(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(origin.rstrip("/").lower() for origin in origins)

    @field_validator("api_key", "write_enabled", mode="before")
    @classmethod
    def _empty_is_unset(cls, value: Any, info: Any) -> Any:
        if isinstance(value, str):
            value = value.strip()
            return value or cls.model_fields[info.field_name].default
        return value
