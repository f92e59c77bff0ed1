"""A healthy loop, made once for all processes, and a copy of it for each test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.ops.gamedays.day import Day, healthy


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.getbasetemp()
    return healthy((base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "healthy")


@pytest.fixture
def day(home: Path, tmp_path: Path) -> Day:
    return Day(home, tmp_path / "loop")
