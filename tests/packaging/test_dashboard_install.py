"""What works after ``pip install 'soniq[dashboard]'``, on a machine without Node."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest

from tests.packaging.packages import Environment
from tests.programs import Program

pytestmark = pytest.mark.long


def test_the_installed_dashboard_serves_its_page(
    with_dashboard: Environment, tmp_path: Path
) -> None:
    command = [str(with_dashboard.folder / "bin" / "soniq"), "dashboard", "--port", "0"]
    path: dict[str, str | None] = {"PATH": str(with_dashboard.folder / "bin"), "PYTHONPATH": None}
    database = {"SONIQ_DATABASE_URL": f"sqlite:///{tmp_path / 'shop.db'}"}
    with Program(command, env={**path, **database}, cwd=tmp_path) as program:
        address = program.line(r"Soniq Dashboard starting at (http://\S+)")[1]
        program.line("running on|started|startup complete")
        with httpx.Client(base_url=address, timeout=30) as client:
            assert client.get("/health").json()["status"] == "healthy"
            page = client.get("/")
            assert page.status_code == 200
            assets = re.findall(r'(?:src|href)="([^"]+)"', page.text)
            assert len(assets) >= 3
            assert [client.get(asset).status_code for asset in assets] == [200] * len(assets)
            assert client.get("/api/stats").json()["total"] == 0
